use chat_crypto::{DeviceId, DeviceKey, IdentityKey, MailboxTag, NetworkKey, NewDevice};
use chat_transport::Partition;

use super::*;
use crate::client::Signer;
use crate::mailbox::Mailbox;
use crate::network::create::{NewNetwork, draft};
use crate::network::keys::{KeyGeneration, NetworkKeys};

fn own(handle: &str, namespace: &Namespace) -> OwnLeaf {
    let identity = IdentityKey::generate(&mut rand::rng());
    let key = DeviceKey::generate(&mut rand::rng());
    let public = key.public();
    let device = NewDevice { handle, id: DeviceId::from_bytes([7; 16]), key: &public };
    let certificate = DeviceCertificate::issue(&identity, &device, namespace.as_str()).unwrap();
    let brokers = vec!["localhost:9092".to_owned()];
    let network = draft(NewNetwork::new(namespace.clone(), brokers)).unwrap();
    let signer = Signer { namespace: namespace.clone(), key, certificate };
    OwnLeaf::new(std::sync::Arc::new(signer), &network)
}

fn invitation() -> Invitation {
    Invitation {
        topic_id: [1; 16],
        mailbox: Mailbox { partition: Partition(3), tag: MailboxTag::from_bytes([2; 16]) },
        start: 77,
        welcome: vec![3; 50],
        tree: vec![4; 60],
    }
}

#[test]
fn a_letter_opens_for_its_addressee_and_names_its_sender() {
    let namespace: Namespace = "ops".parse().unwrap();
    let (alice, inbox) = (own("alice", &namespace), InboxKey::generate(&mut rand::rng()));
    let bob = [9; 32];
    let letter = Letter::Invitation(invitation());
    let sealed = letter.seal(&alice, (&inbox.public(), &bob)).unwrap();
    let me = Addressee { namespace: &namespace, identity: &bob };
    let keys = [InboxKey::generate(&mut rand::rng()), inbox];
    let opened = Letter::open(sealed.body(), &keys, me).unwrap();
    assert_eq!(opened.letter, letter);
    assert_eq!(opened.sender.handle(), "alice");
    let open = |sealed: &[u8], keys, me| Letter::open(sealed, keys, me).unwrap_err();
    assert_eq!(open(sealed.body(), &keys[..1], me), LetterError::Sealed);
    let eve = Addressee { identity: &[8; 32], ..me };
    assert_eq!(open(sealed.body(), &keys, eve), LetterError::Sealed, "for somebody else");
    for at in 0..sealed.body().len() {
        let mut damaged = sealed.body().to_vec();
        damaged[at] ^= 1;
        assert_eq!(open(&damaged, &keys, me), LetterError::Sealed, "byte {at}");
    }
}

#[test]
fn a_letter_that_was_signed_for_somebody_else_is_forged() {
    let namespace: Namespace = "ops".parse().unwrap();
    let (alice, inbox) = (own("alice", &namespace), InboxKey::generate(&mut rand::rng()));
    let (bob, carol) = ([9; 32], [8; 32]);
    let sealed = Letter::Invitation(invitation()).seal(&alice, (&inbox.public(), &bob)).unwrap();
    let me = Addressee { namespace: &namespace, identity: &bob };
    let letter = inbox.open(&me.info(), &[], sealed.body()).unwrap();
    // Bob passes on what Alice wrote to him.
    let me = Addressee { namespace: &namespace, identity: &carol };
    assert_eq!(ReceivedLetter::parse(&letter, me).unwrap_err(), LetterError::Forged);
    for (at, wrong) in [(0, LetterError::Newer), (1, LetterError::Newer)] {
        let mut newer = letter.to_vec();
        newer[at] = 9;
        assert_eq!(ReceivedLetter::parse(&newer, me).unwrap_err(), wrong);
    }
    for end in 0..letter.len() {
        assert!(ReceivedLetter::parse(&letter[..end], me).is_err(), "{end} bytes");
    }
}

#[test]
fn an_invitation_has_one_encoding() {
    let bytes = invitation().encode();
    assert_eq!(Invitation::decode(&bytes), Ok(invitation()));
    for end in 0..bytes.len() {
        assert!(Invitation::decode(&bytes[..end]).is_err(), "{end} bytes");
    }
    assert_eq!(Invitation::decode(&[&bytes[..], &[0]].concat()), Err("end"));
    let mut endless = bytes.to_vec();
    endless[44..48].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(Invitation::decode(&endless), Err("Welcome"));
}

