//! What is kept of the directory: the last good record under each key.

use chat_crypto::{
    DeviceId, DirectoryEntry, DirectoryHead, Fingerprint, IdentityPublic, KeyPackageRecord,
};
use chat_store::{ReadTxn, StoreError, WriteTxn};
use serde::{Deserialize, Serialize};

use super::gossip::SeenHead;
use crate::error::StoredValueError;
use crate::handle::Handle;
use crate::hash::sha256;
use crate::history_row::{decode, encode};
use crate::namespace::Namespace;

/// The last good record under a key. All of it was verified before it was kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Kept {
    Entry(KeptEntry),
    KeyPackage(KeptKeyPackage),
}

/// An identity's entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptEntry {
    pub(crate) identity: [u8; 32],
    pub(super) changes: u32,
    pub(super) head: [u8; 32],
    /// The devices that it had and has no more.
    pub(crate) removed: Vec<[u8; 16]>,
    /// Whether another list of changes of the same identity was seen, of which neither continues the other.
    pub(crate) forked: bool,
    /// Whether its owner has said more than the directory shows, and that was told.
    pub(crate) withheld: bool,
    #[serde(with = "serde_bytes")]
    pub(crate) bytes: Vec<u8>,
}

/// A device's KeyPackage record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptKeyPackage {
    pub(crate) device: [u8; 16],
    pub(crate) identity: [u8; 32],
    /// The device's clock, milliseconds since 1970.
    pub(crate) made_at_ms: u64,
    #[serde(with = "serde_bytes")]
    pub(crate) bytes: Vec<u8>,
}

impl KeptEntry {
    pub(crate) fn new(entry: &DirectoryEntry) -> Self {
        let DirectoryHead { changes, hash: head } = entry.head();
        let (identity, bytes) = (*entry.identity().as_bytes(), entry.as_bytes().to_vec());
        let removed = entry.removed_devices().map(|id| *id.as_bytes()).collect();
        Self { identity, changes, head, removed, forked: false, withheld: false, bytes }
    }

    pub(crate) fn parse(&self, namespace: &Namespace) -> Result<DirectoryEntry, StoredValueError> {
        DirectoryEntry::parse(&self.bytes, namespace.as_str())
            .map_err(|_| StoredValueError::format())
    }

    /// The end of its list of changes.
    pub(crate) fn seen_head(&self) -> SeenHead {
        SeenHead::from(DirectoryHead { changes: self.changes, hash: self.head })
    }

    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        IdentityPublic::from_bytes(&self.identity).ok().map(|identity| identity.fingerprint())
    }

    /// Keeps it for a handle.
    pub(crate) fn put<E>(self, tx: &mut WriteTxn<'_>, handle: &Handle) -> Result<(), E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        let slot = Self::slot(&self.identity);
        Kept::Entry(self).put(tx, handle, &slot)
    }

    /// Where it is kept: whichever network key it was published under.
    fn slot(identity: &[u8; 32]) -> [u8; 16] {
        slot(&[b"entry", identity])
    }

    /// What is kept of an identity.
    pub(crate) fn of<E>(
        tx: &ReadTxn<'_>,
        handle: &Handle,
        identity: &[u8; 32],
    ) -> Result<Option<Self>, E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        match tx.directory_get(handle.as_str(), &Self::slot(identity))? {
            Some(row) => match decode(&row)? {
                Kept::Entry(entry) => Ok(Some(entry)),
                Kept::KeyPackage(_) => Ok(None),
            },
            None => Ok(None),
        }
    }
}

impl KeptKeyPackage {
    pub(crate) fn new(identity: [u8; 32], record: &KeyPackageRecord) -> Self {
        let (made_at_ms, bytes) = (record.made_at_ms(), record.as_bytes().to_vec());
        Self { device: *record.device_id().as_bytes(), identity, made_at_ms, bytes }
    }

    /// Keeps it for a handle.
    pub(crate) fn put<E>(self, tx: &mut WriteTxn<'_>, handle: &Handle) -> Result<(), E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        let slot = Self::slot((&self.identity, DeviceId::from_bytes(self.device)));
        Kept::KeyPackage(self).put(tx, handle, &slot)
    }

    fn slot((identity, device): (&[u8; 32], DeviceId)) -> [u8; 16] {
        slot(&[b"key package", identity, device.as_bytes()])
    }

    /// What is kept of a device of an identity.
    pub(crate) fn of<E>(
        tx: &ReadTxn<'_>,
        handle: &Handle,
        owner: (&[u8; 32], DeviceId),
    ) -> Result<Option<Self>, E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        match tx.directory_get(handle.as_str(), &Self::slot(owner))? {
            Some(row) => match decode(&row)? {
                Kept::KeyPackage(package) => Ok(Some(package)),
                Kept::Entry(_) => Ok(None),
            },
            None => Ok(None),
        }
    }
}

impl Kept {
    fn put<E>(&self, tx: &mut WriteTxn<'_>, handle: &Handle, slot: &[u8; 16]) -> Result<(), E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        Ok(tx.directory_put(handle.as_str(), slot, &encode(self)?)?)
    }
}

fn slot(parts: &[&[u8]]) -> [u8; 16] {
    let [slot, _] = *sha256(parts).as_chunks::<16>().0 else { return [0; 16] };
    slot
}

/// All that is kept of a handle.
#[derive(Default)]
pub(crate) struct KeptRecords {
    pub(crate) entries: Vec<KeptEntry>,
    pub(crate) key_packages: Vec<KeptKeyPackage>,
}

impl KeptRecords {
    pub(crate) fn of<E>(tx: &ReadTxn<'_>, handle: &Handle) -> Result<Self, E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        let mut records = Self::default();
        for row in tx.directory_of(handle.as_str())? {
            match decode(&row)? {
                Kept::Entry(entry) => records.entries.push(entry),
                Kept::KeyPackage(package) => records.key_packages.push(package),
            }
        }
        // Neither the log's order nor that of the store says who counts.
        records.entries.sort_by_key(|entry| entry.identity);
        records.key_packages.sort_by_key(|package| (package.identity, package.device));
        Ok(records)
    }

    /// The entry of one identity.
    pub(crate) fn entry(&self, identity: &[u8; 32]) -> Option<&KeptEntry> {
        self.entries.iter().find(|entry| entry.identity == *identity)
    }
}

/// Who else claims a handle in the directory, and whether the one who counts shows two faces there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rivals {
    pub(crate) others: Vec<Fingerprint>,
    pub(crate) forked: bool,
}

/// Looks for a handle's [`Rivals`].
///
/// * `pinned` - the identity that counts; without one, several are rivals of each other
pub(crate) fn rivals<E>(
    tx: &ReadTxn<'_>,
    handle: &Handle,
    pinned: Option<&[u8; 32]>,
) -> Result<Rivals, E>
where
    E: From<StoreError> + From<StoredValueError>,
{
    let entries = KeptRecords::of::<E>(tx, handle)?.entries;
    let counts = |entry: &KeptEntry| pinned.is_some_and(|pinned| entry.identity == *pinned);
    let forked = entries.iter().any(|entry| entry.forked && (pinned.is_none() || counts(entry)));
    if pinned.is_none() && entries.len() < 2 {
        return Ok(Rivals { others: Vec::new(), forked });
    }
    let others = entries.iter().filter(|entry| !counts(entry));
    Ok(Rivals { others: others.filter_map(KeptEntry::fingerprint).collect(), forked })
}
