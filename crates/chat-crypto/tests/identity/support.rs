//! People with keys that are the same in every test, and bytes that stand in files.

use std::convert::Infallible;

use chat_crypto::rand_core::{TryCryptoRng, TryRng};
use chat_crypto::{
    Argon2Cost, DeviceCertificate, DeviceId, DeviceKey, DirectoryEntry, IdentityKey, NewDevice,
    NewEntry,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(crate) const NETWORK: &str = "securechat";
pub(crate) const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 8, passes: 1, lanes: 1 };

/// Bytes that stand in a file as hexadecimal digits.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16);
        (0..text.len()).step_by(2).map(byte).collect::<Result<_, _>>().map(Self)
    }
}

impl Hex {
    pub(crate) fn array<const N: usize>(&self) -> [u8; N] {
        self.0.as_slice().try_into().unwrap()
    }
}

/// A generator that gives given bytes, and no more than those.
pub(crate) struct Given(Vec<u8>);

impl Given {
    pub(crate) fn new(parts: &[&Hex]) -> Self {
        Self(parts.iter().flat_map(|part| part.0.clone()).collect())
    }
}

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only bytes are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("only bytes are drawn")
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        dst.copy_from_slice(&self.0[..dst.len()]);
        self.0.drain(..dst.len());
        Ok(())
    }
}

impl TryCryptoRng for Given {}

#[derive(Deserialize)]
struct File<T> {
    cases: Vec<T>,
}

pub(crate) fn cases<T: DeserializeOwned>(json: &str) -> Vec<T> {
    let cases = serde_json::from_str::<File<T>>(json).unwrap().cases;
    assert!(!cases.is_empty());
    cases
}

/// Somebody with one device.
pub(crate) struct Person {
    pub(crate) handle: &'static str,
    pub(crate) identity: IdentityKey,
    pub(crate) device: DeviceKey,
    pub(crate) certificate: DeviceCertificate,
    pub(crate) entry: DirectoryEntry,
}

impl Person {
    /// * `byte` - makes all keys; two people have two of them
    pub(crate) fn new(handle: &'static str, byte: u8) -> Self {
        let identity = IdentityKey::from_bytes(&[byte; 32]);
        let device = DeviceKey::from_bytes(&[byte | 0x80; 32]);
        let certificate = certify(&identity, handle, byte | 0x80);
        let first =
            NewEntry { device: &certificate, inbox_key: &[byte; 40], valid_until_ms: 1_000 };
        let entry = DirectoryEntry::create(&identity, NETWORK, &first).unwrap();
        Self { handle, identity, device, certificate, entry }
    }
}

pub(crate) fn alice() -> Person {
    Person::new("alice", 1)
}

pub(crate) fn bob() -> Person {
    Person::new("bob", 2)
}

/// The certificate of the device whose key and id are made of `byte`.
pub(crate) fn certify(identity: &IdentityKey, handle: &str, byte: u8) -> DeviceCertificate {
    let key = DeviceKey::from_bytes(&[byte; 32]).public();
    let device = NewDevice { handle, id: DeviceId::from_bytes([byte; 16]), key: &key };
    DeviceCertificate::issue(identity, &device, NETWORK).unwrap()
}

/// `bytes` with one bit flipped.
pub(crate) fn flipped(bytes: &[u8], at: usize, bit: u8) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at] ^= 1 << (bit & 7);
    changed
}
