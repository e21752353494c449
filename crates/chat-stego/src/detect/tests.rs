//! The detectors on photographs: with a payload, without one, and against another implementation.

use std::path::Path;

use image::DynamicImage;
use image::imageops::FilterType;
use proptest::prelude::*;

use super::*;

/// Marsaglia's xorshift64, bytes from the top.
struct Noise(u64);

impl Noise {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 56) as u8
    }

    /// True in `share` of 256 cases.
    fn is_below(&mut self, share: u16) -> bool {
        u16::from(self.byte()) < share
    }
}

/// Overwrites the lowest bit of `share` / 256 of all samples.
fn replace(plane: &GreyPlane, share: u16) -> GreyPlane {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let one = |&sample: &u8| {
        let (used, bit) = (noise.is_below(share), noise.byte() & 1);
        if used { sample & 0xfe | bit } else { sample }
    };
    let samples = plane.samples().iter().map(one).collect();
    GreyPlane::new(plane.width(), plane.height(), samples).unwrap()
}

/// Adds or takes away 1 where the lowest bit is wrong, in `share` / 256 of all samples.
fn match_bits(plane: &GreyPlane, share: u16) -> GreyPlane {
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    let one = |&sample: &u8| {
        let (used, bit, up) = (noise.is_below(share), noise.byte() & 1, noise.is_below(128));
        match (used && sample & 1 != bit, up, sample) {
            (false, ..) => sample,
            (true, _, 0) | (true, true, 1..=254) => sample + 1,
            (true, ..) => sample - 1,
        }
    };
    let samples = plane.samples().iter().map(one).collect();
    GreyPlane::new(plane.width(), plane.height(), samples).unwrap()
}

const PICTURES: [&str; 5] = ["blue", "cool", "smart", "smile", "think"];

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images");
    std::fs::read(folder.join(name).with_extension("jpg")).unwrap()
}

/// A photograph scaled down to half its sides, so that nothing of its JPEG is left.
fn halved(name: &str) -> DynamicImage {
    let picture = image::load_from_memory(&file(name)).unwrap();
    picture.resize_exact(picture.width() / 2, picture.height() / 2, FilterType::Triangle)
}

fn grey(picture: &DynamicImage) -> GreyPlane {
    let grey = picture.to_luma8();
    GreyPlane::new(grey.width() as usize, grey.height() as usize, grey.into_raw()).unwrap()
}

/// The 128 x 128 pieces of a plane that reach neither 0 nor 255 often.
fn pieces(plane: &GreyPlane) -> Vec<GreyPlane> {
    let piece = |left: usize, top: usize| {
        let rows = plane.samples().chunks_exact(plane.width()).skip(top).take(128);
        let samples = rows.flat_map(|row| row[left..left + 128].to_vec()).collect();
        GreyPlane::new(128, 128, samples).unwrap()
    };
    let tops = (0..plane.height().saturating_sub(127)).step_by(64);
    let all = tops.flat_map(|top| {
        (0..plane.width().saturating_sub(127)).step_by(64).map(move |left| piece(left, top))
    });
    let cut_off = |plane: &GreyPlane| {
        plane.samples().iter().filter(|sample| [0, 255].contains(*sample)).count()
    };
    all.filter(|piece| cut_off(piece) < 80).collect()
}

/// The probability that a stego image scores higher than a cover.
fn area_under_curve(covers: &[f64], stegos: &[f64]) -> f64 {
    let wins = |stego: &f64| covers.iter().filter(|cover| *cover < stego).count();
    let all: usize = stegos.iter().map(wins).sum();
    all as f64 / (covers.len() * stegos.len()) as f64
}

type Estimate = fn(&GreyPlane) -> Option<EmbeddingRate>;
const ESTIMATES: [(&str, Estimate); 3] =
    [("SPA", sample_pairs), ("RS", regular_singular), ("WS", weighted_stego)];

#[test]
fn estimates_follow_the_rate_on_photographs() {
    let planes = PICTURES.map(|name| grey(&halved(name)));
    for (name, estimate) in ESTIMATES {
        for share in [0, 26, 51, 102] {
            let rate = f64::from(share) / 256.0;
            let errors =
                planes.each_ref().map(|p| estimate(&replace(p, share)).unwrap().raw() - rate);
            let mean = errors.iter().sum::<f64>() / 5.0;
            assert!(mean.abs() < 0.03, "{name} at {rate}: {errors:?}");
            assert!(errors.iter().all(|error| error.abs() < 0.06), "{name} at {rate}: {errors:?}");
        }
        let full = planes.each_ref().map(|plane| estimate(&replace(plane, 256)).unwrap().get());
        assert!(full.iter().all(|&rate| rate > 0.8), "{name} at 1: {full:?}");
    }
}

