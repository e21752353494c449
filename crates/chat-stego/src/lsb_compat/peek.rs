//! A look at the beginning of a payload, for readers who must ask many pictures.

use super::units::Units;
use super::{LsbCompat, frame};
use crate::codec::ExtractError;

/// The beginning of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peek {
    /// Bytes of the whole payload, as the picture says; it has room for them.
    pub declared_len: usize,
    /// The first bytes of the payload: as many as asked for, or all of it.
    pub head: Vec<u8>,
}

impl LsbCompat {
    /// Reads the beginning of a payload without decoding the whole picture.
    ///
    /// * `image` - a PNG file
    /// * `message_bytes` - bytes of the payload to read
    ///
    /// Inflates the rows that hold the length and `message_bytes`, and no others. A picture
    /// without payload is told by its first row, in most cases.
    ///
    /// # Errors
    /// [`ExtractError::WrongFormat`] if it is no PNG, [`ExtractError::NoPayload`] if it carries
    /// none or is interlaced (which no writer of this format makes), [`ExtractError::Picture`] if
    /// it cannot be read.
    pub fn peek(&self, image: &[u8], message_bytes: usize) -> Result<Peek, ExtractError> {
        let mut units = Units::of_streamed(image)?;
        let prefix = frame::read_prefix(&mut units)?;
        let length = message_bytes.min(prefix.declared);
        let head = units.get(prefix.digits_and_colon, length)?.to_vec();
        Ok(Peek { declared_len: prefix.declared, head })
    }
}
