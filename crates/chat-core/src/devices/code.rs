//! A device code: one line that makes a new profile a device of somebody who is here already.

use std::fmt;
use std::str::FromStr;

use chat_crypto::{Fingerprint, IdentityKey};
use zeroize::Zeroizing;

use crate::handle::Handle;
use crate::namespace::Namespace;
use crate::network::fields::{FieldsError, Inviter, NetworkFields};
use crate::network::line::{LineError, MAX_LINE, from_line, to_line};

/// Everything that a new device needs, in one line: the network, whose device it is to be, and a secret that is good
/// once.
///
/// It is a **secret**: it holds the network key, and whoever uses it first is a device of its maker. It never holds
/// the identity's own secret, and is worth nothing to a second one, or once its time is over.
///
/// ```text
/// "securechat-device1:" | base64url of: secret 32 | the fields of an invite, with expiry and inviter | checksum 4
/// ```
pub struct DeviceCode {
    pub(crate) network: NetworkFields,
    pub(crate) expires_ms: u64,
    pub(crate) owner: Inviter,
    /// Signs the request of whoever shows the code.
    pub(crate) secret: IdentityKey,
}

impl DeviceCode {
    /// The longest line that is looked at, in bytes.
    pub const MAX_LEN: usize = MAX_LINE;
    /// What every code begins with.
    pub const PREFIX: &str = "securechat-device1:";

    /// Whose device the new one is to be.
    pub fn handle(&self) -> &Handle {
        &self.owner.handle
    }

    /// The key of who that is.
    pub fn fingerprint(&self) -> Fingerprint {
        self.owner.identity.fingerprint()
    }

    /// The namespace of the network.
    pub fn namespace(&self) -> &Namespace {
        &self.network.namespace
    }

    /// The bootstrap servers of the network, printable ASCII.
    pub fn brokers(&self) -> &[String] {
        &self.network.brokers
    }

    /// When it expires, milliseconds since 1970.
    pub fn expires_ms(&self) -> u64 {
        self.expires_ms
    }

    /// The code as the one line that is handed over.
    pub fn to_line(&self) -> Zeroizing<String> {
        let fields = self.network.encode_from(Some(self.expires_ms), Some(&self.owner));
        let mut bytes = Zeroizing::new(Vec::with_capacity(36 + fields.len()));
        bytes.extend_from_slice(self.secret.expose_bytes());
        bytes.extend_from_slice(&fields);
        to_line(Self::PREFIX, bytes)
    }

    /// # Errors
    /// [`DeviceCodeError::Expired`] if its time is over.
    pub(crate) fn check_time(&self, now_ms: i64) -> Result<(), DeviceCodeError> {
        let is_over = u64::try_from(now_ms).is_ok_and(|now| now >= self.expires_ms);
        if is_over { Err(DeviceCodeError::Expired) } else { Ok(()) }
    }
}

impl FromStr for DeviceCode {
    type Err = DeviceCodeError;

    fn from_str(line: &str) -> Result<Self, DeviceCodeError> {
        let code = from_line(Self::PREFIX, line)?;
        let (secret, fields) = code.split_first_chunk::<32>().ok_or(DeviceCodeError::Damaged)?;
        let decoded = NetworkFields::decode(fields)?;
        Ok(Self {
            network: decoded.network,
            expires_ms: decoded.expires_ms.ok_or(DeviceCodeError::Damaged)?,
            owner: decoded.inviter.ok_or(DeviceCodeError::Damaged)?,
            secret: IdentityKey::from_bytes(secret),
        })
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, expires_ms, owner, secret: _ } = self;
        write!(f, "DeviceCode({network:?}, until {expires_ms} ms, of {owner:?}, [redacted])")
    }
}

/// Why a line is no device code that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceCodeError {
    /// The text does not begin as a device code does. Copy the whole line.
    #[error("this is no device code: it does not begin with {}", DeviceCode::PREFIX)]
    NotACode,
    /// Characters are missing or changed. Copy it again.
    #[error("the device code is damaged: its checksum does not match")]
    Damaged,
    /// A later version made it. Upgrade.
    #[error("the device code was made by a newer securechat")]
    Newer,
    /// Its time is over. Make a new one.
    #[error("the device code has expired")]
    Expired,
}

impl From<LineError> for DeviceCodeError {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Other => Self::NotACode,
            LineError::Damaged => Self::Damaged,
            LineError::Newer => Self::Newer,
        }
    }
}

impl From<FieldsError> for DeviceCodeError {
    fn from(error: FieldsError) -> Self {
        match error {
            FieldsError::Malformed => Self::Damaged,
            FieldsError::Newer => Self::Newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use chat_crypto::NetworkKey;

    use super::*;
    use crate::network::ConnectionHints;
    use crate::network::keys::NetworkKeys;

    fn sample() -> DeviceCode {
        let network = NetworkFields {
            namespace: "ops".parse().unwrap(),
            brokers: vec!["127.0.0.1:9092".to_owned()],
            partitions: NonZeroU32::new(16).unwrap(),
            max_record: 8 << 20,
            keys: NetworkKeys::first(NetworkKey::from_bytes([7; 32])),
            hints: ConnectionHints::default(),
        };
        let identity = IdentityKey::from_bytes(&[8; 32]).public();
        let owner = Inviter { handle: "alice".parse().unwrap(), identity };
        DeviceCode { network, expires_ms: 5, owner, secret: IdentityKey::from_bytes(&[9; 32]) }
    }

    #[test]
    fn a_line_comes_back_and_survives_white_space() {
        let line = sample().to_line();
        let code: DeviceCode = format!(" {}\n", *line).parse().unwrap();
        assert_eq!(code.to_line(), line);
        assert_eq!(code.secret, sample().secret);
        assert_eq!((code.handle().as_str(), code.namespace().as_str()), ("alice", "ops"));
        assert_eq!(code.check_time(4), Ok(()));
        assert_eq!(code.check_time(5), Err(DeviceCodeError::Expired));
    }

    #[test]
    fn every_changed_character_is_noticed_and_other_texts_are_named() {
        let line = sample().to_line();
        for at in DeviceCode::PREFIX.len()..line.len() {
            let mut bytes = line.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(
                changed.parse::<DeviceCode>().unwrap_err(),
                DeviceCodeError::Damaged,
                "{at}"
            );
        }
        let wrong = |line: &str| line.parse::<DeviceCode>().unwrap_err();
        assert_eq!(wrong("hello"), DeviceCodeError::NotACode);
        assert_eq!(wrong("securechat1:AAAA"), DeviceCodeError::NotACode, "an invite");
        assert_eq!(wrong("securechat-device2:AAAA"), DeviceCodeError::Newer);
        assert_eq!(wrong("securechat-device1:"), DeviceCodeError::Damaged);
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", sample());
        assert!(!shown.contains("[7, 7") && !shown.contains("[9, 9"), "{shown}");
        assert!(!shown.contains("0707") && !shown.contains("0909"), "{shown}");
    }
}
