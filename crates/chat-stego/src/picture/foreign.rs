//! Picture formats that are known and not read.

use std::fmt;

/// A picture format that is recognised only to be refused by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForeignFormat {
    /// HEIC or HEIF: what iPhones store unless told otherwise.
    Heic,
    /// AVIF.
    Avif,
    /// TIFF, and the raw files of cameras that are built on it.
    Tiff,
    /// GIF.
    Gif,
    /// JPEG XL.
    JpegXl,
    /// JPEG 2000.
    Jpeg2000,
}

impl ForeignFormat {
    /// The format's usual name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heic => "HEIC",
            Self::Avif => "AVIF",
            Self::Tiff => "TIFF or raw",
            Self::Gif => "GIF",
            Self::JpegXl => "JPEG XL",
            Self::Jpeg2000 => "JPEG 2000",
        }
    }

    /// Recognises a format by its first bytes.
    pub(crate) fn of(file: &[u8]) -> Option<Self> {
        match file {
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(Self::Tiff),
            [b'G', b'I', b'F', b'8', ..] => Some(Self::Gif),
            [0xff, 0x0a, ..] => Some(Self::JpegXl),
            [0xff, 0x4f, 0xff, 0x51, ..] => Some(Self::Jpeg2000),
            [_, _, _, _, b'J', b'X', b'L', b' ', ..] => Some(Self::JpegXl),
            [_, _, _, _, b'j', b'P', b' ', b' ', ..] => Some(Self::Jpeg2000),
            [a, b, c, d, b'f', b't', b'y', b'p', boxed @ ..] => {
                let length = u32::from_be_bytes([*a, *b, *c, *d]);
                Self::of_brands(boxed, usize::try_from(length).unwrap_or(usize::MAX))
            }
            _ => None,
        }
    }

    /// ISO/IEC 14496-12, 4.3: the main brand, a version, and further brands, all of four bytes.
    fn of_brands(boxed: &[u8], length: usize) -> Option<Self> {
        let brands = boxed.get(..length.saturating_sub(8).min(MAX_BRANDS)).unwrap_or(boxed);
        let (brands, _) = brands.as_chunks::<4>();
        let mut known = brands.iter().take(MAX_BRANDS / 4).filter_map(|brand| match brand {
            b"avif" | b"avis" => Some(Self::Avif),
            b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"hevm" | b"hevs" => {
                Some(Self::Heic)
            }
            _ => None,
        });
        // `mif1` and `msf1` only say that some picture lies in the container.
        known.next().or_else(|| {
            brands.iter().any(|brand| matches!(brand, b"mif1" | b"msf1")).then_some(Self::Heic)
        })
    }
}

impl fmt::Display for ForeignFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Bytes of brands that are looked at.
const MAX_BRANDS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart_by_their_first_bytes() {
        let cases: [(&[u8], ForeignFormat); 8] = [
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ForeignFormat::Heic),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", ForeignFormat::Avif),
            (b"\0\0\0\x14ftypmif1\0\0\0\0miaf", ForeignFormat::Heic),
            (b"II*\0\x08\0\0\0", ForeignFormat::Tiff),
            (b"MM\0*\0\0\0\x08", ForeignFormat::Tiff),
            (b"GIF89a", ForeignFormat::Gif),
            (b"\0\0\0\x0cJXL \r\n\x87\n", ForeignFormat::JpegXl),
            (b"\0\0\0\x0cjP  \r\n\x87\n", ForeignFormat::Jpeg2000),
        ];
        for (file, format) in cases {
            assert_eq!(ForeignFormat::of(file), Some(format));
        }
    }

    #[test]
    fn films_and_short_files_are_none() {
        assert_eq!(ForeignFormat::of(b"\0\0\0\x18ftypisom\0\0\0\0mp41"), None);
        assert_eq!(ForeignFormat::of(b"\0\0\0\x18ftyp"), None);
        assert_eq!(ForeignFormat::of(b"\0\0\0\0ftypheic"), None);
        assert_eq!(ForeignFormat::of(b""), None);
    }
}
