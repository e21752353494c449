//! A disk that is full, or that refuses a write or a sync: at each write and each sync of a send and of a receive.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::house::{EmbeddedHouse, House, Said, picture};

/// How the disk fails; the words are those of `scripts/disk-shim.c`.
const WAYS: [&str; 3] = ["full", "sync", "write"];

/// The library that fails in the kernel's place, built once.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/disk-shim.c");
        let built = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("disk-shim-{}.so", std::process::id()));
        let compiler = std::env::var("CC").unwrap_or("cc".to_owned());
        let status = Command::new(compiler)
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .arg(&built)
            .arg(source)
            .arg("-ldl")
            .status();
        assert!(status.unwrap().success());
        built
    })
}

impl House {
    /// Runs a command whose disk fails at its `at`th write or sync; whether it came that far.
    fn on_failing_disk(
        &self,
        profile: &str,
        args: &[&str],
        input: &[u8],
        way: &str,
        at: u64,
    ) -> (bool, Said) {
        let fired = self.path().join("fired");
        let aim = format!("{at}:{way}");
        let environment = [
            ("LD_PRELOAD", shim().to_str().unwrap()),
            ("DISK_SHIM_ROOT", self.path().to_str().unwrap()),
            ("DISK_SHIM_FAIL", &aim),
            ("DISK_SHIM_FIRED", fired.to_str().unwrap()),
        ];
        let (_, said) = self.feed_with(profile, args, input, &environment);
        (std::fs::remove_file(fired).is_ok(), said)
    }
}

/// A failure at this place ends in a clear error, or is of no consequence.
#[track_caller]
fn is_clear(said: Said, way: &str) {
    if said.code == 0 {
        return;
    }
    let said = said.exit(7);
    // The store's words, and the system's own where it is a lock that cannot be made.
    let words = match way {
        "full" => ["storage full", "No space left on device"],
        _ => ["the disk failed", "Input/output error"],
    };
    assert!(words.iter().any(|word| said.err.contains(word)), "{}", said.err);
    match way {
        "full" => drop(said.says("df -h")),
        _ if said.err.contains("the disk failed") => drop(said.says("dmesg")),
        _ => {}
    }
}

/// Each of the first writes, and some of the hundreds that a picture takes.
fn places() -> impl Iterator<Item = u64> {
    (1..60).chain((60..).step_by(41))
}

/// Lets the disk fail at each write or sync of a command until the command comes to its end without one.
fn at_every_failure(mut run: impl FnMut(&str, u64) -> bool) {
    for way in WAYS {
        let failed = places().take_while(|at| run(way, *at)).count();
        println!("{way}: failed {failed} times");
        assert!(failed > 3, "{way}: {failed}");
    }
}

fn sends_once(more: &[&str]) {
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let mut sent = Vec::new();
    at_every_failure(|way, at| {
        let text = format!("{way} {at}");
        let args = [&["send", "--to", "bob", "--id", &text, "-m", &text], more].concat();
        let (fired, said) = house.on_failing_disk("alice", &args, b"", way, at);
        is_clear(said, way);
        house.run_as("alice", &args).exit(0);
        sent.push(text);
        fired
    });
    assert_eq!(house.receive("bob", sent.len()).exit(0).texts(), sent);
    for profile in ["alice", "bob"] {
        let said = house.run_as(profile, &["history", "--json", "--limit", "1000"]).exit(0);
        assert_eq!(said.texts(), sent);
        house.run_as(profile, &["doctor"]).exit(0);
    }
}

#[test]
fn a_send_whose_disk_fails_says_so_and_is_done_when_it_works_again() {
    sends_once(&[]);
}

#[test]
fn a_picture_whose_disk_fails_says_so_and_is_done_when_it_works_again() {
    let cover = picture("smile.jpg");
    // The same cover again and again.
    sends_once(&["--image", cover.to_str().unwrap(), "--accept-detectable"]);
}

#[test]
fn a_receiver_whose_disk_fails_says_so_and_loses_nothing() {
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let (mut sent, mut seen) = (Vec::new(), 0);
    at_every_failure(|way, at| {
        for half in ["first", "second"] {
            let text = format!("{way} {at} {half}");
            house.send("alice", "bob", &text).exit(0);
            sent.push(text);
        }
        let listen = ["listen", "--json", "--max", "2", "--timeout", "20s"];
        let (fired, said) = house.on_failing_disk("bob", &listen, b"", way, at);
        assert!(said.texts().len() <= 2, "{}", said.out);
        is_clear(said, way);
        // By its own account of what it has seen, a script gets each message exactly once.
        let after = seen.to_string();
        let listen = ["listen", "--json", "--max", "2", "--timeout", "20s", "--after", &after];
        let now = house.run_as("bob", &listen).exit(0);
        assert_eq!(now.texts(), sent[sent.len() - 2..], "{way} {at}");
        seen = now.messages()[1]["seq"].as_u64().unwrap();
        // Brings the mark there too.
        house.run_as("bob", &["listen", "--timeout", "100ms"]);
        fired
    });
    let said = house.run_as("bob", &["history", "--json", "--limit", "1000"]).exit(0);
    assert_eq!(said.texts(), sent);
    assert_eq!(said.json().len(), sent.len(), "no gap, nothing missing");
    house.run_as("bob", &["doctor"]).exit(0);
}

/// A repair that cannot write leaves the damaged store as it is, or has saved all that is whole of it.
#[test]
fn a_repair_whose_disk_fails_takes_nothing_more() {
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let lines: String = (0..300).map(|number| format!("line {number}\n")).collect();
    house.feed("bob", &["send", "--to", "alice", "--lines"], lines.as_bytes()).exit(0);
    house.receive("alice", 300).exit(0);
    crate::store::alter(
        &house,
        "UPDATE messages SET v = zeroblob(80) WHERE k = x'0000000000000006'",
    );
    let (folder, kept) = (house.profile("alice"), house.path().join("kept"));
    std::fs::rename(&folder, &kept).unwrap();
    for way in WAYS {
        let failed = (1..).step_by(7).take_while(|at| {
            drop(std::fs::remove_dir_all(&folder));
            let copied = Command::new("cp").arg("-a").arg(&kept).arg(&folder).status();
            assert!(copied.unwrap().success());
            let repair = ["doctor", "--repair"];
            let (fired, said) = house.on_failing_disk("alice", &repair, b"", way, *at);
            assert!(said.code == 0 || said.code == 7, "{way} {at}: {}{}", said.out, said.err);
            house.run_as("alice", &repair).exit(0);
            house.run_as("alice", &["doctor"]).exit(0);
            let rows = house.run_as("alice", &["history", "--json", "--limit", "1000"]).exit(0);
            assert_eq!(rows.texts().len(), 299, "{way} {at}");
            fired
        });
        let failed = failed.count();
        println!("{way}: failed {failed} times");
        assert!(failed > 3, "{way}: {failed}");
    }
}
