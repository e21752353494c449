//! The frame header: size, kind, components, and where their blocks lie.

use super::component::Component;
use super::fault::{damaged, unsupported};
use crate::limits::check_dimensions;
use crate::picture::{PictureError, Unsupported};

/// How coefficients are spread over scans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    /// All coefficients of a block at once: baseline and extended sequential.
    Sequential,
    /// Bands of coefficients, and their bits one after another.
    Progressive,
}

/// What a frame header says, within the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) process: Process,
    /// Pixels in a row.
    pub(super) width: u32,
    /// Rows of pixels.
    pub(super) height: u32,
    /// One to four.
    pub(super) components: Vec<FrameComponent>,
}

/// What a frame header says about a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameComponent {
    pub(super) id: u8,
    /// Horizontal sampling factor, 1 to 4.
    pub(super) horizontal: u8,
    /// Vertical sampling factor, 1 to 4.
    pub(super) vertical: u8,
    /// Number of the quantisation table, 0 to 3.
    pub(super) quant: u8,
}

impl Frame {
    /// Reads the segment of a start-of-frame marker that stands at the byte `at`.
    ///
    /// T.81, B.2.2.
    pub(super) fn read(marker: u8, segment: &[u8], at: usize) -> Result<Self, PictureError> {
        let process = process(marker, at)?;
        let (&[precision, h1, h0, w1, w0, count], rest) =
            segment.split_first_chunk().ok_or_else(|| damaged("a short frame header", at))?;
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        if precision != 8 {
            return Err(unsupported(Unsupported::JpegPrecision));
        }
        if count > 4 {
            return Err(unsupported(Unsupported::JpegComponents));
        }
        if height == 0 && width > 0 {
            return Err(unsupported(Unsupported::JpegLateHeight));
        }
        check_dimensions(width.into(), height.into())?;
        let (specifications, extra) = rest.as_chunks::<3>();
        if !extra.is_empty() || specifications.len() != usize::from(count) || count == 0 {
            return Err(damaged("a frame header of the wrong length", at));
        }
        let components = specifications
            .iter()
            .map(|&specification| FrameComponent::read(specification, at))
            .collect::<Result<Vec<_>, _>>()?;
        let mut ids: Vec<u8> = components.iter().map(|component| component.id).collect();
        ids.sort_unstable();
        if ids.array_windows().any(|[a, b]| a == b) {
            return Err(damaged("two components of the same name", at));
        }
        Ok(Self { process, width: width.into(), height: height.into(), components })
    }

    /// The components with their blocks, all zero, and quantisation steps still unknown.
    pub(super) fn allocate(&self) -> Vec<Component> {
        self.components
            .iter()
            .map(|component| {
                let layout = self.layout(*component);
                Component {
                    id: component.id,
                    horizontal: component.horizontal,
                    vertical: component.vertical,
                    quant: [0; 64],
                    wide: layout.wide,
                    high: layout.high,
                    stride: layout.stride,
                    blocks: vec![[0; 64]; layout.stride * layout.rows],
                }
            })
            .collect()
    }

    /// Blocks that show a part of the picture, over all components.
    pub(super) fn shown_blocks(&self) -> u64 {
        let layouts = self.components.iter().map(|&component| self.layout(component));
        layouts.map(|layout| layout.wide as u64 * layout.high as u64).sum()
    }

    /// Units (MCUs) of an interleaved scan, in a row and in a column. T.81, A.2.3.
    pub(super) fn units(&self) -> (usize, usize) {
        let (most_h, most_v) = self.greatest_sampling();
        (self.width.div_ceil(8 * most_h) as usize, self.height.div_ceil(8 * most_v) as usize)
    }

    /// Where the blocks of a component lie. T.81, A.1.1 and A.2.
    pub(super) fn layout(&self, component: FrameComponent) -> Layout {
        let (most_h, most_v) = self.greatest_sampling();
        let (h, v) = (u32::from(component.horizontal), u32::from(component.vertical));
        let (units_wide, units_high) = self.units();
        Layout {
            wide: (self.width * h).div_ceil(most_h).div_ceil(8) as usize,
            high: (self.height * v).div_ceil(most_v).div_ceil(8) as usize,
            stride: units_wide * h as usize,
            rows: units_high * v as usize,
        }
    }

