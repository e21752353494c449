//! An answer to a device that has asked its identity for something.
//!
//! ```text
//! lp(device certificate) | inbox key 32 | network keys
//! network keys = nothing, or as in [`OfferedKeys`](super::OfferedKeys), where the network has more than its first
//! ```

use chat_crypto::{DeviceCertificate, InboxKey};
use zeroize::Zeroizing;

use crate::network::keys::{KeyGeneration, NetworkKeys, decode_all};
use crate::wire::{Reader, Writer};

/// What makes a device one of an identity's. Secret: it opens the identity's inbox.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DeviceAnswer {
    /// For the device that has asked, by its identity.
    pub(crate) certificate: Vec<u8>,
    seed: Zeroizing<[u8; InboxKey::LEN]>,
    /// The keys of the network; none where it has its first alone.
    pub(crate) keys: Vec<KeyGeneration>,
}

impl DeviceAnswer {
    pub(crate) fn new(certificate: &DeviceCertificate, inbox_key: &InboxKey) -> Self {
        let seed = Zeroizing::new(*inbox_key.expose_bytes());
        Self { certificate: certificate.as_bytes().to_vec(), seed, keys: Vec::new() }
    }

    /// The answer, with the keys of the network, which may have changed since the device was given a code.
    pub(crate) fn with_keys(self, keys: &NetworkKeys) -> Self {
        let is_first = keys.newest().made_ms == 0 && keys.older().is_empty();
        let keys = if is_first { Vec::new() } else { keys.iter().cloned().collect() };
        Self { keys, ..self }
    }

    /// What opens the identity's inbox.
    pub(crate) fn inbox_key(&self) -> InboxKey {
        InboxKey::from_bytes(&self.seed)
    }

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(2 + self.certificate.len() + self.seed.len());
        writer.lp(&self.certificate).raw(&*self.seed);
        self.keys.iter().for_each(|one| {
            writer.raw(&one.encode());
        });
        writer.finish()
    }

    /// Parses an answer and nothing behind it, or names what is wrong.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut reader = Reader::new(bytes);
        let certificate = reader.lp().filter(|bytes| bytes.len() <= DeviceCertificate::MAX_LEN);
        let certificate = certificate.ok_or("certificate")?.to_vec();
        let seed = Zeroizing::new(reader.array().ok_or("inbox key")?);
        let keys = match reader.rest() {
            [] => Vec::new(),
            keys => decode_all(keys).ok_or("network keys")?,
        };
        if keys.len() > NetworkKeys::MOST {
            return Err("network keys");
        }
        Ok(Self { certificate, seed, keys })
    }
}

impl std::fmt::Debug for DeviceAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceAnswer([redacted])")
    }
}
