//! Wrong input: a clear error, the right exit code, a command that helps.

use std::net::TcpListener;

use crate::house::{BrokerHouse, EmbeddedHouse, House, picture};

#[test]
fn no_profile_no_network_several_profiles() {
    let house = House::new();
    house.run(&["history"]).exit(2).hints("securechat init");
    house.run(&["init", "alice", "--no-passphrase"]).exit(0);
    house.run(&["init", "alice", "--no-passphrase"]).exit(2).hints("--profile");
    house.send("alice", "bob", "hi").exit(2).hints("network create").hints("join");
    house.run(&["listen"]).exit(2).hints("network create");
    house.run(&["invite"]).exit(2);
    house.run(&["network", "show"]).exit(2);
    house.run(&["init", "bob", "--no-passphrase"]).exit(0);
    house.run(&["history"]).exit(2).says("alice, bob").hints("--profile NAME");
    house.run_as("alcie", &["history"]).exit(2).hints("alice");
    house.run_as("../x", &["history"]).exit(2);
}

#[test]
fn handles_texts_and_flags() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    for handle in ["", "Bob", "-x", ".x", "a b", "ä", "a\u{1b}[31m", &"x".repeat(65)] {
        house.run_as("alice", &["send", &format!("--to={handle}"), "-m", "x"]).exit(2);
    }
    house.run(&["init", "Not A Handle"]).exit(2).hints("a-z");
    house.send("alice", "alice", "to myself").exit(2);
    house.send("alice", "bob", "").exit(2).says("empty");
    house.feed("alice", &["send", "--to", "bob"], b"").exit(2).says("empty");
    house.feed("alice", &["send", "--to", "bob"], b"\n").exit(2);
    house.feed("alice", &["send", "--to", "bob"], b"ok \xff").exit(2).says("UTF-8").hints("iconv");
    let mut long = vec![b'x'; 1024 * 1024];
    house.feed("alice", &["send", "--to", "bob"], &long).exit(0);
    long.push(b'x');
    house.feed("alice", &["send", "--to", "bob"], &long).exit(6).hints("--lines");
    let bad_line =
        house.feed("alice", &["send", "--to", "bob", "--lines"], b"fine\n\nbad \xff\nnever\n");
    bad_line.exit(2).says("line 3").says("1 lines are sent");
    house.run(&["send", "--too", "bob"]).exit(2).says("--to");
    house.run(&["sned"]).exit(2).says("send");
    house.run_as("bob", &["listen", "--max", "0"]).exit(2);
    house.run_as("bob", &["listen", "--timeout", "soon"]).exit(2);
    let received = house.receive("bob", 2).exit(0).texts();
    assert_eq!(
        (received[0].len(), received[1].as_str()),
        (1024 * 1024, "fine"),
        "nothing else was sent"
    );
}

