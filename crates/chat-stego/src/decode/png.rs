//! PNG: whole pictures, and rows one at a time for readers that need only the first few.

use std::io::Cursor;

use png::{BitDepth, ColorType, Transformations};

use super::{Header, Rendering};
use crate::limits::{MAX_CHUNK_BYTES, can_inflate_to, check_dimensions};
use crate::picture::{ColourModel, PictureError, PictureFormat, Unsupported};
use crate::raster::{Layout, Raster};

type Decoder<'a> = png::Decoder<Cursor<&'a [u8]>>;

/// Reads the header; ancillary chunks are neither kept nor inflated.
pub(crate) fn header(file: &[u8]) -> Result<Header, PictureError> {
    checked(file).map(|(_, header)| header)
}

/// Decodes all pixels, interlaced or not.
pub(crate) fn pixels(file: &[u8], rendering: Rendering) -> Result<Raster, PictureError> {
    let mut rows = PngRows::open(file, rendering)?;
    let (width, height, layout) = (rows.header.width, rows.header.height, rows.layout());
    let length = rows.reader.output_buffer_size().ok_or_else(|| damaged("size overflow"))?;
    let mut stored = vec![0; length];
    rows.reader.next_frame(&mut stored).map_err(damaged)?;
    if rows.header.colour.is_kept() {
        return Ok(Raster { width, height, layout, samples: stored });
    }
    let mut samples = Vec::with_capacity(width as usize * height as usize * layout.channels());
    for line in stored.chunks_exact(rows.line.len()) {
        rows.expansion.append(line, width as usize, &mut samples);
    }
    Ok(Raster { width, height, layout, samples })
}

/// Decodes a PNG row by row, inflating no more than the rows asked for.
pub(crate) struct PngRows<'a> {
    reader: png::Reader<Cursor<&'a [u8]>>,
    header: Header,
    expansion: Expansion,
    /// The newest row as stored.
    line: Vec<u8>,
    /// The newest row as RGB or RGBA, where it is stored otherwise.
    expanded: Vec<u8>,
}

impl<'a> PngRows<'a> {
    /// Reads up to the first pixel.
    pub(crate) fn open(file: &'a [u8], rendering: Rendering) -> Result<Self, PictureError> {
        let (decoder, header) = checked(file)?;
        let reader = decoder.read_info().map_err(damaged)?;
        if reader.info().animation_control().is_some() {
            return Err(PictureError::Unsupported { what: Unsupported::AnimatedPng });
        }
        let stride =
            reader.output_line_size(header.width).ok_or_else(|| damaged("size overflow"))?;
        let expansion = Expansion::of(reader.info(), rendering)?;
        Ok(Self { reader, header, expansion, line: vec![0; stride], expanded: Vec::new() })
    }

    /// The next row, RGB or RGBA, or `None` after the last.
    ///
    /// Only for pictures that are not [interlaced](Self::is_interlaced).
    pub(crate) fn next_row(&mut self) -> Result<Option<&[u8]>, PictureError> {
        if self.reader.read_row(&mut self.line).map_err(damaged)?.is_none() {
            return Ok(None);
        }
        if self.header.colour.is_kept() {
            return Ok(Some(&self.line));
        }
        self.expanded.clear();
        self.expansion.append(&self.line, self.header.width as usize, &mut self.expanded);
        Ok(Some(&self.expanded))
    }

    pub(crate) fn header(&self) -> Header {
        self.header
    }

    pub(crate) fn layout(&self) -> Layout {
        match self.header.colour {
            ColourModel::Rgba | ColourModel::DeepGreyAlpha => Layout::Rgba,
            _ => Layout::Rgb,
        }
    }

    pub(crate) fn is_interlaced(&self) -> bool {
        self.reader.info().interlaced
    }
}

