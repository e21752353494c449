//! What can be done with each table, on disk and in memory.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test crate")]

use chat_store::{
    Contact, Cursor, Seq, Store, StoreError, StoreKey, StreamTip, Unreadable, WriteTxn,
};

const TOPIC: &str = "ops.mail";

fn key() -> StoreKey {
    StoreKey::from_bytes([3; 32])
}

fn on_each(test: impl Fn(&Store)) {
    let folder = tempfile::tempdir().unwrap();
    let disk = Store::create(&folder.path().join("store.db"), &key()).unwrap();
    for store in [disk, Store::in_memory(&key()).unwrap()] {
        test(&store);
        let report = store.verify().unwrap();
        assert!(report.is_sound() && report.rows > 0, "{report:?}");
    }
}

fn write<R>(store: &Store, work: impl FnOnce(&mut WriteTxn<'_>) -> Result<R, StoreError>) -> R {
    store.write(work).unwrap()
}

fn numbers(rows: &[chat_store::HistoryRow]) -> Vec<u64> {
    rows.iter().map(|row| row.seq.get()).collect()
}

#[test]
fn history_is_one_number_line_over_all_conversations() {
    on_each(|store| {
        assert_eq!(store.read(|tx| tx.history_last()).unwrap(), None);
        write(store, |tx| {
            for (conversation, body) in [("a", "1"), ("b", "2"), ("a", "3"), ("", "4"), ("a", "5")]
            {
                tx.history_append(conversation.as_bytes(), body.as_bytes())?;
            }
            Ok(())
        });
        let read = store.read(|tx| {
            assert_eq!(tx.history_last()?, Some(5.into()));
            assert_eq!(numbers(&tx.history_after(Seq::ZERO, 9)?), [1, 2, 3, 4, 5]);
            assert_eq!(numbers(&tx.history_after(2.into(), 2)?), [3, 4]);
            assert_eq!(numbers(&tx.history_after(5.into(), 9)?), [0; 0]);
            assert_eq!(numbers(&tx.history_after(u64::MAX.into(), 9)?), [0; 0]);
            assert_eq!(numbers(&tx.history_before(None, 2)?), [5, 4]);
            assert_eq!(numbers(&tx.history_before(Some(3.into()), 9)?), [2, 1]);
            assert_eq!(numbers(&tx.history_of(b"a", None, 9)?), [5, 3, 1]);
            assert_eq!(numbers(&tx.history_of(b"a", None, 2)?), [5, 3]);
            assert_eq!(numbers(&tx.history_of(b"a", Some(5.into()), 9)?), [3, 1]);
            assert_eq!(numbers(&tx.history_of(b"", None, 9)?), [4]);
            assert_eq!(numbers(&tx.history_of(b"unknown", None, 9)?), [0; 0]);
            let row = tx.history_get(3.into())?.unwrap();
            assert_eq!((&*row.conversation, &**row.body), (&b"a"[..], &b"3"[..]));
            assert_eq!(tx.history_get(6.into())?, None);
            let head = tx.head(b"a")?.unwrap();
            assert_eq!((head.count, head.last), (3, 5.into()));
            assert_eq!(tx.head(b"unknown")?, None);
            Ok::<_, StoreError>(())
        });
        read.unwrap();
        write(store, |tx| tx.history_replace(3.into(), b"withdrawn"));
        let row = store.read(|tx| tx.history_get(3.into())).unwrap().unwrap();
        assert_eq!((&*row.conversation, &**row.body), (&b"a"[..], &b"withdrawn"[..]));
        let none: Result<(), _> = store.write(|tx| tx.history_replace(6.into(), b""));
        assert!(none.is_err());
    });
}

#[test]
fn a_failed_write_changes_nothing_and_a_nested_failure_only_itself() {
    on_each(|store| {
        let before = store.generation().unwrap();
        let failed: Result<(), StoreError> = store.write(|tx| {
            tx.history_append(b"a", b"lost")?;
            Err(StoreError::Locked)
        });
        assert!(failed.is_err());
        assert_eq!(store.generation().unwrap(), before);
        write(store, |tx| {
            tx.history_append(b"a", b"1")?;
            let nested: Result<(), StoreError> = tx.nested(|tx| {
                tx.history_append(b"a", b"lost")?;
                tx.nested(|tx| tx.history_append(b"b", b"lost"))?;
                Err(StoreError::Locked)
            });
            assert!(nested.is_err());
            assert_eq!(tx.head(b"b")?, None);
            assert_eq!(tx.nested(|tx| tx.history_append(b"a", b"2"))?, 2.into());
            Ok(())
        });
        let rows = store.read(|tx| tx.history_of(b"a", None, 9)).unwrap();
        assert_eq!(numbers(&rows), [2, 1]);
        assert!(store.generation().unwrap() > before);
    });
}

#[test]
fn the_outbox_keeps_the_order_of_each_mailbox() {
    let (one, two) = ([1; 20], [2; 20]);
    on_each(|store| {
        let ids = write(store, |tx| {
            [(one, "a"), (two, "b"), (one, "cc"), (one, "d")]
                .into_iter()
                .map(|(mailbox, body)| tx.outbox_push(&mailbox, body.as_bytes()))
                .collect::<Result<Vec<_>, _>>()
        });
        assert!(ids.is_sorted());
        let bodies = |mailbox, limit, bytes| {
            let rows = store.read(|tx| tx.outbox_oldest(mailbox, limit, bytes)).unwrap();
            rows.iter().map(|row| String::from_utf8(row.body.to_vec()).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(bodies(&one, 9, 99), ["a", "cc", "d"]);
        assert_eq!(bodies(&one, 2, 99), ["a", "cc"]);
        assert_eq!(bodies(&one, 9, 3), ["a", "cc"]);
        assert_eq!(bodies(&one, 9, 0), ["a"], "the first is always given");
        assert_eq!(bodies(&[3; 20], 9, 99), [""; 0]);
        let mut mailboxes = store.read(|tx| tx.outbox_mailboxes()).unwrap();
        mailboxes.sort_unstable();
        assert_eq!(mailboxes, [one, two]);
        assert_eq!(store.read(|tx| tx.outbox_numbers()).unwrap(), ids);
        write(store, |tx| {
            tx.outbox_replace(ids[0], b"A")?;
            tx.outbox_remove(ids[1])?;
            tx.outbox_remove(ids[1])?;
            tx.outbox_replace(ids[1], b"gone stays gone")
        });
        assert_eq!(bodies(&one, 9, 99), ["A", "cc", "d"]);
        assert_eq!(bodies(&two, 9, 99), [""; 0]);
        assert_eq!(store.read(|tx| tx.outbox_mailboxes()).unwrap(), [one]);
        assert_eq!(store.read(|tx| tx.outbox_get(ids[1])).unwrap(), None);
        // Numbers are not used twice, also when the newest row is gone.
        let next = write(store, |tx| {
            tx.outbox_remove(ids[3])?;
            tx.outbox_push(&one, b"e")
        });
        assert!(next > ids[3]);
        let too_long = store.write(|tx| tx.outbox_push(&one, &vec![0; 64 << 20]));
        assert!(matches!(too_long, Err(StoreError::TooLong { .. })));
    });
}

#[test]
fn a_row_that_arrived_rests_until_the_log_loses_it_or_it_is_old() {
    on_each(|store| {
        let mailbox = [1; 20];
        let ids = write(store, |tx| {
            let push = |tx: &mut WriteTxn<'_>, n: u8| tx.outbox_push(&mailbox, &[n; 100]);
            Ok([push(tx, 0)?, push(tx, 1)?, push(tx, 2)?, push(tx, 3)?])
        });
        let waiting = || -> Vec<u8> {
            let rows = store.read(|tx| tx.outbox_oldest(&mailbox, 9, usize::MAX)).unwrap();
            let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
            assert_eq!(store.read(|tx| tx.outbox_numbers()).unwrap(), ids);
            rows.iter().map(|row| row.body[0]).collect()
        };
        write(store, |tx| {
            [(0, 10), (1, 20), (2, 30)]
                .iter()
                .try_for_each(|(n, at)| tx.outbox_rest(&mailbox, [(ids[*n], 100)], *at))
        });
        assert_eq!(waiting(), [3]);
        assert!(!store.read(|tx| tx.outbox_waits(&mailbox, ids[0])).unwrap());
        // Lost by the log: it goes ahead of the younger one, and never twice.
        assert!(write(store, |tx| tx.outbox_requeue(ids[1])));
        assert!(!write(store, |tx| tx.outbox_requeue(ids[1])));
        assert!(!write(store, |tx| tx.outbox_requeue(ids[3])), "it never rested");
        assert_eq!(waiting(), [1, 3]);
        // By age, then by size.
        write(store, |tx| tx.outbox_forget(15, u64::MAX));
        assert!(!write(store, |tx| tx.outbox_requeue(ids[0])));
        write(store, |tx| tx.outbox_rest(&mailbox, [(ids[1], 100)], 40));
        write(store, |tx| tx.outbox_rest(&mailbox, [(ids[1], 100)], 50));
        write(store, |tx| tx.outbox_forget(0, 100));
        assert!(!write(store, |tx| tx.outbox_requeue(ids[1])), "the oldest by number goes first");
        assert!(write(store, |tx| tx.outbox_requeue(ids[2])));
        assert_eq!(waiting(), [2, 3]);
        assert_eq!(store.read(|tx| tx.outbox_get(ids[1])).unwrap(), None);
    });
}

#[test]
fn what_was_pushed_together_is_forgotten_together() {
    on_each(|store| {
        let mailbox = [1; 20];
        let (first, last) = write(store, |tx| tx.outbox_push_all(&mailbox, &vec![[7; 100]; 130]));
        assert_eq!((first.get(), last.get()), (1, 130));
        let rest = |ids: std::ops::Range<u64>| {
            let rows = ids.map(|id| (id.into(), 100));
            write(store, |tx| tx.outbox_rest(&mailbox, rows, 10));
        };
        rest(1..101);
        // Two blocks, of which the younger has rows that wait.
        write(store, |tx| tx.outbox_forget(0, 5000));
        let there = |id: u64| store.read(|tx| tx.outbox_get(id.into())).unwrap().is_some();
        assert!(!there(1) && !there(64), "6,400 bytes at once");
        assert!(there(65) && there(100) && there(130));
        write(store, |tx| tx.outbox_forget(11, u64::MAX));
        assert!(!there(65) && !there(100), "what arrived is gone, though its block is there");
        assert!(!write(store, |tx| tx.outbox_requeue(100.into())));
        assert!(there(101) && there(130), "what waits is there");
        rest(101..131);
        write(store, |tx| tx.outbox_forget(11, u64::MAX));
        assert!((1..140).all(|id| !there(id)));
    });
}

#[test]
fn places_of_own_records_are_kept_newest_first_up_to_a_limit() {
    on_each(|store| {
        const KEPT: u64 = 128 * 1024;
        let all = KEPT + 1000;
        write(store, |tx| tx.own_put(TOPIC, 0, (0..3000).map(|at| (at, [1]))));
        write(store, |tx| tx.own_put(TOPIC, 0, (2990..all).map(|at| (at, [1]))));
        let offsets = |below| -> Vec<u64> {
            let rows = store.read(|tx| tx.own_below(TOPIC, 0, below, usize::MAX)).unwrap();
            rows.iter().map(|row| row.offset).collect()
        };
        // What was remembered together goes together.
        let kept = offsets(u64::MAX);
        let oldest = *kept.last().unwrap();
        assert!((all - KEPT - 63..=all - KEPT).contains(&oldest), "{oldest}");
        assert!(kept.into_iter().eq((oldest..all).rev()));
        write(store, |tx| tx.own_delete(TOPIC, 0, all - 1));
        write(store, |tx| tx.own_put(TOPIC, 0, [(all - 2, [2])]));
        assert_eq!(offsets(all - 1)[..2], [all - 2, all - 3]);
        assert_eq!(offsets(u64::MAX).len() as u64, all - oldest - 1);
    });
}

fn cursor(next: u64) -> Cursor {
    Cursor {
        topic_id: [9; 16],
        truncations: 2,
        next,
        leader_epoch: None,
        unreadable: 7,
        last_timestamp_ms: Some(-1),
    }
}

#[test]
fn cursors_stand_apart_by_topic_partition_and_mailbox() {
    let places = [("a", 0, None), ("a", 1, None), ("b", 0, None), ("a", 0, Some([1; 16]))];
    on_each(|store| {
        for (next, (topic, partition, mailbox)) in (1..).zip(places) {
            write(store, |tx| tx.set_cursor(topic, partition, mailbox.as_ref(), &cursor(next)));
        }
        for (next, (topic, partition, mailbox)) in (1..).zip(places) {
            let stored = store.read(|tx| tx.cursor(topic, partition, mailbox.as_ref())).unwrap();
            assert_eq!(stored, Some(cursor(next)));
        }
        let epoch = Cursor { leader_epoch: Some(5), last_timestamp_ms: None, ..cursor(8) };
        write(store, |tx| tx.set_cursor("b", 0, None, &epoch));
        assert_eq!(store.read(|tx| tx.cursor("b", 0, None)).unwrap(), Some(epoch));
        write(store, |tx| tx.delete_cursor("a", 0, Some(&[1; 16])));
        let rows = store.read(|tx| tx.cursors()).unwrap();
        let mut left: Vec<_> = rows.iter().map(|row| (&*row.topic, row.partition)).collect();
        left.sort_unstable();
        assert_eq!(left, [("a", 0), ("a", 1), ("b", 0)]);
    });
}

#[test]
fn small_tables_give_back_what_was_put() {
    on_each(|store| {
        write(store, |tx| {
            assert_eq!(tx.stream_tip(b"c")?, None);
            let tip = StreamTip { next: 4, prev: [8; 32] };
            tx.set_stream_tip(b"c", &tip)?;
            assert_eq!(tx.stream_tip(b"c")?, Some(tip));
            assert_eq!(tx.mark("default")?, None);
            tx.set_mark("default", 9.into())?;
            tx.set_mark("other", 1.into())?;
            assert_eq!(tx.mark("default")?, Some(9.into()));
            assert!(!tx.cover_used(&[1; 32])?);
            tx.cover_mark(&[1; 32], b"a use")?;
            assert!(tx.cover_used(&[1; 32])? && !tx.cover_used(&[2; 32])?);
            tx.meta_put("name", b"value")?;
            assert_eq!(**tx.meta_get("name")?.unwrap(), *b"value");
            tx.meta_delete("name")?;
            assert!(tx.meta_get("name")?.is_none());
            tx.session_put(b"group 1", b"state")?;
            assert_eq!(**tx.session_get(b"group 1")?.unwrap(), *b"state");
            tx.session_delete(b"group 1")?;
            assert!(tx.session_get(b"group 1")?.is_none());
            tx.set_group(&[1; 16], b"old")?;
            tx.set_group(&[1; 16], b"row")?;
            assert_eq!(**tx.group(&[1; 16])?.unwrap(), *b"row");
            assert!(tx.group(&[2; 16])?.is_none());
            assert_eq!(tx.groups()?.len(), 1);
            tx.delete_group(&[1; 16])?;
            assert!(tx.groups()?.is_empty());
            tx.directory_put("bob", &[1; 16], b"old")?;
            tx.directory_put("bob", &[1; 16], b"new")?;
            tx.directory_put("bob", &[2; 16], b"another identity")?;
            let records = tx.directory_of("bob")?;
            assert!(records.iter().any(|record| ***record == *b"new"));
            assert!(records.len() == 2 && tx.directory_of("alice")?.is_empty());
            let standing = b"pinned".to_vec();
            let bob = Contact { last_heard_ms: Some(-5), standing, ..Contact::new("bob") };
            tx.set_contact(&bob)?;
            assert_eq!(tx.contact("bob")?, Some(bob.clone()));
            assert_eq!(tx.contact("alice")?, None);
            assert_eq!(tx.contacts()?, [bob]);
            assert_eq!(tx.own_newest(TOPIC, 1)?, None);
            tx.own_put(TOPIC, 1, [(7, b"b"), (300, b"c"), (2, b"a")])?;
            let newest = tx.own_newest(TOPIC, 1)?.unwrap();
            assert_eq!((newest.offset, &**newest.body), (300, &b"c"[..]));
            assert_eq!(tx.own_newest(TOPIC, 2)?, None);
            Ok(())
        });
    });
}

#[test]
fn refused_records_count_once_up_to_a_limit_for_each_partition() {
    on_each(|store| {
        let hash = |n: u32| {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&n.to_be_bytes());
            hash
        };
        write(store, |tx| {
            for n in 0..16_384 {
                assert_eq!(tx.unreadable_insert(TOPIC, 0, &hash(n))?, Unreadable::New);
            }
            assert_eq!(tx.unreadable_insert(TOPIC, 0, &hash(5))?, Unreadable::Known);
            assert_eq!(tx.unreadable_insert(TOPIC, 0, &hash(16_384))?, Unreadable::Full);
            assert_eq!(tx.unreadable_insert(TOPIC, 1, &hash(5))?, Unreadable::New);
            Ok(())
        });
    });
}

#[test]
fn newer_messages_are_kept_up_to_a_limit_and_one_offset_counts_once() {
    on_each(|store| {
        write(store, |tx| {
            for _ in 0..3 {
                for offset in 0..999 {
                    assert!(tx.newer_insert(TOPIC, 0, offset, b"x")?);
                }
            }
            assert!(tx.newer_insert(TOPIC, 1, 0, b"x")?);
            assert!(!tx.newer_insert(TOPIC, 1, 1, b"x")?, "1,000 are there");
            tx.newer_remove(TOPIC, 0, 7)?;
            tx.newer_remove(TOPIC, 0, 7)?;
            assert!(tx.newer_insert(TOPIC, 1, 1, b"x")?);
            assert!(!tx.newer_insert(TOPIC, 1, 2, b"x")?);
            let rows = tx.newer_list(TOPIC, 0)?;
            assert!(rows.len() == 998 && rows.is_sorted_by_key(|row| row.offset));
            for row in rows {
                tx.newer_remove(TOPIC, 0, row.offset)?;
            }
            Ok(())
        });
    });
}

#[test]
fn newer_messages_are_kept_up_to_64_mib() {
    let store = Store::in_memory(&key()).unwrap();
    let large = vec![0; 33 << 20];
    write(&store, |tx| {
        assert!(tx.newer_insert(TOPIC, 0, 1, &large)?);
        assert!(!tx.newer_insert(TOPIC, 0, 2, &large)?);
        assert!(tx.newer_insert(TOPIC, 0, 1, b"in place of the large one")?);
        assert!(tx.newer_insert(TOPIC, 0, 2, &vec![0; 1 << 20])?);
        Ok(())
    });
}

#[test]
fn generation_tells_of_every_write_in_any_handle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let one = Store::create(&path, &key()).unwrap();
    let two = Store::open(&path, &key()).unwrap();
    let before = one.generation().unwrap();
    write(&two, |tx| tx.set_mark("m", 1.into()));
    let after = one.generation().unwrap();
    assert!(after > before);
    assert_eq!(one.read(|tx| tx.mark("m")).unwrap(), Some(1.into()));
    assert_eq!(one.generation().unwrap(), after, "reading raises nothing");
}
