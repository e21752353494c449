//! The mailboxes that a profile reads, and what opens what lies in them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use chat_crypto::mls::GroupId;
use chat_crypto::{Envelope, Protection, Subkey};
use chat_store::{CursorRow, Generation, ReadTxn};
use chat_transport::{Partition, StoredRecord};
use zeroize::Zeroizing;

use super::lagging::Lag;
use super::{Inbox, Opened, OpenedMls, Refusal};
use crate::carrier::{Addressee, Carried, Look, unpack};
use crate::conversation::Conversation;
use crate::error::ReceiveError;
use crate::groups::{GroupKind, GroupRow, GroupState};
use crate::item::CarrierKind;
use crate::mailbox::Mailbox;

/// The mailboxes of one partition, as they and their keys were stored at one moment.
pub(crate) struct Mailboxes {
    pub(crate) partition: Partition,
    inbox: Arc<Inbox>,
    /// Those of conversations, in an order of their own.
    groups: Vec<GroupMailbox>,
    /// The partition's cursor; 0 if it was never read.
    next: u64,
    /// The store's generation that these are known to stand in.
    as_of: Cell<Generation>,
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
        let (as_of, cursors) = (tx.generation()?, tx.cursors()?);
        let cursors: Vec<CursorRow> =
            cursors.into_iter().filter(|row| row.topic == topic).collect();
        let empty = |partition: Partition| Self {
            partition,
            inbox: Arc::clone(inbox),
            groups: Vec::new(),
            next: next_of(&cursors, partition, None).unwrap_or_default(),
            as_of: Cell::new(as_of),
        };
        let partition = inbox.mailbox.partition;
        let mut all = BTreeMap::from([(partition, empty(partition))]);
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
        let (inbox, groups, next) = (Arc::clone(inbox), Vec::new(), 0);
        Ok(match found {
            Some(found) => found,
            None => Self { partition, inbox, groups, next, as_of: Cell::new(tx.generation()?) },
        })
    }

    /// The inbox alone, of a partition that was never read.
    #[cfg(test)]
    pub(crate) fn of_inbox(inbox: &Arc<Inbox>) -> Self {
        let (partition, inbox) = (inbox.mailbox.partition, Arc::clone(inbox));
        Self { partition, inbox, groups: Vec::new(), next: 0, as_of: Cell::new(u64::MAX.into()) }
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
        self.groups.iter().filter_map(|group| group.lag).fold(self.next, u64::min)
    }

    /// Whether any of them lagged when they were loaded.
    pub(super) fn lag(&self) -> bool {
        self.groups.iter().any(|group| group.lag.is_some())
    }

    /// The first offset that may hold something for us; `None` if the log's start may.
    pub(super) fn first_start(&self) -> Option<u64> {
        if self.takes_inbox() {
            return None;
        }
        self.groups.iter().map(|group| group.start).min()
    }

    /// The mailbox with this tag, if it is one of a conversation.
    pub(super) fn group(&self, tag: &[u8; 16]) -> Option<&GroupMailbox> {
        self.groups.iter().find(|group| group.mailbox.tag.as_bytes() == tag)
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
        for group in self.groups.iter().filter(|group| group.lag.is_some()) {
            let tag = group.mailbox.tag.as_bytes();
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
        self.groups.len() == now.groups.len()
            && mine.zip(&now.groups).all(|(mine, now)| mine.is_some_and(|mine| mine.covers(now)))
    }

    fn takes_inbox(&self) -> bool {
        self.inbox.mailbox.partition == self.partition
    }

    /// What takes records of the partition apart.
    pub(super) fn opener(&self) -> Opener<'_> {
        let inbox = self.takes_inbox().then_some(&*self.inbox);
        let inboxes = inbox.map(|inbox| Addressee {
            mailbox: &inbox.mailbox,
            keys: inbox.keys().iter().collect(),
            from: self.next,
        });
        let groups = self.groups.iter().map(|group| Addressee {
            mailbox: &group.mailbox,
            keys: group.keys.iter().take(Envelope::MAX_KEYS).collect(),
            from: group.lag.unwrap_or(self.next),
        });
        let addressees = inboxes.into_iter().chain(groups).collect();
        let (namespace, probe) = (&self.inbox.namespace, self.inbox.probe());
        Opener { inbox, groups: &self.groups, look: Look { namespace, probe, addressees } }
    }
}

/// Takes records of one partition apart, layer by layer.
pub(super) struct Opener<'a> {
    inbox: Option<&'a Inbox>,
    groups: &'a [GroupMailbox],
    /// The inbox first, where it is here, and then the groups.
    look: Look<'a>,
}

impl Opener<'_> {
    /// What a record is, for whichever of the mailboxes may take it: none takes what lies below its cursor.
    pub(super) fn open(&self, record: &StoredRecord) -> Opened {
        let Carried::Envelope { sealed, carrier, to } = unpack(record, &self.look) else {
            return Opened::Foreign;
        };
        match self.inbox {
            Some(inbox) if to == 0 => inbox.open_envelope(sealed, carrier),
            _ => {
                let group = self.groups.get(to.saturating_sub(usize::from(self.inbox.is_some())));
                group.map_or(Opened::Foreign, |group| self.open_mls(group, &sealed, carrier))
            }
        }
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
        // A cursor that has gone or moved on was moved by another process, one that is new or lies before was set.
        same && now.lag.is_none_or(|now| self.lag.is_some_and(|lag| lag <= now))
    }
}

impl std::fmt::Debug for Mailboxes {
    /// Shows places, never keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { partition, inbox: _, groups, next, as_of: _ } = self;
        let lagging = groups.iter().filter(|group| group.lag.is_some()).count();
        let (groups, inbox) = (groups.len(), usize::from(self.takes_inbox()));
        write!(f, "Mailboxes({partition}: {inbox} + {groups}, {lagging} lag behind {next})")
    }
}

fn next_of(cursors: &[CursorRow], partition: Partition, mailbox: Option<&Mailbox>) -> Option<u64> {
    let tag = mailbox.map(|mailbox| *mailbox.tag.as_bytes());
    let found = cursors.iter().find(|row| row.partition == partition.0 && row.mailbox == tag);
    found.map(|row| row.cursor.next)
}
