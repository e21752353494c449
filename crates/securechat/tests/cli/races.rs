//! One profile in many processes at once.

use std::sync::Mutex;

use crate::house::{EmbeddedHouse, House};

/// Sends that race; 1,000 with SECURECHAT_TEST_SCALE=full.
fn races() -> usize {
    if std::env::var("SECURECHAT_TEST_SCALE").is_ok_and(|scale| scale == "full") {
        1000
    } else {
        60
    }
}

/// Sends of one profile, eight at once, while it listens in two more processes and is written to: nothing is lost,
/// doubled or out of order.
#[test]
fn many_sends_and_listens_of_one_profile_at_once() {
    const AT_ONCE: usize = 8;
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let mut listening: Vec<_> = ["one", "two"]
        .map(|name| house.start("alice", &["listen", "--json", "--name", name]))
        .into();
    let left = Mutex::new(0..races());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(number) = left.lock().unwrap().next() else { return };
                    house.send("alice", "bob", &format!("to bob {number}")).exit(0);
                    if number % 4 == 0 {
                        house.send("bob", "alice", &format!("to alice {number}")).exit(0);
                    }
                }
            });
        }
    });
    for child in &mut listening {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let history = |profile: &str, from: &str| -> Vec<String> {
        let rows = house.run_as(profile, &["history", "--json", "--limit", "100000"]).exit(0);
        assert_eq!(rows.json().len(), rows.messages().len(), "{}", rows.out);
        let mine = rows.messages().into_iter().filter(|row| row["from"] == from);
        mine.map(|row| row["text"].as_str().unwrap().to_owned()).collect()
    };
    for (from, to) in [("alice", "bob"), ("bob", "alice")] {
        house.run_as(to, &["listen", "--timeout", "500ms"]);
        let sent = history(from, from);
        assert_eq!(history(to, from), sent, "{from} to {to}");
        let mut each = sent.clone();
        each.sort();
        each.dedup();
        let expected = if from == "alice" { races() } else { races().div_ceil(4) };
        assert_eq!((each.len(), sent.len()), (expected, expected));
        house.run_as(to, &["doctor"]).exit(0);
        assert!(house.run_as(to, &["outbox", "list", "--json"]).exit(0).out.is_empty());
    }
}
