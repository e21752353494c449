//! What somebody has published, and which identity of several it is.

use chat_crypto::{
    DeviceCertificate, DeviceId, DirectoryEntry, DirectoryHead, Fingerprint, IdentityPublic,
    InboxPublic, KeyPackageRecord,
};
use chat_store::{ReadTxn, StoreError, WriteTxn};

use super::kept::{KeptEntry, KeptRecords};
use crate::devices::RemovedDevices;
use crate::error::{DirectoryError, StoredValueError};
use crate::handle::Handle;
use crate::mutant::{Mutant, breaks};
use crate::namespace::Namespace;

/// What the identity that counts for a handle has published: verified as said by that identity.
///
/// Whether it is too old is for whoever invites to judge: [`valid_until_ms`](Self::valid_until_ms), and the age of
/// the KeyPackages.
#[derive(Clone, Debug)]
pub struct Published {
    pub(crate) identity: IdentityPublic,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests tell lists of changes apart by it"))]
    pub(crate) head: DirectoryHead,
    pub(crate) inbox_key: InboxPublic,
    pub(crate) devices: Vec<DeviceCertificate>,
    /// At most one of each device. The KeyPackage in it is still to be checked, against the device as well.
    pub(crate) key_packages: Vec<KeyPackageRecord>,
    valid_until_ms: u64,
    others: Vec<Fingerprint>,
    forked: bool,
}

impl Published {
    /// Whose it is.
    pub fn fingerprint(&self) -> Fingerprint {
        self.identity.fingerprint()
    }

    /// Until when the entry is valid by its owner's word, milliseconds since 1970.
    pub fn valid_until_ms(&self) -> u64 {
        self.valid_until_ms
    }

    /// The names of the devices, 32 hex digits each.
    pub fn devices(&self) -> Vec<String> {
        self.devices.iter().map(|device| device.device_id().to_string()).collect()
    }

    /// When the youngest KeyPackage was made by its device's word, milliseconds since 1970; `None` if there is none.
    pub fn key_package_made_at_ms(&self) -> Option<u64> {
        self.key_packages.iter().map(KeyPackageRecord::made_at_ms).max()
    }

    /// Other identities that claim the handle.
    pub fn others(&self) -> &[Fingerprint] {
        &self.others
    }

    /// Whether the directory has shown two faces of this identity.
    pub fn is_forked(&self) -> bool {
        self.forked
    }
}

/// The inbox key that an identity has published under a handle, whether or not it is the one that counts.
pub(crate) fn inbox_key_of<E>(
    tx: &ReadTxn<'_>,
    namespace: &Namespace,
    (handle, identity): (&Handle, &[u8; 32]),
) -> Result<Option<InboxPublic>, E>
where
    E: From<StoreError> + From<StoredValueError>,
{
    let records = KeptRecords::of::<E>(tx, handle)?;
    let Some(kept) = records.entry(identity) else { return Ok(None) };
    Ok(InboxPublic::from_bytes(kept.parse(namespace)?.inbox_key()).ok())
}

/// Whether an identity has removed a device, by what is known of its entry.
pub(crate) fn has_removed<E>(
    tx: &ReadTxn<'_>,
    (handle, identity): (&Handle, &[u8; 32]),
    device: DeviceId,
) -> Result<bool, E>
where
    E: From<StoreError> + From<StoredValueError>,
{
    let records = KeptRecords::of::<E>(tx, handle)?;
    Ok(records.entry(identity).is_some_and(|kept| kept.removed.contains(device.as_bytes())))
}

/// An identity counts from now on: what it has removed is put out of groups.
pub(crate) fn note_removed<E>(
    tx: &mut WriteTxn<'_>,
    (handle, identity): (&Handle, &[u8; 32]),
) -> Result<(), E>
where
    E: From<StoreError> + From<StoredValueError>,
{
    let records = KeptRecords::of::<E>(tx, handle)?;
    let removed = records.entry(identity).map(|kept| kept.removed.clone());
    RemovedDevices::add(tx, identity, removed.unwrap_or_default())
}

/// Which identity is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The one that counts for the handle; without one, the only one there is.
    Counting(Option<[u8; 32]>),
    /// The one with this fingerprint.
    Named(Fingerprint),
}

impl KeptRecords {
    /// The entry of the identity that is asked for.
    ///
    /// # Errors
    /// When there is none, or several and nothing says which.
    pub(crate) fn choose(
        &self,
        handle: &Handle,
        wanted: Wanted,
    ) -> Result<&KeptEntry, DirectoryError> {
        let claims = || self.entries.iter().filter_map(KeptEntry::fingerprint).collect();
        let handle = handle.clone();
        if self.entries.is_empty() {
            return Err(DirectoryError::NotPublished { handle });
        }
        match wanted {
            Wanted::Named(fingerprint) => self
                .entries
                .iter()
                .find(|entry| entry.fingerprint() == Some(fingerprint))
                .ok_or_else(|| DirectoryError::NoSuchFingerprint { handle, claims: claims() }),
            Wanted::Counting(Some(pinned)) if !breaks(Mutant::LastIdentityWins) => self
                .entry(&pinned)
                .ok_or_else(|| DirectoryError::OtherIdentity { handle, claims: claims() }),
            Wanted::Counting(_) => match self.entries.as_slice() {
                [only] => Ok(only),
                [.., last] if breaks(Mutant::LastIdentityWins) => Ok(last),
                _ => Err(DirectoryError::Conflict { handle, claims: claims() }),
            },
        }
    }

    /// All that an identity has published.
    pub(crate) fn published(
        &self,
        handle: &Handle,
        chosen: &KeptEntry,
        namespace: &Namespace,
    ) -> Result<Published, DirectoryError> {
        let entry = chosen.parse(namespace)?;
        let inbox_key = InboxPublic::from_bytes(entry.inbox_key())
            .map_err(|_| DirectoryError::InboxKey { handle: handle.clone() })?;
        let others = self.entries.iter().filter(|other| other.identity != chosen.identity);
        Ok(Published {
            identity: *entry.identity(),
            head: entry.head(),
            inbox_key,
            devices: entry.devices().to_vec(),
            key_packages: self.key_packages_of(&entry),
            valid_until_ms: entry.valid_until_ms(),
            others: others.filter_map(KeptEntry::fingerprint).collect(),
            forked: chosen.forked,
        })
    }

    /// Those of the devices that are present in an entry.
    fn key_packages_of(&self, entry: &DirectoryEntry) -> Vec<KeyPackageRecord> {
        let own = |identity: &[u8; 32]| identity == entry.identity().as_bytes();
        let kept = self.key_packages.iter().filter(|package| own(&package.identity));
        kept.filter_map(|package| KeyPackageRecord::parse(&package.bytes, entry).ok()).collect()
    }
}
