//! Tables `outbox`, `waiting` and `resting`: what is on its way, in which order for each mailbox, and
//! what has arrived but may have to be sent again.

use zeroize::Zeroizing;

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

    /// Whether a row of a mailbox waits; one that rests does not.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn outbox_waits(&self, mailbox: &[u8; 20], id: OutboxId) -> Result<bool, StoreError> {
        let key = numbered(&self.waiting_key(mailbox), id.get());
        Ok(self.value(&WAITING, &key)?.is_some())
    }

    /// The numbers of all rows that wait, oldest first.
    ///
    /// # Errors
    /// When one is damaged or the store cannot be read.
    pub fn outbox_numbers(&self) -> Result<Vec<OutboxId>, StoreError> {
        let missing = || StoreError::damaged("a row of the outbox is missing");
        let keys = self.keys(&WAITING, &Range::all(), usize::MAX)?;
        let ids: Option<Vec<u64>> =
            keys.iter().map(|key| split_number(key).map(|(_, id)| id)).collect();
        let mut ids = ids.ok_or_else(missing)?;
        ids.sort_unstable();
        Ok(ids.into_iter().map(OutboxId::from).collect())
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

    /// Lets a row wait that is there.
    pub(crate) fn outbox_wait(&mut self, id: u64) -> Result<(), StoreError> {
        let Some(row) = self.outbox_get(id.into())? else { return Ok(()) };
        self.put(&WAITING, &numbered(&self.waiting_key(&row.mailbox), id), &row.mailbox)
    }

    /// Replaces the body of a row; a row that is gone stays gone.
    ///
    /// # Errors
    /// When the body is longer than 64 MiB or the store cannot be written.
    pub fn outbox_replace(&mut self, id: OutboxId, body: &[u8]) -> Result<(), StoreError> {
        let Some(row) = self.outbox_get(id)? else { return Ok(()) };
        self.put(&OUTBOX, &id.get().to_be_bytes(), &row_value(&row.mailbox, body))
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
        let prefix = self.waiting_key(mailbox);
        let mut resting = self.count(RESTING_BYTES)?;
        for (id, bytes) in rows {
            if !self.delete(&WAITING, &numbered(&prefix, id.get()))? {
                continue;
            }
            let value = [now_ms.to_be_bytes(), bytes.to_be_bytes()].concat();
            self.put(&RESTING, &id.get().to_be_bytes(), &value)?;
            resting = resting.saturating_add(bytes);
        }
        self.set_count(RESTING_BYTES, resting);
        Ok(())
    }

    /// Lets a resting row wait again, ahead of all younger ones; `false` if its body is gone.
    ///
    /// # Errors
    /// When it is damaged or the store cannot be written.
    pub fn outbox_requeue(&mut self, id: OutboxId) -> Result<bool, StoreError> {
        let key = id.get().to_be_bytes();
        let Some(resting) = self.value(&RESTING, &key)? else { return Ok(false) };
        let Some(row) = self.outbox_get(id)? else { return Ok(false) };
        self.no_longer_resting(&OpenRow { key: key.to_vec(), value: resting })?;
        self.put(&WAITING, &numbered(&self.waiting_key(&row.mailbox), id.get()), &row.mailbox)?;
        Ok(true)
    }

    /// Forgets the oldest resting rows: those that have rested since before `before_ms`, and as many
    /// more as it takes to keep `max_bytes` at most.
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
                let (since, _) = resting(&row)?;
                if since >= before_ms && self.count(RESTING_BYTES)? <= max_bytes {
                    return Ok(());
                }
                self.no_longer_resting(&row)?;
                self.delete(&OUTBOX, &row.key)?;
            }
            look = FORGOTTEN_AT_ONCE;
        }
    }

    fn no_longer_resting(&mut self, row: &OpenRow) -> Result<(), StoreError> {
        let (_, bytes) = resting(row)?;
        self.delete(&RESTING, &row.key)?;
        self.set_count(RESTING_BYTES, self.count(RESTING_BYTES)?.saturating_sub(bytes));
        Ok(())
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

/// The name of a mailbox's mark.
fn attempted(mailbox: &[u8; 20]) -> String {
    let mut name = String::from("attempted/");
    mailbox.iter().for_each(|byte| name.push_str(&format!("{byte:02x}")));
    name
}

/// Since when a row rests, and how many bytes it has.
fn resting(row: &OpenRow) -> Result<(i64, u64), StoreError> {
    let mut fields = Fields(&row.value);
    let since = fields.array().map(i64::from_be_bytes);
    since.zip(fields.u64()).ok_or_else(|| StoreError::damaged("a resting row of the outbox"))
}

/// Rows that are forgotten between two looks.
const FORGOTTEN_AT_ONCE: usize = 256;
pub(crate) const LAST_ID: &[u8] = b"outbox";
const RESTING_BYTES: &[u8] = b"resting bytes";
