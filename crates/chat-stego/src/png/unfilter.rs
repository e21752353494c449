//! From filtered rows to samples (PNG specification, section 9).

use super::filter::{AVERAGE, PAETH, SUB, UP};
use super::header::Header;

/// Filtered rows on their way to samples, taken piece by piece.
pub(super) struct Unfilter {
    header: Header,
    /// The samples so far.
    data: Vec<u8>,
    /// The filter type of each row so far, 0 to 4.
    filters: Vec<u8>,
    /// The beginning of a row whose end has not come yet, with its type.
    begun: Vec<u8>,
    first_above: Vec<u8>,
}

impl Unfilter {
    /// * `rows` - how many will come
    pub(super) fn new(header: &Header, rows: usize) -> Self {
        let stride = header.stride();
        Self {
            header: *header,
            data: Vec::with_capacity(stride * rows),
            filters: Vec::with_capacity(rows),
            begun: Vec::with_capacity(stride + 1),
            first_above: vec![0; stride],
        }
    }

    /// Takes what comes next; rows from the top, each its filter type and [`Header::stride`] bytes.
    ///
    /// # Errors
    /// If a filter type is none of the five.
    pub(super) fn take(&mut self, mut piece: &[u8]) -> Result<(), &'static str> {
        let length = self.header.stride() + 1;
        if !self.begun.is_empty() {
            let missing = length - self.begun.len();
            let (end, rest) = piece.split_at(missing.min(piece.len()));
            self.begun.extend_from_slice(end);
            piece = rest;
            if self.begun.len() < length {
                return Ok(());
            }
            let row = std::mem::take(&mut self.begun);
            self.row(&row)?;
            self.begun = row;
            self.begun.clear();
        }
        let rows = piece.chunks_exact(length);
        self.begun.extend_from_slice(rows.remainder());
        rows.into_iter().try_for_each(|row| self.row(row))
    }

    /// The samples of all rows that came whole, and their filter types.
    pub(super) fn finish(self) -> (Vec<u8>, Vec<u8>) {
        (self.data, self.filters)
    }

    fn row(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let Some((&filter, line)) = line.split_first() else { return Ok(()) };
        if filter > PAETH {
            return Err("a row's filter type is unknown");
        }
        let start = self.data.len();
        self.data.extend_from_slice(line);
        let (done, row) = self.data.split_at_mut(start);
        let above = done.rchunks_exact(line.len()).next().unwrap_or(&self.first_above);
        match self.header.colour.channels() {
            1 => reverse::<1>(filter, above, row),
            2 => reverse::<2>(filter, above, row),
            3 => reverse::<3>(filter, above, row),
            _ => reverse::<4>(filter, above, row),
        }
        self.filters.push(filter);
        Ok(())
    }
}

/// Turns a filtered row into samples, in place.
fn reverse<const B: usize>(filter: u8, above: &[u8], row: &mut [u8]) {
    match filter {
        SUB => {
            let mut left = [0; B];
            for pixel in row.as_chunks_mut::<B>().0 {
                for (x, a) in pixel.iter_mut().zip(left) {
                    *x = x.wrapping_add(a);
                }
                left = *pixel;
            }
        }
        UP => {
            for (x, b) in row.iter_mut().zip(above) {
                *x = x.wrapping_add(*b);
            }
        }
        AVERAGE => reverse_average::<B>(above, row),
        PAETH => reverse_paeth::<B>(above, row),
        _ => {}
    }
}

/// In 16 bits throughout, so that a pixel stays in one register from one to the next.
fn reverse_average<const B: usize>(above: &[u8], row: &mut [u8]) {
    let mut left = [0_u16; B];
    for (pixel, above) in row.as_chunks_mut::<B>().0.iter_mut().zip(above.as_chunks::<B>().0) {
        for ((x, a), b) in pixel.iter_mut().zip(&mut left).zip(above) {
            *a = (u16::from(*x) + ((*a + u16::from(*b)) >> 1)) & 0xff;
            *x = *a as u8;
        }
    }
}

