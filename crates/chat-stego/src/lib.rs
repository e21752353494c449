#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod codec;
pub mod cover;
mod decode;
mod encode;
mod jpeg;
mod key;
mod limits;
mod lsb_compat;
#[doc(hidden)]
pub mod measuring;
mod picture;
mod raster;
mod stc;

pub use codec::{
    Capacity, CodecId, EmbedError, EmbedOptions, Embedded, ExtractError, StegoCodec, UnknownCodec,
};
pub use cover::inspect::CoverReport;
pub use cover::{CoverError, CoverId};
pub use key::StegoKey;
pub use limits::{MAX_PIXELS, MAX_SIDE};
pub use lsb_compat::{LsbCompat, Peek, message_text};
pub use picture::{ColourModel, DecodeFault, PictureError, PictureFormat, Unsupported};
