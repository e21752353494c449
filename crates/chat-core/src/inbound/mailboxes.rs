//! The mailboxes that a profile reads, and what opens what lies in them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use chat_crypto::mls::GroupId;
use chat_crypto::{Envelope, MailboxTag, Protection, Subkey};
use chat_store::{CursorRow, Generation, ReadTxn};
use chat_transport::{Partition, StoredRecord};
use zeroize::Zeroizing;

use super::lagging::Lag;
use super::opened::InboxMailbox;
use super::{Inbox, Opened, OpenedMls, Refusal};
use crate::carrier::{Addressee, Carried, Look, unpack};
use crate::client::stored_network;
use crate::conversation::Conversation;
use crate::error::ReceiveError;
use crate::groups::{GroupKind, GroupRow, GroupState};
use crate::item::CarrierKind;
use crate::mailbox::Mailbox;

/// The mailboxes of one partition, as they and their keys were stored at one moment.
pub(crate) struct Mailboxes {
    pub(crate) partition: Partition,
    inbox: Arc<Inbox>,
    /// Those of the inbox that lie here.
    inboxes: Vec<InboxHere>,
    /// Those of conversations, in an order of their own.
    groups: Vec<GroupMailbox>,
    /// The partition's cursor; 0 if it was never read.
    next: u64,
    /// The store's generation that these are known to stand in.
    as_of: Cell<Generation>,
}

/// A mailbox of the inbox that lies in the partition.
#[derive(Clone, Copy)]
struct InboxHere {
    /// Which of the inbox's it is.
    place: usize,
    /// Its own cursor, while it lags behind the partition.
    lag: Option<u64>,
}

/// A mailbox of a conversation that MLS protects.
pub(super) struct GroupMailbox {
    pub(super) group: GroupId,
    /// What its rows lie under in the history.
    pub(super) conversation: Vec<u8>,
    pub(super) mailbox: Mailbox,
    /// The keys of its envelopes, the newest first, at most four.
    keys: Vec<Subkey>,
    /// The first offset that may hold a record of the group.
    start: u64,
    /// Its own cursor, while it lags behind the partition.
    lag: Option<u64>,
}

impl Mailboxes {
    /// All mailboxes of a profile, by partition.
    pub(crate) fn load_all(
        tx: &ReadTxn<'_>,
        topic: &str,
        inbox: &Arc<Inbox>,
    ) -> Result<BTreeMap<Partition, Self>, ReceiveError> {
        if stored_network::<ReceiveError>(tx)?.is_some_and(|network| !inbox.is_of(&network)) {
            return Err(ReceiveError::OtherKeys);
        }
        let (as_of, cursors) = (tx.generation()?, tx.cursors()?);
        let cursors: Vec<CursorRow> =
            cursors.into_iter().filter(|row| row.topic == topic).collect();
        let empty = |partition: Partition| Self {
            partition,
            inbox: Arc::clone(inbox),
            inboxes: Vec::new(),
            groups: Vec::new(),
            next: next_of(&cursors, partition, None).unwrap_or_default(),
            as_of: Cell::new(as_of),
        };
        let mut all = BTreeMap::new();
        for (place, one) in inbox.mailboxes.iter().enumerate() {
            let at = one.mailbox.partition;
            let lag = next_of(&cursors, at, Some(&one.mailbox));
            all.entry(at).or_insert_with_key(|p| empty(*p)).inboxes.push(InboxHere { place, lag });
        }
        for row in GroupRow::all::<ReceiveError>(tx)? {
            for mailbox in row.mailboxes().filter(|_| row.state != GroupState::Gone) {
                let lag = next_of(&cursors, mailbox.partition, Some(&mailbox));
                let here = all.entry(mailbox.partition).or_insert_with_key(|p| empty(*p));
                here.groups.push(GroupMailbox::new(&row, mailbox, lag, inbox));
            }
        }
        for mailboxes in all.values_mut() {
            mailboxes.groups.sort_by_key(|group| (group.mailbox.tag, group.group));
        }
        Ok(all)
    }

    /// The mailboxes of one partition; there may be none.
    pub(crate) fn load(
        tx: &ReadTxn<'_>,
        topic: &str,
        inbox: &Arc<Inbox>,
        partition: Partition,
    ) -> Result<Self, ReceiveError> {
        let found = Self::load_all(tx, topic, inbox)?.remove(&partition);
        let (inbox, as_of) = (Arc::clone(inbox), Cell::new(tx.generation()?));
        let (inboxes, groups, next) = (Vec::new(), Vec::new(), 0);
        Ok(found.unwrap_or(Self { partition, inbox, inboxes, groups, next, as_of }))
    }

