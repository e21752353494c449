//! Where the records of a new group go.

use chat_crypto::MailboxTag;
use chat_transport::Partition;
use rand::RngExt;

use super::Place;
use crate::client::Profile;
use crate::error::SendError;
use crate::mailbox::Mailbox;
use crate::network::Network;
use crate::random;

impl Profile {
    /// A mailbox that nobody has: any partition, any tag. Where we have read of that partition's log nothing of the
    /// group can lie before what we have not read.
    pub(crate) fn new_place(&self, network: &Network) -> Result<Place, SendError> {
        let mut rng = rand::rng();
        let partition = Partition(rng.random_range(0..network.partitions().get()));
        let tag = MailboxTag::from_bytes(random::bytes(&mut rng));
        let topic = network.mail_topic();
        let cursor = self.store.read(|tx| tx.cursor(topic.as_str(), partition.0, None))?;
        let (topic_id, start) = cursor.map_or(([0; 16], 0), |at| (at.topic_id, at.next));
        Ok(Place { topic_id, mailbox: Mailbox { partition, tag }, start })
    }
}
