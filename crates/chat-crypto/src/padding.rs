//! Padding: from outside a message shows its size class and nothing finer.

/// The smallest inner length, in bytes.
const LEAST: usize = 256;

/// Bytes of the length field.
const LENGTH_FIELD: usize = 4;

/// The inner length for `protected` bytes: `max(256, padme(4 + protected))`; `None` on overflow.
pub(crate) fn inner_len(protected: usize) -> Option<usize> {
    padme(protected.checked_add(LENGTH_FIELD)?).map(|len| len.max(LEAST))
}

/// Padme: rounds up so that at most log log of the length shows, for at most 12 % more bytes.
///
/// # Source
/// Nikitin, Barman, Lueks, Underwood, Hubaux, Ford 2019, "Reducing Metadata Leakage from Encrypted
/// Files and Communication with PURBs", PoPETs 2019(4), section 4.
fn padme(len: usize) -> Option<usize> {
    let Some(exponent @ 1..) = len.checked_ilog2() else { return Some(len) };
    let significant = exponent.ilog2() + 1;
    let mask = (1_usize << (exponent.saturating_sub(significant))) - 1;
    Some(len.checked_add(mask)? & !mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_the_protocol() {
        for (len, padded) in [(257, 272), (1000, 1024), (1_048_776, 1_081_344), (256, 256)] {
            assert_eq!(padme(len), Some(padded), "{len}");
            assert_eq!(inner_len(len - 4), Some(padded));
        }
        assert_eq!(inner_len(0), Some(256));
        assert_eq!(inner_len(usize::MAX), None);
    }

    #[test]
    fn never_shorter_never_12_percent_longer_and_never_falling() {
        let mut last = 0;
        for len in 256..300_000 {
            let padded = padme(len).unwrap();
            assert!(padded >= len && padded >= last && (padded - len) * 100 <= len * 12, "{len}");
            last = padded;
        }
    }
}
