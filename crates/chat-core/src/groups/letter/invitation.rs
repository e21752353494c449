//! An invitation to a group.
//!
//! ```text
//! topic id 16 | partition u32 | tag 16 | start offset u64
//!     | length u32 | Welcome | length u32 | ratchet tree
//! ```

use chat_crypto::MailboxTag;
use chat_crypto::mls::MAX_MLS_MESSAGE;
use chat_transport::Partition;
use zeroize::Zeroizing;

use crate::mailbox::Mailbox;
use crate::wire::{Reader, Writer};

/// What it takes to join a group.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Invitation {
    /// The mail topic as the inviter has seen it; zeros if it has not.
    pub(crate) topic_id: [u8; 16],
    pub(crate) mailbox: Mailbox,
    /// The first offset of the partition that may hold a record for us.
    pub(crate) start: u64,
    pub(crate) welcome: Vec<u8>,
    pub(crate) tree: Vec<u8>,
}

impl Invitation {
    pub(in crate::groups) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(52 + self.welcome.len() + self.tree.len());
        writer
            .raw(&self.topic_id)
            .u32(self.mailbox.partition.0)
            .raw(self.mailbox.tag.as_bytes())
            .u64(self.start);
        for part in [&self.welcome, &self.tree] {
            writer.u32(u32::try_from(part.len()).unwrap_or(u32::MAX)).raw(part);
        }
        writer.finish()
    }

    /// Parses an invitation and nothing behind it, or names what is wrong.
    pub(in crate::groups) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut reader = Reader::new(bytes);
        let topic_id = reader.array().ok_or("topic id")?;
        let partition = Partition(reader.u32().ok_or("partition")?);
        let tag = MailboxTag::from_bytes(reader.array().ok_or("tag")?);
        let start = reader.u64().ok_or("start offset")?;
        let welcome = long(&mut reader).ok_or("Welcome")?;
        let tree = long(&mut reader).ok_or("ratchet tree")?;
        reader.is_empty().then_some(()).ok_or("end")?;
        Ok(Self { topic_id, mailbox: Mailbox { partition, tag }, start, welcome, tree })
    }
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { topic_id: _, mailbox, start, welcome, tree } = self;
        let (partition, welcome, tree) = (mailbox.partition, welcome.len(), tree.len());
        write!(f, "Invitation(partition {partition}, from {start}, {welcome} and {tree} bytes)")
    }
}

/// A field that is preceded by its length in four bytes.
fn long(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let len = usize::try_from(reader.u32()?).ok()?;
    (1..=MAX_MLS_MESSAGE).contains(&len).then_some(())?;
    reader.take(len).map(<[u8]>::to_vec)
}
