//! What can go wrong with the directory.

use chat_crypto::mls::{KeyPackageError, MlsStateError};
use chat_crypto::{EntryError, Fingerprint, KeyPackageRecordError, SealError};
use chat_store::StoreError;
use chat_transport::{TopicName, TransportError};

use super::{NetworkError, ProfileError, StoredValueError};
use crate::handle::Handle;

/// Why somebody was not found in the directory, or something could not be published there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// Nobody has published anything under the handle. Its owner must listen once.
    #[error("{handle} has published nothing yet")]
    NotPublished {
        /// The handle.
        handle: Handle,
    },
    /// Several identities claim the handle. Nothing here can tell whose it is: compare fingerprints with the person,
    /// and name the right one.
    #[error("{} identities call themselves {handle}:{}", claims.len(), listed(claims))]
    Conflict {
        /// The handle.
        handle: Handle,
        /// All of them, in no order that means anything.
        claims: Vec<Fingerprint>,
    },
    /// The key that counts for the handle has published nothing, and others have. If the person has a new key,
    /// compare it and name it.
    #[error(
        "the known key of {handle} has published nothing, but others claim the handle:{}",
        listed(claims)
    )]
    OtherIdentity {
        /// The handle.
        handle: Handle,
        /// The others.
        claims: Vec<Fingerprint>,
    },
    /// No identity with this fingerprint has published anything under the handle.
    #[error("nobody who calls himself {handle} has this fingerprint:{}", listed(claims))]
    NoSuchFingerprint {
        /// The handle.
        handle: Handle,
        /// Those who do.
        claims: Vec<Fingerprint>,
    },
    /// The handle is the profile's own.
    #[error("{handle} is this profile itself")]
    Own {
        /// The handle.
        handle: Handle,
    },
    /// What is published under the handle is made for another version: its inbox key is none that this one knows.
    #[error("what {handle} has published needs a newer securechat")]
    InboxKey {
        /// The handle.
        handle: Handle,
    },
    /// The directory could not be read in time.
    #[error("the directory could not be read in time")]
    NoAnswerInTime,
    /// Another process reads the same partition at the same time, again and again.
    #[error("the directory is being read by another process")]
    Moved,
    /// The broker answered without saying where the log begins and ends.
    #[error("the broker does not say where partition {partition} of {topic} begins and ends")]
    NoBounds {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: u32,
    },
    /// The own entry could not be made or changed.
    #[error("the own directory entry cannot be changed: {0}")]
    Entry(#[from] EntryError),
    /// The own KeyPackage record could not be made.
    #[error("the own KeyPackage cannot be published: {0}")]
    Record(#[from] KeyPackageRecordError),
    /// The own KeyPackage could not be made.
    #[error("no KeyPackage could be made: {0}")]
    KeyPackage(#[from] KeyPackageError),
    /// The state of MLS could not be changed.
    #[error(transparent)]
    State(#[from] MlsStateError),
    /// A record is too long for an envelope.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Background work ended early.
    #[error("the program is ending")]
    Stopped,
    /// There is no network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The profile lacks something.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The transport failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row is damaged.
    #[error(transparent)]
    Row(#[from] StoredValueError),
}

impl DirectoryError {
    /// Whether it is the store's doing: neither the broker's nor what people have published.
    pub(crate) fn concerns_store(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Row(_) | Self::Profile(_) | Self::State(_))
    }
}

/// Fingerprints as they stand behind a sentence.
fn listed(claims: &[Fingerprint]) -> String {
    let shown: Vec<String> = claims.iter().map(|claim| format!(" [{claim}]")).collect();
    shown.join(",")
}