/// Hints that no other test comes across.
#[test]
fn hints_of_rare_mistakes() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    house.run_as("bob", &["history"]).exit(8).hints("receive what is on the log first");
    house.run_as("bob", &["history", "--grep", "("]).exit(2).hints("find it as it stands");
    house.send("alice", "bob", "").exit(2).hints("give it a text");
    house.feed("alice", &["send", "--to", "bob"], b"").exit(2).hints("give it a text");
    house.send("alice", "alice", "hello").exit(2).hints("write to somebody else");
    let file = house.file("file", b"");
    let (file, folder) = (file.to_str().unwrap(), house.path().to_str().unwrap());
    house.run(&["cover", "capacity", folder]).exit(6).hints("a file in it: ls -l");
    house.run(&["demo", "--dir", file]).exit(2).hints("demo --dir DIR");
    house.run(&["init", "carol", "--no-passphrase"]).exit(0);
    let brokers = broker.address().to_string();
    let create = |more: &[&str]| {
        let args = ["network", "create", "--brokers", &brokers, "--namespace", "too-many"];
        house.run_as("carol", &[&args[..], more].concat())
    };
    create(&["--key", "nope.key"]).exit(2).hints("ls -l .");
    create(&["--partitions", "1000000"]).exit(3).hints("--partitions 16");
    create(&["--partitions", "4", "--replication", "9"]).exit(3).hints("--replication 1");
    // What was begun stays so until something else is said.
    create(&[]).exit(3).hints("--replication 1");
    create(&["--replication", "0"]).exit(2);
    create(&["--retention", "0s"]).exit(2).says("a minute at least");
    house.run(&["broker", "--listen", "9092"]).exit(2).says("such as 127.0.0.1:9092");
    house.run(&["init", "dora", "--no-passphrase"]).exit(0);
    let folder_as_key = ["network", "create", "--brokers", &brokers, "--key", folder];
    house.run_as("dora", &folder_as_key).exit(2).hints("name a file in it");
    // A message of the outbox is known by its number and by its id.
    house.run_as("alice", &["send", "--to", "bob", "-m", "one", "--no-wait"]).exit(0);
    let waits = house.run_as("alice", &["outbox", "list", "--json"]).exit(0).json().remove(0);
    house.run_as("alice", &["outbox", "drop", "nobody"]).exit(8).hints("outbox list");
    let id = waits["id"].as_str().unwrap();
    let dropped = house.run_as("alice", &["outbox", "drop", id, "--json"]).exit(0).json();
    assert_eq!((&dropped[0]["id"], &dropped[0]["state"]), (&waits["id"], &"withdrawn".into()));
    // An --id that was used for another text before.
    let again = |text: &str| {
        let args = ["send", "--to", "bob", "-m", text, "--id", "k", "--no-wait"];
        house.run_as("alice", &args).exit(0)
    };
    again("first").says("the message is in the outbox");
    again("other").says("the first message of this --id is in the outbox");
    // A command that no shell is there for.
    house.send("alice", "bob", "hello").exit(0);
    let mut listen = house.command(&["listen", "--max", "1", "--timeout", "20s", "--exec", "true"]);
    let listened =
        listen.env("SECURECHAT_PROFILE", "bob").env("PATH", "/nowhere").output().unwrap();
    assert_eq!(listened.status.code(), Some(2));
    let said = String::from_utf8_lossy(&listened.stderr).into_owned();
    assert!(
        said.contains("hint: it is given to sh; see that there is one: command -v sh"),
        "{said}"
    );
}

#[test]
fn empty_variables_set_nothing() {
    let house = House::new();
    house.run(&["init", "alice", "--no-passphrase"]).exit(0);
    let mut command = house.command(&["doctor"]);
    for name in ["PROFILE", "CONFIG", "TIMEOUT", "COLOR", "JSON", "BROKERS", "SASL_USERNAME"] {
        command.env(format!("SECURECHAT_{name}"), "");
    }
    let said = command.output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(text.contains("alice"), "{text}{}", String::from_utf8_lossy(&said.stderr));
}

/// Names of files are bytes; other words must be text, and are refused as what they are.
#[cfg(target_os = "linux")]
#[test]
fn words_that_are_no_text_are_no_panic() {
    use std::os::unix::ffi::OsStrExt;
    let house = House::new();
    let strange = std::ffi::OsStr::from_bytes(b"strange-\xff.jpg");
    std::fs::copy(picture("smile.jpg"), house.path().join(strange)).unwrap();
    let run = |args: &[&str]| {
        let mut command = house.command(args);
        command.arg(strange).current_dir(house.path()).output().unwrap()
    };
    assert_eq!(run(&["cover", "capacity"]).status.code(), Some(0));
    for refused in [&["init"][..], &["--color", "never", "history", "--with"], &["--json"]] {
        let said = run(refused);
        let text = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(2), "{refused:?}: {text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_printed_is_said() {
    let house = House::new();
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    for args in [&["--version"][..], &["--help"], &["config", "path"]] {
        let said = house.command(args).stdout(full()).output().unwrap();
        assert_eq!(said.status.code(), Some(7), "{args:?}");
    }
}

/// A user whom the system does not know has no home folder; only the superuser can become one.
#[cfg(unix)]
#[test]
fn without_a_home_folder() {
    use std::os::unix::process::CommandExt;
    let house = House::new();
    let mut command = house.command(&["history"]);
    for place in ["SECURECHAT_HOME", "HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env_remove(place);
    }
    let said = match command.uid(4_000_000).current_dir("/").output() {
        Ok(said) => said,
        Err(error) => {
            println!(
                "skipped: without_a_home_folder, because another user cannot be taken: {error}"
            );
            return;
        }
    };
    let error = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(2), "{error}");
    assert!(error.contains("hint: name a folder: securechat --home DIR"), "{error}");
}

