//! Tables `outbox`, `waiting` and `resting`: what is on its way, in which order for each mailbox, and
//! what has arrived but may have to be sent again.
//!
//! Rows that are pushed together lie in one block; `waiting` and `resting` mark which of a block's rows
//! are on their way, and which have arrived. A row with neither mark is gone, and a block goes with its
//! last mark.

mod block;
mod whole;

use zeroize::Zeroizing;

use self::block::{Block, Marks};
use crate::codec::{Fields, numbered, split_number};
use crate::engine::{Range, after};
use crate::error::StoreError;
use crate::ids::OutboxId;
use crate::schema::{OUTBOX, RESTING, WAITING};
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

impl WriteTxn<'_> {
    /// Adds a row behind all others.
    ///
    /// # Errors
    /// When the body is longer than 64 MiB or the store cannot be written.
    pub fn outbox_push(&mut self, mailbox: &[u8; 20], body: &[u8]) -> Result<OutboxId, StoreError> {
        Ok(self.outbox_push_all(mailbox, &[body])?.0)
    }

    /// Adds rows of one mailbox behind all others, in order: many together cost little more than one.
    ///
    /// Returns the first and the last number; those between follow one another. No rows at all take no number, and the
    /// first is one above the last.
    ///
    /// # Errors
    /// When a body is longer than 64 MiB or the store cannot be written.
    pub fn outbox_push_all<B: AsRef<[u8]>>(
        &mut self,
        mailbox: &[u8; 20],
        bodies: &[B],
    ) -> Result<(OutboxId, OutboxId), StoreError> {
        let before = self.count(LAST_ID)?;
        let (mut last, mut left) = (before, bodies);
        while !left.is_empty() {
            let (bodies, others) = left.split_at(Block::takes(left));
            let first = last.saturating_add(1);
            let value = Block::encode(mailbox, bodies);
            self.put(&OUTBOX, &first.to_be_bytes(), &value)?;
            self.set_waiting(mailbox, first, Marks::first(bodies.len()))?;
            last = last.saturating_add(u64::try_from(bodies.len()).unwrap_or(u64::MAX));
            left = others;
        }
        self.set_count(LAST_ID, last);
        Ok((before.saturating_add(1).into(), last.into()))
    }

    /// Replaces the body of a row; a row that is gone stays gone.
    ///
    /// # Errors
    /// When the body is longer than 64 MiB or the store cannot be written.
    pub fn outbox_replace(&mut self, id: OutboxId, body: &[u8]) -> Result<(), StoreError> {
        if self.outbox_get(id)?.is_none() {
            return Ok(());
        }
        let Some(mut block) = self.block_of(id)? else { return Ok(()) };
        let place = block.place(id.get()).and_then(|place| block.bodies.get_mut(place));
        if let Some(old) = place {
            *old = Zeroizing::new(body.to_vec());
        }
        let value = Block::encode(&block.mailbox, &block.bodies);
        self.put(&OUTBOX, &block.first.to_be_bytes(), &value)
    }

    /// Notes that rows up to this one may be on the log from now on.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn outbox_attempt(&mut self, mailbox: &[u8; 20], id: OutboxId) -> Result<(), StoreError> {
        if self.outbox_attempted(mailbox)?.is_some_and(|mark| mark >= id) {
            return Ok(());
        }
        self.meta_put(&attempted(mailbox), &id.get().to_be_bytes())
    }

    /// Lets rows of a mailbox rest: they have arrived, and their bodies are kept in case the log loses
    /// them. Rows that do not wait stay as they are.
    ///
    /// * `rows` - their numbers and the lengths of their bodies, in bytes
    /// * `now_ms` - the time, milliseconds since 1970
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn outbox_rest(
        &mut self,
        mailbox: &[u8; 20],
        rows: impl IntoIterator<Item = (OutboxId, u64)>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        // What arrived of the block that is looked at, and how long it is.
        let mut arrived: Option<(Waiting, Marks, u64)> = None;
        for (id, bytes) in rows {
            let id = id.get();
            let within = |at: &Waiting| at.marks.has(Marks::one(at.first, id));
            if !arrived.as_ref().is_some_and(|(waiting, ..)| within(waiting)) {
                self.block_rests(arrived.take(), now_ms)?;
                let waiting = self.waiting_at(mailbox, id)?.filter(within);
                arrived = waiting.map(|waiting| (waiting, Marks(0), 0));
            }
            if let Some((waiting, marks, length)) = &mut arrived {
                let one = Marks::one(waiting.first, id);
                if !marks.has(one) {
                    *length = length.saturating_add(bytes);
                }
                *marks = marks.with(one);
            }
        }
        self.block_rests(arrived, now_ms)
    }

    fn block_rests(
        &mut self,
        arrived: Option<(Waiting, Marks, u64)>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let Some((waiting, marks, bytes)) = arrived else { return Ok(()) };
        let Waiting { first, mailbox, marks: waited } = waiting;
        self.set_waiting(&mailbox, first, waited.without(marks))?;
        let nothing = Resting { since_ms: now_ms, bytes: 0, marks: Marks(0) };
        let before = self.resting(first)?.unwrap_or(nothing);
        let resting = Resting {
            since_ms: before.since_ms.max(now_ms),
            bytes: before.bytes.saturating_add(bytes),
            marks: before.marks.with(marks),
        };
        self.put(&RESTING, &first.to_be_bytes(), &resting.encode())?;
        self.set_count(RESTING_BYTES, self.count(RESTING_BYTES)?.saturating_add(bytes));
        Ok(())
    }

    /// Lets a resting row wait again, ahead of all younger ones; `false` if its body is gone.
    ///
    /// # Errors
    /// When it is damaged or the store cannot be written.
    pub fn outbox_requeue(&mut self, id: OutboxId) -> Result<bool, StoreError> {
        let Some(block) = self.block_of(id)? else { return Ok(false) };
        if !self.rests(block.first, id)? {
            return Ok(false);
        }
        self.no_longer_resting(&block, id.get())?;
        let waiting = self.marks_waiting(&block.mailbox, block.first)?;
        let marks = waiting.with(Marks::one(block.first, id.get()));
        self.set_waiting(&block.mailbox, block.first, marks)?;
        Ok(true)
    }

    /// Forgets the oldest resting rows: those that have rested since before `before_ms`, and as many
    /// more as it takes to keep `max_bytes` at most. Rows that were pushed together go together.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be written.
    pub fn outbox_forget(&mut self, before_ms: i64, max_bytes: u64) -> Result<(), StoreError> {
        // As a rule the oldest one stays, and one look is enough.
        let mut look = 1;
        loop {
            let rows = self.rows(&RESTING, &Range::all(), look)?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                let resting = Resting::decode(&row.value)?;
                if resting.since_ms >= before_ms && self.count(RESTING_BYTES)? <= max_bytes {
                    return Ok(());
                }
                let (_, first) = split_number(&row.key).ok_or_else(missing)?;
                self.delete(&RESTING, &row.key)?;
                let left = self.count(RESTING_BYTES)?.saturating_sub(resting.bytes);
                self.set_count(RESTING_BYTES, left);
                self.forget_block(first)?;
            }
            look = FORGOTTEN_AT_ONCE;
        }
    }

    /// Takes a row out.
    ///
    /// # Errors
    /// When it is damaged or the store cannot be written.
    pub fn outbox_remove(&mut self, id: OutboxId) -> Result<(), StoreError> {
        let Some(block) = self.block_of(id)? else { return Ok(()) };
        let one = Marks::one(block.first, id.get());
        if self.rests(block.first, id)? {
            self.no_longer_resting(&block, id.get())?;
        }
        let waiting = self.marks_waiting(&block.mailbox, block.first)?;
        if waiting.has(one) {
            self.set_waiting(&block.mailbox, block.first, waiting.without(one))?;
        }
        let rests = self.resting(block.first)?.is_some();
        if !rests && waiting.without(one).is_empty() {
            self.delete(&OUTBOX, &block.first.to_be_bytes())?;
        }
        Ok(())
    }

    fn marks_waiting(&self, mailbox: &[u8; 20], first: u64) -> Result<Marks, StoreError> {
        let waiting = self.waiting_at(mailbox, first)?.filter(|waiting| waiting.first == first);
        Ok(waiting.map_or(Marks(0), |waiting| waiting.marks))
    }

    fn set_waiting(
        &mut self,
        mailbox: &[u8; 20],
        first: u64,
        marks: Marks,
    ) -> Result<(), StoreError> {
        let key = numbered(&self.waiting_key(mailbox), first);
        if marks.is_empty() {
            return self.delete(&WAITING, &key).map(drop);
        }
        let mut value = [0; 28];
        let (place, mark) = value.split_at_mut(20);
        place.copy_from_slice(mailbox);
        mark.copy_from_slice(&marks.0.to_be_bytes());
        self.put(&WAITING, &key, &value)
    }

    fn no_longer_resting(&mut self, block: &Block, id: u64) -> Result<(), StoreError> {
        let Some(resting) = self.resting(block.first)? else { return Ok(()) };
        let body = block.place(id).and_then(|place| block.bodies.get(place));
        let marks = resting.marks.without(Marks::one(block.first, id));
        let bytes = match body {
            // With the last row goes all that was counted for the block.
            _ if marks.is_empty() => resting.bytes,
            Some(body) => u64::try_from(body.len()).unwrap_or(u64::MAX),
            None => 0,
        };
        let key = block.first.to_be_bytes();
        if marks.is_empty() {
            self.delete(&RESTING, &key)?;
        } else {
            let left = Resting { bytes: resting.bytes.saturating_sub(bytes), marks, ..resting };
            self.put(&RESTING, &key, &left.encode())?;
        }
        self.set_count(RESTING_BYTES, self.count(RESTING_BYTES)?.saturating_sub(bytes));
        Ok(())
    }

    /// Takes a block out that has no row left.
    fn forget_block(&mut self, first: u64) -> Result<(), StoreError> {
        let Some(block) = self.block(first)? else { return Ok(()) };
        if self.marks_waiting(&block.mailbox, first)?.is_empty() {
            self.delete(&OUTBOX, &first.to_be_bytes())?;
        }
        Ok(())
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

/// Blocks that are forgotten between two looks.
const FORGOTTEN_AT_ONCE: usize = 64;
/// Rows that a block has at most.
const BLOCK_ROWS: u64 = Block::ROWS as u64;
const LAST_ID: &[u8] = b"outbox";
const RESTING_BYTES: &[u8] = b"resting bytes";
