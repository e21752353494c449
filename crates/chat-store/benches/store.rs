//! Writing what a received message writes, on disk and in memory.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench may stop where it is wrong")]

use std::hint::black_box;

use chat_store::{Cursor, SeenEntry, Store, StoreError, StoreKey, WriteTxn};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const CONVERSATION: &[u8] = b"a conversation";
const TOPIC: &str = "securechat.mail";

/// History with its index and head, de-duplication, cursor.
fn receive(tx: &mut WriteTxn<'_>, number: u64) -> Result<(), StoreError> {
    let history = tx.history_append(CONVERSATION, &[7; 200])?;
    let stream = tx.stream_key(CONVERSATION, "bob", &[1; 16]);
    let entry = SeenEntry { message_id: [2; 16], content_hash: [3; 32], history };
    tx.set_seen(&stream, number, &[entry])?;
    let cursor = Cursor {
        topic_id: [4; 16],
        truncations: 0,
        next: number + 1,
        leader_epoch: Some(1),
        unreadable: 0,
        last_timestamp_ms: Some(1_700_000_000_000),
    };
    tx.set_cursor(TOPIC, 3, None, &cursor)
}

fn insert(criterion: &mut Criterion) {
    let key = StoreKey::from_bytes([1; 32]);
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("store.db"), &key).unwrap();
    let mut number = 0;
    let mut group = criterion.benchmark_group("insert");
    for batch in [1, 100, 4096] {
        group.throughput(Throughput::Elements(batch));
        group.sample_size(if batch == 1 { 100 } else { 10 });
        group.bench_function(BenchmarkId::new("sqlite, messages a transaction", batch), |b| {
            b.iter(|| {
                let written = store.write(|tx| {
                    (0..batch).try_for_each(|_| {
                        number += 1;
                        tx.nested(|tx| receive(tx, number))
                    })
                });
                written.unwrap();
            });
        });
    }
    group.finish();
}

fn read(criterion: &mut Criterion) {
    let key = StoreKey::from_bytes([1; 32]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::create(&path, &key).unwrap();
    let fill = |tx: &mut WriteTxn<'_>| (0..20_000).try_for_each(|number| receive(tx, number));
    store.write(fill).unwrap();
    let mut group = criterion.benchmark_group("read, 20,000 messages");
    group.sample_size(20);
    group.bench_function("newest 50 of a conversation", |b| {
        b.iter(|| store.read(|tx| tx.history_of(black_box(CONVERSATION), None, 50)).unwrap());
    });
    group.bench_function("open and close", |b| {
        b.iter(|| Store::open(black_box(&path), &key).unwrap());
    });
    group.sample_size(10);
    group.bench_function("verify", |b| b.iter(|| assert!(store.verify().unwrap().is_sound())));
    group.finish();
}

criterion_group!(benches, insert, read);
criterion_main!(benches);
