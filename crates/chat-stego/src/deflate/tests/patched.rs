//! Streams that are changed in place.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::{
    super::{Memory, PatchError, Strategy as Tactic, inflate, patch},
    Draw, foreign, settings,
};

fn mixed() -> Vec<u8> {
    [Draw(2).text(60_000), Draw(3).residual(60_000), Draw(4).runs(60_000), Draw(5).noise(9_000)]
        .concat()
}

fn streams(raw: &[u8]) -> Vec<Vec<u8>> {
    let zlib = |level, memory, strategy| settings(level, memory, strategy).compress(raw);
    let mut streams = vec![
        zlib(1, Memory::Eight, Tactic::Default),
        zlib(6, Memory::Eight, Tactic::Default),
        zlib(9, Memory::Nine, Tactic::Filtered),
    ];
    streams.extend((0..10).step_by(3).map(|level| foreign(raw, level)));
    streams
}

fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_patched_stream_holds_the_new_bytes(
        edits in vec((any::<Index>(), any::<u8>()), 0..300),
        stretch in (any::<Index>(), 0_usize..5000),
    ) {
        let raw = mixed();
        let mut new = raw.clone();
        for (at, byte) in edits {
            let at = at.index(new.len());
            new[at] = byte;
        }
        let start = stretch.0.index(new.len());
        new.iter_mut().skip(start).take(stretch.1).for_each(|byte| *byte = byte.wrapping_mul(7));
        for stream in streams(&raw) {
            let patched = patch(&stream, &raw, &new).unwrap();
            prop_assert!(inflate(&patched, new.len()).unwrap() == new);
        }
    }

    #[test]
    fn short_streams_are_patched(raw in vec(0_u8..3, 1..200), at in any::<Index>()) {
        let mut new = raw.clone();
        new[at.index(raw.len())] ^= 1;
        for stream in streams(&raw) {
            let patched = patch(&stream, &raw, &new).unwrap();
            prop_assert_eq!(inflate(&patched, new.len()).unwrap(), &new[..]);
        }
    }
}

#[test]
fn unchanged_bytes_leave_the_stream_as_it_is() {
    let raw = mixed();
    for stream in streams(&raw) {
        assert!(patch(&stream, &raw, &raw).unwrap() == stream);
    }
}

#[test]
fn blocks_before_the_change_keep_their_bits() {
    let raw = mixed();
    let mut new = raw.clone();
    *new.last_mut().unwrap() ^= 1;
    for stream in streams(&raw) {
        let patched = patch(&stream, &raw, &new).unwrap();
        assert!(common(&patched, &stream) * 2 > stream.len(), "{}", stream.len());
    }
}

#[test]
fn few_changes_cost_little() {
    let raw = Draw(3).residual(600_000);
    let mut new = raw.clone();
    new.iter_mut().step_by(1500).for_each(|byte| *byte = byte.wrapping_add(1));
    for stream in streams(&raw) {
        let patched = patch(&stream, &raw, &new).unwrap();
        let growth = patched.len() as f64 / stream.len() as f64;
        assert!((0.999..1.01).contains(&growth), "{growth}");
    }
}

/// What is stored stays stored, which is what zlib's level 0 would write of the new bytes.
#[test]
fn stored_blocks_stay_stored() {
    let raw = Draw(5).noise(200_000);
    let mut new = raw.clone();
    new[100_000] ^= 1;
    assert!(patch(&foreign(&raw, 0), &raw, &new).unwrap() == foreign(&new, 0));
}

/// Compressors of zlib's family fill their blocks; the patched stream's are filled as well.
#[test]
fn filled_blocks_stay_filled() {
    use super::super::{blocks::Blocks, patch::rewrite::Tokens};
    let raw = Draw(2).text(600_000);
    let mut new = raw.clone();
    new.iter_mut().step_by(5000).for_each(|byte| *byte = b'?');
    let stream = settings(6, Memory::Eight, Tactic::Default).compress(&raw);
    let patched = patch(&stream, &raw, &new).unwrap();
    let mut blocks = Blocks::new(&patched).unwrap();
    let mut tokens = Tokens::new(&new);
    let mut sizes = Vec::new();
    while let Some(block) = blocks.next(&mut tokens).unwrap() {
        sizes.push(tokens.take(block).tokens.len());
    }
    let (last, full) = sizes.split_last().unwrap();
    assert!(full.len() > 2 && full.iter().all(|&size| size == 16_383), "{sizes:?}");
    assert!(*last <= 16_383);
}

#[test]
fn other_bytes_than_the_streams_are_refused() {
    let raw = mixed();
    let stream = settings(6, Memory::Eight, Tactic::Default).compress(&raw);
    let mut other = raw.clone();
    other[0] ^= 1;
    let mut new = other.clone();
    new[7] ^= 1;
    assert_eq!(patch(&stream, &other, &new), Err(PatchError::Foreign));
    assert_eq!(patch(&stream, &other, &other), Err(PatchError::Foreign));
    let length = PatchError::Length { old: raw.len(), new: 1 };
    assert_eq!(patch(&stream, &raw, &[0]), Err(length));
}
