//! Getting the image file of a picture message.

use chat_stego::CoverId;
use chat_stego::cover::Likeness;
use chat_store::{Seq, WriteTxn};
use chat_transport::{Offset, Partition, Position, ReadOptions, TopicId};

use super::Client;
use crate::error::{Error, HistoryError, ReceiveError, SendError};
use crate::hash::stored_hash;
use crate::history_row::{HistoryRow, RecordPlace};
use crate::picture::CoverUse;

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
        self.know_as_used(&value, seq)?;
        Ok(value.to_vec())
    }

    /// Enters a received picture in the ledger: sent on as a cover, it would lie on the log twice.
    fn know_as_used(&self, picture: &[u8], seq: Seq) -> Result<(), Error> {
        let id = CoverId::of(picture);
        if self.profile.store.read::<_, SendError>(|tx| Ok(tx.cover_used(id.as_bytes())?))? {
            return Ok(());
        }
        let used = CoverUse::received(seq, Likeness::of_file(picture).ok()).to_bytes()?;
        let enter = |tx: &mut WriteTxn<'_>| Ok(tx.cover_mark(id.as_bytes(), &used)?);
        Ok(self.profile.store.write::<_, SendError>(enter)?)
    }
}

fn is_at(place: &RecordPlace, record: &chat_transport::StoredRecord) -> bool {
    record.offset.0 == place.offset && stored_hash(record) == place.hash
}
