//! Whose handwriting a stream is.

use super::{
    encode::Verdict,
    zlib::{Follow, Level, Memory, Strategy, Zlib},
};

/// Bytes of input on which settings are tried.
const TRIAL: usize = 1 << 20;

/// The settings of C zlib that make `stream` of `raw`, all of it; None if none do.
///
/// Takes as long as compressing once, a little longer where several settings agree at first.
///
/// * `stream` - a zlib stream
/// * `raw` - all bytes that it holds
pub(crate) fn prove(stream: &[u8], raw: &[u8]) -> Option<Zlib> {
    candidates(stream)
        .filter(|zlib| zlib.makes_the_beginning(stream, raw))
        .find(|zlib| zlib.reproduces(stream, raw))
}

/// The settings that make the beginning of `stream` of the beginning of `raw` (the first
/// megabyte), the likeliest first where several do. None if none do.
#[cfg(test)]
pub(crate) fn identify(stream: &[u8], raw: &[u8]) -> Option<Zlib> {
    candidates(stream).find(|zlib| zlib.makes_the_beginning(stream, raw))
}

/// All settings that the header allows.
fn candidates(stream: &[u8]) -> impl Iterator<Item = Zlib> {
    let pillow = [(Memory::Nine, Strategy::Filtered), (Memory::Nine, Strategy::Default)];
    let libpng = [(Memory::Eight, Strategy::Filtered), (Memory::Eight, Strategy::Default)];
    let ways = [libpng, pillow].concat();
    let all = ways.into_iter().flat_map(|(memory, strategy)| {
        Level::all().map(move |level| Zlib { level, memory, strategy })
    });
    all.filter(|zlib| zlib.differs_by_strategy() || zlib.strategy == Strategy::Default)
        .filter(|zlib| zlib.begins(stream))
}

impl Zlib {
    fn makes_the_beginning(&self, stream: &[u8], raw: &[u8]) -> bool {
        let mut follow = Follow::new(stream);
        let mut agree = true;
        let whole = self.walk(raw, |so_far, walked| {
            let verdict = follow.see(so_far);
            agree = verdict.is_continue();
            if walked < TRIAL { verdict } else { Verdict::Break(()) }
        });
        match whole {
            Some(whole) => whole == stream,
            None => agree,
        }
    }

    fn differs_by_strategy(&self) -> bool {
        !Level::all().take(3).any(|greedy| greedy == self.level)
    }
}
