//! Streams that somebody made to do harm, or that were damaged.

use proptest::{collection::vec, prelude::*};

use super::{
    super::{InflateError, Memory, Strategy as Tactic, inflate, inflate_prefix, patch},
    Draw, foreign, settings,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_it_panic_or_write_beyond_the_limit(
        body in vec(any::<u8>(), 0..300),
        kind in 0_u8..8,
        limit in 0_usize..3000,
    ) {
        let stream = [&[0x78, 0x9c][..], &[kind], &body].concat();
        if let Ok(bytes) = inflate(&stream, limit) {
            prop_assert_eq!(bytes.len(), limit);
        }
        if let Ok(bytes) = inflate_prefix(&stream, limit) {
            prop_assert_eq!(bytes.len(), limit);
            prop_assert!(patch(&stream, &bytes, &vec![0; limit]).is_err() || limit < 1000);
        }
    }

    #[test]
    fn a_flipped_bit_is_seen(
        at in any::<proptest::sample::Index>(),
        bit in 0_u8..8,
        level in 1_u8..10,
    ) {
        let raw = Draw(7).text(3000);
        let mut stream = settings(level, Memory::Eight, Tactic::Default).compress(&raw);
        let at = at.index(stream.len());
        stream[at] ^= 1 << bit;
        if let Ok(bytes) = inflate(&stream, raw.len()) {
            // Nothing but the compressor's level and the filling of a last byte are free.
            prop_assert_eq!(bytes, raw);
        }
    }

    #[test]
    fn a_damaged_stream_is_not_patched(
        at in any::<proptest::sample::Index>(),
        value in any::<u8>(),
    ) {
        let raw = Draw(7).text(3000);
        let mut stream = foreign(&raw, 6);
        let at = at.index(stream.len());
        let same = stream[at] == value;
        stream[at] = value;
        let mut new = raw.clone();
        new[1000] ^= 1;
        if let Ok(patched) = patch(&stream, &raw, &new) {
            prop_assert!(same || inflate(&stream, raw.len()).as_deref() == Ok(&*raw));
            prop_assert_eq!(inflate(&patched, raw.len()).unwrap(), new);
        }
    }
}

#[test]
fn every_cut_is_seen() {
    let raw = [Draw(7).text(2000), Draw(8).noise(500)].concat();
    for stream in [settings(6, Memory::Eight, Tactic::Default).compress(&raw), foreign(&raw, 0)] {
        for cut in 0..stream.len() {
            let error = inflate(&stream[..cut], raw.len()).unwrap_err();
            assert!(matches!(error, InflateError::Truncated { .. }), "{cut}: {error}");
        }
    }
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let stream = settings(9, Memory::Eight, Tactic::Default).compress(&vec![0; 20_000_000]);
    assert_eq!(inflate(&stream, 1000), Err(InflateError::TooLong { limit: 1000 }));
    assert_eq!(inflate_prefix(&stream, 1000).unwrap(), [0; 1000]);
    // A size that no machine has is not set aside for a stream that cannot fill it.
    let short = settings(9, Memory::Eight, Tactic::Default).compress(&[0; 100]);
    let expected = usize::MAX;
    assert_eq!(inflate(&short, expected), Err(InflateError::TooShort { expected, got: 100 }));
}

/// Each stream breaks one rule of RFC 1950 or 1951; bits were set by hand.
#[test]
fn each_fault_has_its_name() {
    let inflated = |bytes: &[u8]| inflate(bytes, 3).unwrap_err();
    assert_eq!(inflated(&[0x78, 0x9d, 3, 0]), InflateError::Header { found: [0x78, 0x9d] });
    assert_eq!(inflated(&[0x88, 0x1c, 3, 0]), InflateError::Header { found: [0x88, 0x1c] });
    // A preset dictionary.
    assert_eq!(inflated(&[0x78, 0xbb, 3, 0]), InflateError::Header { found: [0x78, 0xbb] });
    assert_eq!(inflated(&[0x78, 0x9c, 7]), InflateError::BlockType { at: 2 });
    assert_eq!(inflated(&[0x78, 0x9c, 1, 3, 0, 3, 0]), InflateError::StoredLength { at: 3 });
    // 30 literal symbols more than there are.
    assert_eq!(inflated(&[0x78, 0x9c, 0xfd, 0xff, 0xff]), InflateError::CodeLengths { at: 2 });
    // Fixed: a match of 3 bytes from distance 1 before anything is written.
    let error = inflated(&[0x78, 0x9c, 0x03, 0x02, 0, 0, 0, 0]);
    assert_eq!(error, InflateError::Distance { at: 3, distance: 1, written: 0 });
    // Fixed: length symbol 286 has a code (11000110) and no meaning.
    let error = inflated(&[0x78, 0x9c, 0x1b, 0x03, 0, 0, 0, 0]);
    assert!(matches!(error, InflateError::Symbol { .. }), "{error}");
    let whole = settings(6, Memory::Eight, Tactic::Default).compress(b"abc");
    let mut wrong = whole.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert!(matches!(inflated(&wrong), InflateError::Checksum { .. }));
    let after = [&whole[..], b"x"].concat();
    assert_eq!(inflated(&after), InflateError::Trailing { at: whole.len() });
    assert_eq!(inflate(&whole, 4), Err(InflateError::TooShort { expected: 4, got: 3 }));
}

/// Blocks that hold nothing cost no more than their bytes: a table each, and no memory.
#[test]
fn a_stream_of_empty_blocks_is_read() {
    use super::super::encode::{BitWriter, BlockWriter};
    let mut blocks = BlockWriter { bits: BitWriter::after(vec![0x78, 0x9c]) };
    for index in 0..100_000 {
        match index % 3 {
            0 => blocks.dynamic(&[], false),
            1 => blocks.fixed(&[], false),
            _ => blocks.stored(&[], false),
        }
    }
    blocks.fixed(&[], true);
    let mut stream = blocks.bits.finish();
    stream.extend([0, 0, 0, 1]);
    let start = std::time::Instant::now();
    assert!(inflate(&stream, 0).unwrap().is_empty());
    println!("{} bytes: {:?}", stream.len(), start.elapsed());
}
