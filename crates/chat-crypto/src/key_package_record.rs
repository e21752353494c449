//! A KeyPackage in the directory: how somebody offline is brought into a group.
//!
//! ```text
//! version u8 = 1 | lp(handle) | identity 32 | device id 16 | made at u64 (ms)
//!     | length u32 | KeyPackage | signature 64
//! ```
//! The device signs everything before the signature, for the network.

use std::fmt;

use crate::device::{DeviceCertificate, DeviceId, DeviceKey};
use crate::directory_entry::DirectoryEntry;
use crate::encoding::push_lp;
use crate::reader::Reader;
use crate::signature::{Signature, SignatureContext, SignatureKind};

/// A verified KeyPackage record: a device of a directory entry offers to join groups.
///
/// The KeyPackage itself is opaque here; MLS checks it, and that its credential and signature key
/// are the device's.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPackageRecord {
    device_id: DeviceId,
    made_at_ms: u64,
    key_package: Vec<u8>,
    encoded: Vec<u8>,
}

/// Why bytes are no KeyPackage record of an entry, or none can be made. Readers keep the last good
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyPackageRecordError {
    /// It is not encoded as KeyPackage records are. Ignore it.
    #[error("the KeyPackage record is malformed at byte {at}")]
    Malformed {
        /// Where the first thing that does not fit begins or ends.
        at: usize,
    },
    /// A later version made it. Upgrade.
    #[error("the KeyPackage record was made by a newer securechat")]
    Newer,
    /// The KeyPackage is empty or longer than records hold.
    #[error("a KeyPackage of {len} bytes does not fit a record of 1 to {max}")]
    Length {
        /// Its length, in bytes.
        len: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// It is of another handle or identity than the entry. Look at that one's.
    #[error("the KeyPackage record belongs to another identity")]
    Stranger,
    /// The entry has no such device: it was removed, or the entry is an old one. Read the entry
    /// again.
    #[error("the KeyPackage record is of a device that the directory entry does not have")]
    UnknownDevice,
    /// The device did not sign this, or not for this network. Ignore it.
    #[error("the KeyPackage record is not signed by its device for this network")]
    Signature,
    /// The key is not the one that the certificate names. Use the device's.
    #[error("only its own device can make a KeyPackage record")]
    NotOwner,
}

/// What a device offers.
#[derive(Clone, Copy, Debug)]
pub struct NewKeyPackage<'a> {
    /// The device's certificate.
    pub device: &'a DeviceCertificate,
    /// When the KeyPackage was made, milliseconds since 1970.
    pub made_at_ms: u64,
    /// The encoded MLS KeyPackage, 1 to 65,536 bytes.
    pub key_package: &'a [u8],
}

impl KeyPackageRecord {
    /// The longest KeyPackage, in bytes.
    pub const MAX_KEY_PACKAGE: usize = 64 * 1024;

    /// Makes a record.
    ///
    /// # Errors
    /// [`KeyPackageRecordError::NotOwner`] for the key of another device, and
    /// [`KeyPackageRecordError::Length`].
    pub fn create(
        key: &DeviceKey,
        namespace: &str,
        offer: &NewKeyPackage<'_>,
    ) -> Result<Self, KeyPackageRecordError> {
        let NewKeyPackage { device, made_at_ms, key_package } = *offer;
        if &key.public() != device.device_key() {
            return Err(KeyPackageRecordError::NotOwner);
        }
        let len = checked_len(key_package.len())?;
        let mut encoded = vec![VERSION];
        push_lp(&mut encoded, device.handle().as_bytes());
        encoded.extend_from_slice(device.identity().as_bytes());
        encoded.extend_from_slice(device.device_id().as_bytes());
        encoded.extend_from_slice(&made_at_ms.to_be_bytes());
        encoded.extend_from_slice(&len.to_be_bytes());
        encoded.extend_from_slice(key_package);
        let signature = key.sign(&context(namespace), &encoded);
        encoded.extend_from_slice(signature.as_bytes());
        let (device_id, key_package) = (device.device_id(), key_package.to_vec());
        Ok(Self { device_id, made_at_ms, key_package, encoded })
    }

