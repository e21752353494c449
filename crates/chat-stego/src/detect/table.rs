//! Which quantisation table a decoded JPEG was made with, read off its coefficients.
#![expect(clippy::indexing_slicing, reason = "indices are below the sizes of our own arrays")]

mod refine;

use self::refine::Doubt;
use super::blocks::{Grid, GridOffset};
use super::dct::{Block, Dct};
use super::plane::GreyPlane;

/// The quantisation steps of luma as the pixels show them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TableEstimate {
    steps: [u16; 64],
    certain: usize,
}

impl TableEstimate {
    /// Steps in the order of a block's rows (the horizontal frequency is the column), 1 to 255.
    ///
    /// 0 where no block has a coefficient other than zero, so that nothing is seen of the step;
    /// 1 also where no coarser step is seen; a multiple of the real step where the few
    /// coefficients that there are happen to be multiples of it.
    pub fn steps(&self) -> &[u16; 64] {
        &self.steps
    }

    /// How many steps of 3 and more are beyond doubt. (Coefficients that just exceed the noise
    /// look like multiples of 2.)
    pub fn certain_steps(&self) -> usize {
        self.certain
    }
}

impl std::fmt::Debug for TableEstimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.steps.as_chunks::<8>().0).finish()
    }
}

/// Estimates the table from the blocks on a grid.
///
/// The coefficients of a decoded JPEG lie near multiples of its steps, off by the rounding of
/// the samples alone. For each of the 64 modes, the step with the highest likelihood against
/// "no lattice" is taken; where few coefficients leave several near ones, blocks decide.
///
/// # Source
/// The likelihood is our own; the idea is Fan, de Queiroz 2003, "Identification of bitmap
/// compression history", IEEE Transactions on Image Processing 12(2).
pub(crate) fn estimate(plane: &GreyPlane, offset: GridOffset) -> TableEstimate {
    let fits = Fits::new();
    let grid = Grid::of(plane, offset);
    let histograms = Histograms::of(&grid, usize::MAX);
    let mut table = TableEstimate { steps: [0; 64], certain: 0 };
    let mut doubts = Vec::new();
    for (mode, values) in histograms.modes.iter().enumerate().filter(|(_, v)| !v.is_empty()) {
        let best = fits.best(values);
        table.steps[mode] = best.step;
        table.certain += usize::from(best.step > 2 && best.evidence > MIN_EVIDENCE);
        let candidates = fits.candidates(values, best);
        if candidates.len() > 1 {
            doubts.push(Doubt { mode, candidates });
        }
    }
    refine::settle(&mut table.steps, &doubts, &grid);
    refine::divide(&mut table.steps, &grid);
    table
}

/// Finds the grid on which coefficients lie on lattices, if there is one.
///
/// (0, 0) wins where it shows anything; the others are tried on 512 blocks and 14 modes each.
pub(crate) fn find_grid(plane: &GreyPlane) -> Option<GridOffset> {
    let fits = Fits::new();
    let evidence = |offset: GridOffset| {
        let histograms = Histograms::of(&Grid::of(plane, offset), FEW_BLOCKS);
        let modes = TELLING_MODES.map(|mode| fits.best(&histograms.modes[mode]).evidence);
        modes.iter().filter(|evidence| **evidence > MIN_EVIDENCE).sum::<f64>()
    };
    let origin = GridOffset::default();
    if evidence(origin) > 0.0 {
        return Some(origin);
    }
    let all = (0..64).map(|index| GridOffset { x: index % 8, y: index / 8 });
    all.map(|offset| (offset, evidence(offset)))
        .filter(|(_, evidence)| *evidence > 0.0)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(offset, _)| offset)
}

/// Values of the coefficients of each mode, and how often they occur.
struct Histograms {
    modes: Vec<Vec<(u32, u32)>>,
}

impl Histograms {
    /// Counts in bins of 1 / [`BINS`], without signs, those beyond the noise around zero.
    fn of(grid: &Grid<'_>, blocks: usize) -> Self {
        let dct = Dct::new();
        let mut bins: Vec<Vec<u16>> = vec![Vec::new(); 64];
        for block in grid.sample(blocks) {
            let coefficients: Block = dct.forward(&block);
            let noise = noise(&coefficients);
            for (bins, coefficient) in bins.iter_mut().zip(coefficients) {
                if coefficient.abs() > noise {
                    bins.push((coefficient.abs() * BINS).round() as u16);
                }
            }
        }
        Self { modes: bins.into_iter().map(count).collect() }
    }
}

