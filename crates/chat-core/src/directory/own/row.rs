//! What a profile remembers of its own records.

use chat_crypto::mls::KeyPackageRef;
use chat_store::{ReadTxn, StoreError, WriteTxn};
use serde::{Deserialize, Serialize};

use crate::directory::place::RecordKind;
use crate::error::{DirectoryError, StoredValueError};
use crate::hash::sha256;
use crate::history_row::{decode, encode};

/// The keys of our own records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnKeys {
    pub(crate) identity: [u8; 32],
    pub(crate) newest: RecordKeys,
    /// Those under which whoever lacks the newest network key looks, while it is new.
    pub(crate) widest: Option<RecordKeys>,
}

/// The keys of our records under one network key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordKeys {
    pub(crate) entry: [u8; 16],
    pub(crate) key_package: [u8; 16],
}

/// Under which network key a record of ours lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Under {
    Newest,
    Widest,
}

/// What was seen last under our own keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    newest: ShownUnder,
    widest: ShownUnder,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ShownUnder {
    entry: Option<Option<[u8; 32]>>,
    key_package: Option<Option<[u8; 32]>>,
}

/// What lies on the log under our keys, as far as it was read: hashes of what is in the records.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct OnLog {
    entry: Option<[u8; 32]>,
    key_package: Option<[u8; 32]>,
}

impl Shown {
    /// Notes a record under a key.
    ///
    /// * `hash` - of what lies in it; `None` for a tombstone or junk
    pub(crate) fn note(&mut self, own: &OwnKeys, key: &[u8], hash: Option<[u8; 32]>) {
        self.newest.note(&own.newest, key, hash);
        if let Some(widest) = &own.widest {
            self.widest.note(widest, key, hash);
        }
    }

    pub(crate) fn add(&mut self, later: &Self) {
        self.newest.add(&later.newest);
        self.widest.add(&later.widest);
    }
}

impl ShownUnder {
    fn note(&mut self, own: &RecordKeys, key: &[u8], hash: Option<[u8; 32]>) {
        if key == own.entry {
            self.entry = Some(hash);
        } else if key == own.key_package {
            self.key_package = Some(hash);
        }
    }

    fn add(&mut self, later: &Self) {
        self.entry = later.entry.or(self.entry);
        self.key_package = later.key_package.or(self.key_package);
    }
}

impl OnLog {
    fn see(&mut self, shown: &ShownUnder) {
        self.entry = shown.entry.unwrap_or(self.entry);
        self.key_package = shown.key_package.unwrap_or(self.key_package);
    }

    /// What must be appended under these keys.
    fn due(
        &self,
        (keys, under): (&RecordKeys, Under),
        (entry, key_package): (&[u8], Option<&[u8]>),
    ) -> Vec<Due> {
        let mut due = Vec::new();
        if self.entry != Some(sha256(&[entry])) {
            due.push(Due { key: keys.entry, kind: RecordKind::Entry, under, body: entry.to_vec() });
        }
        // Behind its entry, a KeyPackage is understood by whoever reads the log in its order.
        let again = !due.is_empty();
        let missing = |body: &&[u8]| again || self.key_package != Some(sha256(&[body]));
        if let Some(body) = key_package.filter(missing) {
            let (key, kind) = (keys.key_package, RecordKind::KeyPackage);
            due.push(Due { key, kind, under, body: body.to_vec() });
        }
        due
    }
}

/// What a profile remembers of its own records beside the records themselves, which are kept as everybody's are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct OwnRow {
    /// Whose records they are: identity and device. Others begin anew.
    pub(super) owner: ([u8; 32], [u8; 16]),
    /// Whether our device and inbox key were in an entry already: if they are there no more, another device has removed
    /// us, or has put its own key there.
    pub(super) announced: bool,
    /// Whether an entry of ours was ever acknowledged.
    pub(super) published: bool,
    /// What lies on the log under the newest network key.
    pub(super) on_log: OnLog,
    /// What lies there for those who lack it.
    pub(super) on_log_widest: OnLog,
    pub(super) key_package: Option<OwnKeyPackage>,
    /// Private parts that are still kept.
    pub(super) replaced: Vec<Replaced>,
    /// Since when records are counted that were published, and how many were.
    pub(super) again: (i64, u32),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OwnKeyPackage {
    #[serde(with = "serde_bytes")]
    pub(super) reference: Vec<u8>,
    pub(super) made_at_ms: u64,
    /// Of the record's bytes.
    pub(super) hash: [u8; 32],
    /// Whether somebody has brought us into a group with it.
    pub(super) used: bool,
}

/// A KeyPackage that another one has replaced: a Welcome for it may still be on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Replaced {
    #[serde(with = "serde_bytes")]
    pub(super) reference: Vec<u8>,
    /// Our clock, milliseconds since 1970.
    pub(super) at_ms: i64,
}

/// A record that must be appended.
pub(crate) struct Due {
    pub(crate) key: [u8; 16],
    pub(crate) kind: RecordKind,
    pub(crate) under: Under,
    pub(crate) body: Vec<u8>,
}

impl Due {
    pub(crate) fn hash(&self) -> [u8; 32] {
        sha256(&[&self.body])
    }
}

