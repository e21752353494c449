//! Measures what hostile files cost a reader: each of the cases of `tests/hostile_keyed.rs` in a process of its own.
//!
//!     hostile_files           a line for each file and operation, and the dearest of all
//!     hostile_files NUMBER    one file, in this process
//!
//! A line has milliseconds by the clock, what the process has taken in MB more than before (its file not counted), and
//! the answer. `probe` is what somebody does who reads a topic, `judge` and `embed` what somebody does with a cover of
//! his own. Needs Linux.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a program for the terminal"
)]

#[path = "../tests/hostile_keyed/cases.rs"]
mod cases;

use std::fs;
use std::process::Command;
use std::time::Instant;

use chat_stego::cover::judge;
use chat_stego::{CodecId, EmbedOptions, LsbCompat, StegoImage, StegoKey};

const OPERATIONS: [&str; 3] = ["probe", "judge", "embed"];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.as_slice() {
        [number, operation] => one(number.parse().unwrap(), operation),
        _ => all(),
    }
}

fn all() {
    let mut dearest = [(0.0, 0.0); OPERATIONS.len()];
    for (number, case) in cases::cases().iter().enumerate() {
        for (operation, (time, memory)) in OPERATIONS.iter().zip(&mut dearest) {
            if !case.is_refused && *operation != "probe" {
                continue;
            }
            let program = std::env::current_exe().unwrap();
            let said =
                Command::new(program).args([&number.to_string(), *operation]).output().unwrap();
            let said = String::from_utf8(said.stdout).unwrap();
            print!("{said}");
            let numbers: Vec<f64> =
                said.split_whitespace().take(2).map(|word| word.parse().unwrap()).collect();
            (*time, *memory) = (numbers[0].max(*time), numbers[1].max(*memory));
        }
    }
    for (operation, (time, memory)) in OPERATIONS.iter().zip(dearest) {
        println!("dearest {operation}: {time:.1} ms, {memory:.1} MB");
    }
}

fn one(number: usize, operation: &str) {
    let case = cases::cases().swap_remove(number);
    // What was needed to make the file is forgotten.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let (before, began) = (peak(), Instant::now());
    let answer = work(&case.file, operation);
    let (time, memory) = (began.elapsed().as_secs_f64() * 1000.0, peak() - before);
    let answer = answer.map_or_else(|error| error, |done| done.to_owned());
    println!("{time:8.1} {memory:7.1}  {operation} {}: {answer}", case.name);
}

fn work(file: &[u8], operation: &str) -> Result<&'static str, String> {
    let key = StegoKey::from_bytes([0; 32]);
    match operation {
        "probe" => {
            let _ = LsbCompat.peek(file, 76);
            let image = StegoImage::read(file).map_err(|error| error.to_string())?;
            let carries = image.carries(key.probe()).map_err(|error| error.to_string())?;
            Ok(if carries { "carries something" } else { "carries nothing" })
        }
        "judge" => judge(file).map(|_| "judged").map_err(|error| error.to_string()),
        _ => {
            let options = EmbedOptions::default().accept_any_cover();
            let codec =
                if file.starts_with(b"\x89") { CodecId::PngHill } else { CodecId::JpegJuniward };
            let done = codec.codec().embed(file, b"x", &key, &options);
            done.map(|_| "embedded").map_err(|error| error.to_string())
        }
    }
}

/// The most memory that this process has had resident, in MB.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|number| number.parse::<f64>().ok()).unwrap_or(0.0)
        / 1024.0
}
