//! What an error is, for programs: one word that an exit code or a retry hangs on.

use chat_crypto::VaultError;
use chat_crypto::mls::{CommitError, EncryptError, LoadError, MergeError};
use chat_stego::{CoverError, PictureError};
use chat_store::{OpenError as StoreOpenError, StoreError};
use chat_transport::TransportError;

use super::{
    ContactError, DeviceError, DirectoryError, Error, GroupError, HistoryError, NetworkError,
    ProfileError, ReceiveError, SendError,
};
use crate::devices::DeviceCodeError;
use crate::network::invite::InviteError;
use crate::private_file::PrivateFileError;

/// What an [`Error`] is. Programs branch on this, people read the error's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A handle, text, number or choice is not fit.
    InvalidInput,
    /// There is no profile in the folder.
    NoProfile,
    /// There is a profile in the folder already.
    ProfileExists,
    /// The profile has joined no network.
    NoNetwork,
    /// The network's topics are still to be made.
    NetworkPending,
    /// The profile belongs to another network.
    OtherNetwork,
    /// The network's topics exist and are somebody else's, or wrongly set.
    TopicsInUse,
    /// The broker cannot be reached.
    Unreachable,
    /// The broker did not answer in time.
    TimedOut,
    /// TLS failed.
    Tls,
    /// The broker refused the login.
    BrokerAuthentication,
    /// A topic or partition is missing.
    UnknownTopic,
    /// The broker does not allow it.
    Denied,
    /// A topic was deleted and made anew.
    TopicReplaced,
    /// The broker failed in another way.
    BrokerOther,
    /// An invite fails its checksum.
    InviteDamaged,
    /// An invite's time is over.
    InviteExpired,
    /// A later version made the invite, vault or store.
    Newer,
    /// The key behind a contact's handle has changed.
    KeyChanged,
    /// Several keys claim one handle, and nobody has said whose it is.
    HandleConflict,
    /// A contact's key was not compared, or the contact is blocked.
    NotTrusted,
    /// The message does not fit.
    TextTooLarge,
    /// A file is no usable cover.
    CoverUnusable,
    /// A file is a picture in a format that must be converted first.
    CoverForeign,
    /// A payload in this cover would be found, or more easily than is prudent.
    CoverRefused,
    /// A cover is too small for the message.
    CoverTooSmall,
    /// No unused cover is left.
    NoCoverLeft,
    /// The store is damaged.
    StoreDamaged,
    /// The vault of a profile is damaged: without its key nothing of the store can be read.
    VaultDamaged,
    /// The store or the vault of a profile is gone.
    ProfileIncomplete,
    /// A later version wrote the store or vault.
    StoreNewer,
    /// Another process holds the store.
    StoreLocked,
    /// The store cannot be written.
    StoreReadOnly,
    /// Another process has the profile open.
    ProfileInUse,
    /// Another process has the store, and its engine serves one at a time.
    StoreHeld,
    /// The program was built without the store's engine.
    EngineMissing,
    /// The disk is full.
    StorageFull,
    /// The disk refused a read, a write or a sync.
    DiskFailed,
    /// The passphrase is wrong.
    WrongPassphrase,
    /// A passphrase is needed.
    PassphraseNeeded,
    /// A secret file can be read by others.
    LoosePermissions,
    /// Another process listens under this name, or is sending this message.
    Busy,
    /// What was asked for is not there.
    NotFound,
    /// Several groups have the name.
    GroupAmbiguous,
    /// Only an admin of the group may do it, or it would have none.
    GroupAdmin,
    /// Another change of the group is on its way, or was quicker, or the profile waits for new keys.
    GroupBusy,
    /// A stranger has invited to the group, and nobody has said yes.
    GroupRequested,
    /// The profile has left the group, or is leaving it.
    GroupLeft,
    /// Only the device that holds the identity's secret may do it.
    LinkedDevice,
    /// The profile waits to be linked as a device.
    Linking,
    /// The profile's owner has removed this device.
    DeviceRemoved,
    /// A file or folder of the profile cannot be read or written.
    Io,
    /// The program is at fault, or is ending.
    Internal,
}

