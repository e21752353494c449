//! J-UNIWARD: a coefficient is dear where its change stands out in the wavelet domain.

mod kernels;
mod stripe;
#[cfg(test)]
mod tests;

use std::ops::Range;

use self::kernels::Impulses;
pub(in crate::cost) use self::kernels::transposed;
use self::stripe::Stripe;
use super::BlockCosts;
use super::pixels::Pixels;
use crate::jpeg::Component;

/// The costs of the coefficients of one component.
///
/// The cost of changing coefficient `(k, l)` of a block by 1, up or down, is
/// ```text
/// quant(k, l) * sum over 3 subbands, 23 x 23 places of |impulse| / (|W| + 1/64)
/// ```
/// where `W` are the undecimated Daubechies-8 coefficients (low-high, high-low, high-high) of the
/// decoded picture, mirrored at its edges, and `impulse` is by how much a unit of the DCT mode
/// changes each of them. All 64 modes have a value, DC too.
///
/// The places are exactly those that the change reaches. The authors' program reads `W` one row
/// and one column further on, an oversight; conseal calls that `JUNIWARD_ORIGINAL` and what is
/// done here `JUNIWARD_FIX_OFF_BY_ONE`.
///
/// Time: O(samples). Memory: a byte a sample, and 400 bytes a column while rows are made.
///
/// # Source
/// Holub, Fridrich, Denemark 2014, "Universal distortion function for steganography in an
/// arbitrary domain", EURASIP JIS 2014:1, section 3. That the sum can be done downwards and then
/// across follows from the impulses being outer products.
pub(crate) struct Juniward {
    pixels: Pixels,
    quant: [f32; 64],
    /// Impulses through the low-pass.
    low: Impulses,
    /// Impulses through the high-pass.
    high: Impulses,
}

impl Juniward {
    /// Decodes the component.
    pub(crate) fn of(component: &Component) -> Self {
        Self::of_pixels(Pixels::decoded(component), &component.quant)
    }

    /// Costs of the coefficients that `pixels` will have; for side-informed embedding, where `W`
    /// is taken of the picture before it was a JPEG. Rows and columns that do not fill a block
    /// are mirrored from, but have no costs.
    pub(crate) fn of_pixels(pixels: Pixels, quant: &[u16; 64]) -> Self {
        let quant = quant.map(f32::from);
        Self { pixels, quant, low: Impulses::low(), high: Impulses::high() }
    }

    /// Rows of blocks.
    pub(crate) fn high(&self) -> usize {
        self.pixels.high() / 8
    }

    /// Blocks in a row.
    pub(crate) fn wide(&self) -> usize {
        self.pixels.wide() / 8
    }

    /// Calls `visit` with each row of blocks in `rows`, in order, and the costs of its blocks.
    ///
    /// The values do not depend on how rows are cut into stripes: threads may take a stripe each,
    /// see [`stripes::share`](crate::stripes::share). A stripe costs two rows more than it has.
    pub(crate) fn rows(&self, rows: Range<usize>, mut visit: impl FnMut(usize, &[BlockCosts])) {
        let rows = rows.start..rows.end.min(self.high());
        if rows.is_empty() || self.wide() == 0 {
            return;
        }
        let mut stripe = Stripe::above(self, rows.start);
        let mut costs = vec![[0.0; 64]; self.wide()];
        for row in rows {
            stripe.next(&mut costs);
            visit(row, &costs);
        }
    }
}
