//! The 8 x 8 blocks of a plane on a grid, and whether a JPEG decoder can have made them.
#![expect(clippy::indexing_slicing, reason = "places are checked against the plane's size once")]

mod search;

pub(crate) use self::search::Search;
use super::dct::Block;
use super::plane::GreyPlane;

/// How far the grid lies to the right of the plane's left edge, and below its top, in pixels: 0
/// to 7 each. (0, 0) unless the picture was cropped after it was a JPEG.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GridOffset {
    /// Pixels to the right.
    pub x: u8,
    /// Pixels down.
    pub y: u8,
}

/// What the blocks of a plane say about one quantisation table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockCompatibility {
    /// Blocks that were tested.
    pub tested: usize,
    /// Blocks among them that no JPEG decoder makes from any coefficients under the table.
    pub impossible: usize,
    /// Blocks left out because samples of theirs are cut off at 0 or 255.
    pub saturated: usize,
}

/// Tests every whole, unsaturated block against the steps of a quantisation table.
///
/// `steps` are in the order of a block's rows; a step of 0 says that the coefficient is zero in
/// all blocks.
pub(crate) fn compatibility(
    plane: &GreyPlane,
    offset: GridOffset,
    steps: &[u16; 64],
) -> BlockCompatibility {
    let search = Search::new();
    let steps = steps.map(f32::from);
    let grid = Grid::of(plane, offset);
    let mut result = BlockCompatibility { tested: 0, impossible: 0, saturated: 0 };
    for index in 0..grid.len() {
        match grid.block(index) {
            None => result.saturated += 1,
            Some(block) => {
                result.tested += 1;
                result.impossible += usize::from(!search.finds(&block, &steps));
            }
        }
    }
    result
}

/// The whole blocks of a plane on a grid.
pub(crate) struct Grid<'a> {
    plane: &'a GreyPlane,
    offset: GridOffset,
    wide: usize,
    high: usize,
}

impl<'a> Grid<'a> {
    pub(crate) fn of(plane: &'a GreyPlane, offset: GridOffset) -> Self {
        let whole = |side: usize, offset: u8| side.saturating_sub(usize::from(offset)) / 8;
        let (wide, high) = (whole(plane.width(), offset.x), whole(plane.height(), offset.y));
        Self { plane, offset, wide, high }
    }

    /// How many blocks there are.
    pub(crate) fn len(&self) -> usize {
        self.wide * self.high
    }

    /// Block `index`, below [`len`](Self::len), less 128; `None` if it is saturated.
    pub(crate) fn block(&self, index: usize) -> Option<Block> {
        let left = usize::from(self.offset.x) + 8 * (index % self.wide);
        let top = usize::from(self.offset.y) + 8 * (index / self.wide);
        let mut block = [0.0; 64];
        for (y, row) in block.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let start = (top + y) * self.plane.width() + left;
            for (to, &from) in row.iter_mut().zip(&self.plane.samples()[start..start + 8]) {
                if from == 0 || from == 255 {
                    return None;
                }
                *to = f32::from(from) - 128.0;
            }
        }
        Some(block)
    }

    /// At most `count` unsaturated blocks, spread evenly.
    pub(crate) fn sample(&self, count: usize) -> impl Iterator<Item = Block> {
        let step = self.len().div_ceil(count).max(1);
        (0..self.len()).step_by(step).filter_map(|index| self.block(index))
    }
}
