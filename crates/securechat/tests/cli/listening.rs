//! Marks, limits and ends of `listen`.

use std::io::{BufRead, BufReader};

use crate::house::{BrokerHouse, EmbeddedHouse, House, finish};

#[test]
fn exactly_as_many_as_asked_and_the_rest_next_time() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let lines: String = (0..10).map(|number| format!("{number}\n")).collect();
    house.feed("alice", &["send", "--to", "bob", "--lines"], lines.as_bytes()).exit(0);
    assert_eq!(house.receive("bob", 3).exit(0).texts(), ["0", "1", "2"]);
    assert_eq!(house.receive("bob", 4).exit(0).texts(), ["3", "4", "5", "6"]);
    let rest = house.run_as("bob", &["listen", "--json", "--timeout", "300ms"]).exit(0);
    assert_eq!(rest.texts(), ["7", "8", "9"]);
    assert!(rest.json().iter().any(|line| line["type"] == "caught_up"));
    house.run_as("bob", &["listen", "--json", "--timeout", "300ms"]).exit(8);
    // Another name has its own mark, and --after neither reads nor moves one.
    let args = ["listen", "--json", "--timeout", "300ms", "--name", "other"];
    assert_eq!(house.run_as("bob", &args).exit(0).texts().len(), 10);
    let args = ["listen", "--json", "--timeout", "300ms", "--after", "8"];
    assert_eq!(house.run_as("bob", &args).exit(0).texts(), ["8", "9"]);
    assert_eq!(house.run_as("bob", &args).exit(0).texts(), ["8", "9"]);
}

#[test]
fn a_broker_that_was_never_reached_ends_with_3_and_max_does_not_need_one() {
    let mut broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    house.send("alice", "bob", "stored").exit(0);
    house.receive("bob", 1).exit(0);
    broker.stop();
    house.run_as("bob", &["listen", "--json", "--timeout", "300ms"]).exit(3).says("unreachable");
    let stored =
        house.run_as("bob", &["listen", "--json", "--timeout", "300ms", "--after", "0"]).exit(3);
    assert_eq!(stored.texts(), ["stored"]);
    let stored = house.run_as("bob", &["listen", "--json", "--max", "1", "--after", "0"]).exit(0);
    assert_eq!(stored.texts(), ["stored"]);
}

#[test]
fn goes_on_when_the_broker_comes_back() {
    let mut broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let mut child = house.start("bob", &["listen", "--json", "--max", "2", "--timeout", "60s"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    house.send("alice", "bob", "before").exit(0);
    let mut next = || loop {
        let line = lines.next().unwrap().unwrap();
        if line.contains("\"message\"") {
            return line;
        }
    };
    assert!(next().contains("before"));
    broker.restart();
    house.send("alice", "bob", "after").exit(0);
    assert!(next().contains("after"));
    finish(child).exit(0);
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_success_and_what_it_lost_is_printed_again() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    house.send("alice", "bob", "into the void").exit(0);
    let mut child = house.start("bob", &["listen", "--json", "--timeout", "10s"]);
    drop(child.stdout.take());
    finish(child).exit(0);
    assert_eq!(house.receive("bob", 1).exit(0).texts(), ["into the void"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_sigterm_end_it_in_order() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    for signal in ["INT", "TERM"] {
        house.send("alice", "bob", signal).exit(0);
        let mut child = house.start("bob", &["listen", "--json"]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().contains(signal));
        let kill = std::process::Command::new("kill")
            .args([format!("-{signal}"), child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        finish(child).exit(130);
    }
    house.run_as("bob", &["listen", "--timeout", "300ms"]).exit(8);
}

/// A write that nobody reads must not keep anybody from ending the program.
#[cfg(unix)]
#[test]
fn a_signal_ends_it_while_nobody_reads_what_it_prints() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let lines = format!("{}\n", "x".repeat(1000)).repeat(300);
    house.feed("alice", &["send", "--to", "bob", "--lines"], lines.as_bytes()).exit(0);
    house.receive("bob", 300).exit(0);
    for signal in ["TERM", "INT"] {
        let mut listen = house.start("bob", &["listen", "--after", "0", "--json"]);
        // More than a pipe takes: it is blocked now.
        std::thread::sleep(std::time::Duration::from_secs(1));
        let kill = std::process::Command::new("kill")
            .args([format!("-{signal}"), listen.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let ended = loop {
            match listen.try_wait().unwrap() {
                Some(status) => break status.code(),
                None if std::time::Instant::now() > until => break None,
                None => std::thread::sleep(std::time::Duration::from_millis(20)),
            }
        };
        drop(listen.kill());
        assert_eq!(ended, Some(130));
    }
}

#[test]
fn what_others_write_cannot_talk_to_the_terminal() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let text = "red \u{1b}[31m, clear \u{9b}2J, \u{202e}turned\nerror: fake\rback";
    house.send("alice", "bob", text).exit(0);
    let shown = house.run_as("bob", &["listen", "--max", "1", "--timeout", "20s"]).exit(0).out;
    assert!(
        shown.contains("\\u{1b}[31m") && shown.contains("\\u{9b}2J") && shown.contains("\\u{202e}"),
        "{shown}"
    );
    assert!(!shown.lines().any(|line| line.starts_with("error:")), "{shown}");
    let dangerous = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!shown.contains(dangerous));
    let json = house.run_as("bob", &["history", "--json"]).exit(0);
    assert!(!json.out.contains(dangerous), "{}", json.out);
    assert_eq!(json.texts(), [text], "JSON loses nothing");
}

/// A command gets each message once it is stored, again until it succeeds, and the mark waits for it.
#[cfg(unix)]
#[test]
fn a_command_handles_each_message_and_a_failure_is_tried_again() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    for text in ["one", "two"] {
        house.send("alice", "bob", text).exit(0);
    }
    let (seen, fails) = (house.path().join("seen"), house.path().join("fails"));
    let listen = |max: &str, command: &str, more: &[&str]| {
        let mut args = vec!["listen", "--timeout", "20s", "--max", max, "--exec", command];
        args.extend(more);
        house.run_as("bob", &args)
    };
    // The first run of all fails.
    let command = format!(
        "test -e {fails} || {{ touch {fails}; exit 9; }}; cat >> {seen}",
        fails = fails.display(),
        seen = seen.display()
    );
    let said = listen("1", &command, &[]).exit(0);
    said.says("ended with exit status: 9").says("trying again in 1 s");
    let handed = |count: usize| {
        let lines = std::fs::read_to_string(&seen).unwrap();
        let lines: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), count);
        lines[count - 1]["text"].clone()
    };
    assert_eq!(handed(1), "one");
    // Interrupted while it runs: what it had started is told to end, and the message is handed over again.
    let ended = house.path().join("ended");
    let inner =
        format!("trap 'touch {}; exit' TERM; echo started >&2; sleep 60 & wait", ended.display());
    let outer = format!("sh -c \"{inner}\"; true");
    let mut child = house.start("bob", &["listen", "--exec", &outer]);
    crate::house::wait_for(&mut child, "started");
    let kill = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    finish(child).exit(130);
    let mut looks = 0;
    while !ended.exists() {
        looks += 1;
        assert!(looks < 500, "the command's own child goes on");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    listen("1", &command, &[]).exit(0);
    assert_eq!(handed(2), "two");
    // Given up: said, with the message, and behind the mark.
    house.send("alice", "bob", "three").exit(0);
    listen("1", "exit 1", &["--exec-tries", "1"]).exit(0).says("given up after 1 tries: message ");
    house.run_as("bob", &["listen", "--timeout", "300ms"]).exit(8);
}
