//! The mail of a profile: where it lies, and where it is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chat_store::{CursorRow, Store};
use chat_transport::{Partition, TopicName, Transport};
use tokio::sync::watch;

use super::conversations::{Conversations, NoConversations};
use super::live::LivePart;
use super::{Inbox, Mailboxes, Reader};
use crate::client::Profile;
use crate::error::ReceiveError;
use crate::network::Network;

/// The topic that a profile's mail lies in, and the store that keeps it: what all its readers share.
#[derive(Clone)]
pub(crate) struct Mail {
    pub(super) store: Store,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) topic: TopicName,
    pub(super) inbox: Arc<Inbox>,
    /// The largest record of the topic: a read must be able to return one.
    pub(super) max_record: u32,
    /// Makes what takes the records of conversations, anew for each reader.
    pub(super) conversations: Arc<dyn Fn() -> Box<dyn Conversations> + Send + Sync>,
}

impl Mail {
    pub(crate) fn new(
        profile: &Arc<Profile>,
        network: &Network,
        transport: Arc<dyn Transport>,
    ) -> Self {
        Self {
            store: profile.store.clone(),
            transport,
            topic: network.mail_topic(),
            inbox: Arc::new(Inbox::new(&profile.handle, network)),
            max_record: network.max_record(),
            conversations: Arc::new(|| Box::new(NoConversations)),
        }
    }

    /// All mailboxes of the profile as they are stored now, by partition.
    pub(super) fn mailboxes(&self) -> Result<BTreeMap<Partition, Mailboxes>, ReceiveError> {
        self.store.read(|tx| Mailboxes::load_all(tx, self.topic.as_str(), &self.inbox))
    }

    /// The mailboxes of one partition as they are stored now; there may be none.
    pub(super) fn mailboxes_of(&self, partition: Partition) -> Result<Mailboxes, ReceiveError> {
        let (topic, inbox) = (self.topic.as_str(), &self.inbox);
        self.store.read(|tx| Mailboxes::load(tx, topic, inbox, partition))
    }

    /// Forgets how far partitions were read that hold nothing of ours any more. Should one be ours again, what
    /// lies in between was never for us, and is neither read nor missed.
    ///
    /// * `read` - the mailboxes, as they were just loaded
    pub(super) fn forget_unread(
        &self,
        read: &BTreeMap<Partition, Mailboxes>,
    ) -> Result<(), ReceiveError> {
        let topic = self.topic.as_str();
        let unread = |read: &BTreeMap<Partition, Mailboxes>, row: &CursorRow| {
            row.topic == topic && !read.contains_key(&Partition(row.partition))
        };
        if !self.store.read(|tx| tx.cursors())?.iter().any(|row| unread(read, row)) {
            return Ok(());
        }
        self.store.write(|tx| {
            let read = Mailboxes::load_all(tx, topic, &self.inbox)?;
            for row in tx.cursors()?.iter().filter(|row| unread(&read, row)) {
                tx.kept_clear(topic, row.partition)?;
                tx.delete_cursor(topic, row.partition, row.mailbox.as_ref())?;
            }
            Ok(())
        })
    }

    /// A reader of one partition.
    ///
    /// * `nudge` - changes when other mailboxes may be stored than before
    pub(super) fn reader(
        &self,
        partition: Partition,
        live: LivePart,
        nudge: watch::Receiver<()>,
    ) -> Reader {
        let conversations = Arc::new(Mutex::new((self.conversations)()));
        Reader { mail: self.clone(), partition, live, conversations, nudge }
    }
}
