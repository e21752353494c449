//! The bytes in a picture's lowest bits, decoded no further than asked for.

use zeroize::Zeroizing;

use super::bits::Gatherer;
use super::frame::units_of;
use crate::codec::ExtractError;
use crate::decode::png::PngRows;
use crate::decode::{self, Rendering};
use crate::picture::{PictureError, PictureFormat};
use crate::raster::{Layout, Raster};

/// Reads units from the upper left on, row by row.
pub(crate) struct Units<'a> {
    rows: Rows<'a>,
    layout: Layout,
    available: usize,
    /// Units that one row can complete, at most.
    row_units: usize,
    gatherer: Gatherer,
    /// The colours of the newest row, where alpha had to be left out.
    colours: Vec<u8>,
    found: Zeroizing<Vec<u8>>,
}

impl<'a> Units<'a> {
    /// Opens any picture that can carry a payload.
    pub(super) fn of_any(file: &'a [u8]) -> Result<Self, ExtractError> {
        match PictureFormat::of(file) {
            Some(PictureFormat::Png) => {
                let rows = PngRows::open(file, Rendering::AsStegano)?;
                if rows.is_interlaced() {
                    return Ok(Self::of_raster(decode::pixels(file, Rendering::AsStegano)?));
                }
                Ok(Self::of_rows(rows))
            }
            Some(PictureFormat::Bmp) => {
                Ok(Self::of_raster(decode::pixels(file, Rendering::AsStegano)?))
            }
            found => Err(ExtractError::WrongFormat { found }),
        }
    }

    /// Opens a PNG whose first rows can be had without the others.
    pub(super) fn of_streamed(file: &'a [u8]) -> Result<Self, ExtractError> {
        match PictureFormat::of(file) {
            Some(PictureFormat::Png) => {}
            found => return Err(ExtractError::WrongFormat { found }),
        }
        let rows = PngRows::open(file, Rendering::AsStegano)?;
        if rows.is_interlaced() {
            return Err(ExtractError::NoPayload);
        }
        Ok(Self::of_rows(rows))
    }

    fn of_rows(rows: PngRows<'a>) -> Self {
        let header = rows.header();
        let layout = rows.layout();
        Self::new(Rows::Streamed(Box::new(rows)), layout, header.width, header.height)
    }

    pub(crate) fn of_raster(raster: Raster) -> Self {
        let Raster { layout, width, height, .. } = raster;
        Self::new(Rows::Whole { raster, next: 0 }, layout, width, height)
    }

    fn new(rows: Rows<'a>, layout: Layout, width: u32, height: u32) -> Self {
        Self {
            rows,
            layout,
            available: units_of(width, height),
            row_units: units_of(width, 1) + 1,
            gatherer: Gatherer::default(),
            colours: Vec::new(),
            found: Zeroizing::new(Vec::new()),
        }
    }

    /// Returns `length` units from `start` on, decoding rows until they are there.
    pub(super) fn get(&mut self, start: usize, length: usize) -> Result<&[u8], ExtractError> {
        let end = start.saturating_add(length);
        if end > self.available {
            return Err(ExtractError::NoPayload);
        }
        // Growing by steps would leave copies of the payload behind. The last row may add more.
        let missing = (end + self.row_units).saturating_sub(self.found.len());
        self.found.reserve(missing);
        while self.found.len() < end {
            let row = self.rows.next()?.ok_or(ExtractError::NoPayload)?;
            let colours = match self.layout {
                Layout::Rgb => row,
                Layout::Rgba => {
                    self.colours.clear();
                    let pixels = row.as_chunks::<4>().0.iter();
                    self.colours
                        .extend(pixels.flat_map(|[red, green, blue, _]| [red, green, blue]));
                    &self.colours
                }
            };
            self.gatherer.gather(colours, &mut self.found);
        }
        self.found.get(start..end).ok_or(ExtractError::NoPayload)
    }

    /// Units that the whole picture holds.
    pub(super) fn available(&self) -> usize {
        self.available
    }
}

enum Rows<'a> {
    Streamed(Box<PngRows<'a>>),
    Whole { raster: Raster, next: usize },
}

impl Rows<'_> {
    fn next(&mut self) -> Result<Option<&[u8]>, PictureError> {
        match self {
            Self::Streamed(rows) => rows.next_row(),
            Self::Whole { raster, next } => {
                let start = *next;
                *next += raster.stride();
                Ok(raster.samples.get(start..*next))
            }
        }
    }
}
