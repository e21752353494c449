//! Planning pictures: which cover carries a message, and whether the result fits the topic.

use std::path::Path;
use std::time::{Duration, Instant};

use chat_stego::cover::{CoverError, SafeSizes, Severity};
use chat_stego::{CodecId, CoverId, EmbedError, StegoKey};
use chat_store::Store;
use rand::seq::SliceRandom;

use super::hidden::{HiddenCodec, embed};
use super::ledger::{CoverUse, Ledger, Load, conversation_id};
use super::source::{list, read_cover};
use super::{CoverSource, Hiding, Note, Ready};
use crate::carrier::picture_text_len;
use crate::conversation::Conversation;
use crate::error::SendError;
use crate::outbox::RECORD_OVERHEAD;
use crate::random;

/// Chooses and prepares covers.
pub(crate) struct Planner<'a> {
    store: &'a Store,
    max_picture: usize,
    ledger: Option<Ledger>,
    /// Covers that were planned since the ledger was written.
    taken: Vec<[u8; 32]>,
}

/// A cover that was chosen, with what is to be said about it.
pub(crate) struct Plan {
    pub(crate) cover: Ready,
    pub(crate) notes: Vec<Note>,
    /// What the ledger will say, but for the message's place.
    pub(crate) used: CoverUse,
    /// How much the trial disturbed it, by its codec's measure.
    distortion: f64,
}

impl Plan {
    /// Which of two covers hides better: a JPEG, then the one that is disturbed less.
    fn is_better_than(&self, other: &Self) -> bool {
        let is_png = |plan: &Self| plan.cover.codec == HiddenCodec::PngHill;
        (is_png(self), self.distortion) < (is_png(other), other.distortion)
    }
}