    /// The inbox alone, of a partition that was never read.
    #[cfg(test)]
    pub(crate) fn of_inbox(inbox: &Arc<Inbox>) -> Self {
        let newest = inbox.mailboxes.first().unwrap();
        let (partition, inbox) = (newest.mailbox.partition, Arc::clone(inbox));
        let (inboxes, groups, as_of) =
            (vec![InboxHere { place: 0, lag: None }], Vec::new(), Cell::new(u64::MAX.into()));
        Self { partition, inbox, inboxes, groups, next: 0, as_of }
    }

    /// They were found to stand in the transaction that began at `before`, it has changed none of them, and it is
    /// committed.
    pub(super) fn stand_behind(&self, before: Generation) {
        self.as_of.set(Generation::from(before.get().saturating_add(1)));
    }

    /// Whether nothing of the partition is ours.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty() && !self.takes_inbox()
    }

    /// Where reading goes on: at the cursor of whichever mailbox is furthest behind.
    pub(super) fn position(&self) -> u64 {
        self.lags().map(|(_, lag)| lag).fold(self.next, u64::min)
    }

    /// Whether any of them lagged when they were loaded.
    pub(super) fn lag(&self) -> bool {
        self.lags().next().is_some()
    }

    /// The first offset that may hold something for us; `None` if the log's start may.
    pub(super) fn first_start(&self) -> Option<u64> {
        if self.takes_inbox() {
            return None;
        }
        self.groups.iter().map(|group| group.start).min()
    }

    /// What the rows of a mailbox lie under in the history: nothing, if it is of the inbox.
    pub(super) fn conversation(&self, tag: &[u8; 16]) -> Option<&[u8]> {
        if self.is_of_inbox(tag) {
            return Some(&[]);
        }
        let group = self.groups.iter().find(|group| group.mailbox.tag.as_bytes() == tag);
        group.map(|group| group.conversation.as_slice())
    }

    /// Whether a mailbox is of the inbox.
    pub(super) fn is_of_inbox(&self, tag: &[u8; 16]) -> bool {
        self.inboxes().any(|(one, _)| one.mailbox.tag.as_bytes() == tag)
    }

    /// The mailboxes of the inbox that lie here.
    fn inboxes(&self) -> impl Iterator<Item = (&InboxMailbox, Option<u64>)> {
        let found = |here: &InboxHere| Some((self.inbox.mailboxes.get(here.place)?, here.lag));
        self.inboxes.iter().filter_map(found)
    }

    /// Those that lag, and their cursors.
    fn lags(&self) -> impl Iterator<Item = (&Mailbox, u64)> {
        let inboxes = self.inboxes().filter_map(|(one, lag)| lag.map(|lag| (&one.mailbox, lag)));
        let groups = self.groups.iter();
        inboxes.chain(groups.filter_map(|group| group.lag.map(|lag| (&group.mailbox, lag))))
    }

    /// The cursors of those that lag, as they are stored by now; `None` if other mailboxes, keys or places are
    /// stored by now than these: whatever was opened with these has to be opened anew.
    pub(super) fn still_lagging(
        &self,
        tx: &ReadTxn<'_>,
        topic: &str,
    ) -> Result<Option<Vec<Lag>>, ReceiveError> {
        if tx.generation()? != self.as_of.get() {
            let now = Self::load(tx, topic, &self.inbox, self.partition)?;
            if !self.covers(&now) {
                return Ok(None);
            }
        }
        let mut lagging: Vec<Lag> = Vec::new();
        for (mailbox, _) in self.lags() {
            let tag = mailbox.tag.as_bytes();
            if lagging.iter().any(|lag| lag.tag == *tag) {
                continue;
            }
            let cursor = tx.cursor(topic, self.partition.0, Some(tag))?;
            lagging.extend(cursor.map(|cursor| Lag { tag: *tag, cursor }));
        }
        Ok(Some(lagging))
    }

    /// Whether what was opened with these is what `now` would have opened.
    pub(super) fn covers(&self, now: &Self) -> bool {
        let mine = self.groups.iter().map(Some).chain(std::iter::repeat(None));
        let mut inboxes = self.inboxes.iter().zip(&now.inboxes);
        self.inboxes.len() == now.inboxes.len()
            && inboxes.all(|(mine, now)| mine.place == now.place && covers(mine.lag, now.lag))
            && self.groups.len() == now.groups.len()
            && mine.zip(&now.groups).all(|(mine, now)| mine.is_some_and(|mine| mine.covers(now)))
    }

    fn takes_inbox(&self) -> bool {
        !self.inboxes.is_empty()
    }

    /// What takes records of the partition apart.
    pub(super) fn opener(&self) -> Opener<'_> {
        let inboxes = self.inboxes().map(|(one, lag)| Addressee {
            mailbox: &one.mailbox,
            keys: vec![&one.key],
            from: lag.unwrap_or(self.next),
        });
        let groups = self.groups.iter().map(|group| Addressee {
            mailbox: &group.mailbox,
            keys: group.keys.iter().take(Envelope::MAX_KEYS).collect(),
            from: group.lag.unwrap_or(self.next),
        });
        let addressees = inboxes.chain(groups).collect();
        let probes = self.inbox.mailboxes.iter().map(|one| &one.probe).collect();
        let (inbox, namespace) = (&*self.inbox, &self.inbox.namespace);
        let inboxes = self.inboxes().map(|(one, _)| one).collect();
        let look = Look { namespace, probes, addressees };
        Opener { inbox, inboxes, groups: &self.groups, look }
    }
}

