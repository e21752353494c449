//! Messages: one for the group, and whatever comes from it.

use std::fmt;

use openmls::framing::errors::{MessageDecryptionError, SecretTreeError};
use openmls::group::{
    MlsGroup as Inner, MlsGroupStateError, ProcessMessageError, StageCommitError, StagedCommit,
    ValidationError,
};
use openmls::prelude::{
    ContentType, ProcessedMessage, ProcessedMessageContent, ProtocolMessage, Sender,
};
use openmls::schedule::errors::PskError;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{GroupId, LoadError, MlsGroup};
use crate::mls::cause::MlsCause;
use crate::mls::credential::CheckLeaf;
use crate::mls::leaf::{LeafIndex, basic};
use crate::mls::member::MlsMember;
use crate::mls::refusal::Refusal;
use crate::mls::state::{MlsStateError, Overlay};
use crate::mls::storage::{Kind, Room, StorageError};
use crate::mls::validity::{Change, Proposed};
use crate::mls::{PAST_EPOCHS, parse};

/// What came from the group.
#[derive(Debug)]
pub enum Processed {
    /// A message. Its key is gone with this overlay: keep the content in the same transaction.
    Content(ReceivedContent),
    /// A valid Commit of another member. [`merge`](MlsGroup::merge) it, or pass it over if the log
    /// showed another one before.
    Commit(StagedChange),
    /// Our own pending Commit came back. [`merge_pending`](MlsGroup::merge_pending) it.
    OwnCommit([u8; 32]),
}

/// A message of a member.
#[derive(PartialEq, Eq)]
pub struct ReceivedContent {
    /// The leaf that signed it, as it was in that epoch.
    pub leaf: LeafIndex,
    /// The epoch that it was encrypted in.
    pub epoch: u64,
    /// What the leaf's credential held in that epoch. It was checked when it came into the group.
    pub credential: Vec<u8>,
    /// The content. Secret.
    pub content: Zeroizing<Vec<u8>>,
}

/// A valid Commit that is not merged yet.
pub struct StagedChange {
    pub(super) group: GroupId,
    pub(super) staged: Box<StagedCommit>,
    pub(super) change: Box<Change>,
}

/// Why a message was not encrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptError {
    /// The group is not there, or cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// We are no member any more.
    #[error("we were removed from the group")]
    Removed,
    /// The library could not encrypt it.
    #[error("the message cannot be encrypted")]
    Library(#[source] MlsCause),
}