impl Error {
    /// What it is, for programs.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Profile(error) => profile(error),
            Self::Network(error) => network(error),
            Self::Invite(error) => invite(error),
            Self::Send(error) => send(error),
            Self::Receive(error) => receive(error),
            Self::Contact(error) => contact(error),
            Self::Device(error) => device(error),
            Self::DeviceCode(error) => device_code(*error),
            Self::Directory(error) => directory(error),
            Self::Group(error) => group(error),
            Self::History(HistoryError::Store(error)) | Self::Store(error) => store(error),
            Self::History(HistoryError::Row(_)) => ErrorKind::StoreDamaged,
            Self::Transport(error) => transport(error),
            Self::Cover(error) => cover(error),
            Self::PrivateFile(error) => private_file(error),
            Self::NotConnected => ErrorKind::Internal,
        }
    }

    /// Whether trying again later may help, with nothing changed by the caller.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Unreachable | ErrorKind::TimedOut | ErrorKind::StoreLocked | ErrorKind::Busy
        ) || matches!(self.transport(), Some(error) if error.is_transient())
    }

    /// The transport's failure underneath, if that is what it is.
    pub fn transport(&self) -> Option<&TransportError> {
        match self {
            Self::Transport(error)
            | Self::Network(NetworkError::Transport(error))
            | Self::Send(
                SendError::Transport(error) | SendError::Network(NetworkError::Transport(error)),
            )
            | Self::Directory(
                DirectoryError::Transport(error)
                | DirectoryError::Network(NetworkError::Transport(error)),
            )
            | Self::Receive(ReceiveError::Transport(error)) => Some(error),
            _ => None,
        }
    }
}

fn profile(error: &ProfileError) -> ErrorKind {
    match error {
        ProfileError::NotFound { .. } => ErrorKind::NoProfile,
        ProfileError::Exists { .. } | ProfileError::NotEmpty { .. } => ErrorKind::ProfileExists,
        ProfileError::NoVault { .. } | ProfileError::NoStore { .. } => ErrorKind::ProfileIncomplete,
        ProfileError::InUse { .. } => ErrorKind::ProfileInUse,
        ProfileError::UnknownEngine { .. } => ErrorKind::StoreNewer,
        ProfileError::Vault { source, .. } => vault(source),
        ProfileError::PrivateFile(error) => private_file(error),
        ProfileError::Open(error) => store_open(error),
        ProfileError::Store(error) => store(error),
        ProfileError::Row(_) | ProfileError::Incomplete { .. } => ErrorKind::StoreDamaged,
        ProfileError::Backup(_) => ErrorKind::InvalidInput,
        ProfileError::LinkedDevice => ErrorKind::LinkedDevice,
        ProfileError::Linking => ErrorKind::Linking,
        ProfileError::DeviceRemoved => ErrorKind::DeviceRemoved,
        ProfileError::OtherNetwork => ErrorKind::OtherNetwork,
        ProfileError::Io { source, .. } => io(source),
    }
}

fn vault(error: &VaultError) -> ErrorKind {
    match error {
        VaultError::WrongPassphrase => ErrorKind::WrongPassphrase,
        VaultError::PassphraseNeeded => ErrorKind::PassphraseNeeded,
        VaultError::Newer => ErrorKind::StoreNewer,
        _ => ErrorKind::VaultDamaged,
    }
}

fn store_open(error: &StoreOpenError) -> ErrorKind {
    match error {
        StoreOpenError::Newer { .. } => ErrorKind::StoreNewer,
        StoreOpenError::EngineMissing { .. } => ErrorKind::EngineMissing,
        StoreOpenError::Held { .. } => ErrorKind::StoreHeld,
        StoreOpenError::Io { source, .. } => io(source),
        StoreOpenError::Store(error) => store(error),
        StoreOpenError::AlreadyExists { .. } => ErrorKind::ProfileExists,
        StoreOpenError::OldSqlite { .. } => ErrorKind::Internal,
        _ => ErrorKind::StoreDamaged,
    }
}

