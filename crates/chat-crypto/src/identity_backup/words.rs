//! An identity as 24 words that can be written on paper.

use bip39::{Language, Mnemonic};
use zeroize::Zeroizing;

use crate::identity::IdentityKey;

/// The identity's secret as 24 English words with a checksum. A secret.
///
/// # Security
/// There is no passphrase: who reads the words has the identity.
///
/// # Source
/// BIP-39 (entropy of 256 bits, English list).
pub fn to_words(identity: &IdentityKey) -> Zeroizing<String> {
    #[expect(clippy::expect_used, reason = "BIP-39 takes 32 bytes")]
    let words = Mnemonic::from_entropy_in(Language::English, identity.expose_bytes())
        .expect("32 bytes are an entropy of BIP-39");
    let mut text = Zeroizing::new(String::with_capacity(MAX_WORDS_LEN));
    for word in words.words() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// Reads 24 words; upper case and any white space between them are allowed.
///
/// # Errors
/// [`WordsError`] says what does not fit, and never a word.
pub fn from_words(text: &str) -> Result<IdentityKey, WordsError> {
    if text.len() > MAX_TEXT {
        return Err(WordsError::Count { got: text.split_whitespace().take(MAX_TEXT).count() });
    }
    let got = text.split_whitespace().count();
    if got != WORDS {
        return Err(WordsError::Count { got });
    }
    let mut normalized = Zeroizing::new(String::with_capacity(text.len()));
    for word in text.split_whitespace() {
        if !normalized.is_empty() {
            normalized.push(' ');
        }
        normalized.extend(word.chars().map(|c| c.to_ascii_lowercase()));
    }
    let words = Mnemonic::parse_in_normalized(Language::English, &normalized);
    let words = words.map_err(|error| match error {
        bip39::Error::UnknownWord(index) => WordsError::Unknown { number: index + 1 },
        _ => WordsError::Checksum,
    })?;
    let (entropy, _) = words.to_entropy_array();
    let entropy = Zeroizing::new(entropy);
    let seed = entropy.first_chunk().ok_or(WordsError::Checksum)?;
    Ok(IdentityKey::from_bytes(seed))
}

/// Why words are no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordsError {
    /// Some are missing, or there are too many.
    #[error("an identity has 24 words, these are {got}")]
    Count {
        /// How many there are.
        got: usize,
    },
    /// A word is not in the list. Look for a slip of the pen.
    #[error("word {number} is not in the list of words")]
    Unknown {
        /// Which word it is, from 1.
        number: usize,
    },
    /// All words exist, and do not belong together: one is another, or their order is.
    #[error("the words do not fit together: one of them is wrong, or their order")]
    Checksum,
}

const WORDS: usize = 24;
/// Words of the list have 3 to 8 letters.
const MAX_WORDS_LEN: usize = WORDS * 9;
/// The longest text that is looked at, in bytes.
const MAX_TEXT: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    /// From the reference vectors of BIP-39 (trezor/python-mnemonic, `vectors.json`, MIT).
    #[test]
    fn words_agree_with_the_reference_vectors() {
        for (seed, words) in [
            ([0; 32], "abandon ".repeat(23) + "art"),
            (
                [0x7f; 32],
                "legal winner thank year wave sausage worth useful ".repeat(2)
                    + "legal winner thank year wave sausage worth title",
            ),
            (
                [0x80; 32],
                "letter advice cage absurd amount doctor acoustic avoid ".repeat(2)
                    + "letter advice cage absurd amount doctor acoustic bless",
            ),
            ([0xff; 32], "zoo ".repeat(23) + "vote"),
        ] {
            let identity = IdentityKey::from_bytes(&seed);
            assert_eq!(*to_words(&identity), words);
            assert_eq!(from_words(&words), Ok(identity));
        }
    }

    #[test]
    fn slips_of_the_pen_are_named_without_the_word() {
        let identity = IdentityKey::from_bytes(&[0x7f; 32]);
        let words = to_words(&identity);
        let loud = words.to_uppercase().replace(' ', "\n  ");
        assert_eq!(from_words(&loud), Ok(identity));
        let short = words.rsplit_once(' ').unwrap().0;
        assert_eq!(from_words(short), Err(WordsError::Count { got: 23 }));
        assert_eq!(from_words(""), Err(WordsError::Count { got: 0 }));
        let slip = words.replacen("winner", "winer", 1);
        assert_eq!(from_words(&slip), Err(WordsError::Unknown { number: 2 }));
        let swapped = words.replacen("winner thank", "thank winner", 1);
        assert_eq!(from_words(&swapped), Err(WordsError::Checksum));
        assert!(matches!(from_words(&"zoo ".repeat(2000)), Err(WordsError::Count { .. })));
    }
}
