//! What this profile publishes: its entry and its KeyPackage.

use chat_crypto::mls::{KeyPackageRef, Overlay, delete_key_package};
use chat_crypto::{
    DeviceId, DirectoryChange, DirectoryEntry, EntryError, IdentityKey, KeyPackageRecord, NewEntry,
    NewKeyPackage,
};
use chat_store::{ReadTxn, StoreError, WriteTxn};
use chat_transport::TopicName;

use super::kept::{KeptEntry, KeptKeyPackage};
use super::place::Place;
use crate::client::{Signer, held_identity, inbox_key};
use crate::devices::{Certified, Linking, OwnDevices, promote_inbox_key};
use crate::error::{DirectoryError, StoredValueError};
use crate::groups::{StoreState, own_member, write_changes};
use crate::handle::Handle;
use crate::hash::sha256;
use crate::mailbox::Mailbox;
use crate::meta_row::MetaRow;
use crate::network::Network;

mod devices;
mod row;

pub(crate) use self::row::{Due, OwnKeys, OwnRow, RecordKeys, Shown, Under};
use self::row::{OwnKeyPackage, Replaced};

/// What the directory holds of this profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnPublication {
    /// Until when the own entry is valid, milliseconds since 1970.
    pub valid_until_ms: u64,
    /// Whether it lies on the log, as of the last look.
    pub on_log: bool,
    /// Its devices.
    pub devices: usize,
}

