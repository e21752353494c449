//! Several devices of one person, on the command line.

use std::io::{BufRead, BufReader};

use crate::house::{BrokerHouse, House, Said, finish};
use crate::listener::Listening;
use crate::people::draw;

impl House {
    /// The rows of `device list`.
    fn devices(&self, profile: &str) -> Vec<serde_json::Value> {
        self.run_as(profile, &["--json", "device", "list"]).exit(0).json()
    }

    fn code(&self, profile: &str) -> String {
        self.run_as(profile, &["device", "add", "--no-wait"]).exit(0).out
    }

    fn links(&self, profile: &str, code: &str, more: &[&str]) -> Said {
        let args = [&["device", "link", "-", "--no-passphrase"], more].concat();
        self.feed(profile, &args, code.as_bytes())
    }
}

#[test]
fn a_second_device_is_linked_talks_and_is_removed() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    for profile in ["alice", "bob"] {
        house.run_as(profile, &["listen", "--timeout", "3s"]).exit(8);
    }
    house.send("bob", "alice", "before").exit(0);
    house.receive("alice", 1).exit(0);

    let mut adding = house.start("alice", &["--json", "device", "add"]);
    let mut said = BufReader::new(adding.stdout.take().unwrap());
    let mut code = String::new();
    said.read_line(&mut code).unwrap();
    let code: serde_json::Value = serde_json::from_str(&code).unwrap();
    assert_eq!(code["type"], "device_code");
    let code = code["code"].as_str().unwrap();
    let linked = house.links("phone", code, &["--label", "my phone"]).exit(0);
    assert!(linked.err.contains("this is a device of alice now"), "{}", linked.err);
    finish(adding).exit(0);
    let phone = said.lines().map(Result::unwrap).last().unwrap();
    let phone: serde_json::Value = serde_json::from_str(&phone).unwrap();
    assert_eq!((&phone["label"], &phone["can_join"]), (&"my phone".into(), &true.into()));
    // Whoever was interrupted behind the answer asks again.
    house.run_as("phone", &["device", "link"]).exit(0).says("this is a device of alice now");
    assert_eq!(house.devices("alice").len(), 2);
    assert_eq!(house.devices("phone")[1]["this"], true);
    let fingerprint = |profile: &str| {
        let shown = house.run_as(profile, &["--json", "identity", "show"]).exit(0);
        shown.json()[0]["fingerprint"].as_str().unwrap().to_owned()
    };
    assert_eq!(fingerprint("alice"), fingerprint("phone"));

    let mut listening = ["alice", "phone", "bob"].map(|name| Listening::start(&house, name));
    house.send("bob", "alice", "to both").exit(0);
    listening[..2].iter_mut().for_each(|one| one.until_told("to both"));
    house.send("phone", "bob", "from the phone").exit(0);
    listening.iter_mut().step_by(2).for_each(|one| one.until_told("from the phone"));
    let own = house.run_as("alice", &["history", "--json"]).exit(0).messages();
    let own = own.iter().find(|message| message["text"] == "from the phone").unwrap();
    assert_eq!((&own["from"], &own["with"]), (&"alice".into(), &"bob".into()));
    assert_eq!(own["sender"], "own-device");

    let id = phone["id"].as_str().unwrap();
    let refused = house.run_as("phone", &["device", "remove", &id[..6]]).exit(2);
    refused.hints("securechat device list");
    house.run_as("alice", &["device", "remove", &id[..6]]).exit(0).says("my phone");
    listening[0].until_row("the removal", |row| {
        row["type"] == "devices_changed" && row["removed"] == serde_json::json!([id])
    });
    house.send("bob", "alice", "to one").exit(0);
    listening[0].until_told("to one");
    let refused = || {
        let said = house.send("phone", "bob", "let me in");
        (said.code == 2).then_some(said)
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let said = loop {
        if let Some(said) = refused() {
            break said;
        }
        assert!(std::time::Instant::now() < deadline, "a removed device goes on writing");
    };
    said.says("removed by its owner").hints("device link");
    house.run_as("phone", &["device", "list"]).exit(2).says("removed by its owner");
    let read = house.run_as("phone", &["history", "--json"]).exit(0).texts();
    assert!(!read.contains(&"to one".to_owned()), "{read:?}");
}

#[test]
fn a_code_that_cannot_be_used_says_why() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    house.run_as("alice", &["listen", "--timeout", "3s"]).exit(8);
    let code = house.code("alice");
    let argument = house.run_as("phone", &["device", "link", code.trim()]).exit(2);
    argument.says("a device code is a secret").hints("device link");
    let damaged = house.links("phone", &code.replace(':', ":A"), &[]).exit(5);
    damaged.says("checksum").hints("device add");
    house.links("phone", "hello", &[]).exit(5).says("no device code");
    let invite = house.run_as("alice", &["invite"]).exit(0).out;
    house.links("phone", &invite, &[]).exit(5).says("no device code");
    let empty = house.links("phone", &code, &["--label", ""]).exit(2);
    empty.hints("--label TEXT");
    house.links("bob", &code, &[]).exit(2).says("there is a profile bob already");
    let late = house.run_as("alice", &["device", "add", "--no-wait", "--expires", "1ms"]).exit(0);
    house.links("phone", &late.out, &[]).exit(2).says("expired").hints("device add");
    let unused = house.run_as("alice", &["device", "add", "--expires", "1s"]).exit(8);
    unused.says("nobody has used the code").hints("device add");

    // Nobody answers: what was begun waits, and goes on.
    let waiting = house.links("phone", &code, &["--timeout", "2s"]).exit(3);
    waiting.says("does not answer").hints("securechat --profile phone device link");
    for command in [["listen", "--timeout", "1s"].as_slice(), &["send", "--to", "bob", "-m", "x"]] {
        house.run_as("phone", command).exit(2).says("waits to be linked").hints("device link");
    }
    let answering = Ended(house.start("alice", &["listen"]));
    let picture = house.path().join("code.png");
    let other = house.code("alice");
    draw(&qrcode::QrCode::new(other.trim()).unwrap()).save(&picture).unwrap();
    let picture = picture.to_str().unwrap();
    let by_picture = ["device", "link", "--qr", picture, "--no-passphrase", "--label", "camera"];
    house.run_as("camera", &by_picture).exit(0).says("this is a device of alice now");
    let linked = house.run_as("phone", &["device", "link"]).exit(0);
    linked.says("this is a device of alice now");
    let again = house.links("tablet", &code, &["--timeout", "3s"]).exit(3);
    again.says("does not answer");
    drop(answering);
    for command in [["add"].as_slice(), &["remove", "00"]] {
        let refused = house.run_as("phone", &[&["device"], command].concat());
        assert!([2, 8].contains(&refused.code), "{}", refused.err);
    }
    house
        .run_as("phone", &["identity", "export", "--words"])
        .exit(2)
        .says("this device was linked");
}

/// A child that ends with the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
