//! An answer to a device that has asked its identity for something.
//!
//! ```text
//! lp(device certificate) | inbox key 32
//! ```

use chat_crypto::{DeviceCertificate, InboxKey};
use zeroize::Zeroizing;

use crate::wire::{Reader, Writer};

/// What makes a device one of an identity's. Secret: it opens the identity's inbox.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DeviceAnswer {
    /// For the device that has asked, by its identity.
    pub(crate) certificate: Vec<u8>,
    seed: Zeroizing<[u8; InboxKey::LEN]>,
}

impl DeviceAnswer {
    pub(crate) fn new(certificate: &DeviceCertificate, inbox_key: &InboxKey) -> Self {
        let seed = Zeroizing::new(*inbox_key.expose_bytes());
        Self { certificate: certificate.as_bytes().to_vec(), seed }
    }

    /// What opens the identity's inbox.
    pub(crate) fn inbox_key(&self) -> InboxKey {
        InboxKey::from_bytes(&self.seed)
    }

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(2 + self.certificate.len() + self.seed.len());
        writer.lp(&self.certificate).raw(&*self.seed);
        writer.finish()
    }

    /// Parses an answer and nothing behind it, or names what is wrong.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut reader = Reader::new(bytes);
        let certificate = reader.lp().filter(|bytes| bytes.len() <= DeviceCertificate::MAX_LEN);
        let certificate = certificate.ok_or("certificate")?.to_vec();
        let seed = Zeroizing::new(reader.array().ok_or("inbox key")?);
        reader.is_empty().then_some(()).ok_or("end")?;
        Ok(Self { certificate, seed })
    }
}

impl std::fmt::Debug for DeviceAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceAnswer([redacted])")
    }
}
