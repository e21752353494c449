//! What a history holds: messages, and everything that must not be missed about them.

use serde::{Deserialize, Serialize};

use crate::handle::Handle;
use crate::message_id::MessageId;
use crate::peer::{GroupName, Peer};
use crate::remote_text::RemoteText;
use crate::trust::SenderTrust;

/// One row of a profile's history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryItem {
    /// Its place on the profile's one number line, over all conversations; from 1.
    pub seq: chat_store::Seq,
    /// When this profile stored it: our clock, milliseconds since 1970.
    pub received_at_ms: i64,
    /// What it is.
    pub what: Item,
}

/// What a history row says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Item {
    /// A message, sent or received.
    Message(Message),
    /// Offsets of the log that were never read and never will be.
    Gap(Gap),
    /// Messages of a sender that should have come before one that did.
    Missing(Missing),
    /// A message that was reported missing has come.
    Found(Found),
    /// Two different messages claim one place in a sender's stream.
    Conflict(Conflict),
    /// A message that only a newer version of this program can read; it is kept.
    Newer(Newer),
    /// A message of our own that the log has lost, and that is too old to be sent again.
    Unsent(Unsent),
    /// This profile's data is a restored or moved copy: its messages go on in new streams.
    Restored(Restored),
    /// A row that damage to the store has taken.
    Lost(Lost),
    /// A message that travels in several pictures and has not come whole.
    Partial(Partial),
    /// Another key than the one that counts has signed under a contact's handle.
    KeyChanged(KeyChanged),
    /// Something came under a contact's handle with less protection than that contact uses: no message of theirs.
    Downgraded(Downgraded),
    /// The directory shows different people different keys of one identity.
    DirectoryFork(DirectoryFork),
    /// A member has read another log than we have.
    LogForked(LogForked),
    /// A group has changed.
    GroupChanged(GroupChanged),
    /// Somebody's entry of the directory names other devices than before; our own too.
    DevicesChanged(DevicesChanged),
    /// The network has a new key, or somebody has offered one.
    NetworkKeyChanged(NetworkKeyChanged),
}

impl Item {
    /// Whether it says nothing any more: a message that was on its way and has its own row by now.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self, Self::Partial(partial) if partial.missing.is_empty())
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// Its name, made by the sender.
    pub id: MessageId,
    /// The other person of the conversation, or the group.
    pub with: Peer,
    /// Who wrote it. Under [`Protection::SharedKey`] any key holder can claim any name.
    pub from: Handle,
    /// Whether this profile wrote it.
    pub outgoing: bool,
    /// The sender's clock, milliseconds since 1970.
    pub sent_at_ms: i64,
    /// Its text; empty once withdrawn by a sender whose text never came.
    pub text: RemoteText,
    /// How it travelled.
    pub carrier: CarrierKind,
    /// What protected it.
    pub protection: Protection,
    /// Whether another message claims the same place in the sender's stream.
    pub conflict: bool,
    /// Whether it names a predecessor that is not the one we have.
    pub broken_chain: bool,
    /// Whether it still stands.
    pub state: MessageState,
    /// What was known of its sender when it came.
    // Kept at the row's end: rows from before it have none.
    #[serde(skip)]
    pub sender: SenderTrust,
}

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CarrierKind {
    /// A sealed record.
    Plain,
    /// Inside a picture.
    Image,
}

impl CarrierKind {
    /// The name that JSON output uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Image => "image",
        }
    }
}

/// What protects a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Protection {
    /// The network key alone: no forward secrecy, and any key holder can write as anybody.
    SharedKey,
    /// The network key, and a signature: no forward secrecy, but its sender is who signed it.
    SignedSharedKey,
    /// MLS: forward secrecy, post-compromise security, post-quantum confidentiality.
    Mls,
}

impl Protection {
    /// The name that JSON output uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SharedKey => "shared-key",
            Self::SignedSharedKey => "signed-shared-key",
            Self::Mls => "mls",
        }
    }

    /// One line for people: what it does not give.
    pub fn describe(self) -> &'static str {
        match self {
            Self::SharedKey => {
                "shared key: no forward secrecy, and any key holder can write as anybody"
            }
            Self::SignedSharedKey => {
                "shared key, signed: no forward secrecy; whoever gets the network key reads all of it"
            }
            Self::Mls => "MLS: forward secrecy, post-compromise security, post-quantum keys",
        }
    }
}

/// Whether a message still stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum MessageState {
    /// It stands.
    Normal,
    /// Its sender took it back before it was known to have arrived.
    Withdrawn,
    /// It could never be sent; the reason is for people.
    Failed {
        /// Why, for people; may quote the broker, so escape it.
        reason: String,
    },
}

/// Offsets that were jumped over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Gap {
    /// What made them unreadable.
    pub cause: GapCause,
    /// The partition of the mail topic.
    pub partition: u32,
    /// The first offset that was not read.
    pub from_offset: u64,
    /// The first offset behind the gap.
    pub to_offset: u64,
    /// The broker's time of the last record before the gap, milliseconds since 1970, where known.
    pub after_ms: Option<i64>,
    /// The broker's time of the first record behind the gap, where known.
    pub before_ms: Option<i64>,
}

/// Why offsets were jumped over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum GapCause {
    /// The broker deleted them before they were read: retention, or an administrator.
    Retention,
    /// The log is shorter, or other, than what was read from it before.
    Truncation,
    /// The topic was deleted and made anew.
    TopicReplaced,
    /// The log holds no records at these offsets.
    NoRecord,
    /// The records at these offsets cannot be decoded: damage at the broker, or a broker that lies.
    Damaged,
}

