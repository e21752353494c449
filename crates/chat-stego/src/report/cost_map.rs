//! How much each change would cost: where an adaptive payload goes.
#![expect(clippy::indexing_slicing, reason = "places are below the sides of our own arrays")]

use super::canvas::{Canvas, Rgb, mix};
use super::frame::{Frame, WIDEST};

/// Draws the cost of changing each pixel or block on a logarithmic scale.
///
/// * `width`, `height` - of the map, in entries
/// * `costs` - row by row, `width * height` of them; infinite, negative or not a number where
///   nothing may be changed
///
/// Cheap places, where a payload goes, are bright yellow; expensive ones dark blue; forbidden ones
/// grey. The scale runs from the 2nd to the 98th percentile. At most 1,000 pixels a side.
///
/// `None` if the map is empty or the costs are not as many as it asks for.
pub fn cost_map(width: usize, height: usize, costs: &[f32]) -> Option<Vec<u8>> {
    (width.checked_mul(height)? == costs.len() && !costs.is_empty()).then_some(())?;
    let logs: Vec<f32> = costs.iter().map(|cost| cost.max(TINY).ln()).collect();
    let allowed = |index: usize| costs[index].is_finite() && costs[index] >= 0.0;
    let scale = Scale::of((0..costs.len()).filter(|&i| allowed(i)).map(|i| logs[i]).collect());
    let frame = Frame::new(width, height, WIDEST);
    let canvas = Canvas::from_fn(frame.width(), frame.height(), |x, y| {
        let (columns, rows) = frame.cell(x, y);
        let cell = rows.flat_map(|row| columns.clone().map(move |column| row * width + column));
        let (mut sum, mut count) = (0.0_f32, 0_u32);
        for index in cell.filter(|&index| allowed(index)) {
            sum += logs[index];
            count += 1;
        }
        if count == 0 { FORBIDDEN } else { palette(1.0 - scale.level(sum / count as f32)) }
    });
    canvas.png().ok()
}

/// From cheap (0) to expensive (1).
struct Scale {
    low: f32,
    high: f32,
}

impl Scale {
    fn of(mut logs: Vec<f32>) -> Self {
        logs.sort_unstable_by(f32::total_cmp);
        let last = logs.len().saturating_sub(1);
        let at = |percent: usize| logs.get(last * percent / 100).copied().unwrap_or(0.0);
        Self { low: at(2), high: at(98) }
    }

    fn level(&self, log: f32) -> f32 {
        let span = self.high - self.low;
        if span > 0.0 { ((log - self.low) / span).clamp(0.0, 1.0) } else { 0.5 }
    }
}

/// Dark blue at 0 through teal and green to yellow at 1, lighter all the way, so that it reads
/// the same in grey and without red or green.
fn palette(level: f32) -> Rgb {
    let place = level.clamp(0.0, 1.0) * (STOPS.len() - 1) as f32;
    let below = (place as usize).min(STOPS.len() - 2);
    mix(STOPS[below], STOPS[below + 1], place - below as f32)
}

const STOPS: [Rgb; 6] =
    [[36, 14, 70], [46, 62, 130], [32, 110, 140], [36, 160, 126], [130, 208, 76], [250, 230, 50]];
const FORBIDDEN: Rgb = [128, 128, 128];
/// Costs of zero have a logarithm too.
const TINY: f32 = 1e-12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_grows_lighter_all_the_way() {
        let lightness = |level: usize| {
            let [r, g, b] = palette(level as f32 / 50.0).map(f32::from);
            0.299 * r + 0.587 * g + 0.114 * b
        };
        assert!((0..50).all(|level| lightness(level) < lightness(level + 1)));
    }

    #[test]
    fn cheap_places_are_bright_and_forbidden_ones_grey() {
        let costs = [1e-3, 1.0, 1e3, f32::INFINITY, f32::NAN, -1.0];
        let png = cost_map(3, 2, &costs).unwrap();
        let picture = image::load_from_memory(&png).unwrap().into_rgb8();
        assert_eq!(picture.dimensions(), (12, 8));
        assert_eq!(picture.get_pixel(0, 0).0, [250, 230, 50]);
        assert!(picture.get_pixel(11, 0).0.iter().all(|&value| value < 150));
        assert_eq!(picture.get_pixel(0, 7).0, FORBIDDEN);
        assert_eq!(picture.get_pixel(11, 7).0, FORBIDDEN);
    }

    #[test]
    fn maps_of_the_wrong_size_are_refused() {
        assert_eq!(cost_map(2, 2, &[1.0; 3]), None);
        assert_eq!(cost_map(0, 0, &[]), None);
        assert!(cost_map(2, 2, &[1.0; 4]).is_some());
        assert!(cost_map(1, 1, &[f32::NAN]).is_some());
    }
}
