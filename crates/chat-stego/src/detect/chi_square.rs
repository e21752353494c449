//! The chi-square attack: LSB replacement levels the two values of each pair.

use super::plane::GreyPlane;

/// The p-value of "a full payload has levelled the pairs (2k, 2k+1) of this plane's values".
///
/// Near 1: the pairs are as equal as a payload over all samples would make them. Near 0: they are
/// not, which a payload over part of the samples also gives; so for payloads that fill a picture
/// from the top, ask [`chi_square_head`]. Blind to payloads that are spread out, to LSB matching
/// and to adaptive embedding.
///
/// `None` if fewer than two pairs of values occur at least ten times. O(pixels).
///
/// # Source
/// Westfeld, Pfitzmann 1999, "Attacks on steganographic systems", Information Hiding, section 3.
pub fn chi_square(plane: &GreyPlane) -> Option<f64> {
    p_value(plane.samples())
}

/// As [`chi_square`], on the first twentieth of the rows (at least one).
pub fn chi_square_head(plane: &GreyPlane) -> Option<f64> {
    let rows = plane.height().div_ceil(20);
    p_value(plane.samples().get(..rows * plane.width())?)
}

fn p_value(samples: &[u8]) -> Option<f64> {
    let mut histogram = [[0_u64; 2]; 128];
    for sample in samples {
        if let Some(pair) = histogram.get_mut(usize::from(sample >> 1)) {
            let [even, odd] = pair;
            *(if sample & 1 == 0 { even } else { odd }) += 1;
        }
    }
    let (mut statistic, mut categories) = (0.0, 0_u32);
    for [even, odd] in histogram {
        let expected = (even + odd) as f64 / 2.0;
        if expected >= MIN_EXPECTED {
            statistic += (even as f64 - expected).powi(2) / expected;
            categories += 1;
        }
    }
    let freedom = categories.checked_sub(1).filter(|&freedom| freedom > 0)?;
    Some(upper_gamma(f64::from(freedom) / 2.0, statistic / 2.0))
}

/// The regularised upper incomplete gamma function Q(a, x), 0 to 1, for a >= 1/2 and x >= 0.
///
/// # Source
/// DLMF 8.11.4 (series) and 8.9.2 (continued fraction, by Lentz's method).
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 { 1.0 - front * lower_series(a, x) } else { front * upper_fraction(a, x) }
        .clamp(0.0, 1.0)
}

/// 1/a + x/(a(a+1)) + x^2/(a(a+1)(a+2)) + ...
fn lower_series(a: f64, x: f64) -> f64 {
    let mut term = 1.0 / a;
    let mut sum = term;
    for n in 1..MAX_TERMS {
        term *= x / (a + f64::from(n));
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum
}

/// 1/(x+1-a - 1(1-a)/(x+3-a - 2(2-a)/(x+5-a - ...)))
fn upper_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = f64::INFINITY;
    let mut d = 1.0 / b;
    let mut value = d;
    for n in (1..MAX_TERMS).map(f64::from) {
        let numerator = n * (a - n);
        b += 2.0;
        d = 1.0 / (b + numerator * d);
        c = b + numerator / c;
        value *= c * d;
        if (c * d - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    value
}

/// The logarithm of the gamma function for x > 0: Stirling's series (DLMF 5.11.1) from 12 up.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 12.0 {
        product *= x;
        x += 1.0;
    }
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    let tail = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0)));
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + tail - product.ln()
}

/// Categories that are expected less often would not be normally distributed.
const MIN_EXPECTED: f64 = 5.0;
/// Both expansions need far fewer for at most 127 degrees of freedom.
const MAX_TERMS: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_gamma_equals_known_values() {
        // scipy.special.gammaincc of scipy 1.17.1.
        for (a, x, expected) in [
            (0.5, 0.5, 0.317_310_507_862_911),
            (1.0, 2.0, 0.135_335_283_236_613),
            (63.5, 60.0, 0.657_451_329_669_133),
            (63.5, 120.0, 5.606_339_546_076_987e-9),
            (10.0, 3.0, 0.998_897_511_869_885),
        ] {
            let found = upper_gamma(a, x);
            assert!((found / expected - 1.0).abs() < 1e-9, "{a} {x}: {found} for {expected}");
        }
        assert_eq!(upper_gamma(63.5, 1e9), 0.0);
        assert_eq!(upper_gamma(0.5, 0.0), 1.0);
    }

    #[test]
    fn levelled_pairs_are_seen_and_others_are_not() {
        let levelled = (0..4_000_u32).map(|i| (i % 40) as u8).collect();
        assert_eq!(chi_square(&GreyPlane::new(40, 100, levelled).unwrap()), Some(1.0));
        let skewed = (0..4_000_u32).map(|i| (i % 40) as u8 & if i % 3 == 0 { 0xfe } else { 0xff });
        let p = chi_square(&GreyPlane::new(40, 100, skewed.collect()).unwrap()).unwrap();
        assert!(p < 1e-6, "{p}");
    }

    #[test]
    fn pictures_of_one_colour_say_nothing() {
        assert_eq!(chi_square(&GreyPlane::new(100, 100, vec![7; 10_000]).unwrap()), None);
        assert_eq!(chi_square_head(&GreyPlane::new(1, 1, vec![7]).unwrap()), None);
    }
}
