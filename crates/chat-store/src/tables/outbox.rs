//! Tables `outbox`, `waiting` and `resting`: what is on its way, in which order for each mailbox, and
//! what has arrived but may have to be sent again.
//!
//! Rows that are pushed together lie in one block; `waiting` and `resting` mark which of a block's rows
//! are on their way, and which have arrived. A row with neither mark is gone, and a block goes with its
//! last mark.

mod block;
mod change;
mod whole;

use zeroize::Zeroizing;

use self::block::{Block, Marks};
use crate::codec::{Fields, numbered, split_number};
use crate::engine::{Range, after};
use crate::error::StoreError;
use crate::ids::OutboxId;
use crate::schema::{OUTBOX, RESTING, WAITING};
use crate::txn::{OpenRow, ReadTxn};

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

/// The rows of a block that wait.
struct Waiting {
    first: u64,
    mailbox: [u8; 20],
    marks: Marks,
}

/// The rows of a block that rest.
struct Resting {
    /// Since when the last of them does, milliseconds since 1970.
    since_ms: i64,
    /// The length of their bodies together.
    bytes: u64,
    marks: Marks,
}

impl Waiting {
    fn decode(row: &OpenRow) -> Result<Self, StoreError> {
        let damaged = || StoreError::damaged("a mailbox of the outbox");
        let (_, first) = split_number(&row.key).ok_or_else(damaged)?;
        let mut fields = Fields(&row.value);
        let mailbox = fields.array().ok_or_else(damaged)?;
        let marks = fields.u64().map(Marks).ok_or_else(damaged)?;
        fields.end().ok_or_else(damaged)?;
        Ok(Self { first, mailbox, marks })
    }
}

impl Resting {
    fn decode(value: &[u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::damaged("a resting row of the outbox");
        let mut fields = Fields(value);
        let since_ms = fields.array().map(i64::from_be_bytes).ok_or_else(damaged)?;
        let bytes = fields.u64().ok_or_else(damaged)?;
        let marks = fields.u64().map(Marks).ok_or_else(damaged)?;
        fields.end().ok_or_else(damaged)?;
        Ok(Self { since_ms, bytes, marks })
    }

    fn encode(&self) -> [u8; 24] {
        let Self { since_ms, bytes, marks } = self;
        let mut value = [0; 24];
        let fields = [since_ms.to_be_bytes(), bytes.to_be_bytes(), marks.0.to_be_bytes()];
        value.as_chunks_mut::<8>().0.iter_mut().zip(fields).for_each(|(to, field)| *to = field);
        value
    }
}

impl ReadTxn<'_> {
    /// One row.
    ///
    /// # Errors
    /// When it is damaged or the store cannot be read.
    pub fn outbox_get(&self, id: OutboxId) -> Result<Option<OutboxRow>, StoreError> {
        let Some(mut block) = self.block_of(id)? else { return Ok(None) };
        let Some(place) = block.place(id.get()) else { return Ok(None) };
        let there = self.outbox_waits(&block.mailbox, id)? || self.rests(block.first, id)?;
        let body = there.then(|| block.bodies.swap_remove(place));
        Ok(body.map(|body| OutboxRow { id, mailbox: block.mailbox, body }))
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
        self.outbox_behind(mailbox, OutboxId::from(0), limit, max_bytes)
    }

    /// The oldest rows of a mailbox behind the row `after`, otherwise as [`outbox_oldest`](Self::outbox_oldest).
    ///
    /// # Errors
    /// When a row is damaged or missing, or the store cannot be read.
    pub fn outbox_behind(
        &self,
        mailbox: &[u8; 20],
        after: OutboxId,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let (mut rows, mut bytes) = (Vec::new(), 0_usize);
        let key = self.waiting_key(mailbox);
        // The block of the row may have more rows behind it.
        let begin = after.get().saturating_sub(BLOCK_ROWS);
        let mut range = Range::prefix(&key).starting_at(numbered(&key, begin));
        while let Some(waiting) = self.rows(&WAITING, &range, 1)?.pop() {
            for row in self.waiting_rows(&Waiting::decode(&waiting)?)? {
                if row.mailbox != *mailbox {
                    return Err(missing());
                }
                if row.id <= after {
                    continue;
                }
                bytes = bytes.saturating_add(row.body.len());
                if rows.len() >= limit || (bytes > max_bytes && !rows.is_empty()) {
                    return Ok(rows);
                }
                rows.push(row);
            }
            range = range.starting_at([waiting.key.as_slice(), &[0]].concat());
        }
        Ok(rows)
    }

    /// Shows every row that waits, a mailbox after the other, in each the oldest first.
    ///
    /// # Errors
    /// When a row is damaged or missing, the store cannot be read, or `visit` fails.
    pub fn outbox_each<E: From<StoreError>>(
        &self,
        mut visit: impl FnMut(OutboxRow) -> Result<(), E>,
    ) -> Result<(), E> {
        for waiting in self.all_waiting()? {
            self.waiting_rows(&waiting)?.into_iter().try_for_each(&mut visit)?;
        }
        Ok(())
    }

