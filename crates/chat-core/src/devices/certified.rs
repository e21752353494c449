//! What the device that holds the identity's secret has decided about the others.

use chat_crypto::{DeviceCertificate, DeviceId, InboxPublic};
use serde::{Deserialize, Serialize};

use crate::meta_row::MetaRow;
use crate::mutant::{Mutant, breaks};
use crate::namespace::Namespace;

/// The devices that were certified here, and those that were removed. The entry follows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Certified {
    pub(crate) devices: Vec<CertifiedDevice>,
    /// Ids that are to be taken out of the entry.
    pub(crate) removed: Vec<[u8; 16]>,
    /// Whether the entry is to show the inbox key that is here now.
    pub(crate) rotates: bool,
}

/// A device that was certified here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CertifiedDevice {
    #[serde(with = "serde_bytes")]
    certificate: Vec<u8>,
    /// What a new key of the inbox is sealed to.
    #[serde(with = "serde_bytes")]
    inbox_key: Vec<u8>,
    /// What its owner calls it.
    pub(crate) label: String,
    /// When it was certified: our clock, milliseconds since 1970.
    pub(crate) since_ms: i64,
    /// The offer that it has taken: the public half of its code's secret.
    pub(crate) offer: [u8; 32],
}

impl MetaRow for Certified {
    const NAME: &'static str = "certified devices";
}

impl Certified {
    /// The certificates of this network's devices.
    pub(crate) fn certificates(&self, namespace: &Namespace) -> Vec<DeviceCertificate> {
        self.devices.iter().filter_map(|device| device.certificate(namespace)).collect()
    }

    /// A device is one of ours no more.
    pub(crate) fn remove(&mut self, id: DeviceId, namespace: &Namespace) {
        let is_it = |device: &CertifiedDevice| {
            device.certificate(namespace).is_some_and(|one| one.device_id() == id)
        };
        self.devices.retain(|device| !is_it(device));
        self.removed.push(*id.as_bytes());
        self.rotates = !breaks(Mutant::KeepInboxKey);
    }

    /// What a device is called.
    pub(crate) fn label(&self, id: DeviceId, namespace: &Namespace) -> Option<&str> {
        let is_it = |device: &&CertifiedDevice| {
            device.certificate(namespace).is_some_and(|one| one.device_id() == id)
        };
        self.devices.iter().find(is_it).map(|device| device.label.as_str())
    }
}

impl CertifiedDevice {
    pub(crate) fn new(
        certificate: &DeviceCertificate,
        (inbox_key, label): (&InboxPublic, &str),
        (offer, since_ms): ([u8; 32], i64),
    ) -> Self {
        let (certificate, inbox_key) =
            (certificate.as_bytes().to_vec(), inbox_key.as_bytes().to_vec());
        Self { certificate, inbox_key, label: label.to_owned(), since_ms, offer }
    }

    pub(crate) fn certificate(&self, namespace: &Namespace) -> Option<DeviceCertificate> {
        DeviceCertificate::parse(&self.certificate, namespace.as_str()).ok()
    }

    pub(crate) fn inbox_key(&self) -> Option<InboxPublic> {
        InboxPublic::from_bytes(&self.inbox_key).ok()
    }
}
