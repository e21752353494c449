//! One colour component of a JPEG.

/// The 64 quantised coefficients of a block, row by row: index `8 * v + u`, where `u` is the
/// horizontal frequency and `v` the vertical one. Index 0 is DC.
pub(crate) type Block = [i16; 64];

/// One colour component: its blocks and what they are multiplied with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Component {
    /// The component's name in the file, often 1 for luma, 2 and 3 for chroma.
    pub(crate) id: u8,
    /// Horizontal sampling factor, 1 to 4.
    pub(crate) horizontal: u8,
    /// Vertical sampling factor, 1 to 4.
    pub(crate) vertical: u8,
    /// Quantisation steps, in the order of a [`Block`].
    pub(crate) quant: [u16; 64],
    /// Blocks in a row that show a part of the picture.
    pub(crate) wide: usize,
    /// Rows of blocks that show a part of the picture.
    pub(crate) high: usize,
    /// Blocks in a stored row: `wide`, and what fills the last unit (MCU) of an interleaved scan.
    pub(crate) stride: usize,
    /// All stored blocks, row by row, `stride` in each; rows that only fill a unit come last.
    pub(crate) blocks: Vec<Block>,
}

impl Component {
    /// The blocks of row `row` that show a part of the picture; empty beyond the last.
    pub(crate) fn row(&self, row: usize) -> &[Block] {
        let start = row.min(self.high).saturating_mul(self.stride);
        let wide = if row < self.high { self.wide } else { 0 };
        self.blocks.get(start..start + wide).unwrap_or_default()
    }

    /// As [`row`](Self::row), to be changed.
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [Block] {
        let start = row.min(self.high).saturating_mul(self.stride);
        let wide = if row < self.high { self.wide } else { 0 };
        self.blocks.get_mut(start..start + wide).unwrap_or_default()
    }
}
