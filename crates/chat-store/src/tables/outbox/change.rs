//! What can be done to the rows of the outbox.

use zeroize::Zeroizing;

use super::block::{Block, Marks};
use super::{LAST_ID, RESTING_BYTES, Resting, Waiting, attempted, missing};
use crate::codec::{numbered, split_number};
use crate::engine::Range;
use crate::error::StoreError;
use crate::ids::OutboxId;
use crate::schema::{OUTBOX, RESTING, WAITING};
use crate::txn::WriteTxn;

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

    pub(super) fn set_waiting(
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

/// Blocks that are forgotten between two looks.
const FORGOTTEN_AT_ONCE: usize = 64;
