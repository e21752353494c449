//! Messages that wait.

use crate::house::{BrokerHouse, EmbeddedHouse, House, read_until};

#[test]
fn a_message_waits_for_the_broker_and_arrives_once() {
    let mut broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    broker.stop();
    let said = house
        .run_as("alice", &["send", "--to", "bob", "-m", "patience", "--timeout", "1s"])
        .exit(3);
    assert!(said.err.contains("outbox"), "{}", said.err);
    let waiting = house.run_as("alice", &["outbox", "list", "--json"]).exit(0).json();
    assert_eq!((waiting.len(), &waiting[0]["to"]), (1, &"bob".into()));
    house.run_as("alice", &["outbox", "list"]).exit(0);
    broker.restart();
    house.send("alice", "bob", "newer").exit(0).says("1 older messages");
    assert_eq!(house.receive("bob", 2).exit(0).texts(), ["patience", "newer"]);
    assert!(house.run_as("alice", &["outbox", "list", "--json"]).exit(0).out.is_empty());
    house.run_as("bob", &["listen", "--timeout", "300ms"]).exit(8);
}

/// A script that runs again sends nothing twice, whether its first run reached the broker or not.
#[test]
fn one_id_is_one_message_however_often_it_is_sent() {
    let mut broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let send = |id: &str, text: &str, timeout: &str| {
        let args = ["send", "--to", "bob", "--id", id, "-m", text, "--json", "--timeout", timeout];
        house.run_as("alice", &args)
    };
    broker.stop();
    let first = send("job-7", "done", "500ms").exit(3).json();
    broker.restart();
    let second = send("job-7", "done", "20s").exit(0).says("the same one").json();
    assert_eq!((&second[0]["id"], &second[0]["state"]), (&first[0]["id"], &"acked".into()));
    let third = send("job-7", "done", "20s").exit(0).says("the same one").json();
    let place = |said: &serde_json::Value| (said["partition"].as_u64(), said["offset"].as_u64());
    assert_eq!(place(&third[0]), place(&second[0]));
    assert_eq!(place(&first[0]), (None, None));
    assert!(place(&third[0]).1.is_some(), "{third:?}");
    assert_eq!(third[0]["repeated"], "same_text");
    let other = send("job-7", "something else", "20s").exit(0).says("that one stands").json();
    assert_eq!(other[0]["repeated"], "other_text");
    let args = ["send", "--to", "bob", "--id", "job-7", "-m", "done", "--json", "--no-wait"];
    let kept = house.run_as("alice", &args).exit(0).json();
    assert_eq!((place(&kept[0]), &kept[0]["state"]), (place(&second[0]), &"acked".into()));
    send("job-8", "done", "20s").exit(0);
    assert_eq!(house.receive("bob", 2).exit(0).texts(), ["done", "done"]);
    house.run_as("bob", &["listen", "--timeout", "300ms"]).exit(8);
    house.run_as("alice", &["send", "--to", "bob", "--id", "", "-m", "x"]).exit(2);
}

/// An --id whose message was taken back sends nothing, and says why.
#[test]
fn an_id_whose_message_was_taken_back_is_refused() {
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let args = ["send", "--to", "bob", "--id", "job", "-m", "regret", "--no-wait"];
    house.run_as("alice", &args).exit(0);
    let number =
        house.run_as("alice", &["outbox", "list", "--json"]).json()[0]["number"].to_string();
    house.run_as("alice", &["outbox", "drop", &number]).exit(0);
    for args in [&args[..], &args[..args.len() - 1]] {
        house.run_as("alice", args).exit(2).says("was taken back").hints("--id OTHER");
    }
}

/// Lines that are still in the outbox at the end are no success.
#[test]
fn lines_that_wait_at_the_end_are_said_with_the_exit_code() {
    let mut broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    broker.stop();
    let lines = ["send", "--to", "bob", "--lines", "--timeout", "500ms", "--json"];
    let said = house.feed("alice", &lines, b"one\ntwo\n").exit(3).says("outbox list");
    assert_eq!(said.json()[0]["outbox"], 2);
    let kept = [&lines[..], &["--no-wait"]].concat();
    house.feed("alice", &kept, b"three\n").exit(0);
    broker.restart();
    house.run_as("alice", &["outbox", "retry"]).exit(0);
    assert_eq!(house.receive("bob", 3).exit(0).texts(), ["one", "two", "three"]);
}

/// More lines than are accepted ahead of a delivery, and no delivery.
#[test]
fn any_number_of_lines_can_be_kept_for_later() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let lines: String = (0..20_000).map(|number| format!("{number}\n")).collect();
    let args = ["send", "--to", "bob", "--lines", "--no-wait", "--json"];
    let said = house.feed("alice", &args, lines.as_bytes()).exit(0).json();
    assert_eq!((&said[0]["accepted"], &said[0]["outbox"]), (&20_000.into(), &20_000.into()));
    house.run_as("alice", &["outbox", "retry"]).exit(0).says("20000 are sent, 0 are in the outbox");
    let texts = house.receive("bob", 20_000).exit(0).texts();
    assert!(texts.into_iter().eq(lines.lines().map(str::to_owned)));
}

