//! Logs that lose, repeat and reappear: each loss is a row, and nothing is shown twice.

use chat_core::chat_transport::{
    Offset, Partition, ReadFate, Record, StoredRecord, TransportAdmin,
};
use chat_core::{Draft, GapCause, Item, ListenFrom, OutboxState, SendOutcome, Seq};
use std::num::NonZeroU32;
use std::time::Duration;

use crate::people::{LONG, People, handle, texts, until_caught_up};

fn gaps(items: &[Item]) -> Vec<(GapCause, u64, u64)> {
    let gap = |item: &Item| match item {
        Item::Gap(gap) => Some((gap.cause, gap.from_offset, gap.to_offset)),
        _ => None,
    };
    items.iter().filter_map(gap).collect()
}

/// Two records that are nobody's.
fn strangers() -> Vec<Record> {
    let stranger = Record { key: Some(vec![9; 16].into()), value: vec![1].into() };
    vec![stranger; 2]
}

#[tokio::test]
async fn records_that_retention_took_are_a_gap_and_their_messages_missing() {
    let people = People::new().await;
    for text in ["zero", "one", "two", "three"] {
        people.send(text).await;
        if text == "zero" {
            assert_eq!(texts(&people.read_as_bob(Seq::ZERO).await), ["zero"]);
        }
    }
    people.log.delete_records(&people.topic(), Partition(0), Offset(3)).await.unwrap();
    let items = people.read_as_bob(Seq::from(1)).await;
    assert_eq!(texts(&items), ["three"]);
    let what: Vec<Item> = items.into_iter().map(|item| item.what).collect();
    assert_eq!(gaps(&what), [(GapCause::Retention, 1, 3)]);
    let missing = what.iter().find_map(|item| match item {
        Item::Missing(missing) => Some((missing.from.clone(), missing.first, missing.last)),
        _ => None,
    });
    assert_eq!(missing, Some((handle("alice"), 1, 2)));
    assert_eq!(gaps(&people.history(&people.bob)).len(), 1, "it is a row too");
}

#[tokio::test]
async fn a_truncated_log_is_a_gap_and_what_comes_after_it_is_read() {
    let people = People::new().await;
    for text in ["zero", "one", "two"] {
        people.send(text).await;
    }
    assert_eq!(people.read_as_bob(Seq::ZERO).await.len(), 3);
    people.log.truncate(&people.topic(), Partition(0), Offset(1)).unwrap();
    // A stranger is quicker than alice, who brings back what was lost: it lies elsewhere now.
    people.append(Some(&[9; 16]), b"first").await;
    people.send("after").await;
    let items = people.read_as_bob(Seq::from(3)).await;
    assert_eq!(texts(&items), ["after"], "{items:?}");
    let what: Vec<Item> = items.into_iter().map(|item| item.what).collect();
    assert!(gaps(&what).iter().all(|(cause, ..)| *cause == GapCause::Truncation), "{what:?}");
    assert_eq!(gaps(&what).len(), 1);
}

#[tokio::test]
async fn a_topic_that_was_made_anew_is_said_and_read_from_its_beginning() {
    let people = People::new().await;
    people.send("before").await;
    assert_eq!(people.read_as_bob(Seq::ZERO).await.len(), 1);
    people.log.recreate(&people.topic()).unwrap();
    people.send("after").await;
    let items = people.read_as_bob(Seq::from(1)).await;
    assert_eq!(texts(&items), ["after"]);
    let what: Vec<Item> = items.into_iter().map(|item| item.what).collect();
    assert_eq!(gaps(&what).first().map(|gap| gap.0), Some(GapCause::TopicReplaced), "{what:?}");
}

#[tokio::test]
async fn a_lost_acknowledgement_doubles_the_record_and_not_the_message() {
    let people = People::new().await;
    people.log.lose_acks(1);
    let first = people
        .alice
        .send(Draft::text(handle("bob"), "once"), Duration::from_millis(500))
        .await
        .unwrap();
    if matches!(first.outcome, SendOutcome::InOutbox { .. }) {
        let delivery =
            people.alice.deliver(std::slice::from_ref(&first.queued), LONG).await.unwrap();
        assert_eq!((delivery.delivered, delivery.waiting), (1, 0));
    }
    let records = people.records();
    assert!(
        records.windows(2).all(|pair| pair[0].value == pair[1].value),
        "a retry sends the same bytes"
    );
    assert_eq!(texts(&people.read_as_bob(Seq::ZERO).await), ["once"]);
}

