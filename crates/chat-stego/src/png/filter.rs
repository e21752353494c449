//! From samples to filtered rows, and what each filter would cost (PNG specification, section 9).
#![expect(clippy::indexing_slicing, reason = "loops over blocks of a fixed length of our own")]

/// The types of filters, by their numbers in the file.
pub(super) const SUB: u8 = 1;
pub(super) const UP: u8 = 2;
pub(super) const AVERAGE: u8 = 3;
pub(super) const PAETH: u8 = 4;

/// Bytes that are filtered and summed in one go.
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
        let (x, x_end) = self.x.as_chunks::<BLOCK>();
        let (a, a_end) = self.a.as_chunks::<BLOCK>();
        let (b, b_end) = self.b.as_chunks::<BLOCK>();
        let (c, c_end) = self.c.as_chunks::<BLOCK>();
        for (((x, a), b), c) in x.iter().zip(a).zip(b).zip(c) {
            add_block::<W>(&mut sums, [x, a, b, c]);
        }
        let end = [padded(x_end), padded(a_end), padded(b_end), padded(c_end)];
        add_block::<W>(&mut sums, end.each_ref());
        sums
    }

    #[inline(always)]
    fn subtract(&self, out: &mut [u8], prediction: impl Fn(u8, u8, u8) -> u8) {
        let around = self.a.iter().zip(self.b).zip(self.c);
        for ((out, x), ((a, b), c)) in out.iter_mut().zip(self.x).zip(around) {
            *out = x.wrapping_sub(prediction(*a, *b, *c));
        }
    }
}

/// Adds the weights of a block under each filter; `x`, `a`, `b` and `c` are as in [`Row`].
fn add_block<W: Weight>(sums: &mut [u32; 5], [x, a, b, c]: [&[u8; BLOCK]; 4]) {
    let [none, sub, up, average_of, paeth_of] = sums;
    *none += sum(|k| W::plain(x[k]));
    *sub += sum(|k| W::filtered(x[k].wrapping_sub(a[k])));
    *up += sum(|k| W::filtered(x[k].wrapping_sub(b[k])));
    *average_of += sum(|k| W::filtered(x[k].wrapping_sub(average(a[k], b[k]))));
    *paeth_of += sum(|k| W::filtered(x[k].wrapping_sub(paeth(a[k], b[k], c[k]))));
}

/// In two steps, of which the second becomes sums of absolute differences (PSADBW) on x86.
#[inline(always)]
fn sum(weight: impl Fn(usize) -> u8) -> u32 {
    let weights: [u8; BLOCK] = std::array::from_fn(weight);
    weights
        .as_chunks::<16>()
        .0
        .iter()
        .map(|part| part.iter().copied().map(u32::from).sum::<u32>())
        .sum()
}

/// The rest of a row as a block; zeros weigh nothing under any filter.
fn padded(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    for (to, from) in block.iter_mut().zip(rest) {
        *to = *from;
    }
    block
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
