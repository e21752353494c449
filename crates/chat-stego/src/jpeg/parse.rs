//! Reading a file: from markers to coefficients.

use super::component::Component;
use super::decode::{self, Job};
use super::fault::{damaged, unsupported};
use super::frame::{Frame, Process};
use super::huffman::HuffmanTable;
use super::markers::{Cursor, Marker};
use super::parts::{Definition, Padding, Part, Segment};
use super::scan::{self, Band, Scan, Selection, Slot, Walk};
use super::zigzag::ZIGZAG;
use super::{Jpeg, Knowledge};
use crate::limits::JpegLimits;
use crate::picture::{PictureError, Unsupported};

/// Markers that a file may have: real ones have tens, those with long ICC profiles hundreds.
const MAX_PARTS: usize = 4096;

/// Huffman tables that a file may have: usually 4, about 20 in progressive files.
const MAX_TABLES: usize = 1024;

impl Jpeg {
    /// Reads a whole file.
    ///
    /// * `file` - any bytes; nothing is allocated that its size does not justify
    ///
    /// Time O(blocks + bytes); memory 128 bytes a block, and the segments.
    ///
    /// # Errors
    /// [`PictureError::Unsupported`] names the kind of JPEG that is not read here;
    /// [`PictureError::Dimensions`] and [`PictureError::TooManyScans`] are the limits;
    /// [`PictureError::Damaged`] says what is wrong where. Nothing is ever read in part.
    pub(crate) fn read(file: &[u8]) -> Result<Self, PictureError> {
        Self::read_within(file, JpegLimits::CHOSEN)
    }

    /// As [`read`](Self::read), within other limits.
    pub(crate) fn read_within(file: &[u8], limits: JpegLimits) -> Result<Self, PictureError> {
        let mut reader = Reader::new(Cursor::new(file)?, limits);
        loop {
            let at = reader.cursor.at;
            let marker = reader.cursor.marker()?;
            if marker.code == END_OF_IMAGE {
                return reader.finish(marker.fill, at);
            }
            if reader.parts.len() == MAX_PARTS {
                return Err(damaged("more markers than any picture has", at));
            }
            reader.part(marker, at)?;
        }
    }
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    limits: JpegLimits,
    parts: Vec<Part>,
    definitions: Vec<Definition>,
    /// For DC and AC, for each table number: which definition holds.
    current: [[Option<usize>; 4]; 2],
    /// Quantisation tables by number, in the order of a block.
    quant: [Option<[u16; 64]>; 4],
    /// Units between restart markers; 0 if there are none.
    restart: u16,
    frame: Option<Frame>,
    /// Allocated at the first scan.
    components: Vec<Component>,
    /// For each component and coefficient the lowest bit that was read.
    known: Vec<[Option<u8>; 64]>,
    scans: u64,
    padding: Option<Padding>,
}

impl<'a> Reader<'a> {
    fn new(cursor: Cursor<'a>, limits: JpegLimits) -> Self {
        Self {
            cursor,
            limits,
            parts: Vec::new(),
            definitions: Vec::new(),
            current: [[None; 4]; 2],
            quant: [None; 4],
            restart: 0,
            frame: None,
            components: Vec::new(),
            known: Vec::new(),
            scans: 0,
            padding: None,
        }
    }

    fn finish(self, end_fill: usize, at: usize) -> Result<Jpeg, PictureError> {
        let frame = self.frame.ok_or_else(|| damaged("no picture in the file", at))?;
        let whole = match frame.process {
            Process::Sequential => 63,
            Process::Progressive => 0,
        };
        let has_all = |known: &[Option<u8>; 64]| known.iter().take(whole + 1).all(Option::is_some);
        if self.known.len() != frame.components.len() || !self.known.iter().all(has_all) {
            return Err(damaged("a component without its scans", at));
        }
        Ok(Jpeg {
            frame,
            components: self.components,
            parts: self.parts,
            definitions: self.definitions,
            padding: self.padding.unwrap_or(Padding::Ones),
            end_fill,
            trailing: self.cursor.rest().to_vec(),
            knowledge: Knowledge::Unread,
        })
    }

