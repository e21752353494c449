//! Envelope v1: bytes that look random from the first to the last.

use std::fmt;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::encoding::push_lp;
use crate::mailbox_tag::MailboxTag;
use crate::padding::inner_len;
use crate::protection::Protected;
use crate::subkey::{Subkey, expand};

/// A sealed message: `salt 24 | commitment 32 | AES-256-GCM(inner) | tag 16`.
///
/// Every byte is indistinguishable from random without the key. A key, nonce and commitment of its
/// own are derived for each envelope from the salt and its [`EnvelopeContext`], so that neither
/// random nonces under one key nor keys that open two different messages are a worry.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope(Vec<u8>);

/// What kind of record an envelope is for; bound into its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EnvelopeKind {
    /// A plain record of the mail topic.
    Mail,
    /// Inside a picture.
    Picture,
    /// A record of the directory topic.
    Directory,
}

impl EnvelopeKind {
    /// The name as it stands in the derivation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Picture => "picture",
            Self::Directory => "directory",
        }
    }
}

/// Where an envelope belongs. It opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct EnvelopeContext<'a> {
    /// The network's namespace, at most 255 bytes.
    pub namespace: &'a str,
    /// The kind of record.
    pub kind: EnvelopeKind,
    /// The record's partition.
    pub partition: u32,
    /// The addressed mailbox.
    pub tag: &'a MailboxTag,
}

/// Why a message could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// It is longer than an envelope holds. Split it.
    #[error("a protected message of {len} bytes does not fit an envelope of at most {max}")]
    TooLong {
        /// Its length, in bytes.
        len: usize,
        /// The limit, in bytes.
        max: usize,
    },
}

/// An envelope cannot be opened: noise, damage, another key, another place. It is never said which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the envelope cannot be opened")]
pub struct OpenError;

impl Envelope {
    /// Bytes of salt and commitment: what [`head_matches`](Self::head_matches) needs.
    pub const HEAD: usize = SALT + COMMITMENT;

    /// The longest protected message, in bytes.
    pub const MAX_PROTECTED: usize = 16 * 1024 * 1024;

    /// The most keys that one envelope is tried with.
    pub const MAX_KEYS: usize = 4;

    /// Seals a protected message for one place.
    ///
    /// * `key` - the network key's subkey for envelopes, or a conversation's wrap key
    /// * `rng` - for the salt of 24 bytes
    ///
    /// # Errors
    /// [`SealError::TooLong`] above [`MAX_PROTECTED`](Self::MAX_PROTECTED) bytes.
    pub fn seal(
        key: &Subkey,
        context: &EnvelopeContext<'_>,
        content: &Protected,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, SealError> {
        let protected = content.as_bytes();
        let too_long = SealError::TooLong { len: protected.len(), max: Self::MAX_PROTECTED };
        let inner = inner_len(protected.len()).filter(|_| protected.len() <= Self::MAX_PROTECTED);
        let (inner, len) = inner.zip(u32::try_from(protected.len()).ok()).ok_or(too_long)?;
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let keys = Keys::derive(key, &salt, context);
        let mut bytes = Vec::with_capacity(Self::HEAD + inner + TAG);
        bytes.extend_from_slice(&salt);
        bytes.extend_from_slice(keys.commitment());
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(protected);
        bytes.resize(Self::HEAD + inner, 0);
        let plain = bytes.get_mut(Self::HEAD..).unwrap_or_default();
        let sealed = keys.cipher().encrypt_inout_detached(&keys.nonce(), &[], plain.into());
        bytes.extend_from_slice(&sealed.map_err(|_| too_long)?);
        Ok(Self(bytes))
    }

    /// Takes bytes that may be an envelope.
    ///
    /// # Errors
    /// [`OpenError`] if their length is none that an envelope can have.
    pub fn parse(bytes: &[u8]) -> Result<Self, OpenError> {
        let least = Self::HEAD + inner_len(0).unwrap_or_default() + TAG;
        let most = Self::sealed_len(Self::MAX_PROTECTED).unwrap_or_default();
        if (least..=most).contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(OpenError)
        }
    }

