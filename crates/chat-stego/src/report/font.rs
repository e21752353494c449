//! Digits and the letters that label numbers of bytes, 5 x 7 dots each.

use super::canvas::{Canvas, Rgb};

/// A number of bytes for people: `980 B`, `2.6 KB`, `105 KB`, `1.2 MB`, thousands as in decimal
/// prefixes.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..10_000 => format!("{}.{} KB", count / 1_000, count % 1_000 / 100),
        10_000..1_000_000 => format!("{} KB", count / 1_000),
        _ => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

/// Columns that a text takes when drawn.
pub(crate) fn width(text: &str) -> usize {
    text.len() * ADVANCE
}

/// Draws a text with its top left corner at (x, y), 14 rows high. Unknown letters are spaces.
pub(crate) fn draw(canvas: &mut Canvas, x: usize, y: usize, text: &str, colour: Rgb) {
    for (place, letter) in text.chars().enumerate() {
        let rows =
            GLYPHS.iter().find(|(known, _)| *known == letter).map_or([0; 7], |glyph| glyph.1);
        for (row, dots) in rows.into_iter().enumerate() {
            for column in (0..5).filter(|column| dots >> (4 - column) & 1 == 1) {
                let (left, top) = (x + place * ADVANCE + column * DOT, y + row * DOT);
                canvas.fill(left..left + DOT, top..top + DOT, colour);
            }
        }
    }
}

/// Pixels a side of each dot.
const DOT: usize = 2;
const ADVANCE: usize = 6 * DOT;

const GLYPHS: [(char, [u8; 7]); 29] = [
    ('0', [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110]),
    ('1', [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]),
    ('2', [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111]),
    ('3', [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110]),
    ('4', [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010]),
    ('5', [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110]),
    ('6', [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110]),
    ('7', [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000]),
    ('8', [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110]),
    ('9', [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100]),
    ('.', [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100]),
    ('K', [0b10001, 0b10010, 0b10100, 0b11000, 0b10100, 0b10010, 0b10001]),
    ('M', [0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001, 0b10001]),
    ('B', [0b11110, 0b10001, 0b10001, 0b11110, 0b10001, 0b10001, 0b11110]),
    ('A', [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]),
    ('C', [0b01110, 0b10001, 0b10000, 0b10000, 0b10000, 0b10001, 0b01110]),
    ('D', [0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110]),
    ('E', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111]),
    ('F', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b10000]),
    ('G', [0b01110, 0b10001, 0b10000, 0b10111, 0b10001, 0b10001, 0b01110]),
    ('H', [0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]),
    ('I', [0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]),
    ('L', [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111]),
    ('N', [0b10001, 0b11001, 0b10101, 0b10101, 0b10011, 0b10001, 0b10001]),
    ('O', [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]),
    ('R', [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001]),
    ('S', [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110]),
    ('T', [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100]),
    ('U', [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_bytes_are_short_and_rounded_down() {
        let texts = [0, 999, 2_699, 105_400, 1_290_000].map(bytes);
        assert_eq!(texts, ["0 B", "999 B", "2.6 KB", "105 KB", "1.2 MB"]);
    }

    #[test]
    fn every_letter_of_a_label_can_be_drawn() {
        for letter in
            "0123456789.KMB COMFORT CAUTION HARD LIMIT MESSAGE".chars().filter(|l| *l != ' ')
        {
            assert!(
                GLYPHS.iter().any(|(known, rows)| *known == letter && rows.iter().any(|&r| r > 0))
            );
        }
    }
}