    /// Reads what belongs to a marker that stands at the byte `at`.
    fn part(&mut self, marker: Marker, at: usize) -> Result<(), PictureError> {
        match marker.code {
            0xc4 => return self.huffman_tables(marker, at),
            0xda => return self.scan(marker, at),
            0xc0..=0xcf if !matches!(marker.code, 0xc8 | 0xcc) => self.frame(marker, at)?,
            0xcc => return Err(unsupported(Unsupported::JpegArithmetic)),
            0xdb => self.quantisation_tables(at)?,
            0xdc => return Err(unsupported(Unsupported::JpegLateHeight)),
            0xdd => self.restart_interval(at)?,
            0xde | 0xdf => return Err(unsupported(Unsupported::JpegHierarchical)),
            // Application data and comments.
            0xe0..=0xef | 0xfe => {}
            0xd0..=0xd8 => return Err(damaged("a marker where none should be", at)),
            _ => return Err(damaged("an unknown marker", at)),
        }
        let bytes = self.cursor.segment()?.to_vec();
        self.parts.push(Part::Segment(Segment { fill: marker.fill, marker: marker.code, bytes }));
        Ok(())
    }

    /// Looks at the segment that comes next, and leaves it to be kept.
    fn peek_segment(&mut self) -> Result<&'a [u8], PictureError> {
        let at = self.cursor.at;
        let segment = self.cursor.segment()?;
        self.cursor.at = at;
        Ok(segment)
    }

    fn frame(&mut self, marker: Marker, at: usize) -> Result<(), PictureError> {
        let frame = Frame::read(marker.code, self.peek_segment()?, at)?;
        if self.frame.replace(frame).is_some() {
            return Err(damaged("a second frame header", at));
        }
        Ok(())
    }

    /// T.81, B.2.4.1.
    fn quantisation_tables(&mut self, at: usize) -> Result<(), PictureError> {
        let wrong = || damaged("a quantisation table that is cut off or out of range", at);
        let mut rest = self.peek_segment()?;
        while let Some((&head, after)) = rest.split_first() {
            let place = self.quant.get_mut(usize::from(head & 15)).ok_or_else(wrong)?;
            let bytes_each = match head >> 4 {
                0 => 1,
                1 => 2,
                _ => return Err(wrong()),
            };
            let (steps, after) = after.split_at_checked(64 * bytes_each).ok_or_else(wrong)?;
            let steps = steps.chunks(bytes_each);
            let steps = steps.map(|step| step.iter().fold(0, |sum, &b| sum << 8 | u16::from(b)));
            let mut table = [0; 64];
            for (step, &index) in steps.zip(&ZIGZAG) {
                if let Some(place) = table.get_mut(usize::from(index)) {
                    *place = step;
                }
            }
            if table.contains(&0) {
                return Err(damaged("a quantisation step of zero", at));
            }
            *place = Some(table);
            rest = after;
        }
        Ok(())
    }

    fn restart_interval(&mut self, at: usize) -> Result<(), PictureError> {
        let &[high, low] = self.peek_segment()? else {
            return Err(damaged("a restart interval of the wrong length", at));
        };
        self.restart = u16::from_be_bytes([high, low]);
        Ok(())
    }

    fn huffman_tables(&mut self, marker: Marker, at: usize) -> Result<(), PictureError> {
        let first = self.definitions.len();
        let mut rest = self.cursor.segment()?;
        while let Some((&destination, after)) = rest.split_first() {
            let (table, after) = HuffmanTable::read(after).map_err(|fault| fault.at(at))?;
            let class = self.current.get_mut(usize::from(destination >> 4));
            let place = class.and_then(|class| class.get_mut(usize::from(destination & 15)));
            let place = place.ok_or_else(|| damaged("a Huffman table of an unknown kind", at))?;
            if self.definitions.len() == MAX_TABLES {
                return Err(damaged("more Huffman tables than any picture has", at));
            }
            *place = Some(self.definitions.len());
            self.definitions.push(Definition { destination, table, is_optimal: false });
            rest = after;
        }
        let end = self.definitions.len();
        self.parts.push(Part::Tables { fill: marker.fill, first, end });
        Ok(())
    }

    fn scan(&mut self, marker: Marker, at: usize) -> Result<(), PictureError> {
        let header = self.cursor.segment()?;
        let frame = self.frame.as_ref().ok_or_else(|| damaged("a scan before its frame", at))?;
        self.scans += 1;
        self.limits.check(self.scans, frame.width, frame.height)?;
        let (selections, band) = scan::read_header(header, frame, at)?;
        if self.scans == 1 {
            self.components = allocate(frame, self.cursor.file().len(), at)?;
            self.known = vec![[None; 64]; frame.components.len()];
        }
        self.check_progress(&selections, band, at)?;
        self.latch_quantisation(&selections, at)?;
        let slots = self.slots(&selections);
        let scan = self.entropy_coded(header, (slots, band), marker.fill)?;
        self.parts.push(Part::Scan(scan));
        Ok(())
    }

    /// Refuses scans that send bits twice, or out of order. T.81, G.1.1.1.
    fn check_progress(
        &mut self,
        selections: &[Selection],
        band: Band,
        at: usize,
    ) -> Result<(), PictureError> {
        for selection in selections {
            let Some(known) = self.known.get_mut(selection.component) else { continue };
            let before = if band.high == 0 { None } else { Some(band.high) };
            let first = usize::from(band.start);
            let range = known.get(first..=usize::from(band.end)).unwrap_or_default();
            let is_ac_before_dc = first > 0 && known.first() == Some(&None);
            if is_ac_before_dc || range.iter().any(|&lowest| lowest != before) {
                return Err(damaged("a scan that is out of order", at));
            }
            let range = known.get_mut(first..=usize::from(band.end)).unwrap_or_default();
            range.fill(Some(band.low));
        }
        Ok(())
    }

    /// Gives components the quantisation tables that hold at their first scan.
    fn latch_quantisation(
        &mut self,
        selections: &[Selection],
        at: usize,
    ) -> Result<(), PictureError> {
        let stated = self.frame.iter().flat_map(|frame| &frame.components);
        for (index, (component, stated)) in self.components.iter_mut().zip(stated).enumerate() {
            let is_in_scan = selections.iter().any(|selection| selection.component == index);
            if is_in_scan && component.quant == [0; 64] {
                let table = self.quant.get(usize::from(stated.quant)).copied().flatten();
                component.quant =
                    table.ok_or_else(|| damaged("a scan without its quantisation table", at))?;
            }
        }
        Ok(())
    }

    fn slots(&self, selections: &[Selection]) -> Vec<Slot> {
        let [dc, ac] = &self.current;
        let find = |tables: &[Option<usize>; 4], number: u8| {
            tables.get(usize::from(number)).copied().flatten()
        };
        let slot = |selection: &Selection| Slot {
            component: selection.component,
            dc: find(dc, selection.dc),
            ac: find(ac, selection.ac),
        };
        selections.iter().map(slot).collect()
    }

    fn entropy_coded(
        &mut self,
        header: &[u8],
        (slots, band): (Vec<Slot>, Band),
        fill: usize,
    ) -> Result<Scan, PictureError> {
        let start = self.cursor.at;
        let frame = self.frame.as_ref().ok_or_else(|| damaged("a scan before its frame", start))?;
        let which: Vec<usize> = slots.iter().map(|slot| slot.component).collect();
        let walk = Walk::new(frame, &self.components, &which, self.restart)
            .ok_or_else(|| damaged("a scan with more than ten blocks in a unit", start))?;
        let job = Job {
            process: frame.process,
            slots: &slots,
            band,
            walk: &walk,
            definitions: &self.definitions,
            components: &mut self.components,
        };
        let (stream, fault) = decode::decode(job, self.cursor.file(), start);
        if let Some(fault) = fault {
            return Err(fault.at(stream.position()));
        }
        self.cursor.at = stream.position();
        if let Some(padding) = stream.padding {
            self.padding = Some(Padding::joined(self.padding, padding));
        }
        let size = self.cursor.at - start;
        let restart_fills = stream.restart_fills;
        Ok(Scan { fill, header: header.to_vec(), slots, band, walk, size, restart_fills })
    }
}

/// Makes room for the coefficients, unless the file is too short to hold as many.
fn allocate(frame: &Frame, file: usize, at: usize) -> Result<Vec<Component>, PictureError> {
    // The DC value of each block takes a bit at least, in whatever scan.
    if frame.shown_blocks() > 8 * file as u64 {
        return Err(damaged("the file is too short for the size that its header names", at));
    }
    Ok(frame.allocate())
}

const END_OF_IMAGE: u8 = 0xd9;