fn store(error: &StoreError) -> ErrorKind {
    match error {
        StoreError::Damaged { .. } => ErrorKind::StoreDamaged,
        StoreError::Full => ErrorKind::StorageFull,
        StoreError::Disk(_) => ErrorKind::DiskFailed,
        StoreError::ReadOnly => ErrorKind::StoreReadOnly,
        StoreError::Locked => ErrorKind::StoreLocked,
        StoreError::Newer { .. } => ErrorKind::StoreNewer,
        StoreError::TooLong { .. } => ErrorKind::Internal,
        _ => ErrorKind::Io,
    }
}

fn private_file(error: &PrivateFileError) -> ErrorKind {
    match error {
        PrivateFileError::LoosePermissions { .. } => ErrorKind::LoosePermissions,
        PrivateFileError::Exists { .. } => ErrorKind::InvalidInput,
        PrivateFileError::NotFound { .. } => ErrorKind::InvalidInput,
        PrivateFileError::TooLarge { .. } => ErrorKind::InvalidInput,
        PrivateFileError::Io { source, .. }
            if source.kind() == std::io::ErrorKind::IsADirectory =>
        {
            ErrorKind::InvalidInput
        }
        PrivateFileError::Io { source, .. } => io(source),
    }
}

fn io(error: &std::io::Error) -> ErrorKind {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            ErrorKind::StorageFull
        }
        std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
            ErrorKind::StoreReadOnly
        }
        _ => ErrorKind::Io,
    }
}

fn network(error: &NetworkError) -> ErrorKind {
    match error {
        NetworkError::None { .. } => ErrorKind::NoNetwork,
        NetworkError::Pending { .. } => ErrorKind::NetworkPending,
        NetworkError::AlreadyMember { .. } => ErrorKind::OtherNetwork,
        NetworkError::NoOlderKey { .. } => ErrorKind::InvalidInput,
        NetworkError::TopicInUse { .. } | NetworkError::WrongSetting { .. } => {
            ErrorKind::TopicsInUse
        }
        NetworkError::TooLong => ErrorKind::InvalidInput,
        NetworkError::Transport(error) => transport(error),
        NetworkError::Store(error) => store(error),
        NetworkError::Row(_) => ErrorKind::StoreDamaged,
    }
}

fn invite(error: &InviteError) -> ErrorKind {
    match error {
        InviteError::Expired => ErrorKind::InviteExpired,
        InviteError::Newer => ErrorKind::Newer,
        InviteError::NotAnInvite | InviteError::Damaged => ErrorKind::InviteDamaged,
    }
}

fn contact(error: &ContactError) -> ErrorKind {
    match error {
        ContactError::Unknown { .. } | ContactError::NoKey { .. } => ErrorKind::NotFound,
        ContactError::KeyMoved { .. } => ErrorKind::Busy,
        ContactError::NotAVerification => ErrorKind::InvalidInput,
        ContactError::Store(error) => store(error),
        ContactError::Row(_) => ErrorKind::StoreDamaged,
    }
}

fn device(error: &DeviceError) -> ErrorKind {
    match error {
        DeviceError::Unknown { .. } => ErrorKind::NotFound,
        DeviceError::Ambiguous { .. }
        | DeviceError::ThisOne
        | DeviceError::BadLabel { .. }
        | DeviceError::TooMany { .. }
        | DeviceError::NotLinking => ErrorKind::InvalidInput,
        DeviceError::NotPublished { .. } => ErrorKind::TimedOut,
        DeviceError::Code(error) => device_code(*error),
        DeviceError::Profile(error) => profile(error),
        DeviceError::Network(error) => network(error),
        DeviceError::Directory(error) => directory(error),
        DeviceError::Send(error) => send(error),
        DeviceError::Store(error) => store(error),
        DeviceError::Row(_) => ErrorKind::StoreDamaged,
    }
}

