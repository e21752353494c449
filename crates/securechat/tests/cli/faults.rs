//! Networks that fail while people talk: nothing is lost, nothing doubled, and it goes on by itself.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use self::lies::Lie;
use self::proxy::{Fault, Proxy};
use crate::house::{BrokerHouse, House, finish};
use crate::listener::Listening;

mod lies;
pub(crate) mod proxy;

/// How long each fault lasts.
const LASTS: Duration = Duration::from_secs(4);

/// Talks through a fault and its cure; what was accepted is there, once and in order, and nothing else is.
fn talk_through(fault: Fault) {
    let broker = BrokerHouse::start();
    let proxy = Proxy::start(&broker.nodes());
    let house = House::on_shared_key(proxy.addresses()[0]);
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
    // A liar needs to be asked.
    let messages = if matches!(fault, Fault::Lies(_)) { 10 } else { 2 };
    for number in 0..messages {
        let text = format!("during {number}");
        let said = house.run_as("alice", &[&send[..], &["-m", &text]].concat());
        assert!(said.code == 0 || said.code == 3, "{fault:?}: {} {}", said.code, said.err);
        if said.code == 3 {
            assert!(said.err.contains("outbox"), "{}", said.err);
        }
    }
    let lines = finish(lines);
    assert!(lines.code == 0 || lines.code == 3, "{fault:?}: {} {}", lines.code, lines.err);
    std::thread::sleep(LASTS.saturating_sub(begun.elapsed()));

    proxy.set(Fault::None);
    let cured = Instant::now();
    house.run_as("alice", &["send", "--to", "bob", "--timeout", "60s", "-m", "after"]).exit(0);
    listening.until("after");
    let took = cured.elapsed();
    let history = |profile: &str| {
        house.run_as(profile, &["history", "--json", "--limit", "1000"]).exit(0).texts()
    };
    let sent = history("alice");
    assert_eq!(sent.len(), messages + 5, "{fault:?}: {sent:?}");
    assert_eq!(history("bob"), sent, "{fault:?}");
    assert_eq!(listening.texts, sent, "{fault:?}");
    // What a liar says of a log may look like a loss: then that is said. Nothing else may say so.
    let gaps = listening.others.iter().filter(|line| line["type"] == "gap").count();
    if !matches!(fault, Fault::Lies(_)) {
        assert!(listening.others.is_empty(), "{fault:?}: {:?}", listening.others);
    }
    assert!(listening.peak_mib() < 150, "{fault:?}: {} MiB", listening.peak_mib());
    assert!(house.run_as("alice", &["outbox", "list", "--json"]).exit(0).out.is_empty());
    println!(
        "fault {fault:?}: {} sent, 0 lost, 0 doubled, {gaps} gaps, {:.1} s from cure to all, {} MiB at most, {} lies",
        sent.len(),
        took.as_secs_f64(),
        listening.peak_mib(),
        proxy.lies()
    );
    assert!(proxy.lies() > 0 || !matches!(fault, Fault::Lies(_)), "nobody lied");
}

macro_rules! faults {
    ($($name:ident: $fault:expr,)+) => {
        $(
            #[test]
            fn $name() {
                talk_through($fault);
            }
        )+
    };
}

faults! {
    a_network_that_resets_connections: Fault::Reset,
    a_network_that_is_silent: Fault::Silent,
    a_network_that_is_silent_towards_the_broker: Fault::SilentToBroker,
    a_network_that_is_silent_towards_the_client: Fault::SilentToClient,
    a_network_that_stalls: Fault::Stalls,
    a_network_with_a_second_of_delay: Fault::Delay,
    a_network_of_a_kilobyte_a_second: Fault::Slow,
    connections_that_are_reset_in_the_middle_of_a_frame: Fault::MidFrame,
    connections_that_stay_half_open: Fault::HalfOpen,
    acknowledgements_that_are_lost: Fault::LostAcks,
    answers_whose_bytes_are_others: Fault::Lies(Lie::Flip),
    answers_of_two_gigabytes: Fault::Lies(Lie::Length),
    answers_to_other_questions: Fault::Lies(Lie::Correlation),
    answers_without_their_end: Fault::Lies(Lie::Cut),
    answers_of_noise: Fault::Lies(Lie::Noise),
    answers_that_come_twice: Fault::Lies(Lie::Unasked),
    answers_with_any_error_code: Fault::Lies(Lie::Codes),
    answers_with_wrong_bounds: Fault::Lies(Lie::Bounds),
    answers_with_old_records: Fault::Lies(Lie::Replay),
    answers_that_unpack_to_a_gigabyte: Fault::Lies(Lie::Bomb),
}
