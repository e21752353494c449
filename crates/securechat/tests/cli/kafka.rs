//! What only Apache Kafka has: TLS, logins, access rights, and a restart of the real thing.
//!
//! Needs `scripts/kafka start --secure --dir DIR` and `SECURECHAT_TEST_KAFKA=DIR`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::house::{House, Said, finish, wait_for};
use crate::listener::Listening;

/// A Kafka that was started with `--secure`.
struct Secured {
    folder: PathBuf,
    port: u16,
}

impl Secured {
    /// The one that the environment names.
    fn find() -> Option<Self> {
        let Some(folder) = std::env::var_os("SECURECHAT_TEST_KAFKA").map(PathBuf::from) else {
            println!("skipped: SECURECHAT_TEST_KAFKA names no folder of scripts/kafka");
            return None;
        };
        let started = std::fs::read_to_string(folder.join("started-as")).unwrap();
        assert!(started.contains("secure=yes"), "started without --secure");
        let port = started.split_whitespace().find_map(|word| word.strip_prefix("port="));
        Some(Self { port: port.unwrap().parse().unwrap(), folder })
    }

    fn address(&self, listener: u16) -> String {
        format!("127.0.0.1:{}", self.port + listener)
    }

    fn plaintext(&self) -> String {
        self.address(0)
    }

    fn sasl(&self) -> String {
        self.address(3)
    }

    fn ssl(&self) -> String {
        self.address(4)
    }

    fn secret(&self, name: &str) -> String {
        self.folder.join("secure").join(name).to_str().unwrap().to_owned()
    }

    fn script(&self, args: &[&str]) -> std::process::Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/kafka");
        let (command, rest) = args.split_first().unwrap();
        Command::new(script)
            .arg(command)
            .arg("--dir")
            .arg(&self.folder)
            .args(rest)
            .output()
            .unwrap()
    }

    /// Runs one of the commands that the program prints for an administrator, as a super user.
    fn administer(&self, line: &str) {
        let line =
            line.replace(&self.sasl(), &self.plaintext()).replace("User:NAME", "User:stranger");
        let words: Vec<&str> = ["tool"].into_iter().chain(line.split_whitespace()).collect();
        let done = self.script(&words);
        assert!(done.status.success(), "{line}: {done:?}");
    }
}

/// The profile's own section of the configuration.
fn configure(house: &House, sections: &[(&str, String)]) {
    let text: String =
        sections.iter().map(|(profile, keys)| format!("[profiles.{profile}]\n{keys}\n")).collect();
    house.file("config.toml", text.as_bytes());
}

fn login(house: &House, mechanism: &str, user: &str, password: &str) -> String {
    let file = house.file(&format!("{user}-password"), password.as_bytes());
    private(&file);
    format!(
        "sasl_mechanism = '{mechanism}'\nsasl_username = '{user}'\nsasl_password_file = '{}'",
        file.display()
    )
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn tls_with_every_kind_of_login() {
    let Some(kafka) = Secured::find() else { return };
    let house = House::new();
    let ca = format!("ca_file = '{}'", kafka.secret("ca.pem"));
    let logins = [
        ("alice", "PLAIN", "alice", "alice-password"),
        ("bob", "SCRAM-SHA-256", "bob", "bob-password"),
        ("carol", "SCRAM-SHA-512", "carol", "carol-password"),
    ];
    let mut sections = vec![(
        "dave",
        format!(
            "brokers = ['{}']\nsecurity = 'tls'\ncert_file = '{}'\nkey_file = '{}'",
            kafka.ssl(),
            kafka.secret("client.pem"),
            kafka.secret("client.key"),
        ),
    )];
    for (profile, mechanism, user, password) in logins {
        let mut keys = login(&house, mechanism, user, password);
        if profile == "alice" {
            keys = format!("{keys}\n{ca}");
        }
        sections.push((profile, keys));
    }
    configure(&house, &sections);
    for name in ["alice", "bob", "carol", "dave"] {
        house.run(&["init", name, "--no-passphrase"]).exit(0);
    }
    let security = ["--security", "sasl-tls", "--partitions", "2"];
    house.create_network("alice", &kafka.sasl(), &security).exit(0);
    // The authority travels in the invite, no password does.
    let invite = house.run_as("alice", &["invite"]).exit(0).out;
    for name in ["bob", "carol", "dave"] {
        house.feed(name, &["join", "-"], invite.as_bytes()).exit(0);
        house.send(name, "alice", &format!("from {name}")).exit(0);
    }
    let mut heard = house.receive("alice", 3).exit(0).texts();
    heard.sort();
    assert_eq!(heard, ["from bob", "from carol", "from dave"]);
    house.run_as("bob", &["doctor"]).exit(0);
}

#[test]
fn wrong_logins_authorities_and_protocols() {
    let Some(kafka) = Secured::find() else { return };
    let house = House::new();
    house.run(&["init", "alice", "--no-passphrase"]).exit(0);
    let ca = kafka.secret("ca.pem");
    let right = login(&house, "PLAIN", "alice", "alice-password");
    let create = |keys: String, brokers: &str, security: &str| -> Said {
        configure(&house, &[("alice", keys)]);
        house.create_network("alice", brokers, &["--security", security])
    };
    let wrong = login(&house, "PLAIN", "bob", "not the password");
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let wrong = wrong.replace("PLAIN", mechanism);
        let said = create(format!("{wrong}\nca_file = '{ca}'"), &kafka.sasl(), "sasl-tls");
        assert!(!said.err.contains("not the password"), "{}", said.err);
        said.exit(3).hints("securechat config show");
    }
    let other = kafka.secret("other-ca.pem");
    create(format!("{right}\nca_file = '{other}'"), &kafka.sasl(), "sasl-tls")
        .exit(3)
        .hints("ca_file");
    create(right.clone(), &kafka.sasl(), "sasl-tls").exit(3).hints("ca_file");
    // The other side speaks TLS, and we do not; and the other way round.
    create(String::new(), &kafka.ssl(), "plaintext").exit(3);
    create(format!("ca_file = '{ca}'"), &kafka.plaintext(), "tls").exit(3);
    // Without the certificate that the listener asks for.
    create(format!("ca_file = '{ca}'"), &kafka.ssl(), "tls").exit(3);
    // The other side wants no login.
    create(right, &kafka.plaintext(), "sasl-plaintext").exit(3);
}

