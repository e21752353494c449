//! A profile's mail over a log in memory, with conversations that only pretend to be protected.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_crypto::mls::{EpochStart, GroupId};
use chat_crypto::{
    Envelope, EnvelopeKind, MailboxTag, Protected, Protection, SharedKey, Subkey, SubkeyLabel,
};
use chat_store::{Store, StoreKey, WriteTxn};
use chat_transport::{Cleanup, MemoryTransport, Partition, Record, TopicSpec, Transport};

use super::conversations::{Conversations, RecordAt, Took};
use super::tests::{content, handle};
use super::{Inbox, Mail, OpenedLetter, OpenedMls, Refusal, begin_reading};
use crate::error::ReceiveError;
use crate::groups::{GroupKind, GroupRow, GroupState, NewGroup};
use crate::history_row::HistoryRow;
use crate::item::{CarrierKind, Gap, Item};
use crate::mailbox::Mailbox;
use crate::message_id::MessageId;
use crate::network::Network;
use crate::network::create::{NewNetwork, draft};

/// A guard against hanging: far longer than anything here takes.
pub(super) const LONG: Duration = Duration::from_secs(20);

/// Bob's mail.
pub(super) struct Post {
    folder: tempfile::TempDir,
    pub(super) network: Network,
    pub(super) log: MemoryTransport,
    pub(super) mail: Mail,
    /// Groups that letters invite to, by their place.
    pub(super) invited: Arc<Mutex<Vec<GroupRow>>>,
    sent: u8,
}

impl Post {
    /// Eight partitions; the inbox lies in one of them.
    pub(super) async fn new() -> Self {
        let (folder, log) = (tempfile::tempdir().unwrap(), MemoryTransport::new());
        let brokers = vec!["localhost:9092".to_owned()];
        let mut new = NewNetwork::new("test".parse().unwrap(), brokers);
        new.partitions = NonZeroU32::new(8);
        let network = draft(new).unwrap();
        let store =
            Store::create(&folder.path().join("store"), &StoreKey::from_bytes([3; 32])).unwrap();
        let invited = Arc::default();
        let mail = mail(store, &network, &log, &invited);
        let post = Self { folder, network, log, mail, invited, sent: 0 };
        post.make_topic().await;
        post
    }

    pub(super) async fn make_topic(&self) {
        let spec = TopicSpec {
            name: self.network.mail_topic(),
            partitions: self.network.partitions(),
            replication: None,
            max_record_bytes: self.network.max_record(),
            cleanup: Cleanup::Delete { retention: None },
        };
        self.log.create_topic(&spec).await.unwrap();
    }

    /// The same store in another process.
    pub(super) fn reopened(&self) -> Mail {
        let store =
            Store::open(&self.folder.path().join("store"), &StoreKey::from_bytes([3; 32])).unwrap();
        mail(store, &self.network, &self.log, &self.invited)
    }

    pub(super) fn inbox(&self) -> Mailbox {
        *self.mail.inbox.newest()
    }

    /// A partition that is not the inbox's.
    pub(super) fn elsewhere(&self, place: u32) -> Partition {
        Partition((self.inbox().partition.0 + 1 + place) % 8)
    }

    /// Lets the profile be in a group, as another process does.
    pub(super) fn join(&self, row: &GroupRow) {
        let topic = self.network.mail_topic();
        self.mail.store.write::<_, ReceiveError>(|tx| join(tx, topic.as_str(), row)).unwrap();
    }

    pub(super) async fn append(&self, partition: Partition, record: Record) {
        self.log.append(&self.network.mail_topic(), partition, vec![record]).await.unwrap();
    }

    /// Writes a message to a group's mailbox under a key.
    pub(super) async fn write(&self, mailbox: &Mailbox, key: u8, message: &str) {
        let record =
            self.sealed(mailbox, key, &Protected::new(Protection::Mls, message.as_bytes()));
        self.append(mailbox.partition, record).await;
    }

    pub(super) fn sealed(&self, mailbox: &Mailbox, key: u8, protected: &Protected) -> Record {
        let value = self.envelope(mailbox, key, protected, EnvelopeKind::Mail);
        CarrierKind::Plain.record(mailbox, value)
    }

    pub(super) fn envelope(
        &self,
        mailbox: &Mailbox,
        key: u8,
        protected: &Protected,
        kind: EnvelopeKind,
    ) -> Vec<u8> {
        let context = mailbox.context(self.network.namespace(), kind);
        let key = Subkey::from_bytes([key; 32]);
        Envelope::seal(&key, &context, protected, &mut rand::rng()).unwrap().into_bytes()
    }

    /// Writes alice's next message to the inbox.
    pub(super) async fn write_to_inbox(&mut self) {
        let mut content = content(&self.network, "alice", "alice", "bob");
        content.message_id = MessageId::from_bytes([self.sent + 1; 16]);
        content.number = self.sent.into();
        self.sent += 1;
        self.to_inbox(&SharedKey::protect(&content.encode())).await;
    }

    /// Writes a letter that invites to the group at a place of [`Self::invited`].
    pub(super) async fn invite(&self, place: u8) {
        self.to_inbox(&Protected::new(Protection::Mls, &[place])).await;
    }

    async fn to_inbox(&self, protected: &Protected) {
        let key = self.network.sealing_key().subkey(SubkeyLabel::Envelope);
        let inbox = self.inbox();
        let context = inbox.context(self.network.namespace(), EnvelopeKind::Mail);
        let envelope = Envelope::seal(&key, &context, protected, &mut rand::rng()).unwrap();
        let record = CarrierKind::Plain.record(&inbox, envelope.into_bytes());
        self.append(inbox.partition, record).await;
    }

