//! From records of the directory to what is kept of it: only what is verified, newer, and where it belongs.

use chat_crypto::{DeviceId, DirectoryEntry, IdentityPublic, KeyPackageRecord, Relation};
use chat_store::WriteTxn;
use chat_transport::{Partition, StoredRecord};

use super::kept::{KeptEntry, KeptKeyPackage, KeptRecords};
use super::own::{OwnKeys, Shown};
use super::place::{Opened, Place, RecordKind};
use crate::conversation::Conversation;
use crate::devices::{Linking, RemovedDevices};
use crate::error::DirectoryError;
use crate::handle::Handle;
use crate::hash::sha256;
use crate::history_row::HistoryRow;
use crate::item::{DevicesChanged, DirectoryFork, Item};
use crate::meta_row::MetaRow;
use crate::mutant::{Mutant, breaks};
use crate::trust::Standing;

/// Takes records of one partition into the store, within one transaction.
pub(crate) struct Taking<'t, 'tx> {
    pub(crate) tx: &'t mut WriteTxn<'tx>,
    pub(crate) place: &'t Place,
    pub(crate) partition: Partition,
    pub(crate) me: &'t Handle,
    /// The keys of our own records, where they lie in this partition.
    pub(crate) own: Option<OwnKeys>,
    pub(crate) taken: Taken,
    /// Entries that were parsed already, the newest last: one may have many KeyPackages.
    parsed: Vec<DirectoryEntry>,
}

/// What became of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Records that were taken.
    pub(crate) taken: u64,
    /// Records that are none, or are not where they belong: noise, tombstones, other people's keys.
    pub(crate) junk: u64,
    /// Records that are older than what is kept.
    pub(crate) stale: u64,
    /// Entries that do not continue what is kept.
    pub(crate) forked: u64,
    /// The first offset of a KeyPackage whose entry may come behind it.
    pub(crate) unresolved: Option<u64>,
    /// What was seen last under our own keys, if anything was.
    pub(crate) shown: Shown,
}

impl Taken {
    pub(crate) fn add(&mut self, other: &Self) {
        self.taken += other.taken;
        self.junk += other.junk;
        self.stale += other.stale;
        self.forked += other.forked;
        self.unresolved = self.unresolved.or(other.unresolved);
        self.shown.add(&other.shown);
    }
}

/// What a record comes to.
enum Fate {
    Taken,
    Known,
    Junk,
    Stale,
    Forked,
    /// It is of an entry or a device that is not known yet.
    Unresolved,
}

