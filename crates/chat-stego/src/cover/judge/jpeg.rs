//! JPEG as a cover.

use super::finding::{Finding, Limits};
use super::pixels::{Shares, flatness, share};
use super::{Element, Judgement, double, trellis};
use crate::cover::tables::Quality;
use crate::decode::{self, Rendering};
use crate::jpeg::{Component, Jpeg};
use crate::picture::{PictureError, PictureFormat};

/// Share of blocks that are nothing but their mean. Of 92 photos at 2 MP none is above 0.3 at
/// quality 90; at 75, 6 are above 0.35 and none above 0.7. Of 62 drawings 40 and 23 are, at 75.
const FLAT: Limits = Limits { warn: 0.35, refuse: 0.7 };

/// Judges a JPEG, whatever follows its end.
pub(super) fn judge(file: &[u8]) -> Result<Judgement, PictureError> {
    let mut jpeg = Jpeg::read(file)?;
    let luma = jpeg.luma();
    let Counts { nonzero, flat } = Counts::of(luma);
    let mut findings: Vec<Finding> = tables(luma).into_iter().collect();
    findings.extend(flatness(flat, FLAT));
    // The gaps that two compressions leave look like dropped coefficients, so that goes first.
    findings.extend(double::compression(luma).or_else(|| trellis::quantisation(luma)));
    findings.extend(container(&jpeg));
    let raster = decode::pixels(file, Rendering::AsViewer)?;
    findings.extend(Shares::of(&raster).saturation());
    let (width, height) = (jpeg.width(), jpeg.height());
    if jpeg.check_round_trip(file).is_err() {
        findings.push(Finding::Irregular);
    }
    Ok(Judgement {
        format: PictureFormat::Jpeg,
        width,
        height,
        element: Element::NonzeroAc,
        elements: nonzero,
        findings,
    })
}

/// Standard tables: quality 97 has a mean step of 3.45 and 19 ones, 98 2.36 and 23, 99 1.34 and
/// 42; cameras' tables do not follow qualities.
fn tables(luma: &Component) -> Option<Finding> {
    let ones = luma.quant.iter().filter(|&&step| step == 1).count();
    let mean = luma.quant.iter().map(|&step| f32::from(step)).sum::<f32>() / 64.0;
    if ones >= 32 || mean < 2.0 {
        Some(Finding::TablesTooFine { ones, mean })
    } else if mean < 3.5 {
        Some(Finding::TablesFine { mean })
    } else {
        Quality::of_luma(luma).is_none().then_some(Finding::CameraTables)
    }
}

fn container(jpeg: &Jpeg) -> Vec<Finding> {
    let mut findings = Vec::new();
    if jpeg.has_c2pa() {
        findings.push(Finding::Manifest);
    }
    if jpeg.has_metadata() {
        findings.push(Finding::Metadata);
    }
    let trailing = jpeg.trailing_len();
    if jpeg.has_multi_picture() || trailing > 0 {
        findings.push(Finding::MorePictures { trailing });
    }
    if jpeg.components().len() > 3 {
        findings.push(Finding::Inks);
    }
    findings
}

struct Counts {
    /// AC coefficients that are not zero.
    nonzero: u64,
    /// Share of blocks without any.
    flat: f32,
}

impl Counts {
    fn of(luma: &Component) -> Self {
        let (mut nonzero, mut flat, mut blocks) = (0, 0, 0);
        for block in (0..luma.high).flat_map(|row| luma.row(row)) {
            let count = block.iter().skip(1).filter(|&&value| value != 0).count();
            nonzero += count as u64;
            flat += u64::from(count == 0);
            blocks += 1;
        }
        Self { nonzero, flat: share(flat, blocks) }
    }
}
