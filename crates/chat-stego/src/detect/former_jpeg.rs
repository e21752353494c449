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

/// Finds out whether a plane was a JPEG, and which of its blocks have been touched since.
///
/// `plane` is a grey picture, or the luma of a colour picture.
///
/// The grid and the quantisation table are estimated from the pixels; then each unsaturated
/// block is compared with what a decoder makes of the nearest coefficients that the table
/// allows. Pixels that were changed after decoding no longer fit, and it does not matter where
/// or how they were changed: nothing that embeds in the pixels of a former JPEG escapes.
///
/// `None` if fewer than three steps of 2 or more are seen: the picture never was a JPEG, was
/// scaled or otherwise worked on since, has been overwritten nearly everywhere, or its table was
/// so fine (about quality 97 and up) that rounding hides it. Steps of 2 in large numbers (about
/// quality 93 and up) make the test miss changes and raise false alarms; blocks of 4:2:0 chroma
/// are not looked at. O(pixels).
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
