//! An invite: one line that lets somebody join a network.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chat_crypto::IdentityPublic;
use zeroize::Zeroizing;

use super::fields::{FieldsError, Inviter, NetworkFields};
use super::line::{LineError, MAX_LINE, from_line, to_line};
use crate::clock::millis;
use crate::handle::Handle;
use crate::namespace::Namespace;

/// Everything that somebody needs to join a network, in one line.
///
/// It is a **secret**: it holds the network key. It never holds credentials for the broker.
/// Parsing checks its checksum; whether it has expired is asked when it is used.
pub struct Invite {
    pub(crate) network: NetworkFields,
    pub(crate) expires_ms: Option<u64>,
    pub(crate) inviter: Option<Inviter>,
}

impl Invite {
    /// The longest line that is looked at, in bytes.
    pub const MAX_LEN: usize = MAX_LINE;

    pub(crate) fn new(
        network: NetworkFields,
        expires: Option<SystemTime>,
        inviter: Inviter,
    ) -> Self {
        let expires_ms = expires.map(|at| u64::try_from(millis(at)).unwrap_or(0));
        Self { network, expires_ms, inviter: Some(inviter) }
    }

    /// Who has made it, and the key that whoever joins knows them by from then on; invites of older versions name
    /// nobody.
    pub fn inviter(&self) -> Option<(&Handle, &IdentityPublic)> {
        self.inviter.as_ref().map(|inviter| (&inviter.handle, &inviter.identity))
    }

    /// The namespace of the network.
    pub fn namespace(&self) -> &Namespace {
        &self.network.namespace
    }

    /// The bootstrap servers of the network, printable ASCII.
    pub fn brokers(&self) -> &[String] {
        &self.network.brokers
    }

    /// When the invite expires, if it does.
    pub fn expires(&self) -> Option<SystemTime> {
        self.expires_ms.and_then(|ms| UNIX_EPOCH.checked_add(Duration::from_millis(ms)))
    }

    /// The invite as the one line that is handed over.
    pub fn to_line(&self) -> Zeroizing<String> {
        to_line(PREFIX, self.network.encode_from(self.expires_ms, self.inviter.as_ref()))
    }

    /// # Errors
    /// [`InviteError::Expired`] if its time is over.
    pub(crate) fn check_time(&self, now_ms: i64) -> Result<(), InviteError> {
        match self.expires_ms {
            Some(expires) if u64::try_from(now_ms).is_ok_and(|now| now >= expires) => {
                Err(InviteError::Expired)
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for Invite {
    type Err = InviteError;

    fn from_str(line: &str) -> Result<Self, InviteError> {
        let decoded = NetworkFields::decode(&from_line(PREFIX, line)?)?;
        Ok(Self {
            network: decoded.network,
            expires_ms: decoded.expires_ms,
            inviter: decoded.inviter,
        })
    }
}

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, expires_ms, inviter } = self;
        write!(f, "Invite({network:?}, expires_ms {expires_ms:?}, from {inviter:?})")
    }
}

/// Why a line is no invite that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InviteError {
    /// The text does not begin as an invite does. Ask for the whole line.
    #[error("this is no securechat invite: it does not begin with securechat1:")]
    NotAnInvite,
    /// Characters are missing or changed. Ask for it again.
    #[error("the invite is damaged: its checksum does not match")]
    Damaged,
    /// A later version made it. Upgrade.
    #[error("the invite was made by a newer securechat")]
    Newer,
    /// Its time is over. Ask for a new one.
    #[error("the invite has expired")]
    Expired,
}

impl From<LineError> for InviteError {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Other => Self::NotAnInvite,
            LineError::Damaged => Self::Damaged,
            LineError::Newer => Self::Newer,
        }
    }
}

impl From<FieldsError> for InviteError {
    fn from(error: FieldsError) -> Self {
        match error {
            FieldsError::Malformed => Self::Damaged,
            FieldsError::Newer => Self::Newer,
        }
    }
}

const PREFIX: &str = "securechat1:";

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use chat_crypto::NetworkKey;

    use super::*;
    use crate::network::ConnectionHints;
    use crate::network::keys::NetworkKeys;

    fn sample(expires_ms: Option<u64>) -> Invite {
        let network = NetworkFields {
            namespace: "ops".parse().unwrap(),
            brokers: vec!["127.0.0.1:9092".to_owned()],
            partitions: NonZeroU32::new(16).unwrap(),
            max_record: 8 << 20,
            keys: NetworkKeys::first(NetworkKey::from_bytes([7; 32])),
            hints: ConnectionHints::default(),
        };
        Invite { network, expires_ms, inviter: None }
    }

    #[test]
    fn a_line_comes_back_and_survives_white_space() {
        let line = sample(Some(5)).to_line();
        let invite: Invite = format!(" {}\n", *line).parse().unwrap();
        assert_eq!(invite.to_line(), line);
        assert_eq!(invite.check_time(4), Ok(()));
        assert_eq!(invite.check_time(5), Err(InviteError::Expired));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let line = sample(None).to_line();
        for at in "securechat1:".len()..line.len() {
            let mut bytes = line.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(changed.parse::<Invite>().unwrap_err(), InviteError::Damaged, "at {at}");
        }
    }

    #[test]
    fn other_texts_are_named() {
        assert_eq!("hello".parse::<Invite>().unwrap_err(), InviteError::NotAnInvite);
        assert_eq!("securechat2:AAAA".parse::<Invite>().unwrap_err(), InviteError::Newer);
        assert_eq!("securechat1:".parse::<Invite>().unwrap_err(), InviteError::Damaged);
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", sample(None));
        assert!(!shown.contains("[7, 7") && !shown.contains("0707"), "{shown}");
    }
}
