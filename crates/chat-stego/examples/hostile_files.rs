//! Measures what hostile files cost a reader: each of the cases of `tests/hostile_keyed.rs` in a process of its own.
//!
//!     hostile_files                            a line for each file and operation, and the dearest of all
//!     hostile_files NAME OPERATION < FILE      one file, in this process
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
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use chat_stego::cover::judge;
use chat_stego::{CodecId, EmbedOptions, LsbCompat, StegoImage, StegoKey};

const OPERATIONS: [&str; 3] = ["probe", "judge", "embed"];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.as_slice() {
        [name, operation] => one(name, operation),
        _ => all(),
    }
}

fn all() {
    let mut dearest = [(0.0, 0.0); OPERATIONS.len()];
    for case in cases::cases() {
        for (operation, (time, memory)) in OPERATIONS.iter().zip(&mut dearest) {
            // A cover of one's own that is read may cost what it costs.
            if !case.is_refused && *operation != "probe" {
                continue;
            }
            let said = in_its_own_process(&case, operation);
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

fn in_its_own_process(case: &cases::Case, operation: &str) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([&case.name, operation])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&case.file).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

fn one(name: &str, operation: &str) {
    let mut file = Vec::new();
    std::io::stdin().read_to_end(&mut file).unwrap();
    let (before, began) = (peak(), Instant::now());
    let answer = work(&file, operation);
    let (time, memory) = (began.elapsed().as_secs_f64() * 1000.0, peak() - before);
    let answer = answer.map_or_else(|error| error, |done| done.to_owned());
    println!("{time:8.1} {memory:7.1}  {operation} {name}: {answer}");
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
