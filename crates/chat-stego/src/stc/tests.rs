mod exactness;
mod gates;
pub(super) mod profile;

use proptest::prelude::*;

use super::*;
use profile::Random;

/// Elements and message bits: one bit, nearly as many as elements, several segments, odd ones.
const SIZES: [(usize, usize); 9] =
    [(1, 1), (9, 1), (300, 1), (7, 7), (9, 8), (100, 99), (1000, 37), (3000, 1100), (70_001, 900)];

fn flipped(bits: &[u8], flips: &Flips) -> Vec<u8> {
    let mut bits = bits.to_vec();
    flips.indices.iter().for_each(|index| bits[*index] ^= 1);
    bits
}

fn changed(symbols: &[u8], changes: &[i8]) -> Vec<u8> {
    symbols.iter().zip(changes).map(|(symbol, by)| symbol.wrapping_add_signed(*by) % 4).collect()
}

#[test]
fn what_is_embedded_is_extracted_at_all_heights_and_odd_sizes() {
    let mut random = Random(1);
    for height in Code::HEIGHTS {
        for (elements, bits) in SIZES {
            let code = random.code(height, elements.div_ceil(bits));
            let (cover, costs) = (random.bits(elements), random.hill(elements, 1));
            let message = random.bits(bits);
            let flips = embed_binary(&code, &cover, &costs, &message).unwrap();
            let stego = flipped(&cover, &flips);
            assert!(flips.indices.is_sorted_by(|a, b| a < b));
            let cost: f64 = flips.indices.iter().map(|i| f64::from(costs[*i])).sum();
            assert!((flips.cost - cost).abs() <= 1e-9 * cost);
            assert_eq!(extract_binary(&code, &stego, bits).unwrap(), message, "{height} {bits}");
        }
    }
}

#[test]
fn a_ternary_message_of_even_or_odd_length_comes_back() {
    let mut random = Random(2);
    for height in [7, 10] {
        for (elements, bits) in
            [(300_usize, 1), (300, 2), (301, 3), (1001, 64), (400, 300), (140_000, 4001)]
        {
            let code = random.code(height, elements.div_ceil((bits / 2).max(1)));
            let (symbols, plus) = (random.symbols(elements), random.hill(elements, 1));
            let (minus, message) = (random.hill(elements, 1), random.bits(bits));
            let changes = embed_ternary(&code, &symbols, (&plus, &minus), &message).unwrap();
            assert!(changes.iter().all(|change| (-1..=1).contains(change)));
            let stego = changed(&symbols, &changes);
            assert_eq!(extract_ternary(&code, &stego, bits).unwrap(), message, "{height} {bits}");
        }
    }
}

#[test]
fn the_first_half_lies_in_the_second_lowest_bits_and_the_second_in_the_lowest() {
    let mut random = Random(3);
    let (code, symbols) = (random.code(8, 20), random.symbols(1000));
    let message = extract_ternary(&code, &symbols, 100).unwrap();
    let plane = |place: u32| symbols.iter().map(|symbol| symbol >> place).collect::<Vec<_>>();
    assert_eq!(message[..50], extract_binary(&code, &plane(1), 50).unwrap());
    assert_eq!(message[50..], extract_binary(&code, &plane(0), 50).unwrap());
}

#[test]
fn a_message_that_is_there_already_changes_nothing() {
    let mut random = Random(4);
    let (code, symbols, costs) = (random.code(10, 40), random.symbols(2000), random.hill(2000, 1));
    let message = extract_ternary(&code, &symbols, 100).unwrap();
    let changes = embed_ternary(&code, &symbols, (&costs, &costs), &message).unwrap();
    assert_eq!(changes, vec![0; 2000]);
    let none = embed_ternary(&code, &symbols, (&costs, &costs), &[]).unwrap();
    assert_eq!(none, vec![0; 2000]);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let mut random = Random(5);
    let (code, bits, costs) = (random.code(7, 50), random.bits(400_000), random.hill(400_000, 1));
    let message = random.bits(8_000);
    let with = |threads| {
        layer::flips((&code, Layer::Binary, threads), &bits, |i| costs[i].to_vec(), &message)
            .unwrap()
    };
    let one = with(1);
    assert!([2, 3, 8].into_iter().all(|threads| with(threads) == one));
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let code = Random(6).code(7, 3);
    let costs = Err(StcError::Costs { elements: 4, costs: 3 });
    assert_eq!(embed_binary(&code, &[0; 4], &[1.0; 3], &[1]), costs);
    let ternary = embed_ternary(&code, &[0; 4], (&[1.0; 4], &[1.0; 3]), &[1]);
    assert_eq!(ternary, Err(StcError::Costs { elements: 4, costs: 3 }));
    let narrow = Err(StcError::Narrow { needed: 4, got: 3 });
    assert_eq!(embed_binary(&code, &[0; 4], &[1.0; 4], &[1]).map(|flips| flips.indices), narrow);
    assert_eq!(extract_binary(&code, &[0; 4], 5), Err(StcError::TooLong { bits: 5, elements: 4 }));
    assert!(extract_ternary(&code, &[0; 4], usize::MAX).is_err());
}