#[test]
fn errors_are_json_where_json_is_asked_for() {
    let house = House::new();
    let said = house.run(&["--json", "history"]).exit(2);
    let error: serde_json::Value = serde_json::from_str(said.err.trim()).unwrap();
    assert_eq!(
        (&error["v"], &error["type"], &error["exit"]),
        (&1.into(), &"error".into(), &2.into())
    );
    assert_eq!(error["code"], "no_profile");
    assert!(error["hint"].as_str().unwrap().contains("securechat init"));
    let said = house.run(&["send", "--json", "--nonsense"]).exit(2);
    assert!(serde_json::from_str::<serde_json::Value>(said.err.trim()).is_ok(), "{}", said.err);
    let said = house.run(&["sned", "--json"]).exit(2);
    let error: serde_json::Value = serde_json::from_str(said.err.trim()).unwrap();
    assert!(error["hint"].as_str().unwrap().contains("'send'"), "{error}");
}

#[test]
fn invites_and_keys() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    house.run(&["init", "carol", "--no-passphrase"]).exit(0);
    let invite =
        house.run_as("alice", &["invite", "--expires", "7d"]).exit(0).says("this machine").out;
    assert_eq!(invite.lines().count(), 1);
    let drawn = house.run_as("alice", &["invite", "--qr"]).exit(0);
    assert!(drawn.err.contains('█') && drawn.out.lines().count() == 1);
    house.run_as("carol", &["join", invite.trim()]).exit(2).says("secret").hints("securechat join");
    let damaged = house.file("damaged", invite.replace('A', "B").as_bytes());
    house.run_as("carol", &["join", damaged.to_str().unwrap()]).exit(5).hints("securechat invite");
    house.feed("carol", &["join", "-"], b"nonsense").exit(5);
    house.feed("carol", &["join", "-"], b"").exit(5);
    house.run_as("carol", &["join", "nowhere"]).exit(2);
    house.run_as("carol", &["join"]).exit(2);
    let expired = house.run_as("alice", &["invite", "--expires", "0s"]).exit(0).out;
    house.feed("carol", &["join", "-"], expired.as_bytes()).exit(2).says("expired");
    house.feed("carol", &["join", "-"], invite.as_bytes()).exit(0);
    house.feed("carol", &["join", "-"], invite.as_bytes()).exit(0).says("already");
    // The topics are taken now.
    house.run(&["init", "dave", "--no-passphrase"]).exit(0);
    house.send("alice", "bob", "hi").exit(0);
    let address = broker.address().to_string();
    house.create_network("dave", &address, &[]).exit(2).hints("join").hints("--namespace");
    house.create_network("alice", &address, &[]).exit(2).hints("--profile NAME");
}