#[test]
fn without_rights_the_administrators_commands_are_printed_and_they_work() {
    let Some(kafka) = Secured::find() else { return };
    let house = House::new();
    let ca = format!("ca_file = '{}'", kafka.secret("ca.pem"));
    let stranger = login(&house, "PLAIN", "stranger", "stranger-password");
    let friend = login(&house, "PLAIN", "alice", "alice-password");
    configure(&house, &[("stranger", format!("{stranger}\n{ca}")), ("alice", friend)]);
    for name in ["stranger", "alice"] {
        house.run(&["init", name, "--no-passphrase"]).exit(0);
    }
    let create = |more: &[&str]| {
        let args = [&["--security", "sasl-tls", "--partitions", "2", "--replication", "1"], more];
        house.create_network("stranger", &kafka.sasl(), &args.concat())
    };
    let said = create(&[]).exit(3).hints("administrator").hints("securechat network create");
    let commands: Vec<&str> = said.out.lines().collect();
    assert_eq!(commands.len(), 4, "{commands:?}");
    // The settings and the key are kept.
    let pending = house.run_as("stranger", &["network", "show", "--json"]).exit(0).json();
    assert_eq!(pending[0]["pending"], true);
    house.send("stranger", "alice", "too early").exit(3).hints("securechat network create");
    commands.iter().for_each(|line| kafka.administer(line));
    // As the hint says, without a word of what was asked for before.
    house.run_as("stranger", &["network", "create"]).exit(0);
    let ready = house.run_as("stranger", &["network", "show", "--json"]).exit(0).json();
    assert_eq!((&ready[0]["pending"], &ready[0]["key_id"]), (&false.into(), &pending[0]["key_id"]));
    let invite = house.run_as("stranger", &["invite"]).exit(0).out;
    house.feed("alice", &["join", "-"], invite.as_bytes()).exit(0);
    house.send("stranger", "alice", "with your leave").exit(0);
    assert_eq!(house.receive("alice", 1).exit(0).texts(), ["with your leave"]);
    // The right is taken away: nothing is lost, and it is said what to ask for.
    let topic = format!("{}.mail", house.namespace());
    kafka.administer(&format!(
        "kafka-acls.sh --bootstrap-server {} --remove --force --allow-principal User:NAME --operation Write --topic {topic}",
        kafka.sasl()
    ));
    let denied =
        house.run_as("stranger", &["send", "--to", "alice", "-m", "later", "--timeout", "10s"]);
    denied.exit(3).says("outbox").hints("READ, WRITE and DESCRIBE");
    kafka.administer(commands[2]);
    house.send("stranger", "alice", "again").exit(0).says("1 older messages");
    assert_eq!(house.receive("alice", 2).exit(0).texts(), ["later", "again"]);
    // Who may not read is told so, and not that there is nothing.
    house.send("alice", "stranger", "for your eyes").exit(0);
    kafka.administer(&format!(
        "kafka-acls.sh --bootstrap-server {} --remove --force --allow-principal User:NAME --operation Read --topic {topic}",
        kafka.sasl()
    ));
    let blind = house.run_as("stranger", &["listen", "--timeout", "15s"]).exit(3);
    blind.hints("READ, WRITE and DESCRIBE");
    kafka.administer(commands[2]);
    assert_eq!(house.receive("stranger", 1).exit(0).texts(), ["for your eyes"]);
}

