//! Writing a file again.

use super::encode::{self, Class, Counter, Writer};
use super::huffman::{EncodeTable, optimal};
use super::parts::{Padding, Part, Segment};
use super::scan::Scan;
use super::style::Optima;
use super::{Definition, Jpeg, Knowledge};

/// Why a JPEG could not be written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum JpegWriteError {
    /// The file that was read cannot be written again bit for bit: it is the work of a program
    /// that chooses where there is a choice in another way than those known here. Use another
    /// cover: a change would be seen all over the file.
    #[error("the JPEG cannot be written again as it was found: byte {at} differs")]
    NotReproducible {
        /// The first byte that differs, or the end of the shorter file.
        at: usize,
    },
    /// The file fills up its last bytes now with ones, now with zeros. Use another cover.
    #[error("the JPEG cannot be written again as it was found: its filling bits are irregular")]
    MixedPadding,
    /// Blocks need symbols that the file's Huffman tables lack. Undo the changes there.
    #[error("{} blocks of the JPEG need symbols that its Huffman tables lack", places.len())]
    MissingSymbols {
        /// The blocks, or as many of them as are told at once; at least one.
        places: Vec<BlockPlace>,
    },
    /// The components do not make up a picture of the size. Only of pictures that are made new.
    #[error("the components do not fit the size of the picture")]
    Layout,
}

/// A block of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BlockPlace {
    /// Which component.
    pub(crate) component: usize,
    /// Index in the component's blocks.
    pub(crate) block: usize,
}

impl Jpeg {
    /// Writes the file: the same bytes that were read if no coefficient has changed.
    ///
    /// After changes, markers, scans and restart intervals are the same. A Huffman table that
    /// was the optimum for the coefficients found becomes the optimum for the present ones; all
    /// others stay.
    ///
    /// # Errors
    /// [`JpegWriteError::MissingSymbols`] names blocks with values that have no code, and
    /// [`JpegWriteError::MixedPadding`] says that the file is irregular.
    pub(crate) fn write(&self) -> Result<Vec<u8>, JpegWriteError> {
        let filling = match self.padding {
            Padding::Ones => u64::MAX,
            Padding::Zeros => 0,
            Padding::Mixed => return Err(JpegWriteError::MixedPadding),
        };
        let renewed = self.renewed_definitions();
        let definitions = renewed.as_ref().unwrap_or(&self.definitions);
        let mut out = Vec::with_capacity(self.size_hint());
        out.extend([0xff, 0xd8]);
        for part in &self.parts {
            match part {
                Part::Segment(Segment { fill, marker, bytes }) => {
                    segment_head(&mut out, *fill, *marker, bytes.len());
                    out.extend_from_slice(bytes);
                }
                Part::Tables { fill, first, end } => {
                    let tables = definitions.get(*first..*end).unwrap_or_default();
                    huffman_tables(&mut out, *fill, tables);
                }
                Part::Scan(scan) => {
                    segment_head(&mut out, scan.fill, 0xda, scan.header.len());
                    out.extend_from_slice(&scan.header);
                    out = self.entropy_coded(scan, definitions, (out, filling))?;
                }
            }
        }
        out.extend(std::iter::repeat_n(0xff, self.end_fill + 1));
        out.push(0xd9);
        out.extend_from_slice(&self.trailing);
        Ok(out)
    }

    /// Checks that [`write`](Self::write) gives `file`, from which this was read.
    ///
    /// To be asked before the first change.
    ///
    /// # Errors
    /// [`JpegWriteError::NotReproducible`] and [`JpegWriteError::MixedPadding`] if it does not.
    pub(crate) fn check_round_trip(&mut self, file: &[u8]) -> Result<(), JpegWriteError> {
        let proof = self.prove_round_trip(file)?;
        self.take_proof(proof);
        Ok(())
    }

    /// As [`check_round_trip`](Self::check_round_trip), for a caller who meanwhile reads the
    /// coefficients, and hands what is found over to [`take_proof`](Self::take_proof).
    pub(crate) fn prove_round_trip(&self, file: &[u8]) -> Result<Optima, JpegWriteError> {
        let written = match self.write() {
            // The file has codes for all that is in it, so the choice of symbols is another one.
            Err(JpegWriteError::MissingSymbols { .. }) => {
                return Err(JpegWriteError::NotReproducible { at: 0 });
            }
            written => written?,
        };
        if written == file {
            return Ok(self.optima());
        }
        let same = written.iter().zip(file).take_while(|(a, b)| a == b).count();
        Err(JpegWriteError::NotReproducible { at: same })
    }

