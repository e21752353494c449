//! What is kept of the key behind a handle.

use chat_store::{ReadTxn, WriteTxn};
use serde::{Deserialize, Serialize};

use super::{SenderTrust, TrustState};
use crate::directory::note_removed;
use crate::error::StoredValueError;
use crate::handle::Handle;
use crate::history_row::{decode_with_tail, encode};
use crate::item::Protection;
use crate::mutant::{Mutant, breaks};

/// What is kept of the key behind a handle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// The identity that counts.
    pub(crate) pin: Option<Pin>,
    /// Another one that came under the handle since.
    pub(crate) presented: Option<Presented>,
    /// The strongest protection that a message of theirs has had; it only goes up.
    highest: u8,
    /// Whether nothing is sent to them and nothing of theirs is shown.
    pub(crate) blocked: bool,
    /// Whether they are written to under the shared key, without MLS: a machine, or a program that keeps no state.
    // Kept behind the row: rows from before it have none.
    #[serde(skip)]
    pub(crate) shared_key: bool,
}

/// An identity that counts for a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pin {
    pub(crate) identity: [u8; 32],
    /// Our clock, milliseconds since 1970.
    pub(crate) since_ms: i64,
    pub(crate) trust: PinTrust,
}

/// Why an identity counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PinTrust {
    /// It came first.
    FirstUse,
    /// It came with the invite.
    Introduced,
    /// A person has compared it.
    Verified,
}

/// Another identity under the same handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Presented {
    pub(crate) identity: [u8; 32],
    /// When it first came: our clock, milliseconds since 1970.
    pub(crate) since_ms: i64,
}

/// How an identity compares with what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// Nothing was known: it counts from now on.
    First,
    Known,
    /// Another one counts. It is new, and has not been told of.
    OtherNew,
    /// Another one counts, which has been told.
    OtherKnown,
}