#[cfg(unix)]
#[test]
fn three_forms_of_keys_are_taken_and_damaged_ones_refused() {
    use std::os::unix::fs::PermissionsExt;
    let broker = BrokerHouse::start();
    let house = House::new();
    let address = broker.address().to_string();
    let create = |profile: &str, key: &str, namespace: &str| {
        house.run(&["init", profile, "--no-passphrase"]);
        let namespace = format!("{}-{namespace}", house.namespace());
        let args = ["network", "create", "--brokers", &address, "--key", key, "--namespace"];
        house.run_as(profile, &[&args[..], &[&namespace]].concat())
    };
    let private = |name: &str, bytes: &[u8]| {
        let path = house.file(name, bytes);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let raw = private("raw", &[7; 32]);
    let old = private("secret.key", b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    create("raw", &raw, "raw").exit(0);
    create("old", &old, "old").exit(0);
    let id = |profile: &str| {
        house.run_as(profile, &["network", "show", "--json"]).json()[0]["key_id"].clone()
    };
    assert_eq!(id("raw"), id("old"), "the same key in two forms");
    create("bad", &private("bad", b"neither nor"), "bad").exit(2).hints("sha256sum");
    create("bad", "nowhere", "bad").exit(2);
    let text = "-----BEGIN SECURECHAT NETWORK KEY-----\nVersion: 1\nKey-Id: 0000000000000000\n\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n=00000000\n-----END SECURECHAT NETWORK KEY-----\n";
    create("bad", &private("armor", text.as_bytes()), "bad").exit(5);
    let loose = house.file("loose", &[7; 32]);
    std::fs::set_permissions(&loose, std::fs::Permissions::from_mode(0o644)).unwrap();
    create("bad", loose.to_str().unwrap(), "bad").exit(7).hints("chmod 600");
}

#[test]
fn brokers_that_are_away_silent_or_unprotected() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    house.run(&["init", "carol", "--no-passphrase"]).exit(0);
    let create = |brokers: &str, more: &[&str]| {
        let args: Vec<&str> =
            ["network", "create", "--brokers", brokers].iter().chain(more).copied().collect();
        house.run_as("carol", &args)
    };
    create("127.0.0.1:1", &[]).exit(3).hints("securechat broker").hints("securechat doctor");
    create("192.0.2.1:9092", &[]).exit(2).hints("--security tls").hints("plaintext");
    create("no port:x", &[]).exit(2).hints("--brokers");
    create("127.0.0.1:1", &["--security", "nonsense"]).exit(2);
    create("127.0.0.1:1", &["--security", "sasl-tls"]).exit(2).says("sasl_username");
    create("127.0.0.1:1", &["--namespace", "Not Good"]).exit(2);
    create("127.0.0.1:1", &["--partitions", "0"]).exit(2);
    let many: Vec<String> = (1..=65).map(|port| format!("127.0.0.1:{port}")).collect();
    create(&many.join(","), &[]).exit(2);
    house.run_as("carol", &["network", "show"]).exit(0);
    // One that accepts and never answers: the message is safe, the time is kept.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let mut command = house.command(&["send", "--to", "bob", "-m", "hello?", "--timeout", "1s"]);
    let output = command
        .env("SECURECHAT_PROFILE", "alice")
        .env("SECURECHAT_BROKERS", &address)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("outbox"));
    let mut command = house.command(&["listen", "--timeout", "1s"]);
    let output = command
        .env("SECURECHAT_PROFILE", "alice")
        .env("SECURECHAT_BROKERS", &address)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    // The message was kept, and goes out where the network really is.
    house.send("alice", "bob", "and more").exit(0);
    assert_eq!(house.receive("bob", 2).exit(0).texts(), ["hello?", "and more"]);
}

#[test]
fn configuration() {
    let house = House::new();
    house.run(&["init", "alice", "--no-passphrase"]).exit(0);
    house.file("config.toml", b"securty = 'tls'\n");
    house.run(&["history"]).exit(2).says("line 1").hints("security");
    house.file("config.toml", b"security = \n");
    house.run(&["config", "check"]).exit(2).says("line 1").hints("config path");
    house.run(&["config", "path"]).exit(0);
    for wrong in ["security = 'plain'", "sasl_mechanism = 'x'", "ca_file = '/nowhere'"] {
        house.file("config.toml", format!("[profiles.alice]\n{wrong}\n").as_bytes());
        house.run(&["config", "check"]).exit(2).hints("config show");
    }
    house.run(&["--config", "/nowhere.toml", "config", "check"]).exit(2);
    house.file("config.toml", b"brokers = ['a:1']\n[profiles.alice]\nsasl_username = 'me'\n");
    house.run(&["config", "check"]).exit(0);
    let shown = house.run(&["config", "show", "--json"]).exit(0).json();
    assert_eq!(
        (&shown[0]["settings"]["brokers"], &shown[0]["settings"]["sasl_username"]),
        (&"a:1".into(), &"me".into())
    );
    let path = house.run(&["config", "path"]).exit(0).out;
    assert_eq!(path.trim(), house.path().join("config.toml").to_str().unwrap());
    let checked = house.run(&["config", "check", "--json"]).exit(0).json();
    assert_eq!((&checked[0]["type"], &checked[0]["state"]), (&"check".into(), &"ok".into()));
    house.file("config.toml", b"sasl_password = 'x'\n");
    house.run(&["history"]).exit(2).hints("did you mean sasl_password_file?");
    house.file("no.pem", b"nothing");
    house.file("config.toml", b"security = 'tls'\nca_file = 'no.pem'\n");
    house
        .run(&["config", "check"])
        .exit(2)
        .says("no.pem holds no certificate")
        .hints("config show");
    house.file("config.toml", b"brokers = 'a:1'\n");
    house.run(&["history"]).exit(2).says("write a list: brokers = [\"HOST:9092\"]");
}

