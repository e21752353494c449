//! Secrets of one line, to be handed over: `NAME1:`, then base64url of bytes and the first four of their SHA-256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::hash::sha256;

/// The longest line that is looked at, in bytes.
pub(crate) const MAX_LINE: usize = 256 * 1024;

/// Why a line is none of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineError {
    /// It does not begin as such lines do.
    Other,
    /// Characters are missing or changed.
    Damaged,
    /// A later version made it.
    Newer,
}

/// The line of some bytes.
///
/// * `prefix` - a name, the version 1, and a colon
pub(crate) fn to_line(prefix: &str, mut bytes: Zeroizing<Vec<u8>>) -> Zeroizing<String> {
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&sum);
    Zeroizing::new(format!("{prefix}{}", *Zeroizing::new(URL_SAFE_NO_PAD.encode(&*bytes))))
}

/// The bytes of a line, which may stand among white space.
pub(crate) fn from_line(prefix: &str, line: &str) -> Result<Zeroizing<Vec<u8>>, LineError> {
    let line = line.trim();
    if line.len() > MAX_LINE {
        return Err(LineError::Damaged);
    }
    let encoded = line.strip_prefix(prefix).ok_or_else(|| other(prefix, line))?;
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| LineError::Damaged)?;
    let mut bytes = Zeroizing::new(bytes);
    let (content, sum) = bytes.split_last_chunk::<4>().ok_or(LineError::Damaged)?;
    if checksum(content) != *sum {
        return Err(LineError::Damaged);
    }
    let len = content.len();
    bytes.truncate(len);
    Ok(bytes)
}

/// What a line is that begins with another prefix.
fn other(prefix: &str, line: &str) -> LineError {
    let version = line.strip_prefix(prefix.trim_end_matches("1:"));
    match version.and_then(|rest| rest.split_once(':')) {
        Some((digits, _)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            LineError::Newer
        }
        _ => LineError::Other,
    }
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = sha256(&[bytes]);
    [a, b, c, d]
}
