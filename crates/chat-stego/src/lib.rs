#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod codec;
mod cost;
pub mod cover;
mod decode;
mod deflate;
pub mod detect;
mod encode;
mod jpeg;
mod key;
mod limits;
mod lsb_compat;
#[doc(hidden)]
pub mod measuring;
mod picture;
mod png;
mod raster;
mod stripes;
pub mod report;
mod stc;

pub use codec::{
    Capacity, CodecId, EmbedError, EmbedOptions, Embedded, ExtractError, StegoCodec, UnknownCodec,
};
pub use cover::inspect::CoverReport;
pub use cover::{CoverError, CoverId};
pub use key::StegoKey;
pub use limits::{MAX_PIXELS, MAX_SIDE};
pub use lsb_compat::{LsbCompat, Peek, message_text};
pub use picture::{
    ColourModel, DecodeFault, ForeignFormat, PictureError, PictureFormat, Unsupported,
};
