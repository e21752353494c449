//! A request to be put back into a group.
//!
//! ```text
//! group id 16 | why u8 | epoch u64 | state 32 | made at u64 | wish 68 | inbox key 1216 | length u32 | KeyPackage
//! ```
//! The wish is a [`Return`] for this KeyPackage: it lets members who are no admins do it, as long as it is of the leaf
//! that the group has. Keys come with it: what the directory holds may be those of the copy that was lost.

use chat_crypto::mls::{GroupId, Return};
use chat_crypto::{InboxPublic, KeyPackageRecord};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::wire::{Reader, Writer};

/// What it takes to put somebody's device back into a group.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RejoinRequest {
    pub(crate) group: GroupId,
    pub(crate) why: RejoinReason,
    /// The newest epoch that the device knows; before anything came into doubt.
    pub(crate) epoch: u64,
    /// What tells the epoch that it is in now from all others, as [`Roster::state`](crate::groups::Roster::state) has it.
    pub(crate) state: [u8; 32],
    /// The device's clock, milliseconds since 1970.
    pub(crate) made_at_ms: i64,
    /// Signed for the leaf as the device knows it.
    pub(crate) wish: Return,
    /// What its invitation is to be sealed to.
    pub(crate) inbox_key: InboxPublic,
    pub(crate) key_package: Vec<u8>,
}

/// Why a device asks to be put back; the numbers are on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RejoinReason {
    /// Its data is a restored copy: another one may have used its keys.
    Restored = 1,
    /// Records are gone that it has not read.
    OutOfStep = 2,
}

impl RejoinRequest {
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(140 + InboxPublic::LEN + self.key_package.len());
        writer
            .raw(self.group.as_bytes())
            .u8(self.why as u8)
            .u64(self.epoch)
            .raw(&self.state)
            .u64(self.made_at_ms.cast_unsigned())
            .raw(&self.wish.to_bytes())
            .raw(self.inbox_key.as_bytes())
            .u32(u32::try_from(self.key_package.len()).unwrap_or(u32::MAX))
            .raw(&self.key_package);
        writer.finish()
    }

    /// Parses a request and nothing behind it, or names what is wrong.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut reader = Reader::new(bytes);
        let group = GroupId::from_bytes(reader.array().ok_or("group id")?);
        let why = match reader.u8().ok_or("reason")? {
            1 => RejoinReason::Restored,
            2 => RejoinReason::OutOfStep,
            _ => return Err("reason"),
        };
        let epoch = reader.u64().ok_or("epoch")?;
        let state = reader.array().ok_or("state")?;
        let made_at_ms = reader.u64().ok_or("time")?.cast_signed();
        let wish = Return::from_bytes(&reader.array().ok_or("wish")?);
        let inbox_key = reader.take(InboxPublic::LEN).ok_or("inbox key")?;
        let inbox_key = InboxPublic::from_bytes(inbox_key).map_err(|_| "inbox key")?;
        let len = reader.u32().and_then(|len| usize::try_from(len).ok());
        let len = len
            .filter(|len| (1..=KeyPackageRecord::MAX_KEY_PACKAGE).contains(len))
            .ok_or("KeyPackage")?;
        let key_package = reader.take(len).ok_or("KeyPackage")?.to_vec();
        reader.is_empty().then_some(()).ok_or("end")?;
        Ok(Self { group, why, epoch, state, made_at_ms, wish, inbox_key, key_package })
    }
}

impl std::fmt::Debug for RejoinRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { group, why, epoch, key_package, .. } = self;
        write!(f, "RejoinRequest({group:?}, {why:?}, epoch {epoch}, {} bytes)", key_package.len())
    }
}
