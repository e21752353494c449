//! What can go wrong, by stage; each stage has its own type and the facade joins them.

use std::io;
use std::path::PathBuf;

use chat_stego::cover::Finding;
use chat_stego::{CoverError, EmbedError};
use chat_store::{OpenError as StoreOpenError, Seq, StoreError};
use chat_transport::{TopicName, TransportError};

use crate::devices::DeviceCodeError;
use crate::handle::Handle;
use crate::namespace::Namespace;
use crate::network::invite::InviteError;
use crate::private_file::PrivateFileError;

mod contact;
mod device;
mod directory;
mod group;
mod kind;

pub use self::contact::ContactError;
pub use self::device::DeviceError;
pub use self::directory::DirectoryError;
pub use self::group::GroupError;
pub use self::kind::ErrorKind;

/// Any failure of the facade. [`kind`](Self::kind) tells programs what it is; the text tells
/// people what happened and to which object, in one line.
///
/// The text may quote a broker: escape it before it reaches a terminal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Making or opening a profile failed.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Making, finding or joining a network failed.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A line is no invite that can be used.
    #[error(transparent)]
    Invite(#[from] InviteError),
    /// Accepting or delivering a message failed.
    #[error(transparent)]
    Send(#[from] SendError),
    /// Reading the log failed.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    /// A question about a contact failed.
    #[error(transparent)]
    Contact(#[from] ContactError),
    /// Something could not be done with a device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A line is no device code that can be used.
    #[error(transparent)]
    DeviceCode(#[from] DeviceCodeError),
    /// Somebody was not found in the directory, or it could not be read or written.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Something could not be done in a group.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// Reading the history failed.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The transport failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// An image cannot be a cover.
    #[error("this image cannot be a cover: {0}")]
    Cover(#[from] CoverError),
    /// A private file could not be made or read.
    #[error(transparent)]
    PrivateFile(#[from] PrivateFileError),
    /// The client has no transport. Call [`connect`](crate::Client::connect) first.
    #[error("the client is not connected to a broker")]
    NotConnected,
}

/// Why a profile could not be made or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// There is no profile in the folder. Make one, or name another.
    #[error("there is no profile in {}", path.display())]
    NotFound {
        /// The folder.
        path: PathBuf,
    },
    /// The profile's vault is gone, and with it the key to its store. Put it back from a copy.
    #[error("the profile's vault {} is gone, and with it the key to its store", path.display())]
    NoVault {
        /// The vault file.
        path: PathBuf,
    },
    /// The profile's store is gone; its vault is there. Put it back from a copy.
    #[error("the profile's store {} is gone, and with it the history", path.display())]
    NoStore {
        /// The store's file.
        path: PathBuf,
    },
    /// Another process has the profile open, and what was asked for needs it alone; or another has it alone.
    #[error("the profile in {} is in use by another process", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The file that names the store's engine names none that is known. Upgrade.
    #[error("{} names an engine that this program does not know", path.display())]
    UnknownEngine {
        /// The file.
        path: PathBuf,
    },
    /// The folder is no profile and holds other things. Name another.
    #[error("{} is no profile and is not empty", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// There is a profile in the folder already.
    #[error("there is a profile in {} already", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The passphrase is wrong or missing, or the vault is damaged.
    #[error("cannot open the vault {}: {source}", path.display())]
    Vault {
        /// The vault file.
        path: PathBuf,
        /// Which of these it is.
        source: chat_crypto::VaultError,
    },
    /// The vault file could not be made or read.
    #[error(transparent)]
    PrivateFile(#[from] PrivateFileError),
    /// The store could not be made or opened.
    #[error("cannot open the store: {0}")]
    Open(#[from] StoreOpenError),
    /// The store failed after it was opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row of the store cannot be written or read.
    #[error(transparent)]
    Row(#[from] StoredValueError),
    /// A backup of an identity could not be made.
    #[error(transparent)]
    Backup(#[from] chat_crypto::BackupError),
    /// This device was linked to its identity by another one, which holds the secret. Do it there.
    #[error(
        "this device was linked: the secret of its identity is on the device that has linked it"
    )]
    LinkedDevice,
    /// The profile waits for the device that has made its code. Link it first.
    #[error("this profile waits to be linked by the device that has made its code")]
    Linking,
    /// The profile's identity has removed this device. Link a new profile.
    #[error("this device was removed by its owner: it is in no conversation any more")]
    DeviceRemoved,
    /// A device was certified for one network, and this is another.
    #[error("this device was linked in another network")]
    OtherNetwork,
    /// The store lacks a part that every profile has: it was not made by this program, or is damaged.
    #[error("the store is damaged: it has no {part}")]
    Incomplete {
        /// The part.
        part: &'static str,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a network could not be made, found or joined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The profile belongs to no network. Join one, or make one.
    #[error("profile {handle} has joined no securechat network")]
    None {
        /// The profile.
        handle: Handle,
    },
    /// The network's topics are still to be made. Run `network create` again once they are.
    #[error("the topics of network {namespace} are still to be made")]
    Pending {
        /// The network.
        namespace: Namespace,
    },
    /// The profile belongs to another network; a profile belongs to one.
    #[error("this profile belongs to network {namespace} already")]
    AlreadyMember {
        /// The network that it belongs to.
        namespace: Namespace,
    },
    /// No older key of the network is left, under which somebody who lacks the newest could be reached.
    #[error(
        "network {namespace} has no older key, under which anybody could be reached who lacks the newest"
    )]
    NoOlderKey {
        /// The network.
        namespace: Namespace,
    },
    /// A topic of that name holds records: somebody's network lives there.
    #[error("topic {topic} exists and holds records")]
    TopicInUse {
        /// The topic.
        topic: TopicName,
    },
    /// A topic exists and is not set as a network's must be.
    #[error("topic {topic} exists with {setting} = {found}, and must have {needed}")]
    WrongSetting {
        /// The topic.
        topic: TopicName,
        /// The setting.
        setting: &'static str,
        /// What it has.
        found: String,
        /// What it must have.
        needed: String,
    },
    /// The servers or the certificate authority are longer than an invite can carry.
    #[error("the bootstrap servers or the CA file are longer than 65,535 bytes")]
    TooLong,
    /// The cluster failed or refused.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stored network is damaged.
    #[error(transparent)]
    Row(#[from] StoredValueError),
}

impl NetworkError {
    /// Whether the cluster's topics can never be this network's.
    pub(crate) fn topics_unusable(&self) -> bool {
        matches!(self, Self::TopicInUse { .. } | Self::WrongSetting { .. })
    }
}

/// Why a message could not be accepted or delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The text is empty.
    #[error("the message is empty")]
    EmptyText,
    /// The text is longer than a message may be.
    #[error("the message has {len} bytes; at most {max} fit")]
    TextTooLong {
        /// Its length, in bytes.
        len: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// The sealed message is longer than the mail topic takes.
    #[error("the sealed message needs {len} bytes; the mail topic takes {limit}")]
    RecordTooLarge {
        /// The record's size, in bytes.
        len: usize,
        /// The topic's limit, in bytes.
        limit: usize,
    },
    /// Another key than the one that counts has come under the recipient's handle.
    #[error("{handle}'s identity key has changed from {} to {}; the message is not sent", print_of(&old.0), print_of(&new.0))]
    KeyChanged {
        /// The handle.
        handle: Handle,
        /// The key that counts, and since when: our clock, milliseconds since 1970.
        old: ([u8; 32], i64),
        /// The key that came since, and when it first came.
        new: ([u8; 32], i64),
    },
    /// The recipient's key was not compared, and this profile writes only to people whose key was.
    #[error("{handle} is not verified; the message is not sent")]
    NotVerified {
        /// The handle.
        handle: Handle,
    },
    /// Members of the group are not verified, and this profile writes only to people who are.
    #[error(
        "not all members of the group are verified: {}; the message is not sent",
        names(handles)
    )]
    MembersNotVerified {
        /// Who.
        handles: Vec<Handle>,
    },
    /// The recipient uses MLS, and no group of the two is known, nor what it takes to found one: under the shared key
    /// the message would be less protected than theirs.
    #[error(
        "{handle} uses MLS, and no keys are known to write to {handle} with; the message is not sent"
    )]
    Weaker {
        /// The handle.
        handle: Handle,
    },
    /// The recipient is blocked.
    #[error("{handle} is blocked; the message is not sent")]
    Blocked {
        /// The handle.
        handle: Handle,
    },
    /// The recipient is the sender.
    #[error("a message to oneself goes nowhere")]
    ToSelf,
    /// An image file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    CoverFile {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An image cannot carry this message.
    #[error("{} cannot carry the message: {source}", name_of(path.as_ref()))]
    Cover {
        /// The image file, if it came from one.
        path: Option<PathBuf>,
        /// Why.
        source: CoverError,
    },
    /// No image of the folder is unused and fits.
    #[error("no cover is left in {}: {used} were used before, {unfit} do not fit", folder.display())]
    NoCoverLeft {
        /// The folder.
        folder: PathBuf,
        /// Images that this profile has used.
        used: usize,
        /// Files that are no image, or too small.
        unfit: usize,
    },
    /// The unused images of the folder do not carry the message together.
    #[error("the message has {len} bytes, and the {pictures} unused pictures of {} that were looked at carry {room} together", folder.display())]
    TooFewCovers {
        /// The folder.
        folder: PathBuf,
        /// Images that fit, at most 64.
        pictures: usize,
        /// Bytes of text that are prudent in them together.
        room: usize,
        /// Bytes of the text.
        len: usize,
    },
    /// This profile has used this image before, or a copy of it: two pictures made from one cover differ exactly
    /// where messages are hidden.
    #[error("{} was used before: whoever sees both pictures can compare them and knows that something is hidden", name_of(path.as_ref()))]
    CoverReused {
        /// The image file, if it came from one.
        path: Option<PathBuf>,
    },
    /// Another process has just used the same image. Plan again.
    #[error("another process has just used the same image")]
    CoverTaken,
    /// A payload in this image would be found.
    #[error("{} is no good cover: {finding}", name_of(path.as_ref()))]
    CoverRefused {
        /// The image file, if it came from one.
        path: Option<PathBuf>,
        /// Why.
        finding: Finding,
    },
    /// The message is longer than is prudent in this image.
    #[error("{} should hide no more than {caution} bytes, the message has {hidden}", name_of(path.as_ref()))]
    BeyondCaution {
        /// The image file, if it came from one.
        path: Option<PathBuf>,
        /// Bytes to be hidden.
        hidden: usize,
        /// Bytes that are prudent.
        caution: usize,
    },
    /// Embedding failed.
    #[error("{} could not be made into a picture with a message: {source}", name_of(path.as_ref()))]
    Embed {
        /// The image file, if it came from one.
        path: Option<PathBuf>,
        /// Why.
        source: EmbedError,
    },
    /// The message could not be sealed.
    #[error(transparent)]
    Seal(#[from] chat_crypto::SealError),
    /// The message could not be signed.
    #[error(transparent)]
    Sign(#[from] chat_crypto::SignedContentError),
    /// The mail topic has fewer partitions than the network was made with.
    #[error("topic {topic} has {found} partitions; the network was made with {needed}")]
    TooFewPartitions {
        /// The topic.
        topic: TopicName,
        /// What it has.
        found: u32,
        /// What it had.
        needed: u32,
    },
    /// The time was over before the broker had answered.
    #[error("the broker did not answer in time")]
    NoAnswerInTime,
    /// There is no such message in the outbox.
    #[error("there is no message {id} in the outbox")]
    NotInOutbox {
        /// The number that was asked for.
        id: u64,
    },
    /// Another process is sending this message right now.
    #[error("message {id} is being sent by another process")]
    BeingSent {
        /// The number that was asked for.
        id: u64,
    },
    /// The topic refused the note that stands in for a message that can never be sent.
    #[error("the topic refused a message, and the note that it will never come: {reason}")]
    NoteRefused {
        /// Why, for people; may quote the broker, so escape it.
        reason: String,
    },
    /// The background work was stopped: the program is ending.
    #[error("sending was stopped")]
    Stopped,
    /// The recipient's group cannot be written to.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// No network can be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The profile is incomplete, or its locks cannot be taken.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// What the recipient has published could not be looked at.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The broker failed or refused; the message stays in the outbox.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row of the store is damaged.
    #[error(transparent)]
    Row(#[from] StoredValueError),
}

impl SendError {
    /// Whether every other mailbox would fail in the same way.
    pub(crate) fn concerns_connection(&self) -> bool {
        matches!(self, Self::Transport(_) | Self::NoAnswerInTime) || self.concerns_store()
    }

    /// Whether it is not the broker's doing.
    pub(crate) fn concerns_store(&self) -> bool {
        matches!(
            self,
            Self::Store(_) | Self::Row(_) | Self::Profile(_) | Self::Group(_) | Self::Stopped
        )
    }
}

/// Why reading the log failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// Another process of this profile listens under this name. Use another `--name`.
    #[error("another process listens as {name:?}")]
    NameTaken {
        /// The consumer's name.
        name: String,
    },
    /// A lock file could not be made.
    #[error("cannot lock {}: {source}", path.display())]
    Lock {
        /// The folder of the locks.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The broker that answered is behind the one that answered before. It is asked again.
    #[error("the leader of partition {partition} is stale")]
    StaleLeader {
        /// The partition.
        partition: u32,
    },
    /// The mail topic has fewer partitions than the network was made with.
    #[error("topic {topic} has {found} partitions; at least {needed} are needed")]
    TooFewPartitions {
        /// The topic.
        topic: TopicName,
        /// What it has.
        found: u32,
        /// What it needs.
        needed: u32,
    },
    /// The broker did not say where the partition's log begins and ends.
    #[error("the broker gave no bounds for partition {partition}")]
    NoBounds {
        /// The partition.
        partition: u32,
    },
    /// The network has other keys than those that were read with. Reading begins anew with them.
    #[error("the network has other keys by now")]
    OtherKeys,
    /// Another process of the profile moved the cursor to another log. It is looked up again.
    #[error("another process has moved the cursor")]
    Moved,
    /// The row of the history is no received picture.
    #[error("row {seq} of the history is no received picture")]
    NoPicture {
        /// The row.
        seq: Seq,
    },
    /// The log no longer holds the picture, or holds another.
    #[error("the picture of row {seq} is no longer on the log")]
    PictureGone {
        /// The row.
        seq: Seq,
    },
    /// A group cannot be read.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The profile is incomplete.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// What is published about this profile cannot be noted.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// A letter to somebody else could not be put on its way.
    #[error(transparent)]
    Letter(#[from] Box<SendError>),
    /// The background work was stopped: the program is ending.
    #[error("listening was stopped")]
    Stopped,
    /// The broker failed or refused. It is tried again.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row of the store is damaged.
    #[error(transparent)]
    Row(#[from] StoredValueError),
}

impl ReceiveError {
    /// Whether trying again is of no use: the store or the program has failed, not the broker.
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Store(_) | Self::Row(_) | Self::Group(_) | Self::Stopped | Self::Lock { .. }
        )
    }
}

/// Why reading the history failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row is damaged.
    #[error(transparent)]
    Row(#[from] StoredValueError),
}

/// An identity, as people compare it.
fn print_of(identity: &[u8; 32]) -> String {
    let public = chat_crypto::IdentityPublic::from_bytes(identity);
    public.map_or("a key that is none".to_owned(), |public| public.fingerprint().to_string())
}

/// A cover, in a sentence.
fn name_of(path: Option<&PathBuf>) -> String {
    path.map_or_else(|| "the image".into(), |path| path.display().to_string())
}

/// A value of the store was authentic and is not what this program writes.
#[derive(Debug, thiserror::Error)]
#[error("a row of the store is damaged{}: {reason}", place.as_ref().map_or(String::new(), |(table, row)| format!(" ({table} {row})")))]
pub struct StoredValueError {
    place: Option<(&'static str, u64)>,
    reason: String,
}

impl StoredValueError {
    /// The value has a form that this program does not know.
    pub(crate) fn format() -> Self {
        Self { place: None, reason: "unknown form".to_owned() }
    }

    /// Names the row.
    pub(crate) fn in_table(self, table: &'static str, row: u64) -> Self {
        Self { place: Some((table, row)), ..self }
    }
}

impl From<postcard::Error> for StoredValueError {
    fn from(error: postcard::Error) -> Self {
        Self { place: None, reason: error.to_string() }
    }
}

fn names(handles: &[Handle]) -> String {
    handles.iter().map(Handle::as_str).collect::<Vec<_>>().join(", ")
}