fn device_code(error: DeviceCodeError) -> ErrorKind {
    match error {
        DeviceCodeError::Expired => ErrorKind::InviteExpired,
        DeviceCodeError::Newer => ErrorKind::Newer,
        DeviceCodeError::NotACode | DeviceCodeError::Damaged => ErrorKind::InviteDamaged,
    }
}

fn directory(error: &DirectoryError) -> ErrorKind {
    match error {
        DirectoryError::NotPublished { .. } => ErrorKind::NotFound,
        DirectoryError::Conflict { .. }
        | DirectoryError::OtherIdentity { .. }
        | DirectoryError::NoSuchFingerprint { .. } => ErrorKind::HandleConflict,
        DirectoryError::Own { .. } => ErrorKind::InvalidInput,
        DirectoryError::InboxKey { .. } => ErrorKind::Newer,
        DirectoryError::NoAnswerInTime => ErrorKind::TimedOut,
        DirectoryError::Moved => ErrorKind::Busy,
        DirectoryError::NoBounds { .. } => ErrorKind::BrokerOther,
        DirectoryError::Entry(_)
        | DirectoryError::Record(_)
        | DirectoryError::KeyPackage(_)
        | DirectoryError::State(_)
        | DirectoryError::Seal(_)
        | DirectoryError::Stopped => ErrorKind::Internal,
        DirectoryError::Network(error) => network(error),
        DirectoryError::Profile(error) => profile(error),
        DirectoryError::Transport(error) => transport(error),
        DirectoryError::Store(error) => store(error),
        DirectoryError::Row(_) => ErrorKind::StoreDamaged,
    }
}

fn send(error: &SendError) -> ErrorKind {
    match error {
        SendError::KeyChanged { .. } => ErrorKind::KeyChanged,
        SendError::NotVerified { .. }
        | SendError::Weaker { .. }
        | SendError::MembersNotVerified { .. }
        | SendError::Blocked { .. } => ErrorKind::NotTrusted,
        SendError::EmptyText | SendError::ToSelf => ErrorKind::InvalidInput,
        SendError::TextTooLong { .. } | SendError::RecordTooLarge { .. } => ErrorKind::TextTooLarge,
        SendError::CoverFile { .. } | SendError::Embed { .. } => ErrorKind::CoverUnusable,
        SendError::CoverRefused { .. }
        | SendError::CoverReused { .. }
        | SendError::CoverTaken
        | SendError::BeyondCaution { .. } => ErrorKind::CoverRefused,
        SendError::Cover { source, .. } => cover(source),
        SendError::NoCoverLeft { .. } | SendError::TooFewCovers { .. } => ErrorKind::NoCoverLeft,
        SendError::TooFewPartitions { .. } => ErrorKind::UnknownTopic,
        SendError::NoAnswerInTime => ErrorKind::TimedOut,
        SendError::NoteRefused { .. } => ErrorKind::BrokerOther,
        SendError::NotInOutbox { .. } => ErrorKind::NotFound,
        SendError::BeingSent { .. } => ErrorKind::Busy,
        SendError::Seal(_) | SendError::Sign(_) | SendError::Stopped => ErrorKind::Internal,
        SendError::Group(error) => group(error),
        SendError::Network(error) => network(error),
        SendError::Profile(error) => profile(error),
        SendError::Directory(error) => directory(error),
        SendError::Transport(error) => transport(error),
        SendError::Store(error) => store(error),
        SendError::Row(_) => ErrorKind::StoreDamaged,
    }
}

