//! From bytes to a verified entry.

use crate::identity::IdentityPublic;
use crate::name;
use crate::reader::Reader;
use crate::signature::Signature;

use super::change::{Link, ReceivedChange, chain_hash, inbox_key_hash, start};
use super::error::EntryError;
use super::state::State;
use super::{DirectoryEntry, VERSION, context};

impl DirectoryEntry {
    /// Parses an entry and verifies all of it for one network: its signature, the chain of its
    /// changes with all their signatures, and every device certificate.
    ///
    /// Time O(changes), at most 2,049 signatures; the entry's own comes first, so that only the
    /// owner can ask for the others.
    ///
    /// # Errors
    /// [`EntryError`] for everything that [`create`](Self::create), [`append`](Self::append) and
    /// [`renew`](Self::renew) do not make.
    pub fn parse(bytes: &[u8], namespace: &str) -> Result<Self, EntryError> {
        if bytes.len() > Self::MAX_LEN {
            return Err(EntryError::TooLong { len: bytes.len(), max: Self::MAX_LEN });
        }
        let received = ReceivedEntry::read(bytes)?;
        let identity = received.identity;
        identity
            .verify(&context(namespace), received.signed, &received.signature)
            .map_err(|_| EntryError::Signature)?;
        let mut state = State::new(identity, received.handle);
        let mut hashes = Vec::with_capacity(received.changes.len());
        let mut previous = start(namespace, received.handle, &identity);
        for change in &received.changes {
            let number = state.next_number();
            let verified = change.verify(Link { number, previous }, &identity, namespace)?;
            state.apply(&verified).map_err(|source| EntryError::Change { number, source })?;
            previous = chain_hash(change.encoded);
            hashes.push(previous);
        }
        if state.inbox_key_hash() != Some(inbox_key_hash(received.inbox_key)) {
            return Err(EntryError::InboxKey);
        }
        let changes = received.changes.iter().flat_map(|change| change.encoded);
        Ok(Self {
            namespace: namespace.to_owned(),
            identity,
            state,
            inbox_key: received.inbox_key.to_vec(),
            valid_until_ms: received.valid_until_ms,
            changes: changes.copied().collect(),
            hashes,
            encoded: bytes.to_vec(),
        })
    }
}

/// An entry as it was received: its shape is right, and nothing is verified.
struct ReceivedEntry<'a> {
    handle: &'a str,
    identity: IdentityPublic,
    valid_until_ms: u64,
    inbox_key: &'a [u8],
    changes: Vec<ReceivedChange<'a>>,
    signed: &'a [u8],
    signature: Signature,
}

impl<'a> ReceivedEntry<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, EntryError> {
        let mut reader = Reader::new(bytes);
        match reader.u8() {
            Some(VERSION) => {}
            Some(version) if version > VERSION => return Err(EntryError::Newer),
            _ => return Err(EntryError::Malformed { at: 0 }),
        }
        let read = Self::read_fields(&mut reader);
        read.ok_or(EntryError::Malformed { at: reader.position() })
    }

    fn read_fields(reader: &mut Reader<'a>) -> Option<Self> {
        let handle = name::handle(reader.lp()?)?;
        let identity = IdentityPublic::from_bytes(&reader.array()?).ok()?;
        let valid_until_ms = reader.u64()?;
        let inbox_key = reader.lp()?;
        if !(1..=DirectoryEntry::MAX_INBOX_KEY).contains(&inbox_key.len()) {
            return None;
        }
        let count = usize::try_from(reader.u32()?).ok()?;
        if !(1..=DirectoryEntry::MAX_CHANGES).contains(&count) {
            return None;
        }
        let changes = (0..count).map(|_| ReceivedChange::read(reader)).collect::<Option<_>>()?;
        let signed = reader.read();
        let signature = reader.array().map(Signature::from_bytes)?;
        reader.end()?;
        Some(Self { handle, identity, valid_until_ms, inbox_key, changes, signed, signature })
    }
}
