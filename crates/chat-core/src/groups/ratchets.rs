//! The groups of a profile within one transaction.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chat_crypto::mls::{EpochStart, GroupId, LoadError, MlsChanges, MlsGroup, Overlay};
use chat_crypto::{Envelope, EnvelopeKind, Protected, Protection};
use chat_store::{ReadTxn, WriteTxn};

use super::payload::{Notes, Payload};
use super::state::{StoreState, write_changes};
use super::{GroupError, GroupRow, GroupState, OwnLeaf};
use crate::devices::OwnDevices;
use crate::directory::SeenHead;
use crate::hash::sha256;
use crate::mailbox::Mailbox;
use crate::meta_row::MetaRow;

/// The groups of a profile within one transaction. What changes is written by [`finish`](Self::finish), once.
///
/// It may be used for one transaction after another: groups stay loaded, and notice by themselves when the store has
/// moved on without them. A transaction that does not come to [`finish`](Self::finish) has changed nothing.
pub(crate) struct Ratchets {
    pub(crate) own: Arc<OwnLeaf>,
    loaded: HashMap<GroupId, MlsGroup>,
    pub(super) changes: MlsChanges,
    /// Rows that were looked at, and whether they have changed.
    rows: BTreeMap<GroupId, (GroupRow, Changed)>,
    /// The end of our own list of changes in the directory, once it was looked up.
    head: Option<Option<SeenHead>>,
    /// Groups whose secrets are written once, behind the last message of many.
    unsettled: BTreeSet<GroupId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Changed {
    No,
    Yes,
}

impl Ratchets {
    pub(crate) fn new(own: Arc<OwnLeaf>) -> Self {
        let (loaded, changes) = (HashMap::new(), MlsChanges::new());
        let (rows, unsettled) = (BTreeMap::new(), BTreeSet::new());
        Self { own, loaded, changes, rows, head: None, unsettled }
    }

    /// A transaction begins: what another one has not finished is forgotten.
    pub(crate) fn begin(&mut self) {
        self.changes.clear();
        self.rows.clear();
        self.head = None;
        self.unsettled.clear();
    }

    /// Runs an operation on a group; what it changes is kept if it succeeds.
    pub(super) fn step<T, E: From<LoadError>>(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        operation: impl FnOnce(&mut MlsGroup, &mut Overlay<'_>, &OwnLeaf) -> Result<T, E>,
    ) -> Result<T, E> {
        let state = StoreState::new(tx, &self.changes);
        let mut overlay = Overlay::new(&state, &self.own.join_secrets);
        let mut group = match self.loaded.remove(&id) {
            Some(group) => group,
            None => MlsGroup::load(&mut overlay, id)?,
        };
        let done = operation(&mut group, &mut overlay, &self.own);
        let changes = overlay.into_changes();
        self.keep_loaded(id, group);
        let done = done?;
        self.changes.extend(changes);
        Ok(done)
    }

    pub(super) fn keep_loaded(&mut self, id: GroupId, group: MlsGroup) {
        if self.loaded.len() >= MOST_LOADED {
            // What is unsettled is nowhere else.
            self.loaded.retain(|id, _| self.unsettled.contains(id));
        }
        self.loaded.insert(id, group);
    }

    /// Forgets the keys of a group's envelopes, and what was read in its epochs.
    pub(super) fn forget_secrets(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
    ) -> Result<(), GroupError> {
        let chains = self.change(tx, id, |row| row.take_secrets())?;
        chains.iter().try_for_each(|chain| self.forget_chain(tx, id, chain))
    }

    /// Deletes all that is kept of a group beside its row: nothing of it can be read afterwards.
    pub(super) fn wipe(&mut self, tx: &ReadTxn<'_>, id: GroupId) -> Result<(), GroupError> {
        self.forget_secrets(tx, id)?;
        match self.delete(tx, id) {
            Err(error) if error.concerns_store() => Err(error),
            // What cannot be loaded cannot be read either.
            _ => Ok(()),
        }
    }

    /// Deletes the MLS state of a group: nothing of it can be read afterwards.
    pub(super) fn delete(&mut self, tx: &ReadTxn<'_>, id: GroupId) -> Result<(), GroupError> {
        let state = StoreState::new(tx, &self.changes);
        let mut overlay = Overlay::new(&state, &self.own.join_secrets);
        let group = match self.loaded.remove(&id) {
            Some(group) => group,
            None => MlsGroup::load(&mut overlay, id)?,
        };
        group.delete(&mut overlay)?;
        let changes = overlay.into_changes();
        self.changes.extend(changes);
        self.unsettled.remove(&id);
        Ok(())
    }

    /// What is kept of a group.
    pub(crate) fn row(&mut self, tx: &ReadTxn<'_>, id: GroupId) -> Result<&GroupRow, GroupError> {
        let (row, _) = match self.rows.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let row = GroupRow::of::<GroupError>(tx, id)?.ok_or(GroupError::NoGroup)?;
                place.insert((row, Changed::No))
            }
        };
        Ok(row)
    }

