//! Bytes through the compressor and back.

use proptest::{collection::vec, prelude::*};

use super::{
    super::{Memory, Strategy as Tactic, Zlib, identify, inflate, inflate_prefix, prove},
    Draw, all_settings, foreign, settings,
};

/// Bytes with some order in them: pieces that are repeated.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let piece = (vec(any::<u8>(), 1..40), 1_usize..200);
    vec(piece, 0..30).prop_map(|pieces| {
        pieces.into_iter().flat_map(|(piece, times)| piece.repeat(times)).collect()
    })
}

fn setting() -> impl Strategy<Value = Zlib> {
    (0_usize..36).prop_map(|index| all_settings().nth(index).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn inflate_gives_back_what_compress_took(raw in input(), zlib in setting()) {
        let stream = zlib.compress(&raw);
        prop_assert_eq!(inflate(&stream, raw.len()).unwrap(), raw);
    }

    #[test]
    fn what_compress_made_is_identified_and_proved(raw in input(), zlib in setting()) {
        let stream = zlib.compress(&raw);
        let found = identify(&stream, &raw).unwrap();
        prop_assert_eq!(&found.compress(&raw), &stream);
        prop_assert!(found.reproduces(&stream, &raw));
        prop_assert!(prove(&stream, &raw).is_some());
    }

    #[test]
    fn inflate_reads_another_compressor(raw in input(), level in 0_u32..10) {
        prop_assert_eq!(inflate(&foreign(&raw, level), raw.len()).unwrap(), raw);
    }

    #[test]
    fn a_prefix_is_the_beginning_of_the_whole(
        raw in input(),
        zlib in setting(),
        part in any::<proptest::sample::Index>(),
    ) {
        let wanted = part.index(raw.len() + 1);
        let prefix = inflate_prefix(&zlib.compress(&raw), wanted).unwrap();
        prop_assert_eq!(prefix, &raw[..wanted]);
    }
}

#[test]
fn a_prefix_needs_no_more_than_the_beginning_of_the_stream() {
    let raw = Draw(1).residual(1_000_000);
    let stream = settings(6, Memory::Eight, Tactic::Default).compress(&raw);
    let prefix = inflate_prefix(&stream[..stream.len() / 2], 100_000).unwrap();
    assert!(prefix == raw[..100_000]);
}

#[test]
fn identify_tells_settings_apart() {
    let raw = [Draw(2).text(90_000), Draw(3).residual(90_000), Draw(4).runs(90_000)].concat();
    for zlib in all_settings() {
        let found = identify(&zlib.compress(&raw), &raw).unwrap();
        assert_eq!((found.level, found.memory), (zlib.level, zlib.memory));
    }
    let found = |zlib: Zlib| identify(&zlib.compress(&raw), &raw).unwrap().strategy;
    assert_eq!(found(settings(6, Memory::Nine, Tactic::Filtered)), Tactic::Filtered);
    assert_eq!(found(settings(6, Memory::Nine, Tactic::Default)), Tactic::Default);
}

#[test]
fn another_compressor_is_not_taken_for_zlib() {
    let raw = Draw(2).text(300_000);
    for level in 0..10 {
        assert_eq!(identify(&foreign(&raw, level), &raw), None, "level {level}");
    }
}

/// Levels 8 and 9 differ only where a chain is longer than 1,024 places.
#[test]
fn prove_finds_settings_that_part_after_the_first_megabyte() {
    let mut raw = Draw(2).residual(1_300_000);
    let mut draw = Draw(3);
    for _ in 0..60_000 {
        raw.extend([b'a', b'b', b'c', (draw.next() >> 13) as u8, (draw.next() >> 12) as u8]);
    }
    let eight = settings(8, Memory::Eight, Tactic::Default);
    let nine = settings(9, Memory::Eight, Tactic::Default);
    assert!(eight.compress(&raw) != nine.compress(&raw));
    assert_eq!(prove(&eight.compress(&raw), &raw), Some(eight));
    assert_eq!(prove(&nine.compress(&raw), &raw), Some(nine));
}
