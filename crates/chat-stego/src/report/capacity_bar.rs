//! How much of a picture's room a payload takes.

use std::ops::Range;

use super::canvas::{Canvas, Rgb};
use super::font;
use crate::decode::{self, Rendering};
use crate::raster::{Layout, Raster};

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

/// Draws the three bands as a bar of 1,000 x 128 pixels, with a marker for the payload and a legend.
///
/// Bluish green up to comfort, yellow up to caution, vermilion up to the hard limit, each edge
/// labelled in bytes; each band also has its own hatching, so that nobody needs the colours.
/// Lengths go with the square root, as the safe payload does. A payload beyond the hard limit is
/// marked at the right edge.
///
/// `None` if the bar does not encode.
pub fn capacity_bar(bands: &CapacityBands) -> Option<Vec<u8>> {
    drawn(bands).png().ok()
}

/// A map with the bar of [`capacity_bar`] below it.
///
/// * `map` - a PNG file, at most 1,000 pixels wide, as the maps of this module are
///
/// `None` if the map is no such file, or the picture does not encode.
pub fn with_capacity_bar(map: &[u8], bands: &CapacityBands) -> Option<Vec<u8>> {
    let Raster { width, height, layout: Layout::Rgb, samples } =
        decode::pixels(map, Rendering::AsViewer).ok()?
    else {
        return None;
    };
    let (width, height) = (width as usize, height as usize);
    let bar = drawn(bands);
    let pixels = samples.as_chunks::<3>().0;
    let map = Canvas::from_fn(width, height, |x, y| {
        pixels.get(y * width + x).copied().unwrap_or_default()
    });
    let mut whole = Canvas::new(bar.width().max(width), height + bar.height(), PAPER);
    whole.paste((whole.width() - map.width()) / 2, 0, &map);
    whole.paste((whole.width() - bar.width()) / 2, height, &bar);
    whole.png().ok()
}

fn drawn(bands: &CapacityBands) -> Canvas {
    let mut canvas = Canvas::new(WIDTH, HEIGHT, PAPER);
    let ends = [bands.comfort, bands.caution, bands.hard_limit].map(|end| bands.place(end));
    canvas.fill(LEFT - 2..LEFT + LENGTH + 2, TOP - 2..BOTTOM + 2, INK);
    let mut start = LEFT;
    for ((end, colour), band) in ends.into_iter().zip(COLOURS).zip(0..) {
        canvas.fill(start..end, TOP..BOTTOM, colour);
        hatch(&mut canvas, start..end, TOP..BOTTOM, band);
        start = start.max(end);
    }
    draw_labels(&mut canvas, bands, ends);
    if let Some(payload) = bands.payload {
        draw_marker(&mut canvas, bands.place(payload), TOP - 4);
    }
    draw_legend(&mut canvas, bands);
    canvas
}

impl CapacityBands {
    /// The column of a number of bytes.
    fn place(&self, bytes: u64) -> usize {
        let share = (bytes as f64 / self.hard_limit.max(1) as f64).sqrt().min(1.0);
        LEFT + (share * LENGTH as f64).round() as usize
    }
}

/// None, slanted lines, crossed lines.
fn hatch(canvas: &mut Canvas, columns: Range<usize>, rows: Range<usize>, band: usize) {
    for y in rows {
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
    // The last one may end at the edge.
    let mut free_until = WIDTH + 12;
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
fn draw_marker(canvas: &mut Canvas, column: usize, tip: usize) {
    canvas.fill(column.saturating_sub(3)..column + 3, TOP..BOTTOM, PAPER);
    canvas.fill(column.saturating_sub(1)..column + 1, tip..BOTTOM, INK);
    draw_triangle(canvas, column, tip);
}

fn draw_triangle(canvas: &mut Canvas, column: usize, tip: usize) {
    for row in 0..MARKER {
        let half = MARKER - row;
        let top = tip + row - MARKER;
        canvas.fill(column.saturating_sub(half)..column + half, top..top + 1, INK);
    }
}

/// The bands by name, from left to right, and the payload.
fn draw_legend(canvas: &mut Canvas, bands: &CapacityBands) {
    let names = ["COMFORT", "CAUTION", "HARD LIMIT"];
    let edges = [bands.comfort, bands.caution, bands.hard_limit];
    let mut left = LEFT;
    for (((name, edge), colour), band) in names.into_iter().zip(edges).zip(COLOURS).zip(0..) {
        let (columns, rows) = (left..left + SWATCH, LEGEND..LEGEND + SWATCH);
        canvas.fill(columns.clone(), rows.clone(), colour);
        hatch(canvas, columns, rows, band);
        left = draw_name(canvas, left + SWATCH, &format!("{name} {}", font::bytes(edge)));
    }
    if let Some(payload) = bands.payload {
        draw_triangle(canvas, left + MARKER, LEGEND + SWATCH);
        draw_name(canvas, left + 2 * MARKER, &format!("MESSAGE {}", font::bytes(payload)));
    }
}

/// Writes a name; answers where the next entry begins.
fn draw_name(canvas: &mut Canvas, left: usize, text: &str) -> usize {
    font::draw(canvas, left + 8, LEGEND + 1, text, INK);
    left + 8 + font::width(text) + 24
}

const WIDTH: usize = 1_000;
const HEIGHT: usize = 128;
const LEFT: usize = 24;
const LENGTH: usize = WIDTH - 2 * LEFT;
const TOP: usize = 24;
const BOTTOM: usize = 64;
const MARKER: usize = 12;
const HATCH: usize = 8;
/// Rows above the legend, and the side of its patches.
const LEGEND: usize = 100;
const SWATCH: usize = 16;
const PAPER: Rgb = [250, 250, 247];
const INK: Rgb = [30, 30, 36];
/// Bluish green, yellow-orange and vermilion of Okabe and Ito's palette.
const COLOURS: [Rgb; 3] = [[0, 158, 115], [240, 190, 60], [213, 94, 0]];

#[cfg(test)]
mod tests {
    use super::*;

    const BANDS: CapacityBands =
        CapacityBands { comfort: 2_600, caution: 5_200, hard_limit: 105_000, payload: Some(330) };

    #[test]
    fn the_bar_hangs_below_the_map() {
        let map = Canvas::new(300, 40, [9, 8, 7]).png().unwrap();
        let whole = image::load_from_memory(&with_capacity_bar(&map, &BANDS).unwrap()).unwrap();
        let whole = whole.into_rgb8();
        assert_eq!(whole.dimensions(), (1_000, 40 + 128));
        assert_eq!(whole.get_pixel(500, 20).0, [9, 8, 7]);
        assert_eq!(whole.get_pixel(10, 20).0, PAPER);
        assert_eq!(whole.get_pixel(LEFT as u32 + 2, 40 + TOP as u32 + 2).0, COLOURS[0]);
        assert!(with_capacity_bar(b"no picture", &BANDS).is_none());
    }

    #[test]
    fn every_legend_fits() {
        let most = CapacityBands {
            comfort: 999_000,
            caution: 999_000,
            hard_limit: 999_000_000,
            payload: Some(999_000_000),
        };
        let bar = image::load_from_memory(&capacity_bar(&most).unwrap()).unwrap().into_rgb8();
        let last = (0..1_000)
            .rev()
            .find(|&x| (LEGEND..LEGEND + SWATCH).any(|y| bar.get_pixel(x, y as u32).0 == INK));
        assert!(last.unwrap() < 990, "{last:?}");
        let none = CapacityBands { comfort: 0, caution: 0, hard_limit: 0, payload: None };
        assert!(capacity_bar(&none).is_some());
    }
}
