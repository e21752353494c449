//! Tests of deflate as a whole.

mod hostile;
mod known;
mod oracle;
mod patched;
mod round_trip;

use super::{Level, Memory, Strategy, Zlib};

/// All settings, by level, then memory, then strategy.
fn all_settings() -> impl Iterator<Item = Zlib> {
    Level::all().flat_map(|level| {
        [Memory::Eight, Memory::Nine].into_iter().flat_map(move |memory| {
            [Strategy::Default, Strategy::Filtered].map(|strategy| Zlib { level, memory, strategy })
        })
    })
}

fn settings(level: u8, memory: Memory, strategy: Strategy) -> Zlib {
    Zlib { level: Level::new(level).unwrap(), memory, strategy }
}

/// Numbers that the script `tests/deflate_cases.py` draws as well: Numerical Recipes' generator.
struct Draw(u32);

impl Draw {
    /// 0 to 65,535.
    fn next(&mut self) -> u16 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) as u16
    }

    fn noise(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 8) as u8).collect()
    }

    /// Small differences around 0, as in a filtered picture.
    fn residual(&mut self, count: usize) -> Vec<u8> {
        let ones = |byte: u16| (byte & 0xFF).count_ones() as u8;
        (0..count).map(|_| self.next()).map(|r| ones(r).wrapping_sub(ones(r >> 8))).collect()
    }

    fn text(&mut self, count: usize) -> Vec<u8> {
        let mut text = Vec::new();
        while text.len() < count {
            let word = usize::from(self.next() >> 8);
            text.extend((0..2 + word % 7).map(|place| 97 + ((word * 7 + place * 5) % 26) as u8));
            text.push(b' ');
        }
        text
    }

    /// Runs of up to 1,023 equal bytes.
    fn runs(&mut self, count: usize) -> Vec<u8> {
        let mut runs = Vec::new();
        while runs.len() < count {
            let length = usize::from(self.next() & 0x3FF);
            let byte = (self.next() >> 14) as u8;
            runs.extend(std::iter::repeat_n(byte, length));
        }
        runs
    }
}

/// What a compressor other than zlib makes of bytes.
fn foreign(raw: &[u8], level: u32) -> Vec<u8> {
    use std::io::Write;
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(level));
    packer.write_all(raw).unwrap();
    packer.finish().unwrap()
}
