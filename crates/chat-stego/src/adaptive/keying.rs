//! Everything that a key decides about one picture.

use aes::Aes256;
use ctr::Ctr64BE;
use ctr::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// A stream of uniform 32-bit words, any part of which can be had at once: AES-256 in counter
/// mode under a key of its own.
pub(crate) struct Stream(Ctr64BE<Aes256>);

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Which pixels make the salt. Derived without a salt.
    Places,
    /// Which cells belong to the check.
    CheckCells,
    /// Which group of the check an element belongs to.
    CheckGroups,
    /// The code of the check.
    CheckCode,
    /// What the check is covered with.
    CheckMask,
    /// Which group of the body an element belongs to.
    BodyGroups,
    /// The code of the body.
    BodyCode,
    /// What the body is covered with.
    BodyMask,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Places => b"chat-stego/v1/places",
            Self::CheckCells => b"chat-stego/v1/check-cells",
            Self::CheckGroups => b"chat-stego/v1/check-groups",
            Self::CheckCode => b"chat-stego/v1/check-code",
            Self::CheckMask => b"chat-stego/v1/check-mask",
            Self::BodyGroups => b"chat-stego/v1/body-groups",
            Self::BodyCode => b"chat-stego/v1/body-code",
            Self::BodyMask => b"chat-stego/v1/body-mask",
        }
    }
}

/// The streams of one key for one picture: HKDF's extracted key, from which each is expanded.
pub(crate) struct Keying(Zeroizing<[u8; 32]>);

impl Keying {
    /// Binds a key to a picture by its salt; empty for what must be known before there is one.
    pub(crate) fn new(key: &[u8; 32], salt: &[u8]) -> Self {
        let (extracted, _) = Hkdf::<Sha256>::extract(Some(salt), key);
        Self(Zeroizing::new(extracted.into()))
    }

    /// The stream for one purpose, from its start.
    pub(crate) fn stream(&self, purpose: Purpose) -> Stream {
        let mut key = Zeroizing::new([0; 32]);
        #[expect(clippy::expect_used, reason = "32 bytes are long enough for an extracted key")]
        let hkdf = Hkdf::<Sha256>::from_prk(&*self.0).expect("32 bytes");
        #[expect(clippy::expect_used, reason = "32 bytes are far below HKDF's limit of 8,160")]
        hkdf.expand(purpose.label(), &mut *key).expect("32 bytes");
        Stream(Ctr64BE::new((&*key).into(), &[0; 16].into()))
    }
}

impl Stream {
    /// The next bytes.
    pub(crate) fn bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
        self.0.apply_keystream(bytes);
    }

    /// The next word.
    pub(crate) fn word(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    /// Covers bytes with the stream's next ones, or uncovers them.
    pub(crate) fn mask(&mut self, bytes: &mut [u8]) {
        self.0.apply_keystream(bytes);
    }

    /// Goes to word number `word`.
    pub(crate) fn seek(&mut self, word: usize) {
        self.0.seek(word as u64 * 4);
    }

    /// The `count` words from word `first` on.
    pub(crate) fn words_at(&mut self, first: usize, count: usize, words: &mut Words) {
        words.0.resize(count * 4, 0);
        self.seek(first);
        self.bytes(&mut words.0);
    }
}

/// Words of a [`Stream`], in memory that is used again.
#[derive(Default)]
pub(crate) struct Words(Zeroizing<Vec<u8>>);

impl Words {
    /// The words, one after another.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes))
    }
}

/// Maps a uniform word to `0..count`, evenly but for a part in `2^32 / count`.
pub(crate) fn below(word: u32, count: usize) -> usize {
    ((u64::from(word) * count as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_states_are_wiped() {
        fn is_wiped<T: zeroize::ZeroizeOnDrop>() {}
        is_wiped::<Zeroizing<[u8; 32]>>();
        is_wiped::<Ctr64BE<Aes256>>();
    }

    #[test]
    fn streams_can_be_entered_anywhere() {
        let keying = Keying::new(&[7; 32], b"salt");
        let mut from_start = keying.stream(Purpose::BodyGroups);
        let words: Vec<u32> = (0..100).map(|_| from_start.word()).collect();
        let mut entered = Words::default();
        keying.stream(Purpose::BodyGroups).words_at(37, 63, &mut entered);
        assert_eq!(entered.iter().collect::<Vec<_>>(), words[37..]);
    }

    #[test]
    fn streams_differ_by_purpose_salt_and_key() {
        let first =
            |key, salt: &[u8], purpose| Keying::new(&[key; 32], salt).stream(purpose).word();
        let one = first(1, b"a", Purpose::BodyGroups);
        assert_ne!(one, first(1, b"a", Purpose::BodyMask));
        assert_ne!(one, first(1, b"b", Purpose::BodyGroups));
        assert_ne!(one, first(2, b"a", Purpose::BodyGroups));
    }

    #[test]
    fn below_covers_its_range() {
        assert_eq!(below(0, 10), 0);
        assert_eq!(below(u32::MAX, 10), 9);
        assert_eq!(below(u32::MAX, 1), 0);
    }
}
