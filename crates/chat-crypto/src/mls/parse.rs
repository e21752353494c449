//! The one place where bytes from outside become MLS objects.

use openmls::prelude::tls_codec::DeserializeBytes;
use openmls::prelude::{
    KeyPackageIn, MlsMessageBodyIn, MlsMessageIn, ProtocolMessage, RatchetTreeIn, Welcome,
};

use super::MAX_MLS_MESSAGE;

/// Bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Garbage;

/// A whole KeyPackage, not yet verified.
pub(super) fn key_package(bytes: &[u8]) -> Result<KeyPackageIn, Garbage> {
    exactly(bytes, MAX_KEY_PACKAGE)
}

/// A whole ratchet tree, not yet verified.
pub(super) fn ratchet_tree(bytes: &[u8]) -> Result<RatchetTreeIn, Garbage> {
    exactly(bytes, MAX_MLS_MESSAGE)
}

/// A Welcome.
pub(super) fn welcome(bytes: &[u8]) -> Result<Welcome, Garbage> {
    match exactly::<MlsMessageIn>(bytes, MAX_MLS_MESSAGE)?.extract() {
        MlsMessageBodyIn::Welcome(welcome) => Ok(welcome),
        _ => Err(Garbage),
    }
}

/// A PrivateMessage. A PublicMessage is refused here already, and with it every external Commit
/// and external proposal, which RFC 9420 allows to nobody but them.
pub(super) fn private_message(bytes: &[u8]) -> Result<ProtocolMessage, Garbage> {
    match exactly::<MlsMessageIn>(bytes, MAX_MLS_MESSAGE)?.extract() {
        MlsMessageBodyIn::PrivateMessage(message) => Ok(message.into()),
        _ => Err(Garbage),
    }
}

/// Parses `bytes` to their end, after a look at their number.
fn exactly<T: DeserializeBytes>(bytes: &[u8], most: usize) -> Result<T, Garbage> {
    if bytes.len() > most {
        return Err(Garbage);
    }
    T::tls_deserialize_exact_bytes(bytes).map_err(|_| Garbage)
}

/// The longest KeyPackage, in bytes. Ours have about 2,700 and a credential of at most 4,096.
const MAX_KEY_PACKAGE: usize = 16 * 1024;
