//! MLS (RFC 9420) for two and for groups, on a log that keeps every byte.
//!
//! A narrow room around OpenMLS: bytes in, bytes out, no I/O, and no type of OpenMLS leaves it. The
//! suite is [`SUITE_ID`]: X-Wing (ML-KEM-768 and X25519), AES-256-GCM, SHA-384, Ed25519.
//!
//! - State is read through [`MlsState`] and changed in an [`Overlay`], whose changes the caller
//!   writes in one transaction with all that depends on them.
//! - An [`MlsGroup`] is founded, joined or loaded. After an error, and when its overlay was not
//!   written, it loads itself again: nothing can go on with memory that is ahead of the store.
//! - A Commit is pending until its own record came back in the log; the first valid Commit of an
//!   epoch wins. Whether one is valid is decided from group and bytes alone, see [`Refusal`].
//! - Each epoch has a wrap key for its envelopes, see [`EpochStart`].
//!
//! # Security
//! Forward secrecy for each message, post-compromise security with each Commit, both with
//! post-quantum confidentiality. Signatures are Ed25519: no post-quantum authentication, and no
//! deniability. The random generator is that of OpenMLS's provider, seeded by the system.

mod additional_data;
mod cause;
mod codec;
mod credential;
mod departure;
mod facts;
mod group;
mod join_secret;
mod key_package;
mod leaf;
mod leaf_signature;
mod member;
mod parse;
mod refusal;
mod returning;
mod state;
mod storage;
#[cfg(test)]
mod tests;
mod validity;

use openmls::prelude::Ciphersuite;

pub use self::cause::MlsCause;
pub use self::credential::{CheckLeaf, LeafName, RefusedLeaf};
pub use self::departure::Departure;
pub use self::facts::{GroupFacts, GroupMailbox};
pub use self::group::commit::{CommitError, CommitPlan, PendingCommit};
pub use self::group::create::{Founded, FoundingPlan};
pub use self::group::join::{Invitation, JoinError, Joined, Rejoin};
pub use self::group::merge::{EpochStart, MergeError, Merged};
pub use self::group::message::StagedChange;
pub use self::group::message::{EncryptError, ProcessError, Processed, ReceivedContent};
pub use self::group::view::GroupView;
pub use self::group::{GroupId, LoadError, MlsGroup};
pub use self::join_secret::JoinSecret;
pub use self::key_package::{
    KeyPackage, KeyPackageError, KeyPackageRef, NewKeyPackage, delete_key_package,
};
pub use self::leaf::{Leaf, LeafIndex};
pub use self::member::MlsMember;
pub use self::refusal::Refusal;
pub use self::returning::Return;
pub use self::state::{MlsChanges, MlsState, MlsStateError, Overlay};
pub use self::validity::Change;

/// The suite's number. Provisional in the IANA registry: a group remembers it in its facts, so that
/// another number is another group.
pub const SUITE_ID: u16 = 0x004e;

/// The longest credential of a leaf, in bytes.
pub const MAX_CREDENTIAL: usize = 4096;

/// The longest MLS message, Welcome or ratchet tree that is looked at, in bytes.
pub const MAX_MLS_MESSAGE: usize = 8 * 1024 * 1024;

/// The most leaves of a group.
pub const MAX_MEMBERS: usize = 256;

/// The epochs before the present one whose messages can still be read.
pub const PAST_EPOCHS: usize = 3;

/// The most messages of one sender in one epoch that may be missing before one that is read.
pub const FORWARD_DISTANCE: u32 = 25_000;

/// The last messages of one sender whose keys are kept if they are missing: one that comes after
/// this many later ones is read no more.
pub const OUT_OF_ORDER: u32 = 5;

const SUITE: Ciphersuite = Ciphersuite::MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519;

const WRAP_LABEL: &str = "securechat/v1/wrap";