#[test]
fn a_cover_that_is_all_wet_is_refused_by_the_layer_that_fails() {
    let mut random = Random(7);
    let code = random.code(9, 100);
    for wet in [f32::INFINITY, f32::NAN, -1.0, f32::NEG_INFINITY] {
        let refused = embed_binary(&code, &[0; 100], &[wet; 100], &[1]);
        assert_eq!(refused, Err(StcError::Wet { layer: Layer::Binary }));
        assert!(embed_binary(&code, &[0; 100], &[wet; 100], &[0]).unwrap().indices.is_empty());
    }
    let (wet, dry) = ([f32::INFINITY; 100], [1.0; 100]);
    // Up from an even symbol turns the lowest bit alone, down the second-lowest as well: the
    // first bit of the message needs an odd number of the latter, the second an even one of both.
    let layer = |plus, minus| match embed_ternary(&code, &[2; 100], (plus, minus), &[1, 0]) {
        Err(StcError::Wet { layer }) => Some(layer),
        _ => None,
    };
    assert_eq!(layer(&wet, &wet), Some(Layer::SecondLowest));
    assert_eq!(layer(&dry, &wet), Some(Layer::SecondLowest));
    assert_eq!(layer(&wet, &dry), Some(Layer::Lowest));
    assert_eq!(layer(&dry, &dry), None);
    let message = StcError::Wet { layer: Layer::Lowest }.to_string();
    assert!(message.starts_with("the layer of lowest bits cannot carry"), "{message}");
}

/// Wet with probability `share`, otherwise a cost of one of many orders of magnitude.
fn wild(random: &mut Random, count: usize, share: f32) -> Vec<f32> {
    let mut cost = || match (random.unit() < share, random.word() % 16) {
        (true, 0) => f32::NAN,
        (true, 1) => -1.0,
        (true, _) => f32::INFINITY,
        (false, 0) => 0.0,
        (false, size) => random.unit() * 10_f32.powi(3 * size as i32 - 24),
    };
    (0..count).map(|_| cost()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_the_costs_wet_elements_stay_and_the_message_comes_back(
        (seed, height) in (any::<u64>(), Code::HEIGHTS),
        (elements, share) in (1_usize..1500, 1_usize..60),
        wet in prop_oneof![Just(0.0_f32), Just(0.5), Just(0.95)],
    ) {
        let mut random = Random(seed);
        let bits = elements.div_ceil(share);
        let code = random.code(height, elements.div_ceil((bits / 2).max(1)));
        let (symbols, message) = (random.symbols(elements), random.bits(bits));
        let costs = [0, 1].map(|_| wild(&mut random, elements, wet));
        match embed_binary(&code, &symbols, &costs[0], &message) {
            Ok(flips) => {
                prop_assert!(flips.indices.iter().all(|index| costs[0][*index] >= 0.0));
                prop_assert!(flips.cost.is_finite());
                let stego = flipped(&symbols, &flips);
                prop_assert_eq!(extract_binary(&code, &stego, bits).unwrap(), &message[..]);
            }
            Err(error) => prop_assert_eq!(error, StcError::Wet { layer: Layer::Binary }),
        }
        if let Ok(changes) = embed_ternary(&code, &symbols, (&costs[0], &costs[1]), &message) {
            let cost = |(index, change): (usize, &i8)| match change {
                0 => 0.0,
                1 => costs[0][index],
                _ => costs[1][index],
            };
            let dry = |cost: f32| (0.0..f32::INFINITY).contains(&cost);
            prop_assert!(changes.iter().enumerate().map(cost).all(dry));
            let stego = changed(&symbols, &changes);
            prop_assert_eq!(extract_ternary(&code, &stego, bits).unwrap(), message);
        }
    }
}