/// A person of this test alone, who logs in with SCRAM, beside alice on the open port.
struct Guest<'a> {
    kafka: &'a Secured,
    house: House,
    user: String,
    topic: String,
}

impl<'a> Guest<'a> {
    fn invite(kafka: &'a Secured) -> Self {
        let house = House::new();
        let user = format!("guest-{}", house.namespace());
        let topic = format!("{}.mail", house.namespace());
        let guest = Self { kafka, house, user, topic };
        guest.set_password("the-first-password");
        guest.rights("--add", &["Read", "Write", "Describe", "DescribeConfigs"]);
        let keys = login(&guest.house, "SCRAM-SHA-256", &guest.user, "the-first-password");
        let secure = format!(
            "brokers = ['{}']\nsecurity = 'sasl-tls'\nca_file = '{}'\n{keys}",
            kafka.sasl(),
            kafka.secret("ca.pem")
        );
        configure(&guest.house, &[("bob", secure)]);
        for name in ["alice", "bob"] {
            guest.house.run(&["init", name, "--no-passphrase"]).exit(0);
        }
        guest.house.create_network("alice", &kafka.plaintext(), &["--partitions", "2"]).exit(0);
        let invite = guest.house.run_as("alice", &["invite"]).exit(0).out;
        guest.house.feed("bob", &["join", "-"], invite.as_bytes()).exit(0);
        guest
    }

    fn rights(&self, change: &str, operations: &[&str]) {
        let operations: String =
            operations.iter().map(|operation| format!(" --operation {operation}")).collect();
        let force = if change == "--remove" { " --force" } else { "" };
        self.kafka.administer(&format!(
            "kafka-acls.sh --bootstrap-server {} {change}{force} --allow-principal User:{}{operations} --topic {}",
            self.kafka.plaintext(), self.user, self.topic
        ));
    }

    /// Changes what the cluster keeps of this user.
    fn alter(&self, change: &str, config: &str) {
        self.kafka.administer(&format!(
            "kafka-configs.sh --bootstrap-server {} --alter --entity-type users --entity-name {} {change} {config}",
            self.kafka.plaintext(), self.user
        ));
    }

    fn set_password(&self, password: &str) {
        self.alter("--add-config", &format!("SCRAM-SHA-256=[password={password}]"));
    }

    fn send(&self, text: &str) {
        self.house.send("alice", "bob", text).exit(0);
    }

