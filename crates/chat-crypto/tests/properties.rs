//! Laws that hold for all bytes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test crate")]

use std::num::NonZeroU32;

use chat_crypto::secrecy::SecretString;
use chat_crypto::{
    Argon2Cost, Envelope, EnvelopeContext, EnvelopeKind, MailboxTag, NetworkKey, OpenError,
    Protected, Protection, SealError, SharedKey, Subkey, Vault, VaultError, key_file,
};
use proptest::prelude::*;

const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 8, passes: 1, lanes: 1 };

#[derive(Clone, Debug)]
struct Place {
    namespace: String,
    kind: EnvelopeKind,
    partition: u32,
    tag: MailboxTag,
}

impl Place {
    fn context(&self) -> EnvelopeContext<'_> {
        let Self { namespace, kind, partition, tag } = self;
        EnvelopeContext { namespace, kind: *kind, partition: *partition, tag }
    }
}

fn place() -> impl Strategy<Value = Place> {
    let kinds = [EnvelopeKind::Mail, EnvelopeKind::Picture, EnvelopeKind::Directory];
    let kind = prop::sample::select(kinds.to_vec());
    let parts = ("[a-z0-9][a-z0-9-]{0,63}", kind, any::<u32>(), any::<[u8; 16]>());
    parts.prop_map(|(namespace, kind, partition, tag)| Place {
        namespace,
        kind,
        partition,
        tag: MailboxTag::from_bytes(tag),
    })
}

fn protection() -> impl Strategy<Value = Protection> {
    let named = [Protection::SharedKey, Protection::SignedSharedKey, Protection::Mls];
    prop_oneof![
        prop::sample::select(named.to_vec()),
        (4..=255_u8).prop_map(Protection::Other),
        Just(Protection::Other(0)),
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..2000)
}

fn seal(key: &Subkey, place: &Place, protected: &Protected) -> Envelope {
    Envelope::seal(key, &place.context(), protected, &mut rand::rng()).unwrap()
}