#[test]
fn a_retry_sends_all_that_waits_and_says_so() {
    let mut broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    broker.stop();
    for text in ["one", "two"] {
        house.run_as("alice", &["send", "--to", "bob", "-m", text, "--no-wait"]).exit(0);
    }
    let failed = house.run_as("alice", &["outbox", "retry", "--timeout", "500ms"]).exit(3);
    failed.says("0 are sent, 2 are in the outbox").hints("doctor");
    broker.restart();
    let done = house.run_as("alice", &["outbox", "retry", "--json"]).exit(0).json();
    assert_eq!((&done[0]["sent"], &done[0]["outbox"]), (&2.into(), &0.into()));
    assert_eq!(house.receive("bob", 2).exit(0).texts(), ["one", "two"]);
    house.run_as("alice", &["outbox", "retry"]).exit(0).says("0 messages waited");
}

/// A pipe that stays open outlives a broker that goes away: what was kept meanwhile is sent without a new
/// line, and the loss is said when it happens.
#[test]
fn an_open_pipe_goes_on_when_the_broker_is_back() {
    use std::io::Write;
    let mut broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let mut command = house.command(&["send", "--to", "bob", "--lines", "--timeout", "1s"]);
    command.env("SECURECHAT_PROFILE", "alice").stdin(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "before").unwrap();
    assert_eq!(house.receive("bob", 1).exit(0).texts(), ["before"]);
    broker.stop();
    writeln!(stdin, "during").unwrap();
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    read_until(&mut said, "lines wait in the outbox");
    writeln!(stdin, "still away").unwrap();
    broker.restart();
    assert_eq!(house.receive("bob", 2).exit(0).texts(), ["during", "still away"]);
    read_until(&mut said, "the broker answers again");
    drop(stdin);
    read_until(&mut said, "3 lines are sent, 0 are in the outbox");
    assert!(child.wait().unwrap().success());
}

#[test]
fn no_wait_needs_no_broker_and_listen_delivers() {
    let mut broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    broker.stop();
    house
        .run_as("alice", &["send", "--to", "bob", "-m", "later", "--no-wait"])
        .exit(0)
        .says("outbox");
    let lines = house.feed(
        "alice",
        &["send", "--to", "bob", "--lines", "--timeout", "500ms"],
        b"one\ntwo\n",
    );
    lines.exit(3).says("0 lines are sent, 2 are in the outbox");
    broker.restart();
    let mut listening = house.start("alice", &["listen"]);
    assert_eq!(house.receive("bob", 3).exit(0).texts(), ["later", "one", "two"]);
    listening.kill().unwrap();
    listening.wait().unwrap();
}

#[test]
fn what_is_dropped_is_never_seen() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    house.run_as("alice", &["send", "--to", "bob", "-m", "regret", "--no-wait"]).exit(0);
    let id = house.run_as("alice", &["outbox", "list", "--json"]).exit(0).json()[0]["number"]
        .to_string();
    house.run_as("alice", &["outbox", "drop", &id]).exit(0).says("withdrawn");
    house.run_as("alice", &["outbox", "drop", &id]).exit(8);
    house.run_as("alice", &["outbox", "drop", "999"]).exit(8).hints("outbox list");
    house.send("alice", "bob", "kept").exit(0);
    assert_eq!(house.receive("bob", 1).exit(0).texts(), ["kept"]);
    let history = house.run_as("alice", &["history", "--json"]).exit(0).messages();
    assert_eq!(
        (&history[0]["text"], &history[0]["state"]),
        (&"regret".into(), &"withdrawn".into())
    );
}

#[cfg(unix)]
#[test]
fn an_interrupted_send_says_what_is_in_the_outbox() {
    // One that accepts and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let interrupted = |args: &[&str], input: &[u8]| {
        use std::io::Write;
        let mut command = house.command(args);
        command.env("SECURECHAT_PROFILE", "alice").stdin(std::process::Stdio::piped());
        command.env("SECURECHAT_BROKERS", silent.local_addr().unwrap().to_string());
        let before = house.run_as("alice", &["outbox", "list", "--json"]).exit(0).json().len();
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        while house.run_as("alice", &["outbox", "list", "--json"]).exit(0).json().len() == before {}
        let id = child.id().to_string();
        let kill = std::process::Command::new("kill").args(["-INT", &id]).status();
        assert!(kill.unwrap().success());
        crate::house::finish(child).exit(130)
    };
    let lines = interrupted(&["send", "--to", "bob", "--lines"], b"one\n");
    lines.says("0 lines are sent, 1 are in the outbox");
    let one = interrupted(&["send", "--to", "bob", "--json"], b"two");
    assert_eq!(one.json()[0]["state"], "outbox");
    house.send("alice", "bob", "three").exit(0);
    assert_eq!(house.receive("bob", 3).exit(0).texts(), ["one", "two", "three"]);
}

/// Lines that all go into one picture: that is worth a warning, once.
#[test]
fn lines_in_one_picture_are_warned_of() {
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let cover = crate::house::picture("smile.jpg");
    let cover = cover.to_str().unwrap();
    let args = ["send", "--to", "bob", "--lines", "--no-wait", "--image", cover];
    let refused = house.feed("alice", &args, b"one\ntwo\n").exit(6);
    assert!(refused.err.contains("was used before"), "{}", refused.err);
    let args = [&args[..], &["--codec", "lsb-compat"]].concat();
    house.feed("alice", &args, b"zero\n").exit(0);
    // From the first line on, and said once.
    let said = house.feed("alice", &args, b"one\ntwo\nthree\n").exit(0);
    assert_eq!(said.err.matches("was used before").count(), 1, "{}", said.err);
}