    /// Takes over what [`prove_round_trip`](Self::prove_round_trip) found, before the first change.
    pub(crate) fn take_proof(&mut self, proof: Optima) {
        if self.knowledge == Knowledge::Unread {
            self.settle_as(proof);
        }
    }

    /// The tables with new optima, or nothing if all tables stay as they are.
    fn renewed_definitions(&self) -> Option<Vec<Definition>> {
        let is_due = self.knowledge == Knowledge::Touched;
        if !is_due || !self.definitions.iter().any(|definition| definition.is_optimal) {
            return None;
        }
        let frequencies = self.frequencies(|definition| definition.is_optimal);
        let renewed = self.definitions.iter().zip(frequencies).map(|(old, frequencies)| {
            let mut new = old.clone();
            if let Some(frequencies) = frequencies {
                new.table = optimal(&frequencies);
            }
            new
        });
        Some(renewed.collect())
    }

    /// How often each table's symbols are needed, for tables that are used and `wanted`.
    pub(super) fn frequencies(
        &self,
        wanted: impl Fn(&Definition) -> bool,
    ) -> Vec<Option<Box<[u32; 256]>>> {
        let mut all: Vec<Option<Box<[u32; 256]>>> = vec![None; self.definitions.len()];
        let is_wanted = |which: usize| self.definitions.get(which).is_some_and(&wanted);
        for scan in self.scans() {
            let used = self.tables_used(scan);
            if !used.iter().any(|&(_, _, which)| is_wanted(which)) {
                continue;
            }
            let mut counter = Counter::new();
            encode::encode(self.frame.process, scan, &self.components, &mut counter);
            for (slot, class, which) in used {
                if is_wanted(which)
                    && let Some(sums) = all.get_mut(which)
                    && let Some(counts) = counter.counts(slot, class)
                {
                    let sums = sums.get_or_insert_with(|| Box::new([0; 256]));
                    sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
                }
            }
        }
        all
    }

    /// The tables that code something in a scan: slot, class, and which definition.
    pub(super) fn tables_used(&self, scan: &Scan) -> Vec<(usize, Class, usize)> {
        let uses_dc = scan.band.start == 0 && scan.band.high == 0;
        let uses_ac = scan.band.end > 0;
        let slots = scan.slots.iter().enumerate();
        slots
            .flat_map(|(at, slot)| {
                let dc = slot.dc.filter(|_| uses_dc).map(|which| (at, Class::Dc, which));
                let ac = slot.ac.filter(|_| uses_ac).map(|which| (at, Class::Ac, which));
                dc.into_iter().chain(ac)
            })
            .collect()
    }

    /// The scans, in order.
    pub(super) fn scans(&self) -> impl Iterator<Item = &Scan> {
        self.parts.iter().filter_map(|part| match part {
            Part::Scan(scan) => Some(scan),
            _ => None,
        })
    }

    fn entropy_coded(
        &self,
        scan: &Scan,
        definitions: &[Definition],
        (out, filling): (Vec<u8>, u64),
    ) -> Result<Vec<u8>, JpegWriteError> {
        let mut writer = Writer::new(out, filling, &scan.restart_fills);
        for (slot, class, which) in self.tables_used(scan) {
            if let Some(definition) = definitions.get(which) {
                writer.set(slot, class, EncodeTable::new(&definition.table));
            }
        }
        let places = encode::encode(self.frame.process, scan, &self.components, &mut writer);
        if places.is_empty() {
            Ok(writer.into_bytes())
        } else {
            Err(JpegWriteError::MissingSymbols { places })
        }
    }

    /// Bytes that the file will have, about.
    fn size_hint(&self) -> usize {
        let parts = self.parts.iter().map(|part| match part {
            Part::Segment(segment) => segment.bytes.len() + segment.fill + 4,
            Part::Tables { .. } => 256,
            // Payloads change the size by far less than a hundredth.
            Part::Scan(scan) => scan.size + scan.size / 64 + 16,
        });
        parts.sum::<usize>() + self.trailing.len() + 64
    }
}

fn segment_head(out: &mut Vec<u8>, fill: usize, marker: u8, length: usize) {
    out.extend(std::iter::repeat_n(0xff, fill + 1));
    out.push(marker);
    // A segment that was read, or is made here, is short enough.
    out.extend(u16::try_from(length + 2).unwrap_or(u16::MAX).to_be_bytes());
}

fn huffman_tables(out: &mut Vec<u8>, fill: usize, definitions: &[Definition]) {
    let length = definitions.iter().map(|definition| 1 + definition.table.written_len()).sum();
    segment_head(out, fill, 0xc4, length);
    for definition in definitions {
        out.push(definition.destination);
        definition.table.write(out);
    }
}
