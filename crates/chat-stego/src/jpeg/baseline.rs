//! A new file made of coefficients, laid out as libjpeg does it.

use super::component::Component;
use super::frame::{Frame, FrameComponent, Process};
use super::huffman::{STANDARD_AC, STANDARD_DC};
use super::parts::{Definition, Padding, Part, Segment};
use super::scan::{Band, Scan, Slot, Walk};
use super::write::JpegWriteError;
use super::zigzag::ZIGZAG;
use super::{Jpeg, Knowledge};
use crate::limits::check_dimensions;

/// Which Huffman tables a new file gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HuffmanStyle {
    /// Those of T.81, annex K, as most programs do.
    #[cfg_attr(not(test), expect(dead_code, reason = "covers that we make have optimal tables"))]
    Standard,
    /// The optimum for the coefficients.
    Optimal,
}

impl Jpeg {
    /// Makes a JFIF file of coefficients: one interleaved scan, no restart markers, no comment.
    ///
    /// * `size` - width and height in pixels
    /// * `components` - one (grey), or three (luma and chroma); their names, sampling factors,
    ///   quantisation steps and blocks as [`layout`](Self::layout) gives them. Blocks that only
    ///   fill the last units are overwritten: they get the DC value before them, and no AC.
    ///
    /// # Errors
    /// [`JpegWriteError::Layout`] if the components do not make up a picture of this size.
    pub(crate) fn baseline(
        size: (u16, u16),
        components: Vec<Component>,
        huffman: HuffmanStyle,
    ) -> Result<Self, JpegWriteError> {
        let (numbers, tables) = quantisation(&components);
        let frame = frame(size, &components, &numbers)?;
        let mut components = components;
        for (component, stated) in components.iter_mut().zip(&frame.components) {
            let layout = frame.layout(*stated);
            let found = (component.wide, component.high, component.stride, component.blocks.len());
            if found != (layout.wide, layout.high, layout.stride, layout.stride * layout.rows) {
                return Err(JpegWriteError::Layout);
            }
            fill(component);
        }
        let scan = scan(&frame, &components).ok_or(JpegWriteError::Layout)?;
        let definitions = definitions(components.len(), huffman);
        let segments = segments(&frame, &tables).into_iter().map(Part::Segment);
        let tables =
            (0..definitions.len()).map(|at| Part::Tables { fill: 0, first: at, end: at + 1 });
        Ok(Self {
            parts: segments.chain(tables).chain([Part::Scan(scan)]).collect(),
            frame,
            components,
            definitions,
            padding: Padding::Ones,
            end_fill: 0,
            trailing: Vec::new(),
            knowledge: Knowledge::Touched,
        })
    }

    /// Components for a new picture: all coefficients zero, all quantisation steps one.
    ///
    /// * `size` - width and height in pixels
    /// * `luma` - horizontal and vertical sampling factors of luma, 1 or 2; chroma has 1 and 1
    /// * `count` - components, 1 or 3
    ///
    /// # Errors
    /// [`JpegWriteError::Layout`] if there is no such picture.
    pub(crate) fn layout(
        size: (u16, u16),
        luma: (u8, u8),
        count: usize,
    ) -> Result<Vec<Component>, JpegWriteError> {
        if !matches!(luma, (1 | 2, 1 | 2)) || (count == 1 && luma != (1, 1)) {
            return Err(JpegWriteError::Layout);
        }
        let blank = |id: u8, (horizontal, vertical)| Component {
            id,
            horizontal,
            vertical,
            quant: [1; 64],
            wide: 0,
            high: 0,
            stride: 0,
            blocks: Vec::new(),
        };
        let blank = [blank(1, luma), blank(2, (1, 1)), blank(3, (1, 1))];
        let blank = blank.get(..count).ok_or(JpegWriteError::Layout)?;
        let frame = frame(size, blank, &[0; 3])?;
        let mut components = frame.allocate();
        components.iter_mut().for_each(|component| component.quant = [1; 64]);
        Ok(components)
    }
}

