//! The codec `lsb-compat`: lowest bits of all colour samples, one after another.

pub(crate) mod bits;
pub(crate) mod frame;
mod peek;
pub(crate) mod units;

pub use peek::Peek;

use zeroize::Zeroizing;

use crate::codec::{
    Capacity, CodecId, EmbedError, EmbedOptions, Embedded, ExtractError, StegoCodec,
};
use crate::cover::CoverError;
use crate::cover::inspect::CoverReport;
use crate::decode::{self, Rendering};
use crate::encode;
use crate::key::StegoKey;
use units::Units;

/// Hides ASCII text as the Python package `stegano` does, so that it reads our pictures and we
/// read its.
///
/// The message `length ":" text` lies in the lowest bits of red, green and blue, in raster order
/// from the upper left, most significant bit first, padded with zero bits to whole pixels. Alpha
/// is left alone; pictures that are neither RGB nor RGBA become RGB.
///
/// # Security
/// This hides nothing from anybody who looks: anyone can read the payload (so encrypt it first),
/// and a few lines of code tell such a picture from a clean one. The key is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LsbCompat;

impl StegoCodec for LsbCompat {
    fn id(&self) -> CodecId {
        CodecId::LsbCompat
    }

    fn inspect(&self, cover: &[u8]) -> Result<CoverReport, CoverError> {
        Ok(CoverReport::for_lsb(cover)?)
    }

    fn capacity(&self, cover: &[u8]) -> Result<Capacity, CoverError> {
        Ok(self.inspect(cover)?.capacity)
    }

    fn embed(
        &self,
        cover: &[u8],
        payload: &[u8],
        key: &StegoKey,
        options: &EmbedOptions,
    ) -> Result<Embedded, EmbedError> {
        check_payload(cover, payload)?;
        let mut raster = decode::pixels(cover, Rendering::AsStegano).map_err(CoverError::from)?;
        let frame = frame::encode(payload);
        let written = bits::write(&mut raster, &frame);
        let png = encode::png(&raster).map_err(|_| CoverError::Encode)?;
        options.check_size(png.len())?;
        match self.extract(&png, key) {
            Ok(found) if *found == payload => {}
            _ => return Err(EmbedError::NotReadBack),
        }
        Ok(Embedded {
            file: png,
            changes: written.changes,
            distortion: written.changes as f64,
            bits: written.samples,
            elements: raster.width as usize * raster.height as usize * 3,
        })
    }

    fn extract(&self, image: &[u8], _key: &StegoKey) -> Result<Zeroizing<Vec<u8>>, ExtractError> {
        read(Units::of_any(image)?)
    }
}

/// The payload behind its length.
pub(crate) fn read(mut units: Units<'_>) -> Result<Zeroizing<Vec<u8>>, ExtractError> {
    let prefix = frame::read_prefix(&mut units)?;
    let found = units.get(prefix.digits_and_colon, prefix.declared)?;
    Ok(Zeroizing::new(found.to_vec()))
}

fn check_payload(cover: &[u8], payload: &[u8]) -> Result<(), EmbedError> {
    if payload.is_empty() {
        return Err(EmbedError::Empty);
    }
    if let Some(position) = payload.iter().position(|byte| !byte.is_ascii()) {
        return Err(EmbedError::NotAscii { position });
    }
    let available = LsbCompat.capacity(cover)?.max_bytes;
    if payload.len() > available {
        return Err(EmbedError::TooLarge { needed: payload.len(), available });
    }
    Ok(())
}

/// The text of an extracted message, whichever version of `stegano` wrote it.
///
/// 3.x stores UTF-8, older versions one byte a character (Latin-1). For ASCII, which is all that
/// [`LsbCompat`] writes, both are the same.
pub fn message_text(extracted: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(match str::from_utf8(extracted) {
        Ok(text) => text.to_owned(),
        Err(_) => extracted.iter().copied().map(char::from).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_text_reads_both_generations() {
        assert_eq!(*message_text("caf\u{e9}".as_bytes()), "caf\u{e9}");
        assert_eq!(*message_text(b"caf\xe9"), "caf\u{e9}");
    }
}
