use proptest::prelude::*;

use super::*;
use crate::namespace::Namespace;

fn sample(body: Body) -> Content {
    let (alice, bob): (Handle, Handle) = ("alice".parse().unwrap(), "bob".parse().unwrap());
    Content {
        message_id: MessageId::from_bytes([1; 16]),
        conversation: Conversation::pair(&Namespace::default(), &alice, &bob).unwrap(),
        sender: alice,
        stream_id: StreamId([2; 16]),
        number: 3,
        previous: [4; 32],
        sent_at_ms: 1_700_000_000_000,
        body,
    }
}

fn text() -> Content {
    sample(Body::Text("meet at noon".to_owned()))
}

fn part(index: u16) -> Body {
    Body::Part(Part { index, count: 5, piece: Zeroizing::new(b"at n".to_vec()) })
}

#[test]
fn a_piece_has_a_number_that_leaves_room_for_those_before_it() {
    let refused = Content::decode(&sample(part(4)).encode());
    assert_eq!(refused, Err(ContentError { field: "part" }));
}

#[test]
fn the_encoding_is_frozen() {
    let expected = [
        "01",
        &"01".repeat(16),
        "0019",
        "01000a7365637572656368617400",
        "05616c696365",
        "0003626f62",
        "0005616c696365",
        &"02".repeat(16),
        "0000000000000003",
        &"04".repeat(32),
        "0000018bcfe56800",
        "01",
        "0000000c",
        "6d656574206174206e6f6f6e",
    ]
    .concat();
    let encoded: String = text().encode().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(encoded, expected);
}

#[test]
fn every_body_comes_back() {
    for content in [text(), sample(Body::Void([9; 32])), sample(part(3))] {
        assert_eq!(Content::decode(&content.encode()), Ok(Decoded::Content(content)));
    }
}

#[test]
fn the_length_is_known_beforehand() {
    let content = text();
    let len = Content::text_len(&content.sender, &content.conversation, "meet at noon".len());
    assert_eq!(len, content.encode().len());
    let content = sample(part(0));
    let len = Content::part_len(&content.sender, &content.conversation, "at n".len());
    assert_eq!(len, content.encode().len());
}

#[test]
fn a_void_keeps_place_and_chain() {
    let content = text();
    let encoded = content.encode();
    let void = content.withdrawn(&encoded);
    let void_encoded = void.encode();
    assert_eq!(void.chain_hash(&void_encoded), content.chain_hash(&encoded));
    assert_eq!(
        (void.message_id, void.number, void.previous),
        (content.message_id, 3, content.previous)
    );
    assert_eq!(void.withdrawn(&void_encoded), void, "taking it back again changes nothing");
}

#[test]
fn a_later_version_or_kind_is_newer_and_version_0_is_malformed() {
    let mut bytes = text().encode().to_vec();
    let kind_at = bytes.len() - 12 - 4 - 1;
    bytes[kind_at] = 7;
    assert_eq!(Content::decode(&bytes), Ok(Decoded::Newer));
    assert_eq!(Content::decode(&[2, 0, 0]), Ok(Decoded::Newer));
    assert_eq!(Content::decode(&[0]).unwrap_err().field, "version");
    assert_eq!(Content::decode(&[]).unwrap_err().field, "version");
}

#[test]
fn every_prefix_and_every_extension_is_refused() {
    let bytes = text().encode().to_vec();
    for cut in 0..bytes.len() {
        assert!(Content::decode(&bytes[..cut]).is_err(), "{cut}");
    }
    assert_eq!(Content::decode(&[bytes, vec![0]].concat()).unwrap_err().field, "end");
}

#[test]
fn texts_that_are_empty_or_not_utf_8_and_short_voids_are_refused() {
    assert_eq!(
        Content::decode(&sample(Body::Text(String::new())).encode()).unwrap_err().field,
        "text length"
    );
    let mut bytes = text().encode().to_vec();
    *bytes.last_mut().unwrap() = 0xff;
    assert_eq!(Content::decode(&bytes).unwrap_err().field, "text");
    let void = sample(Body::Void([9; 32])).encode();
    let mut short = void[..void.len() - 33 - 4].to_vec();
    short.extend_from_slice(&[0, 0, 0, 0, 31]);
    short.extend_from_slice(&[9; 31]);
    assert!(Content::decode(&short).is_err());
}

#[test]
fn the_first_of_a_stream_names_no_predecessor() {
    let first = Content { number: 0, ..text() };
    assert_eq!(Content::decode(&first.encode()).unwrap_err().field, "previous hash");
}

#[test]
fn debug_shows_no_text() {
    let shown = format!("{:?}", text());
    assert!(!shown.contains("noon"), "{shown}");
}

proptest! {
    #[test]
    fn any_bytes_decode_to_what_encodes_to_them_or_to_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(Decoded::Content(content)) = Content::decode(&bytes) {
            prop_assert_eq!(&*content.encode(), &bytes);
        }
    }

    #[test]
    fn damaged_contents_never_decode_to_another_encoding(at in 0_usize..150, bit in 0_u8..8) {
        let mut bytes = text().encode().to_vec();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(Decoded::Content(content)) = Content::decode(&bytes) {
            prop_assert_eq!(&*content.encode(), &bytes);
        }
    }

    #[test]
    fn any_text_comes_back(words in "\\PC{1,200}", number in 0..u64::MAX) {
        let previous = if number == 0 { [0; 32] } else { [4; 32] };
        let content = Content { number, previous, body: Body::Text(words), ..text() };
        prop_assert_eq!(Content::decode(&content.encode()), Ok(Decoded::Content(content)));
    }
}
