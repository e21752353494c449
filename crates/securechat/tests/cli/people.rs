//! Who writes: identities, backups, and keys that change.

use crate::house::{BrokerHouse, House, Said};

impl House {
    fn contact(&self, profile: &str, args: &[&str]) -> Said {
        self.run_as(profile, &[&["contact"], args, &["--json"]].concat())
    }

    /// A profile of alice that has another key than alice's.
    fn another_alice(&self) {
        self.run(&["init", "alice", "--profile", "another", "--no-passphrase"]).exit(0);
        let invite = self.run_as("bob", &["invite"]).exit(0).out;
        self.feed("another", &["join", "-"], invite.as_bytes()).exit(0);
    }

    fn safety_number(&self, profile: &str, with: &str) -> String {
        let shown = self.contact(profile, &["verify", with]).exit(0).json();
        shown[0]["safety_number"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_changed_key_stops_sending_until_somebody_has_compared_it() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    house.send("alice", "bob", "hello").exit(0);
    let first = house.receive("bob", 1).exit(0).messages()[0].clone();
    assert_eq!((&first["sender"], &first["text"]), (&"introduced".into(), &"hello".into()));
    house.send("bob", "alice", "hello back").exit(0);
    house.receive("alice", 1).exit(0);
    house.another_alice();
    house.send("another", "bob", "it is me").exit(0);
    let came = house.receive("bob", 1).exit(0);
    assert_eq!(came.messages()[0]["sender"], "changed");
    let told = came.json().iter().filter(|row| row["type"] == "key_changed").count();
    assert_eq!(told, 1, "{}", came.out);
    // Both fingerprints, and what to do.
    let refused = house.send("bob", "alice", "is it you?").exit(4).hints("contact verify alice");
    assert!(refused.err.contains("alice's identity key has changed"), "{}", refused.err);
    let contact = house.contact("bob", &["show", "alice"]).exit(0).json()[0].clone();
    assert_eq!(contact["trust"], "changed");
    for key in ["fingerprint", "presented"] {
        assert!(refused.err.contains(contact[key].as_str().unwrap()), "{}", refused.err);
    }
    let json = house.run_as("bob", &["--json", "send", "--to", "alice", "-m", "x"]).exit(4).err;
    assert!(json.contains("\"code\":\"identity_changed\""), "{json}");
    // The first alice's number is not that of the key which came.
    house.send("bob", "alice", "still not").exit(4);
    let old = house.safety_number("alice", "bob");
    assert_ne!(old, house.safety_number("bob", "alice"));
    house.contact("bob", &["trust", "alice", "--safety-number", &old]).exit(4);
    house.contact("bob", &["verify", "alice", "--safety-number", "123"]).exit(2);
    // What the new one shows is.
    let new = house.safety_number("bob", "alice");
    let trusted = house.contact("bob", &["trust", "alice", "--safety-number", &new]).exit(0);
    assert_eq!(trusted.json()[0]["trust"], "verified");
    house.send("bob", "alice", "now it is").exit(0);
    house.send("another", "bob", "good").exit(0);
    assert_eq!(house.receive("bob", 1).exit(0).messages()[0]["sender"], "verified");
}

/// A picture of a code: five pixels a module, and a quiet zone of four modules.
pub(crate) fn draw(code: &qrcode::QrCode) -> image::GrayImage {
    let (width, modules) = (u32::try_from(code.width()).unwrap(), code.to_colors());
    image::GrayImage::from_fn((width + 8) * 5, (width + 8) * 5, |x, y| {
        let (x, y) = ((x / 5).wrapping_sub(4), (y / 5).wrapping_sub(4));
        let inside = x < width && y < width;
        let is_dark = inside && modules[(y * width + x) as usize] == qrcode::Color::Dark;
        image::Luma([if is_dark { 0 } else { 255 }])
    })
}

#[test]
fn both_sides_see_one_number_and_a_picture_of_the_code_verifies() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    house.run_as("alice", &["contact", "verify", "bob"]).exit(8).hints("securechat listen");
    house.run_as("alice", &["contact", "show", "bob"]).exit(8).hints("contact list");
    house.send("alice", "bob", "hello").exit(0);
    house.receive("bob", 1).exit(0);
    house.send("bob", "alice", "hello").exit(0);
    house.receive("alice", 1).exit(0);
    assert_eq!(house.safety_number("alice", "bob"), house.safety_number("bob", "alice"));
    let shown = house.contact("alice", &["verify", "bob"]).exit(0).json();
    let code = qrcode::QrCode::new(shown[0]["qr"].as_str().unwrap()).unwrap();
    let path = house.path().join("code.png");
    draw(&code).save(&path).unwrap();
    let seen = house.contact("bob", &["verify", "alice", "--qr", path.to_str().unwrap()]).exit(0);
    assert_eq!(seen.json()[0]["trust"], "verified");
    let no_code = crate::house::picture("smile.jpg");
    house.contact("bob", &["verify", "alice", "--qr", no_code.to_str().unwrap()]).exit(2);
    // What people see in a terminal.
    let shown = house.run_as("bob", &["contact", "verify", "alice"]).exit(0);
    assert!(shown.out.lines().count() == 3 && shown.err.contains('\u{2588}'), "{}", shown.out);
    let list = house.run_as("bob", &["contact", "list"]).exit(0).out;
    assert!(list.contains("alice") && list.contains("verified"), "{list}");
}

#[test]
fn an_identity_comes_back_from_its_backup_and_from_words() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    house.send("alice", "bob", "hello").exit(0);
    house.receive("bob", 1).exit(0);
    let file = house.path().join("alice.identity");
    let file = file.to_str().unwrap();
    let passphrase = "echo correct horse";
    let export = ["identity", "export", file, "--passphrase-command", passphrase];
    house.run_as("alice", &export).exit(0);
    house.run_as("alice", &export).exit(2);
    let words = house.run_as("alice", &["identity", "export", "--words"]).exit(0).out;
    assert_eq!(words.split_whitespace().count(), 24);
    house.another_alice();
    let wrong = ["identity", "import", file, "--passphrase-command", "echo wrong"];
    house.run_as("another", &wrong).exit(7);
    house.run_as("bob", &["identity", "import", file, "--passphrase-command", passphrase]).exit(2);
    let shown = |profile: &str| house.run_as(profile, &["identity", "show"]).exit(0).out;
    assert_ne!(shown("another"), shown("alice"));
    house
        .run_as("another", &["identity", "import", file, "--passphrase-command", passphrase])
        .exit(0);
    assert_eq!(shown("another"), shown("alice"));
    // A word that is none, one that is another, and the right ones.
    house.feed("another", &["identity", "import", "--words"], b"abandon ability").exit(5);
    house.feed("another", &["identity", "import", "--words"], words.as_bytes()).exit(0);
    house.send("another", "bob", "from my new machine").exit(0);
    assert_eq!(house.receive("bob", 1).exit(0).messages()[0]["sender"], "introduced");
}

