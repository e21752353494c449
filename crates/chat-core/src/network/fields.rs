//! The type-length-value fields that describe a network, in invites and in the store.

use std::num::NonZeroU32;

use chat_crypto::{IdentityPublic, NetworkKey};
use chat_transport::SaslMechanism;
use zeroize::Zeroizing;

use super::keys::{KeyGeneration, NetworkKeys};
use super::{ConnectionHints, SecurityKind};
use crate::handle::Handle;
use crate::namespace::Namespace;
use crate::wire::{MAX_FIELD, Reader, Writer};

/// Everything that the members of a network share.
#[derive(Clone, Debug)]
pub(crate) struct NetworkFields {
    pub(crate) namespace: Namespace,
    pub(crate) brokers: Vec<String>,
    pub(crate) partitions: NonZeroU32,
    pub(crate) max_record: u32,
    pub(crate) keys: NetworkKeys,
    pub(crate) hints: ConnectionHints,
}

/// The fields of an invite: a network, and until when the invite holds.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) network: NetworkFields,
    pub(crate) expires_ms: Option<u64>,
    pub(crate) inviter: Option<Inviter>,
}

/// Who has made an invite: `lp(handle) | identity 32`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inviter {
    pub(crate) handle: Handle,
    pub(crate) identity: IdentityPublic,
}

impl Inviter {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.lp(self.handle.as_str().as_bytes()).raw(self.identity.as_bytes());
        writer.finish().to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let handle = reader.lp_str()?.parse().ok()?;
        let identity = IdentityPublic::from_bytes(&reader.array()?).ok()?;
        reader.is_empty().then_some(Self { handle, identity })
    }
}

/// Fields are not as version 1 has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldsError {
    /// A field is missing, malformed or out of order.
    Malformed,
    /// A field that must be understood is of a later version.
    Newer,
}

impl NetworkFields {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        self.encode_until(None)
    }

    /// The fields in ascending order of their types, with an expiry where there is one.
    pub(crate) fn encode_until(&self, expires_ms: Option<u64>) -> Zeroizing<Vec<u8>> {
        self.encode_from(expires_ms, None)
    }

    /// As [`encode_until`](Self::encode_until), with who invites.
    pub(crate) fn encode_from(
        &self,
        expires_ms: Option<u64>,
        inviter: Option<&Inviter>,
    ) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::default();
        writer.u8(NAMESPACE).lp(self.namespace.as_str().as_bytes());
        writer.u8(BROKERS).lp(self.brokers.join(",").as_bytes());
        writer.u8(PARTITIONS).lp(&self.partitions.get().to_be_bytes());
        writer.u8(MAX_RECORD).lp(&self.max_record.to_be_bytes());
        let newest = self.keys.newest();
        let mut key = Zeroizing::new(newest.number.to_be_bytes().to_vec());
        key.extend_from_slice(newest.key.expose_bytes());
        writer.u8(KEY).lp(&key);
        if let Some(security) = self.hints.security {
            writer.u8(SECURITY).lp(&[security_code(security)]);
        }
        if let Some(mechanism) = self.hints.sasl_mechanism {
            writer.u8(SASL).lp(&[mechanism_code(mechanism)]);
        }
        if let Some(ca) = &self.hints.ca_pem {
            writer.u8(CA).lp(ca);
        }
        if let Some(expires) = expires_ms {
            writer.u8(EXPIRES).lp(&expires.to_be_bytes());
        }
        if newest.made_ms > 0 {
            writer.u8(KEY_MADE).lp(&newest.made_ms.to_be_bytes());
        }
        if !self.keys.older().is_empty() {
            writer.u8(OLDER_KEYS).lp(&self.keys.encode_older());
        }
        if let Some(inviter) = inviter {
            writer.u8(INVITER).lp(&inviter.encode());
        }
        writer.finish()
    }

    /// Whether what these fields become can be read again.
    pub(crate) fn fits(&self) -> bool {
        let ca = self.hints.ca_pem.as_ref().map_or(0, Vec::len);
        let brokers = self.brokers.join(",");
        brokers.len() <= MAX_FIELD
            && ca <= MAX_FIELD
            && broker_list(&brokers).as_ref() == Some(&self.brokers)
    }

    /// Parses fields: ascending types, unknown ones refused below 128 and skipped from there on.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, FieldsError> {
        let mut draft = Draft::default();
        let mut reader = Reader::new(bytes);
        let mut last = 0;
        while !reader.is_empty() {
            let kind = reader.u8().ok_or(FieldsError::Malformed)?;
            let value = reader.lp().ok_or(FieldsError::Malformed)?;
            if kind <= last {
                return Err(FieldsError::Malformed);
            }
            last = kind;
            draft.take(kind, value)?;
        }
        draft.finish().ok_or(FieldsError::Malformed)
    }
}