/// Why a record of the group gave nothing. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// The group is not there, or cannot be read. Try again.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// No MLS PrivateMessage.
    #[error("not an MLS PrivateMessage")]
    Garbage,
    /// Of another group.
    #[error("a message of another group")]
    OtherGroup,
    /// A Commit that lost its race, or a message of an epoch whose keys are gone.
    #[error("of epoch {epoch}, which is over; this is {current}")]
    OldEpoch {
        /// Its epoch.
        epoch: u64,
        /// The group's.
        current: u64,
    },
    /// Of an epoch that we have not reached: we have missed a Commit, or somebody else has forked.
    #[error("of epoch {epoch}, which has not begun; this is {current}")]
    FutureEpoch {
        /// Its epoch.
        epoch: u64,
        /// The group's.
        current: u64,
    },
    /// Its key was used, or is one of a generation that is too far back.
    #[error("the message was read before, or came too late")]
    Replayed,
    /// More than [`FORWARD_DISTANCE`](crate::mls::FORWARD_DISTANCE) messages of its sender are
    /// missing before it.
    #[error("too many messages are missing before this one")]
    TooFarAhead,
    /// It says that it is ours, which proves nothing. Own records are recognised by their hash.
    #[error("a message of our own leaf")]
    OwnMessage,
    /// It mixes in a network key that we do not hold.
    #[error("a Commit under a network key that we do not hold")]
    UnknownNetworkKey,
    /// We are no member any more.
    #[error("we were removed from the group")]
    Removed,
    /// A member signed what is not valid here. All members pass it over.
    #[error("not valid: {0}")]
    Refused(#[from] Refusal),
    /// It does not decrypt or verify.
    #[error("the message is not valid")]
    Invalid(#[source] MlsCause),
}

impl MlsGroup {
    /// How long the message of a content of `content` bytes is, in bytes.
    pub fn message_len(content: usize) -> usize {
        let ciphertext = varint_len(content) + content + SIGNATURE + TAG;
        HEAD + varint_len(ciphertext) + ciphertext
    }

    /// Encrypts a message to the group; the result is an MLS PrivateMessage without additional
    /// data, about 150 bytes longer than `content`.
    ///
    /// # Errors
    /// See [`EncryptError`].
    ///
    /// # Security
    /// Write the overlay **before** the result is published, and publish the same bytes again after
    /// a crash: to encrypt anew from older state would use a key and nonce twice.
    pub fn encrypt(
        &mut self,
        overlay: &mut Overlay<'_>,
        member: &MlsMember,
        content: &[u8],
    ) -> Result<Vec<u8>, EncryptError> {
        self.operate(overlay, |inner, room| encrypt(inner, room, (member, content)))
    }

    /// As [`encrypt`](Self::encrypt), for one of many messages: what all of them change is written once, by
    /// [`settle`](Self::settle), which must have its turn before the overlay is written.
    ///
    /// # Errors
    /// See [`EncryptError`]. Nothing of the run counts then: write none of its changes.
    ///
    /// # Security
    /// As there. An overlay that is written unsettled holds no older keys, but a group that cannot be loaded.
    pub fn encrypt_in_run(
        &mut self,
        overlay: &mut Overlay<'_>,
        member: &MlsMember,
        content: &[u8],
    ) -> Result<Vec<u8>, EncryptError> {
        self.operate_in_run(overlay, |inner, room| encrypt(inner, room, (member, content)))
    }

    /// Decrypts and verifies a record of the group.
    ///
    /// # Errors
    /// See [`ProcessError`].
    pub fn process(
        &mut self,
        overlay: &mut Overlay<'_>,
        bytes: &[u8],
        checker: &dyn CheckLeaf,
    ) -> Result<Processed, ProcessError> {
        let message = parse::private_message(bytes).map_err(|_| ProcessError::Garbage)?;
        check_place(self.fresh(overlay)?, &message)?;
        if message.content_type() == ContentType::Commit {
            let (id, hash) = (self.id, <[u8; 32]>::from(Sha256::digest(bytes)));
            let pending: Option<[u8; 32]> =
                overlay.step(|room| Ok::<_, LoadError>(room.read(Kind::Pending, &id.0)?))?;
            if pending == Some(hash) {
                return Ok(Processed::OwnCommit(hash));
            }
        }
        self.operate(overlay, |inner, room| {
            let current = inner.epoch().as_u64();
            let epoch = message.epoch().as_u64();
            let processed = inner
                .process_message(room, message)
                .map_err(|error| process_error(error, epoch, current))?;
            read(inner, room, processed, checker)
        })
    }
}

impl StagedChange {
    /// What it does.
    pub fn change(&self) -> &Change {
        &self.change
    }
}

impl fmt::Debug for StagedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, staged: _, change } = self;
        write!(f, "StagedChange({group:?}, {change:?}, [redacted])")
    }
}

impl fmt::Debug for ReceivedContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { leaf, epoch, credential: _, content } = self;
        write!(f, "ReceivedContent({leaf:?}, epoch {epoch}, {} bytes)", content.len())
    }
}

impl From<MlsStateError> for EncryptError {
    fn from(fault: MlsStateError) -> Self {
        Self::Load(fault.into())
    }
}

impl From<MlsStateError> for ProcessError {
    fn from(fault: MlsStateError) -> Self {
        Self::Load(fault.into())
    }
}

fn encrypt(
    inner: &mut Inner,
    room: &Room<'_, '_>,
    (member, content): (&MlsMember, &[u8]),
) -> Result<Vec<u8>, EncryptError> {
    if !inner.is_active() {
        return Err(EncryptError::Removed);
    }
    let message = inner
        .create_message(room, &member.signer(), content)
        .map_err(|error| EncryptError::Library(MlsCause::new(&error)))?;
    message.to_bytes().map_err(|error| EncryptError::Library(MlsCause::new(&error)))
}