#[test]
fn whoever_must_be_verified_is_and_whoever_is_blocked_is_not_heard() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    house.file("config.toml", b"trust = \"always-verify\"\n");
    house.send("alice", "bob", "hello").exit(4).hints("contact verify");
    house.file("config.toml", b"trust = \"sometimes\"\n");
    house.send("alice", "bob", "hello").exit(2);
    house.file("config.toml", b"");
    house.contact("bob", &["block", "alice"]).exit(0);
    house.send("bob", "alice", "hello").exit(4);
    house.send("alice", "bob", "unheard").exit(0);
    let heard = house.run_as("bob", &["listen", "--json", "--timeout", "1s"]).exit(8);
    assert!(heard.out.contains("\"blocked\":1"), "{}", heard.out);
    house.contact("bob", &["block", "alice", "--undo"]).exit(0);
    house.send("alice", "bob", "heard").exit(0);
    assert_eq!(house.receive("bob", 1).exit(0).texts(), ["heard"]);
}

#[test]
fn who_has_published_is_added_by_handle_and_who_else_claims_it_is_shown() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    house.contact("alice", &["add", "alice"]).exit(2);
    house.run_as("alice", &["contact", "add", "bob"]).exit(8).hints("securechat listen");
    house.run_as("bob", &["listen", "--timeout", "2s"]).exit(8);
    house.run_as("alice", &["contact", "add", "bob"]).exit(0).says("contact verify bob");
    let added = house.contact("alice", &["add", "bob"]).exit(0);
    let bob = added.json()[0].clone();
    assert_eq!((&bob["trust"], &bob["claims"]), (&"unverified".into(), &serde_json::json!([])));
    assert_eq!(bob["published"]["devices"].as_array().unwrap().len(), 1);
    assert_eq!(bob["published"]["fingerprint"], bob["fingerprint"]);
    let doctor = house.run_as("bob", &["doctor"]).exit(0).out;
    assert!(doctor.contains("published") && doctor.contains("valid until"), "{doctor}");
    // Somebody else who calls himself bob.
    house.run(&["init", "bob", "--profile", "another", "--no-passphrase"]).exit(0);
    house.run(&["init", "carol", "--no-passphrase"]).exit(0);
    let invite = house.run_as("alice", &["invite"]).exit(0).out;
    house.feed("another", &["join", "-"], invite.as_bytes()).exit(0);
    house.feed("carol", &["join", "-"], invite.as_bytes()).exit(0);
    house.send("another", "carol", "I am bob").exit(0);
    let refused = house.run_as("carol", &["contact", "add", "bob"]).exit(4);
    let refused = refused.hints("contact add bob --fingerprint");
    let print = bob["fingerprint"].as_str().unwrap();
    let other = house.run_as("another", &["--json", "identity", "show"]).exit(0).json();
    let other = other[0]["fingerprint"].as_str().unwrap().to_owned();
    assert!(refused.err.contains(print) && refused.err.contains(&other), "{}", refused.err);
    house.run_as("carol", &["contact", "add", "bob", "--fingerprint", "12"]).exit(2);
    let chosen = house.contact("carol", &["add", "bob", "--fingerprint", print]).exit(0).json();
    assert_eq!(chosen[0]["fingerprint"], print);
    assert_eq!(chosen[0]["claims"], serde_json::json!([other]));
    // The one who counts for alice is not displaced, and is written to as before.
    let shown = house.run_as("alice", &["contact", "add", "bob"]).exit(0).out;
    assert!(shown.contains("also claims") && shown.contains("another key claims"), "{shown}");
    house.send("alice", "bob", "hello").exit(0);
    let doctor = house.run_as("alice", &["doctor"]).exit(0).out;
    assert!(doctor.contains("claim bob"), "{doctor}");
    // Handles that look alike, and machines that publish nothing.
    let machine = house.contact("alice", &["add", "b0b", "--shared-key"]).exit(0).json();
    assert_eq!(
        (&machine[0]["shared_key"], &machine[0]["published"]),
        (&true.into(), &serde_json::Value::Null)
    );
    let list = house.run_as("alice", &["contact", "list"]).exit(0).out;
    assert!(list.contains("looks like bob") && list.contains("looks like b0b"), "{list}");
    // Without a broker, what was known counts.
    drop(broker);
    let add = ["contact", "add", "bob", "--timeout", "1s"];
    house.run_as("alice", &add).exit(0).says("known before");
    house.contact("alice", &["add", "dave", "--timeout", "1s"]).exit(3);
}