    /// What groups were given, in the order in which it was stored.
    pub(super) fn heard(&self) -> Vec<String> {
        let text = |row: &chat_store::HistoryRow| {
            let said = row.body.strip_prefix(MARK)?;
            Some(String::from_utf8(said.to_vec()).unwrap())
        };
        self.rows().iter().filter_map(text).collect()
    }

    /// Messages in the inbox.
    pub(super) fn messages(&self) -> usize {
        self.items().iter().filter(|(_, item)| matches!(item, Item::Message(_))).count()
    }

    /// Gaps, and the conversations that have them.
    pub(super) fn gaps(&self) -> Vec<(Vec<u8>, Gap)> {
        let gap = |(conversation, item)| match item {
            Item::Gap(gap) => Some((conversation, gap)),
            _ => None,
        };
        self.items().into_iter().filter_map(gap).collect()
    }

    /// Everything else that the history holds.
    pub(super) fn items(&self) -> Vec<(Vec<u8>, Item)> {
        let rows = self.rows();
        let ours = rows.iter().filter(|row| !row.body.starts_with(MARK));
        ours.map(|row| (row.conversation.clone(), HistoryRow::decode(row).unwrap().item)).collect()
    }

    fn rows(&self) -> Vec<chat_store::HistoryRow> {
        self.mail.store.read(|tx| tx.history_after(0.into(), usize::MAX)).unwrap()
    }

    /// The next offset of a partition or of a mailbox that lags.
    pub(super) fn next(&self, partition: Partition, mailbox: Option<&Mailbox>) -> Option<u64> {
        let (topic, tag) = (self.network.mail_topic(), mailbox.map(|m| *m.tag.as_bytes()));
        let read = self.mail.store.read(|tx| tx.cursor(topic.as_str(), partition.0, tag.as_ref()));
        read.unwrap().map(|cursor| cursor.next)
    }

    /// Reads a partition to its end.
    pub(super) async fn read(&self, partition: Partition) {
        let deadline = tokio::time::Instant::now() + LONG;
        assert!(
            self.mail.read_to_end(partition, deadline).await.unwrap(),
            "the end was not reached"
        );
    }
}

/// A group in its first epoch, with one byte for its name, its tag and its key.
pub(super) fn group(number: u8, partition: Partition, start: u64) -> GroupRow {
    let group = NewGroup {
        id: GroupId::from_bytes([number; 16]),
        kind: GroupKind::Named("ops".to_owned()),
        state: GroupState::Member,
        mailbox: tagged(number, partition),
        generation: 0,
        start,
        inviter: None,
    };
    GroupRow::new(group, &start_of(1, number), 0)
}

pub(super) fn start_of(epoch: u64, key: u8) -> EpochStart {
    let wrap_key = Subkey::from_bytes([key; 32]);
    EpochStart { epoch, wrap_key, authenticator: vec![key; 48] }
}

pub(super) fn tagged(tag: u8, partition: Partition) -> Mailbox {
    Mailbox { partition, tag: MailboxTag::from_bytes([tag; 16]) }
}

fn mail(
    store: Store,
    network: &Network,
    log: &MemoryTransport,
    invited: &Arc<Mutex<Vec<GroupRow>>>,
) -> Mail {
    let invited = Arc::clone(invited);
    let topic = network.mail_topic();
    Mail {
        store,
        transport: Arc::new(log.clone()),
        topic: topic.clone(),
        inbox: Arc::new(Inbox::new(&handle("bob"), network)),
        max_record: network.max_record(),
        conversations: Arc::new(move || {
            Box::new(Pretended { topic: topic.as_str().to_owned(), invited: Arc::clone(&invited) })
        }),
    }
}

fn join(tx: &mut WriteTxn<'_>, topic: &str, row: &GroupRow) -> Result<(), ReceiveError> {
    row.put::<ReceiveError>(tx)?;
    Ok(begin_reading(tx, topic, row)?)
}

/// Conversations whose messages are what they say. `key N` begins an epoch, `tag N` one with another mailbox, and
/// what begins with `bad` is refused.
struct Pretended {
    topic: String,
    invited: Arc<Mutex<Vec<GroupRow>>>,
}

impl Conversations for Pretended {
    fn message(
        &mut self,
        tx: &mut WriteTxn<'_>,
        _: &RecordAt,
        mls: &OpenedMls,
    ) -> Result<Took, ReceiveError> {
        if mls.message.starts_with(b"bad") {
            return Ok(Took { refused: Some(Refusal::Malformed), ..Took::default() });
        }
        tx.history_append(&[], &[MARK, &mls.message].concat())?;
        let said = String::from_utf8(mls.message.to_vec()).unwrap();
        let order = said.split_once(' ').filter(|(what, _)| ["key", "tag"].contains(what));
        let Some((what, number)) = order else {
            return Ok(Took { rows: 1, ..Took::default() });
        };
        let mut row = GroupRow::of::<ReceiveError>(tx, mls.group)?.unwrap();
        let (number, mut mailbox) = (number.parse().unwrap(), row.mailbox());
        if what == "tag" {
            mailbox = tagged(number, mailbox.partition);
        }
        let epoch = row.newest_wrap().unwrap().0 + 1;
        row.enter(&start_of(epoch, number), mailbox);
        row.put::<ReceiveError>(tx)?;
        Ok(Took { rows: 1, mailboxes_changed: true, ..Took::default() })
    }

    fn letter(
        &mut self,
        tx: &mut WriteTxn<'_>,
        _: &RecordAt,
        letter: &OpenedLetter,
    ) -> Result<Took, ReceiveError> {
        let row = self.invited.lock().unwrap()[usize::from(letter.body[0])].clone();
        join(tx, &self.topic, &row)?;
        Ok(Took { mailboxes_changed: true, ..Took::default() })
    }
}

const MARK: &[u8] = b"pretended:";