impl GapCause {
    /// The name that JSON output uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Truncation => "truncation",
            Self::TopicReplaced => "topic_replaced",
            Self::NoRecord => "no_record",
            Self::Damaged => "damaged",
        }
    }
}

/// Messages of one sender that did not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Missing {
    /// Who wrote them.
    pub from: Handle,
    /// The other person of the conversation, or the group.
    pub with: Peer,
    /// The first missing number in the sender's stream, from 0.
    pub first: u64,
    /// The last missing number.
    pub last: u64,
}

/// A message that was missing has come; its own row is beside this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Found {
    /// Who wrote it.
    pub from: Handle,
    /// The other person of the conversation, or the group.
    pub with: Peer,
    /// Its number in the sender's stream.
    pub number: u64,
}

/// Several messages with one number: a restored copy of the sender's data, or a forgery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Conflict {
    /// Who wrote them, by their own word.
    pub from: Handle,
    /// The other person of the conversation, or the group.
    pub with: Peer,
    /// The number in the sender's stream that they share.
    pub number: u64,
    /// Their names, the first one first.
    pub ids: Vec<MessageId>,
}

/// A message of a newer version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Newer {
    /// The partition of the mail topic.
    pub partition: u32,
    /// Its offset there.
    pub offset: u64,
}

/// A message that was on the log and is not any more, and whose bytes are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unsent {
    /// The message's place in the history.
    pub message: u64,
    /// The partition of the mail topic where it was.
    pub partition: u32,
    /// Its offset there.
    pub offset: u64,
}

/// A profile whose data is a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Restored {
    /// How many of its newest changes are gone at least; `None` if it was copied whole, as far as can be told.
    pub changes: Option<u64>,
}

/// A message in several pictures of which some have come. The row changes as others come, and is not shown once
/// the message is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Partial {
    /// The message's name.
    pub id: MessageId,
    /// Who writes it, by their own word.
    pub from: Handle,
    /// The other person of the conversation, or the group.
    pub with: Peer,
    /// How many pictures it has.
    pub pieces: u32,
    /// Those that have not come, from 1, rising.
    pub missing: Vec<u32>,
}

/// Another key has signed under a handle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeyChanged {
    /// The handle.
    pub handle: Handle,
    /// The key that counts: an identity's 32 public bytes.
    pub old: [u8; 32],
    /// The key that has signed now.
    pub new: [u8; 32],
}

/// A text under a contact's handle with less protection than that contact uses. Whoever holds the network key can
/// have written it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Downgraded {
    /// The handle that it claims.
    pub from: Handle,
    /// The other person of the conversation, or the group.
    pub with: Peer,
    /// What protected it.
    pub protection: Protection,
    /// Its text.
    pub text: RemoteText,
}

/// An identity has two lists of signed changes of which neither continues the other: the directory has two faces,
/// or the identity is used in two places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DirectoryFork {
    /// Whose it is.
    pub handle: Handle,
}

/// Somebody's entry of the directory names other devices than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DevicesChanged {
    /// Whose devices they are; our own handle for our own.
    pub handle: Handle,
    /// Names of devices that have come, 32 hex digits each.
    pub added: Vec<String>,
    /// Names of devices that are gone for ever.
    pub removed: Vec<String>,
}

/// A new key of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NetworkKeyChanged {
    /// Who has sent it; our own handle for one that was made or joined with here.
    pub by: Handle,
    /// Its public name, 16 hex digits.
    pub key: String,
    /// Its number; the first key of a network has number 1.
    pub number: u32,
    /// What became of it.
    pub offer: KeyOffer,
}

/// What became of a network key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum KeyOffer {
    /// It is used.
    Taken,
    /// Whoever sent it is neither verified nor has introduced us: it is not used.
    Refused,
}

/// A member of a conversation has read another log than we have: the broker shows different people different things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogForked {
    /// Whose message said so.
    pub from: Handle,
    /// Who the conversation is with.
    pub with: Peer,
}

/// A change of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupChanged {
    /// The group, by what it is called since.
    pub group: GroupName,
    /// Who has changed it.
    pub by: Handle,
    /// What has changed.
    pub what: GroupEvent,
}

/// What has changed in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum GroupEvent {
    /// This profile is in it now.
    Joined,
    /// People were brought in.
    Added(Vec<Handle>),
    /// People were put out.
    Removed(Vec<Handle>),
    /// People have left.
    Left(Vec<Handle>),
    /// It is called so from now on.
    Renamed(RemoteText),
    /// Other people may change it.
    AdminsChanged {
        /// Who may from now on.
        added: Vec<Handle>,
        /// Who may no more.
        removed: Vec<Handle>,
    },
    /// What this profile has asked for was not done, and why.
    NotMade(String),
    /// This profile has made it.
    Founded(Vec<Handle>),
    /// People have new keys: they were restored from a copy, or had missed what others have read.
    PutBack(Vec<Handle>),
}

impl GroupEvent {
    /// The name that JSON output uses.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Added(_) => "added",
            Self::Removed(_) => "removed",
            Self::Left(_) => "left",
            Self::Renamed(_) => "renamed",
            Self::AdminsChanged { .. } => "admins_changed",
            Self::NotMade(_) => "not_made",
            Self::Founded(_) => "founded",
            Self::PutBack(_) => "put_back",
        }
    }
}

/// A row of the history that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lost {}