proptest! {
    #[test]
    fn an_envelope_opens_in_its_place_with_its_key(
        key: [u8; 32], other: [u8; 32], place in place(), protection in protection(), body in body(),
    ) {
        prop_assume!(key != other);
        let (key, other) = (Subkey::from_bytes(key), Subkey::from_bytes(other));
        let protected = Protected::new(protection, &body);
        let sealed = seal(&key, &place, &protected);
        prop_assert_eq!(Some(sealed.as_bytes().len()), Envelope::sealed_len(body.len() + 1));
        let read = Envelope::parse(sealed.as_bytes()).unwrap();
        let opened = read.open(&[&other, &key], &place.context()).unwrap();
        prop_assert_eq!((opened.protection(), opened.body()), (protection, &body[..]));
        prop_assert_eq!(read.open(&[&other], &place.context()), Err(OpenError));
        prop_assert_eq!(read.open(&[], &place.context()), Err(OpenError));
    }

    #[test]
    fn an_envelope_opens_nowhere_else(
        key: [u8; 32], here in place(), there in place(), body in body(),
    ) {
        let key = Subkey::from_bytes(key);
        let sealed = seal(&key, &here, &SharedKey::protect(&body));
        let moved = [
            Place { namespace: there.namespace, ..here.clone() },
            Place { kind: there.kind, ..here.clone() },
            Place { partition: there.partition, ..here.clone() },
            Place { tag: there.tag, ..here.clone() },
        ];
        let own = (&here.namespace, here.kind, here.partition, here.tag);
        for place in moved {
            let same = (&place.namespace, place.kind, place.partition, place.tag) == own;
            let head = Envelope::head_matches(sealed.as_bytes(), &[&key], &place.context());
            prop_assert_eq!(head, same);
            prop_assert_eq!(sealed.open(&[&key], &place.context()).is_ok(), same);
        }
    }

    #[test]
    fn any_flipped_bit_any_cut_and_any_addition_is_the_one_error(
        key: [u8; 32], place in place(), body in body(), at: prop::sample::Index, bit in 0..8_u8,
    ) {
        let key = Subkey::from_bytes(key);
        let good = seal(&key, &place, &SharedKey::protect(&body)).into_bytes();
        let at = at.index(good.len());
        let open = |bytes: &[u8]| Envelope::parse(bytes)?.open(&[&key], &place.context());
        let mut flipped = good.clone();
        flipped[at] ^= 1 << bit;
        prop_assert_eq!(open(&flipped), Err(OpenError));
        prop_assert_eq!(open(&good[..at]), Err(OpenError));
        prop_assert_eq!(open(&[&good[..], &[bit]].concat()), Err(OpenError));
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
        let tag = MailboxTag::from_bytes([1; 16]);
        let key = Subkey::from_bytes([2; 32]);
        let context =
            EnvelopeContext { namespace: "x", kind: EnvelopeKind::Mail, partition: 0, tag: &tag };
        let opened = Envelope::parse(&bytes).and_then(|e| e.open(&[&key], &context));
        prop_assert_eq!(opened, Err(OpenError));
        prop_assert!(!Envelope::head_matches(&bytes, &[&key], &context));
        drop(key_file::parse(&bytes));
        drop(Vault::decode(&bytes));
        drop(Vault::decode(&[b"securechat-vault".as_slice(), &bytes].concat()));
        drop(Vault::decode(&[b"securechat-vault\x01\x01".as_slice(), &bytes].concat()));
    }

    #[test]
    fn no_text_makes_the_key_file_parser_panic(
        text in "(Version: [0-9]{0,12}|Key-Id: [0-9a-f]{0,20}|=[0-9a-f]{0,9}|[A-Za-z0-9+/=]{0,50}|\r?\n){0,12}",
    ) {
        let framed = format!("-----BEGIN SECURECHAT NETWORK KEY-----\n{text}");
        prop_assert!(key_file::parse(framed.as_bytes()).is_err());
    }

    #[test]
    fn a_key_file_comes_back_and_every_changed_character_is_noticed(
        key: [u8; 32], at: prop::sample::Index, new in "[ -~]", note in "[a-z #]{0,40}",
    ) {
        let key = NetworkKey::from_bytes(key);
        let text = key_file::encode(&key);
        prop_assert_eq!(key_file::parse(text.as_bytes()), Ok(key.clone()));
        let mailed = format!("{note}\r\n{}", text.replace('\n', "\r\n"));
        prop_assert_eq!(key_file::parse(mailed.as_bytes()), Ok(key.clone()));
        // The last line break may be lost; everything before it counts.
        let at = at.index(text.len() - 1);
        let mut changed = text.to_string();
        changed.replace_range(at..=at, &new);
        let same = changed.lines().map(str::trim_end).eq(text.lines());
        prop_assert_eq!(key_file::parse(changed.as_bytes()).is_ok(), same, "{}", changed);
        prop_assert!(key_file::parse(&text.as_bytes()[..at]).is_err());
    }

    #[test]
    fn a_vault_comes_back_and_every_flipped_bit_is_noticed(
        words in ".{0,30}", sealed: bool, at: prop::sample::Index, bit in 0..8_u8,
    ) {
        let passphrase = sealed.then(|| SecretString::from(words));
        let made = Vault::create_with(CHEAP, passphrase.as_ref(), &mut rand::rng());
        let (vault, key) = made.unwrap();
        let good = vault.encode();
        prop_assert!(good.len() <= Vault::MAX_LEN);
        let opened = Vault::decode(&good).unwrap().open(passphrase.as_ref()).unwrap();
        prop_assert_eq!(opened.subkey("x"), key.subkey("x"));
        let at = at.index(good.len());
        let mut flipped = good.to_vec();
        flipped[at] ^= 1 << bit;
        // Where a flip makes the parameters dear instead of wrong, opening would take long.
        if !sealed || !(18..30).contains(&at) {
            let opened = Vault::decode(&flipped).and_then(|v| v.open(passphrase.as_ref()));
            prop_assert!(opened.is_err());
        }
        prop_assert!(Vault::decode(&good[..at]).is_err());
        prop_assert!(Vault::decode(&[&good[..], &[0]].concat()).is_err());
    }

    #[test]
    fn a_vault_that_asks_for_too_much_is_refused_at_once(
        memory_kib: u32, passes: u32, lanes: u32, rest: [u8; 76],
    ) {
        let numbers = [memory_kib, passes, lanes].map(u32::to_be_bytes);
        let file = [b"securechat-vault\x01\x01".as_slice(), numbers.as_flattened(), &rest].concat();
        let bounded = (1..=4).contains(&lanes)
            && (8 * u64::from(lanes)..=1 << 20).contains(&u64::from(memory_kib))
            && (1..=64).contains(&passes);
        match Vault::decode(&file) {
            Ok(_) => prop_assert!(bounded),
            Err(error) => prop_assert!(!bounded && error == VaultError::Cost),
        }
    }

    #[test]
    fn envelope_lengths_never_fall_and_show_size_classes_only(len in 0..1_000_000_usize) {
        let sealed = Envelope::sealed_len(len).unwrap();
        let inner = sealed - Envelope::HEAD - 16;
        prop_assert!(sealed <= Envelope::sealed_len(len + 1).unwrap());
        prop_assert!(inner >= 256 && inner >= len + 4);
        prop_assert!(inner == 256 || (inner - len - 4) * 100 <= (len + 4) * 12);
    }

    #[test]
    fn a_tag_falls_on_a_partition_that_exists(tag: [u8; 16], partitions: NonZeroU32) {
        let partition = MailboxTag::from_bytes(tag).derived_partition(partitions);
        prop_assert!(partition < partitions.get());
    }

    #[test]
    fn inboxes_differ_where_names_differ(
        key: [u8; 32], one in "[a-z]{1,8}", two in "[a-z]{1,8}", cut in 0..8_usize,
    ) {
        let key = Subkey::from_bytes(key);
        let tag = |namespace: &str, handle: &str| MailboxTag::inbox(&key, namespace, handle);
        prop_assert_eq!(tag(&one, &two) == tag(&two, &one), one == two);
        // The same letters, parted elsewhere.
        let joined = format!("{one}{two}");
        let (left, right) = joined.split_at(cut.min(joined.len()));
        prop_assert_eq!(tag(left, right) == tag(&one, &two), left == one);
    }
}