/// What the open part of a message says, before any key is touched.
fn check_place(inner: &Inner, message: &ProtocolMessage) -> Result<(), ProcessError> {
    if !inner.is_active() {
        return Err(ProcessError::Removed);
    }
    if message.group_id() != inner.group_id() {
        return Err(ProcessError::OtherGroup);
    }
    let (epoch, current) = (message.epoch().as_u64(), inner.epoch().as_u64());
    let past =
        if message.content_type() == ContentType::Application { PAST_EPOCHS as u64 } else { 0 };
    if epoch > current {
        Err(ProcessError::FutureEpoch { epoch, current })
    } else if epoch.saturating_add(past) < current {
        Err(ProcessError::OldEpoch { epoch, current })
    } else {
        Ok(())
    }
}

/// From what OpenMLS made of a message to what it is here.
fn read(
    inner: &Inner,
    room: &Room<'_, '_>,
    processed: ProcessedMessage,
    checker: &dyn CheckLeaf,
) -> Result<Processed, ProcessError> {
    let Sender::Member(sender) = *processed.sender() else { return Err(Refusal::Proposal.into()) };
    let additional_data = processed.aad().to_vec();
    let epoch = processed.epoch().as_u64();
    let credential = processed.credential().clone();
    match processed.into_content() {
        ProcessedMessageContent::ApplicationMessage(message) => {
            let content = Zeroizing::new(message.into_bytes());
            if !additional_data.is_empty() {
                return Err(Refusal::AdditionalData.into());
            }
            let credential = basic(&credential).map_err(Refusal::from)?;
            Ok(Processed::Content(ReceivedContent {
                leaf: sender.into(),
                epoch,
                credential,
                content,
            }))
        }
        ProcessedMessageContent::StagedCommitMessage(staged) => {
            let proposed = Proposed {
                group: inner,
                committer: sender,
                staged: &staged,
                additional_data: &additional_data,
            };
            let change = Box::new(proposed.check(room.overlay().crypto(), checker)?);
            let group =
                GroupId(inner.group_id().as_slice().try_into().map_err(|_| LoadError::Damaged)?);
            Ok(Processed::Commit(StagedChange { group, staged, change }))
        }
        ProcessedMessageContent::OwnPrivateMessage | ProcessedMessageContent::OwnPendingCommit => {
            Err(ProcessError::OwnMessage)
        }
        _ => Err(Refusal::Proposal.into()),
    }
}

fn process_error(
    error: ProcessMessageError<StorageError>,
    epoch: u64,
    current: u64,
) -> ProcessError {
    use MessageDecryptionError::SecretTreeError as Tree;
    match error {
        ProcessMessageError::StorageError(fault) => ProcessError::Load(fault.into()),
        ProcessMessageError::GroupStateError(MlsGroupStateError::UseAfterEviction) => {
            ProcessError::Removed
        }
        ProcessMessageError::ValidationError(ValidationError::NoPastEpochData) => {
            ProcessError::OldEpoch { epoch, current }
        }
        // OpenMLS says the same of an epoch whose keys we never had as of a generation long gone.
        ProcessMessageError::ValidationError(ValidationError::UnableToDecrypt(Tree(
            SecretTreeError::TooDistantInThePast,
        ))) if epoch < current => ProcessError::OldEpoch { epoch, current },
        ProcessMessageError::ValidationError(ValidationError::UnableToDecrypt(Tree(
            SecretTreeError::SecretReuseError | SecretTreeError::TooDistantInThePast,
        ))) => ProcessError::Replayed,
        ProcessMessageError::ValidationError(ValidationError::UnableToDecrypt(Tree(
            SecretTreeError::TooDistantInTheFuture,
        ))) => ProcessError::TooFarAhead,
        ProcessMessageError::InvalidCommit(StageCommitError::MissingProposal) => {
            Refusal::Proposal.into()
        }
        ProcessMessageError::InvalidCommit(StageCommitError::PskError(PskError::KeyNotFound)) => {
            ProcessError::UnknownNetworkKey
        }
        other => ProcessError::Invalid(MlsCause::new(&other)),
    }
}

/// How many bytes a length takes before that many bytes (RFC 9420, section 2.1.2).
fn varint_len(len: usize) -> usize {
    match len {
        0..0x40 => 1,
        0x40..0x4000 => 2,
        _ => 4,
    }
}

/// Before the ciphertext: version 2, wire format 2, group id 1 + 16, epoch 8, content type 1, no additional
/// data 1, sender data 1 + 12 + 16.
const HEAD: usize = 2 + 2 + 17 + 8 + 1 + 1 + 29;
/// An Ed25519 signature with its length.
const SIGNATURE: usize = 2 + 64;
const TAG: usize = 16;
