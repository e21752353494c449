//! Sealing and opening envelopes, and finding out that one is not ours.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench may stop where it is wrong")]

use std::hint::black_box;

use chat_crypto::{Envelope, EnvelopeContext, EnvelopeKind, MailboxTag, SharedKey, Subkey};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn envelope(criterion: &mut Criterion) {
    let key = Subkey::from_bytes([7; 32]);
    let others = [1, 2, 3, 4].map(|byte| Subkey::from_bytes([byte; 32]));
    let tag = MailboxTag::from_bytes([9; 16]);
    let context = EnvelopeContext {
        namespace: "securechat",
        kind: EnvelopeKind::Mail,
        partition: 3,
        tag: &tag,
    };
    let mut rng = rand::rng();
    let mut group = criterion.benchmark_group("envelope");
    for (name, size) in [("200B", 200), ("16KiB", 16 << 10), ("1MiB", 1 << 20)] {
        let protected = SharedKey::protect(&vec![b'x'; size]);
        let sealed = Envelope::seal(&key, &context, &protected, &mut rng).unwrap();
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("seal", name), |b| {
            b.iter(|| Envelope::seal(&key, &context, black_box(&protected), &mut rng).unwrap());
        });
        group.bench_function(BenchmarkId::new("open", name), |b| {
            b.iter(|| black_box(&sealed).open(&[&key], &context).unwrap());
        });
        group.bench_function(BenchmarkId::new("refuse, 4 keys", name), |b| {
            let keys = others.each_ref();
            b.iter(|| black_box(&sealed).open(&keys, &context).unwrap_err());
        });
    }
    group.finish();
}

criterion_group!(benches, envelope);
criterion_main!(benches);
