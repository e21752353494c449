//! Compressor identity: who wrote a file, and whether the same program wrote another.
//!
//! Nobody needs to look at pixels for it. A PNG deflated by another program than its cover, a JPEG
//! whose tables or scans are another's: a watcher who knows the sender's usual files sees it at once.

use std::collections::BTreeSet;
use std::fmt;

use crate::cover::tables::Quality;
pub use crate::jpeg::TableStyle;
use crate::jpeg::{self, Jpeg};
use crate::picture::{PictureError, PictureFormat, Unsupported};
pub use crate::png::RowFilters;
use crate::png::{self, ChunkMark, PngFile};

/// How a file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Writing {
    /// A JPEG.
    Jpeg {
        /// Whether it builds up in passes.
        progressive: bool,
        /// How many scans it has.
        scans: usize,
        /// How its Huffman tables were chosen.
        huffman: TableStyle,
        /// The quality by libjpeg's scale; `None` if its tables of brightness are others.
        quality: Option<u8>,
    },
    /// A PNG of 8 bits a sample, in colour or grey.
    Png {
        /// What compressed it.
        compressor: Compressor,
        /// How its rows were filtered.
        filters: RowFilters,
    },
    /// A file of which no more is known than its format.
    Other(PictureFormat),
}

/// What compressed a PNG.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compressor {
    /// C zlib with these settings makes exactly this stream, to the last byte. Of small files several
    /// settings can be true; this is the most usual of them.
    Zlib {
        /// 1 to 9.
        level: u8,
        /// zlib's `memLevel`: 8 or 9.
        mem_level: u8,
        /// Whether its strategy is `Z_FILTERED`.
        filtered: bool,
    },
    /// Something else.
    Unknown,
}

/// How two files were written, and in what they differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WritingComparison {
    /// The cover.
    pub cover: Writing,
    /// The stego image.
    pub stego: Writing,
    /// In what they differ; nothing if the same program wrote both, as far as can be told.
    pub differences: Vec<WritingDifference>,
}

/// In what two files were written differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WritingDifference {
    /// They have different formats.
    Format,
    /// Another compressor, or other settings of it.
    Compressor,
    /// Row filters by another rule.
    RowFilters,
    /// Other quantisation tables.
    QuantisationTables,
    /// Huffman tables chosen in another way.
    HuffmanTables,
    /// Other scans.
    Scans,
    /// The bits that fill up bytes.
    FillBits,
    /// Segments that only one has: an index of further pictures, a signed history.
    Segments {
        /// Those of the cover alone.
        dropped: usize,
        /// Those of the stego image alone.
        added: usize,
    },
    /// What follows the picture: further pictures, a film.
    Trailing,
}

impl WritingDifference {
    /// Whether leaving out what messengers leave out explains it.
    pub fn is_usual(self) -> bool {
        matches!(self, Self::Trailing | Self::Segments { added: 0, .. })
    }

    /// A name for programs; it never changes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Compressor => "compressor",
            Self::RowFilters => "row-filters",
            Self::QuantisationTables => "quantisation-tables",
            Self::HuffmanTables => "huffman-tables",
            Self::Scans => "scans",
            Self::FillBits => "fill-bits",
            Self::Segments { .. } => "segments",
            Self::Trailing => "trailing",
        }
    }
}

impl fmt::Display for WritingDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "another format",
            Self::Compressor => "another compressor",
            Self::RowFilters => "another rule for the row filters",
            Self::QuantisationTables => "other quantisation tables",
            Self::HuffmanTables => "other Huffman tables",
            Self::Scans => "other scans",
            Self::FillBits => "other filling bits",
            Self::Segments { dropped, added } => {
                return write!(f, "{dropped} segments gone, {added} new");
            }
            Self::Trailing => "other bytes behind the picture",
        })
    }
}

impl fmt::Display for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jpeg { progressive, scans, huffman, quality } => {
                let kind = if *progressive { "progressive" } else { "sequential" };
                let tables = match huffman {
                    TableStyle::Standard => "the standard's Huffman tables",
                    TableStyle::Optimal => "Huffman tables made for the picture",
                    TableStyle::Other => "Huffman tables of its own",
                };
                let scans = if *scans == 1 { String::new() } else { format!(" of {scans} scans") };
                write!(f, "{kind} JPEG{scans}, {tables}")?;
                match quality {
                    Some(quality) => write!(f, ", quality {quality}"),
                    None => f.write_str(", quantisation tables of its own"),
                }
            }
            Self::Png { compressor, filters } => {
                match compressor {
                    Compressor::Zlib { level, mem_level, filtered } => {
                        write!(f, "PNG by C zlib, level {level}, memLevel {mem_level}")?;
                        f.write_str(if *filtered { ", filtered" } else { "" })?;
                    }
                    Compressor::Unknown => f.write_str("PNG by another compressor than C zlib")?,
                }
                match filters {
                    RowFilters::Rule(whose) => write!(f, "; rows filtered as by {whose}"),
                    RowFilters::Single(kind) => write!(f, "; all rows have filter {kind}"),
                    RowFilters::Mixed => f.write_str("; rows filtered as by no known program"),
                }
            }
            Self::Other(format) => write!(f, "{format}"),
        }
    }
}

