//! What of the inbox another copy of the profile may have read, after its data was put back from one.

use chat_store::{ReadTxn, Store, StoreError, WriteTxn};
use chat_transport::{Partition, TopicId};
use serde::{Deserialize, Serialize};

use crate::error::{ReceiveError, StoredValueError};
use crate::meta_row::MetaRow;

/// The first look at the logs of a restored copy's inbox: where each of them ended then.
#[derive(Default, Serialize, Deserialize)]
struct Looks(Vec<(u32, [u8; 16], u64)>);

impl Looks {
    fn of_partition(&self, partition: Partition) -> Option<&(u32, [u8; 16], u64)> {
        self.0.iter().find(|(at, _, _)| *at == partition.0)
    }
}

impl MetaRow for Looks {
    const NAME: &'static str = "restored";
}

/// The profile's data is a restored copy: what its inbox holds by now may have been read by another one.
pub(crate) fn note_restored<E>(tx: &mut WriteTxn<'_>) -> Result<(), E>
where
    E: From<StoreError> + From<StoredValueError>,
{
    // Where the inbox ends is not known before somebody looks.
    Looks::default().put(tx)
}

/// The log of a mailbox of the inbox was looked at, and ends here. The first look after a restore counts.
pub(super) fn note_end(
    store: &Store,
    (partition, topic, end): (Partition, TopicId, u64),
) -> Result<(), ReceiveError> {
    let is_first = |looks: &Looks| looks.of_partition(partition).is_none();
    if store.read(Looks::stored::<ReceiveError>)?.as_ref().is_none_or(|looks| !is_first(looks)) {
        return Ok(());
    }
    store.write(|tx| {
        let mut looks = Looks::of::<ReceiveError>(tx)?;
        if is_first(&looks) {
            looks.0.push((partition.0, topic.0, end));
        }
        looks.put(tx)
    })
}

/// Whether another copy may have read a record of the inbox.
pub(super) fn is_before_restore(
    tx: &ReadTxn<'_>,
    (partition, topic, offset): (Partition, TopicId, u64),
) -> Result<bool, ReceiveError> {
    let Some(looks) = Looks::stored::<ReceiveError>(tx)? else { return Ok(false) };
    let seen = looks.of_partition(partition);
    Ok(seen.is_none_or(|(_, log, end)| *log == topic.0 && offset < *end))
}

#[cfg(test)]
mod tests {
    use chat_store::StoreKey;

    use super::*;

    #[test]
    fn what_the_inbox_held_at_the_first_look_may_be_known_to_another_copy() {
        let store = Store::in_memory(&StoreKey::from_bytes([3; 32])).unwrap();
        let (log, other) = (TopicId([5; 16]), TopicId([6; 16]));
        let here = Partition(3);
        let is_before = |(log, offset): (TopicId, u64)| {
            store.read(|tx| is_before_restore(tx, (here, log, offset))).unwrap()
        };
        let note_end = |log, end| note_end(&store, (here, log, end)).unwrap();
        note_end(log, 40);
        assert!(!is_before((log, 0)), "never restored");
        store.write(note_restored::<ReceiveError>).unwrap();
        assert!(is_before((log, 1_000)), "nobody has looked yet");
        note_end(log, 40);
        note_end(log, 90);
        assert_eq!([39, 40, 90].map(|offset| is_before((log, offset))), [true, false, false]);
        assert!(!is_before((other, 0)), "a log that was made since");
        store.write(note_restored::<ReceiveError>).unwrap();
        assert!(is_before((log, 90)), "restored once more");
    }
}
