//! What a file says about itself as a picture, and why it may be refused.

mod foreign;

use std::fmt;

pub use foreign::ForeignFormat;

use crate::limits::{MAX_PIXELS, MAX_SIDE};

/// A file format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PictureFormat {
    /// Portable Network Graphics: lossless.
    Png,
    /// JPEG: lossy, so it can be a cover, but cannot carry a payload in its pixels.
    Jpeg,
    /// Windows bitmap: lossless and uncompressed.
    Bmp,
    /// WebP: read as a source of covers, never sent.
    WebP,
}

impl PictureFormat {
    /// The format's usual name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Bmp => "BMP",
            Self::WebP => "WebP",
        }
    }

    /// Recognises a format by its first bytes.
    pub fn of(file: &[u8]) -> Option<Self> {
        match file {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'B', b'M', ..] => Some(Self::Bmp),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            _ => None,
        }
    }
}

impl fmt::Display for PictureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the pixels of a file are stored, before any conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColourModel {
    /// Shades of grey.
    Grey,
    /// Shades of grey, 16 bits each.
    DeepGrey,
    /// Shades of grey with alpha. The alpha is dropped on conversion.
    GreyAlpha,
    /// Shades of grey with alpha, 16 bits each. Becomes RGBA with 8: the alpha is kept.
    DeepGreyAlpha,
    /// Indices into a table of colours. Transparent entries lose their transparency.
    Palette,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha. Kept as it is.
    Rgba,
    /// Printers' inks.
    Cmyk,
}

impl ColourModel {
    /// Whether a codec on pixels keeps the model; all others become [`ColourModel::Rgb`], and
    /// [`ColourModel::DeepGreyAlpha`] becomes [`ColourModel::Rgba`].
    pub fn is_kept(self) -> bool {
        matches!(self, Self::Rgb | Self::Rgba)
    }
}

/// Why a file cannot be read as a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The file begins like no format that is read here. Use a PNG, JPEG, WebP or BMP file.
    #[error("the file is no PNG, JPEG, WebP or BMP picture")]
    UnknownFormat,
    /// The file is a picture in a format that is known and not read. Export it as JPEG.
    #[error("{format} files are not read: export the picture as JPEG, full size, and use that")]
    Foreign {
        /// The format by the file's first bytes.
        format: ForeignFormat,
    },
    /// The format is known, but not this kind of it. Save the picture in the plain kind.
    #[error("{what} cannot be used")]
    Unsupported {
        /// The kind that was found.
        what: Unsupported,
    },
    /// The header names an empty picture, or one above [`MAX_PIXELS`] or [`MAX_SIDE`]. Scale it
    /// down.
    #[error(
        "the picture is {width} x {height} pixels; at most {MAX_SIDE} a side and {MAX_PIXELS} in \
         all are read"
    )]
    Dimensions {
        /// Pixels in a row, as the header says.
        width: u32,
        /// Rows, as the header says.
        height: u32,
    },
    /// The picture is of a size that is read, but not here: as one of many from strangers, or
    /// because the caller asked for smaller ones. Scale it down.
    #[error("the picture has {pixels} pixels; at most {limit} may be sent to others")]
    ManyPixels {
        /// Pixels, as the header says.
        pixels: u64,
        /// Pixels that are allowed.
        limit: u64,
    },
    /// A JPEG made of so many scans that decoding it would take very long. Save it again.
    #[error("the JPEG has {scans} scans, too many for its size")]
    TooManyScans {
        /// The scans found.
        scans: u64,
    },
    /// The file is damaged or cut off. Get another copy.
    #[error("the {format} file is damaged")]
    Damaged {
        /// The format by its first bytes.
        format: PictureFormat,
        /// What the decoder met.
        #[source]
        source: DecodeFault,
    },
}

impl PictureError {
    /// The error of a file whose first bytes are none of [`PictureFormat`]'s.
    pub(crate) fn not_read(file: &[u8]) -> Self {
        ForeignFormat::of(file).map_or(Self::UnknownFormat, |format| Self::Foreign { format })
    }

    pub(crate) fn damaged(format: PictureFormat, fault: impl Into<DecodeFault>) -> Self {
        Self::Damaged { format, source: fault.into() }
    }
}

/// A kind of picture that is known and refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unsupported {
    /// An animated PNG: it is not clear which frame would carry the payload.
    AnimatedPng,
    /// An animated WebP: it is not clear which frame is the picture.
    AnimatedWebP,
    /// A JPEG that is lossless, hierarchical or arithmetic coded.
    JpegProcess,
    /// A JPEG with other than 8 bits a sample.
    JpegPrecision,
    /// An arithmetic coded JPEG.
    JpegArithmetic,
    /// A lossless JPEG.
    JpegLossless,
    /// A hierarchical JPEG.
    JpegHierarchical,
    /// A JPEG of more than four components.
    JpegComponents,
    /// A JPEG whose height is told after its first scan (DNL marker).
    JpegLateHeight,
    /// A PNG whose pixels are indices into a table of colours: a change of one is another colour.
    PalettePng,
    /// A PNG with 16 bits a sample.
    DeepPng,
    /// A PNG with 1, 2 or 4 bits a sample.
    ShallowPng,
    /// A PNG that is stored in seven passes (Adam7).
    InterlacedPng,
    /// A PNG with a chunk that a reader must know, of a type that is not known here.
    PngChunk([u8; 4]),
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AnimatedPng => "an animated PNG",
            Self::AnimatedWebP => "an animated WebP",
            Self::JpegProcess => "a lossless, hierarchical or arithmetic coded JPEG",
            Self::JpegPrecision => "a JPEG with other than 8 bits a sample",
            Self::JpegArithmetic => "an arithmetic coded JPEG",
            Self::JpegLossless => "a lossless JPEG",
            Self::JpegHierarchical => "a hierarchical JPEG",
            Self::JpegComponents => "a JPEG of more than four components",
            Self::JpegLateHeight => "a JPEG whose height is told after its first scan",
            Self::PalettePng => "a PNG with a palette",
            Self::DeepPng => "a PNG with 16 bits a sample",
            Self::ShallowPng => "a PNG with fewer than 8 bits a sample",
            Self::InterlacedPng => "an interlaced PNG",
            Self::PngChunk(kind) => {
                let name = kind.escape_ascii();
                return write!(f, "a PNG with the unknown critical chunk {name}");
            }
        })
    }
}

/// What a decoder met in a damaged file; its text is for people.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct DecodeFault(Fault);

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Png(png::DecodingError),
    #[error(transparent)]
    Image(image::ImageError),
    #[error("{0}")]
    Structure(&'static str),
    #[error("{what} (near byte {at})")]
    Place { what: &'static str, at: usize },
}

impl From<png::DecodingError> for DecodeFault {
    fn from(error: png::DecodingError) -> Self {
        Self(Fault::Png(error))
    }
}

impl From<image::ImageError> for DecodeFault {
    fn from(error: image::ImageError) -> Self {
        Self(Fault::Image(error))
    }
}

impl From<&'static str> for DecodeFault {
    fn from(what: &'static str) -> Self {
        Self(Fault::Structure(what))
    }
}

/// What was met, and near which byte of the file.
impl From<(&'static str, usize)> for DecodeFault {
    fn from((what, at): (&'static str, usize)) -> Self {
        Self(Fault::Place { what, at })
    }
}