fn receive(error: &ReceiveError) -> ErrorKind {
    match error {
        ReceiveError::NameTaken { .. } => ErrorKind::Busy,
        ReceiveError::Lock { source, .. } => io(source),
        ReceiveError::StaleLeader { .. }
        | ReceiveError::NoBounds { .. }
        | ReceiveError::Moved
        | ReceiveError::OtherKeys => ErrorKind::BrokerOther,
        ReceiveError::TooFewPartitions { .. } => ErrorKind::UnknownTopic,
        ReceiveError::NoPicture { .. } | ReceiveError::PictureGone { .. } => ErrorKind::NotFound,
        ReceiveError::Group(error) => group(error),
        ReceiveError::Profile(error) => profile(error),
        ReceiveError::Directory(error) => directory(error),
        ReceiveError::Letter(error) => send(error),
        ReceiveError::Stopped => ErrorKind::Internal,
        ReceiveError::Transport(error) => transport(error),
        ReceiveError::Store(error) => store(error),
        ReceiveError::Row(_) => ErrorKind::StoreDamaged,
    }
}

fn group(error: &GroupError) -> ErrorKind {
    match error {
        GroupError::BadName { .. }
        | GroupError::AlreadyMember { .. }
        | GroupError::NotAMember { .. }
        | GroupError::HandleInUse { .. }
        | GroupError::TooMany { .. }
        | GroupError::RemovesSelf => ErrorKind::InvalidInput,
        GroupError::Ambiguous { .. } => ErrorKind::GroupAmbiguous,
        GroupError::NotAdmin | GroupError::LastAdmin => ErrorKind::GroupAdmin,
        GroupError::Pending
        | GroupError::Overtaken
        | GroupError::Outrun
        | GroupError::InDoubt
        | GroupError::Stranded => ErrorKind::GroupBusy,
        GroupError::Requested => ErrorKind::GroupRequested,
        GroupError::Leaving | GroupError::Left => ErrorKind::GroupLeft,
        GroupError::Unknown { .. }
        | GroupError::NoKeys { .. }
        | GroupError::NoRequest
        | GroupError::NoGroup
        | GroupError::Encrypt(EncryptError::Removed)
        | GroupError::Commit(CommitError::Removed) => ErrorKind::NotFound,
        GroupError::Load(error)
        | GroupError::Encrypt(EncryptError::Load(error))
        | GroupError::Commit(CommitError::Load(error))
        | GroupError::Merge(MergeError::Load(error)) => loading(error),
        GroupError::Seal(_) => ErrorKind::TextTooLarge,
        GroupError::Encrypt(_)
        | GroupError::Commit(_)
        | GroupError::Merge(_)
        | GroupError::Inbox(_) => ErrorKind::Internal,
        GroupError::Store(error) => store(error),
        GroupError::Row(_) => ErrorKind::StoreDamaged,
    }
}

fn loading(error: &LoadError) -> ErrorKind {
    let LoadError::State(state) = error else { return ErrorKind::StoreDamaged };
    let source = std::error::Error::source(state).and_then(|source| source.downcast_ref());
    source.map_or(ErrorKind::Io, store)
}

fn transport(error: &TransportError) -> ErrorKind {
    match error {
        TransportError::Unreachable { .. } | TransportError::Disconnected { .. } => {
            ErrorKind::Unreachable
        }
        TransportError::Timeout { .. } => ErrorKind::TimedOut,
        TransportError::UnknownTopic { .. } | TransportError::UnknownPartition { .. } => {
            ErrorKind::UnknownTopic
        }
        TransportError::TopicReplaced { .. } => ErrorKind::TopicReplaced,
        TransportError::TopicExists { .. } => ErrorKind::TopicsInUse,
        TransportError::TooLarge { .. } => ErrorKind::TextTooLarge,
        TransportError::Tls { .. } => ErrorKind::Tls,
        TransportError::Authentication { .. } => ErrorKind::BrokerAuthentication,
        TransportError::Denied { .. } | TransportError::Withheld { .. } => ErrorKind::Denied,
        _ => ErrorKind::BrokerOther,
    }
}

fn cover(error: &CoverError) -> ErrorKind {
    match error {
        CoverError::TooSmall { .. } | CoverError::CannotFit { .. } => ErrorKind::CoverTooSmall,
        CoverError::Picture(PictureError::Foreign { .. }) => ErrorKind::CoverForeign,
        _ => ErrorKind::CoverUnusable,
    }
}
