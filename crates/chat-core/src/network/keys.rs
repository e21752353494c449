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
    /// When it was made, by its maker's clock, milliseconds since 1970; 0 for one that a network began with.
    pub(crate) made_ms: i64,
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
    /// `number u32 | key 32 | made at u64`.
    pub(crate) const LEN: usize = 4 + 32 + 8;

    pub(crate) fn new(number: u32, key: NetworkKey, made_ms: i64) -> Self {
        Self { number, key, made_ms }
    }

    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(Self::LEN);
        let made = self.made_ms.cast_unsigned().to_be_bytes();
        writer.raw(&self.number.to_be_bytes()).raw(self.key.expose_bytes()).raw(&made);
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let number = u32::from_be_bytes(reader.array()?);
        let key = Zeroizing::new(reader.array::<32>()?);
        let made_ms = i64::try_from(u64::from_be_bytes(reader.array()?)).ok()?;
        reader.is_empty().then(|| Self::new(number, NetworkKey::from_bytes(*key), made_ms))
    }

    /// What comes first is newer.
    fn order(&self) -> (Reverse<u32>, KeyId) {
        (Reverse(self.number), self.key.id())
    }
}

impl NetworkKeys {
    /// The most that are kept.
    pub(crate) const MOST: usize = 3;

    /// The key that a network begins with.
    pub(crate) fn first(key: NetworkKey) -> Self {
        KeyGeneration::new(1, key, 0).into()
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

    /// These and others, as of `now_ms`.
    ///
    /// Numbers far above ours count for nothing: nobody makes the last one that there can be.
    pub(crate) fn with(&self, others: &[KeyGeneration], now_ms: i64) -> Self {
        let highest = self.newest.number.saturating_add(MOST_AHEAD);
        let mut all: Vec<KeyGeneration> = self.iter().cloned().collect();
        for other in others.iter().filter(|other| other.number <= highest) {
            if all.iter().all(|known| known.key.id() != other.key.id()) {
                // A clock that is ahead keeps what is older no longer.
                all.push(KeyGeneration { made_ms: other.made_ms.min(now_ms), ..other.clone() });
            }
        }
        all.sort_by_key(KeyGeneration::order);
        let mut all = all.into_iter();
        let Some(newest) = all.next() else { return self.clone() };
        let before = self.iter().map(|known| known.key.id()).collect::<Vec<_>>();
        let mut keys = Self { newest, older: all.collect() };
        keys.older.truncate(Self::MOST - 1);
        // What is over is not taken again; what is here closes once everything that lies under it was read.
        let is_over = keys.over_at(now_ms);
        keys.older.retain(|one| before.contains(&one.key.id()) || !is_over.contains(&one.key.id()));
        keys
    }

    /// These, none of them made later than now: a clock that is ahead keeps what is older no longer.
    pub(crate) fn by_now(mut self, now_ms: i64) -> Self {
        for one in std::iter::once(&mut self.newest).chain(&mut self.older) {
            one.made_ms = one.made_ms.min(now_ms);
        }
        self
    }

    /// The one that all members may be expected to hold still: what MLS or an inbox key protects goes under it, so that
    /// it reaches those too who lack the newest.
    pub(crate) fn widest(&self, now_ms: i64) -> &KeyGeneration {
        let over = self.older_than(now_ms, SPREADING_MS);
        let mut held = self.older.iter().rev().filter(|older| !over.contains(&older.key.id()));
        held.next().unwrap_or(&self.newest)
    }

    /// Those that are not read any more, once everything that lies under them was.
    pub(crate) fn over_at(&self, now_ms: i64) -> Vec<KeyId> {
        self.older_than(now_ms, OPEN_MS)
    }

    /// These without some of the older ones.
    pub(crate) fn without(mut self, ids: &[KeyId]) -> Self {
        self.older.retain(|older| !ids.contains(&older.key.id()));
        self
    }

    /// Those whose successor was made so long ago.
    fn older_than(&self, now_ms: i64, age_ms: i64) -> Vec<KeyId> {
        let pairs = self.iter().zip(&self.older);
        let old = pairs.filter(|(next, _)| next.made_ms.saturating_add(age_ms) <= now_ms);
        old.map(|(_, older)| older.key.id()).collect()
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

impl From<KeyGeneration> for NetworkKeys {
    fn from(newest: KeyGeneration) -> Self {
        Self { newest, older: Vec::new() }
    }
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long members have to take a newer key before they are written to under it alone.
const SPREADING_MS: i64 = 30 * DAY_MS;
/// How long what lies under an older key is read: as long, and as long as a topic usually keeps records.
const OPEN_MS: i64 = 60 * DAY_MS;
/// How far the number of a key may be above that of the newest one that is known.
const MOST_AHEAD: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(number: u32, key: u8) -> KeyGeneration {
        KeyGeneration::new(number, NetworkKey::from_bytes([key; 32]), i64::from(number) * DAY_MS)
    }

    fn first() -> NetworkKeys {
        NetworkKeys::first(NetworkKey::from_bytes([1; 32]))
    }

    fn numbers(keys: &NetworkKeys) -> Vec<u32> {
        keys.iter().map(|one| one.number).collect()
    }

    #[test]
    fn the_newest_seals_and_three_are_kept() {
        let mut keys = first();
        for number in 2..=5 {
            keys = keys.with(&[generation(number, number as u8)], 9 * DAY_MS);
        }
        assert_eq!(numbers(&keys), [5, 4, 3]);
        let known = keys.with(&[generation(4, 4), generation(1, 9)], 9 * DAY_MS);
        assert_eq!(known, keys, "what is known or older than three changes nothing");
    }

    #[test]
    fn an_older_key_is_written_under_for_a_month_and_read_for_two() {
        let keys = first().with(&[generation(10, 2)], 10 * DAY_MS);
        let widest = |day: i64| keys.widest(day * DAY_MS).number;
        assert_eq!([10, 39, 40, 90].map(widest), [1, 1, 10, 10]);
        let over = |day: i64| keys.over_at(day * DAY_MS).len();
        assert_eq!([10, 69, 70].map(over), [0, 0, 1]);
        let closed = keys.clone().without(&keys.over_at(70 * DAY_MS));
        assert_eq!(numbers(&closed), [10]);
        let again = closed.with(&[generation(1, 1)], 70 * DAY_MS);
        assert_eq!(numbers(&again), [10], "what is over is not taken again");
        let early = closed.with(&[generation(1, 1)], 20 * DAY_MS);
        assert_eq!(numbers(&early), [10, 1]);
        let ahead = first().with(&[generation(500, 2)], 10 * DAY_MS);
        assert_eq!(ahead.newest().made_ms, 10 * DAY_MS, "a clock that is ahead");
    }

    #[test]
    fn of_two_keys_with_one_number_all_take_the_same() {
        let (one, other) = ([generation(2, 8)], [generation(2, 9)]);
        let mine = first().with(&one, 5).with(&other, 5);
        let theirs = first().with(&other, 5).with(&one, 5);
        assert_eq!(mine, theirs);
        let lowest = mine.iter().map(|key| key.key.id()).take(2).min();
        assert_eq!(Some(mine.newest().key.id()), lowest);
    }

    #[test]
    fn nobody_makes_the_last_number() {
        assert_eq!(first().with(&[generation(1 + MOST_AHEAD + 1, 2)], 0), first());
        let taken = first().with(&[generation(1 + MOST_AHEAD, 2)], 0);
        assert_eq!(numbers(&taken), [1 + MOST_AHEAD, 1]);
    }

    #[test]
    fn older_keys_come_back_and_are_parsed_strictly() {
        let keys = first().with(&[generation(2, 2), generation(3, 3)], 9 * DAY_MS);
        let newest = NetworkKeys::from(generation(3, 3));
        let older = keys.encode_older();
        assert_eq!(newest.clone().and_older(&older).unwrap(), keys);
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
