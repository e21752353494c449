//! The ledger of covers: what was used, what it looked like and how much it carried.

use chat_stego::cover::{Element, Likeness, SafeSizes, Sent, Total};
use chat_store::{ReadTxn, Seq};
use serde::{Deserialize, Serialize};

use crate::conversation::Conversation;
use crate::error::SendError;
use crate::hash::sha256;
use crate::history_row::{decode, encode};

/// One use of a cover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CoverUse {
    /// The message that it carries, in the history.
    pub(crate) history: u64,
    /// What it looked like, if its codec asks.
    pub(crate) likeness: Option<[u8; 32]>,
    /// Which conversation it was for: a hash of its name.
    pub(crate) conversation: [u8; 32],
    /// What was hidden in it; nothing for `lsb-compat`, which hides nothing from a detector.
    pub(crate) load: Option<Load>,
}

/// What a picture carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Load {
    is_jpeg: bool,
    elements: u64,
    bits: u64,
}

impl Load {
    pub(crate) fn new(element: Element, elements: u64, bytes: usize) -> Self {
        let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8);
        Self { is_jpeg: element == Element::NonzeroAc, elements, bits }
    }
}

impl CoverUse {
    /// A picture that somebody else has sent: it counts for no conversation's load.
    pub(crate) fn received(history: Seq, likeness: Option<Likeness>) -> Self {
        let likeness = likeness.map(|likeness| *likeness.as_bytes());
        Self { history: history.get(), likeness, conversation: [0; 32], load: None }
    }

    /// Takes over what the same cover has carried before in the same conversation.
    pub(crate) fn after(mut self, before: Option<&[u8]>) -> Self {
        let before: Option<Self> = before.and_then(|row| decode(row).ok());
        let before = before.filter(|before| before.conversation == self.conversation);
        if let (Some(load), Some(earlier)) = (&mut self.load, before.and_then(|b| b.load)) {
            load.bits = load.bits.saturating_add(earlier.bits);
            load.elements = load.elements.saturating_add(earlier.elements);
        }
        self
    }

    pub(crate) fn to_bytes(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, SendError> {
        Ok(encode(self)?)
    }
}

/// The name of a conversation in the ledger.
pub(crate) fn conversation_id(conversation: &Conversation) -> [u8; 32] {
    sha256(&[&conversation.encode()])
}

/// All uses, and the covers that were planned since they were written.
pub(crate) struct Ledger {
    uses: Vec<CoverUse>,
    /// Uses of covers from before the ledger had more than their names.
    pub(crate) planned: Vec<CoverUse>,
}

impl Ledger {
    /// Reads the whole ledger: a row of about 120 bytes for each picture that was sent.
    pub(crate) fn read(tx: &ReadTxn<'_>) -> Result<Self, SendError> {
        let mut uses = Vec::new();
        for row in tx.cover_uses()? {
            // Older rows hold the message's number alone.
            if row.len() > OLD_ROW {
                uses.push(decode(&row).map_err(|error| error.in_table("covers", 0))?);
            }
        }
        Ok(Self { uses, planned: Vec::new() })
    }

    /// Whether a picture that looks like this was used.
    pub(crate) fn knows(&self, likeness: &Likeness) -> bool {
        let seen = self.uses.iter().chain(&self.planned).filter_map(|used| used.likeness);
        seen.map(Likeness::from_bytes).any(|seen| seen.is_same_picture(likeness))
    }

    /// How much a picture may carry after all that this conversation's pictures have carried.
    pub(crate) fn sizes(
        &self,
        conversation: &Conversation,
        element: Element,
        elements: u64,
    ) -> SafeSizes {
        let name = conversation_id(conversation);
        let mut sent = Sent::default();
        let mine = self.uses.iter().chain(&self.planned).filter(|u| u.conversation == name);
        for load in mine.filter_map(|used| used.load) {
            let total: &mut Total = if load.is_jpeg { &mut sent.jpeg } else { &mut sent.png };
            total.elements = total.elements.saturating_add(load.elements);
            total.bits = total.bits.saturating_add(load.bits);
        }
        SafeSizes::left(&sent, element, elements)
    }
}

/// Bytes of a row of the first version.
const OLD_ROW: usize = 8;