impl OwnRow {
    pub(crate) fn of(tx: &ReadTxn<'_>) -> Result<Self, DirectoryError> {
        Ok(tx.meta_get(META_OWN)?.map_or(Ok(Self::default()), |row| decode(&row))?)
    }

    pub(crate) fn put(&self, tx: &mut WriteTxn<'_>) -> Result<(), DirectoryError> {
        Ok(tx.meta_put(META_OWN, &encode(self)?)?)
    }

    /// The present KeyPackage is to be replaced.
    pub(super) fn use_key_package<E>(tx: &mut WriteTxn<'_>) -> Result<(), E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        let Some(row) = tx.meta_get(META_OWN)? else { return Ok(()) };
        let mut row: Self = decode(&row)?;
        if let Some(package) = &mut row.key_package {
            package.used = true;
            tx.meta_put(META_OWN, &encode(&row)?)?;
        }
        Ok(())
    }

    /// Notes what was seen under our keys.
    pub(crate) fn see(&mut self, shown: &Shown) {
        self.on_log.see(&shown.newest);
        self.on_log_widest.see(&shown.widest);
    }

    /// The log is another one: nothing is known of it.
    pub(crate) fn forget_log(&mut self, under: Under) {
        *self.under(under) = OnLog::default();
    }

    fn under(&mut self, under: Under) -> &mut OnLog {
        match under {
            Under::Newest => &mut self.on_log,
            Under::Widest => &mut self.on_log_widest,
        }
    }

    /// Notes that a record was acknowledged.
    pub(crate) fn acked(&mut self, due: &Due, now_ms: i64) {
        let (since, count) = self.again;
        let new_hour = !is_within_an_hour(since, now_ms);
        self.again = if new_hour { (now_ms, 1) } else { (since, count.saturating_add(1)) };
        match due.kind {
            RecordKind::Entry => {
                self.under(due.under).entry = Some(due.hash());
                self.published = true;
            }
            RecordKind::KeyPackage => self.under(due.under).key_package = Some(due.hash()),
        }
    }

    /// Whether the log shows this entry, as far as it was read.
    pub(crate) fn is_on_log(&self, entry: &[u8]) -> bool {
        self.on_log.entry == Some(sha256(&[entry]))
    }

    pub(super) fn made_at_ms(&self) -> Option<u64> {
        self.key_package.as_ref().map(|package| package.made_at_ms)
    }

    /// All KeyPackages whose private part is kept.
    pub(crate) fn private_parts(&self) -> Vec<KeyPackageRef> {
        let current = self.key_package.iter().map(|package| &package.reference);
        let replaced = self.replaced.iter().map(|replaced| &replaced.reference);
        current.chain(replaced).filter_map(|bytes| reference(bytes)).collect()
    }

    /// Takes out what no Welcome can need any more: the inbox was read past the time in which one may come.
    ///
    /// * `read_up_to` - the broker's time of the newest record of the inbox's partition that was read
    pub(super) fn take_expired(&mut self, read_up_to: i64) -> Vec<KeyPackageRef> {
        let too_many = self.replaced.len().saturating_sub(MOST_REPLACED);
        let mut at = 0;
        let mut expired = Vec::new();
        self.replaced.retain(|replaced| {
            at += 1;
            let over = at <= too_many || read_up_to >= replaced.at_ms.saturating_add(KEEP_MS);
            if over {
                expired.extend(reference(&replaced.reference));
            }
            !over
        });
        expired
    }

    /// What must be appended, because the log does not show it. What others have put in its place again and again is
    /// put back a few times an hour only.
    pub(super) fn due(
        &mut self,
        keys: OwnKeys,
        (entry, key_package): (&[u8], Option<&[u8]>),
        now_ms: i64,
    ) -> Vec<Due> {
        let what = (entry, key_package);
        let mut due = self.on_log.due((&keys.newest, Under::Newest), what);
        if let Some(widest) = &keys.widest {
            due.extend(self.on_log_widest.due((widest, Under::Widest), what));
        }
        if due.is_empty() {
            return due;
        }
        let (since, count) = self.again;
        if count >= MOST_IN_AN_HOUR && is_within_an_hour(since, now_ms) {
            tracing::warn!("somebody keeps replacing what this profile publishes in the directory");
            due.clear();
        }
        due
    }
}

fn is_within_an_hour(since_ms: i64, now_ms: i64) -> bool {
    (since_ms..since_ms.saturating_add(HOUR_MS)).contains(&now_ms)
}

fn reference(bytes: &[u8]) -> Option<KeyPackageRef> {
    <[u8; 48]>::try_from(bytes).ok().map(KeyPackageRef::from_bytes)
}

/// How long a Welcome for a replaced KeyPackage may take to the inbox: 7 days.
const KEEP_MS: i64 = 7 * 24 * HOUR_MS;
/// The most replaced KeyPackages whose private parts are kept.
const MOST_REPLACED: usize = 1024;
/// The most records that are published in an hour.
const MOST_IN_AN_HOUR: u32 = 24;
const HOUR_MS: i64 = 60 * 60 * 1000;

const META_OWN: &str = "directory";
