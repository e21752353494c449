//! Small pieces of the protocol's encoding.

/// Appends `bytes` behind their length in two bytes, big-endian.
///
/// Callers pass namespaces, handles and labels of at most 255 bytes; a longer field is cut at
/// 65,535 bytes, so that the length always tells the truth.
pub(crate) fn push_lp(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes.get(..usize::from(len)).unwrap_or(bytes));
}

/// `lp(a) | lp(b) | ...`
pub(crate) fn lp_joined(fields: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    fields.iter().for_each(|field| push_lp(&mut out, field));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_carry_their_length() {
        assert_eq!(lp_joined(&[b"ab", b""]), b"\x00\x02ab\x00\x00");
    }
}
