mod hostile;

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::deflate::{Level, Memory, Strategy as Tactic, Zlib};

/// Smooth hills with noise: a picture whose rows do not all prefer one filter.
fn photo(colour: Colour, width: u32, height: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let mut data = Vec::new();
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        for channel in 0..colour.channels() as u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = if y < height / 2 { (state >> 24) % (1 + y / 4 % 8) } else { 0 };
            data.push((((x * x) / 90 + y * (1 + channel) + noise) % 256) as u8);
        }
    }
    data
}

fn encoded(
    colour: Colour,
    (width, height): (u32, u32),
    settings: impl Fn(&mut ::png::Encoder<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, width, height);
    encoder.set_color(match colour {
        Colour::Grey => ::png::ColorType::Grayscale,
        Colour::GreyAlpha => ::png::ColorType::GrayscaleAlpha,
        Colour::Rgb => ::png::ColorType::Rgb,
        Colour::Rgba => ::png::ColorType::Rgba,
    });
    settings(&mut encoder);
    encoder.write_header().unwrap().write_image_data(&photo(colour, width, height)).unwrap();
    file
}

const COLOURS: [Colour; 4] = [Colour::Grey, Colour::GreyAlpha, Colour::Rgb, Colour::Rgba];

/// Files of every writer in the fixtures, and of every one whose files SECURECHAT_TEST_PNGS has.
fn files() -> Vec<(PathBuf, Vec<u8>)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/png");
    let mut folders = vec![fixtures];
    match std::env::var_os("SECURECHAT_TEST_PNGS") {
        Some(folder) => folders.push(folder.into()),
        None => println!("skipped: SECURECHAT_TEST_PNGS names no folder of scripts/png-corpus"),
    }
    let mut paths = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let paths = paths.by_ref().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|end| end == "png"));
    paths.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Takes the file apart down to samples, and builds it again from them.
fn assert_rebuilt(name: &str, file: &[u8]) -> Filtering {
    let png = PngFile::read(file).unwrap_or_else(|e| panic!("{name}: {e}"));
    let samples = png.samples().unwrap_or_else(|e| panic!("{name}: {e}"));
    let filtering = png.filtering(png.raw().unwrap()).unwrap();
    assert!(filtering.apply(&samples) == *png.raw().unwrap(), "{name}: {filtering:?}");
    assert!(Filtering::Kept.apply(&samples) == *png.raw().unwrap(), "{name}: kept");
    assert!(png.write(&samples).unwrap() == file, "{name}: the file differs");
    filtering
}

#[test]
fn unchanged_files_of_all_writers_come_back_byte_for_byte() {
    for (path, file) in files() {
        let filtering = assert_rebuilt(&path.display().to_string(), &file);
        println!("{}: {filtering:?}", path.file_name().unwrap().display());
    }
}

#[test]
fn samples_are_those_that_an_independent_decoder_reads() {
    for (path, file) in files() {
        let mut reader = ::png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
        let mut expected = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut expected).unwrap();
        let png = PngFile::read(&file).unwrap();
        assert!(png.samples().unwrap().data == expected, "{}", path.display());
        let rows = png.header().height.div_ceil(8);
        let first = png.first_rows(rows).unwrap();
        assert_eq!(first.height, rows);
        assert!(expected.starts_with(&first.data), "{}", path.display());
    }
}

#[test]
fn files_of_the_crate_png_come_back_byte_for_byte() {
    use ::png::{Compression, Filter};
    let filters = [
        Filter::NoFilter,
        Filter::Sub,
        Filter::Up,
        Filter::Avg,
        Filter::Paeth,
        Filter::Adaptive,
        Filter::MinEntropy,
    ];
    for (colour, size) in COLOURS.into_iter().zip([(1, 90), (61, 40), (200, 150), (31, 1)]) {
        for filter in filters {
            for compression in [Compression::Fast, Compression::Balanced] {
                let file = encoded(colour, size, |encoder| {
                    encoder.set_compression(compression);
                    encoder.set_filter(filter);
                });
                let found = assert_rebuilt(&format!("{colour:?} {filter:?}"), &file);
                if filter == Filter::Adaptive {
                    assert!(matches!(found, Filtering::Chosen { .. }), "{colour:?} {found:?}");
                }
            }
        }
    }
}

fn changed(samples: &Samples) -> Samples {
    let mut changed = samples.clone();
    for sample in changed.data.iter_mut().step_by(7) {
        *sample = sample.checked_add(1).unwrap_or(254);
    }
    changed
}