#[test]
fn the_largest_message_fits_and_one_byte_more_does_not() {
    let key = Subkey::from_bytes([1; 32]);
    let tag = MailboxTag::from_bytes([2; 16]);
    let context =
        EnvelopeContext { namespace: "x", kind: EnvelopeKind::Mail, partition: 0, tag: &tag };
    let largest = SharedKey::protect(&vec![7; Envelope::MAX_PROTECTED - 1]);
    let sealed = Envelope::seal(&key, &context, &largest, &mut rand::rng()).unwrap();
    let read = Envelope::parse(sealed.as_bytes()).unwrap();
    assert_eq!(read.open(&[&key], &context), Ok(largest));
    let larger = SharedKey::protect(&vec![7; Envelope::MAX_PROTECTED]);
    let (len, max) = (Envelope::MAX_PROTECTED + 1, Envelope::MAX_PROTECTED);
    let refused = Envelope::seal(&key, &context, &larger, &mut rand::rng());
    assert_eq!(refused.unwrap_err(), SealError::TooLong { len, max });
    assert_eq!(Envelope::sealed_len(len), None);
}

#[test]
fn no_more_than_four_keys_are_tried() {
    let keys = [1, 2, 3, 4, 5].map(|byte| Subkey::from_bytes([byte; 32]));
    let keys = keys.each_ref();
    let tag = MailboxTag::from_bytes([2; 16]);
    let context =
        EnvelopeContext { namespace: "x", kind: EnvelopeKind::Mail, partition: 0, tag: &tag };
    for (place, key) in keys.iter().enumerate() {
        let content = SharedKey::protect(b"x");
        let sealed = Envelope::seal(key, &context, &content, &mut rand::rng()).unwrap();
        assert_eq!(sealed.open(&keys, &context).is_ok(), place < Envelope::MAX_KEYS);
    }
}

#[test]
fn two_envelopes_of_one_message_share_nothing() {
    let key = Subkey::from_bytes([1; 32]);
    let tag = MailboxTag::from_bytes([2; 16]);
    let place = Place { namespace: "x".to_owned(), kind: EnvelopeKind::Mail, partition: 0, tag };
    let content = SharedKey::protect(&[0; 500]);
    let (one, two) = (seal(&key, &place, &content), seal(&key, &place, &content));
    let same = one.as_bytes().iter().zip(two.as_bytes()).filter(|(a, b)| a == b).count();
    // 2.3 of about 600 bytes agree by chance.
    assert!(same < 30, "{same}");
}

#[test]
fn files_that_are_no_key_are_told_from_damaged_ones() {
    use chat_crypto::KeyFileError as E;
    let good = key_file::encode(&NetworkKey::from_bytes([9; 32]));
    for other in [&b""[..], b"hello", &[0; 31], &[0; 33], &[b'A'; 44], &[0xff; 44], &[b' '; 5000]] {
        assert_eq!(key_file::parse(other), Err(E::NotAKey), "{other:?}");
    }
    let newer = good.replace("Version: 1", "Version: 2");
    assert_eq!(key_file::parse(newer.as_bytes()), Err(E::Newer));
    let damaged = good.replace("=", "-");
    assert!(matches!(key_file::parse(damaged.as_bytes()), Err(E::Damaged { .. })));
    let long = format!("{}{}", *good, " ".repeat(key_file::MAX_LEN));
    assert_eq!(key_file::parse(long.as_bytes()), Err(E::NotAKey));
}

#[test]
fn vaults_of_later_versions_are_told_from_damaged_ones() {
    let refused = |bytes: &[u8]| Vault::decode(bytes).unwrap_err();
    assert_eq!(refused(b""), VaultError::Damaged);
    assert_eq!(refused(b"securechat-vault"), VaultError::Damaged);
    assert_eq!(refused(b"securechat-vault\x00\x00"), VaultError::Damaged);
    assert_eq!(refused(b"securechat-vault\x01\x02"), VaultError::Damaged);
    assert_eq!(refused(b"securechat-vault\x02\x07"), VaultError::Newer);
}
