//! Seven pictures that two people compare while they talk.

use std::fmt;

use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::ZeroizeOnDrop;

use super::Verification;

/// One of 64 pictures that everybody knows, with a word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Emoji {
    /// One character, which terminals show as a picture.
    pub symbol: char,
    /// What it shows, for those who read it out or cannot see it.
    pub name: &'static str,
}

impl Emoji {
    /// All 64, in the order of their numbers. The table never changes.
    pub const ALL: [Self; 64] = table();
}

impl fmt::Display for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.symbol, self.name)
    }
}

/// A random number that one of two people adds to a live comparison: 32 bytes, secret until the
/// other has answered.
///
/// The first sends its [`commitment`](Self::commitment), the second answers with its nonce, the
/// first shows its own, and the second compares it with the commitment. Then both compute
/// [`Verification::emoji7_live`].
#[derive(Clone, ZeroizeOnDrop)]
pub struct EmojiNonce([u8; 32]);

impl EmojiNonce {
    /// Draws a nonce. Each is for one comparison.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut nonce = Self([0; 32]);
        rng.fill_bytes(&mut nonce.0);
        nonce
    }

    /// Wraps 32 bytes that the other sent.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, once it is time to show them.
    pub fn expose_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What binds its maker before the other answers: SHA-256 over
    /// `"securechat/v1/emoji-commitment" | nonce`.
    pub fn commitment(&self) -> [u8; 32] {
        let label = b"securechat/v1/emoji-commitment";
        Sha256::new().chain_update(label).chain_update(self.0).finalize().into()
    }

    /// Whether this nonce is the one that was committed to.
    pub fn fits(&self, commitment: &[u8; 32]) -> bool {
        self.commitment().ct_eq(commitment).into()
    }
}

impl fmt::Debug for EmojiNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.write_str("EmojiNonce([redacted])")
    }
}

impl Verification {
    /// Seven emoji of the two identities alone.
    ///
    /// # Security
    /// A glance, not a proof. They are 42 bits, and who sits between two people chooses a key
    /// towards each: two keys that look alike are found with about 2^22 tries of two milliseconds.
    /// Compare the [`safety_number`](Self::safety_number), or use
    /// [`emoji7_live`](Self::emoji7_live).
    pub fn emoji7(&self) -> [Emoji; 7] {
        self.emoji(&[])
    }

    /// Seven emoji of the two identities and the nonces of one live comparison.
    ///
    /// * `first` - of the one who sent its commitment before it saw the other's nonce
    /// * `second` - of the other
    ///
    /// # Security
    /// Who sits between two people and had to commit before it saw either nonce is right once in
    /// 2^42 comparisons, whatever it can compute.
    pub fn emoji7_live(&self, first: &EmojiNonce, second: &EmojiNonce) -> [Emoji; 7] {
        self.emoji(&[first.expose_bytes(), second.expose_bytes()])
    }

    /// The first 42 bits of HKDF-SHA256, no salt, over the sides' hashes (the lower first), info
    /// `"securechat/v1/emoji" | nonces`; six bits an emoji, the most significant first.
    fn emoji(&self, nonces: &[&[u8; 32]]) -> [Emoji; 7] {
        let mut info = b"securechat/v1/emoji".to_vec();
        nonces.iter().for_each(|nonce| info.extend_from_slice(*nonce));
        let mut okm = [0; 6];
        #[expect(clippy::expect_used, reason = "expand fails only above 8,160 bytes")]
        Hkdf::<Sha256>::new(None, &self.hashes()).expand(&info, &mut okm).expect("6 bytes");
        let bits = okm.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        std::array::from_fn(|at| {
            let number = usize::try_from(bits >> (42 - 6 * at) & 63).unwrap_or_default();
            Emoji::ALL.get(number).copied().unwrap_or(Emoji::ALL[0])
        })
    }
}

/// Single characters that are pictures by themselves, told apart by shape as well as by colour.
const fn table() -> [Emoji; 64] {
    const fn e(symbol: char, name: &'static str) -> Emoji {
        Emoji { symbol, name }
    }
    [
        e('\u{1f408}', "cat"),
        e('\u{1f415}', "dog"),
        e('\u{1f40e}', "horse"),
        e('\u{1f404}', "cow"),
        e('\u{1f416}', "pig"),
        e('\u{1f401}', "mouse"),
        e('\u{1f407}', "rabbit"),
        e('\u{1f418}', "elephant"),
        e('\u{1f42b}', "camel"),
        e('\u{1f40d}', "snake"),
        e('\u{1f438}', "frog"),
        e('\u{1f422}', "turtle"),
        e('\u{1f41f}', "fish"),
        e('\u{1f433}', "whale"),
        e('\u{1f419}', "octopus"),
        e('\u{1f980}', "crab"),
        e('\u{1f40c}', "snail"),
        e('\u{1f41d}', "bee"),
        e('\u{1f989}', "owl"),
        e('\u{1f427}', "penguin"),
        e('\u{1f986}', "duck"),
        e('\u{1f332}', "tree"),
        e('\u{1f334}', "palm"),
        e('\u{1f335}', "cactus"),
        e('\u{1f339}', "rose"),
        e('\u{1f344}', "mushroom"),
        e('\u{1f34e}', "apple"),
        e('\u{1f34c}', "banana"),
        e('\u{1f352}', "cherries"),
        e('\u{1f34b}', "lemon"),
        e('\u{1f347}', "grapes"),
        e('\u{1f955}', "carrot"),
        e('\u{1f33d}', "corn"),
        e('\u{1f35e}', "bread"),
        e('\u{1f9c0}', "cheese"),
        e('\u{1f95a}', "egg"),
        e('\u{1f355}', "pizza"),
        e('\u{1f382}', "cake"),
        e('\u{1f319}', "moon"),
        e('\u{2b50}', "star"),
        e('\u{1f525}', "fire"),
        e('\u{1f308}', "rainbow"),
        e('\u{26c4}', "snowman"),
        e('\u{2614}', "umbrella"),
        e('\u{1f3e0}', "house"),
        e('\u{26fa}', "tent"),
        e('\u{1f6b2}', "bicycle"),
        e('\u{1f682}', "train"),
        e('\u{1f680}', "rocket"),
        e('\u{2693}', "anchor"),
        e('\u{26f5}', "sailboat"),
        e('\u{1f511}', "key"),
        e('\u{1f4a1}', "light bulb"),
        e('\u{23f0}', "alarm clock"),
        e('\u{1f4d5}', "book"),
        e('\u{1f528}', "hammer"),
        e('\u{1f3b8}', "guitar"),
        e('\u{1f3ba}', "trumpet"),
        e('\u{1f941}', "drum"),
        e('\u{1f514}', "bell"),
        e('\u{26bd}', "ball"),
        e('\u{1f451}', "crown"),
        e('\u{1f3a9}', "hat"),
        e('\u{1f381}', "gift"),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn symbols_and_names_are_told_apart() {
        let symbols: BTreeSet<_> = Emoji::ALL.iter().map(|emoji| emoji.symbol).collect();
        let names: BTreeSet<_> = Emoji::ALL.iter().map(|emoji| emoji.name).collect();
        assert_eq!((symbols.len(), names.len()), (64, 64));
    }

    #[test]
    fn a_nonce_fits_its_own_commitment_only() {
        let (one, other) = (EmojiNonce::from_bytes([1; 32]), EmojiNonce::from_bytes([2; 32]));
        assert!(one.fits(&one.commitment()) && !one.fits(&other.commitment()));
    }
}
