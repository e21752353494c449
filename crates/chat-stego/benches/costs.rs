//! Costs of all elements of a grey picture of 2 megapixels.
#![allow(missing_docs, reason = "a bench has no callers")]

use std::hint::black_box;

use chat_stego::measuring::Picture;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn costs(criterion: &mut Criterion) {
    let (wide, high) = (200, 156);
    let picture = Picture::of_blocks(wide, high);
    let mut group = criterion.benchmark_group("costs");
    group.sample_size(20);
    group.throughput(Throughput::Elements(64 * wide as u64 * high as u64));
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::new("J-UNIWARD, decoding", threads), |b| {
            b.iter(|| black_box(&picture).juniward(threads));
        });
        group.bench_function(BenchmarkId::new("HILL", threads), |b| {
            b.iter(|| black_box(&picture).hill(threads));
        });
    }
    group.finish();
}

criterion_group!(benches, costs);
criterion_main!(benches);