/// Lets the directory be read from its start again, and our own records be published anew.
pub(crate) fn forget_directory_log<E>(tx: &mut WriteTxn<'_>, topic: &TopicName) -> Result<(), E>
where
    E: From<StoreError> + From<DirectoryError>,
{
    for row in tx.cursors()?.iter().filter(|row| row.topic == topic.as_str()) {
        tx.delete_cursor(&row.topic, row.partition, row.mailbox.as_ref())?;
    }
    let mut row = OwnRow::of(tx)?;
    row.forget_log(Under::Newest);
    row.forget_log(Under::Widest);
    Ok(row.put(tx)?)
}

/// Whether a profile has brought its entry onto the log at least once.
pub(crate) fn is_published(tx: &ReadTxn<'_>) -> Result<bool, DirectoryError> {
    Ok(OwnRow::of(tx)?.published)
}

/// Notes that this profile's KeyPackage is to be replaced soon: somebody has brought it into a group, or a copy of the
/// profile may have it too.
pub(crate) fn key_package_used<E>(tx: &mut WriteTxn<'_>) -> Result<(), E>
where
    E: From<StoreError> + From<StoredValueError>,
{
    OwnRow::use_key_package(tx)
}

/// Our present KeyPackage, as MLS encodes it, if it is one whose private part is here and nobody has used.
pub(crate) fn own_key_package(
    tx: &ReadTxn<'_>,
    (network, handle, signer): (&Network, &Handle, &Signer),
) -> Result<Option<Vec<u8>>, DirectoryError> {
    let place = Place::new(network);
    let owner = Owner { place: &place, handle, signer };
    let (entry, kept) = (owner.kept_entry(tx)?, owner.kept_key_package(tx)?);
    let (Some(entry), Some(kept)) = (entry, kept) else { return Ok(None) };
    let own = OwnRow::of(tx)?.key_package;
    if own.is_none_or(|own| own.used || own.hash != sha256(&[&kept.bytes])) {
        return Ok(None);
    }
    let record = KeyPackageRecord::parse(&kept.bytes, &entry.parse(&place.namespace)?);
    Ok(record.ok().map(|record| record.key_package().to_vec()))
}

/// Ourselves, as the directory knows us.
pub(crate) struct Owner<'a> {
    pub(crate) place: &'a Place,
    pub(crate) handle: &'a Handle,
    pub(crate) signer: &'a Signer,
}

impl Owner<'_> {
    pub(crate) fn keys(&self) -> OwnKeys {
        let certificate = &self.signer.certificate;
        OwnKeys {
            identity: *certificate.identity().as_bytes(),
            newest: RecordKeys {
                entry: self.place.entry_key(self.handle.as_str(), certificate.identity()),
                key_package: self.place.key_package_key(certificate),
            },
            widest: self.place.widest_keys(self.handle.as_str(), certificate),
        }
    }

    fn kept_entry(&self, tx: &ReadTxn<'_>) -> Result<Option<KeptEntry>, DirectoryError> {
        KeptEntry::of(tx, self.handle, self.signer.certificate.identity().as_bytes())
    }

    fn kept_key_package(&self, tx: &ReadTxn<'_>) -> Result<Option<KeptKeyPackage>, DirectoryError> {
        let certificate = &self.signer.certificate;
        let owner = (certificate.identity().as_bytes(), certificate.device_id());
        KeptKeyPackage::of(tx, self.handle, owner)
    }

    /// What the log holds of us, as far as it was read; `None` if no entry was ever made.
    pub(crate) fn publication(
        &self,
        tx: &ReadTxn<'_>,
    ) -> Result<Option<OwnPublication>, DirectoryError> {
        let Some(kept) = self.kept_entry(tx)? else { return Ok(None) };
        let entry = kept.parse(&self.place.namespace)?;
        let on_log = OwnRow::of(tx)?.is_on_log(entry.as_bytes());
        let (valid_until_ms, devices) = (entry.valid_until_ms(), entry.devices().len());
        Ok(Some(OwnPublication { valid_until_ms, on_log, devices }))
    }

    /// Brings the own records up to date, deletes what no Welcome needs any more, and says what must be appended.
    ///
    /// The partition must have been read: what another device of this identity has published is continued, never
    /// forked.
    pub(crate) fn upkeep(
        &self,
        tx: &mut WriteTxn<'_>,
        (mail_topic, inboxes): (&str, &[Mailbox]),
        now_ms: i64,
    ) -> Result<Vec<Due>, DirectoryError> {
        if Linking::stored::<DirectoryError>(tx)?.is_some() {
            // Who we are is not ours to say yet.
            return Ok(Vec::new());
        }
        let mut row = OwnRow::of(tx)?;
        let certificate = &self.signer.certificate;
        let owner = (*certificate.identity().as_bytes(), *certificate.device_id().as_bytes());
        if row.owner != owner {
            // Private parts of the former device open nothing that counts any more.
            self.delete(tx, row.private_parts())?;
            row = OwnRow { owner, ..OwnRow::default() };
        }
        let Some(entry) = self.entry(tx, &mut row, now_ms)? else {
            row.put(tx)?;
            return Ok(Vec::new());
        };
        let key_package = self.key_package(tx, &mut row, &entry, now_ms)?;
        self.note_devices(tx, (&row, &entry), now_ms)?;
        let mut read_up_to = i64::MAX;
        for inbox in inboxes {
            let cursor = tx.cursor(mail_topic, inbox.partition.0, None)?;
            let read = cursor.and_then(|cursor| cursor.last_timestamp_ms).unwrap_or(i64::MIN);
            read_up_to = read_up_to.min(read);
        }
        self.delete(tx, row.take_expired(read_up_to))?;
        let due = row.due(self.keys(), (entry.as_bytes(), key_package.as_deref()), now_ms);
        row.put(tx)?;
        Ok(due)
    }

    /// What was just appended is on the log.
    pub(crate) fn acked(
        &self,
        tx: &mut WriteTxn<'_>,
        due: &[Due],
        now_ms: i64,
    ) -> Result<(), DirectoryError> {
        let mut row = OwnRow::of(tx)?;
        due.iter().for_each(|due| row.acked(due, now_ms));
        row.put(tx)?;
        let Some(kept) = self.kept_entry(tx)? else {
            return Ok(());
        };
        let mut ours = OwnDevices::of::<DirectoryError>(tx)?;
        if row.is_on_log(&kept.bytes) && ours.head != Some(kept.seen_head()) {
            ours.head = Some(kept.seen_head());
            ours.put::<DirectoryError>(tx)?;
        }
        Ok(())
    }

    /// The own entry as it should be; `None` where another device has to make it, and has not.
    fn entry(
        &self,
        tx: &mut WriteTxn<'_>,
        row: &mut OwnRow,
        now_ms: i64,
    ) -> Result<Option<DirectoryEntry>, DirectoryError> {
        let kept = self.kept_entry(tx)?;
        let parse = |kept: &KeptEntry| kept.parse(&self.place.namespace);
        let known = kept.as_ref().map(parse).transpose()?;
        let mut certified = Certified::of::<DirectoryError>(tx)?;
        // A key that is to be published takes the place of the one that is.
        if let Some(entry) = known.as_ref().filter(|_| !certified.rotates) {
            promote_inbox_key(tx, entry.inbox_key())?;
        }
        let Some(identity) = held_identity(tx)? else {
            let us = self.signer.certificate.device_id();
            row.announced |= known.as_ref().is_some_and(|entry| entry.device(us).is_some());
            return Ok(known);
        };
        let (inbox, now) = (inbox_key(tx)?.public(), now_ms.cast_unsigned());
        let new = match known {
            Some(entry) => entry,
            None => {
                let (device, inbox_key) = (&self.signer.certificate, inbox.as_bytes());
                let valid_until_ms = now.saturating_add(VALID_MS);
                let new = NewEntry { device, inbox_key, valid_until_ms };
                DirectoryEntry::create(&identity, self.place.namespace.as_str(), &new)?
            }
        };
        let wanted = Wanted { inbox_key: inbox.as_bytes(), certified: &certified };
        let entry = self.continued(new, (&identity, wanted), row, now)?;
        row.announced = true;
        if certified.rotates {
            certified.rotates = false;
            certified.put::<DirectoryError>(tx)?;
        }
        let forked = kept.is_some_and(|kept| kept.forked);
        KeptEntry { forked, ..KeptEntry::new(&entry) }.put::<DirectoryError>(tx, self.handle)?;
        Ok(Some(entry))
    }

    /// An entry with our device, those that were certified here and not those that were removed, our inbox key unless
    /// another device has put its own in its place, and a long life.
    fn continued(
        &self,
        mut entry: DirectoryEntry,
        (identity, wanted): (&IdentityKey, Wanted<'_>),
        row: &OwnRow,
        now: u64,
    ) -> Result<DirectoryEntry, DirectoryError> {
        let valid_until_ms = now.saturating_add(VALID_MS);
        let Wanted { inbox_key, certified } = wanted;
        let mut changes = Vec::new();
        let device = &self.signer.certificate;
        // A device that was removed stays out: announced once, it is never added again.
        if entry.device(device.device_id()).is_none() && !row.announced {
            changes.push(DirectoryChange::AddDevice(device.clone()));
        }
        for device in certified.certificates(&self.place.namespace) {
            if entry.device(device.device_id()).is_none() {
                changes.push(DirectoryChange::AddDevice(device));
            }
        }
        for id in certified.removed.iter().map(|id| DeviceId::from_bytes(*id)) {
            if entry.device(id).is_some() {
                changes.push(DirectoryChange::RemoveDevice(id));
            }
        }
        // Nobody else could tell us the key that is there.
        let is_alone = entry.devices().len() < 2;
        if entry.inbox_key() != inbox_key && (!row.announced || certified.rotates || is_alone) {
            changes.push(DirectoryChange::RotateInboxKey(inbox_key.to_vec()));
        }
        for change in changes {
            match entry.append(change, identity, valid_until_ms) {
                Ok(longer) => entry = longer,
                // A device that another holder of the identity has removed stays out.
                Err(EntryError::Change { source, .. }) => {
                    tracing::warn!(%source, "a change of the own directory entry is not possible");
                }
                Err(error) => return Err(error.into()),
            }
        }
        if entry.valid_until_ms() < now.saturating_add(RENEW_MS) {
            entry = entry.renew(identity, valid_until_ms)?;
        }
        Ok(entry)
    }

    /// The own KeyPackage record: the one that is kept, or a new one if that is used, old, or not ours; `None` if
    /// the entry does not have this device.
    fn key_package(
        &self,
        tx: &mut WriteTxn<'_>,
        row: &mut OwnRow,
        entry: &DirectoryEntry,
        now_ms: i64,
    ) -> Result<Option<Vec<u8>>, DirectoryError> {
        if entry.device(self.signer.certificate.device_id()).is_none() {
            return Ok(None);
        }
        let now = now_ms.cast_unsigned();
        let kept = self.kept_key_package(tx)?;
        if let (Some(kept), Some(own)) = (&kept, &row.key_package) {
            let fresh = own.made_at_ms.saturating_add(KEY_PACKAGE_MS) > now;
            // A copy of this profile may have published another one, whose private part is not here.
            if fresh && !own.used && own.hash == sha256(&[&kept.bytes]) {
                return Ok(Some(kept.bytes.clone()));
            }
        }
        // Readers take the younger one, also where a clock went back.
        let before = [kept.as_ref().map(|kept| kept.made_at_ms), row.made_at_ms()];
        let floor = before.into_iter().flatten().max().map_or(0, |at| at.saturating_add(1));
        let record = self.make_key_package(tx, row, (now.max(floor), now_ms))?;
        let identity = self.keys().identity;
        KeptKeyPackage::new(identity, &record).put::<DirectoryError>(tx, self.handle)?;
        Ok(Some(record.as_bytes().to_vec()))
    }

    fn make_key_package(
        &self,
        tx: &mut WriteTxn<'_>,
        row: &mut OwnRow,
        (made_at_ms, now_ms): (u64, i64),
    ) -> Result<KeyPackageRecord, DirectoryError> {
        let member = own_member(self.signer);
        let (made, changes) = {
            let state = StoreState::stored(tx);
            let mut overlay = Overlay::new(&state, &[]);
            (member.make_key_package(&mut overlay)?, overlay.into_changes())
        };
        write_changes(tx, &changes)?;
        let offer = NewKeyPackage {
            device: &self.signer.certificate,
            made_at_ms,
            key_package: &made.bytes,
        };
        let namespace = self.place.namespace.as_str();
        let record = KeyPackageRecord::create(&self.signer.key, namespace, &offer)?;
        let new = OwnKeyPackage {
            reference: made.reference.as_bytes().to_vec(),
            made_at_ms,
            hash: sha256(&[record.as_bytes()]),
            used: false,
        };
        if let Some(old) = row.key_package.replace(new) {
            row.replaced.push(Replaced { reference: old.reference, at_ms: now_ms });
        }
        Ok(record)
    }

    /// Deletes private parts: what was made for them opens no more.
    fn delete(
        &self,
        tx: &mut WriteTxn<'_>,
        references: Vec<KeyPackageRef>,
    ) -> Result<(), DirectoryError> {
        if references.is_empty() {
            return Ok(());
        }
        let changes = {
            let state = StoreState::stored(tx);
            let mut overlay = Overlay::new(&state, &[]);
            for reference in &references {
                delete_key_package(&mut overlay, reference)?;
            }
            overlay.into_changes()
        };
        Ok(write_changes(tx, &changes)?)
    }
}

/// What an entry is to show.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    inbox_key: &'a [u8],
    certified: &'a Certified,
}

/// How long an entry is valid: 30 days.
const VALID_MS: u64 = 30 * DAY_MS;
/// An entry that is valid for less is renewed: 15 days.
const RENEW_MS: u64 = 15 * DAY_MS;
/// How long a KeyPackage is offered: a day.
const KEY_PACKAGE_MS: u64 = DAY_MS;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
