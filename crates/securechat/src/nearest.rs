//! The name that was probably meant.

/// The candidate nearest to `name`, if it is near enough to be a slip of the finger.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let scored = candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate));
    let (distance, candidate) = scored.min()?;
    let most = (name.chars().count() / 3).clamp(1, 3);
    (distance <= most).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_slips_and_nothing_far() {
        assert_eq!(nearest("brokrs", ["brokers", "security"]), Some("brokers"));
        assert_eq!(nearest("bbo", ["bob", "alice"]), Some("bob"));
        assert_eq!(nearest("zzz", ["bob", "alice"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
