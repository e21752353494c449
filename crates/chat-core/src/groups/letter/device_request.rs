//! A request of a device to be one of an identity's, or for the identity's inbox key.
//!
//! ```text
//! inbox key 1216 | lp(label)
//! ```
//! Whoever is not certified yet signs with a certificate of the identity that its offer holds the secret of.

use chat_crypto::InboxPublic;
use zeroize::Zeroizing;

use crate::remote_text::RemoteText;
use crate::wire::{Reader, Writer};

/// What a device asks its identity for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DeviceRequest {
    /// What the answer is to be sealed to.
    pub(crate) inbox_key: InboxPublic,
    /// What its owner calls the device.
    pub(crate) label: RemoteText,
}

impl DeviceRequest {
    /// The longest label, in bytes.
    pub(crate) const MAX_LABEL: usize = 64;

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let label = self.label.expose().as_bytes();
        let mut writer = Writer::with_capacity(InboxPublic::LEN + 2 + label.len());
        writer.raw(self.inbox_key.as_bytes()).lp(label);
        writer.finish()
    }

    /// Parses a request and nothing behind it, or names what is wrong.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut reader = Reader::new(bytes);
        let inbox_key = reader.take(InboxPublic::LEN).ok_or("inbox key")?;
        let inbox_key = InboxPublic::from_bytes(inbox_key).map_err(|_| "inbox key")?;
        let label = reader.lp_str().filter(|label| label.len() <= Self::MAX_LABEL);
        let label = RemoteText::new(label.ok_or("label")?);
        reader.is_empty().then_some(()).ok_or("end")?;
        Ok(Self { inbox_key, label })
    }
}

impl std::fmt::Debug for DeviceRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { inbox_key: _, label } = self;
        write!(f, "DeviceRequest({} bytes of label)", label.expose().len())
    }
}