/// A file, taken apart as far as its writer shows.
pub(crate) enum Written {
    Jpeg(Box<Jpeg>, jpeg::Handwriting),
    Png(png::Handwriting, Vec<ChunkMark>),
    Other(PictureFormat),
}

impl Written {
    /// Takes a file apart.
    ///
    /// # Errors
    /// [`PictureError`] if the file is damaged.
    pub(crate) fn of(file: &[u8]) -> Result<Self, PictureError> {
        let format = PictureFormat::of(file).ok_or_else(|| PictureError::not_read(file))?;
        match format {
            PictureFormat::Jpeg => {
                let mut jpeg = Box::new(Jpeg::read(file)?);
                let handwriting = jpeg.handwriting();
                Ok(Self::Jpeg(jpeg, handwriting))
            }
            PictureFormat::Png => match PngFile::read(file) {
                Ok(png) => Ok(Self::Png(png.handwriting()?, png::chunks(file))),
                // Palettes and the like can be looked at, but carry nothing here.
                Err(PictureError::Unsupported { what }) if what != Unsupported::AnimatedPng => {
                    Ok(Self::Other(format))
                }
                Err(error) => Err(error),
            },
            _ => Ok(Self::Other(format)),
        }
    }

    /// The coefficients, if there are any.
    pub(crate) fn jpeg(&self) -> Option<&Jpeg> {
        match self {
            Self::Jpeg(jpeg, _) => Some(jpeg),
            _ => None,
        }
    }

    fn writing(&self) -> Writing {
        match self {
            Self::Jpeg(jpeg, found) => Writing::Jpeg {
                progressive: found.is_progressive,
                scans: found.scans,
                huffman: found.huffman,
                quality: Quality::of_luma(jpeg.luma()).map(Quality::value),
            },
            Self::Png(found, _) => Writing::Png {
                compressor: match found.zlib {
                    Some((level, mem_level, filtered)) => {
                        Compressor::Zlib { level, mem_level, filtered }
                    }
                    None => Compressor::Unknown,
                },
                filters: found.filters,
            },
            Self::Other(format) => Writing::Other(*format),
        }
    }

    /// Compares how two files were written.
    pub(crate) fn compare(&self, stego: &Self) -> WritingComparison {
        let differences = match (self, stego) {
            (Self::Jpeg(cover, _), Self::Jpeg(stego, _)) => of_jpegs(cover, stego),
            (Self::Png(cover, chunks), Self::Png(stego, others)) => {
                of_pngs((cover, chunks), (stego, others))
            }
            (Self::Other(cover), Self::Other(stego)) if cover == stego => Vec::new(),
            _ => vec![WritingDifference::Format],
        };
        WritingComparison { cover: self.writing(), stego: stego.writing(), differences }
    }
}

fn of_jpegs(cover: &Jpeg, stego: &Jpeg) -> Vec<WritingDifference> {
    let tables = |jpeg: &Jpeg| jpeg.components().iter().map(|one| one.quant).collect::<Vec<_>>();
    let other_tables = tables(cover) != tables(stego);
    let others = cover.differences(stego).into_iter().map(|difference| match difference {
        jpeg::Difference::Scans => WritingDifference::Scans,
        jpeg::Difference::Huffman => WritingDifference::HuffmanTables,
        jpeg::Difference::Filling => WritingDifference::FillBits,
        jpeg::Difference::Trailing => WritingDifference::Trailing,
        jpeg::Difference::Segments { dropped, added } => {
            WritingDifference::Segments { dropped, added }
        }
    });
    other_tables
        .then_some(WritingDifference::QuantisationTables)
        .into_iter()
        .chain(others)
        .collect()
}

type Png<'a> = (&'a png::Handwriting, &'a [ChunkMark]);

fn of_pngs((cover, chunks): Png<'_>, (stego, others): Png<'_>) -> Vec<WritingDifference> {
    let set = |chunks: &[ChunkMark]| chunks.iter().copied().collect::<BTreeSet<_>>();
    let gone = |from, to| set(from).difference(&set(to)).count();
    let segments =
        WritingDifference::Segments { dropped: gone(chunks, others), added: gone(others, chunks) };
    let found = [
        (cover.zlib != stego.zlib, WritingDifference::Compressor),
        (cover.filters != stego.filters, WritingDifference::RowFilters),
        (chunks != others, segments),
    ];
    found.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what).collect()
}
