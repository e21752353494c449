//! How long a file's IDAT chunks are, and how another stream is cut the same way.

/// Cuts `stream` as the cover's was cut.
///
/// * `lengths` - of the cover's IDAT chunks, in bytes
///
/// Where all are as long as the first, but for a shorter last, so are the answer's: that is how an
/// encoder with a buffer of that size writes. Otherwise the first ones stay as long as they are and
/// the last takes what is left.
pub(super) fn split<'a>(stream: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let is_as_long = lengths.iter().sum::<usize>() == stream.len();
    if let Some(length) = common(lengths)
        && !is_as_long
    {
        return stream.chunks(length).collect();
    }
    let mut pieces = Vec::with_capacity(lengths.len());
    let mut rest = stream;
    for length in lengths.split_last().map_or(&[][..], |(_, first)| first) {
        if rest.is_empty() && !is_as_long {
            return pieces;
        }
        let (piece, behind) = rest.split_at(rest.len().min(*length));
        pieces.push(piece);
        rest = behind;
    }
    if is_as_long || !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// The length of all chunks but the last, which is at most as long; `None` where they follow no
/// rule or there is only one.
fn common(lengths: &[usize]) -> Option<usize> {
    let (last, first) = lengths.split_last()?;
    let length = *first.first()?;
    let is_rule = first.iter().all(|other| *other == length) && (1..=length).contains(last);
    is_rule.then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(total: usize, lengths: &[usize]) -> Vec<usize> {
        let stream = vec![7; total];
        let pieces = split(&stream, lengths);
        assert_eq!(pieces.concat(), stream);
        pieces.iter().map(|piece| piece.len()).collect()
    }

    #[test]
    fn split_continues_the_rule_of_a_buffer() {
        assert_eq!(cut(25, &[10, 10, 5]), [10, 10, 5]);
        assert_eq!(cut(20, &[10, 10]), [10, 10]);
        assert_eq!(cut(19, &[10, 10, 5]), [10, 9]);
        assert_eq!(cut(20, &[10, 10, 5]), [10, 10]);
        assert_eq!(cut(41, &[10, 10, 5]), [10, 10, 10, 10, 1]);
        assert_eq!(cut(3, &[10, 3]), [3]);
    }

    #[test]
    fn split_keeps_what_follows_no_rule() {
        assert_eq!(cut(17, &[2, 10, 5]), [2, 10, 5]);
        assert_eq!(cut(19, &[2, 10, 5]), [2, 10, 7]);
        assert_eq!(cut(13, &[2, 10, 5]), [2, 10, 1]);
        assert_eq!(cut(12, &[2, 10, 5]), [2, 10]);
        assert_eq!(cut(10, &[10, 0, 0]), [10, 0, 0]);
        assert_eq!(cut(1, &[2, 10, 5]), [1]);
        assert_eq!(cut(9, &[4, 5, 0]), [4, 5, 0]);
        assert_eq!(cut(10, &[4, 5, 0]), [4, 5, 1]);
        assert_eq!(cut(3, &[4, 0, 0]), [3]);
        assert_eq!(cut(6, &[4, 0, 0]), [4, 0, 2]);
    }

    #[test]
    fn split_keeps_a_single_chunk() {
        assert_eq!(cut(17, &[12]), [17]);
        assert_eq!(cut(7, &[12]), [7]);
    }
}