    /// Parses a record and verifies that a present device of `entry` made it, for the network that
    /// the entry was verified for.
    ///
    /// # Errors
    /// [`KeyPackageRecordError`] for everything that [`create`](Self::create) does not make with a
    /// certificate of the entry.
    pub fn parse(bytes: &[u8], entry: &DirectoryEntry) -> Result<Self, KeyPackageRecordError> {
        let received = Received::read(bytes)?;
        let owner = (received.handle, &received.identity);
        if owner != (entry.handle().as_bytes(), entry.identity().as_bytes()) {
            return Err(KeyPackageRecordError::Stranger);
        }
        let device = entry.device(received.device_id);
        let device = device.ok_or(KeyPackageRecordError::UnknownDevice)?;
        device
            .device_key()
            .verify(&context(entry.namespace()), received.signed, &received.signature)
            .map_err(|_| KeyPackageRecordError::Signature)?;
        Ok(Self {
            device_id: received.device_id,
            made_at_ms: received.made_at_ms,
            key_package: received.key_package.to_vec(),
            encoded: bytes.to_vec(),
        })
    }

    /// Whose record these bytes claim to be: handle and identity, to find the entry that they are
    /// parsed with. Nothing is verified; `None` for what is no record.
    pub fn claimed_owner(bytes: &[u8]) -> Option<(&str, [u8; 32])> {
        let received = Received::read(bytes).ok()?;
        Some((std::str::from_utf8(received.handle).ok()?, received.identity))
    }

    /// The device that offers to join.
    pub fn device_id(&self) -> DeviceId {
        self.device_id
    }

    /// When the device says that it made the KeyPackage, milliseconds since 1970.
    pub fn made_at_ms(&self) -> u64 {
        self.made_at_ms
    }

    /// The encoded MLS KeyPackage, 1 to 65,536 bytes; not looked at.
    pub fn key_package(&self) -> &[u8] {
        &self.key_package
    }

    /// The record's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.encoded
    }
}

impl fmt::Debug for KeyPackageRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device_id, made_at_ms, key_package, encoded: _ } = self;
        let len = key_package.len();
        write!(f, "KeyPackageRecord({device_id:?}, made at {made_at_ms} ms, {len} bytes)")
    }
}

struct Received<'a> {
    handle: &'a [u8],
    identity: [u8; 32],
    device_id: DeviceId,
    made_at_ms: u64,
    key_package: &'a [u8],
    signed: &'a [u8],
    signature: Signature,
}

impl<'a> Received<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, KeyPackageRecordError> {
        let mut reader = Reader::new(bytes);
        match reader.u8() {
            Some(VERSION) => {}
            Some(version) if version > VERSION => return Err(KeyPackageRecordError::Newer),
            _ => return Err(KeyPackageRecordError::Malformed { at: 0 }),
        }
        let read = Self::read_fields(&mut reader);
        let read = read.ok_or(KeyPackageRecordError::Malformed { at: reader.position() })?;
        checked_len(read.key_package.len())?;
        Ok(read)
    }

    fn read_fields(reader: &mut Reader<'a>) -> Option<Self> {
        let handle = reader.lp()?;
        let identity = reader.array()?;
        let device_id = reader.array().map(DeviceId::from_bytes)?;
        let made_at_ms = reader.u64()?;
        let len = usize::try_from(reader.u32()?).ok()?;
        let key_package = reader.take(len)?;
        let signed = reader.read();
        let signature = reader.array().map(Signature::from_bytes)?;
        reader.end()?;
        Some(Self { handle, identity, device_id, made_at_ms, key_package, signed, signature })
    }
}

fn checked_len(len: usize) -> Result<u32, KeyPackageRecordError> {
    let max = KeyPackageRecord::MAX_KEY_PACKAGE;
    let fits = (1..=max).contains(&len).then(|| u32::try_from(len).ok()).flatten();
    fits.ok_or(KeyPackageRecordError::Length { len, max })
}

fn context(namespace: &str) -> SignatureContext<'_> {
    SignatureContext::network(SignatureKind::KeyPackage, namespace)
}

const VERSION: u8 = 1;
