//! The engines beside each other, in one run, in turns: medians and ratios.
//!
//!     cargo bench -p chat-store --features sled --bench engines
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chat_store::{Cursor, EngineKind, Seq, Store, StoreError, StoreKey, WriteTxn};

const ROWS: u64 = 100_000;
const ROUNDS: usize = 5;
const SINGLES: u32 = 100;
const BATCHES: u32 = 20;
const BATCH: u32 = 100;

fn key() -> StoreKey {
    StoreKey::from_bytes([3; 32])
}

/// What a received message writes: a row of 300 bytes, its mark, the cursor.
fn receive(tx: &mut WriteTxn<'_>) -> Result<(), StoreError> {
    let seq = tx.history_append(b"conversation", &[7; 300])?;
    let stream = tx.stream_key(b"conversation", "bob", &[0; 16]);
    let seen = chat_store::SeenEntry { message_id: [1; 16], content_hash: [2; 32], history: seq };
    tx.set_seen(&stream, seq.get(), &[seen])?;
    let cursor = Cursor {
        topic_id: [1; 16],
        truncations: 0,
        next: seq.get(),
        leader_epoch: None,
        unreadable: 0,
        last_timestamp_ms: None,
    };
    tx.set_cursor("mail", 0, None, &cursor)
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn bytes_of(path: &Path) -> u64 {
    if path.is_dir() {
        return std::fs::read_dir(path)
            .unwrap()
            .map(|entry| bytes_of(&entry.unwrap().path()))
            .sum();
    }
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

struct Bench {
    engine: EngineKind,
    path: PathBuf,
    rows: Vec<Vec<Duration>>,
}

const MEASURED: [&str; 5] = [
    "one message a commit",
    "one message, 100 a commit",
    "open, 100,000 messages",
    "open and newest 50",
    "read all",
];

impl Bench {
    fn new(engine: EngineKind, folder: &Path) -> Self {
        let path = folder.join(engine.name());
        let store = Store::create_with(engine, &path, &key()).unwrap();
        for _ in 0..ROWS / 1000 {
            store.write(|tx| (0..1000).try_for_each(|_| receive(tx))).unwrap();
        }
        Self { engine, path, rows: vec![Vec::new(); MEASURED.len()] }
    }

    fn round(&mut self) {
        let open = || Store::open(&self.path, &key()).unwrap();
        let mut store = None;
        let opened = timed(|| store = Some(open()));
        let store = store.unwrap();
        let single = timed(|| (0..SINGLES).for_each(|_| store.write(receive).unwrap())) / SINGLES;
        let batch = |_| store.write(|tx| (0..BATCH).try_for_each(|_| receive(tx))).unwrap();
        let batched = timed(|| (0..BATCHES).for_each(batch)) / (BATCHES * BATCH);
        let read = timed(|| {
            let mut after = Seq::ZERO;
            while let Some(last) = store.read(|tx| tx.history_after(after, 1000)).unwrap().last() {
                after = last.seq;
            }
        });
        drop(store);
        let newest = timed(|| {
            let rows = open().read(|tx| tx.history_before(None, 50)).unwrap();
            assert_eq!(rows.len(), 50);
        });
        for (place, took) in [single, batched, opened, newest, read].into_iter().enumerate() {
            self.rows[place].push(took);
        }
    }

    fn median(&self, place: usize) -> Duration {
        let mut rows = self.rows[place].clone();
        rows.sort();
        rows[rows.len() / 2]
    }
}

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let engines = EngineKind::ALL.into_iter().filter(|engine| engine.is_built_in());
    let mut benches: Vec<Bench> = engines.map(|engine| Bench::new(engine, folder.path())).collect();
    for _ in 0..ROUNDS {
        benches.iter_mut().for_each(Bench::round);
    }
    for bench in &benches {
        println!("{}, {} MB on disk", bench.engine, bytes_of(&bench.path) / 1_000_000);
        for (place, name) in MEASURED.into_iter().enumerate() {
            let ratio = bench.median(place).as_secs_f64() / benches[0].median(place).as_secs_f64();
            println!("  {name:<28} {:>12.1?}   {ratio:.2} of sqlite's time", bench.median(place));
        }
    }
}
