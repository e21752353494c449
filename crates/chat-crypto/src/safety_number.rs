//! What two people compare to know that they have each other's keys.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha512};

use crate::encoding::lp_joined;
use crate::identity::IdentityPublic;

mod emoji;
mod qr;

pub use self::emoji::{Emoji, EmojiNonce};
pub use self::qr::QrComparison;

/// One of the two who compare.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// The handle under which the other knows this one.
    pub handle: &'a str,
    /// The identity that the other believes to be this one's.
    pub identity: &'a IdentityPublic,
}

/// What two people compare: one value of their two handles and identities, in three forms.
///
/// Both compute the same, whoever is named first. If the forms are equal on both sides, each has
/// the other's true key.
///
/// Making one takes 10,400 computations of SHA-512: some milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Sorted by handle, then identity.
    sides: [Side; 2],
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Side {
    handle: String,
    identity: IdentityPublic,
    hash: [u8; 64],
}

impl Verification {
    /// What `one` and `other` compare.
    pub fn between(one: Party<'_>, other: Party<'_>) -> Self {
        let mut sides = [Side::new(one), Side::new(other)];
        sides.sort();
        Self { sides }
    }

    /// The number that they read to each other.
    pub fn safety_number(&self) -> SafetyNumber {
        let mut halves = self.sides.each_ref().map(Side::digits);
        halves.sort_unstable();
        let mut digits = [b'0'; SafetyNumber::DIGITS];
        digits.iter_mut().zip(halves.as_flattened()).for_each(|(to, from)| *to = *from);
        SafetyNumber(digits)
    }

    /// The hashes of both sides, the lower first.
    fn hashes(&self) -> [u8; 128] {
        let mut hashes = self.sides.each_ref().map(|side| side.hash);
        hashes.sort_unstable();
        let mut joined = [0; 128];
        joined.iter_mut().zip(hashes.as_flattened()).for_each(|(to, from)| *to = *from);
        joined
    }
}

impl Side {
    /// `h(1) = SHA-512("securechat/v1/safety-number" | identity | lp(handle))`,
    /// `h(n + 1) = SHA-512(h(n) | identity)`; the hash is `h(5200)`.
    fn new(party: Party<'_>) -> Self {
        let identity = party.identity.as_bytes();
        let first = Sha512::new()
            .chain_update(b"securechat/v1/safety-number")
            .chain_update(identity)
            .chain_update(lp_joined(&[party.handle.as_bytes()]));
        let again = |hash: [u8; 64], _| {
            Sha512::new().chain_update(hash).chain_update(identity).finalize().into()
        };
        let hash = (1..ITERATIONS).fold(first.finalize().into(), again);
        Self { handle: party.handle.to_owned(), identity: *party.identity, hash }
    }

    /// Thirty digits: each 5 of the first 30 bytes as a number, modulo 100,000.
    fn digits(&self) -> [u8; 30] {
        let mut digits = [b'0'; 30];
        for (five, bytes) in digits.chunks_exact_mut(5).zip(self.hash.chunks_exact(5)) {
            let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            let text = format!("{:05}", number % 100_000);
            five.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        }
        digits
    }
}

/// Sixty digits that two people read to each other; shown as twelve groups of five.
///
/// # Security
/// Each person's half is 100 bits of a hash that takes 5,200 rounds: nobody finds a key that
/// gives somebody else's half.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SafetyNumber([u8; Self::DIGITS]);

impl SafetyNumber {
    /// How many digits there are.
    pub const DIGITS: usize = 60;
}

impl fmt::Display for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, digit) in self.0.iter().enumerate() {
            let gap = if at > 0 && at % 5 == 0 { " " } else { "" };
            write!(f, "{gap}{}", char::from(*digit))?;
        }
        Ok(())
    }
}

impl fmt::Debug for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SafetyNumber({self})")
    }
}

impl FromStr for SafetyNumber {
    type Err = SafetyNumberError;

    /// Takes sixty digits; white space and hyphens between them do not count.
    fn from_str(text: &str) -> Result<Self, SafetyNumberError> {
        if text.len() > MAX_TEXT {
            return Err(SafetyNumberError);
        }
        let counts = |byte: &u8| !(byte.is_ascii_whitespace() || *byte == b'-');
        let digits: Vec<u8> = text.bytes().filter(counts).collect();
        let digits: [u8; Self::DIGITS] = digits.try_into().map_err(|_| SafetyNumberError)?;
        let all = digits.iter().all(u8::is_ascii_digit);
        all.then_some(Self(digits)).ok_or(SafetyNumberError)
    }
}

/// A text is no safety number. Copy it whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a safety number has 60 digits")]
pub struct SafetyNumberError;

const ITERATIONS: u32 = 5200;
/// The longest text that is looked at, in bytes.
const MAX_TEXT: usize = 1024;