fn request() -> RejoinRequest {
    RejoinRequest {
        group: chat_crypto::mls::GroupId::from_bytes([1; 16]),
        why: RejoinReason::OutOfStep,
        epoch: 7,
        state: [2; 32],
        made_at_ms: 9,
        wish: chat_crypto::mls::Return::from_bytes(&[3; 68]),
        inbox_key: InboxKey::generate(&mut rand::rng()).public(),
        key_package: vec![4; 50],
    }
}

/// Field by field, in the order of docs/wire-format.md.
#[test]
fn letters_lie_on_the_wire_as_it_is_written_down() {
    let request = request();
    let fields: [&[u8]; 9] = [
        &[1; 16],
        &[2],
        &7_u64.to_be_bytes(),
        &[2; 32],
        &9_u64.to_be_bytes(),
        &[3; 68],
        request.inbox_key.as_bytes(),
        &50_u32.to_be_bytes(),
        &[4; 50],
    ];
    assert_eq!(request.encode().as_slice(), fields.concat());
    let answer = RejoinAnswer {
        group: chat_crypto::mls::GroupId::from_bytes([1; 16]),
        made_at_ms: 9,
        finding: Finding::InStep,
    };
    assert_eq!(
        answer.encode().as_slice(),
        [[1; 16].as_slice(), &9_u64.to_be_bytes(), &[2]].concat()
    );
    let fields: [&[u8]; 8] = [
        &[1; 16],
        &3_u32.to_be_bytes(),
        &[2; 16],
        &77_u64.to_be_bytes(),
        &50_u32.to_be_bytes(),
        &[3; 50],
        &60_u32.to_be_bytes(),
        &[4; 60],
    ];
    assert_eq!(invitation().encode().as_slice(), fields.concat());
}

fn device_request() -> DeviceRequest {
    let inbox_key = InboxKey::generate(&mut rand::rng()).public();
    DeviceRequest { inbox_key, label: crate::remote_text::RemoteText::new("phone") }
}

#[test]
fn letters_between_devices_lie_on_the_wire_as_it_is_written_down() {
    let namespace: Namespace = "ops".parse().unwrap();
    let (alice, inbox) = (own("alice", &namespace), InboxKey::from_bytes(&[6; 32]));
    let request = device_request();
    let bytes = request.encode();
    assert_eq!(bytes.as_slice(), [request.inbox_key.as_bytes(), b"\x00\x05phone"].concat());
    assert_eq!(DeviceRequest::decode(&bytes), Ok(request));
    let certificate = &alice.signer.certificate;
    let answer = DeviceAnswer::new(certificate, &inbox);
    let encoded = answer.encode();
    let len = u16::try_from(certificate.as_bytes().len()).unwrap().to_be_bytes();
    let fields: [&[u8]; 3] = [&len, certificate.as_bytes(), &[6; 32]];
    assert_eq!(encoded.as_slice(), fields.concat());
    assert_eq!(DeviceAnswer::decode(&encoded), Ok(answer.clone()));
    assert_eq!(answer.inbox_key().expose_bytes(), &[6; 32]);
    assert_eq!(format!("{answer:?}"), "DeviceAnswer([redacted])");
    for end in 0..bytes.len() {
        assert!(DeviceRequest::decode(&bytes[..end]).is_err(), "{end} bytes");
    }
    let first = NetworkKeys::first(NetworkKey::from_bytes([7; 32]));
    assert_eq!(answer.clone().with_keys(&first), answer, "the code has brought it");
    let second = KeyGeneration::new(2, NetworkKey::from_bytes([8; 32]), 9);
    let keys = first.with(&[second], 10);
    let with_keys = answer.clone().with_keys(&keys);
    let offered = OfferedKeys::new(&keys);
    let keys =
        [b"\0\0\0\x02", &[8; 32][..], &9_u64.to_be_bytes(), b"\0\0\0\x01", &[7; 32], &[0; 8]];
    assert_eq!(offered.encode().as_slice(), keys.concat());
    assert_eq!(with_keys.encode()[encoded.len()..], *offered.encode());
    assert_eq!(DeviceAnswer::decode(&with_keys.encode()), Ok(with_keys.clone()));
    for end in (1..88).filter(|end| *end != 44) {
        assert!(OfferedKeys::decode(&offered.encode()[..end]).is_err(), "{end} bytes");
        let longer = &with_keys.encode()[..encoded.len() + end];
        assert!(DeviceAnswer::decode(longer).is_err(), "{end} bytes");
    }
    let many = [&offered.encode()[..], &offered.encode()].concat();
    assert!(OfferedKeys::decode(&many).is_err() && OfferedKeys::decode(&[]).is_err());
    assert_eq!(format!("{offered:?}"), "OfferedKeys(2 keys)");
    for end in 0..encoded.len() {
        assert!(DeviceAnswer::decode(&encoded[..end]).is_err(), "{end} bytes");
    }
    assert_eq!(DeviceRequest::decode(&[&bytes[..], &[0]].concat()), Err("end"));
    assert_eq!(DeviceAnswer::decode(&[&encoded[..], &[0]].concat()), Err("network keys"));
    let mut long = bytes[..InboxPublic::LEN].to_vec();
    long.extend([0, 65]);
    long.extend([b'x'; 65]);
    assert_eq!(DeviceRequest::decode(&long), Err("label"));
    let mut endless = encoded.to_vec();
    endless[..2].copy_from_slice(&u16::MAX.to_be_bytes());
    endless.resize(70_000, 0);
    assert_eq!(DeviceAnswer::decode(&endless), Err("certificate"));
}