#[test]
fn changed_samples_come_back_and_nothing_else_of_the_file_changes() {
    for (path, file) in files() {
        let png = PngFile::read(&file).unwrap();
        let wanted = changed(&png.samples().unwrap());
        let written = png.write(&wanted).unwrap();
        let again = PngFile::read(&written).unwrap();
        let found = again.samples().unwrap();
        assert!(found.data == wanted.data, "{}", path.display());
        assert_eq!(again.container.around(), png.container.around(), "{}", path.display());
        match png.filtering(png.raw().unwrap()).unwrap() {
            Filtering::Kept => assert_eq!(found.filters, wanted.filters),
            // Every row has the type that the cover's writer would have given it.
            rule => assert!(rule.apply(&found) == *again.raw().unwrap(), "{}", path.display()),
        }
    }
}

#[test]
fn a_known_compressor_is_used_again() {
    let file = encoded(Colour::Rgb, (90, 70), |encoder| {
        encoder.set_filter(::png::Filter::Paeth);
    });
    let png = PngFile::read(&file).unwrap();
    let settings = [(6, Memory::Eight), (9, Memory::Nine), (1, Memory::Eight)];
    for (level, memory) in settings {
        let level = Level::new(level).unwrap();
        let zlib = Zlib { level, memory, strategy: Tactic::Filtered };
        let written = png.container.with_stream(&zlib.compress(png.raw().unwrap())).unwrap();
        let png = PngFile::read(&written).unwrap();
        let wanted = changed(&png.samples().unwrap());
        let raw = png.filtering(png.raw().unwrap()).unwrap().apply(&wanted);
        let expected = png.container.with_stream(&zlib.compress(&raw)).unwrap();
        assert!(png.write(&wanted).unwrap() == expected, "{zlib:?}");
    }
}

#[test]
fn changed_files_are_those_that_their_writers_would_have_made() {
    // Of a tiny stream several settings are possible, so that not every writer can be told.
    let read = |name: &str| {
        let path = format!("{}/tests/fixtures/png/{name}.png", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).unwrap()
    };
    let (cover, expected) = (read("pillow-rgb"), read("changed-pillow-rgb"));
    let png = PngFile::read(&cover).unwrap();
    assert!(png.write(&changed(&png.samples().unwrap())).unwrap() == expected);
}

#[test]
fn write_refuses_samples_of_another_shape() {
    let file = encoded(Colour::Rgb, (9, 7), |_| {});
    let png = PngFile::read(&file).unwrap();
    let samples = png.samples().unwrap();
    let mut short = samples.clone();
    short.data.pop();
    let mut tall = samples.clone();
    tall.height += 1;
    let few = png.first_rows(3).unwrap();
    for other in [short, tall, few] {
        assert!(matches!(png.write(&other), Err(WriteError::Shape)));
    }
}

proptest! {
    #[test]
    fn all_samples_and_filters_survive(
        colour in 0..4_usize,
        (width, height) in (1..50_u32, 1..20_u32),
        seed in any::<u64>(),
    ) {
        let colour = COLOURS[colour];
        let mut state = seed | 1;
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        let header = Header { width, height, colour };
        let data: Vec<u8> = (0..header.stride() * height as usize).map(|_| byte()).collect();
        let filters: Vec<u8> = (0..height).map(|_| byte() % 5).collect();
        let samples = Samples { width, height, colour, data, filters, transparent: None };
        let raw = Filtering::Kept.apply(&samples);
        let (data, filters) = unfilter::unfilter(&header, &raw).unwrap();
        prop_assert!(data == samples.data && filters == samples.filters);
    }
}

#[test]
#[ignore = "a measurement: cargo test --release -p chat-stego --lib -- --ignored --nocapture png::tests::speed"]
fn speed_of_rows() {
    let (width, height) = (1000, 750);
    for colour in [Colour::Rgb, Colour::Rgba, Colour::Grey] {
        let header = Header { width, height, colour };
        let data = photo(colour, width, height);
        let filters = vec![0; height as usize];
        let mut samples = Samples { width, height, colour, data, filters, transparent: None };
        let group = &heuristic::GROUPS[0];
        let chosen = Filtering::Chosen {
            group,
            rule: &group.rules[0],
            set: heuristic::Set::ALL,
            from_row: 0,
        };
        let time = |name: &str, run: &mut dyn FnMut()| {
            let best = (0..60)
                .map(|_| {
                    let start = std::time::Instant::now();
                    run();
                    start.elapsed()
                })
                .min();
            println!("{colour:?} {name}: {:?} for 12 MP", best.unwrap() * 16);
        };
        for filter in 0..5 {
            samples.filters.fill(filter);
            let raw = Filtering::Kept.apply(&samples);
            time(&format!("unfilter {filter}"), &mut || {
                assert!(unfilter::unfilter(&header, &raw).is_ok());
            });
        }
        time("filter paeth", &mut || drop(Filtering::Kept.apply(&samples)));
        time("refilter", &mut || drop(chosen.apply(&samples)));
        let raw = chosen.apply(&samples);
        let found = unfilter::unfilter(&header, &raw).unwrap();
        samples.filters = found.1;
        time("recognise", &mut || assert!(!matches!(Filtering::of(&samples), Filtering::Kept)));
    }
}
