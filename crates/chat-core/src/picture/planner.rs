//! Planning pictures: which cover carries a message, and whether the result fits the topic.

use std::path::Path;

use chat_stego::cover::{CoverError, Severity};
use chat_stego::{EmbedError, StegoKey};
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
        self.measure(&cover, (path, hiding), cargo, &mut notes)?;
        let load = cover.elements().map(|(kind, count)| Load::new(kind, count, cargo.envelope_len));
        let used = CoverUse {
            history: 0,
            likeness: cover.likeness.as_ref().map(|likeness| *likeness.as_bytes()),
            conversation: conversation_id(cargo.conversation),
            load,
        };
        Ok(Plan { cover, notes, used })
    }

    fn ready(&self, bytes: &[u8], hiding: &Hiding, cargo: &Cargo<'_>) -> Result<Ready, CoverError> {
        match hiding.codec {
            Some(chat_stego::CodecId::LsbCompat) => {
                Ready::lsb(bytes, picture_text_len(cargo.envelope_len), self.max_picture)
            }
            codec => Ready::hidden(bytes, codec, self.max_picture),
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
    ) -> Result<(), SendError> {
        let Some((element, elements)) = cover.elements() else { return Ok(()) };
        let hidden = cargo.envelope_len;
        let sizes = match &self.ledger {
            Some(ledger) => ledger.sizes(cargo.conversation, element, elements),
            None => return Ok(()),
        };
        let alone = chat_stego::cover::SafeSizes::of(element, elements);
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
        if picture.len() > self.max_picture {
            let source = EmbedError::FileTooLarge { size: picture.len(), limit: self.max_picture };
            return Err(SendError::Embed { path: path.map(Path::to_owned), source });
        }
        Ok(())
    }

    /// Any fitting, unused image of a folder, at random.
    fn choose(&self, folder: &Path, hiding: &Hiding, cargo: &Cargo<'_>) -> Result<Plan, SendError> {
        let mut paths = list(folder)?;
        paths.shuffle(&mut rand::rng());
        let (mut used, mut unfit) = (0, 0);
        for path in &paths {
            let Ok(bytes) = read_cover(path) else {
                unfit += 1;
                continue;
            };
            if self.is_taken(chat_stego::CoverId::of(&bytes).as_bytes())? {
                used += 1;
                continue;
            }
            match self.prepare(&bytes, Some(path), hiding, cargo) {
                Ok(plan) if plan.notes.contains(&Note::CoverReused) => used += 1,
                Ok(plan) => return Ok(plan),
                Err(
                    SendError::Cover { .. }
                    | SendError::CoverRefused { .. }
                    | SendError::BeyondCaution { .. }
                    | SendError::Embed { .. },
                ) => unfit += 1,
                Err(error) => return Err(error),
            }
        }
        Err(SendError::NoCoverLeft { folder: folder.to_owned(), used, unfit })
    }
}

/// Bytes that a finished picture may have in a topic whose records have at most `max_record`.
pub(crate) fn max_picture(max_record: u32) -> usize {
    usize::try_from(max_record).unwrap_or(usize::MAX).saturating_sub(RECORD_OVERHEAD)
}
