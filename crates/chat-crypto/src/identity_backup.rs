//! An identity outside of its profile: as a file under a passphrase, or as 24 words.
//!
//! ```text
//! -----BEGIN SECURECHAT IDENTITY-----
//! Version: 1
//!
//! <base64, 64 characters a line>
//! =<8 hex digits of checksum>
//! -----END SECURECHAT IDENTITY-----
//! ```
//! The base64 is of `vault 106 | AES-256-GCM(lp(handle) | identity 32) | tag 16`. The vault holds a
//! key that is drawn for this file alone; the text is sealed under its subkey `identity-backup`
//! with a nonce of zeros and the additional data `securechat/v1/identity-backup`.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand_core::CryptoRng;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::encoding::push_lp;
use crate::identity::IdentityKey;
use crate::name;
use crate::reader::Reader;
use crate::vault::{Argon2Cost, DataKey, Vault, VaultError};

mod words;

pub use self::words::{WordsError, from_words, to_words};

/// The longest backup file, in bytes.
pub const MAX_LEN: usize = 4096;

/// Writes an identity as a backup file under a passphrase, at the default cost.
///
/// * `handle` - the person's handle, sealed with the key
///
/// # Errors
/// [`BackupError::Handle`], and [`BackupError::Cost`] if the machine cannot give the memory.
///
/// # Security
/// A guess of the passphrase costs Argon2id. Without it the file says nothing, not even whose it
/// is.
pub fn seal(
    identity: &IdentityKey,
    handle: &str,
    passphrase: &SecretString,
    rng: &mut impl CryptoRng,
) -> Result<String, BackupError> {
    let (vault, key) = Vault::create(Some(passphrase), rng)?;
    seal_in(&vault, &key, identity, handle)
}

/// The same at another cost, for tests and for machines with little memory.
///
/// # Errors
/// As [`seal`].
pub fn seal_with(
    cost: Argon2Cost,
    (identity, handle): (&IdentityKey, &str),
    passphrase: &SecretString,
    rng: &mut impl CryptoRng,
) -> Result<String, BackupError> {
    let (vault, key) = Vault::create_with(cost, Some(passphrase), rng)?;
    seal_in(&vault, &key, identity, handle)
}

/// Opens a backup file: the handle and the identity. Lines before the first are comments.
///
/// # Errors
/// [`BackupError`] tells a wrong passphrase from damage and from files that are something else.
pub fn open(bytes: &[u8], passphrase: &SecretString) -> Result<(String, IdentityKey), BackupError> {
    let body = unarmor(bytes)?;
    let damaged = BackupError::Damaged { part: "its contents" };
    let (vault, sealed) = body.split_at_checked(Vault::MAX_LEN).ok_or(damaged)?;
    // One without a passphrase is shorter, so that it is none that opens here.
    let key = Vault::decode(vault)?.open(Some(passphrase))?;
    let (text, tag) = sealed.split_last_chunk::<TAG>().ok_or(damaged)?;
    let mut text = Zeroizing::new(text.to_vec());
    cipher(&key)
        .decrypt_inout_detached(
            &Nonce::default(),
            AAD,
            text.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| damaged)?;
    contents(&text).ok_or(damaged)
}

/// Why an identity could not be written as a file or read from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The file holds no identity. Name another file.
    #[error("this is no securechat identity")]
    NotABackup,
    /// Characters are missing or changed. Get it again.
    #[error("the identity file is damaged: {part}")]
    Damaged {
        /// The part that does not fit.
        part: &'static str,
    },
    /// A later version made it. Upgrade.
    #[error("the identity file was made by a newer securechat")]
    Newer,
    /// The passphrase is wrong. Try again.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// The file asks for more memory or time than is ever used, or the machine cannot give it.
    #[error("the identity file asks for an unreasonable amount of memory or time")]
    Cost,
    /// The handle is none.
    #[error("an identity is backed up with a valid handle")]
    Handle,
}

