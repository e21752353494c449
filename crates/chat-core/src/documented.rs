//! `docs/wire-format.md` promises bytes; these tests hold it, and us, to them.

use chat_crypto::NetworkKey;

use crate::content::{Body, Content, Decoded};
use crate::network::invite::{Invite, InviteError};

const DOCUMENT: &str = include_str!("../../../docs/wire-format.md");

/// The fenced blocks of a section, in their order.
fn blocks(section: &str) -> Vec<&'static str> {
    let start = DOCUMENT.find(&format!("\n## {section}\n")).unwrap() + 4;
    let text = &DOCUMENT[start..];
    let text = &text[..text.find("\n## ").unwrap_or(text.len())];
    text.split("```text\n").skip(1).map(|block| block.split("```").next().unwrap()).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn content(bytes: &[u8]) -> Content {
    match Content::decode(bytes) {
        Ok(Decoded::Content(content)) => content,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_content_and_its_void() {
    let bytes = unhex(blocks("Content")[0]);
    let decoded = content(&bytes);
    assert_eq!(bytes.len(), 125);
    assert_eq!((decoded.sender.as_str(), decoded.number), ("alice", 0));
    assert_eq!(decoded.sent_at_ms, 1_700_000_000_000);
    assert!(decoded.body == Body::Text("hello".to_owned()));
    assert_eq!(*decoded.encode(), bytes);

    let written = DOCUMENT.split("Its chain hash: `").nth(1).unwrap();
    let hash = unhex(&written[..64]);
    assert_eq!(decoded.chain_hash(&bytes)[..], hash[..]);
    let void = decoded.withdrawn(&bytes).encode();
    let kept = bytes.len() - 1 - 4 - "hello".len();
    assert_eq!(*void, [&bytes[..kept], &[0, 0, 0, 0, 32], &hash].concat());
    assert_eq!(content(&void).message_id, decoded.message_id);
}

#[test]
fn the_invite() {
    let blocks = blocks("Invite");
    let invite: Invite = blocks[1].parse().unwrap();
    assert_eq!(*invite.network.encode_until(invite.expires_ms), unhex(blocks[0]));
    assert_eq!(*invite.to_line(), blocks[1].trim());
    assert_eq!(invite.brokers(), ["127.0.0.1:9092"]);
    let key: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    assert_eq!(invite.network.keys.newest().key.id(), NetworkKey::from_bytes(key).id());
    assert_eq!(invite.check_time(1_700_000_000_000), Err(InviteError::Expired));
}
