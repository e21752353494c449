#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod carrier;
mod client;
mod clock;
mod content;
mod conversation;
mod cover;
mod devices;
mod directory;
#[cfg(test)]
mod documented;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod groups;
mod handle;
mod hash;
mod history_row;
mod inbound;
mod item;
mod lock;
mod mailbox;
mod message_id;
mod meta_row;
#[cfg(feature = "mutants")]
#[doc(hidden)]
pub mod mutant;
#[cfg(not(feature = "mutants"))]
mod mutant;
mod namespace;
mod network;
mod outbox;
mod parallel;
mod peer;
mod picture;
pub mod private_file;
mod random;
mod remote_text;
mod trust;
mod wire;

// The public interface is:
pub use crate::client::{
    Client, Compared, Device, Event, Group, GroupChange, GroupDetail, GroupMember, GroupStanding,
    HistoryQuery, Joined, KeyRotation, LeftOut, LinkOutcome, ListenFrom, Listener, OfferState,
    Repair, SendOutcome, Sent, TrustPolicy, WhyLeftOut,
};
pub use crate::cover::explained::{Explained, explain};
pub use crate::cover::{
    ChosenCover, CoverCapacity, CoverMap, choose_cover, compare_pictures, cover_capacity,
    judge_cover, map_cover, prepare_cover,
};
pub use crate::devices::{DeviceCode, DeviceCodeError};
pub use crate::directory::{OwnPublication, Published};
pub use crate::error::{
    ContactError, DeviceError, DirectoryError, Error, ErrorKind, GroupError, HistoryError,
    NetworkError, ProfileError, ReceiveError, SendError, StoredValueError,
};
pub use crate::handle::{Handle, HandleError};
pub use crate::inbound::Skipped;
pub use crate::item::{
    CarrierKind, Conflict, DevicesChanged, DirectoryFork, Downgraded, Found, Gap, GapCause,
    GroupChanged, GroupEvent, HistoryItem, Item, KeyChanged, KeyOffer, LogForked, Lost, Message,
    MessageState, Missing, NetworkKeyChanged, Newer, Partial, Protection, Restored, Unsent,
};
pub use crate::message_id::MessageId;
pub use crate::namespace::{Namespace, NamespaceError};
pub use crate::network::create::{MAX_RECORD, NetworkOutcome, NewNetwork};
pub use crate::network::invite::{Invite, InviteError};
pub use crate::network::{ConnectionHints, Network, SecurityKind, UnknownSecurity};
pub use crate::outbox::delivery::{Delivery, Landed};
pub use crate::outbox::enqueue::{Draft, DraftCarrier, Queued, Routes};
pub use crate::outbox::gate::{Doubt, MemberDoubt};
pub use crate::outbox::once::Repeated;
pub use crate::outbox::{OutboxItem, OutboxState};
pub use crate::peer::{GroupName, Peer};
pub use crate::picture::{CoverSource, Hiding, Note};
pub use crate::remote_text::RemoteText;
pub use crate::trust::{Contact, SenderTrust, TrustState};

// Re-exports of crates and types that appear in the signatures above.
pub use chat_crypto::{
    Fingerprint, IdentityKey, IdentityPublic, KeyId, NetworkKey, SafetyNumber, Verification,
    identity_backup, key_file,
};
pub use chat_stego::CodecId;
pub use chat_stego::cover::{Finding, Judgement, PreparedPhoto, SafeSizes, Severity};
pub use chat_stego::detect::{Assessment, Comparison};
#[doc(hidden)]
pub use chat_store::failpoint;
pub use chat_store::{Copied, EngineKind, Repaired, Seq, UnknownEngine, VerifyReport};
pub use chat_transport;
pub use secrecy;
