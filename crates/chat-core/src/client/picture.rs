//! Getting the image file of a picture message.

use chat_store::Seq;
use chat_transport::{Offset, Partition, Position, ReadOptions, TopicId};

use super::Client;
use crate::error::{Error, HistoryError, ReceiveError};
use crate::hash::stored_hash;
use crate::history_row::{HistoryRow, RecordPlace};

impl Client {
    /// The image file of a received picture message: read again from the log, and only if it is
    /// still the file that was received.
    ///
    /// * `seq` - the message's place in the history
    ///
    /// # Errors
    /// When the row is no received picture, the log no longer holds it, or the broker does not
    /// answer.
    pub async fn picture(&self, seq: Seq) -> Result<Vec<u8>, Error> {
        let row = self.profile.store.read::<_, HistoryError>(|tx| {
            tx.history_get(seq)?.map(|stored| Ok(HistoryRow::decode(&stored)?)).transpose()
        })?;
        let place = row.and_then(|row| row.picture).ok_or(ReceiveError::NoPicture { seq })?;
        let network = self.profile.joined_network()?;
        let at = [Position { partition: Partition(place.partition), offset: Offset(place.offset) }];
        let options = ReadOptions {
            max_bytes: network.max_record(),
            max_records: 1,
            ..ReadOptions::default()
        };
        let (topic, id) = (network.mail_topic(), TopicId(place.topic_id));
        let pages =
            self.transport()?.read(&topic, id, &at, options).await.map_err(ReceiveError::from)?;
        let records = pages.into_iter().flat_map(|page| page.records);
        let found = records.take(1).find(|record| is_at(&place, record));
        let value =
            found.and_then(|record| record.value).ok_or(ReceiveError::PictureGone { seq })?;
        Ok(value.to_vec())
    }
}

fn is_at(place: &RecordPlace, record: &chat_transport::StoredRecord) -> bool {
    record.offset.0 == place.offset && stored_hash(record) == place.hash
}
