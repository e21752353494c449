//! The text form of a network key.
//!
//! ```text
//! -----BEGIN SECURECHAT NETWORK KEY-----
//! Version: 1
//! Key-Id: 0011223344556677
//!
//! <44 characters of base64>
//! =<8 hex digits of checksum>
//! -----END SECURECHAT NETWORK KEY-----
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::network_key::NetworkKey;

/// The longest key file, in bytes.
pub const MAX_LEN: usize = 4096;

/// The key as a key file. A secret.
pub fn encode(key: &NetworkKey) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(key.expose_bytes()));
    let checksum = checksum(key);
    Zeroizing::new(format!(
        "{BEGIN}\nVersion: 1\nKey-Id: {}\n\n{}\n={checksum}\n{END}\n",
        key.id(),
        *body
    ))
}

/// Reads a key: our text form, a raw file of 32 bytes, or an old `secret.key` (44 characters of
/// URL-safe base64). Lines before the text form's first are comments.
///
/// # Errors
/// [`KeyFileError`] tells damage from a file that is something else.
pub fn parse(bytes: &[u8]) -> Result<NetworkKey, KeyFileError> {
    // A key file that was cut behind its 32nd character is no raw key.
    if let Ok(raw) = <&[u8; NetworkKey::LEN]>::try_from(bytes)
        && !BEGIN.as_bytes().starts_with(raw)
    {
        return Ok(NetworkKey::from_bytes(*raw));
    }
    if bytes.len() > MAX_LEN {
        return Err(KeyFileError::NotAKey);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| KeyFileError::NotAKey)?;
    match text.find(BEGIN) {
        Some(at) => parse_armor(text.get(at..).unwrap_or_default()),
        None => parse_old(text.trim_end()),
    }
}

/// Why a file is no key that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It is none of the three forms. Name another file.
    #[error(
        "this is no network key: neither a securechat key file, nor 32 raw bytes, nor an old secret.key"
    )]
    NotAKey,
    /// It is a key file with characters missing or changed. Get it again.
    #[error("the key file is damaged: {part}")]
    Damaged {
        /// The part that does not fit.
        part: &'static str,
    },
    /// A later version made it. Upgrade.
    #[error("the key file was made by a newer securechat")]
    Newer,
}

fn parse_armor(text: &str) -> Result<NetworkKey, KeyFileError> {
    let damaged = |part| KeyFileError::Damaged { part };
    let mut lines = text.lines().map(str::trim_end).skip(1);
    match lines.next().and_then(|line| line.strip_prefix("Version: ")) {
        Some("1") => {}
        Some(version) if version.parse::<u32>().is_ok_and(|v| v > 1) => {
            return Err(KeyFileError::Newer);
        }
        _ => return Err(damaged("its version line")),
    }
    let id =
        lines.next().and_then(|line| line.strip_prefix("Key-Id: ")).ok_or(damaged("its key id"))?;
    if lines.next() != Some("") {
        return Err(damaged("its header"));
    }
    let body =
        lines.next().and_then(|line| decode_key(line, false)).ok_or(damaged("its key line"))?;
    let sum =
        lines.next().and_then(|line| line.strip_prefix('=')).ok_or(damaged("its checksum line"))?;
    if lines.next() != Some(END) {
        return Err(damaged("its last line"));
    }
    if sum != checksum(&body) {
        return Err(damaged("its checksum does not match"));
    }
    if id != body.id().to_string() {
        return Err(damaged("its key id does not match"));
    }
    Ok(body)
}

fn parse_old(text: &str) -> Result<NetworkKey, KeyFileError> {
    if text.len() != 44 {
        return Err(KeyFileError::NotAKey);
    }
    decode_key(text, true).ok_or(KeyFileError::NotAKey)
}

fn decode_key(text: &str, url_safe: bool) -> Option<NetworkKey> {
    let decoded = if url_safe { URL_SAFE.decode(text) } else { STANDARD.decode(text) };
    let bytes = Zeroizing::new(decoded.ok()?);
    Some(NetworkKey::from_bytes(bytes.as_slice().try_into().ok()?))
}

/// The first 4 bytes of SHA-256 over `"securechat/v1/key-file" | key`, as 8 hex digits.
fn checksum(key: &NetworkKey) -> String {
    let hash = Sha256::new()
        .chain_update(b"securechat/v1/key-file")
        .chain_update(key.expose_bytes())
        .finalize();
    hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

const BEGIN: &str = "-----BEGIN SECURECHAT NETWORK KEY-----";
const END: &str = "-----END SECURECHAT NETWORK KEY-----";
