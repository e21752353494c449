//! The vault: the key of a profile's data, under a passphrase.
//!
//! ```text
//! "securechat-vault" 16 | version u8 = 1 | mode u8
//! mode 0: data key 32 | checksum 4
//! mode 1: m u32 (KiB) | t u32 | p u32 | salt 16 | nonce 12 | AES-256-GCM(data key) 32 | tag 16
//! ```
//! The additional data of mode 1 is everything before the ciphertext.

use std::fmt;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use argon2::{Algorithm, Argon2, Params, Version};
use rand_core::CryptoRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::subkey::Subkey;

/// The random key that a profile's data is sealed under. Secret.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DataKey([u8; 32]);

impl DataKey {
    /// The key for one job: HKDF-SHA256, no salt, info `securechat/v1/vault/<label>`.
    pub fn subkey(&self, label: &str) -> Subkey {
        Subkey::derive(&self.0, format!("securechat/v1/vault/{label}").as_bytes())
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.write_str("DataKey([redacted])")
    }
}

/// A data key as it lies on disk.
///
/// # Security
/// Under a passphrase a guess costs Argon2id with the header's parameters. Without one the key lies
/// in the file as it is: the file's permissions are the only protection.
pub struct Vault {
    contents: Contents,
}

/// What one guess of the passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory, in KiB; 8 to 1,048,576.
    pub memory_kib: u32,
    /// Passes; 1 to 64.
    pub passes: u32,
    /// Lanes; 1 to 4.
    pub lanes: u32,
}

impl Default for Argon2Cost {
    /// 64 MiB, 3 passes, 1 lane.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }
}

impl Argon2Cost {
    fn is_bounded(self) -> bool {
        // The header is not authentic yet: any number may stand in it.
        (1..=4).contains(&self.lanes)
            && (8 * self.lanes..=1024 * 1024).contains(&self.memory_kib)
            && (1..=64).contains(&self.passes)
    }
}

enum Contents {
    Open(Zeroizing<[u8; 32]>),
    Sealed { header: [u8; HEADER], sealed: [u8; 32], tag: [u8; 16], cost: Argon2Cost },
}

/// Why a vault could not be made or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The passphrase is wrong, or the vault was changed. Try again, or restore the file.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// The vault is under a passphrase, and none was given.
    #[error("a passphrase is needed")]
    PassphraseNeeded,
    /// The file is no vault, or is damaged. Restore it from a backup.
    #[error("the vault file is damaged")]
    Damaged,
    /// A later version made it. Upgrade.
    #[error("the vault was made by a newer securechat")]
    Newer,
    /// The header asks for more memory or time than is ever used. The file was tampered with.
    #[error("the vault asks for an unreasonable amount of memory or time")]
    Cost,
}

impl Vault {
    /// The length of the longest vault, in bytes.
    pub const MAX_LEN: usize = HEADER + 32 + 16;

    /// Draws a data key and puts it under a passphrase, at the default cost.
    ///
    /// * `passphrase` - `None` leaves the key to the file's permissions alone
    ///
    /// # Errors
    /// [`VaultError::Cost`] if the machine cannot give the memory.
    pub fn create(
        passphrase: Option<&SecretString>,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, DataKey), VaultError> {
        Self::create_with(Argon2Cost::default(), passphrase, rng)
    }

    /// The same at another cost.
    ///
    /// # Errors
    /// [`VaultError::Cost`] if the cost is out of its ranges or cannot be paid.
    pub fn create_with(
        cost: Argon2Cost,
        passphrase: Option<&SecretString>,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, DataKey), VaultError> {
        let mut key = DataKey([0; 32]);
        rng.fill_bytes(&mut key.0);
        let Some(passphrase) = passphrase else {
            return Ok((Self { contents: Contents::Open(Zeroizing::new(key.0)) }, key));
        };
        let header = header(cost, rng);
        let mut sealed = key.0;
        let cipher = wrapping_cipher(&header, cost, passphrase)?;
        let tag = cipher
            .encrypt_inout_detached(&nonce(&header), &header, sealed.as_mut_slice().into())
            .map_err(|_| VaultError::Damaged)?;
        Ok((Self { contents: Contents::Sealed { header, sealed, tag: tag.into(), cost } }, key))
    }

    /// Whether [`open`](Self::open) needs a passphrase.
    pub fn needs_passphrase(&self) -> bool {
        matches!(self.contents, Contents::Sealed { .. })
    }

    /// Opens the vault. A passphrase that is not needed is ignored.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], also for a header or ciphertext that was changed.
    pub fn open(&self, passphrase: Option<&SecretString>) -> Result<DataKey, VaultError> {
        match &self.contents {
            Contents::Open(key) => Ok(DataKey(**key)),
            Contents::Sealed { header, sealed, tag, cost } => {
                let passphrase = passphrase.ok_or(VaultError::PassphraseNeeded)?;
                let mut key = DataKey(*sealed);
                wrapping_cipher(header, *cost, passphrase)?
                    .decrypt_inout_detached(
                        &nonce(header),
                        header,
                        key.0.as_mut_slice().into(),
                        &Tag::from(*tag),
                    )
                    .map_err(|_| VaultError::WrongPassphrase)?;
                Ok(key)
            }
        }
    }

