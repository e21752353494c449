//! Where a payload has changed a picture.
#![expect(clippy::indexing_slicing, reason = "places are below the sides of our own arrays")]

use super::canvas::{Canvas, Rgb, mix};
use super::frame::{Frame, WIDEST};
use crate::detect::GreyPlane;

/// Places of a cover that were changed.
#[derive(Clone, Copy, Debug)]
pub enum Changes<'a> {
    /// One entry for each pixel, row by row: how many of its samples were changed.
    Pixels(&'a [u8]),
    /// One entry for each 8 x 8 block, row by row, `width.div_ceil(8)` in a row: how many of its
    /// coefficients were changed.
    Blocks(&'a [u8]),
}

/// Draws changes over a dimmed cover, at most 1,000 pixels a side.
///
/// Few changes are orange dots, large enough to be seen in a large picture. Many are a glow: the
/// larger the share of changed pixels at a place, the brighter, from dark red through orange to
/// white. Both can be told from the grey cover without telling colours apart.
///
/// `None` if the changes are not as many as the cover's size asks for, or do not encode.
pub fn heat_map(cover: &GreyPlane, changes: Changes<'_>) -> Option<Vec<u8>> {
    let (width, height) = (cover.width(), cover.height());
    let frame = Frame::new(width, height, WIDEST);
    let mut canvas = dimmed(cover, frame);
    match changes {
        Changes::Pixels(counts) => {
            (counts.len() == width * height).then_some(())?;
            let changed = counts.iter().filter(|&&count| count > 0).count();
            if changed * SPARSE <= canvas.width() * canvas.height() {
                draw_dots(&mut canvas, frame, counts, width);
            } else {
                draw_glow(&mut canvas, frame, counts);
            }
        }
        Changes::Blocks(counts) => {
            let wide = width.div_ceil(8);
            (counts.len() == wide * height.div_ceil(8)).then_some(())?;
            draw_blocks(&mut canvas, frame, counts, wide);
        }
    }
    canvas.png().ok()
}

/// The cover in dark grey, so that everything else stands out.
fn dimmed(cover: &GreyPlane, frame: Frame) -> Canvas {
    let means = frame.means(cover.samples());
    Canvas::from_fn(frame.width(), frame.height(), |x, y| {
        [(DARKEST + means[y * frame.width() + x] * DIMMED) as u8; 3]
    })
}

fn draw_dots(canvas: &mut Canvas, frame: Frame, counts: &[u8], width: usize) {
    let side = frame.grow().max(DOT);
    for index in (0..counts.len()).filter(|&index| counts[index] > 0) {
        let (x, y) = frame.place(index % width, index / width);
        // The dot is centred on the pixel.
        let shift = (side - frame.grow()) / 2;
        let (left, top) = (x.saturating_sub(shift), y.saturating_sub(shift));
        canvas.fill(left..left + side, top..top + side, ORANGE);
    }
}

fn draw_glow(canvas: &mut Canvas, frame: Frame, counts: &[u8]) {
    let changed: Vec<f32> = counts.iter().map(|&count| f32::from(u8::from(count > 0))).collect();
    let shares = frame.means(&changed);
    let brightest = percentile(&shares, 0.995);
    for (index, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        let (x, y) = (index % frame.width(), index / frame.width());
        let level = (share / brightest).sqrt().min(1.0);
        canvas.blend(x, y, glow(level), 0.35 + 0.65 * level);
    }
}

fn draw_blocks(canvas: &mut Canvas, frame: Frame, counts: &[u8], wide: usize) {
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    for index in (0..counts.len()).filter(|&index| counts[index] > 0) {
        let (column, row) = (index % wide, index / wide);
        let (left, top) = frame.place(8 * column, 8 * row);
        let (right, bottom) = frame.place(8 * column + 8, 8 * row + 8);
        let level = f32::from(counts[index]) / f32::from(most);
        let (right, bottom) = (right.max(left + DOT), bottom.max(top + DOT));
        for y in top..bottom {
            for x in left..right {
                canvas.blend(x, y, glow(0.4 + 0.6 * level), 0.55 + 0.4 * level);
            }
        }
    }
}

/// Dark red at 0, orange, white at 1: lightness grows all the way.
fn glow(level: f32) -> Rgb {
    if level < 0.6 {
        mix([150, 25, 10], ORANGE, level / 0.6)
    } else {
        mix(ORANGE, [255, 255, 225], (level - 0.6) / 0.4)
    }
}

/// The value that a share of the positive values lie below; 1 if there are none.
pub(crate) fn percentile(values: &[f32], share: f64) -> f32 {
    let mut positive: Vec<f32> = values.iter().copied().filter(|&value| value > 0.0).collect();
    positive.sort_unstable_by(f32::total_cmp);
    let last = positive.len().saturating_sub(1);
    positive.get((last as f64 * share) as usize).copied().unwrap_or(1.0)
}

/// Orange of Okabe and Ito's palette, which colour-blind people tell from grey.
const ORANGE: Rgb = [255, 170, 20];
/// Black stays visible as a picture.
const DARKEST: f32 = 14.0;
const DIMMED: f32 = 0.42;
/// Dots are at least this many pixels a side.
const DOT: usize = 3;
/// Up to one changed pixel in so many of the picture's, dots do not run together.
const SPARSE: usize = 60;
