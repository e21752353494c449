//! Networks that fail while people talk: nothing is lost, nothing doubled, and it goes on by itself.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use self::proxy::{Fault, Proxy};
use crate::house::{BrokerHouse, House, finish};

mod proxy;

/// How long each fault lasts.
const LASTS: Duration = Duration::from_secs(4);
/// A guard against hanging. The goal is 15 s, which `scripts/fault-matrix` measures.
const LONG: Duration = Duration::from_secs(60);

/// A `listen` that runs through everything.
struct Listening {
    child: Child,
    lines: mpsc::Receiver<serde_json::Value>,
    texts: Vec<String>,
    others: Vec<serde_json::Value>,
}

impl Listening {
    fn start(house: &House, profile: &str) -> Self {
        let mut child = house.start(profile, &["listen", "--json"]);
        let said = BufReader::new(child.stdout.take().unwrap());
        // Its stderr is read to no end, so that it never fills.
        let mut errors = child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                drop(send.send(serde_json::from_str(&line).unwrap()));
            }
        });
        Self { child, lines, texts: Vec::new(), others: Vec::new() }
    }

    /// Takes what was printed until `last` comes.
    fn until(&mut self, last: &str) {
        let deadline = Instant::now() + LONG;
        while self.texts.last().is_none_or(|text| text != last) {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("{last:?} did not come: {:?}", self.texts));
            match line["type"].as_str().unwrap() {
                "message" => self.texts.push(line["text"].as_str().unwrap().to_owned()),
                "caught_up" => {}
                _ => self.others.push(line),
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Talks through a fault and its cure; what was accepted is there, once and in order, and nothing else is.
fn talk_through(fault: Fault) {
    let broker = BrokerHouse::start();
    let proxy = Proxy::start(broker.address());
    let house = House::with_network(proxy.address());
    let mut listening = Listening::start(&house, "bob");
    house.send("alice", "bob", "before").exit(0);
    listening.until("before");

    proxy.set(fault);
    let begun = Instant::now();
    let send = ["send", "--to", "bob", "--timeout", "2s"];
    let mut lines = {
        let mut command = house.command(&[&send[..], &["--lines"]].concat());
        command.env("SECURECHAT_PROFILE", "alice").stdin(Stdio::piped()).spawn().unwrap()
    };
    lines.stdin.take().unwrap().write_all(b"line 1\nline 2\nline 3\n").unwrap();
    for number in 0..2 {
        let text = format!("during {number}");
        let said = house.run_as("alice", &[&send[..], &["-m", &text]].concat());
        assert!(said.code == 0 || said.code == 3, "{fault:?}: {} {}", said.code, said.err);
        if said.code == 3 {
            assert!(said.err.contains("outbox"), "{}", said.err);
        }
    }
    finish(lines).exit(0);
    std::thread::sleep(LASTS.saturating_sub(begun.elapsed()));

    proxy.set(Fault::None);
    let cured = Instant::now();
    house.run_as("alice", &["send", "--to", "bob", "--timeout", "60s", "-m", "after"]).exit(0);
    listening.until("after");
    let took = cured.elapsed();
    let history = |profile: &str| {
        let rows = house.run_as(profile, &["history", "--json", "--limit", "1000"]).exit(0);
        assert_eq!(rows.json().len(), rows.messages().len(), "{fault:?}: {}", rows.out);
        rows.texts()
    };
    let sent = history("alice");
    assert_eq!(sent.len(), 7, "{fault:?}: {sent:?}");
    assert_eq!(history("bob"), sent, "{fault:?}");
    assert_eq!(listening.texts, sent, "{fault:?}");
    assert!(listening.others.is_empty(), "{fault:?}: {:?}", listening.others);
    assert!(house.run_as("alice", &["outbox", "list", "--json"]).exit(0).out.is_empty());
    println!(
        "fault {fault:?}: 7 sent, 0 lost, 0 doubled, 0 gaps, {:.1} s from cure to all",
        took.as_secs_f64()
    );
}

macro_rules! faults {
    ($($name:ident: $fault:ident,)+) => {
        $(
            #[test]
            fn $name() {
                talk_through(Fault::$fault);
            }
        )+
    };
}

faults! {
    a_network_that_resets_connections: Reset,
    a_network_that_is_silent: Silent,
    a_network_that_is_silent_towards_the_broker: SilentToBroker,
    a_network_that_is_silent_towards_the_client: SilentToClient,
    a_network_that_stalls: Stalls,
    a_network_with_a_second_of_delay: Delay,
    a_network_of_a_kilobyte_a_second: Slow,
    connections_that_are_reset_in_the_middle_of_a_frame: MidFrame,
    connections_that_stay_half_open: HalfOpen,
    acknowledgements_that_are_lost: LostAcks,
}
