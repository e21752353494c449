//! Pictures that once were JPEG files, and the blocks in them that no longer can have been.

use super::blocks::{BlockCompatibility, GridOffset, compatibility};
use super::plane::GreyPlane;
use super::table::{TableEstimate, estimate, find_grid};

/// A plane of pixels that a JPEG decoder has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormerJpeg {
    /// Where the JPEG's blocks lie.
    pub grid: GridOffset,
    /// The quantisation table that the pixels show.
    pub table: TableEstimate,
    /// Which blocks still are what a JPEG decoder makes.
    pub blocks: BlockCompatibility,
}

impl FormerJpeg {
    /// Whether impossible blocks prove a change.
    ///
    /// Not if steps of 1 are seen (about quality 94 and up): rounding then hides coefficients,
    /// and a few blocks per thousand are taken for impossible that are not.
    pub fn is_conclusive(&self) -> bool {
        !self.table.steps().contains(&1)
    }
}

/// Finds out whether a plane was a JPEG, and which of its blocks have been touched since.
///
/// `plane` is a grey photograph, or the luma of one in colour.
///
/// The grid and the quantisation table are estimated from the pixels; then each unsaturated
/// block is compared with what a decoder makes of the nearest coefficients that the table
/// allows. Pixels that were changed after decoding no longer fit, and it does not matter where
/// or how they were changed: whatever embeds in the pixels of a former JPEG is caught. If nearly
/// all blocks are impossible, the picture was worked on as a whole.
///
/// `None` if fewer than three steps of 3 or more are seen: the picture never was a JPEG, was
/// scaled since, has been overwritten nearly everywhere, or its table was so fine (about quality
/// 97 and up) that rounding hides it. Not covered: blocks that reach 0 or 255, blocks cut off at
/// the right and lower edge, chroma, decoders of low accuracy (libjpeg's `ifast`), and drawings,
/// which can show lattices that no JPEG made. O(pixels).
///
/// # Source
/// Fridrich, Goljan, Du 2001, "Steganalysis based on JPEG compatibility", SPIE 4518.
pub fn former_jpeg(plane: &GreyPlane) -> Option<FormerJpeg> {
    let grid = find_grid(plane)?;
    let table = estimate(plane, grid);
    (table.certain_steps() >= MIN_STEPS).then(|| FormerJpeg {
        grid,
        table,
        blocks: compatibility(plane, grid, table.steps()),
    })
}

/// Tests a plane against a known quantisation table, as one who has the cover can.
///
/// * `cover_table` - steps in the order of a block's rows (not zigzag), at least 1; a step of 0
///   says that the coefficient is zero in all blocks
///
/// The grid begins at the plane's first pixel.
pub fn compatibility_with(plane: &GreyPlane, cover_table: &[u16; 64]) -> BlockCompatibility {
    compatibility(plane, GridOffset::default(), cover_table)
}

/// Pictures that were no JPEG show none; flat tiles may show one.
const MIN_STEPS: usize = 3;

#[cfg(test)]
mod tests;
