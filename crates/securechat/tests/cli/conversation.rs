//! Two people talk.

use crate::house::{BrokerHouse, House, picture};

#[test]
fn both_ways_with_history() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    house.send("alice", "bob", "hello bob").exit(0).says("nothing was ever heard from bob");
    house.send("alice", "bob", "a second one").exit(0);
    let received = house.receive("bob", 2).exit(0);
    assert_eq!(received.texts(), ["hello bob", "a second one"]);
    let first = &received.messages()[0];
    assert_eq!((first["v"].as_u64(), first["seq"].as_u64()), (Some(1), Some(1)));
    assert_eq!((&first["from"], &first["with"]), (&"alice".into(), &"alice".into()));
    assert_eq!(
        (&first["carrier"], &first["protection"]),
        (&"plain".into(), &"signed-shared-key".into())
    );
    assert_eq!(first["sender"], "introduced", "she has invited him");
    assert_eq!(first["id"].as_str().unwrap().len(), 32);
    assert!(first["ts_ms"].is_i64() && first["sent_at"].as_str().unwrap().ends_with('Z'));

    house.send("bob", "alice", "hello alice").exit(0);
    assert_eq!(house.receive("alice", 1).exit(0).texts(), ["hello alice"]);
    let history = house.run_as("alice", &["history", "--json"]).exit(0);
    assert_eq!(history.texts(), ["hello bob", "a second one", "hello alice"]);
    let shown = house.run_as("alice", &["history"]).exit(0).out;
    assert!(
        shown.contains("you to bob: hello bob") && shown.contains("[plain, signed shared key]"),
        "{shown}"
    );
}

#[test]
fn from_stdin_and_line_by_line() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    house.feed("alice", &["send", "--to", "bob"], b"two\nlines\n\n").exit(0);
    // With -m, stdin is not read.
    house.feed("alice", &["send", "--to", "bob", "-m", "given"], b"ignored").exit(0);
    let lines: String = (0..600).map(|number| format!("line {number}\n")).collect();
    let said = house.feed("alice", &["send", "--to", "bob", "--lines"], lines.as_bytes()).exit(0);
    assert!(said.err.contains("600 lines are sent, 0 are in the outbox"), "{}", said.err);
    let texts = house.receive("bob", 602).exit(0).texts();
    assert_eq!(&texts[..2], ["two\nlines\n", "given"]);
    assert!(texts[2..].iter().enumerate().all(|(number, text)| *text == format!("line {number}")));
}

#[test]
fn inside_a_picture_that_is_saved_on_arrival() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let cover = picture("smile.jpg");
    let cover = cover.to_str().unwrap();
    house.run_as("alice", &["send", "--to", "bob", "-m", "look closely", "--image", cover]).exit(0);
    let folder = house.path().join("pictures");
    let args = [
        "listen",
        "--json",
        "--max",
        "1",
        "--timeout",
        "20s",
        "--save-images",
        folder.to_str().unwrap(),
    ];
    let received = house.run_as("bob", &args).exit(0);
    let message = &received.messages()[0];
    assert_eq!((&message["text"], &message["carrier"]), (&"look closely".into(), &"image".into()));
    let saved = std::fs::read(message["image"].as_str().unwrap()).unwrap();
    assert!(saved.starts_with(b"\xff\xd8\xff"));
    assert!(message["image"].as_str().unwrap().ends_with(".jpg"));
    // What came is no cover any more: it would lie on the log twice.
    let came = message["image"].as_str().unwrap();
    let args = ["send", "--to", "alice", "-m", "back", "--image", came];
    house.run_as("bob", &args).exit(6).says("was used before");
    // The same picture once more is refused, and sent with a warning if somebody insists.
    let again = ["send", "--to", "bob", "-m", "again", "--image", cover];
    house.run_as("alice", &again).exit(6).says("was used before").hints("cover prepare");
    let insisting = [&again[..], &["--accept-detectable"]].concat();
    house.run_as("alice", &insisting).exit(0).says("was used before");
    // A folder gives each picture once.
    let covers = house.path().join("covers");
    std::fs::create_dir(&covers).unwrap();
    std::fs::copy(picture("think.jpg"), covers.join("one.jpg")).unwrap();
    let covers = covers.to_str().unwrap();
    house
        .run_as("alice", &["send", "--to", "bob", "-m", "from a folder", "--image", covers])
        .exit(0);
    house
        .run_as("alice", &["send", "--to", "bob", "-m", "no more", "--image", covers])
        .exit(6)
        .hints("cover capacity");
    assert_eq!(house.receive("bob", 2).exit(0).texts(), ["again", "from a folder"]);
}

