//! The keys of a network, numbered: the newest seals, all open.

use std::cmp::Reverse;

use chat_crypto::{KeyId, NetworkKey};
use zeroize::Zeroizing;

use crate::wire::{Reader, Writer};

/// One network key and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyGeneration {
    pub(crate) number: u32,
    pub(crate) key: NetworkKey,
    /// Until when it opens, once another one seals: our clock, milliseconds since 1970.
    pub(crate) closes_ms: Option<i64>,
}

/// The keys of a network: the one that seals, and up to two from before.
///
/// Of two with one number the one with the lower id seals, so that all who hold both agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NetworkKeys {
    newest: KeyGeneration,
    /// The newest first.
    older: Vec<KeyGeneration>,
}

impl KeyGeneration {
    /// `number u32 | key 32`.
    pub(crate) const LEN: usize = 4 + 32;

    pub(crate) fn new(number: u32, key: NetworkKey) -> Self {
        Self { number, key, closes_ms: None }
    }

    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(Self::LEN);
        writer.raw(&self.number.to_be_bytes()).raw(self.key.expose_bytes());
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let number = u32::from_be_bytes(reader.array()?);
        let key = Zeroizing::new(reader.array::<32>()?);
        reader.is_empty().then(|| Self::new(number, NetworkKey::from_bytes(*key)))
    }

    /// What comes first is newer.
    fn order(&self) -> (Reverse<u32>, KeyId) {
        (Reverse(self.number), self.key.id())
    }
}

impl NetworkKeys {
    /// The most that are kept.
    pub(crate) const MOST: usize = 3;

    pub(crate) fn one(number: u32, key: NetworkKey) -> Self {
        Self { newest: KeyGeneration::new(number, key), older: Vec::new() }
    }

    /// The one that seals.
    pub(crate) fn newest(&self) -> &KeyGeneration {
        &self.newest
    }

    /// Those from before, the newest first.
    pub(crate) fn older(&self) -> &[KeyGeneration] {
        &self.older
    }

    /// All, the newest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &KeyGeneration> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    pub(crate) fn has(&self, id: KeyId) -> bool {
        self.iter().any(|known| known.key.id() == id)
    }

    /// These and others. Whatever seals no longer closes at a time.
    ///
    /// Numbers far above ours count for nothing: nobody makes the last one that there can be.
    pub(crate) fn with(&self, others: &[KeyGeneration], closes_ms: i64) -> Self {
        let highest = self.newest.number.saturating_add(MOST_AHEAD);
        let mut all: Vec<KeyGeneration> = self.iter().cloned().collect();
        for other in others.iter().filter(|other| other.number <= highest) {
            if all.iter().all(|known| known.key.id() != other.key.id()) {
                all.push(KeyGeneration::new(other.number, other.key.clone()));
            }
        }
        all.sort_by_key(KeyGeneration::order);
        all.truncate(Self::MOST);
        for older in all.iter_mut().skip(1) {
            older.closes_ms.get_or_insert(closes_ms);
        }
        let mut all = all.into_iter();
        match all.next() {
            Some(newest) => {
                Self { newest: KeyGeneration { closes_ms: None, ..newest }, older: all.collect() }
            }
            None => self.clone(),
        }
    }

    /// These, with the times at which those from before close.
    pub(crate) fn closing(mut self, times: &[Option<i64>]) -> Self {
        self.older.iter_mut().zip(times).for_each(|(older, time)| older.closes_ms = *time);
        self
    }

    /// These without those from before whose time is over.
    pub(crate) fn open_at(mut self, now_ms: i64) -> Self {
        self.older.retain(|older| older.closes_ms.is_none_or(|closes| closes > now_ms));
        self
    }

    /// The older ones one behind another; empty if there are none.
    pub(crate) fn encode_older(&self) -> Zeroizing<Vec<u8>> {
        let mut all = Zeroizing::new(Vec::with_capacity(KeyGeneration::LEN * self.older.len()));
        self.older.iter().for_each(|older| all.extend_from_slice(&older.encode()));
        all
    }

    /// Adds the older ones; `None` if they are none, too many, or newer than the one that seals.
    pub(crate) fn and_older(mut self, bytes: &[u8]) -> Option<Self> {
        let older = decode_all(bytes).filter(|older| older.len() < Self::MOST)?;
        self.older = older;
        let is_sorted = self.iter().is_sorted_by(|before, now| before.order() < now.order());
        is_sorted.then_some(self)
    }
}

