//! Contacts: whom this profile knows, and how far it trusts the keys behind their handles.

use std::sync::PoisonError;

use chat_crypto::{IdentityPublic, Party, QrComparison, SafetyNumber, Verification};
use chat_store::{Contact as Stored, ReadTxn, WriteTxn};

use super::Client;
use crate::clock::now_ms;
use crate::directory::{Rivals, note_removed, rivals};
use crate::error::{ContactError, Error};
use crate::handle::Handle;
use crate::trust::{Contact, PinTrust, Standing};

/// Whom a profile writes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustPolicy {
    /// Anybody whose key has not changed since it was first seen.
    #[default]
    FirstUse,
    /// Only people whose key was compared.
    AlwaysVerify,
}

/// What comparing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compared {
    /// It is the key that the profile has: the contact is verified now.
    Match,
    /// It is another key.
    Differs,
    /// It belongs to other people.
    OtherPeople,
}

impl Client {
    /// Sets whom this client and its clones write to.
    pub fn set_trust_policy(&self, policy: TrustPolicy) {
        *self.profile.policy.write().unwrap_or_else(PoisonError::into_inner) = policy;
    }

    /// Everybody whom this profile knows, by handle.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn contacts(&self) -> Result<Vec<Contact>, Error> {
        let mut contacts = self.profile.store.read::<_, ContactError>(|tx| {
            tx.contacts()?.iter().map(|stored| shown(tx, stored)).collect::<Result<Vec<_>, _>>()
        })?;
        let mut handles: Vec<Handle> = contacts.iter().map(|one| one.handle.clone()).collect();
        handles.push(self.profile.handle.clone());
        for contact in &mut contacts {
            contact.lookalikes = lookalikes(&contact.handle, &handles);
        }
        contacts.sort_by(|one, other| one.handle.as_str().cmp(other.handle.as_str()));
        Ok(contacts)
    }

    /// What is known of somebody.
    ///
    /// # Errors
    /// [`ContactError::Unknown`], or when the store cannot be read.
    pub fn contact(&self, handle: &Handle) -> Result<Contact, Error> {
        let read = |tx: &ReadTxn<'_>| {
            let stored = tx.contact(handle.as_str())?.ok_or_else(|| unknown(handle))?;
            Ok((shown(tx, &stored)?, tx.contacts()?))
        };
        let (mut contact, all) = self.profile.store.read::<_, ContactError>(read)?;
        let mut handles: Vec<_> = all.iter().filter_map(|one| one.handle.parse().ok()).collect();
        handles.push(self.profile.handle.clone());
        contact.lookalikes = lookalikes(handle, &handles);
        Ok(contact)
    }

    /// What this profile and a contact compare: for the key that came last under the handle.
    ///
    /// # Errors
    /// [`ContactError::NoKey`] if no key of theirs has come, or when the store cannot be read.
    pub fn verification(&self, handle: &Handle) -> Result<Verification, Error> {
        let standing = self.profile.store.read(|tx| Standing::of::<ContactError>(tx, handle))?;
        let theirs = newest_key(&standing).ok_or_else(|| no_key(handle))?;
        self.verification_of(handle, &theirs)
    }

    fn verification_of(&self, handle: &Handle, theirs: &[u8; 32]) -> Result<Verification, Error> {
        let theirs = IdentityPublic::from_bytes(theirs).map_err(|_| no_key(handle))?;
        let mine = self.identity()?;
        Ok(Verification::between(
            Party { handle: self.profile.handle.as_str(), identity: &mine },
            Party { handle: handle.as_str(), identity: &theirs },
        ))
    }

    /// Compares a safety number that the contact has read out or shown. If it is that of the key which came last
    /// under the handle, this key counts from now on, and is verified.
    ///
    /// # Errors
    /// As [`verification`](Self::verification).
    pub fn verify_number(&self, handle: &Handle, number: &SafetyNumber) -> Result<Compared, Error> {
        let matches = |verification: &Verification| {
            if verification.safety_number() == *number {
                Compared::Match
            } else {
                Compared::Differs
            }
        };
        self.compare(handle, matches)
    }

    /// Compares what the contact's QR code says, as [`verify_number`](Self::verify_number) does.
    ///
    /// # Errors
    /// As [`verification`](Self::verification); [`ContactError::NotAVerification`] for another text.
    pub fn verify_qr(&self, handle: &Handle, text: &str) -> Result<Compared, Error> {
        let verification = self.verification(handle)?;
        match verification.compare_qr(text) {
            QrComparison::Match => self.compare(handle, |_| Compared::Match),
            QrComparison::OtherPerson => Ok(Compared::OtherPeople),
            QrComparison::Changed => Ok(Compared::Differs),
            _ => Err(ContactError::NotAVerification.into()),
        }
    }

    fn compare(
        &self,
        handle: &Handle,
        compare: impl FnOnce(&Verification) -> Compared,
    ) -> Result<Compared, Error> {
        let standing = self.profile.store.read(|tx| Standing::of::<ContactError>(tx, handle))?;
        let theirs = newest_key(&standing).ok_or_else(|| no_key(handle))?;
        let compared = compare(&self.verification_of(handle, &theirs)?);
        if compared == Compared::Match {
            self.accept(handle, theirs, PinTrust::Verified)?;
        }
        Ok(compared)
    }

    /// Accepts the key that came last under the handle, without comparing it.
    ///
    /// # Errors
    /// [`ContactError::NoKey`] if no key of theirs has come, or when the store cannot be written.
    pub fn trust(&self, handle: &Handle) -> Result<Contact, Error> {
        let standing = self.profile.store.read(|tx| Standing::of::<ContactError>(tx, handle))?;
        let theirs = newest_key(&standing).ok_or_else(|| no_key(handle))?;
        let trust = match standing.pin {
            Some(pin) if pin.identity == theirs => pin.trust,
            _ => PinTrust::FirstUse,
        };
        self.accept(handle, theirs, trust)?;
        self.contact(handle)
    }

    /// Lets a key count, if it is still the one that came last.
    fn accept(&self, handle: &Handle, key: [u8; 32], trust: PinTrust) -> Result<(), ContactError> {
        self.profile.store.write(|tx| {
            let mut standing = Standing::of::<ContactError>(tx, handle)?;
            if newest_key(&standing) != Some(key) {
                return Err(ContactError::KeyMoved { handle: handle.clone() });
            }
            standing.accept(key, trust, now_ms());
            note_removed::<ContactError>(tx, (handle, &key))?;
            standing.put::<ContactError>(tx, handle)
        })
    }

    /// Blocks somebody, or unblocks them: nothing is sent to them, and nothing of theirs is stored.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn block(&self, handle: &Handle, blocked: bool) -> Result<(), Error> {
        Ok(self.change(handle, |standing| standing.blocked = blocked)?)
    }

    /// Notes that somebody is written to under the shared key, without MLS, or no more: machines, and programs that
    /// keep no state, publish nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn use_shared_key(&self, handle: &Handle, shared_key: bool) -> Result<Contact, Error> {
        self.change(handle, |standing| standing.shared_key = shared_key)?;
        self.contact(handle)
    }

    /// Forgets the keys of a contact: the next one that comes counts, as at first. The history stays.
    ///
    /// # Errors
    /// [`ContactError::Unknown`], or when the store cannot be written.
    pub fn forget_contact(&self, handle: &Handle) -> Result<(), Error> {
        let forget = |tx: &mut WriteTxn<'_>| {
            let Some(mut contact) = tx.contact(handle.as_str())? else {
                return Err(unknown(handle));
            };
            contact.standing.clear();
            Ok(tx.set_contact(&contact)?)
        };
        Ok(self.profile.store.write::<_, ContactError>(forget)?)
    }

    fn change(
        &self,
        handle: &Handle,
        change: impl FnOnce(&mut Standing),
    ) -> Result<(), ContactError> {
        self.profile.store.write(|tx| {
            let mut standing = Standing::of::<ContactError>(tx, handle)?;
            change(&mut standing);
            standing.put::<ContactError>(tx, handle)
        })
    }
}