/// What is to be hidden.
pub(crate) struct Cargo<'a> {
    pub(crate) envelope_len: usize,
    pub(crate) conversation: &'a Conversation,
    pub(crate) key: &'a StegoKey,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(store: &'a Store, max_record: u32) -> Self {
        let max_picture = max_picture(max_record);
        Self { store, max_picture, ledger: None, taken: Vec::new() }
    }

    /// Finds a cover.
    pub(crate) fn plan(&mut self, hiding: &Hiding, cargo: &Cargo<'_>) -> Result<Plan, SendError> {
        if self.ledger.is_none() {
            self.ledger = Some(self.store.read(Ledger::read)?);
        }
        let plan = match &hiding.cover {
            CoverSource::Bytes(bytes) => self.prepare(bytes, None, hiding, cargo)?,
            CoverSource::File(path) => {
                self.prepare(&read_cover(path)?, Some(path), hiding, cargo)?
            }
            CoverSource::Folder(folder) => self.choose(folder, hiding, cargo)?,
        };
        self.taken.push(*plan.cover.id.as_bytes());
        if let Some(ledger) = &mut self.ledger {
            ledger.planned.push(plan.used.clone());
        }
        Ok(plan)
    }

    fn prepare(
        &self,
        bytes: &[u8],
        path: Option<&Path>,
        hiding: &Hiding,
        cargo: &Cargo<'_>,
    ) -> Result<Plan, SendError> {
        let failed = |source| SendError::Cover { path: path.map(Path::to_owned), source };
        let cover = self.ready(bytes, hiding, cargo).map_err(failed)?;
        if !hiding.insists {
            let refused = cover.findings(Severity::Refuse).next();
            if let Some(finding) = refused {
                return Err(SendError::CoverRefused { path: path.map(Path::to_owned), finding });
            }
        }
        let mut notes = self.notes(&cover)?;
        if notes.contains(&Note::CoverReused) && !self.may_reuse(&cover, hiding) {
            return Err(SendError::CoverReused { path: path.map(Path::to_owned) });
        }
        let distortion = self.measure(&cover, (path, hiding), cargo, &mut notes)?;
        let load = cover.elements().map(|(kind, count)| Load::new(kind, count, cargo.envelope_len));
        let used = CoverUse {
            history: 0,
            likeness: cover.likeness.as_ref().map(|likeness| *likeness.as_bytes()),
            conversation: conversation_id(cargo.conversation),
            load,
        };
        Ok(Plan { cover, notes, used, distortion })
    }

    /// Whether a second use of a cover is no more than a warning: `lsb-compat` hides nothing anyway.
    fn may_reuse(&self, cover: &Ready, hiding: &Hiding) -> bool {
        hiding.insists || cover.codec == HiddenCodec::LsbCompat
    }

    fn ready(&self, bytes: &[u8], hiding: &Hiding, cargo: &Cargo<'_>) -> Result<Ready, CoverError> {
        match hiding.codec {
            Some(CodecId::LsbCompat) => {
                Ready::lsb(bytes, picture_text_len(cargo.envelope_len), self.max_picture)
            }
            codec => Ready::hidden(bytes, codec, &hiding.options(), self.max_picture),
        }
    }

    fn notes(&self, cover: &Ready) -> Result<Vec<Note>, SendError> {
        let mut notes = Vec::new();
        if let Some(from) = cover.scaled_from {
            let to = cover.size;
            notes.push(match cover.codec {
                HiddenCodec::LsbCompat => Note::CoverScaled { from, to },
                _ => Note::CoverPrepared { from, to },
            });
        }
        if self.is_used(cover)? {
            notes.push(Note::CoverReused);
        }
        if cover.lost_history {
            notes.push(Note::ProvenanceStripped);
        }
        notes.extend(cover.findings(Severity::Warn).map(Note::CoverDoubtful));
        Ok(notes)
    }

    fn is_used(&self, cover: &Ready) -> Result<bool, SendError> {
        let looks_used = match (&self.ledger, &cover.likeness) {
            (Some(ledger), Some(likeness)) => ledger.knows(likeness),
            _ => false,
        };
        Ok(looks_used || self.is_taken(cover.id.as_bytes())?)
    }

    fn is_taken(&self, id: &[u8; 32]) -> Result<bool, SendError> {
        Ok(self.taken.contains(id) || self.store.read(|tx| tx.cover_used(id))?)
    }

    /// Checks how much the cover would carry, and that it really does: random bytes are hidden in it.
    fn measure(
        &self,
        cover: &Ready,
        (path, hiding): (Option<&Path>, &Hiding),
        cargo: &Cargo<'_>,
        notes: &mut Vec<Note>,
    ) -> Result<f64, SendError> {
        let Some((element, elements)) = cover.elements() else { return Ok(0.0) };
        let hidden = cargo.envelope_len;
        let sizes = match &self.ledger {
            Some(ledger) => ledger.sizes(cargo.conversation, element, elements),
            None => return Ok(0.0),
        };
        let alone = SafeSizes::of(element, elements);
        if hidden > alone.max {
            let source = CoverError::TooSmall { needed: hidden, available: alone.max };
            return Err(SendError::Cover { path: path.map(Path::to_owned), source });
        }
        // What the conversation has carried before is a reason to warn, not to fall silent.
        if hidden > alone.caution && !hiding.insists {
            let (path, caution) = (path.map(Path::to_owned), alone.caution);
            return Err(SendError::BeyondCaution { path, hidden, caution });
        }
        if hidden > sizes.comfort {
            notes.push(Note::BeyondComfort { hidden, comfort: sizes.comfort });
        }
        let trial = random::some(&mut rand::rng(), hidden);
        let picture = embed(cover.codec, &trial, &cover.file, cargo.key)?;
        let (size, limit) = (picture.file.len(), self.max_picture);
        if size > limit {
            let source = EmbedError::FileTooLarge { size, limit };
            return Err(SendError::Embed { path: path.map(Path::to_owned), source });
        }
        Ok(picture.distortion)
    }

    /// The best of a few fitting, unused images of a folder, taken at random: always choosing among all would
    /// send the same kind of picture for ever.
    fn choose(&self, folder: &Path, hiding: &Hiding, cargo: &Cargo<'_>) -> Result<Plan, SendError> {
        let mut paths = list(folder)?;
        paths.shuffle(&mut rand::rng());
        let (mut used, mut unfit, mut fitting) = (0, 0, 0);
        let mut best: Option<Plan> = None;
        let begun = Instant::now();
        for path in &paths {
            if best.is_some() && (fitting >= MOST_TRIED || begun.elapsed() >= LONG_ENOUGH) {
                break;
            }
            match self.unused(path, hiding, cargo)? {
                Tried::Fits(plan) => {
                    fitting += 1;
                    if best.as_ref().is_none_or(|best| plan.is_better_than(best)) {
                        best = Some(*plan);
                    }
                }
                Tried::Used => used += 1,
                Tried::Unfit => unfit += 1,
            }
        }
        best.ok_or_else(|| SendError::NoCoverLeft { folder: folder.to_owned(), used, unfit })
    }

    /// Tries one image of a folder.
    fn unused(&self, path: &Path, hiding: &Hiding, cargo: &Cargo<'_>) -> Result<Tried, SendError> {
        let Ok(bytes) = read_cover(path) else { return Ok(Tried::Unfit) };
        if self.is_taken(CoverId::of(&bytes).as_bytes())? {
            return Ok(Tried::Used);
        }
        match self.prepare(&bytes, Some(path), hiding, cargo) {
            Ok(plan) if plan.notes.contains(&Note::CoverReused) => Ok(Tried::Used),
            Err(SendError::CoverReused { .. }) => Ok(Tried::Used),
            Ok(plan) => Ok(Tried::Fits(Box::new(plan))),
            Err(
                SendError::Cover { .. }
                | SendError::CoverRefused { .. }
                | SendError::BeyondCaution { .. }
                | SendError::Embed { .. },
            ) => Ok(Tried::Unfit),
            Err(error) => Err(error),
        }
    }
}

/// What became of an image of a folder.
enum Tried {
    Fits(Box<Plan>),
    Used,
    Unfit,
}

/// Bytes that a finished picture may have in a topic whose records have at most `max_record`.
pub(crate) fn max_picture(max_record: u32) -> usize {
    usize::try_from(max_record).unwrap_or(usize::MAX).saturating_sub(RECORD_OVERHEAD)
}

/// So many fitting images are compared at most.
const MOST_TRIED: u32 = 8;

/// Once one fits, no other is looked at after this time: photos that are still to be prepared take long.
const LONG_ENOUGH: Duration = Duration::from_secs(1);
