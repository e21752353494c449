//! Searching a folder: for one picture that carries a text, or for several that share it.

use std::path::Path;
use std::time::{Duration, Instant};

use chat_stego::CoverId;
use chat_stego::cover::{SafeSizes, split_sizes};
use rand::seq::SliceRandom;

use super::planner::{Plan, Planner, Share, Vetted};
use super::source::{list, read_cover};
use super::{Cargo, Hiding, Note};
use crate::content::Part;
use crate::error::SendError;

/// The search of one folder.
pub(super) struct Search<'a> {
    planner: &'a Planner<'a>,
    hiding: &'a Hiding,
    cargo: &'a Cargo<'a>,
    /// The best picture that carries the text alone.
    best: Option<Plan>,
    fitting: u32,
    /// Good covers that are too small for the whole text.
    small: Vec<Small>,
    used: usize,
    unfit: usize,
}

/// A good cover that is too small for the whole text.
struct Small {
    vetted: Vetted,
    /// The longest piece of text that it carries in comfort, and the longest that it carries at all; bytes.
    comfort: usize,
    most: usize,
}

/// How much is hidden in each of several pictures.
#[derive(Clone, Copy)]
enum Band {
    Comfort,
    Most,
}

impl<'a> Search<'a> {
    pub(super) fn new(planner: &'a Planner<'a>, hiding: &'a Hiding, cargo: &'a Cargo<'a>) -> Self {
        let (best, small) = (None, Vec::new());
        Self { planner, hiding, cargo, best, fitting: 0, small, used: 0, unfit: 0 }
    }

    /// The best of a few fitting, unused images, taken at random: always choosing among all would send the same
    /// kind of picture for ever. If none carries the text, it is shared among as few as carry it in comfort;
    /// if all together do not, among those that carry it prudently.
    pub(super) fn run(mut self, folder: &Path) -> Result<Vec<Share>, SendError> {
        let mut paths = list(folder)?;
        paths.shuffle(&mut rand::rng());
        let begun = Instant::now();
        for path in &paths {
            let is_enough = self.fitting >= MOST_TRIED || begun.elapsed() >= LONG_ENOUGH;
            if self.best.is_some() && is_enough {
                break;
            }
            self.look_at(path)?;
            if self.best.is_none()
                && let Some(shares) = self.share(Band::Comfort)?
            {
                return Ok(shares);
            }
        }
        if let Some(plan) = self.best.take() {
            return Ok(vec![Share { plan, bytes: 0..self.cargo.text_len }]);
        }
        if let Some(shares) = self.share(Band::Most)? {
            return Ok(shares);
        }
        let (folder, pictures) = (folder.to_owned(), self.small.len());
        let room = self.small.iter().map(|small| small.most).sum();
        Err(match pictures {
            0 => SendError::NoCoverLeft { folder, used: self.used, unfit: self.unfit },
            _ => SendError::TooFewCovers { folder, pictures, room, len: self.cargo.text_len },
        })
    }

    /// Looks at one image.
    fn look_at(&mut self, path: &Path) -> Result<(), SendError> {
        let Ok(bytes) = read_cover(path) else {
            self.unfit += 1;
            return Ok(());
        };
        if self.planner.is_taken(CoverId::of(&bytes).as_bytes())? {
            self.used += 1;
            return Ok(());
        }
        let whole = (self.hiding, self.cargo.envelope_len()?);
        match self.planner.vet(&bytes, Some(path), whole) {
            Ok(vetted) if vetted.notes.contains(&Note::CoverReused) || self.looks_held(&vetted) => {
                self.used += 1;
            }
            Ok(vetted) => self.take(vetted, path)?,
            Err(error) => self.pass_over(error)?,
        }
        Ok(())
    }

    /// Whether another image that was looked at shows the same.
    fn looks_held(&self, vetted: &Vetted) -> bool {
        let likeness = vetted.cover.likeness.as_ref();
        let mut held = self.small.iter().filter_map(|small| small.vetted.cover.likeness.as_ref());
        likeness.is_some_and(|likeness| held.any(|held| held.is_same_picture(likeness)))
    }

    /// Plans the whole text in a cover, or keeps it for a piece.
    fn take(&mut self, vetted: Vetted, path: &Path) -> Result<(), SendError> {
        let envelope_len = self.cargo.envelope_len()?;
        if let Some((element, count)) = vetted.cover.elements() {
            let safe = SafeSizes::of(element, count);
            let most = if self.hiding.insists { safe.max } else { safe.caution };
            if envelope_len > most {
                let comfort = self.cargo.longest_piece(safe.comfort);
                let most = self.cargo.longest_piece(most);
                if most == 0 || self.small.len() >= Part::MOST {
                    self.unfit += 1;
                } else {
                    self.small.push(Small { vetted, comfort, most });
                }
                return Ok(());
            }
        }
        match self.planner.fill(vetted, Some(path), (self.hiding, envelope_len), self.cargo) {
            Ok(plan) => {
                self.fitting += 1;
                if self.best.as_ref().is_none_or(|best| plan.is_better_than(best)) {
                    self.best = Some(plan);
                }
            }
            Err(error) => self.pass_over(error)?,
        }
        Ok(())
    }

    /// Goes on to the next image, if it is the image that is at fault.
    fn pass_over(&mut self, error: SendError) -> Result<(), SendError> {
        match error {
            SendError::CoverReused { .. } => self.used += 1,
            SendError::Cover { .. }
            | SendError::CoverRefused { .. }
            | SendError::BeyondCaution { .. }
            | SendError::Embed { .. } => self.unfit += 1,
            error => return Err(error),
        }
        Ok(())
    }

    /// Shares the text among the small covers, in proportion to what each carries safely; `None` if they do not
    /// carry it. A cover that fails is let go.
    fn share(&mut self, band: Band) -> Result<Option<Vec<Share>>, SendError> {
        loop {
            let room: Vec<usize> = self.small.iter().map(|small| small.room(band)).collect();
            let Some(sizes) = split_sizes(self.cargo.text_len, &room) else { return Ok(None) };
            match self.fill_all(&sizes)? {
                Ok(shares) => return Ok(Some(shares)),
                Err(place) => {
                    self.small.remove(place);
                    self.unfit += 1;
                }
            }
        }
    }

    /// Plans a piece in each cover, or tells which cover does not take its piece.
    fn fill_all(&mut self, sizes: &[usize]) -> Result<Result<Vec<Share>, usize>, SendError> {
        let mut shares = Vec::new();
        let mut start = 0;
        for (place, (small, &size)) in self.small.iter().zip(sizes).enumerate() {
            if size == 0 {
                continue;
            }
            let piece = (self.hiding, self.cargo.piece_len(size)?);
            match self.planner.fill(small.vetted.clone(), None, piece, self.cargo) {
                Ok(plan) => shares.push(Share { plan, bytes: start..start + size }),
                Err(SendError::Embed { .. }) => return Ok(Err(place)),
                Err(error) => return Err(error),
            }
            start += size;
        }
        Ok(Ok(shares))
    }
}

impl Small {
    fn room(&self, band: Band) -> usize {
        match band {
            Band::Comfort => self.comfort,
            Band::Most => self.most,
        }
    }
}

/// So many fitting images are compared at most.
const MOST_TRIED: u32 = 8;

/// Once one fits, no other is looked at after this time: photos that are still to be prepared take long.
const LONG_ENOUGH: Duration = Duration::from_secs(1);
