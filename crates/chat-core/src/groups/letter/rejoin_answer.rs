//! An answer to a request to be put back, where nothing is to be done.
//!
//! ```text
//! group id 16 | made at u64, of the request | what u8
//! ```

use chat_crypto::mls::GroupId;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::wire::{Reader, Writer};

/// An answer to a request to be put back, where nothing is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RejoinAnswer {
    pub(crate) group: GroupId,
    /// Which request it answers: when that was made.
    pub(crate) made_at_ms: i64,
    pub(crate) finding: Finding,
}

/// How whoever asks stands in the group; the numbers are on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Finding {
    /// They are no member.
    NotAMember = 1,
    /// They have missed nothing.
    InStep = 2,
}

impl RejoinAnswer {
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(25);
        writer
            .raw(self.group.as_bytes())
            .u64(self.made_at_ms.cast_unsigned())
            .u8(self.finding as u8);
        writer.finish()
    }

    /// Parses an answer and nothing behind it, or names what is wrong.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut reader = Reader::new(bytes);
        let group = GroupId::from_bytes(reader.array().ok_or("group id")?);
        let made_at_ms = reader.u64().ok_or("time")?.cast_signed();
        let finding = match reader.u8().ok_or("finding")? {
            1 => Finding::NotAMember,
            2 => Finding::InStep,
            _ => return Err("finding"),
        };
        reader.is_empty().then_some(()).ok_or("end")?;
        Ok(Self { group, made_at_ms, finding })
    }
}