impl From<VaultError> for BackupError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::WrongPassphrase => Self::WrongPassphrase,
            VaultError::Newer => Self::Newer,
            VaultError::Cost => Self::Cost,
            VaultError::Damaged | VaultError::PassphraseNeeded => {
                Self::Damaged { part: "its contents" }
            }
        }
    }
}

fn seal_in(
    vault: &Vault,
    key: &DataKey,
    identity: &IdentityKey,
    handle: &str,
) -> Result<String, BackupError> {
    if !name::is_handle(handle) {
        return Err(BackupError::Handle);
    }
    let mut text = Zeroizing::new(Vec::with_capacity(2 + handle.len() + IdentityKey::LEN));
    push_lp(&mut text, handle.as_bytes());
    text.extend_from_slice(identity.expose_bytes());
    // The key seals nothing else, so that one nonce is enough.
    let tag = cipher(key)
        .encrypt_inout_detached(&Nonce::default(), AAD, text.as_mut_slice().into())
        .map_err(|_| BackupError::Handle)?;
    Ok(armor(&[&vault.encode(), text.as_slice(), tag.as_slice()].concat()))
}

fn contents(text: &[u8]) -> Option<(String, IdentityKey)> {
    let mut reader = Reader::new(text);
    let handle = name::handle(reader.lp()?)?;
    let seed = reader.take(IdentityKey::LEN)?.try_into().ok()?;
    reader.end()?;
    Some((handle.to_owned(), IdentityKey::from_bytes(seed)))
}

fn cipher(key: &DataKey) -> Aes256Gcm {
    Aes256Gcm::new(key.subkey("identity-backup").expose_bytes().into())
}

fn armor(body: &[u8]) -> String {
    let encoded = STANDARD.encode(body);
    let mut text = format!("{BEGIN}\nVersion: 1\n\n");
    for (at, character) in encoded.chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str(&format!("\n={}\n{END}\n", checksum(body)));
    text
}

fn unarmor(bytes: &[u8]) -> Result<Vec<u8>, BackupError> {
    let damaged = |part| BackupError::Damaged { part };
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_LEN);
    let text = text.ok_or(BackupError::NotABackup)?;
    let from = text.find(BEGIN).ok_or(BackupError::NotABackup)?;
    let mut lines = text.get(from..).unwrap_or_default().lines().map(str::trim_end).skip(1);
    match lines.next().and_then(|line| line.strip_prefix("Version: ")) {
        Some("1") => {}
        Some(version) if version.parse::<u32>().is_ok_and(|v| v > 1) => {
            return Err(BackupError::Newer);
        }
        _ => return Err(damaged("its version line")),
    }
    if lines.next() != Some("") {
        return Err(damaged("its header"));
    }
    let mut encoded = String::new();
    let sum = loop {
        let line = lines.next().ok_or(damaged("its end is missing"))?;
        match line.strip_prefix('=') {
            Some(sum) => break sum,
            None => encoded.push_str(line),
        }
    };
    if lines.next() != Some(END) {
        return Err(damaged("its last line"));
    }
    let body = STANDARD.decode(&encoded).map_err(|_| damaged("its lines of base64"))?;
    if sum != checksum(&body) {
        return Err(damaged("its checksum does not match"));
    }
    Ok(body)
}

/// The first 4 bytes of SHA-256 over `"securechat/v1/identity-file" | body`, as 8 hex digits.
fn checksum(body: &[u8]) -> String {
    let hash = Sha256::new().chain_update(b"securechat/v1/identity-file").chain_update(body);
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

const BEGIN: &str = "-----BEGIN SECURECHAT IDENTITY-----";
const END: &str = "-----END SECURECHAT IDENTITY-----";
const AAD: &[u8] = b"securechat/v1/identity-backup";
const LINE: usize = 64;
const TAG: usize = 16;
