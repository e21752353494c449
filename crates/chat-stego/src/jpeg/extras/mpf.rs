//! The index of the pictures in a file: MPF, CIPA DC-007 (2009), section 5.2.
//!
//! A TIFF structure in an APP2 segment. Its offsets count from the byte order mark of that
//! structure; the first picture is the primary one, whose offset is 0.

use super::ExtrasFault;

/// What an MPF segment begins with; the TIFF structure follows.
pub(super) const MPF: &[u8] = b"MPF\0";

/// The numbers of an index that say where pictures lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    order: Order,
    entries: Vec<Entry>,
}

/// How the bytes of numbers are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

/// A picture of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// Where its 16 bytes lie in the segment.
    at: usize,
    /// Bytes of the picture.
    size: u32,
    /// Bytes from the TIFF structure to the picture; 0 for the primary one.
    offset: u32,
}

/// Where the TIFF structure lies in a file, where the primary picture ends, and where the file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) structure: usize,
    pub(super) end: usize,
    pub(super) file: usize,
}

impl Index {
    /// Reads a segment's contents; `None` if it has no index, as in pictures that are not primary.
    pub(super) fn read(segment: &[u8]) -> Result<Option<Self>, ExtrasFault> {
        let tiff = segment.strip_prefix(MPF).ok_or(BROKEN)?;
        let order = match tiff.get(..4) {
            Some(b"II*\0") => Order::Little,
            Some(b"MM\0*") => Order::Big,
            _ => return Err(BROKEN),
        };
        let directory = tiff.get(order.position(tiff, 4)?..).ok_or(BROKEN)?;
        let fields = usize::from(order.short(directory, 0)?);
        let fields = directory.get(2..2 + 12 * fields).ok_or(BROKEN)?;
        let is_list = |field: &&[u8; 12]| order.short(*field, 0) == Ok(PICTURES);
        let mut lists = fields.as_chunks::<12>().0.iter().filter(is_list);
        let Some(list) = lists.next() else { return Ok(None) };
        let (length, start) = (order.position(list, 4)?, order.position(list, 8)?);
        let is_whole = length > 0 && length.is_multiple_of(16) && lists.next().is_none();
        let end = start.checked_add(length).filter(|&end| is_whole && end <= tiff.len());
        let places = (start..end.ok_or(BROKEN)?).step_by(16);
        let entry = |at: usize| -> Result<Entry, ExtrasFault> {
            let (size, offset) = (order.long(tiff, at + 4)?, order.long(tiff, at + 8)?);
            Ok(Entry { at: MPF.len() + at, size, offset })
        };
        Ok(Some(Self { order, entries: places.map(entry).collect::<Result<_, _>>()? }))
    }

    /// Checks that every picture lies behind the primary one and within the file.
    pub(super) fn check(&self, place: Place) -> Result<(), ExtrasFault> {
        self.moved(place, place).map(drop)
    }

    /// Writes the index into a segment of a file whose primary picture has another length.
    pub(super) fn write(
        &self,
        (from, to): (Place, Place),
        segment: &mut [u8],
    ) -> Result<(), ExtrasFault> {
        for Entry { at, size, offset } in self.moved(from, to)? {
            let numbers = segment.get_mut(at + 4..at + 12).ok_or(BROKEN)?;
            let bytes = [size, offset].map(|number| self.order.bytes(number));
            numbers.copy_from_slice(bytes.as_flattened());
        }
        Ok(())
    }

    fn moved(&self, from: Place, to: Place) -> Result<Vec<Entry>, ExtrasFault> {
        let entries = self.entries.iter().enumerate();
        entries.map(|(number, entry)| entry.moved(number == 0, from, to)).collect()
    }
}

impl Entry {
    fn moved(self, is_primary: bool, from: Place, to: Place) -> Result<Self, ExtrasFault> {
        let (size, offset) = (u64::from(self.size), u64::from(self.offset));
        if is_primary {
            // Writers disagree by a few bytes on what the primary picture's size counts, so it
            // grows by as much as the picture does.
            let size = if size == 0 { Some(0) } else { shifted(size, from.end, to.end) };
            let fits = self.offset == 0 && size.is_some_and(|size| size <= to.file as u64);
            return match size.and_then(|size| u32::try_from(size).ok()) {
                Some(size) if fits => Ok(Self { size, ..self }),
                _ => Err(ASTRAY),
            };
        }
        let start = offset + from.structure as u64;
        let is_inside = start >= from.end as u64 && start + size <= from.file as u64;
        let start = shifted(start, from.end, to.end).filter(|_| is_inside);
        let offset = start.and_then(|start| start.checked_sub(to.structure as u64));
        let offset = offset.and_then(|offset| u32::try_from(offset).ok()).ok_or(ASTRAY)?;
        Ok(Self { offset, ..self })
    }
}

/// A number that grows as another does.
fn shifted(number: u64, from: usize, to: usize) -> Option<u64> {
    (number + to as u64).checked_sub(from as u64)
}

impl Order {
    fn short(self, bytes: &[u8], at: usize) -> Result<u16, ExtrasFault> {
        let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk()).ok_or(BROKEN)?;
        Ok(match self {
            Self::Little => u16::from_le_bytes(*bytes),
            Self::Big => u16::from_be_bytes(*bytes),
        })
    }

    fn long(self, bytes: &[u8], at: usize) -> Result<u32, ExtrasFault> {
        let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk()).ok_or(BROKEN)?;
        Ok(match self {
            Self::Little => u32::from_le_bytes(*bytes),
            Self::Big => u32::from_be_bytes(*bytes),
        })
    }

    /// A number that counts bytes of the segment.
    fn position(self, bytes: &[u8], at: usize) -> Result<usize, ExtrasFault> {
        usize::try_from(self.long(bytes, at)?).map_err(|_| BROKEN)
    }

    fn bytes(self, number: u32) -> [u8; 4] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }
}

/// The tag of the list of pictures: 16 bytes each.
const PICTURES: u16 = 0xb002;

const BROKEN: ExtrasFault = ExtrasFault("the index of its further pictures (MPF) is damaged");
const ASTRAY: ExtrasFault =
    ExtrasFault("the index of its further pictures (MPF) names places where none are");