#[test]
fn covers() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    let send = |path: &str| {
        house.run_as("alice", &["send", "--to", "bob", "-m", "hidden", "--image", path])
    };
    let text = house.file("text.png", b"this is no picture");
    send(text.to_str().unwrap()).exit(6).hints("cover capacity");
    send("nowhere.png").exit(6);
    // One white pixel.
    let tiny = house.file("tiny.bmp", &tiny_bmp(1, 1));
    send(tiny.to_str().unwrap()).exit(6).hints("cover prepare");
    let bomb = house.file("bomb.bmp", &tiny_bmp(100_000, 100_000));
    send(bomb.to_str().unwrap()).exit(6);
    let empty = house.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    send(empty.to_str().unwrap()).exit(6);
    let good = picture("smile.jpg");
    let args = ["cover", "capacity", "--json", good.to_str().unwrap()];
    let whole = &house.run(&args).exit(0).json()[0];
    let bytes = |row: &serde_json::Value, band: &str| row[band].as_u64().unwrap();
    assert_eq!(whole["codec"], "jpeg-juniward");
    assert!(bytes(whole, "caution_bytes") < bytes(whole, "text_bytes"), "{whole}");
    let compatible = ["cover", "capacity", "--json", "--codec", "lsb-compat"];
    let args = [&compatible[..], &[good.to_str().unwrap()]].concat();
    let whole = bytes(&house.run(&args).exit(0).json()[0], "text_bytes");
    assert!(whole > 10_000);
    // A topic of small records scales the picture down, and it holds less.
    let args = [&compatible[..], &["--max-record", "100000", good.to_str().unwrap()]].concat();
    let tight = args;
    let promised = &house.run(&tight).exit(0).json()[0];
    assert!(promised["scaled_to"]["width"].as_u64().unwrap() > 0, "{promised}");
    let held = promised["text_bytes"].as_u64().unwrap();
    assert!((1_000..whole).contains(&held), "{promised}");
    let args = ["cover", "capacity", "--codec", "lsb-compat", tiny.to_str().unwrap()];
    let small = house.run(&args).exit(6);
    assert!(small.out.contains("too small for any message"), "{}", small.out);
    house
        .run(&["cover", "capacity", text.to_str().unwrap(), good.to_str().unwrap()])
        .exit(6)
        .says("text.png");
    assert!(
        house.run_as("alice", &["outbox", "list", "--json"]).exit(0).out.is_empty(),
        "nothing was accepted"
    );
}

/// A bitmap whose header claims a size, with one pixel of data.
fn tiny_bmp(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    for field in [58_u32, 0, 54, 40, width, height] {
        bytes.extend_from_slice(&field.to_le_bytes());
    }
    bytes.extend_from_slice(&[1, 0, 24, 0]);
    bytes.extend_from_slice(&[0; 24]);
    bytes.extend_from_slice(&[255, 255, 255, 0]);
    bytes
}

