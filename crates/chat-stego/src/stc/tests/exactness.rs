//! The trellis against a plain one, and against all possibilities.

use super::profile::Random;
use super::wild;
use crate::stc::layout::Layout;
use crate::stc::trellis::{Space, Trellis};
use crate::stc::{Code, bound, reference, syndrome};

/// Solves the first segment both ways.
fn both(code: &Code, costs: &[f32], target: &[u8]) -> [Option<Vec<usize>>; 2] {
    let segment = Layout::new(code, costs.len(), target.len()).unwrap().segments()[0];
    let trellis = Trellis { code, segment: &segment, costs, target };
    [trellis.solve(&mut Space::default()), reference::solve(&trellis)]
}

#[test]
fn the_fast_trellis_finds_what_the_plain_one_finds() {
    let mut random = Random(11);
    for height in Code::HEIGHTS {
        for (elements, bits) in
            [(300_usize, 1), (90, 90), (95, 90), (500, 100), (600, 37), (900, 5)]
        {
            let code = random.code(height, elements.div_ceil(bits));
            let target = random.bits(bits);
            let hill = random.hill(elements, 1);
            let lambda = bound::lambda_binary(&hill, bits);
            let nats: Vec<f32> = hill.iter().map(|cost| bound::nats(*cost, lambda)).collect();
            let few = nats.iter().map(|cost| (cost * 2.0).round()).collect();
            for costs in [nats, few, wild(&mut random, elements, 0.3), vec![1.0; elements]] {
                let [fast, plain] = both(&code, &costs, &target);
                assert_eq!(fast, plain, "{height} {elements} {bits}");
            }
        }
    }
}

#[test]
fn memory_that_was_used_before_changes_nothing() {
    let mut random = Random(12);
    let mut space = Space::default();
    for (height, elements, bits) in [(12, 500, 100), (7, 300, 50), (9, 77, 70), (12, 90, 20)] {
        let (code, costs) = (random.code(height, elements), random.hill(elements, 1));
        let target = random.bits(bits);
        let segment = Layout::new(&code, elements, bits).unwrap().segments()[0];
        let trellis = Trellis { code: &code, segment: &segment, costs: &costs, target: &target };
        assert_eq!(trellis.solve(&mut space), trellis.solve(&mut Space::default()));
    }
}

#[test]
fn no_set_of_flips_is_cheaper() {
    let mut random = Random(13);
    for round in 0..60 {
        let (elements, bits) = (14_usize, 1 + round % 9);
        let code = random.code(7 + (round as u32) % 6, elements.div_ceil(bits));
        let target = random.bits(bits);
        let segment = Layout::new(&code, elements, bits).unwrap().segments()[0];
        // Whole numbers and powers of two, which both metrics hold exactly.
        let cost = |random: &mut Random| match random.word() % 8 {
            0 => f32::INFINITY,
            1 if round % 2 == 0 => 1_000_000.0,
            word => word as f32 * 0.25,
        };
        let costs: Vec<f32> = (0..elements).map(|_| cost(&mut random)).collect();
        let total = |set: u32| -> f32 {
            costs.iter().enumerate().filter(|(i, _)| (set >> i) & 1 == 1).map(|(_, c)| c).sum()
        };
        let reaches = |set: u32| {
            let flips: Vec<u8> = (0..elements).map(|i| ((set >> i) & 1) as u8).collect();
            syndrome::of(&code, &segment, &flips, 0) == target
        };
        let sets = (0..1_u32 << elements).filter(|set| reaches(*set)).map(total);
        let least = sets.fold(f32::INFINITY, f32::min);
        let [found, _] = both(&code, &costs, &target);
        match found {
            Some(flips) => {
                let set = flips.iter().map(|index| 1 << index).sum();
                assert!(reaches(set));
                assert_eq!(total(set), least, "{round}");
            }
            None => assert_eq!(least, f32::INFINITY, "{round}"),
        }
    }
}

#[test]
fn costs_beyond_the_range_of_integers_are_weighed_in_floating_point() {
    // One dry element a bit is far too dear for integers; the others are wet.
    let code = Random(14).code(10, 4);
    let costs: Vec<f32> = (0..400).map(|i| if i % 4 == 3 { 1e9 } else { f32::INFINITY }).collect();
    let [fast, plain] = both(&code, &costs, &[1; 100]);
    assert_eq!(fast, plain);
    assert!(fast.unwrap().iter().all(|index| index % 4 == 3));
}
