//! Tables `outbox` and `waiting`: what is on its way, and in which order for each mailbox.

use zeroize::Zeroizing;

use crate::codec::{Fields, numbered, split_number};
use crate::engine::{Range, after};
use crate::error::StoreError;
use crate::ids::OutboxId;
use crate::schema::{OUTBOX, WAITING};
use crate::txn::{OpenRow, ReadTxn, WriteTxn};

/// One row of the outbox.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its number; rising, never used twice.
    pub id: OutboxId,
    /// Where it goes.
    pub mailbox: [u8; 20],
    /// What the caller stored. Secret: wiped when dropped.
    pub body: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for OutboxRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, mailbox: _, body } = self;
        write!(f, "OutboxRow({id}, {} bytes)", body.len())
    }
}

impl OutboxRow {
    fn decode(row: &OpenRow) -> Result<Self, StoreError> {
        let damaged = || StoreError::damaged("a row of the outbox");
        let (_, id) = split_number(&row.key).ok_or_else(damaged)?;
        let mut fields = Fields(&row.value);
        let mailbox = fields.array().ok_or_else(damaged)?;
        Ok(Self { id: id.into(), mailbox, body: Zeroizing::new(fields.rest().to_vec()) })
    }
}

impl ReadTxn<'_> {
    /// One row.
    ///
    /// # Errors
    /// When it is damaged or the store cannot be read.
    pub fn outbox_get(&self, id: OutboxId) -> Result<Option<OutboxRow>, StoreError> {
        let key = id.get().to_be_bytes().to_vec();
        let value = self.value(&OUTBOX, &key)?;
        value.map(|value| OutboxRow::decode(&OpenRow { key, value })).transpose()
    }

    /// The oldest rows of a mailbox, oldest first: at most `limit` rows, and no further row once
    /// `max_bytes` are reached (the first is always given).
    ///
    /// # Errors
    /// When a row is damaged or missing, or the store cannot be read.
    pub fn outbox_oldest(
        &self,
        mailbox: &[u8; 20],
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let missing = || StoreError::damaged("a row of the outbox is missing");
        let (mut rows, mut bytes) = (Vec::new(), 0_usize);
        for key in self.keys(&WAITING, &Range::prefix(&self.waiting_key(mailbox)), limit)? {
            let (_, id) = split_number(&key).ok_or_else(missing)?;
            let row = self.outbox_get(id.into())?.ok_or_else(missing)?;
            if row.mailbox != *mailbox {
                return Err(missing());
            }
            bytes = bytes.saturating_add(row.body.len());
            if bytes > max_bytes && !rows.is_empty() {
                break;
            }
            rows.push(row);
        }
        Ok(rows)
    }

    /// All rows, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn outbox_all(&self, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        self.rows(&OUTBOX, &Range::all(), limit)?.iter().map(OutboxRow::decode).collect()
    }

    /// The mailboxes that rows wait for.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn outbox_mailboxes(&self) -> Result<Vec<[u8; 20]>, StoreError> {
        let damaged = || StoreError::damaged("a mailbox of the outbox");
        let mut mailboxes = Vec::new();
        let mut range = Range::all();
        while let Some(row) = self.rows(&WAITING, &range, 1)?.pop() {
            mailboxes.push(row.value.as_slice().try_into().map_err(|_| damaged())?);
            let (prefix, _) = split_number(&row.key).ok_or_else(damaged)?;
            let Some(next) = after(prefix) else { break };
            range = range.starting_at(next);
        }
        Ok(mailboxes)
    }

    fn waiting_key(&self, mailbox: &[u8; 20]) -> [u8; 16] {
        self.sealer.hide("mailbox", &[mailbox])
    }
}

impl WriteTxn<'_> {
    /// Adds a row behind all others.
    ///
    /// # Errors
    /// When the body is longer than 64 MiB or the store cannot be written.
    pub fn outbox_push(&mut self, mailbox: &[u8; 20], body: &[u8]) -> Result<OutboxId, StoreError> {
        let id = self.next_number(LAST_ID)?;
        self.put(&OUTBOX, &id.to_be_bytes(), &row_value(mailbox, body))?;
        self.put(&WAITING, &numbered(&self.waiting_key(mailbox), id), mailbox)?;
        Ok(id.into())
    }

    /// Replaces the body of a row; a row that is gone stays gone.
    ///
    /// # Errors
    /// When the body is longer than 64 MiB or the store cannot be written.
    pub fn outbox_replace(&mut self, id: OutboxId, body: &[u8]) -> Result<(), StoreError> {
        let Some(row) = self.outbox_get(id)? else { return Ok(()) };
        self.put(&OUTBOX, &id.get().to_be_bytes(), &row_value(&row.mailbox, body))
    }

    /// Takes a row out.
    ///
    /// # Errors
    /// When it is damaged or the store cannot be written.
    pub fn outbox_remove(&mut self, id: OutboxId) -> Result<(), StoreError> {
        let Some(row) = self.outbox_get(id)? else { return Ok(()) };
        self.delete(&WAITING, &numbered(&self.waiting_key(&row.mailbox), id.get()))?;
        self.delete(&OUTBOX, &id.get().to_be_bytes()).map(drop)
    }
}

fn row_value(mailbox: &[u8; 20], body: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut value = Zeroizing::new(Vec::with_capacity(20 + body.len()));
    value.extend_from_slice(mailbox);
    value.extend_from_slice(body);
    value
}

const LAST_ID: &[u8] = b"outbox";
