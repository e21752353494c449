//! Table `seen`: which messages were received, by stream and number; never deleted.

use crate::codec::{Fields, numbered, split_number};
use crate::engine::Range;
use crate::error::StoreError;
use crate::ids::Seq;
use crate::schema::SEEN;
use crate::txn::{ReadTxn, WriteTxn};

/// The hidden name of one sender's stream in one conversation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamKey(pub(crate) [u8; 16]);

/// A message that claims a place in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenEntry {
    /// Its name.
    pub message_id: [u8; 16],
    /// The hash that its successor names.
    pub content_hash: [u8; 32],
    /// Its row in the history.
    pub history: Seq,
}

impl SeenEntry {
    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            message_id: fields.array()?,
            content_hash: fields.array()?,
            history: fields.u64()?.into(),
        })
    }
}

impl std::fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StreamKey")
    }
}

impl ReadTxn<'_> {
    /// The hidden name of a stream.
    pub fn stream_key(&self, conversation: &[u8], sender: &str, stream_id: &[u8; 16]) -> StreamKey {
        StreamKey(self.sealer.hide("stream", &[conversation, sender.as_bytes(), stream_id]))
    }

    /// The messages that claim a place, the first one first.
    ///
    /// # Errors
    /// When the row is damaged or the store cannot be read.
    pub fn seen(&self, stream: &StreamKey, number: u64) -> Result<Vec<SeenEntry>, StoreError> {
        let Some(value) = self.value(&SEEN, &numbered(&stream.0, number))? else {
            return Ok(Vec::new());
        };
        let mut fields = Fields(&value);
        let mut entries = Vec::new();
        while !fields.0.is_empty() {
            let entry = SeenEntry::decode(&mut fields);
            entries.push(entry.ok_or_else(|| StoreError::damaged("a seen mark"))?);
        }
        Ok(entries)
    }

    /// The highest number that was received of a stream.
    ///
    /// # Errors
    /// When the row is damaged or the store cannot be read.
    pub fn seen_highest(&self, stream: &StreamKey) -> Result<Option<u64>, StoreError> {
        // The value is opened because it vouches for its key.
        let rows = self.rows(&SEEN, &Range::prefix(&stream.0).falling(), 1)?;
        Ok(rows.first().and_then(|row| split_number(&row.key)).map(|(_, number)| number))
    }
}

impl WriteTxn<'_> {
    /// Sets the messages that claim a place.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_seen(
        &mut self,
        stream: &StreamKey,
        number: u64,
        entries: &[SeenEntry],
    ) -> Result<(), StoreError> {
        let mut value = Vec::with_capacity(entries.len() * 56);
        for entry in entries {
            value.extend_from_slice(&entry.message_id);
            value.extend_from_slice(&entry.content_hash);
            value.extend_from_slice(&entry.history.get().to_be_bytes());
        }
        self.put(&SEEN, &numbered(&stream.0, number), &value)
    }
}
