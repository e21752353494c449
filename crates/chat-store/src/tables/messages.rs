//! Tables `messages`, `conversations` and `heads`: the history.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::codec::{Fields, numbered, push_bytes, split_number};
use crate::engine::Range;
use crate::error::StoreError;
use crate::ids::Seq;
use crate::schema::{CONVERSATIONS, HEADS, MESSAGES};
use crate::txn::{OpenRow, ReadTxn, WriteTxn};

/// One row of the history.
#[derive(Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// Its place on the one number line.
    pub seq: Seq,
    /// The conversation that it belongs to; empty for the profile itself.
    pub conversation: Vec<u8>,
    /// What the caller stored. Secret: wiped when dropped.
    pub body: Zeroizing<Vec<u8>>,
}

/// The running account of one conversation: rows cannot vanish from it unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of its rows.
    pub count: u64,
    /// Its newest row.
    pub last: Seq,
    /// SHA-256 over the hash before it and the newest row's number; from 32 zeros.
    pub hash: [u8; 32],
}

impl Head {
    /// Before the first row.
    pub(crate) const EMPTY: Self = Self { count: 0, last: Seq::ZERO, hash: [0; 32] };

    pub(crate) fn with(self, seq: Seq) -> Self {
        let hash =
            Sha256::new().chain_update(self.hash).chain_update(seq.get().to_be_bytes()).finalize();
        Self { count: self.count.saturating_add(1), last: seq, hash: hash.into() }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        [&self.count.to_be_bytes()[..], &self.last.get().to_be_bytes(), &self.hash].concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let head = Self { count: fields.u64()?, last: fields.u64()?.into(), hash: fields.array()? };
        fields.end().map(|()| head)
    }
}

impl std::fmt::Debug for HistoryRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seq, conversation: _, body } = self;
        write!(f, "HistoryRow({seq}, {} bytes)", body.len())
    }
}

impl HistoryRow {
    pub(crate) fn decode(row: &OpenRow) -> Result<Self, StoreError> {
        let damaged = || StoreError::damaged("a row of the history");
        let (_, seq) = split_number(&row.key).ok_or_else(damaged)?;
        let mut fields = Fields(&row.value);
        let conversation = fields.bytes().ok_or_else(damaged)?.to_vec();
        Ok(Self { seq: seq.into(), conversation, body: Zeroizing::new(fields.rest().to_vec()) })
    }
}