#[test]
fn damaged_and_newer_stores() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    for _ in 0..50 {
        house.run_as("alice", &["send", "--to", "bob", "-m", "x", "--no-wait"]).exit(0);
    }
    house.run_as("alice", &["doctor"]).exit(0);
    let store = house.profile("alice").join("store.db");
    let good = std::fs::read(&store).unwrap();
    std::fs::write(&store, &good[..good.len() / 3]).unwrap();
    let said = house.run_as("alice", &["history"]);
    assert_eq!(said.code, 7, "{}", said.err);
    std::fs::write(&store, b"not a store at all").unwrap();
    house.run_as("alice", &["history"]).exit(7).hints("securechat doctor");
    std::fs::write(&store, &good).unwrap();
    let vault = house.profile("alice").join("vault.key");
    // Without its key a store is nothing that may be made anew.
    let away = house.path().join("away");
    std::fs::rename(&vault, &away).unwrap();
    house.run_as("alice", &["history"]).exit(7).says("vault.key").hints("config path");
    house.run(&["init", "alice", "--no-passphrase"]).exit(2);
    std::fs::rename(&away, &vault).unwrap();
    let store = house.profile("alice").join("store.db");
    std::fs::rename(&store, &away).unwrap();
    house.run_as("alice", &["history"]).exit(7).says("store.db is gone").hints("init HANDLE");
    std::fs::rename(&away, &store).unwrap();
    std::fs::create_dir_all(house.profile("half").join("locks")).unwrap();
    house.run(&["init", "half", "--no-passphrase"]).exit(2).says("not empty").hints("--profile");
    assert_eq!(std::fs::read(&store).unwrap(), good);
    let mut bytes = std::fs::read(&vault).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&vault, bytes).unwrap();
    house.run_as("alice", &["history"]).exit(7).hints("put it back from a copy");
}

#[test]
fn help_version_completions_and_manual() {
    let house = House::new();
    for args in [
        &["--help"][..],
        &["send", "--help"],
        &["network", "create", "--help"],
        &["outbox", "drop", "--help"],
    ] {
        let help = house.run(args).exit(0).out;
        let examples =
            help.split("Examples:").nth(1).unwrap_or_else(|| panic!("no examples in {args:?}"));
        assert_eq!(
            examples.lines().filter(|line| line.contains("securechat")).count(),
            3,
            "{args:?}"
        );
    }
    assert!(house.run(&["--version"]).exit(0).out.starts_with("securechat "));
    house.run(&[]).exit(2);
    for shell in ["bash", "zsh", "fish"] {
        assert!(house.run(&["completions", shell]).exit(0).out.contains("securechat"));
    }
    let folder = house.path().join("man1");
    house.run(&["man", folder.to_str().unwrap()]).exit(0);
    assert!(folder.join("securechat-send.1").exists());
    assert!(house.run(&["man"]).exit(0).out.contains(".TH securechat"));
}