    /// Changes what is kept of a group.
    pub(crate) fn change<T>(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        change: impl FnOnce(&mut GroupRow) -> T,
    ) -> Result<T, GroupError> {
        self.row(tx, id)?;
        let (row, changed) = self.rows.get_mut(&id).ok_or(GroupError::NoGroup)?;
        *changed = Changed::Yes;
        Ok(change(row))
    }

    /// Keeps a group that is new here.
    pub(super) fn insert(&mut self, row: GroupRow) {
        self.rows.insert(row.id(), (row, Changed::Yes));
    }

    pub(super) fn has_row(&self, id: GroupId) -> bool {
        self.rows.contains_key(&id)
    }

    /// The rows that were looked at, as this transaction has them.
    pub(super) fn changed_rows(&self) -> Vec<GroupRow> {
        self.rows.values().map(|(row, _)| row.clone()).collect()
    }

    /// A new epoch of a group has begun.
    pub(super) fn enter(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (start, mailbox): (&EpochStart, Mailbox),
    ) -> Result<(), GroupError> {
        let over = self.change(tx, id, |row| row.enter(start, mailbox))?;
        over.iter().try_for_each(|chain| self.forget_chain(tx, id, chain))
    }

    /// Encrypts a content to a group and seals it for the group's mailbox.
    pub(crate) fn seal(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        encoded: &[u8],
        kind: EnvelopeKind,
    ) -> Result<Envelope, GroupError> {
        let mailbox = self.row(tx, id)?.mailbox();
        self.seal_for(tx, id, encoded, (kind, mailbox))
    }

    /// As [`seal`](Self::seal), for a mailbox that the group had before, as long as it is read.
    pub(crate) fn seal_for(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        encoded: &[u8],
        (kind, mailbox): (EnvelopeKind, Mailbox),
    ) -> Result<Envelope, GroupError> {
        match self.row(tx, id)?.state {
            // What was accepted before may still be taken back.
            GroupState::Leaving => {}
            state => state.check_we_write()?,
        }
        let notes = Notes { mark: self.chain_mark(tx, id)?, head: self.own_head(tx)? };
        let payload = Payload::content(encoded, &notes);
        self.unsettled.insert(id);
        let message = self.step::<_, GroupError>(tx, id, |group, overlay, own| {
            Ok(group.encrypt_in_run(overlay, &own.member, &payload)?)
        })?;
        let (epoch, _) = self.row(tx, id)?.newest_wrap().ok_or(GroupError::NoGroup)?;
        self.expect_own(id, (epoch, &sha256(&[&message])))?;
        self.change(tx, id, |row| row.sent_since = row.sent_since.saturating_add(1))?;
        self.wrap_for(tx, id, &message, (kind, mailbox))
    }

    /// The end of our own list of changes, as the directory shows it.
    fn own_head(&mut self, tx: &ReadTxn<'_>) -> Result<Option<SeenHead>, GroupError> {
        if self.head.is_none() {
            self.head = Some(OwnDevices::of::<GroupError>(tx)?.head);
        }
        Ok(self.head.flatten())
    }

    /// Seals an MLS message for the group's mailbox, under the key of the present epoch.
    pub(super) fn wrap(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        message: &[u8],
        kind: EnvelopeKind,
    ) -> Result<Envelope, GroupError> {
        let mailbox = self.row(tx, id)?.mailbox();
        self.wrap_for(tx, id, message, (kind, mailbox))
    }

    fn wrap_for(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        message: &[u8],
        (kind, mailbox): (EnvelopeKind, Mailbox),
    ) -> Result<Envelope, GroupError> {
        let (_, key) = self.row(tx, id)?.newest_wrap().ok_or(GroupError::NoGroup)?;
        let context = mailbox.context(&self.own.namespace, kind);
        let protected = Protected::new(Protection::Mls, message);
        Ok(Envelope::seal(&key, &context, &protected, &mut rand::rng())?)
    }

    /// Writes all that has changed.
    pub(crate) fn finish(&mut self, tx: &mut WriteTxn<'_>) -> Result<(), GroupError> {
        self.head = None;
        // One that was lost on the way cannot be loaded: nothing is written then.
        for id in std::mem::take(&mut self.unsettled) {
            self.step::<_, GroupError>(tx, id, |group, overlay, _| Ok(group.settle(overlay)?))?;
        }
        write_changes(tx, &std::mem::take(&mut self.changes))?;
        for (row, changed) in std::mem::take(&mut self.rows).into_values() {
            if changed == Changed::Yes {
                row.put::<GroupError>(tx)?;
            }
        }
        Ok(())
    }
}

/// How long the envelope of a content in a group is, in bytes.
pub(crate) fn sealed_len(content: usize) -> Option<usize> {
    let message = MlsGroup::message_len(Payload::OVERHEAD + content);
    Envelope::sealed_len(Protected::len_for(message))
}

/// Groups that stay in memory; one of two people takes about 50 kB.
const MOST_LOADED: usize = 256;
