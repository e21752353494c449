//! The keys of the network, for somebody who lacks the newest one.
//!
//! ```text
//! 1 to 3 times, the newest first: number u32 | key 32
//! ```

use zeroize::Zeroizing;

use crate::network::keys::{KeyGeneration, NetworkKeys, decode_all};

/// The keys of the network, for somebody who lacks the newest one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OfferedKeys {
    pub(crate) keys: Vec<KeyGeneration>,
}

impl OfferedKeys {
    pub(crate) fn new(keys: &NetworkKeys) -> Self {
        Self { keys: keys.iter().cloned().collect() }
    }

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut all = Zeroizing::new(Vec::with_capacity(KeyGeneration::LEN * self.keys.len()));
        self.keys.iter().for_each(|one| all.extend_from_slice(&one.encode()));
        all
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let keys = decode_all(bytes).filter(|keys| keys.len() <= NetworkKeys::MOST);
        Ok(Self { keys: keys.ok_or("keys")? })
    }
}

impl std::fmt::Debug for OfferedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { keys } = self;
        write!(f, "OfferedKeys({} keys)", keys.len())
    }
}
