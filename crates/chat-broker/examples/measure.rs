//! Measures a broker on this machine: start, acknowledgement, group commit, wake-up, shutdown.
//!
//! `cargo run -p chat-broker --example measure [--release]`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "prints figures, stops at the first fault"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use kafka_protocol::messages::{FetchRequest, ProduceRequest};

use self::raw::{Client, batch, fetch_request, produce_request, start};

#[allow(dead_code, clippy::panic, reason = "shared with the tests")]
#[path = "../tests/broker/raw.rs"]
mod raw;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path()).await;
    println!("first start              {:?}", first.report().took);
    let mut client = Client::connect(first.address()).await;
    client.create("mail", 16, &[]).await;
    let value = "x".repeat(400);
    one_by_one(&mut client, &value).await;
    for (connections, partitions) in [(1, 1), (8, 1), (64, 1), (8, 8), (64, 16)] {
        group_commit(&first, (connections, partitions), &value).await;
    }
    wake_up(&first).await;
    let mut waiting = Client::connect(first.address()).await;
    waiting.send(12, &fetch_request("mail", &[(15, 0)], 200_000)).await;
    let began = Instant::now();
    first.shutdown().await;
    println!("shutdown, fetch waiting  {:?}", began.elapsed());
    fill(folder.path()).await;
}

/// One record at a time, each acknowledged before the next.
async fn one_by_one(client: &mut Client, value: &str) {
    let mut times = Vec::new();
    for _ in 0..500 {
        let began = Instant::now();
        client.produce("mail", batch(&[value])).await;
        times.push(began.elapsed());
    }
    print_times("acknowledged, 400 B", times);
}

/// Several connections, each with one batch of one record under way, on several partitions in turn.
async fn group_commit(
    broker: &chat_broker::Broker,
    (connections, partitions): (usize, i32),
    value: &str,
) {
    let began = Instant::now();
    let mut writers = Vec::new();
    for partition in (0..partitions).cycle().take(connections) {
        let request = produce_request("mail", partition, batch(&[value]));
        let mut client = Client::connect(broker.address()).await;
        writers.push(tokio::spawn(async move {
            for _ in 0..100 {
                client.call::<ProduceRequest>(9, &request).await;
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let rate = (connections * 100) as f64 / began.elapsed().as_secs_f64();
    println!(
        "{connections:2} connections, {partitions:2} partitions {rate:8.0} acknowledged records/s"
    );
}

/// From sending a record to having it, through a fetch of 16 partitions that waits.
async fn wake_up(broker: &chat_broker::Broker) {
    let mut reader = Client::connect(broker.address()).await;
    let mut writer = Client::connect(broker.address()).await;
    let mut times = Vec::new();
    for number in 0..200 {
        let end = writer.offset("mail", -1).await.offset;
        let mut at: Vec<_> = (1..16).map(|partition| (partition, 0)).collect();
        at.push((0, end));
        reader.send(12, &fetch_request("mail", &at, 200_000)).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        let began = Instant::now();
        writer.send(9, &produce_request("mail", 0, batch(&[&number.to_string()]))).await;
        reader.receive::<FetchRequest>(12).await;
        times.push(began.elapsed());
        writer.receive::<ProduceRequest>(9).await;
    }
    print_times("sent to received", times);
}

/// Starts over a log of 256 MiB, after a clean end.
async fn fill(folder: &Path) {
    let broker = start(folder).await;
    let mut client = Client::connect(broker.address()).await;
    let megabyte = batch(&[&"x".repeat(1_000_000)]);
    let began = Instant::now();
    for number in 0..256 {
        client.call(9, &produce_request("mail", number % 16, megabyte.clone())).await;
    }
    println!("1 MB records             {:.0}/s", 256.0 / began.elapsed().as_secs_f64());
    broker.shutdown().await;
    for _ in 0..3 {
        let broker = start(folder).await;
        println!("start over 256 MB, clean {:?}", broker.report().took);
        broker.shutdown().await;
    }
}

fn print_times(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 100];
    println!("{what:24} p50 {:?}, p99 {:?}", at(50), at(99));
}
