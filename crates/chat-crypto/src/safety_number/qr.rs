//! The form that a camera compares.
//!
//! ```text
//! "securechat-verify1:" | base64url without padding of (fields | hash(fields)[..4])
//! fields = lp(handle) | identity 32 | lp(handle) | identity 32
//! ```
//! The lower (handle, identity) comes first.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::encoding::push_lp;
use crate::identity::IdentityPublic;
use crate::name;
use crate::reader::Reader;

use super::Verification;

/// What a QR code that was read says about the keys that are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QrComparison {
    /// Both sides have the same keys: the contact is verified.
    Match,
    /// It is for other people. Show the code for this chat.
    OtherPerson,
    /// The people are these, and a key is not the one that is known here: one side has an old
    /// key, or somebody sits between them. Do not trust it.
    Changed,
    /// It is no code of this kind, or it is damaged. Read it again.
    NotAVerification,
}

impl Verification {
    /// The text of the QR code that one shows to the other.
    pub fn qr_payload(&self) -> String {
        let mut fields = Vec::new();
        for side in &self.sides {
            push_lp(&mut fields, side.handle.as_bytes());
            fields.extend_from_slice(side.identity.as_bytes());
        }
        let sum = checksum(&fields);
        fields.extend_from_slice(&sum);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(fields))
    }

    /// Compares with what was read from the other's QR code; white space around it is ignored.
    pub fn compare_qr(&self, text: &str) -> QrComparison {
        let Some(shown) = parse(text) else { return QrComparison::NotAVerification };
        let sides = self.sides.each_ref();
        let own = sides.map(|side| (side.handle.as_str(), *side.identity.as_bytes()));
        let shown = shown.each_ref().map(|(handle, key)| (handle.as_str(), *key));
        if own == shown {
            QrComparison::Match
        } else if own.map(|(handle, _)| handle) == shown.map(|(handle, _)| handle) {
            QrComparison::Changed
        } else {
            QrComparison::OtherPerson
        }
    }
}

/// The two handles and identities of a code, in its order.
fn parse(text: &str) -> Option<[(String, [u8; 32]); 2]> {
    let body = text.trim().strip_prefix(PREFIX).filter(|body| body.len() <= MAX_BODY)?;
    let bytes = URL_SAFE_NO_PAD.decode(body).ok()?;
    let (fields, sum) = bytes.split_last_chunk()?;
    if checksum(fields) != *sum {
        return None;
    }
    let mut reader = Reader::new(fields);
    let sides = [side(&mut reader)?, side(&mut reader)?];
    reader.end()?;
    sides.is_sorted().then_some(sides)
}

fn side(reader: &mut Reader<'_>) -> Option<(String, [u8; 32])> {
    let handle = name::handle(reader.lp()?)?.to_owned();
    let identity = IdentityPublic::from_bytes(&reader.array()?).ok()?;
    Some((handle, *identity.as_bytes()))
}

/// Notices a damaged copy, so that it is not taken for a changed key.
fn checksum(fields: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(fields).into();
    [a, b, c, d]
}

const PREFIX: &str = "securechat-verify1:";
/// Base64 of the longest fields: twice 98 bytes, and the checksum.
const MAX_BODY: usize = 267;