#[test]
fn sending_while_listening_and_two_listeners() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let listening = house.start("bob", &["listen", "--json", "--max", "5", "--timeout", "30s"]);
    for number in 0..5 {
        house.send("bob", "alice", &format!("from bob {number}")).exit(0);
        house.send("alice", "bob", &format!("from alice {number}")).exit(0);
    }
    let heard = crate::house::finish(listening).exit(0);
    assert_eq!(
        heard.texts(),
        (0..5).map(|number| format!("from alice {number}")).collect::<Vec<_>>()
    );
    assert_eq!(house.receive("alice", 5).exit(0).texts().len(), 5);
    let mut first = house.start("alice", &["listen"]);
    // It says this once it holds its name.
    crate::house::wait_for(&mut first, "shared key");
    let busy = house.run_as("alice", &["listen", "--timeout", "100ms"]);
    busy.exit(7).hints("securechat listen --name NAME");
    house.run_as("alice", &["listen", "--name", "other", "--timeout", "200ms"]).exit(0);
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn history_can_be_searched() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    for text in ["deploy 1", "lunch?", "deployed 2"] {
        house.send("alice", "bob", text).exit(0);
    }
    house
        .send("alice", "carol", "to somebody else")
        .exit(0)
        .says("nothing was ever heard from carol");
    let history = |args: &[&str]| {
        let args: Vec<&str> = ["history", "--json"].iter().chain(args).copied().collect();
        house.run_as("alice", &args)
    };
    assert_eq!(history(&["--grep", "deploy(ed)? \\d"]).exit(0).texts(), ["deploy 1", "deployed 2"]);
    assert_eq!(history(&["--with", "carol"]).exit(0).texts(), ["to somebody else"]);
    assert_eq!(history(&["--limit", "2"]).exit(0).texts(), ["deployed 2", "to somebody else"]);
    assert_eq!(history(&["--since", "1h"]).exit(0).texts().len(), 4);
    history(&["--until", "1h"]).exit(8);
    history(&["--with", "nobody"]).exit(8);
    history(&["--grep", "("]).exit(2);
    history(&["--since", "soon"]).exit(2);
}

#[test]
fn a_slip_of_the_finger_is_noticed() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    house.send("bob", "alice", "hi").exit(0);
    house.receive("alice", 1).exit(0);
    house.send("alice", "bbo", "hi").exit(0).says("did you mean bob?");
    assert!(!house.send("alice", "bob", "hi").exit(0).err.contains("never heard"));
}

#[cfg(unix)]
#[test]
fn lines_are_sent_as_they_come_and_ctrl_c_loses_none() {
    use std::io::Write;
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let mut command = house.command(&["send", "--to", "bob", "--lines"]);
    command.env("SECURECHAT_PROFILE", "alice").stdin(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The pipe stays open: each line arrives before the next one is written.
    for text in ["first", "second"] {
        writeln!(stdin, "{text}").unwrap();
        assert_eq!(house.receive("bob", 1).exit(0).texts(), [text]);
    }
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let said = crate::house::finish(child).exit(130);
    said.says("2 lines are sent, 0 are in the outbox");
    drop(stdin);
    assert!(house.run_as("alice", &["outbox", "list", "--json"]).exit(0).out.is_empty());
}
