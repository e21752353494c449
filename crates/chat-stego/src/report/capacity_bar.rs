//! How much of a picture's room a payload takes.

use super::canvas::{Canvas, Rgb};
use super::font;

/// Room for a payload, in bytes, and the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityBands {
    /// Up to here nothing that we measured sees the payload.
    pub comfort: u64,
    /// Up to here it is a risk; at least `comfort`.
    pub caution: u64,
    /// More does not fit; at least `caution`.
    pub hard_limit: u64,
    /// The payload, if one is meant.
    pub payload: Option<u64>,
}

/// Draws the three bands as a bar of 1,000 x 96 pixels, with a marker for the payload.
///
/// Bluish green up to comfort, yellow up to caution, vermilion up to the hard limit, each edge
/// labelled in bytes; each band also has its own hatching, so that nobody needs the colours.
/// Lengths go with the square root, as the safe payload does. A payload beyond the hard limit is
/// marked at the right edge.
///
/// `None` if the bar does not encode.
pub fn capacity_bar(bands: &CapacityBands) -> Option<Vec<u8>> {
    let mut canvas = Canvas::new(WIDTH, HEIGHT, PAPER);
    let ends = [bands.comfort, bands.caution, bands.hard_limit].map(|end| bands.place(end));
    canvas.fill(LEFT - 2..LEFT + LENGTH + 2, TOP - 2..BOTTOM + 2, INK);
    let mut start = LEFT;
    for ((end, colour), band) in ends.into_iter().zip(COLOURS).zip(0..) {
        canvas.fill(start..end, TOP..BOTTOM, colour);
        hatch(&mut canvas, start..end, band);
        start = start.max(end);
    }
    draw_labels(&mut canvas, bands, ends);
    if let Some(payload) = bands.payload {
        draw_marker(&mut canvas, bands.place(payload));
    }
    canvas.png().ok()
}

impl CapacityBands {
    /// The column of a number of bytes.
    fn place(&self, bytes: u64) -> usize {
        let share = (bytes as f64 / self.hard_limit.max(1) as f64).sqrt().min(1.0);
        LEFT + (share * LENGTH as f64).round() as usize
    }
}

/// None, slanted lines, crossed lines.
fn hatch(canvas: &mut Canvas, columns: std::ops::Range<usize>, band: usize) {
    for y in TOP..BOTTOM {
        for x in columns.clone() {
            let falling = (x + y) % HATCH == 0;
            let rising = (x + HATCH * HEIGHT - y).is_multiple_of(HATCH);
            if (band > 0 && falling) || (band > 1 && rising) {
                canvas.blend(x, y, INK, 0.35);
            }
        }
    }
}

/// The edges' labels, right to left, leaving out those that would run into the next.
fn draw_labels(canvas: &mut Canvas, bands: &CapacityBands, ends: [usize; 3]) {
    let edges = [bands.comfort, bands.caution, bands.hard_limit];
    let mut free_until = WIDTH;
    for (end, bytes) in ends.into_iter().zip(edges).rev() {
        let text = font::bytes(bytes);
        let width = font::width(&text);
        let left = (end.saturating_sub(width / 2)).min(WIDTH.saturating_sub(width));
        canvas.fill(end.saturating_sub(1)..end + 1, BOTTOM..BOTTOM + 8, INK);
        if left + width + 12 <= free_until {
            font::draw(canvas, left, BOTTOM + 11, &text, INK);
            free_until = left;
        }
    }
}

/// A triangle above the bar and a line through it.
fn draw_marker(canvas: &mut Canvas, column: usize) {
    canvas.fill(column.saturating_sub(3)..column + 3, TOP..BOTTOM, PAPER);
    canvas.fill(column.saturating_sub(1)..column + 1, TOP - 4..BOTTOM, INK);
    for row in 0..MARKER {
        let half = MARKER - row;
        canvas.fill(
            column.saturating_sub(half)..column + half,
            TOP - 4 - MARKER + row..TOP - 3 - MARKER + row,
            INK,
        );
    }
}

const WIDTH: usize = 1_000;
const HEIGHT: usize = 96;
const LEFT: usize = 24;
const LENGTH: usize = WIDTH - 2 * LEFT;
const TOP: usize = 24;
const BOTTOM: usize = 64;
const MARKER: usize = 12;
const HATCH: usize = 8;
const PAPER: Rgb = [250, 250, 247];
const INK: Rgb = [30, 30, 36];
/// Bluish green, yellow-orange and vermilion of Okabe and Ito's palette.
const COLOURS: [Rgb; 3] = [[0, 158, 115], [240, 190, 60], [213, 94, 0]];