/// Generations one behind another; `None` for anything else, and for none.
pub(crate) fn decode_all(bytes: &[u8]) -> Option<Vec<KeyGeneration>> {
    let (all, rest) = bytes.as_chunks::<{ KeyGeneration::LEN }>();
    if all.is_empty() || !rest.is_empty() {
        return None;
    }
    all.iter().map(|one| KeyGeneration::decode(one)).collect()
}

/// How far the number of a key may be above that of the newest one that is known.
const MOST_AHEAD: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(number: u32, key: u8) -> KeyGeneration {
        KeyGeneration::new(number, NetworkKey::from_bytes([key; 32]))
    }

    fn numbers(keys: &NetworkKeys) -> Vec<u32> {
        keys.iter().map(|one| one.number).collect()
    }

    #[test]
    fn the_newest_seals_and_three_are_kept() {
        let mut keys = NetworkKeys::one(1, NetworkKey::from_bytes([1; 32]));
        for number in 2..=5 {
            keys = keys.with(&[generation(number, number as u8)], 90);
        }
        assert_eq!(numbers(&keys), [5, 4, 3]);
        let closes: Vec<_> = keys.iter().map(|one| one.closes_ms).collect();
        assert_eq!(closes, [None, Some(90), Some(90)]);
        let known = keys.with(&[generation(4, 4), generation(1, 9)], 100);
        assert_eq!(known, keys, "what is known or older than three changes nothing");
        assert_eq!(numbers(&keys.clone().open_at(89)), [5, 4, 3]);
        assert_eq!(numbers(&keys.open_at(90)), [5]);
    }

    #[test]
    fn of_two_keys_with_one_number_all_take_the_same() {
        let first = NetworkKeys::one(1, NetworkKey::from_bytes([1; 32]));
        let (one, other) = ([generation(2, 8)], [generation(2, 9)]);
        let mine = first.with(&one, 5).with(&other, 5);
        let theirs = first.with(&other, 5).with(&one, 5);
        assert_eq!(mine, theirs);
        let lowest = mine.iter().map(|key| key.key.id()).take(2).min();
        assert_eq!(Some(mine.newest().key.id()), lowest);
    }

    #[test]
    fn nobody_makes_the_last_number() {
        let keys = NetworkKeys::one(7, NetworkKey::from_bytes([1; 32]));
        assert_eq!(keys.with(&[generation(7 + MOST_AHEAD + 1, 2)], 0), keys);
        let taken = keys.with(&[generation(7 + MOST_AHEAD, 2)], 0);
        assert_eq!(numbers(&taken), [7 + MOST_AHEAD, 7]);
    }

    #[test]
    fn older_keys_come_back_and_are_parsed_strictly() {
        let keys = NetworkKeys::one(1, NetworkKey::from_bytes([1; 32]))
            .with(&[generation(2, 2), generation(3, 3)], 0);
        let newest = NetworkKeys::one(3, NetworkKey::from_bytes([3; 32]));
        let older = keys.encode_older();
        let back = newest.clone().and_older(&older).unwrap();
        assert_eq!(numbers(&back), [3, 2, 1]);
        for end in (0..older.len()).filter(|end| end % KeyGeneration::LEN != 0) {
            assert_eq!(newest.clone().and_older(&older[..end]), None, "{end} bytes");
        }
        assert_eq!(newest.clone().and_older(&[]), None);
        let (second, first) = older.split_at(KeyGeneration::LEN);
        let swapped = [first, second].concat();
        assert_eq!(newest.clone().and_older(&swapped), None, "out of order");
        let above = generation(4, 4).encode();
        assert_eq!(newest.clone().and_older(&above), None, "newer than the one that seals");
        let many = [&older[..], &generation(0, 9).encode()].concat();
        assert_eq!(newest.and_older(&many), None, "too many");
    }
}
