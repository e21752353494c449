use proptest::prelude::*;

use super::*;

fn jpeg(elements: u64, bytes: usize) -> Sent {
    Sent { jpeg: Total { elements, bits: bytes as u64 * 8 }, png: Total::default() }
}

#[test]
fn bands_are_those_of_the_law() {
    // 512 x 512: 25.6 * 512 bits are 0.05 a pixel.
    let sizes = SafeSizes::of(Element::Pixel, 512 * 512);
    assert_eq!(sizes, SafeSizes { comfort: 1638, caution: 3276, max: 13_107 });
    let sizes = SafeSizes::of(Element::NonzeroAc, 250_000);
    assert_eq!(sizes, SafeSizes { comfort: 668, caution: 1337, max: 12_500 });
    // Below 45,796 coefficients the twentieth is the smaller.
    assert_eq!(SafeSizes::of(Element::NonzeroAc, 16_000).comfort, 100);
    assert_eq!(SafeSizes::of(Element::NonzeroAc, 0), SafeSizes::default());
}

#[test]
fn a_conversation_of_equal_pictures_may_carry_the_root_of_their_number() {
    let alone = SafeSizes::of(Element::NonzeroAc, 250_000).comfort;
    let mut sent = Sent::default();
    let mut bytes = 0;
    for _ in 0..100 {
        let comfort = SafeSizes::left(&sent, Element::NonzeroAc, 250_000).comfort;
        bytes += comfort;
        sent.jpeg.elements += 250_000;
        sent.jpeg.bits += comfort as u64 * 8;
    }
    assert!((bytes as i64 - 10 * alone as i64).abs() < 120, "{bytes} {alone}");
}

#[test]
fn pictures_without_payload_make_room() {
    let exhausted = jpeg(250_000, 668);
    let before = SafeSizes::left(&exhausted, Element::NonzeroAc, 250_000).comfort;
    let with_cover_traffic = jpeg(1_000_000, 668);
    let after = SafeSizes::left(&with_cover_traffic, Element::NonzeroAc, 250_000).comfort;
    assert!(before < 300 && after == 668, "{before} {after}");
}

#[test]
fn what_one_kind_has_used_the_other_lacks() {
    let comfort = |sent: &Sent| SafeSizes::left(sent, Element::Pixel, 1 << 20).comfort;
    let alone = comfort(&Sent::default());
    assert_eq!(alone, SafeSizes::of(Element::Pixel, 1 << 20).comfort);
    let most = jpeg(250_000, 535);
    assert!((comfort(&most) as f64 / alone as f64 - 0.6).abs() < 0.01);
    assert_eq!(comfort(&jpeg(250_000, 669)), 0);
}

proptest! {
    #[test]
    fn bands_keep_their_order_and_never_grow(
        count in any::<u64>(),
        sums in any::<[u64; 4]>(),
        is_jpeg in any::<bool>(),
    ) {
        let element = if is_jpeg { Element::NonzeroAc } else { Element::Pixel };
        let [elements, bits, others, other_bits] = sums;
        let sent = Sent {
            jpeg: Total { elements, bits },
            png: Total { elements: others, bits: other_bits },
        };
        let alone = SafeSizes::of(element, count);
        let left = SafeSizes::left(&sent, element, count);
        prop_assert!(alone.comfort <= alone.caution && alone.caution <= alone.max);
        prop_assert!(left.comfort <= left.caution && left.caution <= left.max);
        prop_assert!(left.comfort <= alone.comfort && left.max <= alone.max);
    }
}
