//! A `listen` that runs while other things happen.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::house::House;

/// A `listen` that runs through everything.
pub(crate) struct Listening {
    child: Child,
    lines: mpsc::Receiver<serde_json::Value>,
    notes: mpsc::Receiver<String>,
    /// The texts that were printed.
    pub(crate) texts: Vec<String>,
    /// What else was printed, but for `caught_up`.
    pub(crate) others: Vec<serde_json::Value>,
}

impl Listening {
    pub(crate) fn start(house: &House, profile: &str) -> Self {
        let mut child = house.start(profile, &["listen", "--json"]);
        let said = BufReader::new(child.stdout.take().unwrap());
        let errors = BufReader::new(child.stderr.take().unwrap());
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                drop(send.send(serde_json::from_str(&line).unwrap()));
            }
        });
        let (send, notes) = mpsc::channel();
        std::thread::spawn(move || {
            errors.lines().map_while(Result::ok).for_each(|line| drop(send.send(line)));
        });
        Self { child, lines, notes, texts: Vec::new(), others: Vec::new() }
    }

    /// Takes what was printed until the message `last` comes.
    #[track_caller]
    pub(crate) fn until(&mut self, last: &str) {
        let deadline = Instant::now() + LONG;
        while self.texts.last().is_none_or(|text| text != last) {
            self.take(deadline, last);
        }
    }

    /// Takes what was printed until the message has come, now or before.
    #[track_caller]
    pub(crate) fn until_told(&mut self, text: &str) {
        let deadline = Instant::now() + LONG;
        while !self.texts.iter().any(|told| told == text) {
            self.take(deadline, text);
        }
    }

    /// Takes what was printed until something else than a message comes, and it is this.
    #[track_caller]
    pub(crate) fn until_row(&mut self, what: &str, is_it: impl Fn(&serde_json::Value) -> bool) {
        let deadline = Instant::now() + LONG;
        while !self.others.last().is_some_and(&is_it) {
            self.take(deadline, what);
        }
    }

    /// Takes one line.
    #[track_caller]
    fn take(&mut self, deadline: Instant, what: &str) {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = self.lines.recv_timeout(left);
        let line = line.unwrap_or_else(|_| {
            let notes: Vec<String> = self.notes.try_iter().collect();
            panic!("{what:?} did not come: {:?} {:?} {notes:?}", self.texts, self.others)
        });
        match line["type"].as_str().unwrap() {
            "message" => self.texts.push(line["text"].as_str().unwrap().to_owned()),
            "caught_up" => {}
            _ => self.others.push(line),
        }
    }

    /// Reads stderr until a line holds one of these words; returns the line.
    #[track_caller]
    pub(crate) fn note_with(&mut self, words: &[&str]) -> String {
        let deadline = Instant::now() + LONG;
        let mut seen = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.notes.recv_timeout(left) {
                Ok(line) if words.iter().any(|word| line.contains(word)) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("none of {words:?} was said: {seen:?}"),
            }
        }
    }

    /// The most memory that it has had, where the system tells.
    pub(crate) fn peak_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak.map_or(0, |peak| peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A guard against hanging. The goal is 15 s, which `scripts/fault-matrix` measures.
const LONG: Duration = Duration::from_secs(60);