    /// Everything came, once and in order.
    fn has(&self, listening: &Listening, texts: &[&str]) {
        assert_eq!(listening.texts, texts);
        assert!(listening.others.is_empty(), "{:?}", listening.others);
        let history = self.house.run_as("bob", &["history", "--json", "--limit", "1000"]).exit(0);
        let mut heard = history.messages();
        heard.retain(|message| message["from"] == "alice");
        assert_eq!(
            heard.iter().map(|message| message["text"].as_str()).collect::<Vec<_>>(),
            texts.iter().map(|text| Some(*text)).collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_running_listener_goes_on_when_rights_come_back() {
    let Some(kafka) = Secured::find() else { return };
    let guest = Guest::invite(&kafka);
    let mut listening = Listening::start(&guest.house, "bob");
    guest.send("before");
    listening.until("before");
    guest.rights("--remove", &["Read"]);
    // A read that had begun before still ends with the first.
    guest.send("meanwhile");
    guest.send("and again");
    listening.note_with(&["right to READ"]);
    guest.rights("--add", &["Read"]);
    let cured = Instant::now();
    guest.send("after");
    listening.until("after");
    println!("rights: {:.1} s from cure to all", cured.elapsed().as_secs_f64());
    guest.has(&listening, &["before", "meanwhile", "and again", "after"]);
}

#[test]
fn a_running_listener_goes_on_when_its_password_is_right_again() {
    let Some(kafka) = Secured::find() else { return };
    let guest = Guest::invite(&kafka);
    let mut listening = Listening::start(&guest.house, "bob");
    guest.send("before");
    listening.until("before");
    guest.set_password("another-password");
    guest.send("meanwhile");
    listening.note_with(&["refused the login"]);
    // A new login is refused as well, and says so.
    let refused =
        guest.house.run_as("bob", &["send", "--to", "alice", "-m", "answer", "--timeout", "5s"]);
    refused.exit(3).says("outbox").hints("securechat config show");
    guest.set_password("the-first-password");
    let cured = Instant::now();
    guest.send("after");
    listening.until("after");
    println!("password: {:.1} s from cure to all", cured.elapsed().as_secs_f64());
    guest.has(&listening, &["before", "meanwhile", "after"]);
    // What bob could not send goes out by itself.
    assert_eq!(guest.house.receive("alice", 1).exit(0).texts(), ["answer"]);
}

#[test]
fn a_running_listener_goes_on_when_it_is_throttled() {
    let Some(kafka) = Secured::find() else { return };
    let guest = Guest::invite(&kafka);
    let mut listening = Listening::start(&guest.house, "bob");
    guest.send("before");
    listening.until("before");
    guest.alter(
        "--add-config",
        "consumer_byte_rate=500,producer_byte_rate=500,request_percentage=2",
    );
    let during: Vec<String> = (0..10).map(|number| format!("throttled {number}")).collect();
    during.iter().for_each(|text| guest.send(text));
    listening.until("throttled 9");
    let sent =
        guest.house.run_as("bob", &["send", "--to", "alice", "-m", "answer", "--timeout", "30s"]);
    sent.exit(0);
    guest.alter("--delete-config", "consumer_byte_rate,producer_byte_rate,request_percentage");
    let cured = Instant::now();
    guest.send("after");
    listening.until("after");
    println!("throttle: {:.1} s from cure to all", cured.elapsed().as_secs_f64());
    let texts = ["before"].into_iter().chain(during.iter().map(String::as_str)).chain(["after"]);
    guest.has(&listening, &texts.collect::<Vec<_>>());
    assert_eq!(guest.house.receive("alice", 1).exit(0).texts(), ["answer"]);
}

/// Logins that expire after ten seconds are made again without a word.
#[test]
fn a_login_that_expires_is_made_again() {
    let Some(kafka) = Secured::find() else { return };
    let guest = Guest::invite(&kafka);
    let mut listening = Listening::start(&guest.house, "bob");
    let texts = ["first", "second", "third"];
    for text in texts {
        guest.send(text);
        listening.until(text);
        std::thread::sleep(Duration::from_secs(11));
    }
    guest.send("last");
    listening.until("last");
    guest.has(&listening, &["first", "second", "third", "last"]);
}

#[test]
fn topics_that_are_missing_or_too_small_are_named() {
    let Some(kafka) = Secured::find() else { return };
    let house = House::on_shared_key(kafka.plaintext().parse().unwrap());
    let topic = format!("{}.mail", house.namespace());
    kafka.administer(&format!(
        "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {topic} --add-config max.message.bytes=20000",
        kafka.sasl()
    ));
    // The network's own limit lets it pass, the topic's does not: it is closed and said.
    let text = "x".repeat(100_000);
    house.feed("alice", &["send", "--to", "bob"], text.as_bytes()).exit(6).hints("--lines");
    house.run_as("alice", &["doctor"]).exit(3);
    house.send("alice", "bob", "small").exit(0);
    kafka.administer(&format!(
        "kafka-topics.sh --bootstrap-server {} --delete --topic {topic}",
        kafka.sasl()
    ));
    let lost =
        house.run_as("alice", &["send", "--to", "bob", "-m", "where to?", "--timeout", "10s"]);
    lost.exit(3).says(&topic).hints("securechat doctor");
    let listening = house.run_as("bob", &["listen", "--timeout", "2s"]);
    assert_eq!(listening.code, 3, "{}", listening.err);
}

/// Run on its own: it stops the broker of everybody.
#[test]
#[ignore = "restarts the broker that other tests use; .ci/run runs it alone"]
fn two_terminals_go_on_over_a_restart_of_kafka() {
    let Some(kafka) = Secured::find() else { return };
    let house = House::on_shared_key(kafka.plaintext().parse().unwrap());
    house.send("alice", "bob", "before").exit(0);
    let mut listening =
        house.start("bob", &["listen", "--json", "--max", "3", "--timeout", "120s"]);
    wait_for(&mut listening, "shared key");
    let restarted = kafka.script(&["restart"]);
    assert!(restarted.status.success(), "{restarted:?}");
    house.send("alice", "bob", "after").exit(0);
    house.send("alice", "bob", "and again").exit(0);
    let heard = finish(listening);
    assert_eq!(heard.exit(0).texts(), ["before", "after", "and again"]);
    assert_eq!(house.run_as("bob", &["history", "--json"]).exit(0).texts().len(), 3);
}