impl Standing {
    /// What is kept of a handle.
    pub(crate) fn of<E>(tx: &ReadTxn<'_>, handle: &Handle) -> Result<Self, E>
    where
        E: From<chat_store::StoreError> + From<StoredValueError>,
    {
        let contact = tx.contact(handle.as_str())?;
        Ok(contact.map_or(Ok(Self::default()), |contact| Self::decode(&contact.standing))?)
    }

    /// What a contact's row says.
    pub(crate) fn decode(stored: &[u8]) -> Result<Self, StoredValueError> {
        if stored.is_empty() {
            return Ok(Self::default());
        }
        let (mut standing, tail): (Self, _) = decode_with_tail(stored)?;
        standing.shared_key = match tail {
            [] | [0] => false,
            [1] => true,
            _ => return Err(StoredValueError::format()),
        };
        Ok(standing)
    }

    /// Keeps it.
    pub(crate) fn put<E>(&self, tx: &mut WriteTxn<'_>, handle: &Handle) -> Result<(), E>
    where
        E: From<chat_store::StoreError> + From<StoredValueError>,
    {
        let known = tx.contact(handle.as_str())?;
        let mut contact = known.unwrap_or_else(|| chat_store::Contact::new(handle.as_str()));
        contact.standing = encode(self)?.to_vec();
        if self.shared_key {
            contact.standing.push(1);
        }
        Ok(tx.set_contact(&contact)?)
    }

    /// An identity has signed under the handle.
    fn meet(&mut self, identity: [u8; 32], now_ms: i64) -> Met {
        let Some(pin) = &self.pin else {
            let trust = PinTrust::FirstUse;
            self.pin = Some(Pin { identity, since_ms: now_ms, trust });
            return Met::First;
        };
        if pin.identity == identity {
            return Met::Known;
        }
        let is_known = self.presented.is_some_and(|presented| presented.identity == identity);
        if is_known {
            return Met::OtherKnown;
        }
        if breaks(Mutant::PinNewestKey) {
            self.accept(identity, PinTrust::FirstUse, now_ms);
            return Met::First;
        }
        self.presented = Some(Presented { identity, since_ms: now_ms });
        Met::OtherNew
    }

    /// An identity came with an invite. One that counts already stays.
    pub(crate) fn introduce(&mut self, identity: [u8; 32], now_ms: i64) {
        match self.meet(identity, now_ms) {
            Met::First => self.accept(identity, PinTrust::Introduced, now_ms),
            Met::Known => {
                if let Some(pin) = self.pin.as_mut().filter(|pin| pin.trust == PinTrust::FirstUse) {
                    pin.trust = PinTrust::Introduced;
                }
            }
            Met::OtherNew | Met::OtherKnown => {}
        }
    }

    /// How much the identity that counts is to be trusted.
    pub(crate) fn state(&self) -> TrustState {
        match (&self.pin, &self.presented) {
            (None, _) => TrustState::Unknown,
            (Some(_), Some(_)) => TrustState::Changed,
            (Some(pin), None) => match pin.trust {
                PinTrust::FirstUse => TrustState::Unverified,
                PinTrust::Introduced => TrustState::Introduced,
                PinTrust::Verified => TrustState::Verified,
            },
        }
    }

    /// What is to be said of a message that `identity` has signed.
    pub(crate) fn trust_of(&self, identity: &[u8; 32]) -> SenderTrust {
        match &self.pin {
            Some(pin) if pin.identity == *identity => match pin.trust {
                PinTrust::FirstUse => SenderTrust::Unverified,
                PinTrust::Introduced => SenderTrust::Introduced,
                PinTrust::Verified => SenderTrust::Verified,
            },
            _ => SenderTrust::Changed,
        }
    }

    /// Whether a message of this protection is weaker than what this contact has used before.
    pub(crate) fn is_below(&self, protection: Protection) -> bool {
        rank(protection) < self.highest && !breaks(Mutant::ShowDowngrade)
    }

    /// Notes a protection that was used; whether that changes anything.
    pub(crate) fn raise(&mut self, protection: Protection) -> bool {
        let before = self.highest;
        self.highest = self.highest.max(rank(protection));
        self.highest != before
    }

    /// The identity counts from now on, and whatever else came is forgotten.
    pub(crate) fn accept(&mut self, identity: [u8; 32], trust: PinTrust, now_ms: i64) {
        let since_ms = match &self.pin {
            Some(pin) if pin.identity == identity => pin.since_ms,
            _ => now_ms,
        };
        self.pin = Some(Pin { identity, since_ms, trust });
        self.presented = None;
    }
}

/// Notes that an identity has signed a message under a handle, with a protection.
pub(crate) fn meet<E>(
    tx: &mut WriteTxn<'_>,
    handle: &Handle,
    (identity, protection): ([u8; 32], Protection),
    now_ms: i64,
) -> Result<(Standing, Met), E>
where
    E: From<chat_store::StoreError> + From<StoredValueError>,
{
    let mut standing = Standing::of::<E>(tx, handle)?;
    let met = standing.meet(identity, now_ms);
    // Whoever is not who counts does not set what is asked of them.
    let raised = matches!(met, Met::First | Met::Known) && standing.raise(protection);
    if raised || matches!(met, Met::First | Met::OtherNew) {
        standing.put::<E>(tx, handle)?;
    }
    if met == Met::First {
        note_removed::<E>(tx, (handle, &identity))?;
    }
    Ok((standing, met))
}

/// Protections in the order of their strength.
fn rank(protection: Protection) -> u8 {
    match protection {
        Protection::SharedKey => 0,
        Protection::SignedSharedKey => 1,
        Protection::Mls => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_identity_counts_and_another_one_is_told_once() {
        let mut standing = Standing::default();
        assert_eq!(standing.state(), TrustState::Unknown);
        assert_eq!(standing.meet([1; 32], 5), Met::First);
        assert_eq!(standing.meet([1; 32], 6), Met::Known);
        assert_eq!(standing.state(), TrustState::Unverified);
        assert_eq!(standing.meet([2; 32], 7), Met::OtherNew);
        assert_eq!(standing.meet([2; 32], 8), Met::OtherKnown);
        assert_eq!(standing.state(), TrustState::Changed);
        assert_eq!(standing.trust_of(&[1; 32]), SenderTrust::Unverified);
        assert_eq!(standing.trust_of(&[2; 32]), SenderTrust::Changed);
    }

    #[test]
    fn what_is_accepted_counts_and_ends_the_doubt() {
        let mut standing = Standing::default();
        standing.meet([1; 32], 5);
        standing.meet([2; 32], 7);
        standing.accept([2; 32], PinTrust::Verified, 9);
        assert_eq!(standing.state(), TrustState::Verified);
        assert_eq!(standing.pin.map(|pin| pin.since_ms), Some(9));
        assert_eq!(standing.trust_of(&[1; 32]), SenderTrust::Changed);
    }

    #[test]
    fn an_invite_introduces_and_takes_nobodys_place() {
        let mut standing = Standing::default();
        standing.introduce([1; 32], 5);
        assert_eq!(standing.state(), TrustState::Introduced);
        standing.accept([1; 32], PinTrust::Verified, 6);
        standing.introduce([1; 32], 7);
        assert_eq!(standing.state(), TrustState::Verified);
        standing.introduce([2; 32], 8);
        assert_eq!(standing.pin.map(|pin| pin.identity), Some([1; 32]));
        assert_eq!(standing.state(), TrustState::Changed);
        let mut met = Standing::default();
        met.meet([1; 32], 5);
        met.introduce([1; 32], 6);
        assert_eq!(met.state(), TrustState::Introduced);
    }

    #[test]
    fn rows_from_before_a_field_are_read_and_no_other_tail_is() {
        let old = encode(&Standing { blocked: true, ..Standing::default() }).unwrap();
        let read = |tail: &[u8]| Standing::decode(&[old.as_slice(), tail].concat());
        assert!(!read(&[]).unwrap().shared_key && read(&[]).unwrap().blocked);
        assert!(read(&[1]).unwrap().shared_key);
        assert!(read(&[2]).is_err() && read(&[1, 1]).is_err());
    }

    #[test]
    fn protection_only_goes_up() {
        let mut standing = Standing::default();
        assert!(!standing.is_below(Protection::SharedKey));
        assert!(standing.raise(Protection::SignedSharedKey));
        assert!(standing.is_below(Protection::SharedKey));
        assert!(!standing.raise(Protection::SharedKey));
        assert!(!standing.is_below(Protection::Mls));
    }
}
