//! A walk over the markers of a JPEG file: size, kind and number of scans, before any decoding.

use crate::limits::{JpegLimits, check_dimensions};
use crate::picture::{DecodeFault, PictureError, PictureFormat, Unsupported};

/// What the markers of a JPEG say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) components: u8,
    /// Blocks of the first component that show a part of the picture.
    pub(crate) luma_blocks: u64,
    /// Bytes of the file up to and with the end marker.
    pub(crate) end: usize,
}

/// Walks from the start to the end marker of the first image in the file.
pub(crate) fn read(file: &[u8]) -> Result<Frame, PictureError> {
    let mut walk = Walk { rest: file.get(2..).unwrap_or_default() };
    let mut frame = None;
    let mut scans = 0;
    loop {
        match walk.marker()? {
            END_OF_IMAGE => break,
            0xc0..=0xc2 => frame = Some(start_of_frame(walk.segment()?)?),
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Err(PictureError::Unsupported { what: Unsupported::JpegProcess });
            }
            START_OF_SCAN => {
                let frame = frame.ok_or_else(|| damaged("a scan before the frame header"))?;
                scans += 1;
                JpegLimits::CHOSEN.check(scans, frame.width, frame.height)?;
                walk.segment()?;
                walk.skip_entropy_coded();
            }
            // Markers without a segment: restarts, and TEM of arithmetic coding.
            0xd0..=0xd8 | 0x01 => {}
            _ => drop(walk.segment()?),
        }
    }
    match frame {
        Some(frame) if scans > 0 => Ok(Frame { end: file.len() - walk.rest.len(), ..frame }),
        _ => Err(damaged("no picture in the file")),
    }
}

/// ITU-T T.81, B.2.2: precision, height, width, number of components.
fn start_of_frame(segment: &[u8]) -> Result<Frame, PictureError> {
    let &[precision, h1, h0, w1, w0, components, ref specifications @ ..] = segment else {
        return Err(damaged("a short frame header"));
    };
    if precision != 8 {
        return Err(PictureError::Unsupported { what: Unsupported::JpegPrecision });
    }
    let width = u32::from(u16::from_be_bytes([w1, w0]));
    let height = u32::from(u16::from_be_bytes([h1, h0]));
    check_dimensions(width, height)?;
    let luma_blocks = luma_blocks(width, height, specifications);
    Ok(Frame { width, height, components, luma_blocks, end: 0 })
}

/// ITU-T T.81, A.1.1: the first component's share of the sampling factors; 0 if none are given.
fn luma_blocks(width: u32, height: u32, specifications: &[u8]) -> u64 {
    let (specifications, _) = specifications.as_chunks::<3>();
    let blocks = |length: u32, nibble: fn(u8) -> u8| {
        let factors = specifications.iter().map(|&[_, factors, _]| u32::from(nibble(factors)));
        let largest = factors.clone().max().unwrap_or_default().max(1);
        let own = factors.clone().next().unwrap_or_default();
        u64::from((length * own).div_ceil(largest).div_ceil(8))
    };
    blocks(width, |factors| factors >> 4) * blocks(height, |factors| factors & 15)
}

struct Walk<'a> {
    rest: &'a [u8],
}

impl<'a> Walk<'a> {
    /// The next marker's second byte. Fill bytes before it are allowed.
    fn marker(&mut self) -> Result<u8, PictureError> {
        let [0xff, after @ ..] = self.rest else {
            return Err(damaged("a marker is missing"));
        };
        let fill = after.iter().take_while(|&&byte| byte == 0xff).count();
        let marker = after.get(fill).ok_or_else(cut_off)?;
        self.rest = after.get(fill + 1..).unwrap_or_default();
        Ok(*marker)
    }

    /// The segment after a marker, without its length.
    fn segment(&mut self) -> Result<&'a [u8], PictureError> {
        let (length, rest) = self.rest.split_first_chunk().ok_or_else(cut_off)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let length = length.checked_sub(2).ok_or_else(|| damaged("a segment without length"))?;
        let (segment, rest) = rest.split_at_checked(length).ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(segment)
    }

    /// Stops at the next marker that is neither a stuffed zero nor a restart.
    fn skip_entropy_coded(&mut self) {
        let mut at = 0;
        while let Some(found) = self.rest.get(at..).and_then(|r| r.iter().position(|&b| b == 0xff))
        {
            at += found;
            match self.rest.get(at + 1) {
                Some(0x00 | 0xd0..=0xd7) => at += 2,
                _ => break,
            }
        }
        let end = if self.rest.get(at) == Some(&0xff) { at } else { self.rest.len() };
        self.rest = self.rest.get(end..).unwrap_or_default();
    }
}

fn damaged(what: &'static str) -> PictureError {
    PictureError::damaged(PictureFormat::Jpeg, DecodeFault::from(what))
}

fn cut_off() -> PictureError {
    damaged("the file is cut off")
}

const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = &[0xff, 0xc0, 0, 11, 8, 0, 16, 0, 32, 1, 1, 0x11, 0];
    const SCAN: &[u8] = &[0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0xff, 0x00, 0xff, 0xd0, 0x34];

    fn jpeg(parts: &[&[u8]]) -> Vec<u8> {
        [&[0xff, 0xd8], parts.concat().as_slice(), &[0xff, 0xd9]].concat()
    }

    #[test]
    fn read_finds_size_and_end() {
        let file = jpeg(&[FRAME, SCAN]);
        let frame = read(&[file.as_slice(), b"behind"].concat()).unwrap();
        let expected =
            Frame { width: 32, height: 16, components: 1, luma_blocks: 8, end: file.len() };
        assert_eq!(frame, expected);
    }

    #[test]
    fn luma_blocks_follow_the_sampling_factors() {
        assert_eq!(luma_blocks(17, 9, &[1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]), 3 * 2);
        assert_eq!(luma_blocks(17, 9, &[1, 0x11, 0, 2, 0x22, 1]), 2);
        assert_eq!(luma_blocks(17, 9, &[1, 0, 0]), 0);
        assert_eq!(luma_blocks(17, 9, &[1]), 0);
    }

    #[test]
    fn read_refuses_many_scans() {
        let file = jpeg(&[FRAME, &SCAN.repeat(101)]);
        assert!(matches!(read(&file), Err(PictureError::TooManyScans { scans: 101 })));
    }

    #[test]
    fn read_refuses_cut_off_files_at_every_length() {
        let file = jpeg(&[FRAME, SCAN]);
        for length in 0..file.len() {
            assert!(matches!(read(&file[..length]), Err(PictureError::Damaged { .. })), "{length}");
        }
    }

    #[test]
    fn read_names_what_it_does_not_take() {
        let mut arithmetic = FRAME.to_vec();
        arithmetic[1] = 0xc9;
        let found = read(&jpeg(&[&arithmetic, SCAN]));
        assert!(matches!(found, Err(PictureError::Unsupported { what: Unsupported::JpegProcess })));
        let mut deep = FRAME.to_vec();
        deep[4] = 12;
        let found = read(&jpeg(&[&deep, SCAN]));
        assert!(matches!(
            found,
            Err(PictureError::Unsupported { what: Unsupported::JpegPrecision })
        ));
    }
}
