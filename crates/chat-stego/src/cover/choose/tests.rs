use proptest::prelude::*;

use super::*;

/// Distortion grows with the square of the payload, up to a capacity.
struct Cover {
    texture: f64,
    capacity: usize,
}

impl Candidate for Cover {
    fn distortion(&self, payload_len: usize) -> Option<f64> {
        let fits = payload_len <= self.capacity;
        fits.then_some((payload_len * payload_len) as f64 / self.texture)
    }
}

fn cover(texture: f64, capacity: usize) -> Cover {
    Cover { texture, capacity }
}

#[test]
fn the_least_disturbed_cover_that_fits_is_chosen() {
    let covers = [cover(1.0, 1000), cover(9.0, 10), cover(5.0, 1000), cover(f64::NAN, 1000)];
    for random in 0..10 {
        assert_eq!(choose(&covers, 100, random), Some(2));
    }
    assert_eq!(choose(&covers, 5, 1), Some(1));
    assert_eq!(choose(&covers, 2000, 1), None);
    assert_eq!(choose(&[] as &[Cover], 1, 1), None);
}

#[test]
fn ties_are_broken_by_the_random_word() {
    let covers = [cover(1.0, 9), cover(2.0, 9), cover(2.001, 9), cover(2.01, 9)];
    let chosen: Vec<_> = (0..3).map(|random| choose(&covers, 9, random)).collect();
    assert_eq!(chosen, [Some(1), Some(2), Some(3)]);
}

#[test]
fn an_empty_payload_ties_all() {
    let covers = [cover(1.0, 9), cover(2.0, 9)];
    assert_eq!((choose(&covers, 0, 0), choose(&covers, 0, 1)), (Some(0), Some(1)));
}

#[test]
fn parts_follow_the_safe_sizes() {
    assert_eq!(split_sizes(100, &[300, 100]), Some(vec![75, 25]));
    assert_eq!(split_sizes(10, &[1, 1, 1]), None);
    assert_eq!(split_sizes(3, &[1, 1, 1]), Some(vec![1, 1, 1]));
    assert_eq!(split_sizes(1, &[10, 0, 10]), Some(vec![1, 0, 0]));
    assert_eq!(split_sizes(0, &[]), Some(vec![]));
    assert_eq!(split_sizes(1, &[]), None);
    assert_eq!(
        split_sizes(usize::MAX, &[usize::MAX, usize::MAX]).map(|parts| parts.len()),
        Some(2)
    );
}

proptest! {
    #[test]
    fn parts_add_up_and_are_safe(
        safe in proptest::collection::vec(0_usize..5000, 0..40),
        per_mille in 0_usize..=1000,
    ) {
        let total: usize = safe.iter().sum();
        let payload = total * per_mille / 1000;
        let parts = split_sizes(payload, &safe).unwrap();
        prop_assert_eq!(parts.iter().sum::<usize>(), payload);
        for (&part, &size) in parts.iter().zip(&safe) {
            prop_assert!(part <= size);
            let exact = payload as f64 * size as f64 / total.max(1) as f64;
            prop_assert!((part as f64 - exact).abs() < 1.0);
        }
        prop_assert_eq!(split_sizes(total + 1, &safe), None);
    }

    #[test]
    fn choice_is_within_a_hundredth_of_the_best(
        textures in proptest::collection::vec(0.1_f64..100.0, 1..30),
        random in any::<u64>(),
    ) {
        let covers: Vec<_> = textures.iter().map(|&texture| cover(texture, 10)).collect();
        let chosen = &covers[choose(&covers, 7, random).unwrap()];
        let best = textures.iter().copied().fold(0.0, f64::max);
        prop_assert!(chosen.texture * 1.0101 >= best);
    }
}
