//! How a history row lies in the store.

use chat_store::{HistoryRow as Stored, Seq, WriteTxn};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::now_ms;
use crate::error::StoredValueError;
use crate::item::{HistoryItem, Item};
use crate::trust::SenderTrust;

/// The value of one row of the store's history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HistoryRow {
    pub(crate) received_at_ms: i64,
    pub(crate) item: Item,
    /// Where a received picture lies on the log, so that it can be read again.
    pub(crate) picture: Option<RecordPlace>,
}

/// A record's place on the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RecordPlace {
    pub(crate) topic_id: [u8; 16],
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    /// [`record_hash`](crate::hash::record_hash) of the record.
    pub(crate) hash: [u8; 32],
}

impl HistoryRow {
    /// A row that is stored now.
    pub(crate) fn now(item: Item) -> Self {
        Self { received_at_ms: now_ms(), item, picture: None }
    }

    /// Appends the row to `conversation` (empty: to the profile itself) and returns its place.
    pub(crate) fn append<E>(&self, tx: &mut WriteTxn<'_>, conversation: &[u8]) -> Result<Seq, E>
    where
        E: From<chat_store::StoreError> + From<StoredValueError>,
    {
        Ok(tx.history_append(conversation, &self.to_bytes()?)?)
    }

    /// The row, and behind it what rows did not always have.
    pub(crate) fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, StoredValueError> {
        let row = encode(self)?;
        match &self.item {
            Item::Message(message) if message.sender != SenderTrust::default() => {
                let tail = postcard::to_extend(&message.sender, Vec::new());
                let tail = tail.map_err(StoredValueError::from)?;
                Ok(Zeroizing::new([row.as_slice(), &tail].concat()))
            }
            _ => Ok(row),
        }
    }

    pub(crate) fn decode(stored: &Stored) -> Result<Self, StoredValueError> {
        Self::from_bytes(&stored.body).map_err(|e| e.in_table("history", stored.seq.get()))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, StoredValueError> {
        let Some((&FORMAT, row)) = bytes.split_first() else {
            return Err(StoredValueError::format());
        };
        let (mut row, tail): (Self, _) = postcard::take_from_bytes(row)?;
        if let (Item::Message(message), false) = (&mut row.item, tail.is_empty()) {
            message.sender = postcard::from_bytes(tail)?;
        }
        Ok(row)
    }

    pub(crate) fn into_item(self, seq: Seq) -> HistoryItem {
        HistoryItem { seq, received_at_ms: self.received_at_ms, what: self.item }
    }
}

/// Encodes a row of the store: a format version, then postcard.
pub(crate) fn encode(row: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, StoredValueError> {
    let mut bytes = Vec::with_capacity(USUAL);
    bytes.push(FORMAT);
    postcard::to_extend(row, bytes).map(Zeroizing::new).map_err(StoredValueError::from)
}

/// Decodes what [`encode`] wrote.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, StoredValueError> {
    match bytes.split_first() {
        Some((&FORMAT, row)) => postcard::from_bytes(row).map_err(StoredValueError::from),
        _ => Err(StoredValueError::format()),
    }
}

/// Decodes what [`encode`] wrote, and gives back what lies behind it.
pub(crate) fn decode_with_tail<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
) -> Result<(T, &'a [u8]), StoredValueError> {
    match bytes.split_first() {
        Some((&FORMAT, row)) => postcard::take_from_bytes(row).map_err(StoredValueError::from),
        _ => Err(StoredValueError::format()),
    }
}

/// Most rows are shorter, in bytes: they are written without moving.
const USUAL: usize = 1024;
/// Rows written by this version begin with this byte.
const FORMAT: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::{GroupName, Peer};

    /// A row as version 0.1 wrote it, when a message was always with a person.
    #[test]
    fn a_row_of_a_person_is_what_it_always_was() {
        let mut frozen = b"\x01\x0a\x00".to_vec();
        frozen.extend([7; 16]);
        frozen.extend(b"\x03bob\x03bob\x00\x12\x02hi\x00\x01\x00\x00\x00\x00");
        let mut row = HistoryRow::from_bytes(&frozen).unwrap();
        assert_eq!(row.to_bytes().unwrap().as_slice(), frozen);
        let Item::Message(message) = &mut row.item else { panic!("{row:?}") };
        assert_eq!(message.with, Peer::Person("bob".parse().unwrap()));
        message.with = Peer::Group(GroupName::new([1; 16], "ops"));
        let read = HistoryRow::from_bytes(&row.to_bytes().unwrap()).unwrap();
        let Item::Message(message) = read.item else { panic!() };
        assert_eq!(message.with.to_text().expose(), "#ops");
    }
}
