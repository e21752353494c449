//! A PNG that may carry something.

use std::sync::OnceLock;

use zeroize::Zeroizing;

use super::pixels::{PngPixels, probe_rows};
use crate::adaptive;
use crate::key::{ProbeKey, StegoKey};
use crate::picture::PictureError;
use crate::png::PngFile;

/// A PNG file that is asked whether it carries something, under one key after another.
pub(crate) struct PngReading<'a> {
    file: PngFile<'a>,
    /// The rows in which the check lies, once somebody has asked.
    first: OnceLock<PngPixels>,
}

impl<'a> PngReading<'a> {
    /// Takes the file apart; no pixel is decompressed.
    pub(crate) fn of(file: &'a [u8]) -> Result<Self, PictureError> {
        Ok(Self { file: PngFile::read(file)?, first: OnceLock::new() })
    }

    /// Width and height, in pixels.
    pub(crate) fn size(&self) -> (u32, u32) {
        let header = self.file.header();
        (header.width, header.height)
    }

    /// Whether the file carries something; an eighth of its rows is decompressed, once.
    pub(crate) fn carries(&self, key: &ProbeKey) -> Result<bool, PictureError> {
        let height = self.file.header().height;
        let first = match self.first.get() {
            Some(first) => first,
            None => {
                let samples = self.file.first_rows(probe_rows(height))?;
                self.first.get_or_init(|| PngPixels::new(samples, height))
            }
        };
        Ok(adaptive::probe(first, key).is_some())
    }

    /// The payload, if there is one for this key.
    pub(crate) fn extract(
        &self,
        key: &StegoKey,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, PictureError> {
        if !self.carries(key.probe())? {
            return Ok(None);
        }
        let pixels = PngPixels::new(self.file.only_samples()?, self.file.header().height);
        Ok(adaptive::extract(&pixels, key))
    }
}