fn checked(file: &[u8]) -> Result<(Decoder<'_>, Header), PictureError> {
    let limits = png::Limits { bytes: MAX_CHUNK_BYTES };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let info = decoder.read_header_info().map_err(damaged)?;
    check_dimensions(info.width, info.height)?;
    if !can_inflate_to(file.len(), info.raw_bytes() as u64) {
        return Err(damaged("the file is too short for the size that its header names"));
    }
    let header = Header {
        format: PictureFormat::Png,
        width: info.width,
        height: info.height,
        colour: colour_model(info.color_type, info.bit_depth),
    };
    if header.colour != ColourModel::DeepGrey {
        decoder.set_transformations(Transformations::STRIP_16);
    }
    Ok((decoder, header))
}

fn colour_model(colour: ColorType, depth: BitDepth) -> ColourModel {
    match (colour, depth) {
        (ColorType::Grayscale, BitDepth::Sixteen) => ColourModel::DeepGrey,
        (ColorType::GrayscaleAlpha, BitDepth::Sixteen) => ColourModel::DeepGreyAlpha,
        (ColorType::Grayscale, _) => ColourModel::Grey,
        (ColorType::GrayscaleAlpha, _) => ColourModel::GreyAlpha,
        (ColorType::Indexed, _) => ColourModel::Palette,
        (ColorType::Rgb, _) => ColourModel::Rgb,
        (ColorType::Rgba, _) => ColourModel::Rgba,
    }
}

/// How stored samples become RGB or RGBA.
enum Expansion {
    /// Samples of at most 8 bits that name a colour.
    Colours {
        /// Bits of a stored sample: 1, 2, 4 or 8.
        bits: usize,
        /// Stored samples of a pixel; only the first says the colour.
        per_pixel: usize,
        /// The colour of each value of the first sample.
        colours: Vec<[u8; 3]>,
    },
    /// Grey of 16 bits.
    DeepGrey(Rendering),
    /// Grey and alpha, a byte each.
    GreyWithAlpha,
}

impl Expansion {
    fn of(info: &png::Info<'_>, rendering: Rendering) -> Result<Self, PictureError> {
        let bits = (info.bit_depth as usize).min(8);
        let values = 1_usize << bits;
        let colours = match colour_model(info.color_type, info.bit_depth) {
            ColourModel::DeepGrey => return Ok(Self::DeepGrey(rendering)),
            ColourModel::DeepGreyAlpha => return Ok(Self::GreyWithAlpha),
            ColourModel::Palette => {
                let palette = info.palette.as_deref().ok_or_else(|| damaged("no palette"))?;
                let mut colours: Vec<_> = palette.as_chunks::<3>().0.to_vec();
                // Readers show an index beyond the palette as black.
                colours.resize(values.max(colours.len()), [0; 3]);
                colours
            }
            _ => (0..values)
                .map(|v| [u8::try_from(v * 255 / (values - 1)).unwrap_or(255); 3])
                .collect(),
        };
        let per_pixel = if info.color_type == ColorType::GrayscaleAlpha { 2 } else { 1 };
        Ok(Self::Colours { bits, per_pixel, colours })
    }

    /// Appends a stored row of `width` pixels to `samples`.
    fn append(&self, line: &[u8], width: usize, samples: &mut Vec<u8>) {
        match self {
            Self::Colours { bits, per_pixel, colours } => {
                let mask = u8::MAX >> (8 - bits);
                let per_byte = 8 / bits;
                let values = line.iter().flat_map(|byte| {
                    (0..per_byte).rev().map(move |place| (byte >> (place * bits)) & mask)
                });
                for value in values.step_by(*per_pixel).take(width) {
                    let colour = colours.get(usize::from(value)).copied().unwrap_or_default();
                    samples.extend_from_slice(&colour);
                }
            }
            Self::DeepGrey(rendering) => {
                for &[high, low] in line.as_chunks::<2>().0 {
                    let cut_off = if high == 0 { low } else { u8::MAX };
                    let grey = if *rendering == Rendering::AsStegano { cut_off } else { high };
                    samples.extend_from_slice(&[grey; 3]);
                }
            }
            Self::GreyWithAlpha => {
                for &[grey, alpha] in line.as_chunks::<2>().0 {
                    samples.extend_from_slice(&[grey, grey, grey, alpha]);
                }
            }
        }
    }
}

fn damaged(fault: impl Into<crate::picture::DecodeFault>) -> PictureError {
    PictureError::damaged(PictureFormat::Png, fault)
}