impl<'t, 'tx> Taking<'t, 'tx> {
    pub(crate) fn new(
        tx: &'t mut WriteTxn<'tx>,
        place: &'t Place,
        partition: Partition,
        (me, own): (&'t Handle, Option<OwnKeys>),
    ) -> Self {
        let (taken, parsed) = (Taken::default(), Vec::new());
        Self { tx, place, partition, me, own, taken, parsed }
    }

    /// Takes one record, if it is good and newer than what is kept under its key.
    ///
    /// # Errors
    /// When the store fails. No record is an error.
    pub(crate) fn record(&mut self, record: &StoredRecord) -> Result<(), DirectoryError> {
        let opened = self.place.open(self.partition, record);
        if let (Some(own), Some(key)) = (&self.own, record.key.as_deref()) {
            let hash = opened.as_ref().map(|opened| sha256(&[&opened.body]));
            self.taken.shown.note(own, key, hash);
        }
        let fate = match &opened {
            Some(opened) if opened.kind == RecordKind::Entry => self.entry(opened)?,
            Some(opened) => self.key_package(opened)?,
            None => Fate::Junk,
        };
        match fate {
            Fate::Taken => self.taken.taken += 1,
            Fate::Known => {}
            Fate::Junk => self.taken.junk += 1,
            Fate::Stale => self.taken.stale += 1,
            Fate::Forked => self.taken.forked += 1,
            Fate::Unresolved => {
                self.taken.unresolved.get_or_insert(record.offset.0);
            }
        }
        Ok(())
    }

    fn entry(&mut self, opened: &Opened) -> Result<Fate, DirectoryError> {
        let namespace = &self.place.namespace;
        let Ok(entry) = DirectoryEntry::parse(&opened.body, namespace.as_str()) else {
            return Ok(Fate::Junk);
        };
        let Ok(handle) = entry.handle().parse::<Handle>() else { return Ok(Fate::Junk) };
        let owner = (entry.handle(), entry.identity());
        let belongs =
            self.place.is_entry_key(&opened.key, owner) || breaks(Mutant::SkipDirectoryKey);
        if !belongs || !self.place.is_at(self.partition, &handle) {
            return Ok(Fate::Junk);
        }
        let identity = entry.identity().as_bytes();
        let Some(known) = KeptEntry::of::<DirectoryError>(self.tx, &handle, identity)? else {
            if !self.has_room(&handle, entry.identity())? {
                return Ok(Fate::Junk);
            }
            KeptEntry::new(&entry).put::<DirectoryError>(self.tx, &handle)?;
            self.note_removed(&handle, &entry)?;
            return Ok(Fate::Taken);
        };
        if known.bytes == entry.as_bytes() {
            return Ok(Fate::Known);
        }
        let before = known.parse(namespace)?;
        let relation = entry.follows(&before);
        match relation {
            Relation::Same if entry.valid_until_ms() <= before.valid_until_ms() => Ok(Fate::Stale),
            Relation::Same | Relation::Newer => {
                self.note_devices(&handle, &before, &entry)?;
                self.replace(&handle, &known, &entry)
            }
            _ if breaks(Mutant::TakeShorterDirectory) => self.replace(&handle, &known, &entry),
            Relation::Forked => {
                note_fork(self.tx, (self.place, self.me), &handle, known)?;
                Ok(Fate::Forked)
            }
            _ => Ok(Fate::Stale),
        }
    }

    fn replace(
        &mut self,
        handle: &Handle,
        known: &KeptEntry,
        entry: &DirectoryEntry,
    ) -> Result<Fate, DirectoryError> {
        self.parsed.retain(|parsed| parsed.identity() != entry.identity());
        let kept = KeptEntry { forked: known.forked, ..KeptEntry::new(entry) };
        kept.put::<DirectoryError>(self.tx, handle)?;
        self.note_removed(handle, entry)?;
        Ok(Fate::Taken)
    }

    /// What somebody whose key counts has removed is put out of groups.
    fn note_removed(
        &mut self,
        handle: &Handle,
        entry: &DirectoryEntry,
    ) -> Result<(), DirectoryError> {
        let (pin, identity) =
            (Standing::of::<DirectoryError>(self.tx, handle)?.pin, entry.identity().as_bytes());
        if pin.is_none_or(|pin| pin.identity != *identity) {
            return Ok(());
        }
        let removed = entry.removed_devices().map(|id| *id.as_bytes());
        RemovedDevices::add(self.tx, identity, removed)
    }

    /// Tells that somebody whose key counts has other devices than before. Our own are told of by themselves.
    fn note_devices(
        &mut self,
        handle: &Handle,
        before: &DirectoryEntry,
        now: &DirectoryEntry,
    ) -> Result<(), DirectoryError> {
        let pin = Standing::of::<DirectoryError>(self.tx, handle)?.pin;
        if handle == self.me || pin.is_none_or(|pin| pin.identity != *now.identity().as_bytes()) {
            return Ok(());
        }
        let ids = |entry: &DirectoryEntry| -> Vec<[u8; 16]> {
            entry.devices().iter().map(|device| *device.device_id().as_bytes()).collect()
        };
        note_devices_changed(self.tx, (self.place, self.me), handle, (&ids(before), &ids(now)))
    }

    /// Whether one more identity of a handle is kept. The one that counts always is.
    fn has_room(&self, handle: &Handle, identity: &IdentityPublic) -> Result<bool, DirectoryError> {
        let own = self.own.as_ref().is_some_and(|own| own.identity == *identity.as_bytes())
            || Linking::stored::<DirectoryError>(self.tx)?
                .is_some_and(|linking| linking.identity == *identity.as_bytes());
        let pin = Standing::of::<DirectoryError>(self.tx, handle)?.pin;
        if own || pin.is_some_and(|pin| pin.identity == *identity.as_bytes()) {
            return Ok(true);
        }
        let kept = KeptRecords::of::<DirectoryError>(self.tx, handle)?;
        Ok(kept.entries.len() < MOST_IDENTITIES)
    }

    fn key_package(&mut self, opened: &Opened) -> Result<Fate, DirectoryError> {
        let Some((handle, identity)) = KeyPackageRecord::claimed_owner(&opened.body) else {
            return Ok(Fate::Junk);
        };
        let (Ok(handle), Ok(identity)) =
            (handle.parse::<Handle>(), IdentityPublic::from_bytes(&identity))
        else {
            return Ok(Fate::Junk);
        };
        if !self.place.is_at(self.partition, &handle) {
            return Ok(Fate::Junk);
        }
        let Some(entry) = self.parsed_entry(&handle, &identity)? else {
            return Ok(Fate::Unresolved);
        };
        let record = match KeyPackageRecord::parse(&opened.body, entry) {
            Ok(record) => record,
            Err(chat_crypto::KeyPackageRecordError::UnknownDevice) => return Ok(Fate::Unresolved),
            Err(_) => return Ok(Fate::Junk),
        };
        let device = entry.device(record.device_id()).cloned();
        let belongs =
            device.is_some_and(|device| self.place.is_key_package_key(&opened.key, &device));
        if !belongs && !breaks(Mutant::SkipDirectoryKey) {
            return Ok(Fate::Junk);
        }
        let owner = (identity.as_bytes(), record.device_id());
        let known = KeptKeyPackage::of::<DirectoryError>(self.tx, &handle, owner)?;
        match known {
            Some(known) if known.bytes == record.as_bytes() => Ok(Fate::Known),
            // What a device has replaced may not open any more.
            Some(known) if known.made_at_ms >= record.made_at_ms() => Ok(Fate::Stale),
            _ => {
                let kept = KeptKeyPackage::new(*identity.as_bytes(), &record);
                kept.put::<DirectoryError>(self.tx, &handle)?;
                Ok(Fate::Taken)
            }
        }
    }

    /// The entry that is kept of an identity.
    fn parsed_entry(
        &mut self,
        handle: &Handle,
        identity: &IdentityPublic,
    ) -> Result<Option<&DirectoryEntry>, DirectoryError> {
        let is_it = |entry: &DirectoryEntry| {
            entry.identity() == identity && entry.handle() == handle.as_str()
        };
        if !self.parsed.iter().any(is_it) {
            let identity = identity.as_bytes();
            let Some(kept) = KeptEntry::of::<DirectoryError>(self.tx, handle, identity)? else {
                return Ok(None);
            };
            if self.parsed.len() >= MOST_PARSED {
                self.parsed.remove(0);
            }
            self.parsed.push(kept.parse(&self.place.namespace)?);
        }
        Ok(self.parsed.iter().find(|entry| is_it(entry)))
    }
}

/// Remembers that an identity has two lists of changes, and says so once, where it is of somebody whom we know.
pub(crate) fn note_fork(
    tx: &mut WriteTxn<'_>,
    (place, me): (&Place, &Handle),
    handle: &Handle,
    known: KeptEntry,
) -> Result<(), DirectoryError> {
    if !known.forked {
        tell_fork(tx, (place, me), handle)?;
        KeptEntry { forked: true, ..known }.put::<DirectoryError>(tx, handle)?;
    }
    Ok(())
}

/// Remembers that an identity's owner says more than the directory shows, and says so once.
pub(crate) fn note_withheld(
    tx: &mut WriteTxn<'_>,
    (place, me): (&Place, &Handle),
    handle: &Handle,
    known: KeptEntry,
) -> Result<(), DirectoryError> {
    if !known.withheld {
        tell_fork(tx, (place, me), handle)?;
        KeptEntry { withheld: true, ..known }.put::<DirectoryError>(tx, handle)?;
    }
    Ok(())
}

/// Says that the directory has two faces, where it is of somebody whom we know.
fn tell_fork(
    tx: &mut WriteTxn<'_>,
    (place, me): (&Place, &Handle),
    handle: &Handle,
) -> Result<(), DirectoryError> {
    let concerns_us = handle == me || tx.contact(handle.as_str())?.is_some();
    if concerns_us {
        let pair = Conversation::pair(&place.namespace, me, handle);
        let conversation = pair.map(|pair| pair.encode()).unwrap_or_default();
        let item = Item::DirectoryFork(DirectoryFork { handle: handle.clone() });
        HistoryRow::now(item).append::<DirectoryError>(tx, &conversation)?;
    }
    Ok(())
}

/// Tells that somebody's entry names other devices than before: those came, those went.
pub(crate) fn note_devices_changed(
    tx: &mut WriteTxn<'_>,
    (place, me): (&Place, &Handle),
    handle: &Handle,
    (before, now): (&[[u8; 16]], &[[u8; 16]]),
) -> Result<(), DirectoryError> {
    let named = |ids: &[[u8; 16]], others: &[[u8; 16]]| -> Vec<String> {
        let new = ids.iter().filter(|id| !others.contains(id));
        new.map(|id| DeviceId::from_bytes(*id).to_string()).collect()
    };
    let (added, removed) = (named(now, before), named(before, now));
    if added.is_empty() && removed.is_empty() {
        return Ok(());
    }
    let pair = Conversation::pair(&place.namespace, me, handle);
    let conversation = pair.map(|pair| pair.encode()).unwrap_or_default();
    let item = Item::DevicesChanged(DevicesChanged { handle: handle.clone(), added, removed });
    HistoryRow::now(item).append::<DirectoryError>(tx, &conversation).map(drop)
}

/// The most identities of one handle that are kept, beside the one that counts: more are noise.
const MOST_IDENTITIES: usize = 16;
/// The most entries that are kept parsed within one transaction.
const MOST_PARSED: usize = 8;
