//! JPEG files down to their coefficients: read, changed, and written again bit for bit.
//!
//! Written from ITU-T T.81 (1992). What a program may choose when it writes a file (order of
//! markers, scans, Huffman tables, runs of empty blocks) is kept as found, or found to be what
//! libjpeg and its kin choose and done again.

mod baseline;
mod component;
mod decode;
mod encode;
mod extras;
mod fault;
mod frame;
mod handwriting;
mod huffman;
mod markers;
mod parse;
mod parts;
mod scan;
mod sections;
mod style;
mod write;
mod zigzag;

#[cfg(test)]
mod tests;

pub(crate) use baseline::HuffmanStyle;
pub(crate) use component::{Block, Component};
pub(crate) use extras::{Anchors, ExtrasFault, Keep, trim};
pub(crate) use handwriting::{Difference, Handwriting};
pub use style::TableStyle;
#[cfg(test)]
pub(crate) use write::BlockPlace;
pub(crate) use write::JpegWriteError;

use frame::Frame;
use frame::Process;
use parts::{Definition, Padding, Part};

/// A JPEG: its coefficients, and everything else needed to write the same bytes again.
#[derive(Clone)]
pub(crate) struct Jpeg {
    frame: Frame,
    components: Vec<Component>,
    parts: Vec<Part>,
    definitions: Vec<Definition>,
    padding: Padding,
    /// Fill bytes before the end-of-image marker.
    end_fill: usize,
    /// Everything behind the end-of-image marker.
    trailing: Vec<u8>,
    /// Which Huffman tables are their own optimum; decided before the first change.
    knowledge: Knowledge,
}

/// What is known about the Huffman tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knowledge {
    /// Nothing yet; the coefficients are as found.
    Unread,
    /// Which tables are optimal, and that the coefficients are as found.
    Settled,
    /// Which tables are optimal; the coefficients may have changed, so these need new ones.
    Touched,
}

impl Jpeg {
    /// Pixels in a row.
    pub(crate) fn width(&self) -> u32 {
        self.frame.width
    }

    /// Rows of pixels.
    pub(crate) fn height(&self) -> u32 {
        self.frame.height
    }

    /// Whether the coefficients are spread over scans by frequency and bit.
    pub(crate) fn is_progressive(&self) -> bool {
        self.frame.process == Process::Progressive
    }

    /// One to four components, in the order of the frame header.
    pub(crate) fn components(&self) -> &[Component] {
        &self.components
    }

    /// Whether both are the same picture, coefficient by coefficient, in whatever file.
    pub(crate) fn shows_the_same(&self, other: &Self) -> bool {
        (self.width(), self.height()) == (other.width(), other.height())
            && self.components == other.components
    }

    /// The first component: brightness in all files but those of printers.
    pub(crate) fn luma(&self) -> &Component {
        #[expect(clippy::indexing_slicing, reason = "both constructors refuse no components")]
        &self.components[0]
    }

    /// As [`luma`](Self::luma), to be changed. Only AC coefficients of shown blocks should be.
    pub(crate) fn luma_mut(&mut self) -> &mut Component {
        self.settle();
        self.knowledge = Knowledge::Touched;
        #[expect(clippy::indexing_slicing, reason = "both constructors refuse no components")]
        &mut self.components[0]
    }
}
