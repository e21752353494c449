//! Other keys for a network that a profile belongs to.

use std::time::Duration;

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
    let closes_ms = now_ms().saturating_add(i64::try_from(OPEN.as_millis()).unwrap_or(i64::MAX));
    let mut after = before.clone();
    after.fields.keys = before.keys().with(offered, closes_ms);
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

/// How long a key opens once another one seals: as long as a topic that was made without asking for more keeps records.
const OPEN: Duration = Duration::from_hours(30 * 24);