#[tokio::test]
async fn an_append_that_was_lost_leaves_its_message_waiting() {
    let people = People::new().await;
    people.log.lose_appends(1);
    let draft = Draft::text(handle("bob"), "kept");
    let sent = people.alice.send(draft, Duration::from_millis(500)).await.unwrap();
    assert!(matches!(sent.outcome, SendOutcome::InOutbox { .. }), "{:?}", sent.outcome);
    assert_eq!((people.records().len(), people.alice.outbox().unwrap().len()), (0, 1));
    people.send("after").await;
    assert_eq!(texts(&people.read_as_bob(Seq::ZERO).await), ["kept", "after"]);
}

#[tokio::test]
async fn offline_messages_wait_and_are_delivered_by_a_listener_in_order() {
    let people = People::new().await;
    people.log.set_offline(true);
    for text in ["one", "two", "three"] {
        let sent = people
            .alice
            .send(Draft::text(handle("bob"), text), Duration::from_millis(50))
            .await
            .unwrap();
        assert!(matches!(sent.outcome, SendOutcome::InOutbox { .. }), "{:?}", sent.outcome);
    }
    assert_eq!(people.alice.outbox().unwrap().len(), 3);
    people.log.set_offline(false);
    let _listener = people.alice.listen(ListenFrom::Mark("any".to_owned())).unwrap();
    let guard = tokio::time::Instant::now() + LONG;
    while !people.alice.outbox().unwrap().is_empty() {
        assert!(tokio::time::Instant::now() < guard, "the outbox is not emptied");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(texts(&people.read_as_bob(Seq::ZERO).await), ["one", "two", "three"]);
}

#[tokio::test]
async fn marks_go_on_where_they_stood() {
    let people = People::new().await;
    for text in ["one", "two", "three"] {
        people.send(text).await;
    }
    let mut listener = people.bob.listen(ListenFrom::Mark("default".to_owned())).unwrap();
    let (items, _) = until_caught_up(&mut listener).await;
    listener.move_mark(items[1].seq).unwrap();
    assert!(people.bob.listen(ListenFrom::Mark("default".to_owned())).is_err(), "one at a time");
    drop(listener);
    let mut listener = people.bob.listen(ListenFrom::Mark("default".to_owned())).unwrap();
    assert_eq!(texts(&until_caught_up(&mut listener).await.0), ["three"]);
}

/// The cluster loses what it acknowledged before anybody has read it: the sender's next message brings
/// it back, in order and with identical bytes.
#[tokio::test]
async fn what_the_log_lost_is_sent_again_ahead_of_what_is_younger() {
    let people = People::new().await;
    for text in ["zero", "one", "two"] {
        people.send(text).await;
    }
    let before = people.records();
    people.log.truncate(&people.topic(), Partition(0), Offset(1)).unwrap();
    people.send("after").await;
    assert_eq!(texts(&people.read_as_bob(Seq::ZERO).await), ["zero", "one", "two", "after"]);
    let bytes = |records: &[StoredRecord]| -> Vec<_> {
        records.iter().map(|record| record.value.clone()).collect()
    };
    assert_eq!(bytes(&people.records())[..3], bytes(&before)[..]);
    assert_eq!(people.history(&people.alice).len(), 4, "nothing is new in the sender's history");
    // Nothing more is lost: nothing is sent again.
    people.send("calm").await;
    assert_eq!(people.records().len(), 5);
}

/// The same after the topic was made anew; and a listener does it without a message of its own.
#[tokio::test]
async fn a_listener_brings_back_what_a_new_topic_does_not_hold() {
    let people = People::new().await;
    for text in ["zero", "one"] {
        people.send(text).await;
    }
    people.log.recreate(&people.topic()).unwrap();
    let mut listening = people.alice.listen(ListenFrom::After(Seq::from(9))).unwrap();
    let brought_back = async {
        while people.records().len() < 2 {
            tokio::select! {
                _ = listening.next() => {}
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
        }
    };
    tokio::time::timeout(LONG, brought_back).await.expect("nothing came back");
    assert_eq!(texts(&people.read_as_bob(Seq::ZERO).await), ["zero", "one"]);
}

/// An append that was tried again over an unclean change of leaders lies above what was cut off: its own
/// record stands, and the one before it does not.
#[tokio::test]
async fn a_cut_below_an_append_that_landed_later_is_found() {
    let people = People::new().await;
    for text in ["zero", "one"] {
        people.send(text).await;
    }
    let (topic, partition) = (people.topic(), Partition(0));
    people.log.cut_under_next_append(&topic, partition, Offset(1), strangers()).unwrap();
    people.send("two").await;
    people.send("three").await;
    let mut read = texts(&people.read_as_bob(Seq::ZERO).await);
    read.sort();
    assert_eq!(read, ["one", "three", "two", "zero"]);
}

/// What a walk over own records has seen counts only when it has come to its end.
#[tokio::test]
async fn a_look_at_own_records_that_is_cut_short_begins_anew() {
    let people = People::new().await;
    for text in ["zero", "one"] {
        people.send(text).await;
    }
    let (topic, partition) = (people.topic(), Partition(0));
    people.log.cut_under_next_append(&topic, partition, Offset(1), strangers()).unwrap();
    people.send("two").await;
    // The newest is seen under its later leader; the look at the one before it fails.
    people.log.script_reads([ReadFate::Answered, ReadFate::Lost]);
    let draft = Draft::text(handle("bob"), "three");
    let sent = people.alice.send(draft, LONG).await.unwrap();
    assert!(matches!(sent.outcome, SendOutcome::InOutbox { .. }), "{:?}", sent.outcome);
    people.send("four").await;
    let mut read = texts(&people.read_as_bob(Seq::ZERO).await);
    read.sort();
    assert_eq!(read, ["four", "one", "three", "two", "zero"]);
}

/// A long look at own records that is cut short again and again comes to its end in pieces.
#[tokio::test]
async fn a_look_at_own_records_that_is_always_cut_short_comes_to_its_end() {
    const ROWS: usize = 150;
    let people = People::new().await;
    people.send("first").await;
    let (topic, partition) = (people.topic(), Partition(0));
    people.log.cut_under_next_append(&topic, partition, Offset(0), strangers()).unwrap();
    // All of one batch, under a leader that came while it was sent.
    let drafts = (0..ROWS).map(|number| Draft::text(handle("bob"), number.to_string())).collect();
    people.alice.enqueue(drafts).unwrap();
    people.alice.deliver(&[], LONG).await.unwrap();
    let mut tries = 0;
    loop {
        // So many answers, and then the connection breaks.
        let mut fates = vec![ReadFate::Answered; 70];
        fates.push(ReadFate::Lost);
        people.log.script_reads(fates);
        let sent = people.alice.send(Draft::text(handle("bob"), "last"), LONG).await.unwrap();
        tries += 1;
        if matches!(sent.outcome, SendOutcome::Acked(_)) {
            break;
        }
        assert!(tries < 10, "it never comes to its end");
    }
    people.log.script_reads([]);
    assert!(tries > 1, "it was cut short");
    let read = texts(&people.read_as_bob(Seq::ZERO).await);
    assert_eq!(read.iter().filter(|text| *text == "first").count(), 1, "what was cut off is back");
    assert_eq!(read.len(), 1 + ROWS + tries);
}

/// A read that brings nothing says nothing of the record: nothing is appended above it until it is known.
#[tokio::test]
async fn an_own_record_is_not_believed_because_a_leader_says_nothing() {
    let people = People::new().await;
    for text in ["zero", "one"] {
        people.send(text).await;
    }
    let (topic, partition) = (people.topic(), Partition(0));
    people.log.truncate(&topic, partition, Offset(1)).unwrap();
    people.append(Some(&[9; 16]), b"a stranger").await;
    people.log.script_reads([ReadFate::Empty; 3]);
    let draft = Draft::text(handle("bob"), "two");
    let sent = people.alice.send(draft, LONG).await.unwrap();
    assert!(matches!(sent.outcome, SendOutcome::InOutbox { .. }), "{:?}", sent.outcome);
    people.send("three").await;
    assert_eq!(texts(&people.read_as_bob(Seq::ZERO).await), ["zero", "one", "two", "three"]);
}

/// The very first record of a partition is sent under a known leader as well.
#[tokio::test]
async fn the_first_record_that_is_cut_off_is_found() {
    let people = People::new().await;
    people.send("zero").await;
    let (topic, partition) = (people.topic(), Partition(0));
    people.log.cut_under_next_append(&topic, partition, Offset(0), strangers()).unwrap();
    people.send("one").await;
    people.send("two").await;
    let mut read = texts(&people.read_as_bob(Seq::ZERO).await);
    read.sort();
    assert_eq!(read, ["one", "two", "zero"]);
}

/// A broker whose disk was restored counts its leaders anew: it is doubted for a while, then read.
#[tokio::test]
async fn an_older_leader_is_believed_when_it_stays() {
    let people = People::new().await;
    let (topic, partition) = (people.topic(), Partition(0));
    people.log.set_epoch(&topic, partition, 7).unwrap();
    for text in ["zero", "one"] {
        people.send(text).await;
    }
    assert_eq!(people.read_as_bob(Seq::ZERO).await.len(), 2);
    people.log.truncate(&topic, partition, Offset(1)).unwrap();
    people.log.set_epoch(&topic, partition, 2).unwrap();
    people.append(Some(&[9; 16]), b"a stranger").await;
    people.send("after").await;
    let items = people.read_as_bob(Seq::from(2)).await;
    assert_eq!(texts(&items), ["after"]);
    let what: Vec<Item> = items.into_iter().map(|item| item.what).collect();
    assert_eq!(gaps(&what), [(GapCause::Truncation, 1, 2)]);
}

/// Nobody can decode some records: they become a gap with their offsets, and reading goes on.
#[tokio::test]
async fn damaged_records_become_a_gap() {
    let people = People::new().await;
    let (topic, partition) = (people.topic(), Partition(0));
    for text in ["zero", "one"] {
        people.send(text).await;
    }
    assert_eq!(people.read_as_bob(Seq::ZERO).await.len(), 2);
    for text in ["two", "three", "four", "five"] {
        people.send(text).await;
    }
    // One that was read, and two that were not.
    people.log.damage(&topic, partition, 1..2).unwrap();
    people.log.damage(&topic, partition, 3..5).unwrap();
    let items = people.read_as_bob(Seq::from(2)).await;
    assert_eq!(texts(&items), ["two", "five"]);
    let what: Vec<Item> = items.into_iter().map(|item| item.what).collect();
    assert_eq!(gaps(&what), [(GapCause::Damaged, 3, 5)]);
}

/// A whole batch that was read, and rots then, up to the newest: it is no gap, and reading goes on at once.
#[tokio::test]
async fn a_batch_that_rots_after_it_was_read_holds_up_nothing() {
    let people = People::new().await;
    let (topic, partition) = (people.topic(), Partition(0));
    for number in 0..40 {
        people.send(&number.to_string()).await;
    }
    assert_eq!(people.read_as_bob(Seq::ZERO).await.len(), 40);
    people.log.damage(&topic, partition, 0..40).unwrap();
    people.send("after").await;
    let reading = people.read_as_bob(Seq::from(40));
    let items = tokio::time::timeout(Duration::from_secs(30), reading).await.expect("it stalls");
    assert_eq!(texts(&items), ["after"]);
    let what: Vec<Item> = items.into_iter().map(|item| item.what).collect();
    assert!(gaps(&what).is_empty(), "{what:?}");
}

/// An own record that nobody can decode is as good as gone: it is sent again.
#[tokio::test]
async fn a_damaged_own_record_is_sent_again() {
    let people = People::new().await;
    let (topic, partition) = (people.topic(), Partition(0));
    people.send("zero").await;
    people.log.damage(&topic, partition, 0..1).unwrap();
    people.log.set_epoch(&topic, partition, 1).unwrap();
    people.send("one").await;
    assert_eq!(people.log.dump(&topic, partition).unwrap().len(), 3);
    let items = people.read_as_bob(Seq::ZERO).await;
    assert_eq!(texts(&items), ["zero", "one"]);
}

/// One record of a batch cannot be stored: those before it are, the cursor stands at it, and it comes
/// once it can be.
#[tokio::test]
async fn a_record_that_cannot_be_stored_holds_up_none_before_it() {
    let people = People::new().await;
    people.send("zero").await;
    assert_eq!(people.read_as_bob(Seq::ZERO).await.len(), 1);
    let store = people.folder.path().join("bob/store.db");
    let tables = rusqlite::Connection::open(&store).unwrap();
    tables
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON messages WHEN (SELECT count(*) FROM messages) >= 3 \
             BEGIN SELECT RAISE(ABORT, 'no more'); END;",
        )
        .unwrap();
    for text in ["one", "two", "three", "four"] {
        people.send(text).await;
    }
    let mut listener = people.bob.listen(ListenFrom::After(Seq::ZERO)).unwrap();
    let failed = loop {
        match tokio::time::timeout(LONG, listener.next()).await.expect("nothing happens") {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(failed.to_string().contains("no more"), "{failed}");
    drop(listener);
    assert_eq!(people.history(&people.bob).len(), 3);
    tables.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(
        texts(&people.read_as_bob(Seq::ZERO).await),
        ["zero", "one", "two", "three", "four"]
    );
}

/// A partition without a leader holds up what is for the others as little as the check of own records.
#[tokio::test]
async fn a_partition_without_a_leader_holds_up_no_other() {
    let people = People::with_partitions(NonZeroU32::new(16).unwrap()).await;
    let records = |at: Partition| people.log.dump(&people.topic(), at).unwrap().len();
    let first = || (0..16).map(Partition).find(|at| records(*at) > 0).unwrap();
    // An own record in bob's partition, for a check to fail on.
    people.send("before").await;
    let bobs = first();
    let mut others = (0..).map(|number| format!("carol{number}"));
    let (other, theirs) = loop {
        let other = others.next().unwrap();
        let draft = Draft::text(handle(&other), "before");
        people.alice.send(draft, LONG).await.unwrap();
        let at = (0..16).map(Partition).find(|at| *at != bobs && records(*at) > 0);
        if let Some(at) = at {
            break (other, at);
        }
    };
    let before = records(bobs);
    people.log.set_leaderless(&people.topic(), bobs, true).unwrap();
    let drafts = [("bob", "waits"), (other.as_str(), "goes")];
    let drafts = drafts.map(|(to, text)| Draft::text(handle(to), text));
    people.alice.enqueue(drafts.into()).unwrap();
    let mut listener = people.alice.listen(ListenFrom::After(Seq::ZERO)).unwrap();
    let listening = async { while listener.next().await.is_ok() {} };
    let delivered = async {
        until(|| records(theirs) == 2).await;
        assert_eq!(records(bobs), before, "nobody leads it");
        people.log.set_leaderless(&people.topic(), bobs, false).unwrap();
        until(|| records(bobs) == before + 1).await;
    };
    tokio::select! {
        () = listening => panic!("listen ended"),
        () = delivered => {}
    }
    assert_eq!(texts(&people.read_as_bob(Seq::ZERO).await), ["before", "waits"]);
}

/// Waits until something is so.
async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.expect("it never was so");
}

/// A batch can be too large although each of its records is not: none of them is closed for it.
#[tokio::test]
async fn only_a_record_that_is_too_large_alone_is_closed() {
    let people = People::new().await;
    people.log.limit_batches(1);
    let drafts = ["zero", "one", "two"].map(|text| Draft::text(handle("bob"), text));
    let queued = people.alice.enqueue(drafts.into()).unwrap();
    let delivery = people.alice.deliver(&queued, LONG).await.unwrap();
    assert_eq!((delivery.delivered, delivery.closed.len()), (3, 0), "{delivery:?}");
    assert_eq!(texts(&people.read_as_bob(Seq::ZERO).await), ["zero", "one", "two"]);
}

#[tokio::test]
async fn only_where_a_broker_answered_before_is_a_message_marked_as_attempted_at_once() {
    let people = People::new().await;
    let states = |client: &chat_core::Client| -> Vec<OutboxState> {
        client.outbox().unwrap().iter().map(|item| item.state).collect()
    };
    let send = async || {
        let draft = Draft::text(handle("bob"), "wait");
        drop(people.alice.send(draft, Duration::from_millis(200)).await.unwrap());
    };
    people.log.set_offline(true);
    send().await;
    assert_eq!(states(&people.alice), [OutboxState::Queued]);
    people.log.set_offline(false);
    send().await;
    assert_eq!(states(&people.alice), []);
    people.log.set_offline(true);
    send().await;
    assert_eq!(states(&people.alice), [OutboxState::Attempted]);
    send().await;
    assert_eq!(states(&people.alice), [OutboxState::Attempted, OutboxState::Queued]);
    people.log.set_offline(false);
    send().await;
    assert_eq!(people.records().len(), 5);
}

/// What the log has lost is found mailbox by mailbox of one partition: one call sends all of it.
#[tokio::test]
async fn what_was_lost_of_another_mailbox_is_sent_by_the_same_delivery() {
    let people = People::new().await;
    let draft = |to: &str| Draft::text(handle(to), format!("to {to}"));
    for to in ["bob", "carl", "bob", "dora"] {
        people.alice.send(draft(to), LONG).await.unwrap();
    }
    people.log.recreate(&people.topic()).unwrap();
    people.alice.enqueue(vec![draft("bob")]).unwrap();
    let delivery = people.alice.deliver(&[], LONG).await.unwrap();
    assert!(delivery.failure.is_none(), "{:?}", delivery.failure);
    assert_eq!((delivery.others, people.alice.outbox().unwrap().len()), (5, 0));
    assert_eq!(people.records().len(), 5);
}

/// Several batches are under way at once: one is read, one is sent, one is noted. Whatever happens to the log
/// between them, everything arrives once and in order.
#[tokio::test]
async fn batches_that_follow_one_another_keep_their_order_through_faults() {
    const MESSAGES: usize = 5000;
    const BATCH: usize = 2048;
    const UNDER_AN_APPEND: &str = "the end is cut under an append";
    type Fault = fn(&People);
    let faults: [(&str, Fault); 6] = [
        ("nothing", |_| {}),
        ("an acknowledgement is lost", |people| people.log.lose_acks(1)),
        ("an append is lost", |people| people.log.lose_appends(1)),
        ("the end is cut", |people| {
            people.log.truncate(&people.topic(), Partition(0), Offset(1500)).unwrap();
        }),
        (UNDER_AN_APPEND, |people| {
            let topic = people.topic();
            people
                .log
                .cut_under_next_append(&topic, Partition(0), Offset(700), strangers())
                .unwrap();
        }),
        ("the topic is made anew", |people| people.log.recreate(&people.topic()).unwrap()),
    ];
    for (what, fault) in faults {
        let people = People::new().await;
        let expected: Vec<String> = (0..MESSAGES).map(|number| number.to_string()).collect();
        let drafts = expected.iter().map(|text| Draft::text(handle("bob"), text.as_str()));
        let queued = people.alice.enqueue(drafts.collect()).unwrap();
        let faulty = async {
            until(|| people.records().len() >= BATCH).await;
            fault(&people);
        };
        let (first, ()) = tokio::join!(people.alice.deliver(&queued, LONG), faulty);
        first.unwrap();
        // What was lost behind the last look is found by the next.
        for _ in 0..3 {
            people.alice.deliver(&queued, LONG).await.unwrap();
        }
        assert!(people.alice.outbox().unwrap().is_empty(), "{what}");
        // Where everything was sent before the fault came, only a listener looks at what nobody waits for.
        let mut looking = people.alice.listen(ListenFrom::After(Seq::ZERO)).unwrap();
        let whole = async {
            while people.records().len() < MESSAGES {
                drop(tokio::time::timeout(Duration::from_millis(50), looking.next()).await);
            }
        };
        tokio::time::timeout(LONG, whole).await.expect("what was lost is not sent again");
        drop(looking);
        // At most the batch that was on its way lies there twice.
        let records = people.records().len();
        let most = MESSAGES + BATCH + strangers().len();
        assert!((MESSAGES..=most).contains(&records), "{what}: {records}");
        let mut listener = people.bob.listen(ListenFrom::After(Seq::ZERO)).unwrap();
        let (items, refused) = until_caught_up(&mut listener).await;
        let mut arrived = texts(&items);
        // That batch is on the log ahead of what was cut off: this is said, and everything comes once.
        if what == UNDER_AN_APPEND {
            arrived.sort_unstable_by_key(|text| text.parse::<usize>().unwrap());
        } else {
            assert!(items.iter().all(|item| matches!(item.what, Item::Message(_))), "{what}");
        }
        assert!(arrived == expected && refused == 0, "{what}: {arrived:?}");
    }
}
