//! Table `cursors`: how far each log was read.

use crate::codec::{Fields, push_bytes, push_maybe};
use crate::engine::Range;
use crate::error::StoreError;
use crate::schema::CURSORS;
use crate::tables::log_key;
use crate::txn::{OpenRow, ReadTxn, WriteTxn};

/// How far one partition's log was read, in one of its lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The topic's id: a topic that was made anew has another.
    pub topic_id: [u8; 16],
    /// Truncations that were seen; with the topic id it names the log's incarnation.
    pub truncations: u32,
    /// The next offset to read.
    pub next: u64,
    /// The newest leader epoch that was seen.
    pub leader_epoch: Option<u32>,
    /// Records that could not be read.
    pub unreadable: u64,
    /// The broker's time of the newest record, milliseconds since 1970.
    pub last_timestamp_ms: Option<i64>,
}

/// A cursor with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorRow {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The mailbox that lags behind its partition; `None` for the partition itself.
    pub mailbox: Option<[u8; 16]>,
    /// How far it was read.
    pub cursor: Cursor,
}

impl CursorRow {
    fn encode(&self) -> Vec<u8> {
        let Self { topic, partition, mailbox, cursor } = self;
        let mut value = Vec::new();
        push_bytes(&mut value, topic.as_bytes());
        value.extend_from_slice(&partition.to_be_bytes());
        push_bytes(&mut value, mailbox.as_ref().map_or(&[], |tag| tag.as_slice()));
        value.extend_from_slice(&cursor.topic_id);
        value.extend_from_slice(&cursor.truncations.to_be_bytes());
        value.extend_from_slice(&cursor.next.to_be_bytes());
        push_maybe(&mut value, cursor.leader_epoch.map(u64::from));
        value.extend_from_slice(&cursor.unreadable.to_be_bytes());
        push_maybe(&mut value, cursor.last_timestamp_ms.map(i64::cast_unsigned));
        value
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let topic = fields.text()?;
        let partition = fields.u32()?;
        let mailbox = match fields.bytes()? {
            [] => None,
            tag => Some(tag.try_into().ok()?),
        };
        let cursor = Cursor {
            topic_id: fields.array()?,
            truncations: fields.u32()?,
            next: fields.u64()?,
            leader_epoch: match fields.maybe()? {
                Some(epoch) => Some(u32::try_from(epoch).ok()?),
                None => None,
            },
            unreadable: fields.u64()?,
            last_timestamp_ms: fields.maybe()?.map(u64::cast_signed),
        };
        fields.end().map(|()| Self { topic, partition, mailbox, cursor })
    }

    fn open(row: &OpenRow) -> Result<Self, StoreError> {
        Self::decode(&row.value).ok_or_else(|| StoreError::damaged("a cursor"))
    }
}

impl ReadTxn<'_> {
    /// How far a partition (or one lagging mailbox of it) was read.
    ///
    /// # Errors
    /// When the row is damaged or the store cannot be read.
    pub fn cursor(
        &self,
        topic: &str,
        partition: u32,
        mailbox: Option<&[u8; 16]>,
    ) -> Result<Option<Cursor>, StoreError> {
        let key = self.cursor_key(topic, partition, mailbox);
        let row = self.value(&CURSORS, &key)?.map(|value| CursorRow::open(&OpenRow { key, value }));
        Ok(row.transpose()?.map(|row| row.cursor))
    }

    /// All cursors.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn cursors(&self) -> Result<Vec<CursorRow>, StoreError> {
        self.rows(&CURSORS, &Range::all(), usize::MAX)?.iter().map(CursorRow::open).collect()
    }

    fn cursor_key(&self, topic: &str, partition: u32, mailbox: Option<&[u8; 16]>) -> Vec<u8> {
        [log_key(self.sealer, topic, partition).as_slice(), mailbox.unwrap_or(&[0; 16])].concat()
    }
}

impl WriteTxn<'_> {
    /// Moves a cursor.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_cursor(
        &mut self,
        topic: &str,
        partition: u32,
        mailbox: Option<&[u8; 16]>,
        cursor: &Cursor,
    ) -> Result<(), StoreError> {
        let (topic_name, mailbox_tag) = (topic.to_owned(), mailbox.copied());
        let row = CursorRow {
            topic: topic_name,
            partition,
            mailbox: mailbox_tag,
            cursor: cursor.clone(),
        };
        self.put(&CURSORS, &self.cursor_key(topic, partition, mailbox), &row.encode())
    }

    /// Forgets a cursor, such as that of a mailbox that has caught up.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn delete_cursor(
        &mut self,
        topic: &str,
        partition: u32,
        mailbox: Option<&[u8; 16]>,
    ) -> Result<(), StoreError> {
        self.delete(&CURSORS, &self.cursor_key(topic, partition, mailbox)).map(drop)
    }
}
