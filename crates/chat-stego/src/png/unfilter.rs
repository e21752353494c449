//! From filtered rows to samples (PNG specification, section 9).

use super::filter::{AVERAGE, PAETH, SUB, UP, average};
use super::header::Header;

/// Samples of the rows that `raw` holds whole, and the filter type of each of them (0 to 4).
///
/// * `raw` - rows from the top, each its filter type and [`Header::stride`] bytes
///
/// # Errors
/// If a filter type is none of the five.
pub(super) fn unfilter(header: &Header, raw: &[u8]) -> Result<(Vec<u8>, Vec<u8>), &'static str> {
    match header.colour.channels() {
        1 => rows::<1>(header, raw),
        2 => rows::<2>(header, raw),
        3 => rows::<3>(header, raw),
        _ => rows::<4>(header, raw),
    }
}

/// As [`unfilter`], with `B` bytes to a pixel.
fn rows<const B: usize>(header: &Header, raw: &[u8]) -> Result<(Vec<u8>, Vec<u8>), &'static str> {
    let stride = header.stride();
    let count = raw.len() / (stride + 1);
    let mut data = Vec::with_capacity(stride * count);
    let mut filters = Vec::with_capacity(count);
    let first_above = vec![0; stride];
    for line in raw.chunks_exact(stride + 1) {
        let Some((&filter, line)) = line.split_first() else { break };
        if filter > PAETH {
            return Err("a row's filter type is unknown");
        }
        let start = data.len();
        data.extend_from_slice(line);
        let (done, row) = data.split_at_mut(start);
        let above = done.rchunks_exact(stride).next().unwrap_or(&first_above);
        reverse::<B>(filter, above, row);
        filters.push(filter);
    }
    Ok((data, filters))
}

/// Turns a filtered row into samples, in place.
fn reverse<const B: usize>(filter: u8, above: &[u8], row: &mut [u8]) {
    let pixels = row.as_chunks_mut::<B>().0;
    let above_pixels = above.as_chunks::<B>().0;
    let mut left = [0; B];
    match filter {
        SUB => {
            for pixel in pixels {
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
        AVERAGE => {
            for (pixel, above) in pixels.iter_mut().zip(above_pixels) {
                for ((x, a), b) in pixel.iter_mut().zip(left).zip(above) {
                    *x = x.wrapping_add(average(a, *b));
                }
                left = *pixel;
            }
        }
        PAETH => {
            let mut corner = [0; B];
            for (pixel, above) in pixels.iter_mut().zip(above_pixels) {
                for (((x, a), b), c) in pixel.iter_mut().zip(left).zip(above).zip(corner) {
                    *x = x.wrapping_add(paeth(a, *b, c));
                }
                left = *pixel;
                corner = *above;
            }
        }
        _ => {}
    }
}

/// The one of left, above and corner that is nearest to `a + b - c` (PNG specification, 9.4).
fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let (wide_a, wide_b, wide_c) = (i16::from(a), i16::from(b), i16::from(c));
    let (to_a, to_b) = (wide_b - wide_c, wide_a - wide_c);
    let (pa, pb, pc) = (to_a.abs(), to_b.abs(), (to_a + to_b).abs());
    let nearer = if pb <= pc { b } else { c };
    if pa <= pb && pa <= pc { a } else { nearer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::png::filter::{self, Row};
    use crate::png::header::Colour;

    const COLOURS: [Colour; 4] = [Colour::Grey, Colour::GreyAlpha, Colour::Rgb, Colour::Rgba];

    #[test]
    fn both_paeth_predictors_agree_on_all_values() {
        for a in 0..=255 {
            for b in 0..=255 {
                for c in 0..=255 {
                    assert_eq!(paeth(a, b, c), filter::paeth(a, b, c), "{a} {b} {c}");
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
