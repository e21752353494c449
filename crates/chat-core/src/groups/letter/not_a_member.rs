//! An answer to a request to be put back: whoever asks is no member of the group.
//!
//! ```text
//! group id 16 | made at u64, of the request
//! ```

use chat_crypto::mls::GroupId;
use zeroize::Zeroizing;

use crate::wire::{Reader, Writer};

/// That whoever has asked to be put back is no member of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotAMember {
    pub(crate) group: GroupId,
    /// Which request it answers: when that was made.
    pub(crate) made_at_ms: i64,
}

impl NotAMember {
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(24);
        writer.raw(self.group.as_bytes()).u64(self.made_at_ms.cast_unsigned());
        writer.finish()
    }

    /// Parses an answer and nothing behind it, or names what is wrong.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut reader = Reader::new(bytes);
        let group = GroupId::from_bytes(reader.array().ok_or("group id")?);
        let made_at_ms = reader.u64().ok_or("time")?.cast_signed();
        reader.is_empty().then_some(()).ok_or("end")?;
        Ok(Self { group, made_at_ms })
    }
}