impl ReadTxn<'_> {
    /// One row of the history.
    ///
    /// # Errors
    /// When it is damaged or the store cannot be read.
    pub fn history_get(&self, seq: Seq) -> Result<Option<HistoryRow>, StoreError> {
        let key = seq.get().to_be_bytes().to_vec();
        let value = self.value(&MESSAGES, &key)?;
        value.map(|value| HistoryRow::decode(&OpenRow { key, value })).transpose()
    }

    /// Rows behind `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn history_after(&self, after: Seq, limit: usize) -> Result<Vec<HistoryRow>, StoreError> {
        let Some(from) = after.get().checked_add(1) else { return Ok(Vec::new()) };
        let range = Range::all().starting_at(from.to_be_bytes().to_vec());
        self.rows(&MESSAGES, &range, limit)?.iter().map(HistoryRow::decode).collect()
    }

    /// Rows before `before` (`None`: from the newest), newest first, at most `limit`.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn history_before(
        &self,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        let mut range = Range::all().falling();
        if let Some(before) = before {
            range = range.ending_before(before.get().to_be_bytes().to_vec());
        }
        self.rows(&MESSAGES, &range, limit)?.iter().map(HistoryRow::decode).collect()
    }

    /// The same within one conversation.
    ///
    /// # Errors
    /// When a row is damaged, missing or of another conversation, when all rows are asked for and
    /// they are not those that its [`Head`] counts, or when the store cannot be read.
    pub fn history_of(
        &self,
        conversation: &[u8],
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        let prefix = self.conversation_key(conversation);
        let mut range = Range::prefix(&prefix).falling();
        if let Some(before) = before {
            range = range.ending_before(numbered(&prefix, before.get()));
        }
        let missing = || StoreError::damaged("a row of the history is missing");
        let keys = self.keys(&CONVERSATIONS, &range, limit)?;
        let counted = self.head_at(&prefix)?.map_or(0, |head| head.count);
        if before.is_none() && keys.len() < limit && keys.len() as u64 != counted {
            return Err(missing());
        }
        // The index is not sealed; the rows that it names are, and say where they belong.
        let rows = keys.into_iter().map(|key| {
            let (_, seq) = split_number(&key).ok_or_else(missing)?;
            let row = self.history_get(seq.into())?.ok_or_else(missing)?;
            if row.conversation == conversation { Ok(row) } else { Err(missing()) }
        });
        rows.collect()
    }

    /// The newest row's number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn history_last(&self) -> Result<Option<Seq>, StoreError> {
        let last = self.count(LAST_SEQ)?;
        Ok((last > 0).then(|| last.into()))
    }

    /// The running account of a conversation.
    ///
    /// # Errors
    /// When it is damaged or the store cannot be read.
    pub fn head(&self, conversation: &[u8]) -> Result<Option<Head>, StoreError> {
        self.head_at(&self.conversation_key(conversation))
    }

    fn head_at(&self, key: &[u8; 16]) -> Result<Option<Head>, StoreError> {
        if let Some(head) = self.pending.borrow().heads.get(key) {
            return Ok(Some(*head));
        }
        let value = self.value(&HEADS, key)?;
        value.map(|v| Head::decode(&v).ok_or_else(|| StoreError::damaged("a head"))).transpose()
    }

    fn conversation_key(&self, conversation: &[u8]) -> [u8; 16] {
        self.sealer.hide("conversation", &[conversation])
    }
}

impl WriteTxn<'_> {
    /// Appends a row and returns its place: the profile's next number.
    ///
    /// * `conversation` - what the row belongs to, at most 64 KiB; empty for the profile itself
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn history_append(&mut self, conversation: &[u8], body: &[u8]) -> Result<Seq, StoreError> {
        let seq = Seq::from(self.next_number(LAST_SEQ)?);
        self.put(&MESSAGES, &seq.get().to_be_bytes(), &row_value(conversation, body))?;
        let key = self.conversation_key(conversation);
        self.put_key(&CONVERSATIONS, &numbered(&key, seq.get()))?;
        let head = self.head_at(&key)?.unwrap_or(Head::EMPTY).with(seq);
        self.pending.borrow_mut().heads.insert(key, head);
        Ok(seq)
    }

    /// Puts a row where one is gone; indexes and heads are made anew afterwards.
    pub(crate) fn history_fill(&mut self, seq: Seq, body: &[u8]) -> Result<(), StoreError> {
        self.put(&MESSAGES, &seq.get().to_be_bytes(), &row_value(b"", body))
    }

    /// Replaces the body of a row, such as that of a message that was withdrawn.
    ///
    /// # Errors
    /// When there is no such row, or the store cannot be written.
    pub fn history_replace(&mut self, seq: Seq, body: &[u8]) -> Result<(), StoreError> {
        let row =
            self.history_get(seq)?.ok_or_else(|| StoreError::damaged("no such history row"))?;
        self.put(&MESSAGES, &seq.get().to_be_bytes(), &row_value(&row.conversation, body))
    }

    pub(crate) fn write_heads(&self, heads: &HashMap<[u8; 16], Head>) -> Result<(), StoreError> {
        heads.iter().try_for_each(|(key, head)| self.put(&HEADS, key, &head.encode()))
    }
}

fn row_value(conversation: &[u8], body: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut value = Zeroizing::new(Vec::with_capacity(4 + conversation.len() + body.len()));
    push_bytes(&mut value, conversation);
    value.extend_from_slice(body);
    value
}

pub(crate) const LAST_SEQ: &[u8] = b"seq";