    /// Whether a row of a mailbox waits; one that rests does not.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn outbox_waits(&self, mailbox: &[u8; 20], id: OutboxId) -> Result<bool, StoreError> {
        let waiting = self.waiting_at(mailbox, id.get())?;
        Ok(waiting.is_some_and(|at| at.marks.has(Marks::one(at.first, id.get()))))
    }

    /// Which rows of a mailbox wait, of those between two numbers, both included; rising.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn outbox_waiting(
        &self,
        mailbox: &[u8; 20],
        (first, last): (OutboxId, OutboxId),
    ) -> Result<Vec<OutboxId>, StoreError> {
        let key = self.waiting_key(mailbox);
        let mut range = Range::prefix(&key);
        // The block of the first row may begin before it.
        range = range.starting_at(numbered(&key, first.get().saturating_sub(BLOCK_ROWS)));
        if let Some(next) = last.get().checked_add(1) {
            range = range.ending_before(numbered(&key, next));
        }
        let mut ids = Vec::new();
        for row in self.rows(&WAITING, &range, usize::MAX)? {
            let waiting = Waiting::decode(&row)?;
            ids.extend(waiting.marks.ids(waiting.first).map(OutboxId::from));
        }
        ids.retain(|id| (first..=last).contains(id));
        Ok(ids)
    }

    /// The numbers of all rows that wait, oldest first.
    ///
    /// # Errors
    /// When one is damaged or the store cannot be read.
    pub fn outbox_numbers(&self) -> Result<Vec<OutboxId>, StoreError> {
        let waiting = self.all_waiting()?;
        let mut ids: Vec<u64> = waiting.iter().flat_map(|at| at.marks.ids(at.first)).collect();
        ids.sort_unstable();
        Ok(ids.into_iter().map(OutboxId::from).collect())
    }

    /// The mailboxes that rows wait for.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn outbox_mailboxes(&self) -> Result<Vec<[u8; 20]>, StoreError> {
        let mut mailboxes = Vec::new();
        let mut range = Range::all();
        while let Some(row) = self.rows(&WAITING, &range, 1)?.pop() {
            mailboxes.push(Waiting::decode(&row)?.mailbox);
            let (prefix, _) = split_number(&row.key).ok_or_else(missing)?;
            let Some(next) = after(prefix) else { break };
            range = range.starting_at(next);
        }
        Ok(mailboxes)
    }

    /// The highest number of a mailbox's rows that may be on the log already: they are sent in the order
    /// of their numbers.
    ///
    /// # Errors
    /// When it is damaged or the store cannot be read.
    pub fn outbox_attempted(&self, mailbox: &[u8; 20]) -> Result<Option<OutboxId>, StoreError> {
        let Some(value) = self.meta_get(&attempted(mailbox))? else { return Ok(None) };
        let id =
            value.as_slice().try_into().map_err(|_| StoreError::damaged("a mailbox's mark"))?;
        Ok(Some(u64::from_be_bytes(id).into()))
    }

    fn waiting_key(&self, mailbox: &[u8; 20]) -> [u8; 16] {
        self.sealer.hide("mailbox", &[mailbox])
    }

    fn all_waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        self.rows(&WAITING, &Range::all(), usize::MAX)?.iter().map(Waiting::decode).collect()
    }

    /// The waiting rows of the only block of a mailbox that can hold a row.
    fn waiting_at(&self, mailbox: &[u8; 20], id: u64) -> Result<Option<Waiting>, StoreError> {
        let mut range = Range::prefix(&self.waiting_key(mailbox)).falling();
        if let Some(next) = id.checked_add(1) {
            range = range.ending_before(numbered(&self.waiting_key(mailbox), next));
        }
        self.rows(&WAITING, &range, 1)?.pop().map(|row| Waiting::decode(&row)).transpose()
    }

    fn waiting_rows(&self, waiting: &Waiting) -> Result<Vec<OutboxRow>, StoreError> {
        let mut block = self.block(waiting.first)?.ok_or_else(missing)?;
        let take = |id: u64| {
            let place = block.place(id).ok_or_else(missing)?;
            let body = block.bodies.get_mut(place).map(std::mem::take).ok_or_else(missing)?;
            Ok(OutboxRow { id: id.into(), mailbox: block.mailbox, body })
        };
        waiting.marks.ids(waiting.first).map(take).collect()
    }

    fn block(&self, first: u64) -> Result<Option<Block>, StoreError> {
        let value = self.value(&OUTBOX, &first.to_be_bytes())?;
        value.map(|value| Block::decode(first, &value)).transpose()
    }

    /// The block that a row is in, whether it waits, rests or is gone.
    fn block_of(&self, id: OutboxId) -> Result<Option<Block>, StoreError> {
        let mut range = Range::all().falling();
        if let Some(next) = id.get().checked_add(1) {
            range = range.ending_before(next.to_be_bytes().to_vec());
        }
        let Some(key) = self.keys(&OUTBOX, &range, 1)?.pop() else { return Ok(None) };
        let (_, first) = split_number(&key).ok_or_else(missing)?;
        if Marks::one(first, id.get()).is_empty() {
            return Ok(None);
        }
        let block = self.block(first)?;
        Ok(block.filter(|block| block.place(id.get()).is_some()))
    }

    fn resting(&self, first: u64) -> Result<Option<Resting>, StoreError> {
        let value = self.value(&RESTING, &first.to_be_bytes())?;
        value.map(|value| Resting::decode(&value)).transpose()
    }

    fn rests(&self, first: u64, id: OutboxId) -> Result<bool, StoreError> {
        let resting = self.resting(first)?;
        Ok(resting.is_some_and(|resting| resting.marks.has(Marks::one(first, id.get()))))
    }
}

fn missing() -> StoreError {
    StoreError::damaged("a row of the outbox is missing")
}

/// The name of a mailbox's mark.
fn attempted(mailbox: &[u8; 20]) -> String {
    let mut name = String::from("attempted/");
    mailbox.iter().for_each(|byte| name.push_str(&format!("{byte:02x}")));
    name
}

/// Rows that a block has at most.
const BLOCK_ROWS: u64 = Block::ROWS as u64;
const LAST_ID: &[u8] = b"outbox";
const RESTING_BYTES: &[u8] = b"resting bytes";