/// Checks the components, and states them as a frame header does.
fn frame(
    (width, height): (u16, u16),
    components: &[Component],
    quant: &[u8],
) -> Result<Frame, JpegWriteError> {
    check_dimensions(width.into(), height.into()).map_err(|_| JpegWriteError::Layout)?;
    let is_known = |component: &Component| {
        (1..=4).contains(&component.horizontal) && (1..=4).contains(&component.vertical)
    };
    if !matches!(components.len(), 1 | 3) || !components.iter().all(is_known) {
        return Err(JpegWriteError::Layout);
    }
    let components = components.iter().zip(quant).map(|(component, &quant)| FrameComponent {
        id: component.id,
        horizontal: component.horizontal,
        vertical: component.vertical,
        quant,
    });
    Ok(Frame {
        process: Process::Sequential,
        width: width.into(),
        height: height.into(),
        components: components.collect(),
    })
}

/// The number of each component's quantisation table, and the tables.
///
/// Luma has number 0 and chroma 1, even where they are equal; a third is made only if needed.
fn quantisation(components: &[Component]) -> (Vec<u8>, Vec<[u16; 64]>) {
    let mut tables: Vec<[u16; 64]> = Vec::new();
    let mut numbers = Vec::new();
    for component in components {
        let known = tables.iter().skip(1).position(|table| *table == component.quant);
        let number = known.map_or(tables.len(), |at| at + 1);
        if known.is_none() {
            tables.push(component.quant);
        }
        numbers.push(u8::try_from(number).unwrap_or_default());
    }
    (numbers, tables)
}

/// Fills the blocks that show nothing as libjpeg does, so that they cost the fewest bits.
fn fill(component: &mut Component) {
    let (wide, high, stride) = (component.wide, component.high, component.stride);
    for row in component.blocks.chunks_mut(stride.max(1)).take(high) {
        let (shown, filling) = row.split_at_mut_checked(wide).unwrap_or_default();
        let dc = shown.last().map_or(0, |&[dc, ..]| dc);
        filling.iter_mut().for_each(|block| *block = of_dc(dc));
    }
    let tile = usize::from(component.horizontal).max(1);
    let (shown, filling) = component.blocks.split_at_mut_checked(high * stride).unwrap_or_default();
    let last = shown.rchunks(stride.max(1)).next().unwrap_or_default();
    for row in filling.chunks_mut(stride.max(1)) {
        // Before it in the file comes the last block of the same unit in the row above.
        for (unit, above) in row.chunks_mut(tile).zip(last.chunks(tile)) {
            let dc = above.last().map_or(0, |&[dc, ..]| dc);
            unit.iter_mut().for_each(|block| *block = of_dc(dc));
        }
    }
}

fn of_dc(dc: i16) -> [i16; 64] {
    let mut block = [0; 64];
    let [first, ..] = &mut block;
    *first = dc;
    block
}

fn definitions(components: usize, huffman: HuffmanStyle) -> Vec<Definition> {
    let kinds = if components == 1 { 0..1 } else { 0..2 };
    let pairs = kinds.zip(STANDARD_DC.iter().zip(&STANDARD_AC));
    pairs
        .flat_map(|(number, (dc, ac))| [(number, dc), (0x10 | number, ac)])
        .map(|(destination, table)| Definition {
            destination,
            table: table.to_table(),
            is_optimal: huffman == HuffmanStyle::Optimal,
        })
        .collect()
}