/// Takes records of one partition apart, layer by layer.
pub(super) struct Opener<'a> {
    inbox: &'a Inbox,
    inboxes: Vec<&'a InboxMailbox>,
    groups: &'a [GroupMailbox],
    /// Those of the inbox first, and then those of groups.
    look: Look<'a>,
}

impl Opener<'_> {
    /// What a record is, for whichever of the mailboxes may take it, and that mailbox: none takes what lies below its
    /// cursor.
    pub(super) fn open(&self, record: &StoredRecord) -> (Opened, Option<MailboxTag>) {
        let Carried::Envelope { sealed, carrier, to } = unpack(record, &self.look) else {
            return (Opened::Foreign, None);
        };
        if let Some(one) = self.inboxes.get(to) {
            return (self.inbox.open_envelope(one, (sealed, carrier)), Some(one.mailbox.tag));
        }
        let group = to.checked_sub(self.inboxes.len()).and_then(|to| self.groups.get(to));
        group.map_or((Opened::Foreign, None), |group| {
            (self.open_mls(group, &sealed, carrier), Some(group.mailbox.tag))
        })
    }

    fn open_mls(&self, group: &GroupMailbox, sealed: &[u8], carrier: CarrierKind) -> Opened {
        let keys: Vec<&Subkey> = group.keys.iter().collect();
        let context = group.mailbox.context(self.look.namespace, carrier.envelope_kind());
        let opened = Envelope::parse(sealed).and_then(|envelope| envelope.open(&keys, &context));
        match opened {
            Ok(protected) if protected.protection() == Protection::Mls => {
                Opened::Mls(Box::new(OpenedMls {
                    group: group.group,
                    mailbox: group.mailbox,
                    message: Zeroizing::new(protected.body().to_vec()),
                    carrier,
                }))
            }
            Ok(_) => Opened::Refused(Refusal::WrongContext),
            Err(_) if carrier == CarrierKind::Plain => Opened::Sealed(group.group),
            Err(_) => Opened::unopened(carrier),
        }
    }
}

impl GroupMailbox {
    fn new(row: &GroupRow, mailbox: Mailbox, lag: Option<u64>, inbox: &Inbox) -> Self {
        let namespace = &inbox.namespace;
        let pair = match &row.kind {
            GroupKind::Pair(other, _) => Conversation::pair(namespace, &inbox.me, other),
            GroupKind::Named(_) => None,
        };
        let group = || Conversation::Group {
            namespace: namespace.clone(),
            group: row.id().as_bytes().to_vec(),
        };
        let conversation = pair.unwrap_or_else(group).encode();
        let (group, keys, start) = (row.id(), row.wrap_keys(), row.start);
        Self { group, conversation, mailbox, keys, start, lag }
    }

    fn covers(&self, now: &Self) -> bool {
        let same = self.group == now.group && self.mailbox == now.mailbox && self.keys == now.keys;
        same && covers(self.lag, now.lag)
    }
}

impl std::fmt::Debug for Mailboxes {
    /// Shows places, never keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { partition, inbox: _, inboxes, groups, next, as_of: _ } = self;
        let lagging = self.lags().count();
        let (groups, inbox) = (groups.len(), inboxes.len());
        write!(f, "Mailboxes({partition}: {inbox} + {groups}, {lagging} lag behind {next})")
    }
}

/// Whether a mailbox that had this cursor of its own took all that one with the other takes: a cursor that has gone or
/// moved on was moved by another process, one that is new or lies before was set.
fn covers(mine: Option<u64>, now: Option<u64>) -> bool {
    now.is_none_or(|now| mine.is_some_and(|mine| mine <= now))
}

fn next_of(cursors: &[CursorRow], partition: Partition, mailbox: Option<&Mailbox>) -> Option<u64> {
    let tag = mailbox.map(|mailbox| *mailbox.tag.as_bytes());
    let found = cursors.iter().find(|row| row.partition == partition.0 && row.mailbox == tag);
    found.map(|row| row.cursor.next)
}
