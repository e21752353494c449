#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod adaptive;
mod codec;
mod cost;
pub mod cover;
mod decode;
mod deflate;
pub mod detect;
mod encode;
mod jpeg;
mod jpeg_juniward;
mod key;
mod limits;
mod lsb_compat;
#[doc(hidden)]
pub mod measuring;
mod picture;
mod png;
mod png_hill;
mod raster;
pub mod report;
mod stc;
mod stego_image;
mod stripes;

pub use codec::{
    Capacity, CodecId, EmbedError, EmbedOptions, Embedded, ExtractError, StegoCodec, UnknownCodec,
};
pub use cover::inspect::CoverReport;
pub use cover::{CoverError, CoverId};
pub use jpeg_juniward::{JpegJuniward, JpegSi};
pub use key::{ProbeKey, StegoKey};
pub use limits::{MAX_PIXELS, MAX_PIXELS_FROM_STRANGERS, MAX_SIDE};
pub use lsb_compat::{LsbCompat, Peek, message_text};
pub use picture::{
    ColourModel, DecodeFault, ForeignFormat, PictureError, PictureFormat, Unsupported,
};
pub use png_hill::PngHill;
pub use stego_image::StegoImage;
