//! Handles that people take for one another.

use super::Handle;

impl Handle {
    /// Whether people may take one handle for the other: the same but for `.`, `_` and `-`, for digits that
    /// stand for letters, or for doubled letters; or, from five characters on, but for one character.
    ///
    /// A handle does not look like itself. Handles are ASCII: there are no other confusable characters.
    pub fn looks_like(&self, other: &Self) -> bool {
        let (one, other) = (self.as_str(), other.as_str());
        if one == other {
            return false;
        }
        let is_long = one.len().min(other.len()) >= LEAST_FOR_DISTANCE;
        skeleton(one) == skeleton(other)
            || (is_long && differ_by_one(one.as_bytes(), other.as_bytes()))
    }
}

/// What is left of a handle without what people overlook.
fn skeleton(handle: &str) -> Vec<u8> {
    let mut letters: Vec<u8> = handle.bytes().filter_map(seen).collect();
    letters.dedup();
    letters
}

/// What a character is taken for.
fn seen(character: u8) -> Option<u8> {
    match character.to_ascii_lowercase() {
        b'.' | b'_' | b'-' => None,
        b'0' => Some(b'o'),
        b'1' | b'i' => Some(b'l'),
        other => Some(other),
    }
}

/// Whether one character more, less or other makes one of the other, or two neighbours changed places.
fn differ_by_one(one: &[u8], other: &[u8]) -> bool {
    let head = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (one.get(head..).unwrap_or_default(), other.get(head..).unwrap_or_default());
    match (one, other) {
        ([a, b, one @ ..], [c, d, other @ ..]) if (a, b) == (d, c) && one == other => true,
        ([_, one @ ..], [_, other @ ..]) if one == other => true,
        ([_, rest @ ..], other) if rest == other => true,
        (one, [_, rest @ ..]) => one == rest,
        _ => false,
    }
}

/// Shorter handles differ by one character as a rule.
const LEAST_FOR_DISTANCE: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(one: &str, other: &str) -> bool {
        let (one, other): (Handle, Handle) = (one.parse().unwrap(), other.parse().unwrap());
        assert_eq!(one.looks_like(&other), other.looks_like(&one));
        one.looks_like(&other)
    }

    #[test]
    fn what_people_overlook_makes_no_other_handle() {
        for (one, other) in [
            ("bob", "b0b"),
            ("bob", "b-o.b"),
            ("bob", "bobb"),
            ("alice", "a1ice"),
            ("alice", "al1ce"),
            ("ann", "an"),
            ("alice", "alicee"),
            ("alice", "alce"),
            ("alice", "alixe"),
            ("alice", "alcie"),
            ("alice", "malice"),
        ] {
            assert!(alike(one, other), "{one} {other}");
        }
    }

    #[test]
    fn other_handles_are_other_handles() {
        for (one, other) in [
            ("bob", "bob"),
            ("bob", "rob"),
            ("bob", "bo"),
            ("tim", "tom"),
            ("alice", "alistair"),
            ("alice", "aliens"),
            ("kafka", "kelka"),
            ("a", "b"),
        ] {
            assert!(!alike(one, other), "{one} {other}");
        }
    }
}
