//! Which group somebody means.

use crate::client::Client;
use crate::error::{Error, GroupError};
use crate::groups::{GroupRow, GroupState};
use crate::peer::GroupName;

impl Client {
    /// The group that a text names: `#name`, or `#name~` and the first digits of its id where several have the
    /// name. A group that this profile has left counts only where no other has the name.
    ///
    /// # Errors
    /// [`GroupError::Unknown`], [`GroupError::Ambiguous`], or when the store cannot be read.
    pub fn find_group(&self, text: &str) -> Result<GroupName, Error> {
        let rows = self.profile.store.read(named_groups)?;
        Ok(find(&rows, text.strip_prefix('#').unwrap_or(text))?)
    }
}

/// All named groups of a profile, left or not, by name.
pub(super) fn named_groups(tx: &chat_store::ReadTxn<'_>) -> Result<Vec<GroupRow>, GroupError> {
    let mut rows = GroupRow::all::<GroupError>(tx)?;
    rows.retain(GroupRow::is_named);
    rows.sort_by_key(|row| (row.name().name().expose().to_owned(), row.name().id()));
    Ok(rows)
}

fn find(rows: &[GroupRow], text: &str) -> Result<GroupName, GroupError> {
    let called = |name: &str| -> Vec<&GroupRow> {
        rows.iter().filter(|row| row.name().name().expose() == name).collect()
    };
    let mut found = called(text);
    if let (true, Some((name, prefix))) = (found.is_empty(), text.rsplit_once('~')) {
        found = called(name);
        found.retain(|row| !prefix.is_empty() && row.name().id().starts_with(prefix));
    }
    let is_over = |row: &&GroupRow| matches!(row.state, GroupState::Gone | GroupState::Declined);
    if found.iter().any(|row| !is_over(row)) {
        found.retain(|row| !is_over(row));
    }
    match found.as_slice() {
        [] => Err(GroupError::Unknown { name: text.to_owned() }),
        [only] => Ok(only.name()),
        several => {
            let candidate = |row: &&GroupRow| {
                format!("#{}~{}", row.name().name().expose(), id_prefix(rows, row))
            };
            let candidates = several.iter().map(candidate).collect();
            Err(GroupError::Ambiguous { name: text.to_owned(), candidates })
        }
    }
}

/// The first digits of a group's id, at least four, that no other group's begins with.
pub(super) fn id_prefix(rows: &[GroupRow], row: &GroupRow) -> String {
    let id = row.name().id();
    let is_unique = |len: usize| {
        let begins = |other: &&GroupRow| other.name().id().get(..len) == id.get(..len);
        rows.iter().filter(begins).count() <= 1
    };
    let len = (LEAST_PREFIX..id.len()).find(|len| is_unique(*len)).unwrap_or(id.len());
    id.chars().take(len).collect()
}

const LEAST_PREFIX: usize = 4;

#[cfg(test)]
mod tests {
    use chat_crypto::mls::{EpochStart, GroupId};
    use chat_crypto::{MailboxTag, Subkey};
    use chat_transport::Partition;

    use super::*;
    use crate::groups::{GroupKind, NewGroup};
    use crate::mailbox::Mailbox;

    fn row(id: [u8; 2], name: &str, state: GroupState) -> GroupRow {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&id);
        let mailbox = Mailbox { partition: Partition(1), tag: MailboxTag::from_bytes(bytes) };
        let group = NewGroup {
            id: GroupId::from_bytes(bytes),
            kind: GroupKind::Named(name.to_owned()),
            state,
            mailbox,
            generation: 0,
            start: 0,
            inviter: None,
        };
        let wrap_key = Subkey::from_bytes([1; 32]);
        GroupRow::new(group, &EpochStart { epoch: 1, wrap_key, authenticator: vec![1; 48] }, 5)
    }

    #[test]
    fn a_group_is_found_by_its_name_and_where_need_be_by_its_id() {
        let rows = [
            row([0x1a, 0x2b], "ops", GroupState::Member),
            row([0x1a, 0x2c], "ops", GroupState::Requested),
            row([0x33, 0x33], "ops", GroupState::Gone),
            row([0x44, 0x44], "a~b", GroupState::Member),
            row([0x55, 0x55], "old", GroupState::Gone),
        ];
        let id = |text: &str| find(&rows, text).map(|name| name.id()[..4].to_owned());
        assert_eq!(id("ops~1a2c").unwrap(), "1a2c");
        assert_eq!(id("ops~333").unwrap(), "3333", "left, but named");
        assert_eq!(id("a~b").unwrap(), "4444");
        assert_eq!(id("old").unwrap(), "5555");
        let Err(GroupError::Ambiguous { candidates, .. }) = id("ops") else { panic!() };
        assert_eq!(candidates, ["#ops~1a2b", "#ops~1a2c"]);
        assert!(matches!(id("ops~1a"), Err(GroupError::Ambiguous { .. })));
        for unknown in ["op", "ops~", "ops~ff", ""] {
            assert!(matches!(id(unknown), Err(GroupError::Unknown { .. })), "{unknown:?}");
        }
    }
}
