//! Sealing values and hiding keys.

use std::fmt;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand::Rng;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::StoreError;
use crate::schema::{TABLES, Table};

/// The key that a store is sealed under: 32 secret bytes. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// Wraps 32 secret bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn subkey(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let info = format!("securechat/v1/store/{label}");
        let mut key = Zeroizing::new([0; 32]);
        #[expect(clippy::expect_used, reason = "HKDF-SHA256 gives up to 8,160 bytes")]
        Hkdf::<Sha256>::new(None, &self.0).expand(info.as_bytes(), &mut *key).expect("32 bytes");
        key
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.write_str("StoreKey([redacted])")
    }
}

/// Seals values, each table under a key of its own, and turns telling keys into hashes.
pub(crate) struct Sealer {
    ciphers: Vec<Aes256Gcm>,
    hider: Hmac<Sha256>,
}

impl Sealer {
    pub(crate) fn new(key: &StoreKey) -> Self {
        let cipher = |table: &Table| Aes256Gcm::new((&*key.subkey(table.name)).into());
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let hider =
            <Hmac<Sha256> as KeyInit>::new_from_slice(&*key.subkey("keys")).expect("any key");
        Self { ciphers: TABLES.iter().map(|table| cipher(table)).collect(), hider }
    }

    /// `nonce 12 | ciphertext | tag 16`, bound to the table and the row's key.
    pub(crate) fn seal(
        &self,
        table: &Table,
        key: &[u8],
        value: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        if value.len() > MAX_VALUE {
            return Err(StoreError::TooLong { len: value.len(), max: MAX_VALUE });
        }
        let mut sealed = vec![0; NONCE];
        rand::rng().fill_bytes(&mut sealed);
        let nonce = nonce(&sealed).ok_or_else(|| StoreError::damaged("nonce"))?;
        sealed.reserve_exact(value.len() + TAG);
        sealed.extend_from_slice(value);
        let body = sealed.get_mut(NONCE..).unwrap_or_default();
        let tag = self.cipher(table)?.encrypt_inout_detached(&nonce, &aad(table, key), body.into());
        let tag = tag.map_err(|_| StoreError::TooLong { len: value.len(), max: MAX_VALUE })?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// The inverse of [`seal`](Self::seal).
    pub(crate) fn open(
        &self,
        table: &Table,
        key: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let damaged =
            || StoreError::damaged(format!("a row of table {} is not authentic", table.name));
        let nonce = nonce(sealed).ok_or_else(damaged)?;
        let body = sealed.get(NONCE..).ok_or_else(damaged)?;
        let (body, tag) = body.split_last_chunk::<TAG>().ok_or_else(damaged)?;
        let mut value = Zeroizing::new(body.to_vec());
        self.cipher(table)?
            .decrypt_inout_detached(
                &nonce,
                &aad(table, key),
                value.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .map_err(|_| damaged())?;
        Ok(value)
    }

    /// The first 16 bytes of an HMAC over `label | 0 | parts`, each behind its length.
    pub(crate) fn hide(&self, label: &str, parts: &[&[u8]]) -> [u8; 16] {
        let mut mac = self.hider.clone();
        mac.update(label.as_bytes());
        mac.update(&[0]);
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let hash = mac.finalize().into_bytes();
        let mut short = [0; 16];
        short.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        short
    }

    fn cipher(&self, table: &Table) -> Result<&Aes256Gcm, StoreError> {
        self.ciphers.get(table.index()).ok_or_else(|| StoreError::damaged("unknown table"))
    }
}

/// `table id | format | key`: a value is authentic only where it was written.
fn aad(table: &Table, key: &[u8]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(2 + key.len());
    aad.extend_from_slice(&[table.id, table.format]);
    aad.extend_from_slice(key);
    aad
}

fn nonce(sealed: &[u8]) -> Option<Nonce<aes_gcm::aead::consts::U12>> {
    sealed.first_chunk::<NONCE>().map(|nonce| Nonce::from(*nonce))
}

const NONCE: usize = 12;
const TAG: usize = 16;

/// The longest value, in bytes: an outbox row with its cover.
const MAX_VALUE: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{CONTACTS, META};

    #[test]
    fn a_value_opens_only_in_its_table_under_its_key_and_with_its_store_key() {
        let sealer = Sealer::new(&StoreKey::from_bytes([1; 32]));
        let sealed = sealer.seal(&META, b"k", b"value").unwrap();
        assert_eq!(**sealer.open(&META, b"k", &sealed).unwrap(), *b"value");
        assert!(sealer.open(&CONTACTS, b"k", &sealed).is_err());
        assert!(sealer.open(&META, b"l", &sealed).is_err());
        let other = Sealer::new(&StoreKey::from_bytes([2; 32]));
        assert!(other.open(&META, b"k", &sealed).is_err());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let sealer = Sealer::new(&StoreKey::from_bytes([1; 32]));
        let sealed = sealer.seal(&META, b"k", b"value").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(sealer.open(&META, b"k", &flipped).is_err());
        }
        for cut in 0..sealed.len() {
            assert!(sealer.open(&META, b"k", &sealed[..cut]).is_err());
        }
    }

    #[test]
    fn hidden_keys_differ_by_label_and_by_where_parts_end() {
        let sealer = Sealer::new(&StoreKey::from_bytes([1; 32]));
        assert_ne!(sealer.hide("a", &[b"x"]), sealer.hide("b", &[b"x"]));
        assert_ne!(sealer.hide("a", &[b"xy", b""]), sealer.hide("a", &[b"x", b"y"]));
    }

    #[test]
    fn debug_is_redacted() {
        assert_eq!(format!("{:?}", StoreKey::from_bytes([7; 32])), "StoreKey([redacted])");
    }
}
