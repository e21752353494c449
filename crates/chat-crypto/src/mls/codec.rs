//! CBOR (RFC 8949) in buffers that are wiped, also when they grow.

use cbor4ii::core::dec::Read;
use cbor4ii::core::enc::Write;
use cbor4ii::core::utils::SliceReader;
use cbor4ii::serde::{Deserializer, Serializer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// A row of MLS state does not have the form that OpenMLS gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of MLS state is damaged")]
pub(super) struct CodecError;

/// Encodes a value; no copy of it stays behind in memory.
pub(super) fn encode(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, CodecError> {
    let mut serializer = Serializer::new(WipedBuffer(Zeroizing::new(Vec::with_capacity(FIRST))));
    value.serialize(&mut serializer).map_err(|_| CodecError)?;
    Ok(serializer.into_inner().0)
}

/// Decodes a value; bytes behind it are an error.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut reader = SliceReader::new(bytes);
    let value = T::deserialize(&mut Deserializer::new(&mut reader)).map_err(|_| CodecError)?;
    let rest = reader.fill(1).map_err(|_| CodecError)?;
    if rest.as_ref().is_empty() { Ok(value) } else { Err(CodecError) }
}

/// A vector that wipes what it leaves when it moves to a larger allocation.
struct WipedBuffer(Zeroizing<Vec<u8>>);

impl Write for WipedBuffer {
    type Error = CodecError;

    fn push(&mut self, input: &[u8]) -> Result<(), CodecError> {
        let needed = self.0.len().checked_add(input.len()).ok_or(CodecError)?;
        if needed > self.0.capacity() {
            let capacity = needed.max(self.0.capacity().saturating_mul(2));
            let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(input);
        Ok(())
    }
}

/// Bytes that a buffer holds before it first grows: enough for the row of one message in a pair.
const FIRST: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_return_however_often_the_buffer_grew() {
        for len in [0, 1, FIRST - 3, FIRST, FIRST + 1, 100_000] {
            let value = vec![0x5a_u16; len];
            let bytes = encode(&value).unwrap();
            assert_eq!(decode::<Vec<u16>>(&bytes).unwrap(), value);
        }
    }

    #[test]
    fn trailing_and_missing_bytes_are_errors() {
        let mut bytes = encode(&(7_u8, "text")).unwrap().to_vec();
        assert_eq!(decode::<(u8, String)>(&bytes).unwrap(), (7, "text".to_owned()));
        bytes.push(0);
        assert_eq!(decode::<(u8, String)>(&bytes), Err(CodecError));
        assert_eq!(decode::<(u8, String)>(&bytes[..bytes.len() - 2]), Err(CodecError));
    }
}
