//! How near the code comes to the bound. Deterministic: seeds, columns and costs are fixed.

use super::changed;
use super::profile::Random;
use crate::stc::{bound, embed_binary, embed_ternary, extract_ternary};

/// D / D_opt of a binary embedding with the costs of a photograph.
fn binary(height: u32, elements: usize, width: usize) -> f64 {
    let mut random = Random(21);
    let (code, costs) = (random.code(height, width), random.hill(elements, 1));
    let (cover, message) = (random.bits(elements), random.bits(elements / width));
    let flips = embed_binary(&code, &cover, &costs, &message).unwrap();
    flips.cost / bound::binary(&costs, message.len()).distortion
}

/// D / D_opt of a ternary embedding; each cost is the least of `pooled`, and the change that
/// the rounding error speaks for is cheaper by up to `side` of the cost, the other one dearer.
fn ternary(pooled: u16, side: f32, (elements, bits): (usize, usize)) -> f64 {
    let mut random = Random(22);
    let code = random.code(10, elements.div_ceil(bits / 2));
    let costs = random.hill(elements, pooled);
    let errors: Vec<f32> = costs.iter().map(|_| (2.0 * random.unit() - 1.0) * side).collect();
    let directed = |sign: f32| -> Vec<f32> {
        costs.iter().zip(&errors).map(|(cost, error)| cost * (1.0 + sign * error)).collect()
    };
    let (plus, minus) = (directed(1.0), directed(-1.0));
    let (symbols, message) = (random.symbols(elements), random.bits(bits));
    let changes = embed_ternary(&code, &symbols, (&plus, &minus), &message).unwrap();
    let stego = changed(&symbols, &changes);
    assert_eq!(extract_ternary(&code, &stego, bits).unwrap(), message);
    let cost = |(index, change): (usize, &i8)| match change {
        0 => 0.0,
        1 => f64::from(plus[index]),
        _ => f64::from(minus[index]),
    };
    let distortion: f64 = changes.iter().enumerate().map(cost).sum();
    distortion / bound::ternary(&plus, &minus, bits).distortion
}

#[test]
fn a_tenth_of_a_bit_an_element_is_near_the_bound_and_nearer_the_higher_the_trellis() {
    for (height, most) in [(7, 1.23), (8, 1.19), (10, 1.14), (12, 1.11)] {
        let ratio = binary(height, 20_000, 10);
        assert!((1.0..most).contains(&ratio), "{height}: {ratio}");
    }
}

#[test]
fn at_a_tenth_of_a_bit_no_more_than_8_percent_of_the_payload_are_lost() {
    // With the distortion that 6,000 bits took, the bound carries less than 6,000 / 0.92.
    let mut random = Random(23);
    let (code, costs) = (random.code(10, 10), random.hill(60_000, 1));
    let (cover, message) = (random.bits(60_000), random.bits(6_000));
    let flips = embed_binary(&code, &cover, &costs, &message).unwrap();
    assert!(flips.cost < bound::binary(&costs, 6_521).distortion);
}

#[test]
fn ternary_embeddings_are_near_the_bound_at_all_rates_with_and_without_side_information() {
    for side in [0.0, 1.0] {
        for (elements, bits, most) in
            [(64_000, 1_000, 1.22), (16_000, 2_000, 1.19), (8_000, 4_000, 1.19)]
        {
            let ratio = ternary(1, side, (elements, bits));
            assert!((1.0..most).contains(&ratio), "{side} {bits}: {ratio}");
        }
    }
}

#[test]
fn a_chat_message_in_pooled_groups_stays_below_1_point_22() {
    let ratio = ternary(90, 0.0, (2_080 * 64, 2_080));
    assert!((1.0..1.22).contains(&ratio), "{ratio}");
}