#[cfg(unix)]
#[test]
fn the_broker_command_ends_on_a_signal_and_keeps_its_folder_to_itself() {
    use std::io::{BufRead, BufReader};
    let house = House::new();
    for signal in ["INT", "TERM"] {
        let mut child = house.start("none", &["broker", "--listen", "127.0.0.1:0"]);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on 127.0.0.1:"), "{line}");
        let address = line.split([' ', ',']).nth(2).unwrap().to_owned();
        let _open = std::net::TcpStream::connect(address).unwrap();
        house.run(&["broker", "--listen", "127.0.0.1:0"]).exit(7).hints("--data DIR");
        let kill = std::process::Command::new("kill")
            .args([format!("-{signal}"), child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        crate::house::finish(child).exit(0);
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    house.run(&["broker", "--listen", &address]).exit(3).hints("--listen");
}

/// Somebody else writes, or nobody may, or there is no room: exit code 7, and nothing is lost.
#[cfg(target_os = "linux")]
#[test]
fn stores_that_are_newer_locked_read_only_or_full() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    house.send("alice", "bob", "kept").exit(0);
    let path = house.profile("alice").join("store.db");

    let other = rusqlite::Connection::open(&path).unwrap();
    let version: i64 = other.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    other.pragma_update(None, "user_version", version + 1).unwrap();
    house.run_as("alice", &["history"]).exit(7).says("knows up to").hints("--version");
    other.pragma_update(None, "user_version", version).unwrap();

    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    house.run_as("alice", &["history"]).exit(0);
    house.send("alice", "bob", "not now").exit(7).hints("fuser");
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);

    nobody_may_write(&house);
    no_room(&house);
    house.send("alice", "bob", "once more").exit(0);
    assert_eq!(house.receive("bob", 2).exit(0).texts(), ["kept", "once more"]);
}

/// Root may write everything, so somebody else tries.
#[cfg(target_os = "linux")]
fn nobody_may_write(house: &House) {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    let profile = house.profile("alice");
    let root = std::fs::metadata(&profile).unwrap().uid() == 0;
    let nobody = 65_534;
    let owner = |id| {
        for file in ["", "vault.key", "store.db", "locks"] {
            chown(profile.join(file), Some(id), Some(id)).unwrap();
        }
    };
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let mut command = house.command(&["send", "--to", "bob", "-m", "never"]);
    command.env("SECURECHAT_PROFILE", "alice");
    if root {
        owner(nobody);
        command.uid(nobody).gid(nobody);
        // It has to get there.
        for folder in profile.ancestors().skip(1).take(3) {
            mode(folder, 0o755);
        }
    }
    mode(&profile.join("store.db"), 0o400);
    mode(&profile, 0o500);
    let said = command.output().unwrap();
    let text = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(7), "{text}");
    assert!(text.contains("hint: the profile's folder must be writable"), "{text}");
    mode(&profile, 0o700);
    mode(&profile.join("store.db"), 0o600);
    if root {
        owner(0);
    }
}

/// The home on a disk of its own that has no byte left.
#[cfg(target_os = "linux")]
fn no_room(house: &House) {
    let full = house.path().join("full");
    std::fs::create_dir(&full).unwrap();
    let script = r#"
        mount -t tmpfs -o size=2m,mode=700 tmpfs "$1" || exit 99
        cp -a "$2" "$1/profiles" && { cat /dev/zero > "$1/filler" 2> /dev/null; true; }
        SECURECHAT_HOME=$1 "$3" --profile alice send --to bob -m never
        code=$?
        rm "$1/filler"
        SECURECHAT_HOME=$1 "$3" --profile alice doctor > /dev/null || exit 98
        exit $code"#;
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    command.arg(&full).arg(house.path().join("profiles")).arg(env!("CARGO_BIN_EXE_securechat"));
    let said = command.output().unwrap();
    let text = String::from_utf8_lossy(&said.stderr);
    match said.status.code() {
        Some(7) => assert!(text.contains("hint: free space"), "{text}"),
        Some(99 | 1) if !text.contains("error:") => {
            println!("skipped: no file system can be mounted here");
        }
        other => panic!("{other:?}: {text}"),
    }
}

/// Topics that somebody made before, or that somebody deleted.
#[test]
fn topics_must_fit_the_network_and_can_be_made_again() {
    let mut broker = EmbeddedHouse::start();
    let house = House::with_network(broker.address());
    house.run(&["init", "carol", "--no-passphrase"]).exit(0);
    let address = broker.address().to_string();
    let args = ["--partitions", "4", "--retention", "1h"];
    let said = house.create_network("carol", &address, &args).exit(2);
    said.says("retention.ms").hints("--namespace");
    // The broker comes back without its data.
    broker.stop();
    std::fs::remove_dir_all(broker.data()).unwrap();
    std::fs::create_dir(broker.data()).unwrap();
    broker.restart();
    let lost = ["send", "--to", "bob", "-m", "anybody there?", "--timeout", "10s"];
    house.run_as("alice", &lost).exit(3).hints("securechat network create");
    house.run_as("alice", &["network", "create"]).exit(0).says("is made again");
    house.run_as("alice", &["network", "create"]).exit(2);
    house.run_as("alice", &["listen", "--timeout", "100ms"]).exit(8);
    assert_eq!(house.receive("bob", 1).exit(0).texts(), ["anybody there?"]);
}
