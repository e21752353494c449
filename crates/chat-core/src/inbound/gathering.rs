//! Messages that come in several pieces, in any order: kept until they are whole.

use chat_store::{ReadTxn, WriteTxn};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::store::Marks;
use crate::content::{Content, Part};
use crate::error::ReceiveError;
use crate::hash::sha256;
use crate::history_row::{decode, encode};
use crate::item::Partial;
use crate::peer::Peer;

/// A piece that has come.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) content: &'a Content,
    pub(super) part: &'a Part,
    /// Whose signature it has: pieces of two people make no message.
    pub(super) signed_by: Option<[u8; 32]>,
}

/// What has come of a message so far.
#[derive(Serialize, Deserialize)]
pub(super) struct Gathering {
    /// The history row that shows it; `None` before the first piece is stored.
    pub(super) row: Option<u64>,
    /// The number of its first piece in the sender's stream.
    first: u64,
    /// For each piece, whether it has come.
    have: Vec<bool>,
    conflict: bool,
    broken_chain: bool,
}

impl Gathering {
    /// What has come of the message that a piece belongs to; `None` if the piece contradicts it, or makes
    /// something of it that is no text.
    pub(super) fn with(tx: &ReadTxn<'_>, piece: Piece<'_>) -> Result<Option<Self>, ReceiveError> {
        let Piece { content, part, .. } = piece;
        let first = content.number.saturating_sub(u64::from(part.index));
        let count = usize::from(part.count);
        let gathering = match tx.meta_get(&piece.name())? {
            Some(row) => decode(&row)?,
            None => {
                let have = vec![false; count];
                Self { row: None, first, have, conflict: false, broken_chain: false }
            }
        };
        let fits = gathering.first == first
            && gathering.have.len() == count
            && gathering.have.get(usize::from(part.index)) == Some(&false);
        if !fits {
            return Ok(None);
        }
        let is_last = gathering.have.iter().filter(|has| !**has).count() == 1;
        if is_last && gathering.text(tx, piece)?.is_none() {
            return Ok(None);
        }
        Ok(Some(gathering))
    }

    /// Notes that a piece has come.
    pub(super) fn take(&mut self, part: &Part, marks: Marks) {
        if let Some(has) = self.have.get_mut(usize::from(part.index)) {
            *has = true;
        }
        self.conflict |= marks.conflict;
        self.broken_chain |= marks.broken_chain;
    }

    /// What the history shows.
    pub(super) fn shown(&self, content: &Content, with: Peer) -> Partial {
        let numbered = (1_u32..).zip(&self.have);
        Partial {
            id: content.message_id,
            from: content.sender.clone(),
            with,
            pieces: u32::try_from(self.have.len()).unwrap_or(u32::MAX),
            missing: numbered.filter(|(_, has)| !**has).map(|(number, _)| number).collect(),
        }
    }

    /// What is to be said of the whole message.
    pub(super) fn marks(&self, last: Marks) -> Marks {
        Marks { conflict: self.conflict, broken_chain: self.broken_chain, ..last }
    }

    /// The text, once the last piece is here.
    pub(super) fn whole(
        &self,
        tx: &ReadTxn<'_>,
        last: Piece<'_>,
    ) -> Result<Option<Zeroizing<String>>, ReceiveError> {
        if self.have.iter().all(|has| *has) { self.text(tx, last) } else { Ok(None) }
    }

    /// All pieces in their order, of which `last` is not stored; `None` if they are no text.
    fn text(
        &self,
        tx: &ReadTxn<'_>,
        last: Piece<'_>,
    ) -> Result<Option<Zeroizing<String>>, ReceiveError> {
        let name = last.name();
        let mut text = Zeroizing::new(Vec::new());
        for index in 0..self.have.len() {
            if index == usize::from(last.part.index) {
                text.extend_from_slice(&last.part.piece);
            } else {
                let piece = tx.meta_get(&piece_name(&name, index))?;
                text.extend_from_slice(piece.as_deref().map_or(&[], Vec::as_slice));
            }
            if text.len() > Content::MAX_TEXT {
                return Ok(None);
            }
        }
        Ok(std::str::from_utf8(&text).ok().map(|text| Zeroizing::new(text.to_owned())))
    }

    /// Keeps a piece until the others are here.
    pub(super) fn keep(&self, tx: &mut WriteTxn<'_>, piece: Piece<'_>) -> Result<(), ReceiveError> {
        let (name, part) = (piece.name(), piece.part);
        tx.meta_put(&piece_name(&name, usize::from(part.index)), &part.piece)?;
        Ok(tx.meta_put(&name, &encode(self)?)?)
    }

    /// Nothing is kept of a message that is whole.
    pub(super) fn forget(
        &self,
        tx: &mut WriteTxn<'_>,
        piece: Piece<'_>,
    ) -> Result<(), ReceiveError> {
        let name = piece.name();
        for index in 0..self.have.len() {
            tx.meta_delete(&piece_name(&name, index))?;
        }
        Ok(tx.meta_delete(&name)?)
    }
}

impl Piece<'_> {
    /// What the store knows the message by; it hides names behind keyed hashes.
    fn name(&self) -> String {
        let Content { message_id, conversation, sender, stream_id, .. } = self.content;
        let parts: [&[u8]; 5] = [
            &conversation.encode(),
            sender.as_str().as_bytes(),
            &stream_id.0,
            message_id.as_bytes(),
            self.signed_by.as_ref().map_or(&[], |identity| identity.as_slice()),
        ];
        let hash: String = sha256(&parts).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("pieces/{hash}")
    }
}

fn piece_name(name: &str, index: usize) -> String {
    format!("{name}/{index}")
}

#[cfg(test)]
mod tests;