/// Up to what size a coefficient of a block can be zero and the rounding of samples.
///
/// Rounding errors are independent in most blocks. In very smooth ones they repeat from row to
/// row or are symmetric: then they add up in some coefficients and cancel exactly in many.
pub(crate) fn noise(coefficients: &Block) -> f32 {
    let cancelled = coefficients.iter().filter(|coefficient| coefficient.abs() < 0.01).count();
    if cancelled < MANY_CANCELLED { NOISE } else { REPEATED_NOISE }
}

/// Sorts and counts.
fn count(mut values: Vec<u16>) -> Vec<(u32, u32)> {
    values.sort_unstable();
    values.chunk_by(|a, b| a == b).map(|same| (u32::from(same[0]), same.len() as u32)).collect()
}

/// A step and how much likelier it is than none, as a natural logarithm.
#[derive(Clone, Copy)]
struct Fit {
    step: u16,
    evidence: f64,
}

/// How well a distance to the next multiple fits each step.
struct Fits {
    /// By step; within, by distance in bins.
    gains: Vec<[f64; FAR]>,
}

impl Fits {
    /// The density of a coefficient on a lattice of step q is about q times a normal density
    /// around each multiple, against 1 without a lattice; a few outliers are allowed for.
    fn new() -> Self {
        let normal = |distance: f64| {
            (-0.5 * (distance / SIGMA).powi(2)).exp() / (SIGMA * std::f64::consts::TAU.sqrt())
        };
        let gain = |step: u16, bin: usize| {
            let on_lattice = f64::from(step) * normal(bin as f64 / f64::from(BINS));
            ((1.0 - OUTLIERS) * on_lattice + OUTLIERS).ln()
        };
        let steps = 0..=LARGEST_STEP;
        Self { gains: steps.map(|step| std::array::from_fn(|bin| gain(step, bin))).collect() }
    }

    fn best(&self, values: &[(u32, u32)]) -> Fit {
        let fits = (0..=LARGEST_STEP).map(|step| self.fit(step, values));
        let none = Fit { step: 1, evidence: 0.0 };
        fits.fold(none, |best, fit| if fit.evidence > best.evidence { fit } else { best })
    }

    /// Steps that are nearly as likely as the best, likeliest first.
    fn candidates(&self, values: &[(u32, u32)], best: Fit) -> Vec<u16> {
        let mut fits: Vec<Fit> = (0..=LARGEST_STEP).map(|step| self.fit(step, values)).collect();
        fits.retain(|fit| fit.evidence > best.evidence - DOUBTFUL);
        fits.sort_by(|a, b| b.evidence.total_cmp(&a.evidence));
        fits.iter().map(|fit| fit.step).take(MAX_CANDIDATES).collect()
    }

    fn fit(&self, step: u16, values: &[(u32, u32)]) -> Fit {
        let gains = &self.gains[usize::from(step)];
        let width = u32::from(step) * BINS as u32;
        let gain = |&(value, count): &(u32, u32)| {
            let rest = value.checked_rem(width).unwrap_or(u32::MAX);
            let distance = rest.min(width.abs_diff(rest)) as usize;
            f64::from(count) * gains[distance.min(FAR - 1)]
        };
        Fit { step, evidence: values.iter().map(gain).sum() }
    }
}

/// Bins in a unit of the coefficients.
const BINS: f32 = 8.0;
/// Distances from which on all are outliers, in bins.
const FAR: usize = 24;
/// Rounding samples adds noise of deviation 0.29 to each coefficient; a payload adds a little.
const SIGMA: f64 = 0.33;
/// More than five deviations.
const NOISE: f32 = 1.6;
/// Half a step in 64 samples, all in phase.
const REPEATED_NOISE: f32 = 4.0;
/// One or two of 64 are so small by chance.
const MANY_CANCELLED: usize = 8;
const OUTLIERS: f64 = 0.02;
/// One in e^12 by chance, at most times the 254 steps tried.
const MIN_EVIDENCE: f64 = 12.0;
/// The largest step of a baseline table.
const LARGEST_STEP: u16 = 255;
/// A step that is so much less likely, as a logarithm, can still be the real one.
const DOUBTFUL: f64 = 8.0;
const MAX_CANDIDATES: usize = 12;
const FEW_BLOCKS: usize = 512;
/// The lowest modes have the most coefficients other than zero, but in fine tables their steps are
/// 1; the next ones' are larger.
const TELLING_MODES: [usize; 14] = [1, 8, 9, 2, 16, 3, 24, 10, 17, 18, 4, 11, 25, 32];
