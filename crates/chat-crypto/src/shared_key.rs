//! Protection by the network key alone.

use crate::protection::{Protected, Protection};

/// Protection by the network key alone: for machines, sensors and teaching.
///
/// The envelope is the only cipher. The content says who wrote it and nothing proves it.
///
/// # Security
/// **No forward secrecy**: whoever gets the network key reads everything that was ever sealed
/// under it. **No authentication among key holders**: each of them can write as anybody. Say so
/// wherever it is shown.
#[derive(Clone, Copy, Debug)]
pub struct SharedKey;

impl SharedKey {
    /// Puts a content under the shared key.
    pub fn protect(content: &[u8]) -> Protected {
        Protected::new(Protection::SharedKey, content)
    }
}