#[test]
fn replacement_is_seen_and_matching_is_not() {
    let pieces: Vec<GreyPlane> =
        PICTURES.iter().flat_map(|name| pieces(&grey(&halved(name)))).collect();
    assert!(pieces.len() > 40, "{}", pieces.len());
    for (name, estimate) in ESTIMATES {
        let scores = |change: &dyn Fn(&GreyPlane) -> GreyPlane| -> Vec<f64> {
            pieces.iter().filter_map(|piece| Some(estimate(&change(piece))?.raw())).collect()
        };
        let covers = scores(&GreyPlane::clone);
        let replaced = area_under_curve(&covers, &scores(&|piece| replace(piece, 102)));
        let matched = area_under_curve(&covers, &scores(&|piece| match_bits(piece, 102)));
        println!("{name}: replacement {replaced:.3}, matching {matched:.3}");
        assert!(replaced > 0.95, "{name}: {replaced}");
        assert!((matched - 0.5).abs() < 0.1, "{name}: {matched}");
    }
}

#[test]
fn a_message_from_the_top_shows_in_the_head_of_the_picture() {
    let plane = grey(&halved("cool"));
    let full = replace(&plane, 256);
    let filled = plane.width() * plane.height() / 10;
    let mut samples = full.samples()[..filled].to_vec();
    samples.extend(&plane.samples()[filled..]);
    let stego = GreyPlane::new(plane.width(), plane.height(), samples).unwrap();
    let (cover_p, stego_p) = (chi_square_head(&plane), chi_square_head(&stego));
    assert!(cover_p.unwrap() < 0.01 && stego_p.unwrap() > 0.5, "{cover_p:?} {stego_p:?}");
    assert!(chi_square(&stego).unwrap() < 0.01);
}

/// Values of sealwatch 2025.9 (sample pairs) and scipy 1.17.1 (chi-square) on the fixture with
/// 0, 64, 128 and 256 of 256 bits replaced; `tests/fixtures/detect/README.md`.
#[test]
fn estimates_equal_those_of_other_programs() {
    let fixture = include_bytes!("../../tests/fixtures/detect/coffee-grey.png");
    let cover = grey(&image::load_from_memory(fixture).unwrap());
    let close = |found: f64, expected: f64| (found - expected).abs() < 1e-9;
    for (share, pairs, head, all) in [
        (0, 0.095_955_630_217_664_86, 0.861_047_058_327_344_2, 0.000_254_187_037_652_167_2),
        (64, 0.291_824_428_304_867_3, 0.979_661_572_050_440_7, 0.502_733_892_615_171_4),
        (128, 0.528_690_201_964_388_5, 0.963_688_551_088_230_3, 0.984_076_148_576_093_7),
        (256, 0.984_259_838_560_102_2, 0.999_354_722_543_428_8, 0.999_999_804_209_079_7),
    ] {
        let plane = replace(&cover, share);
        // sealwatch looks at pairs side by side only.
        let sideways = sample_pairs::in_rows(&plane).unwrap().raw();
        assert!(close(sideways, pairs), "{share}: {sideways} for {pairs}");
        assert!(close(chi_square_head(&plane).unwrap(), head), "{share}");
        assert!(close(chi_square(&plane).unwrap(), all), "{share}");
    }
}

#[test]
fn pictures_that_say_nothing_give_none() {
    let gives_none = |plane: &GreyPlane| {
        ESTIMATES.iter().all(|(_, estimate)| estimate(plane).is_none())
            && chi_square(plane).is_none()
            && former_jpeg(plane).is_none()
    };
    let plane =
        |width, height, value| GreyPlane::new(width, height, vec![value; width * height]).unwrap();
    assert!(gives_none(&plane(300, 300, 0)));
    assert!(gives_none(&plane(300, 300, 255)));
    assert!(gives_none(&plane(300, 300, 90)));
    assert!(gives_none(&plane(1, 1, 90)));
    assert!(gives_none(&plane(1, 5_000, 90)));
    assert!(gives_none(&plane(5_000, 1, 90)));
    let black_and_white = (0..90_000).map(|i| if i / 40 % 2 == 0 { 0 } else { 255 }).collect();
    assert_eq!(weighted_stego(&GreyPlane::new(300, 300, black_and_white).unwrap()), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_plane_makes_a_number_without_meaning(
        width in 1_usize..60,
        samples in prop::collection::vec(any::<u8>(), 1..6_000),
        few in 0_u8..8,
    ) {
        let height = (samples.len() / width).max(1);
        let mut samples: Vec<u8> = samples.into_iter().map(|sample| sample >> few).collect();
        samples.resize(width * height, 7);
        let plane = GreyPlane::new(width, height, samples).unwrap();
        for (_, estimate) in ESTIMATES {
            prop_assert!(estimate(&plane).is_none_or(|rate| rate.raw().is_finite()));
        }
        for p in [chi_square(&plane), chi_square_head(&plane)].into_iter().flatten() {
            prop_assert!((0.0..=1.0).contains(&p));
        }
        former_jpeg(&plane);
        let blocks = compatibility_with(&plane, &[16; 64]);
        prop_assert_eq!(blocks.tested + blocks.saturated, (width / 8) * (height / 8));
    }
}