    /// Opens the envelope with whichever of `keys` made it.
    ///
    /// * `keys` - at most [`MAX_KEYS`](Self::MAX_KEYS) are tried, each for the cost of one HKDF
    ///
    /// # Errors
    /// [`OpenError`] for every way in which it can fail.
    pub fn open(
        &self,
        keys: &[&Subkey],
        context: &EnvelopeContext<'_>,
    ) -> Result<Protected, OpenError> {
        let (head, sealed) = self.0.split_at_checked(Self::HEAD).ok_or(OpenError)?;
        let keys = matching(head, keys, context).ok_or(OpenError)?;
        let (inner, tag) = sealed.split_last_chunk::<TAG>().ok_or(OpenError)?;
        let mut inner = Zeroizing::new(inner.to_vec());
        keys.cipher()
            .decrypt_inout_detached(
                &keys.nonce(),
                &[],
                inner.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .map_err(|_| OpenError)?;
        unpad(inner).ok_or(OpenError)
    }

    /// Whether an envelope with this head was sealed under one of `keys` for this place.
    ///
    /// * `head` - the first [`HEAD`](Self::HEAD) bytes of what may be an envelope
    pub fn head_matches(head: &[u8], keys: &[&Subkey], context: &EnvelopeContext<'_>) -> bool {
        matching(head, keys, context).is_some()
    }

    /// The length of the envelope of a protected message of `protected` bytes; `None` if it does
    /// not fit.
    pub fn sealed_len(protected: usize) -> Option<usize> {
        (protected <= Self::MAX_PROTECTED)
            .then(|| inner_len(protected))
            .flatten()
            .map(|i| Self::HEAD + i + TAG)
    }

    /// The envelope's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The envelope's bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = self;
        write!(f, "Envelope({} bytes)", bytes.len())
    }
}

/// The keys of one envelope: `key 32 | nonce 12 | commitment 32`.
struct Keys(Zeroizing<[u8; KEY + NONCE + COMMITMENT]>);

impl Keys {
    fn derive(ikm: &Subkey, salt: &[u8], context: &EnvelopeContext<'_>) -> Self {
        Self(expand(salt, ikm.expose_bytes(), &context.info()))
    }

    fn cipher(&self) -> Aes256Gcm {
        let (key, _, _) = self.split();
        Aes256Gcm::new(key.into())
    }

    fn nonce(&self) -> Nonce<aes_gcm::aead::consts::U12> {
        let (_, nonce, _) = self.split();
        Nonce::from(*nonce)
    }

    fn commitment(&self) -> &[u8; COMMITMENT] {
        self.split().2
    }

    #[expect(clippy::expect_used, reason = "the array is exactly as long as its three parts")]
    fn split(&self) -> (&[u8; KEY], &[u8; NONCE], &[u8; COMMITMENT]) {
        let (key, rest) = self.0.split_first_chunk::<KEY>().expect("76 bytes");
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().expect("44 bytes");
        (key, nonce, rest.first_chunk::<COMMITMENT>().expect("32 bytes"))
    }
}

impl EnvelopeContext<'_> {
    /// The key that says where a picture hides the envelope for this place: HKDF-SHA256 of `key`, no salt,
    /// info `"securechat/v1/picture-body" | lp(namespace) | lp(kind) | partition u32 | lp(tag)`.
    ///
    /// * `key` - the key that seals the envelope
    pub fn picture_key(&self, key: &Subkey) -> Subkey {
        Subkey::derive(key.expose_bytes(), &self.labelled(b"securechat/v1/picture-body"))
    }

    /// `"securechat/v1/envelope" | lp(namespace) | lp(kind) | partition u32 | lp(tag)`
    fn info(&self) -> Vec<u8> {
        self.labelled(b"securechat/v1/envelope")
    }

    fn labelled(&self, label: &[u8]) -> Vec<u8> {
        let mut info = label.to_vec();
        push_lp(&mut info, self.namespace.as_bytes());
        push_lp(&mut info, self.kind.as_str().as_bytes());
        info.extend_from_slice(&self.partition.to_be_bytes());
        push_lp(&mut info, self.tag.as_bytes());
        info
    }
}

/// The keys of the envelope with this head, if one of the candidates made it.
fn matching(head: &[u8], candidates: &[&Subkey], context: &EnvelopeContext<'_>) -> Option<Keys> {
    let (salt, rest) = head.split_at_checked(SALT)?;
    let commitment = rest.get(..COMMITMENT)?;
    let candidates = candidates.iter().take(Envelope::MAX_KEYS);
    candidates
        .map(|key| Keys::derive(key, salt, context))
        .find(|k| k.commitment().ct_eq(commitment).into())
}

/// Takes length and padding off; `None` unless both are exactly as the sealing side makes them.
fn unpad(mut inner: Zeroizing<Vec<u8>>) -> Option<Protected> {
    let (len, rest) = inner.split_first_chunk::<LENGTH>()?;
    let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
    let padding = rest.get(len..)?;
    if inner_len(len) != Some(inner.len())
        || len > Envelope::MAX_PROTECTED
        || padding.iter().any(|b| *b != 0)
    {
        return None;
    }
    inner.drain(..LENGTH);
    inner.truncate(len);
    Protected::from_bytes(inner)
}

const SALT: usize = 24;
const KEY: usize = 32;
const NONCE: usize = 12;
const COMMITMENT: usize = 32;
const TAG: usize = 16;
const LENGTH: usize = 4;