/// Fields as they come in.
#[derive(Default)]
struct Draft {
    namespace: Option<Namespace>,
    brokers: Option<Vec<String>>,
    partitions: Option<NonZeroU32>,
    max_record: Option<u32>,
    key: Option<(u32, NetworkKey)>,
    key_made_ms: Option<i64>,
    older_keys: Option<Zeroizing<Vec<u8>>>,
    hints: ConnectionHints,
    expires_ms: Option<u64>,
    inviter: Option<Inviter>,
}

impl Draft {
    fn take(&mut self, kind: u8, value: &[u8]) -> Result<(), FieldsError> {
        let parsed = match kind {
            NAMESPACE => set(&mut self.namespace, text(value).and_then(|s| s.parse().ok())),
            BROKERS => set(&mut self.brokers, text(value).and_then(broker_list)),
            PARTITIONS => set(&mut self.partitions, number(value).and_then(NonZeroU32::new)),
            MAX_RECORD => set(&mut self.max_record, number(value)),
            KEY => set(&mut self.key, key(value)),
            KEY_MADE => set(&mut self.key_made_ms, made_at(value)),
            OLDER_KEYS => set(&mut self.older_keys, Some(Zeroizing::new(value.to_vec()))),
            SECURITY => set(&mut self.hints.security, one(value).and_then(security)),
            SASL => set(&mut self.hints.sasl_mechanism, one(value).and_then(mechanism)),
            CA => set(&mut self.hints.ca_pem, Some(value.to_vec())),
            EXPIRES => set(&mut self.expires_ms, value.try_into().ok().map(u64::from_be_bytes)),
            INVITER => set(&mut self.inviter, Inviter::decode(value)),
            kind if kind >= SKIPPABLE => Some(()),
            _ => return Err(FieldsError::Newer),
        };
        parsed.ok_or(FieldsError::Malformed)
    }

    fn finish(self) -> Option<Decoded> {
        let (number, key) = self.key?;
        let made_ms = self.key_made_ms.unwrap_or_default();
        let newest = NetworkKeys::from(KeyGeneration::new(number, key, made_ms));
        let keys = match self.older_keys {
            Some(older) => newest.and_older(&older)?,
            None => newest,
        };
        let network = NetworkFields {
            namespace: self.namespace?,
            brokers: self.brokers?,
            partitions: self.partitions?,
            max_record: self.max_record?,
            keys,
            hints: self.hints,
        };
        Some(Decoded { network, expires_ms: self.expires_ms, inviter: self.inviter })
    }
}

fn set<T>(slot: &mut Option<T>, value: Option<T>) -> Option<()> {
    *slot = value;
    slot.as_ref().map(|_| ())
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

fn number(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_be_bytes)
}

fn one(value: &[u8]) -> Option<u8> {
    match value {
        [byte] => Some(*byte),
        _ => None,
    }
}

/// At most 64 printable servers: they end up in messages to people.
fn broker_list(text: &str) -> Option<Vec<String>> {
    let brokers: Vec<String> = text.split(',').map(str::to_owned).collect();
    let good = |b: &String| (1..=255).contains(&b.len()) && b.bytes().all(|c| c.is_ascii_graphic());
    (brokers.len() <= 64 && brokers.iter().all(good)).then_some(brokers)
}

fn key(value: &[u8]) -> Option<(u32, NetworkKey)> {
    let (number, key) = value.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), NetworkKey::from_bytes(key.try_into().ok()?)))
}

/// A time that is one: no key of a network's beginning names any.
fn made_at(value: &[u8]) -> Option<i64> {
    let made = u64::from_be_bytes(value.try_into().ok()?);
    i64::try_from(made).ok().filter(|made| *made > 0)
}

fn security_code(security: SecurityKind) -> u8 {
    match security {
        SecurityKind::Plaintext => 1,
        SecurityKind::Tls => 2,
        SecurityKind::SaslTls => 3,
        SecurityKind::SaslPlaintext => 4,
    }
}

fn security(code: u8) -> Option<SecurityKind> {
    SecurityKind::ALL.into_iter().find(|kind| security_code(*kind) == code)
}

