//! Making an outbox whole: one that an older version wrote, or one of which rows are gone.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::block::{Block, Marks};
use super::{BLOCK_ROWS, LAST_ID, RESTING_BYTES, Resting, Waiting};
use crate::codec::{Fields, split_number};
use crate::engine::Range;
use crate::error::StoreError;
use crate::schema::{OUTBOX, RESTING, WAITING};
use crate::txn::{OpenRow, WriteTxn};

impl WriteTxn<'_> {
    /// Makes blocks of one row of what a store of version 2 holds.
    pub(crate) fn outbox_into_blocks(&mut self) -> Result<(), StoreError> {
        self.rewrite(&OUTBOX, 2, |_, value| {
            let mut fields = Fields(value);
            let mailbox = fields.array()?;
            Some(Block::encode(&mailbox, &[fields.rest()]))
        })?;
        let marked = |_: &[u8], value: &[u8]| {
            Some(Zeroizing::new([value, &Marks::first(1).0.to_be_bytes()].concat()))
        };
        self.rewrite(&WAITING, 2, marked)?;
        self.rewrite(&RESTING, 2, marked)
    }

    /// Each row of the outbox waits or rests, and nothing points to a row that is gone; counters are made anew. A row of
    /// which it is not known whether it arrived waits.
    pub(crate) fn outbox_make_whole(&mut self) -> Result<(), StoreError> {
        let mut waited: BTreeMap<u64, Marks> = BTreeMap::new();
        for key in self.keys(&WAITING, &Range::all(), usize::MAX)? {
            let value = self.value(&WAITING, &key)?;
            if let Some(Ok(waiting)) =
                value.map(|value| Waiting::decode(&OpenRow { key: key.clone(), value }))
            {
                waited.insert(waiting.first, waiting.marks);
            }
            self.delete(&WAITING, &key)?;
        }
        let mut resting_bytes = 0_u64;
        for OpenRow { key, value } in self.rows(&RESTING, &Range::all(), usize::MAX)? {
            match (self.value(&OUTBOX, &key)?, Resting::decode(&value)) {
                (Some(_), Ok(resting)) => {
                    resting_bytes = resting_bytes.saturating_add(resting.bytes);
                }
                _ => drop(self.delete(&RESTING, &key)?),
            }
        }
        self.set_count(RESTING_BYTES, resting_bytes);
        let mut last = 0;
        for key in self.keys(&OUTBOX, &Range::all(), usize::MAX)? {
            let Some((_, first)) = split_number(&key) else { continue };
            let Some(block) = self.block(first)? else { continue };
            let all = Marks::first(block.bodies.len());
            let rest = self.resting(first)?.map_or(Marks(0), |resting| resting.marks);
            let waits = match waited.get(&first) {
                Some(waits) => Marks(waits.0 & all.0),
                None => all.without(rest),
            };
            self.set_waiting(&block.mailbox, first, waits)?;
            if waits.is_empty() && rest.is_empty() {
                self.delete(&OUTBOX, &key)?;
            }
            last = first.saturating_add(BLOCK_ROWS);
        }
        let counted = self.count(LAST_ID)?;
        // Where the counter is gone, numbers may have been given out that nothing here knows of.
        let beyond = if counted == 0 { UNKNOWN_IDS } else { 0 };
        self.set_count(LAST_ID, counted.max(last.saturating_add(beyond)));
        Ok(())
    }
}

/// Numbers that are passed over where nobody knows how many were given out.
const UNKNOWN_IDS: u64 = 1 << 32;
