//! The name that was probably meant.

/// The candidate nearest to `name`, if it is near enough to be a slip of the finger, or the
/// beginning of it.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let scored = candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate));
    let (distance, candidate) = scored.min()?;
    let most = (name.chars().count() / 3).clamp(1, 3);
    let begun = name.chars().count() >= LEAST_BEGINNING && candidate.starts_with(name);
    (distance <= most || begun).then_some(candidate)
}

/// Fewer letters begin too many names.
const LEAST_BEGINNING: usize = 4;

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_slips_and_nothing_far() {
        assert_eq!(nearest("brokrs", ["brokers", "security"]), Some("brokers"));
        assert_eq!(nearest("bbo", ["bob", "alice"]), Some("bob"));
        assert_eq!(
            nearest("sasl_password", ["security", "sasl_password_file", "sasl_password_command"]),
            Some("sasl_password_file")
        );
        assert_eq!(nearest("sec", ["security"]), None);
        assert_eq!(nearest("zzz", ["bob", "alice"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
