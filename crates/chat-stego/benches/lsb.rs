//! `lsb-compat` on pictures of 2 and 12 megapixels, in memory.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench may stop where it is wrong")]

use std::hint::black_box;
use std::io::Cursor;

use chat_stego::{EmbedOptions, LsbCompat, StegoCodec, StegoKey, cover};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use image::{ImageFormat, Rgb, RgbImage};

/// Slopes with noise in the lower bits: compresses about as a photograph does.
fn photo(width: u32, height: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let picture = RgbImage::from_fn(width, height, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 29) as u8;
        Rgb([(x / 16) as u8 ^ noise, (y / 16) as u8 ^ noise, ((x + y) / 32) as u8 ^ (noise >> 1)])
    });
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

fn lsb(criterion: &mut Criterion) {
    let key = StegoKey::from_bytes([0; 32]);
    let options = EmbedOptions::default();
    let mut group = criterion.benchmark_group("lsb-compat");
    group.sample_size(10);
    for (name, width, height) in [("2MP", 1600, 1250), ("12MP", 4000, 3000)] {
        let cover = photo(width, height);
        for size in [200, 100_000] {
            let payload = vec![b'x'; size];
            let label = format!("{name}/{size}B");
            let image = LsbCompat.embed(&cover, &payload, &key, &options).unwrap().file;
            group.bench_function(BenchmarkId::new("embed", &label), |b| {
                b.iter(|| LsbCompat.embed(black_box(&cover), &payload, &key, &options).unwrap());
            });
            group.bench_function(BenchmarkId::new("extract", &label), |b| {
                b.iter(|| LsbCompat.extract(black_box(&image), &key).unwrap());
            });
            group.bench_function(BenchmarkId::new("peek", &label), |b| {
                b.iter(|| LsbCompat.peek(black_box(&image), 76).unwrap());
            });
        }
        group.bench_function(BenchmarkId::new("peek clean", name), |b| {
            b.iter(|| LsbCompat.peek(black_box(&cover), 76).is_err());
        });
        group.bench_function(BenchmarkId::new("prepare, scaled", name), |b| {
            b.iter(|| cover::prepare(black_box(&cover), 1000, cover.len() / 3).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, lsb);
criterion_main!(benches);