const MECHANISMS: [(SaslMechanism, u8); 3] =
    [(SaslMechanism::Plain, 1), (SaslMechanism::ScramSha256, 2), (SaslMechanism::ScramSha512, 3)];

fn mechanism_code(mechanism: SaslMechanism) -> u8 {
    MECHANISMS.into_iter().find(|(m, _)| *m == mechanism).map_or(0, |(_, code)| code)
}

fn mechanism(code: u8) -> Option<SaslMechanism> {
    MECHANISMS.into_iter().find(|(_, c)| *c == code).map(|(mechanism, _)| mechanism)
}

const NAMESPACE: u8 = 1;
const BROKERS: u8 = 2;
const PARTITIONS: u8 = 3;
const MAX_RECORD: u8 = 4;
const KEY: u8 = 5;
const SECURITY: u8 = 6;
const SASL: u8 = 7;
const CA: u8 = 8;
const EXPIRES: u8 = 9;
const KEY_MADE: u8 = 10;
const OLDER_KEYS: u8 = 11;
/// From here on unknown fields are skipped.
const SKIPPABLE: u8 = 128;
const INVITER: u8 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn sample() -> NetworkFields {
        NetworkFields {
            namespace: "ops".parse().unwrap(),
            brokers: vec!["a:9092".to_owned(), "b:9093".to_owned()],
            partitions: NonZeroU32::new(16).unwrap(),
            max_record: 8 << 20,
            keys: NetworkKeys::first(NetworkKey::from_bytes([7; 32])),
            hints: ConnectionHints {
                security: Some(SecurityKind::SaslTls),
                sasl_mechanism: Some(SaslMechanism::ScramSha512),
                ca_pem: Some(b"pem".to_vec()),
            },
        }
    }

    #[test]
    fn fields_come_back() {
        let bytes = sample().encode_until(Some(99));
        let decoded = NetworkFields::decode(&bytes).unwrap();
        assert_eq!(decoded.expires_ms, Some(99));
        assert_eq!(*decoded.network.encode_until(Some(99)), *bytes);
        assert_eq!(decoded.network.hints, sample().hints);
    }

    #[test]
    fn older_keys_travel_too() {
        let newer = KeyGeneration::new(2, NetworkKey::from_bytes([9; 32]), 77);
        let keys = sample().keys.with(&[newer], 99);
        let fields = NetworkFields { keys, ..sample() };
        let decoded = NetworkFields::decode(&fields.encode_until(Some(99))).unwrap().network;
        assert_eq!(decoded.keys, fields.keys);
        assert_eq!(decoded.keys.iter().map(|key| key.made_ms).collect::<Vec<_>>(), [77, 0]);
    }

    #[test]
    fn who_invites_comes_back_and_is_parsed_strictly() {
        let identity = chat_crypto::IdentityKey::from_bytes(&[3; 32]).public();
        let inviter = Inviter { handle: "alice".parse().unwrap(), identity };
        let bytes = sample().encode_from(None, Some(&inviter));
        assert_eq!(NetworkFields::decode(&bytes).unwrap().inviter, Some(inviter.clone()));
        let mut longer = inviter.encode();
        longer.push(0);
        assert_eq!(Inviter::decode(&longer), None);
        for end in 0..inviter.encode().len() {
            assert_eq!(Inviter::decode(&inviter.encode()[..end]), None, "{end} bytes");
        }
    }

    #[test]
    fn unknown_fields_are_refused_below_128_and_skipped_from_there() {
        let mut bytes = sample().encode().to_vec();
        let plain = bytes.clone();
        bytes.extend_from_slice(&[200, 0, 1, 5]);
        assert!(NetworkFields::decode(&bytes).is_ok());
        bytes.truncate(plain.len());
        bytes.extend_from_slice(&[100, 0, 1, 5]);
        assert_eq!(NetworkFields::decode(&bytes).unwrap_err(), FieldsError::Newer);
    }

    #[test]
    fn disorder_repetition_and_truncation_are_malformed() {
        let good = sample().encode().to_vec();
        let twice = [good.clone(), good.clone()].concat();
        assert_eq!(NetworkFields::decode(&twice).unwrap_err(), FieldsError::Malformed);
        for cut in 0..good.len() {
            // Cut between two fields, the optional ones behind it are simply not there.
            if let Ok(shorter) = NetworkFields::decode(&good[..cut]) {
                assert_eq!(*shorter.network.encode_until(shorter.expires_ms), good[..cut], "{cut}");
            }
        }
    }
}
