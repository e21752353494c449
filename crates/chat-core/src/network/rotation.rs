//! Other keys for a network that a profile belongs to.

use chat_store::{StoreError, WriteTxn};

use super::Network;
use super::keys::KeyGeneration;
use crate::client::{put_network, stored_network};
use crate::clock::now_ms;
use crate::directory::forget_directory_log;
use crate::error::{DirectoryError, StoredValueError};
use crate::handle::Handle;
use crate::inbound::begin_reading_inbox;

/// Takes keys of the network over: from here on the newest one seals, and the inboxes of all that are open are read.
/// Returns the network as it is then; `None` if it has nothing new.
pub(crate) fn take_keys<E>(
    tx: &mut WriteTxn<'_>,
    me: &Handle,
    offered: &[KeyGeneration],
) -> Result<Option<Network>, E>
where
    E: From<StoreError> + From<StoredValueError> + From<DirectoryError>,
{
    let Some(before) = stored_network::<E>(tx)? else { return Ok(None) };
    let mut after = before.clone();
    after.fields.keys = before.keys().with(offered, now_ms());
    if after.keys() == before.keys() {
        return Ok(None);
    }
    put_network::<E>(tx, &after)?;
    let (topic, known) = (after.mail_topic(), before.inboxes(me));
    for mailbox in after.inboxes(me).iter().filter(|mailbox| !known.contains(mailbox)) {
        begin_reading_inbox(tx, topic.as_str(), mailbox)?;
    }
    // What others have published under a key that was not known was passed over; and we publish under the newest.
    forget_directory_log::<E>(tx, &after.directory_topic())?;
    Ok(Some(after))
}

/// Forgets older keys whose time is over. What lies under them must have been read.
pub(crate) fn close_keys<E>(tx: &mut WriteTxn<'_>) -> Result<(), E>
where
    E: From<StoreError> + From<StoredValueError>,
{
    let Some(mut network) = stored_network::<E>(tx)? else { return Ok(()) };
    let over = network.keys().over_at(now_ms());
    if over.is_empty() {
        return Ok(());
    }
    network.fields.keys = network.fields.keys.without(&over);
    put_network(tx, &network)
}

#[cfg(test)]
mod tests {
    use chat_crypto::NetworkKey;
    use chat_store::{Cursor, Store, StoreKey};

    use super::*;
    use crate::error::SendError;
    use crate::network::create::{NewNetwork, draft};

    const DAY_MS: i64 = 24 * 60 * 60 * 1000;

    fn cursor(next: u64) -> Cursor {
        let (topic_id, truncations, leader_epoch) = ([1; 16], 0, None);
        let (unreadable, last_timestamp_ms) = (0, None);
        Cursor { topic_id, truncations, next, leader_epoch, unreadable, last_timestamp_ms }
    }

    /// A profile that has read all 64 partitions of both topics up to offset 7, and a key made some days ago.
    fn taken(days_ago: i64) -> (Store, Network, Network) {
        let store = Store::in_memory(&StoreKey::from_bytes([3; 32])).unwrap();
        let brokers = vec!["localhost:9092".to_owned()];
        let mut new = NewNetwork::new("test".parse().unwrap(), brokers);
        new.partitions = std::num::NonZeroU32::new(64);
        let before = draft(new).unwrap();
        let made =
            KeyGeneration::new(2, NetworkKey::from_bytes([9; 32]), now_ms() - days_ago * DAY_MS);
        let take = |tx: &mut WriteTxn<'_>| {
            put_network::<SendError>(tx, &before)?;
            for topic in [before.mail_topic(), before.directory_topic()] {
                for partition in 0..64 {
                    tx.set_cursor(topic.as_str(), partition, None, &cursor(7))?;
                }
            }
            let offered = [made.clone()];
            let me = "bob".parse().unwrap();
            let taken = take_keys::<SendError>(tx, &me, &offered)?;
            assert!(take_keys::<SendError>(tx, &me, &offered)?.is_none(), "once");
            Ok::<_, SendError>(taken.unwrap())
        };
        let after = store.write(take).unwrap();
        (store, before, after)
    }

    #[test]
    fn a_key_that_is_taken_opens_an_inbox_from_its_logs_start_and_the_directory_anew() {
        let (store, before, after) = taken(1);
        let stored = store.read(stored_network::<SendError>).unwrap().unwrap();
        assert_eq!(stored.keys(), after.keys());
        let me = "bob".parse().unwrap();
        assert_eq!(after.inboxes(&me)[1..], before.inboxes(&me));
        let inbox = after.inbox(&me);
        let cursors = store.read(|tx| tx.cursors()).unwrap();
        let lags: Vec<_> = cursors.iter().filter(|row| row.mailbox.is_some()).collect();
        let [lag] = lags[..] else { panic!("{lags:?}") };
        assert_eq!((lag.partition, lag.cursor.next), (inbox.partition.0, 0));
        assert_eq!(lag.mailbox.as_ref(), Some(inbox.tag.as_bytes()));
        assert!(cursors.iter().all(|row| row.topic == before.mail_topic().as_str()));
        assert_eq!(cursors.len(), 64 + 1);
    }

    #[test]
    fn a_key_closes_when_its_time_is_over_and_is_not_taken_again() {
        for (days_ago, keys) in [(1, 2), (59, 2), (60, 1)] {
            let (store, before, after) = taken(days_ago);
            store.write(close_keys::<SendError>).unwrap();
            let stored = store.read(stored_network::<SendError>).unwrap().unwrap();
            assert_eq!(stored.keys().iter().count(), keys, "{days_ago} days");
            assert_eq!(stored.key_id(), after.key_id());
            let again = [before.keys().newest().clone()];
            let me = "bob".parse().unwrap();
            let again = store.write(|tx| take_keys::<SendError>(tx, &me, &again)).unwrap();
            assert!(again.is_none(), "{days_ago} days");
        }
    }
}