    fn greatest_sampling(&self) -> (u32, u32) {
        let h = self.components.iter().map(|component| component.horizontal).max();
        let v = self.components.iter().map(|component| component.vertical).max();
        (h.unwrap_or(1).max(1).into(), v.unwrap_or(1).max(1).into())
    }
}

impl FrameComponent {
    fn read(specification: [u8; 3], at: usize) -> Result<Self, PictureError> {
        let [id, sampling, quant] = specification;
        let (horizontal, vertical) = (sampling >> 4, sampling & 15);
        if !(1..=4).contains(&horizontal) || !(1..=4).contains(&vertical) || quant > 3 {
            return Err(damaged("a frame header with values out of range", at));
        }
        Ok(Self { id, horizontal, vertical, quant })
    }
}

/// Where the blocks of a component lie; all in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// In a row, those that show a part of the picture.
    pub(super) wide: usize,
    /// Rows that show a part of the picture.
    pub(super) high: usize,
    /// In a stored row.
    pub(super) stride: usize,
    /// Stored rows.
    pub(super) rows: usize,
}

/// T.81, table B.1.
fn process(marker: u8, at: usize) -> Result<Process, PictureError> {
    match marker {
        0xc0 | 0xc1 => Ok(Process::Sequential),
        0xc2 => Ok(Process::Progressive),
        0xc3 => Err(unsupported(Unsupported::JpegLossless)),
        0xc5..=0xc7 | 0xcd..=0xcf => Err(unsupported(Unsupported::JpegHierarchical)),
        0xc9..=0xcb => Err(unsupported(Unsupported::JpegArithmetic)),
        _ => Err(damaged("an unknown frame marker", at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: u16, height: u16, samplings: &[u8]) -> Result<Frame, PictureError> {
        let mut segment = vec![8];
        segment.extend(height.to_be_bytes());
        segment.extend(width.to_be_bytes());
        segment.push(samplings.len() as u8);
        for (id, &sampling) in samplings.iter().enumerate() {
            segment.extend([id as u8 + 1, sampling, 0]);
        }
        Frame::read(0xc0, &segment, 2)
    }

    #[test]
    fn layout_counts_shown_and_stored_blocks() {
        let frame = frame(17, 9, &[0x22, 0x11, 0x11]).unwrap();
        assert_eq!(frame.units(), (2, 1));
        let luma = frame.layout(frame.components[0]);
        assert_eq!(luma, Layout { wide: 3, high: 2, stride: 4, rows: 2 });
        let chroma = frame.layout(frame.components[1]);
        assert_eq!(chroma, Layout { wide: 2, high: 1, stride: 2, rows: 1 });
        assert_eq!(frame.shown_blocks(), 6 + 2 + 2);
    }

    #[test]
    fn read_names_the_kinds_that_it_refuses() {
        let mut segment = vec![8, 0, 16, 0, 16, 1, 1, 0x11, 0];
        for (marker, kind) in [
            (0xc3, Unsupported::JpegLossless),
            (0xc5, Unsupported::JpegHierarchical),
            (0xc9, Unsupported::JpegArithmetic),
        ] {
            let found = Frame::read(marker, &segment, 2);
            assert!(matches!(found, Err(PictureError::Unsupported { what }) if what == kind));
        }
        segment[2] = 0;
        let found = Frame::read(0xc2, &segment, 2);
        let late = Unsupported::JpegLateHeight;
        assert!(matches!(found, Err(PictureError::Unsupported { what }) if what == late));
        segment[0] = 12;
        let found = Frame::read(0xc1, &segment, 2);
        let deep = Unsupported::JpegPrecision;
        assert!(matches!(found, Err(PictureError::Unsupported { what }) if what == deep));
    }

    #[test]
    fn read_refuses_values_out_of_range() {
        assert!(frame(16, 16, &[0x11, 0x51]).is_err());
        assert!(frame(16, 16, &[0x10]).is_err());
        assert!(frame(16, 16, &[]).is_err());
        assert!(frame(0, 16, &[0x11]).is_err());
        assert!(frame(16, 20_000, &[0x11]).is_err());
        let twice = [8, 0, 16, 0, 16, 2, 1, 0x11, 0, 1, 0x11, 0];
        assert!(Frame::read(0xc0, &twice, 2).is_err());
    }
}
