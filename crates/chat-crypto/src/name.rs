//! What may be a handle.

/// The longest handle, in bytes.
pub(crate) const MAX_HANDLE: usize = 64;

/// Whether `text` is a handle: 1 to 64 characters of `a-z`, `0-9`, `.`, `_` and `-`, the first of
/// them a letter or a digit.
pub(crate) fn is_handle(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.len() <= MAX_HANDLE
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|b| plain(b) || b"._-".contains(&b))
}

/// The handle that `bytes` are; `None` if they are none.
pub(crate) fn handle(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| is_handle(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same cases as those of `Handle` in `chat-core`.
    #[test]
    fn takes_exactly_the_documented_alphabet() {
        for good in ["a", "0", "bob", "b.o_b-1", &"x".repeat(64)] {
            assert_eq!(handle(good.as_bytes()), Some(good));
        }
        for bad in
            ["", ".bob", "-bob", "_b", "Bob", "b b", "b\u{1b}[2J", "b\u{fc}", &"x".repeat(65)]
        {
            assert_eq!(handle(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(handle(&[b'b', 0xff]), None);
    }
}
