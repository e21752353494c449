//! From samples to filtered rows, and what each filter would cost (PNG specification, section 9).

/// The types of filters, by their numbers in the file.
pub(super) const SUB: u8 = 1;
pub(super) const UP: u8 = 2;
pub(super) const AVERAGE: u8 = 3;
pub(super) const PAETH: u8 = 4;

/// Bytes that are filtered and summed in one go. A sum of so many fits 16 bits, and narrow sums are
/// added more at a time.
const BLOCK: usize = 256;

/// A row and what its filters look at: the samples `x`, the pixels left of them `a`, above them `b`
/// and left of those `c`.
pub(super) struct Row<'a> {
    /// The first pixel, left of which there is nothing.
    head: (&'a [u8], &'a [u8]),
    x: &'a [u8],
    a: &'a [u8],
    b: &'a [u8],
    c: &'a [u8],
}

impl<'a> Row<'a> {
    /// * `bpp` - bytes of a pixel, 1 to 4
    /// * `row` - samples, at least `bpp`
    /// * `above` - the samples of the row above, or as many zeros
    pub(super) fn new(bpp: usize, row: &'a [u8], above: &'a [u8]) -> Self {
        let (first, x) = row.split_at(bpp);
        let (first_above, b) = above.split_at(bpp);
        let (a, _) = row.split_at(x.len());
        let (c, _) = above.split_at(b.len());
        Self { head: (first, first_above), x, a, b, c }
    }

    /// Filters the row into `out`, which is as long; `filter` is 0 to [`PAETH`].
    pub(super) fn apply(&self, filter: u8, out: &mut [u8]) {
        let (head, out) = out.split_at_mut(self.head.0.len());
        for ((out, x), b) in head.iter_mut().zip(self.head.0).zip(self.head.1) {
            *out = x.wrapping_sub(predict(filter, 0, *b, 0));
        }
        match filter {
            SUB => self.subtract(out, |a, _, _| a),
            UP => self.subtract(out, |_, b, _| b),
            AVERAGE => self.subtract(out, |a, b, _| average(a, b)),
            PAETH => self.subtract(out, paeth),
            _ => out.copy_from_slice(self.x),
        }
    }

    /// The sum of the weights of the row's bytes under each filter.
    pub(super) fn costs<W: Weight>(&self) -> [u32; 5] {
        let mut sums = [0; 5];
        for (x, b) in self.head.0.iter().zip(self.head.1) {
            for (sum, filter) in sums.iter_mut().zip(0..) {
                let byte = x.wrapping_sub(predict(filter, 0, *b, 0));
                let weight = if filter == 0 { W::plain(byte) } else { W::filtered(byte) };
                *sum += u32::from(weight);
            }
        }
        let [none, sub, up, average_of, paeth_of] = &mut sums;
        let lanes = self.x.chunks(BLOCK).zip(self.a.chunks(BLOCK));
        let above = self.b.chunks(BLOCK).zip(self.c.chunks(BLOCK));
        for ((x, a), (b, c)) in lanes.zip(above) {
            let block = Self { head: (&[], &[]), x, a, b, c };
            *none += block.sum(|x, _, _, _| W::plain(x));
            *sub += block.sum(|x, a, _, _| W::filtered(x.wrapping_sub(a)));
            *up += block.sum(|x, _, b, _| W::filtered(x.wrapping_sub(b)));
            *average_of += block.sum(|x, a, b, _| W::filtered(x.wrapping_sub(average(a, b))));
            *paeth_of += block.sum(|x, a, b, c| W::filtered(x.wrapping_sub(paeth(a, b, c))));
        }
        sums
    }

    #[inline(always)]
    fn subtract(&self, out: &mut [u8], prediction: impl Fn(u8, u8, u8) -> u8) {
        let around = self.a.iter().zip(self.b).zip(self.c);
        for ((out, x), ((a, b), c)) in out.iter_mut().zip(self.x).zip(around) {
            *out = x.wrapping_sub(prediction(*a, *b, *c));
        }
    }

    /// Sums at most [`BLOCK`] bytes.
    #[inline(always)]
    fn sum(&self, weight: impl Fn(u8, u8, u8, u8) -> u8) -> u32 {
        let mut weights = [0; BLOCK];
        let around = self.a.iter().zip(self.b).zip(self.c);
        for ((out, x), ((a, b), c)) in weights.iter_mut().zip(self.x).zip(around) {
            *out = weight(*x, *a, *b, *c);
        }
        u32::from(weights.iter().map(|weight| u16::from(*weight)).sum::<u16>())
    }
}

/// How the bytes of a filtered row are weighed, to choose the filter that costs least.
pub(super) trait Weight {
    /// What a byte of a row that is not filtered costs.
    fn plain(byte: u8) -> u8;
    /// What a filtered byte costs; at most 128.
    fn filtered(byte: u8) -> u8;
}

/// The distance from zero of the byte as a signed number, as libpng weighs, and most others do.
pub(super) struct Signed;

impl Weight for Signed {
    #[inline(always)]
    fn plain(byte: u8) -> u8 {
        byte.min(byte.wrapping_neg())
    }

    #[inline(always)]
    fn filtered(byte: u8) -> u8 {
        Self::plain(byte)
    }
}

/// As LodePNG weighs: the byte itself in plain rows, and -1 as cheap as 0 in filtered ones.
pub(super) struct Lode;

impl Weight for Lode {
    #[inline(always)]
    fn plain(byte: u8) -> u8 {
        byte
    }

    #[inline(always)]
    fn filtered(byte: u8) -> u8 {
        byte.min(!byte)
    }
}

/// What a filter expects of a byte that has `a` to the left, `b` above and `c` left of that.
fn predict(filter: u8, a: u8, b: u8, c: u8) -> u8 {
    match filter {
        SUB => a,
        UP => b,
        AVERAGE => average(a, b),
        PAETH => paeth(a, b, c),
        _ => 0,
    }
}

/// Half the sum, rounded down.
#[inline(always)]
pub(super) fn average(a: u8, b: u8) -> u8 {
    (a & b) + ((a ^ b) >> 1)
}

/// The one of `a`, `b` and `c` that is nearest to `a + b - c`, the first of equals.
///
/// In bytes, so that sixteen fit a register. With `pa`, `pb` and `pc` the distances of the
/// specification (9.4): where `c` is beyond `a` and `b` on one side, `pc = pa + pb` and `c` is never
/// nearest; where it lies between them, `pc = |pa - pb|`.
#[inline(always)]
pub(super) fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let (pa, pb) = (b.abs_diff(c), a.abs_diff(c));
    let is_beyond = (a >= c) == (b >= c);
    let pc = if is_beyond { u8::MAX } else { pa.abs_diff(pb) };
    let nearer = if pb <= pc { b } else { c };
    if pa <= pb.min(pc) { a } else { nearer }
}