/// The key that came last under a handle.
fn newest_key(standing: &Standing) -> Option<[u8; 32]> {
    let presented = standing.presented.map(|presented| presented.identity);
    presented.or(standing.pin.map(|pin| pin.identity))
}

/// Those of some handles that people may take for one.
fn lookalikes(handle: &Handle, handles: &[Handle]) -> Vec<Handle> {
    handles.iter().filter(|other| handle.looks_like(other)).cloned().collect()
}

fn shown(tx: &ReadTxn<'_>, stored: &Stored) -> Result<Contact, ContactError> {
    let handle: Handle = stored.handle.parse().map_err(|_| ContactError::damaged())?;
    let standing = Standing::decode(&stored.standing)?;
    let print = |key: &[u8; 32]| {
        IdentityPublic::from_bytes(key).ok().map(|key: IdentityPublic| key.fingerprint())
    };
    let pinned = standing.pin.as_ref().map(|pin| &pin.identity);
    let Rivals { others, forked } = rivals::<ContactError>(tx, &handle, pinned)?;
    Ok(Contact {
        trust: standing.state(),
        fingerprint: standing.pin.as_ref().and_then(|pin| print(&pin.identity)),
        since_ms: standing.pin.as_ref().map(|pin| pin.since_ms),
        presented: standing.presented.as_ref().and_then(|other| print(&other.identity)),
        blocked: standing.blocked,
        last_heard_ms: stored.last_heard_ms,
        shared_key: standing.shared_key,
        claims: others,
        forked,
        lookalikes: Vec::new(),
        handle,
    })
}

fn unknown(handle: &Handle) -> ContactError {
    ContactError::Unknown { handle: handle.clone() }
}

fn no_key(handle: &Handle) -> ContactError {
    ContactError::NoKey { handle: handle.clone() }
}
