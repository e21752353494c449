//! Syndrome-trellis codes on a segment a core, binary and ternary.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench may stop where it is wrong")]

use std::hint::black_box;

use chat_stego::measuring::stc::Trellis;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Of one segment, so that one core does it.
const ELEMENTS: usize = 65_536;

fn words(count: usize) -> impl Iterator<Item = u32> {
    let next = |word: &u32| Some(word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(7), next).map(|word| word >> 8).take(count)
}

fn bits(count: usize) -> Vec<u8> {
    words(count).map(|word| (word >> 23) as u8).collect()
}

/// Rising steeply, then slowly, as costs of pictures do.
fn costs(count: usize) -> Vec<f32> {
    words(count).map(|word| 0.01 + (word as f32 / 16_777_216.0).powf(1.5) * 0.4).collect()
}

fn binary(criterion: &mut Criterion) {
    let (cover, costs) = (bits(ELEMENTS), costs(ELEMENTS));
    let mut group = criterion.benchmark_group("stc/binary");
    group.sample_size(10).throughput(Throughput::Elements(ELEMENTS as u64));
    for height in [7, 8, 10, 12] {
        for width in [4, 10, 128] {
            let code = Trellis::new(height, width + 1).unwrap();
            let message = bits(ELEMENTS / width);
            let label = BenchmarkId::new(format!("height {height}"), format!("width {width}"));
            group.bench_function(label, |b| {
                b.iter(|| code.embed_binary(black_box(&cover), &costs, &message).unwrap());
            });
        }
    }
    group.finish();
}

/// The everyday case: 2,080 message bits in 64 groups each.
fn ternary(criterion: &mut Criterion) {
    let elements = 2_080 * 64;
    let symbols: Vec<u8> = words(elements).map(|word| (word >> 22) as u8).collect();
    let (costs, message) = (costs(elements), bits(2_080));
    let code = Trellis::new(10, 128).unwrap();
    let changes = code.embed_ternary(&symbols, &costs, &message).unwrap();
    let changed = symbols.iter().zip(changes);
    let stego: Vec<u8> =
        changed.map(|(symbol, change)| symbol.wrapping_add_signed(change)).collect();
    let mut group = criterion.benchmark_group("stc/ternary");
    group.sample_size(10).throughput(Throughput::Elements(elements as u64));
    group.bench_function("embed", |b| {
        b.iter(|| code.embed_ternary(black_box(&symbols), &costs, &message).unwrap());
    });
    group.bench_function("extract", |b| {
        b.iter(|| code.extract_ternary(black_box(&stego), 2_080).unwrap());
    });
    group.finish();
}

criterion_group!(benches, binary, ternary);
criterion_main!(benches);