#[test]
fn a_request_and_its_answer_have_one_encoding() {
    let bytes = request().encode();
    let decoded = RejoinRequest::decode(&bytes).unwrap();
    assert_eq!(decoded.encode().as_slice(), bytes.as_slice());
    let answer =
        RejoinAnswer { group: decoded.group, made_at_ms: -1, finding: Finding::NotAMember };
    assert_eq!(RejoinAnswer::decode(&answer.encode()), Ok(answer.clone()));
    for end in 0..bytes.len() {
        assert!(RejoinRequest::decode(&bytes[..end]).is_err(), "{end} bytes");
    }
    for end in 0..25 {
        assert!(RejoinAnswer::decode(&answer.encode()[..end]).is_err(), "{end} bytes");
    }
    assert_eq!(RejoinRequest::decode(&[&bytes[..], &[0]].concat()), Err("end"));
    assert_eq!(RejoinAnswer::decode(&[&answer.encode()[..], &[0]].concat()), Err("end"));
    for why in [0, 3] {
        let mut other = bytes.to_vec();
        other[16] = why;
        assert_eq!(RejoinRequest::decode(&other), Err("reason"));
    }
    let mut endless = bytes.to_vec();
    let at = bytes.len() - 54;
    endless[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(RejoinRequest::decode(&endless), Err("KeyPackage"));
}

#[test]
fn each_kind_of_letter_is_signed_as_what_it_is() {
    let namespace: Namespace = "ops".parse().unwrap();
    let (alice, inbox) = (own("alice", &namespace), InboxKey::generate(&mut rand::rng()));
    let bob = [9; 32];
    let me = Addressee { namespace: &namespace, identity: &bob };
    let answer = RejoinAnswer {
        group: chat_crypto::mls::GroupId::from_bytes([1; 16]),
        made_at_ms: 9,
        finding: Finding::InStep,
    };
    let device = DeviceAnswer::new(&alice.signer.certificate, &inbox);
    for letter in [
        Letter::RejoinRequest(request()),
        Letter::RejoinAnswer(answer),
        Letter::DeviceRequest(device_request()),
        Letter::DeviceAnswer(device),
        Letter::NetworkKeys(OfferedKeys::new(&NetworkKeys::first(NetworkKey::from_bytes([7; 32])))),
    ] {
        let sealed = letter.seal(&alice, (&inbox.public(), &bob)).unwrap();
        let opened = Letter::open(sealed.body(), std::slice::from_ref(&inbox), me).unwrap();
        assert_eq!(opened.letter, letter);
        let mut bytes = inbox.open(&me.info(), &[], sealed.body()).unwrap().to_vec();
        bytes[1] = if bytes[1] == 2 { 3 } else { 2 };
        assert_eq!(ReceivedLetter::parse(&bytes, me).unwrap_err(), LetterError::Forged);
    }
}