    /// The vault's file. Secret where there is no passphrase.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(Self::MAX_LEN));
        match &self.contents {
            Contents::Open(key) => {
                bytes.extend_from_slice(MAGIC);
                bytes.extend_from_slice(&[VERSION, MODE_OPEN]);
                bytes.extend_from_slice(&**key);
                bytes.extend_from_slice(&checksum(key));
            }
            Contents::Sealed { header, sealed, tag, .. } => {
                bytes.extend_from_slice(header);
                bytes.extend_from_slice(sealed);
                bytes.extend_from_slice(tag);
            }
        }
        bytes
    }

    /// Reads a vault's file.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Newer`], or [`VaultError::Cost`] for parameters that
    /// would exhaust the machine.
    pub fn decode(bytes: &[u8]) -> Result<Self, VaultError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(VaultError::Damaged)?;
        let contents = match rest {
            [VERSION, MODE_OPEN, body @ ..] => decode_open(body)?,
            [VERSION, MODE_PASSPHRASE, ..] => decode_sealed(bytes)?,
            [version, ..] if *version > VERSION => return Err(VaultError::Newer),
            _ => return Err(VaultError::Damaged),
        };
        Ok(Self { contents })
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contents } = self;
        match contents {
            Contents::Open(_) => f.write_str("Vault([redacted], no passphrase)"),
            Contents::Sealed { header: _, sealed: _, tag: _, cost } => {
                write!(f, "Vault([redacted], {cost:?})")
            }
        }
    }
}

fn decode_open(body: &[u8]) -> Result<Contents, VaultError> {
    let (key, sum) = body.split_first_chunk::<32>().ok_or(VaultError::Damaged)?;
    if checksum(key) != *sum {
        return Err(VaultError::Damaged);
    }
    Ok(Contents::Open(Zeroizing::new(*key)))
}

fn decode_sealed(bytes: &[u8]) -> Result<Contents, VaultError> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or(VaultError::Damaged)?;
    let (sealed, tag) = rest.split_first_chunk::<32>().ok_or(VaultError::Damaged)?;
    let tag = tag.try_into().map_err(|_| VaultError::Damaged)?;
    let number = |at: usize| {
        let bytes = header.get(at..at + 4).and_then(|b| b.try_into().ok());
        bytes.map(u32::from_be_bytes).ok_or(VaultError::Damaged)
    };
    let cost = Argon2Cost { memory_kib: number(18)?, passes: number(22)?, lanes: number(26)? };
    if !cost.is_bounded() {
        return Err(VaultError::Cost);
    }
    Ok(Contents::Sealed { header: *header, sealed: *sealed, tag, cost })
}

fn header(cost: Argon2Cost, rng: &mut impl CryptoRng) -> [u8; HEADER] {
    let mut random = [0; SALT + NONCE];
    rng.fill_bytes(&mut random);
    let Argon2Cost { memory_kib, passes, lanes } = cost;
    let numbers = [memory_kib, passes, lanes].map(u32::to_be_bytes);
    let fields = MAGIC
        .iter()
        .chain(&[VERSION, MODE_PASSPHRASE])
        .chain(numbers.as_flattened())
        .chain(&random);
    let mut header = [0; HEADER];
    header.iter_mut().zip(fields).for_each(|(to, from)| *to = *from);
    header
}

/// The cipher under the key that Argon2id makes of a passphrase.
fn wrapping_cipher(
    header: &[u8; HEADER],
    cost: Argon2Cost,
    passphrase: &SecretString,
) -> Result<Aes256Gcm, VaultError> {
    if !cost.is_bounded() {
        return Err(VaultError::Cost);
    }
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))
        .map_err(|_| VaultError::Cost)?;
    let salt = header.get(30..30 + SALT).unwrap_or_default();
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose_secret().as_bytes(), salt, &mut *key)
        .map_err(|_| VaultError::Cost)?;
    Ok(Aes256Gcm::new((&*key).into()))
}

fn nonce(header: &[u8; HEADER]) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut nonce = [0; NONCE];
    nonce.iter_mut().zip(header.iter().skip(30 + SALT)).for_each(|(to, from)| *to = *from);
    Nonce::from(nonce)
}

/// Notices accidents, not attackers: whoever can write the file can write the key.
fn checksum(key: &[u8; 32]) -> [u8; 4] {
    let [a, b, c, d, ..]: [u8; 32] =
        Sha256::new().chain_update(MAGIC).chain_update(key).finalize().into();
    [a, b, c, d]
}

const MAGIC: &[u8; 16] = b"securechat-vault";
const VERSION: u8 = 1;
const MODE_OPEN: u8 = 0;
const MODE_PASSPHRASE: u8 = 1;
const SALT: usize = 16;
const NONCE: usize = 12;
/// Magic, version, mode, three numbers, salt, nonce.
const HEADER: usize = 16 + 2 + 12 + SALT + NONCE;