fn scan(frame: &Frame, components: &[Component]) -> Option<Scan> {
    let which: Vec<usize> = (0..components.len()).collect();
    let slot = |at: usize| {
        let first = if at == 0 { 0 } else { 2 };
        Slot { component: at, dc: Some(first), ac: Some(first + 1) }
    };
    let mut header = vec![components.len() as u8];
    for (at, component) in components.iter().enumerate() {
        header.extend([component.id, if at == 0 { 0x00 } else { 0x11 }]);
    }
    header.extend([0, 63, 0]);
    let walk = Walk::new(frame, components, &which, 0)?;
    let blocks: usize = components.iter().map(|component| component.blocks.len()).sum();
    Some(Scan {
        fill: 0,
        header,
        slots: which.into_iter().map(slot).collect(),
        band: Band::WHOLE,
        walk,
        size: 8 * blocks,
        restart_fills: Vec::new(),
    })
}

/// JFIF header, quantisation tables, frame header.
fn segments(frame: &Frame, tables: &[[u16; 64]]) -> Vec<Segment> {
    let segment = |marker, bytes: Vec<u8>| Segment { fill: 0, marker, bytes };
    // Version 1.01, pixels without a size of their own, no thumbnail.
    let mut all = vec![segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec())];
    for (table, number) in tables.iter().zip(0_u8..) {
        let is_wide = table.iter().any(|&step| step > 255);
        let mut bytes = vec![u8::from(is_wide) << 4 | number];
        for &index in &ZIGZAG {
            let [high, low] = table.get(usize::from(index)).copied().unwrap_or(1).to_be_bytes();
            bytes.extend(is_wide.then_some(high).into_iter().chain([low]));
        }
        all.push(segment(0xdb, bytes));
    }
    let (height, width) = (frame.height as u16, frame.width as u16);
    let mut bytes = vec![8];
    bytes.extend(height.to_be_bytes().into_iter().chain(width.to_be_bytes()));
    bytes.push(frame.components.len() as u8);
    for component in &frame.components {
        let sampling = component.horizontal << 4 | component.vertical;
        bytes.extend([component.id, sampling, component.quant]);
    }
    // Steps of 16 bits are not baseline.
    let is_extended = tables.iter().flatten().any(|&step| step > 255);
    all.push(segment(if is_extended { 0xc1 } else { 0xc0 }, bytes));
    all
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixture;
    use super::*;

    #[test]
    fn baseline_lays_a_file_out_as_libjpeg_does() {
        for (name, huffman) in [
            ("sequential-420.jpg", HuffmanStyle::Standard),
            ("sequential-422-optimal.jpg", HuffmanStyle::Optimal),
            ("grey.jpg", HuffmanStyle::Standard),
        ] {
            let file = fixture(name);
            let jpeg = Jpeg::read(&file).unwrap();
            let size = (jpeg.width() as u16, jpeg.height() as u16);
            let mut components = jpeg.components().to_vec();
            for component in &mut components {
                let (wide, high, stride) = (component.wide, component.high, component.stride);
                for (at, block) in component.blocks.iter_mut().enumerate() {
                    if at % stride >= wide || at / stride >= high {
                        *block = [77; 64];
                    }
                }
            }
            let made = Jpeg::baseline(size, components, huffman).unwrap();
            assert!(made.write().unwrap() == file, "{name}");
        }
    }

    #[test]
    fn baseline_refuses_components_that_do_not_fit() {
        let components = Jpeg::layout((33, 17), (2, 2), 3).unwrap();
        let made = Jpeg::baseline((33, 18), components.clone(), HuffmanStyle::Optimal);
        assert!(made.unwrap().write().is_ok());
        let made = Jpeg::baseline((49, 17), components.clone(), HuffmanStyle::Optimal);
        assert!(matches!(made, Err(JpegWriteError::Layout)));
        let made = Jpeg::baseline((33, 17), components[..2].to_vec(), HuffmanStyle::Optimal);
        assert!(matches!(made, Err(JpegWriteError::Layout)));
        assert!(Jpeg::layout((0, 17), (2, 2), 3).is_err());
        assert!(Jpeg::layout((33, 17), (3, 1), 3).is_err());
    }
}
