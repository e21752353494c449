//! Planning pictures: which cover carries a message, and whether the result fits the topic.

use std::ops::Range;
use std::path::Path;

use chat_stego::cover::{CoverError, SafeSizes, Severity};
use chat_stego::{CodecId, EmbedError};
use chat_store::Store;

use super::hidden::{HiddenCodec, embed};
use super::ledger::{CoverUse, Ledger, Load, conversation_id};
use super::search::Search;
use super::source::read_cover;
use super::{Cargo, CoverSource, Hiding, Note, Ready};
use crate::carrier::picture_text_len;
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
    pub(super) fn is_better_than(&self, other: &Self) -> bool {
        let is_png = |plan: &Self| plan.cover.codec == HiddenCodec::PngHill;
        (is_png(self), self.distortion) < (is_png(other), other.distortion)
    }
}

/// A picture with the part of the text that it carries.
pub(crate) struct Share {
    pub(crate) plan: Plan,
    pub(crate) bytes: Range<usize>,
}

/// A cover that nothing speaks against, whatever it will carry.
#[derive(Clone)]
pub(super) struct Vetted {
    pub(super) cover: Ready,
    pub(super) notes: Vec<Note>,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(store: &'a Store, max_record: u32) -> Self {
        let max_picture = max_picture(max_record);
        Self { store, max_picture, ledger: None, taken: Vec::new() }
    }

    /// Finds a cover for the text, or several.
    pub(crate) fn plan(
        &mut self,
        hiding: &Hiding,
        cargo: &Cargo<'_>,
    ) -> Result<Vec<Share>, SendError> {
        if self.ledger.is_none() {
            self.ledger = Some(self.store.read(Ledger::read)?);
        }
        let whole = |plan| vec![Share { plan, bytes: 0..cargo.text_len }];
        let shares = match &hiding.cover {
            CoverSource::Bytes(bytes) => whole(self.prepare(bytes, None, hiding, cargo)?),
            CoverSource::File(path) => {
                whole(self.prepare(&read_cover(path)?, Some(path), hiding, cargo)?)
            }
            CoverSource::Folder(folder) => Search::new(self, hiding, cargo).run(folder)?,
        };
        for share in &shares {
            self.taken.push(*share.plan.cover.id.as_bytes());
            if let Some(ledger) = &mut self.ledger {
                ledger.planned.push(share.plan.used.clone());
            }
        }
        Ok(shares)
    }

    fn prepare(
        &self,
        bytes: &[u8],
        path: Option<&Path>,
        hiding: &Hiding,
        cargo: &Cargo<'_>,
    ) -> Result<Plan, SendError> {
        let envelope_len = cargo.envelope_len()?;
        let vetted = self.vet(bytes, path, (hiding, envelope_len))?;
        self.fill(vetted, path, (hiding, envelope_len), cargo)
    }

    /// Makes a file into a cover, unless something speaks against it.
    pub(super) fn vet(
        &self,
        bytes: &[u8],
        path: Option<&Path>,
        (hiding, envelope_len): (&Hiding, usize),
    ) -> Result<Vetted, SendError> {
        let failed = |source| SendError::Cover { path: path.map(Path::to_owned), source };
        let cover = self.ready(bytes, hiding, envelope_len).map_err(failed)?;
        if !hiding.insists {
            let refused = cover.findings(Severity::Refuse).next();
            if let Some(finding) = refused {
                return Err(SendError::CoverRefused { path: path.map(Path::to_owned), finding });
            }
        }
        let notes = self.notes(&cover)?;
        if notes.contains(&Note::CoverReused) && !self.may_reuse(&cover, hiding) {
            return Err(SendError::CoverReused { path: path.map(Path::to_owned) });
        }
        Ok(Vetted { cover, notes })
    }

    /// Plans an envelope of `envelope_len` bytes in a cover.
    pub(super) fn fill(
        &self,
        vetted: Vetted,
        path: Option<&Path>,
        (hiding, envelope_len): (&Hiding, usize),
        cargo: &Cargo<'_>,
    ) -> Result<Plan, SendError> {
        let Vetted { cover, mut notes } = vetted;
        let distortion = self.measure(&cover, (path, hiding), (cargo, envelope_len), &mut notes)?;
        let load = cover.elements().map(|(kind, count)| Load::new(kind, count, envelope_len));
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

    fn ready(
        &self,
        bytes: &[u8],
        hiding: &Hiding,
        envelope_len: usize,
    ) -> Result<Ready, CoverError> {
        match hiding.codec {
            Some(CodecId::LsbCompat) => {
                Ready::lsb(bytes, picture_text_len(envelope_len), self.max_picture)
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

    pub(super) fn is_taken(&self, id: &[u8; 32]) -> Result<bool, SendError> {
        Ok(self.taken.contains(id) || self.store.read(|tx| tx.cover_used(id))?)
    }

    /// Checks how much the cover would carry, and that it really does: random bytes are hidden in it.
    fn measure(
        &self,
        cover: &Ready,
        (path, hiding): (Option<&Path>, &Hiding),
        (cargo, hidden): (&Cargo<'_>, usize),
        notes: &mut Vec<Note>,
    ) -> Result<f64, SendError> {
        let Some((element, elements)) = cover.elements() else { return Ok(0.0) };
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
}

/// Bytes that a finished picture may have in a topic whose records have at most `max_record`.
pub(crate) fn max_picture(max_record: u32) -> usize {
    usize::try_from(max_record).unwrap_or(usize::MAX).saturating_sub(RECORD_OVERHEAD)
}
