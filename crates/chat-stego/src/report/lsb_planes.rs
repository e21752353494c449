//! The lowest bits of two pictures side by side: what LSB replacement does to them.
#![expect(clippy::indexing_slicing, reason = "places are below the sides of our own arrays")]

use super::canvas::Canvas;
use super::frame::{Frame, WIDEST};
use crate::detect::GreyPlane;

/// Draws the lowest bits of a cover (left) and of a stego image (right): white for 1, black for 0.
///
/// Both together are at most 1,000 pixels wide and each at most 1,000 high. Large pictures are
/// thinned out, not averaged, so that every dot is a bit of one pixel.
///
/// `None` if the pictures differ in size, or do not encode.
pub fn lsb_planes(cover: &GreyPlane, stego: &GreyPlane) -> Option<Vec<u8>> {
    let (width, height) = (cover.width(), cover.height());
    ((width, height) == (stego.width(), stego.height())).then_some(())?;
    let frame = Frame::new(width, height, (WIDEST - GAP) / 2);
    let mut canvas = Canvas::new(2 * frame.width() + GAP, frame.height(), [225, 150, 30]);
    canvas.paste(0, 0, &bits(cover, frame));
    canvas.paste(frame.width() + GAP, 0, &bits(stego, frame));
    canvas.png().ok()
}

fn bits(plane: &GreyPlane, frame: Frame) -> Canvas {
    Canvas::from_fn(frame.width(), frame.height(), |x, y| {
        let (x, y) = frame.origin(x, y);
        [if plane.samples()[y * plane.width() + x] & 1 == 1 { 240 } else { 16 }; 3]
    })
}

/// Pixels between the two.
const GAP: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dot_is_one_bit() {
        let cover = GreyPlane::new(2, 1, vec![4, 5]).unwrap();
        let stego = GreyPlane::new(2, 1, vec![5, 7]).unwrap();
        let png = lsb_planes(&cover, &stego).unwrap();
        let picture = image::load_from_memory(&png).unwrap().into_luma8();
        assert_eq!(picture.dimensions(), (8 + 8 + 8, 4));
        let row: Vec<u8> = [0, 4, 16, 20].map(|x| picture.get_pixel(x, 3).0[0]).into();
        assert_eq!(row, [16, 240, 240, 240]);
    }

    #[test]
    fn pictures_of_different_sizes_are_refused() {
        let one = GreyPlane::new(2, 1, vec![4, 5]).unwrap();
        let other = GreyPlane::new(1, 2, vec![4, 5]).unwrap();
        assert_eq!(lsb_planes(&one, &other), None);
    }
}
