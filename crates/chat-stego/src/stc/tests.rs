
use super::profile::Random;
use super::*;

fn flip(bits: &[u8], flips: &Flips) -> Vec<u8> {
    let mut bits = bits.to_vec();
    flips.indices.iter().for_each(|index| bits[*index] ^= 1);
    bits
}

fn width(elements: usize, bits: usize) -> usize {
    elements.div_ceil(bits)
}

#[test]
fn what_is_embedded_is_extracted_at_all_heights_and_odd_sizes() {
    let mut random = Random(1);
    for height in Code::HEIGHTS {
        for (elements, bits) in
            [(1, 1), (9, 1), (300, 1), (7, 7), (9, 8), (100, 99), (1000, 37), (70_001, 900)]
        {
            let code = random.code(height, width(elements, bits));
            let (cover, costs) = (random.bits(elements), random.hill(elements, 1));
            let message = random.bits(bits);
            let flips = embed_binary(&code, &cover, &costs, &message).unwrap();
            let stego = flip(&cover, &flips);
            assert_eq!(
                extract_binary(&code, &stego, bits).unwrap(),
                message,
                "{height} {elements} {bits}"
            );
        }
    }
}
