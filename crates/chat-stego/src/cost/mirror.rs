//! What lies beyond a picture's edge: the picture in a mirror, its outermost samples twice.

/// The place of sample `position` of a row of `length` samples that its mirror images continue
/// without end: `.. 1 0 | 0 1 2 .. n-1 | n-1 n-2 ..`. `length` must not be 0.
pub(super) fn place(position: isize, length: usize) -> usize {
    let length = length.cast_signed();
    let within = position.rem_euclid(2 * length);
    within.min(2 * length - 1 - within).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_is_seen_twice_and_the_mirror_has_no_end() {
        let seen: Vec<usize> = (-7..10).map(|position| place(position, 3)).collect();
        assert_eq!(seen, [0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2]);
        assert!((-5..5).all(|position| place(position, 1) == 0));
    }
}
