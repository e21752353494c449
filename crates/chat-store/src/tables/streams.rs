//! Table `streams`: where our own messages of a conversation go on.

use crate::codec::Fields;
use crate::engine::Range;
use crate::error::StoreError;
use crate::schema::STREAMS;
use crate::txn::{ReadTxn, WriteTxn};

/// The end of our own stream in one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamTip {
    /// The next message's number.
    pub next: u64,
    /// The newest message's hash, which the next one names.
    pub prev: [u8; 32],
}

impl ReadTxn<'_> {
    /// The end of our own stream in a conversation.
    ///
    /// # Errors
    /// When it is damaged or the store cannot be read.
    pub fn stream_tip(&self, conversation: &[u8]) -> Result<Option<StreamTip>, StoreError> {
        let value = self.value(&STREAMS, &self.sealer.hide("stream tip", &[conversation]))?;
        let decode = |value: &[u8]| {
            let mut fields = Fields(value);
            let tip = StreamTip { next: fields.u64()?, prev: fields.array()? };
            fields.end().map(|()| tip)
        };
        value.map(|v| decode(&v).ok_or_else(|| StoreError::damaged("a stream's end"))).transpose()
    }
}

impl WriteTxn<'_> {
    /// Forgets the ends of all own streams: they begin anew.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn clear_stream_tips(&mut self) -> Result<(), StoreError> {
        for key in self.keys(&STREAMS, &Range::all(), usize::MAX)? {
            self.delete(&STREAMS, &key)?;
        }
        Ok(())
    }

    /// Moves the end of our own stream.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_stream_tip(
        &mut self,
        conversation: &[u8],
        tip: &StreamTip,
    ) -> Result<(), StoreError> {
        let value = [&tip.next.to_be_bytes()[..], &tip.prev].concat();
        self.put(&STREAMS, &self.sealer.hide("stream tip", &[conversation]), &value)
    }
}