/// As [`reverse_average`].
fn reverse_paeth<const B: usize>(above: &[u8], row: &mut [u8]) {
    let (mut left, mut corner) = ([0_i16; B], [0_i16; B]);
    for (pixel, above) in row.as_chunks_mut::<B>().0.iter_mut().zip(above.as_chunks::<B>().0) {
        let above = above.map(i16::from);
        for (((x, a), b), c) in pixel.iter_mut().zip(&mut left).zip(above).zip(corner) {
            *a = (i16::from(*x) + paeth(*a, b, c)) & 0xff;
            *x = *a as u8;
        }
        corner = above;
    }
}

/// The one of left, above and corner that is nearest to `a + b - c`, the first of equals (PNG
/// specification, 9.4).
///
/// With `a <= b`: `b` is nearest where `c` is so small that `3c - a - b <= a`, `a` where it is so
/// large that this is `>= b`, else `c` is. No distance is needed, and fewer steps follow one another.
#[inline(always)]
fn paeth(a: i16, b: i16, c: i16) -> i16 {
    let (low, high) = (a.min(b), a.max(b));
    let bar = 3 * c - (a + b);
    let above_low = if high <= bar { low } else { c };
    if bar <= low { high } else { above_low }
}

/// All rows, in one piece and in others, for tests.
#[cfg(test)]
pub(super) fn unfilter(header: &Header, raw: &[u8]) -> Result<(Vec<u8>, Vec<u8>), &'static str> {
    let mut whole = Unfilter::new(header, 1);
    whole.take(raw)?;
    for length in [1, 2, 5, 40, 1000] {
        let mut pieces = Unfilter::new(header, 1);
        raw.chunks(length).try_for_each(|piece| pieces.take(piece))?;
        assert!((&pieces.data, &pieces.filters) == (&whole.data, &whole.filters));
    }
    Ok(whole.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::png::filter::{self, Row};
    use crate::png::header::Colour;

    const COLOURS: [Colour; 4] = [Colour::Grey, Colour::GreyAlpha, Colour::Rgb, Colour::Rgba];

    /// PNG specification, 9.4, to the letter.
    fn specified(a: u8, b: u8, c: u8) -> i16 {
        let (a, b, c) = (i16::from(a), i16::from(b), i16::from(c));
        let p = a + b - c;
        let (pa, pb, pc) = ((p - a).abs(), (p - b).abs(), (p - c).abs());
        match () {
            () if pa <= pb && pa <= pc => a,
            () if pb <= pc => b,
            () => c,
        }
    }

    #[test]
    fn both_paeth_predictors_are_the_specified_one_on_all_values() {
        for a in 0..=255 {
            for b in 0..=255 {
                for c in 0..=255 {
                    let fast = paeth(i16::from(a), i16::from(b), i16::from(c));
                    assert_eq!(fast, specified(a, b, c), "{a} {b} {c}");
                    assert_eq!(i16::from(filter::paeth(a, b, c)), fast, "{a} {b} {c}");
                }
            }
        }
    }

    #[test]
    fn unfilter_reverses_each_filter_at_each_width() {
        let noise = |seed: usize| (seed * seed * 31 + seed * 7 + seed / 3) as u8;
        for colour in COLOURS {
            for width in [1, 2, 3, 17, 300] {
                let header = Header { width, height: 6, colour };
                let stride = header.stride();
                let data: Vec<u8> = (0..6 * stride).map(noise).collect();
                let filters = [4, 3, 2, 1, 0, 4];
                let mut raw = vec![0; header.raw_length()];
                for (row, &filter) in filters.iter().enumerate() {
                    let zeros = vec![0; stride];
                    let above = if row == 0 { &zeros } else { &data[(row - 1) * stride..] };
                    let line = &mut raw[row * (stride + 1)..][..stride + 1];
                    let row = &data[row * stride..][..stride];
                    line[0] = filter;
                    Row::new(colour.channels(), row, &above[..stride])
                        .apply(filter, &mut line[1..]);
                }
                let (samples, types) = unfilter(&header, &raw).unwrap();
                assert_eq!(samples, data, "{colour:?} {width}");
                assert_eq!(types, filters);
            }
        }
    }

    #[test]
    fn unfilter_refuses_unknown_types_and_leaves_half_rows() {
        let header = Header { width: 2, height: 3, colour: Colour::Grey };
        assert!(unfilter(&header, &[0, 1, 2, 5, 1, 2]).is_err());
        assert_eq!(unfilter(&header, &[0, 1, 2, 1, 1]).unwrap(), (vec![1, 2], vec![0]));
    }
}
