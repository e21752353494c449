//! Several partitions, and mailboxes that come and change while they are read.

use chat_crypto::{EnvelopeKind, Protected, Protection, SharedKey};
use chat_stego::{ProbeKey, StegoKey};
use chat_transport::{Offset, Record, TransportAdmin};

use super::*;
use crate::groups::GroupState;
use crate::inbound::batch::OpenedRecord;
use crate::inbound::conversations::NoConversations;
use crate::inbound::post::{LONG, Post, group, start_of, tagged};
use crate::inbound::{Batch, store_batch};
use crate::item::{CarrierKind, GapCause, Item};
use crate::picture::{HiddenCodec, embed};

/// Readers in the background, until they are dropped.
struct Listening {
    live: Arc<SharedLive>,
    work: tokio::task::JoinHandle<Outcome>,
}

impl Listening {
    fn start(mail: &Mail) -> Self {
        let live = Arc::new(SharedLive::default());
        let readers = Readers::new(mail.clone(), Arc::clone(&live)).unwrap();
        Self { live, work: tokio::spawn(readers.run()) }
    }

    fn is_caught_up(&self) -> bool {
        self.live.take(|live| live.caught_up)
    }

    async fn until_caught_up(&self) {
        until("everything is read", || self.is_caught_up()).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(LONG, waited).await.is_ok(), "not in time: {what}");
}

#[tokio::test]
async fn mailboxes_of_several_partitions_are_read_at_once() {
    let mut post = Post::new().await;
    let (one, two) = (group(1, post.elsewhere(0), 0), group(2, post.elsewhere(1), 0));
    let beside = group(3, post.inbox().partition, 0);
    for row in [&one, &two, &beside] {
        post.join(row);
    }
    post.write_to_inbox().await;
    post.write(&one.mailbox(), 1, "one").await;
    post.write(&two.mailbox(), 2, "two").await;
    post.write(&beside.mailbox(), 3, "beside").await;
    let listening = Listening::start(&post.mail);
    listening.until_caught_up().await;
    let mut heard = post.heard();
    heard.sort();
    assert_eq!(heard, ["beside", "one", "two"]);
    assert_eq!(post.messages(), 1);
    let (connected, skipped) = listening.live.take(|live| (live.connected, live.skipped));
    assert!(connected && skipped.is_empty(), "{skipped:?}");
}

#[tokio::test]
async fn nothing_is_caught_up_before_every_partition_is() {
    let mut post = Post::new().await;
    let row = group(1, post.elsewhere(0), 0);
    post.join(&row);
    post.write_to_inbox().await;
    let topic = post.network.mail_topic();
    post.log.set_leaderless(&topic, row.mailbox().partition, true).unwrap();
    let listening = Listening::start(&post.mail);
    until("the inbox is read", || post.messages() == 1).await;
    until("a partition fails", || listening.live.take(|l| l.disconnected.is_some())).await;
    assert!(!listening.is_caught_up());
    post.log.set_leaderless(&topic, row.mailbox().partition, false).unwrap();
    listening.until_caught_up().await;
    assert!(listening.live.take(|live| live.connected), "it is told that all answer again");
}

#[tokio::test]
async fn a_group_that_comes_while_others_are_read_is_read() {
    let mut post = Post::new().await;
    let listening = Listening::start(&post.mail);
    listening.until_caught_up().await;
    // Another process of the profile founds a group elsewhere, and one in a partition that is read already.
    let other = post.reopened();
    let (away, here) = (group(1, post.elsewhere(0), 0), group(2, post.inbox().partition, 0));
    post.write(&here.mailbox(), 2, "before").await;
    post.write_to_inbox().await;
    until("the inbox is read", || post.messages() == 1).await;
    let topic = post.network.mail_topic();
    for row in [&away, &here] {
        let join = |tx: &mut chat_store::WriteTxn<'_>| {
            row.put::<ReceiveError>(tx)?;
            Ok(crate::inbound::begin_reading(tx, topic.as_str(), row)?)
        };
        other.store.write::<_, ReceiveError>(join).unwrap();
    }
    until("what lay there is read, though nothing comes", || post.heard() == ["before"]).await;
    post.write(&away.mailbox(), 1, "away").await;
    post.write(&here.mailbox(), 2, "behind").await;
    until("groups are read", || post.heard().len() == 3).await;
    let heard = post.heard();
    let place = |what: &str| heard.iter().position(|heard| heard == what);
    assert!(place("before") < place("behind") && place("away").is_some(), "{heard:?}");
    listening.until_caught_up().await;
}

#[tokio::test]
async fn an_invitation_is_followed_at_once_and_everything_behind_it_is_opened() {
    let post = Post::new().await;
    let inbox = post.inbox().partition;
    let (here, away) = (group(1, inbox, 1), group(2, post.elsewhere(0), 0));
    post.invited.lock().unwrap().extend([here.clone(), away.clone()]);
    post.write(&here.mailbox(), 1, "too early").await;
    post.write(&here.mailbox(), 1, "first").await;
    post.write(&away.mailbox(), 2, "away").await;
    post.invite(0).await;
    post.invite(1).await;
    post.write(&here.mailbox(), 1, "second").await;
    let listening = Listening::start(&post.mail);
    listening.until_caught_up().await;
    let heard: Vec<String> = post.heard().into_iter().filter(|said| said != "away").collect();
    assert_eq!(heard, ["first", "second"], "in the order of the partition");
    assert_eq!(post.heard().len(), 3, "caught up only with the new partition: {:?}", post.heard());
    assert_eq!(post.next(inbox, Some(&here.mailbox())), None, "it has caught up");
}

/// An older program has kept an invitation sealed.
#[tokio::test]
async fn an_invitation_that_was_kept_is_followed_after_an_upgrade() {
    let post = Post::new().await;
    let row = group(1, post.elsewhere(0), 0);
    post.invited.lock().unwrap().push(row.clone());
    post.write(&row.mailbox(), 1, "one").await;
    post.invite(0).await;
    let partition = post.inbox().partition;
    let invitation = post.log.dump(&post.network.mail_topic(), partition).unwrap().remove(0);
    let sealed = invitation.value.unwrap().to_vec();
    let mailboxes = post.mail.mailboxes_of(partition).unwrap();
    let kept = OpenedRecord {
        offset: 0,
        timestamp_ms: 0,
        leader_epoch: None,
        hash: [0; 32],
        to: None,
        opened: crate::inbound::Opened::Newer(sealed, CarrierKind::Plain),
    };
    let info = post.log.topic(&post.network.mail_topic()).await.unwrap();
    let cursor = chat_store::Cursor { topic_id: info.id.0, ..crate::inbound::tests::new_cursor() };
    let batch = Batch {
        mailboxes: &mailboxes,
        topic: "test.mail",
        topic_id: info.id,
        truncations: 0,
        records: vec![kept],
        resume: 1,
        longest: Duration::MAX,
    };
    let store = |tx: &mut chat_store::WriteTxn<'_>| {
        tx.set_cursor("test.mail", partition.0, None, &cursor)?;
        store_batch(tx, &batch, &mut NoConversations)
    };
    post.mail.store.write::<_, ReceiveError>(store).unwrap();
    let listening = Listening::start(&post.mail);
    until("the group is read", || post.heard() == ["one"]).await;
    listening.until_caught_up().await;
}

#[tokio::test]
async fn a_new_epoch_opens_the_rest_of_the_page() {
    let post = Post::new().await;
    let row = group(1, post.elsewhere(0), 0);
    post.join(&row);
    let partition = row.mailbox().partition;
    let said = ["one", "key 7", "two", "tag 8", "three"];
    for (key, tag, said) in [(1, 1, 0), (1, 1, 1), (7, 1, 2), (7, 1, 3), (8, 8, 4)]
        .map(|(key, tag, place)| (key, tag, said[place]))
    {
        post.write(&tagged(tag, partition), key, said).await;
    }
    post.write(&tagged(1, partition), 7, "late, to where it was").await;
    post.read(partition).await;
    assert_eq!(post.heard(), [&said[..], &["late, to where it was"]].concat());
    let cursor = post.mail.store.read(|tx| tx.cursor("test.mail", partition.0, None)).unwrap();
    assert_eq!(cursor.unwrap().unreadable, 0);
}

#[tokio::test]
async fn a_lagging_mailbox_is_read_from_behind_and_each_record_is_given_once() {
    let mut post = Post::new().await;
    let row = group(1, post.inbox().partition, 2);
    let (partition, mailbox) = (row.mailbox().partition, row.mailbox());
    for said in ["0", "1", "2"] {
        post.write(&mailbox, 1, said).await;
    }
    post.write_to_inbox().await;
    post.write(&mailbox, 1, "bad").await;
    post.write(&mailbox, 1, "tag 5").await;
    post.write(&tagged(5, partition), 5, "moved").await;
    post.write(&mailbox, 9, "under no key of ours").await;
    post.read(partition).await;
    let before = post.mail.store.read(|tx| tx.cursor("test.mail", partition.0, None)).unwrap();
    let kept =
        |post: &Post| post.mail.store.read(|tx| tx.kept_below("test.mail", partition.0, 99, 99));
    let hashes = kept(&post).unwrap();
    assert_eq!((post.heard().len(), post.messages()), (0, 1), "nobody's yet");
    post.join(&row);
    assert_eq!(post.next(partition, Some(&mailbox)), Some(2));
    post.read(partition).await;
    post.read(partition).await;
    assert_eq!(post.heard(), ["2", "tag 5", "moved"]);
    assert_eq!((post.messages(), post.items().len()), (1, 1), "nothing is counted or shown");
    let after = post.mail.store.read(|tx| tx.cursor("test.mail", partition.0, None)).unwrap();
    assert_eq!(
        (after, kept(&post).unwrap()),
        (before, hashes),
        "the partition's own stand as they were"
    );
    for tag in [1, 5] {
        assert_eq!(post.next(partition, Some(&tagged(tag, partition))), None, "caught up");
    }
}

#[tokio::test]
async fn a_lagging_cursor_outlives_a_crash_between_two_transactions() {
    let post = Post::new().await;
    let row = group(1, post.inbox().partition, 0);
    let (partition, mailbox) = (row.mailbox().partition, row.mailbox());
    for said in ["0", "1", "2", "3"] {
        post.write(&mailbox, 1, said).await;
    }
    post.read(partition).await;
    post.join(&row);
    let records = post.log.dump(&post.network.mail_topic(), partition).unwrap();
    let mailboxes = post.mail.mailboxes_of(partition).unwrap();
    let cursor = post.mail.store.read(|tx| tx.cursor("test.mail", partition.0, None)).unwrap();
    let opener = mailboxes.opener();
    let opened = |record: &chat_transport::StoredRecord| {
        let (opened, to) = opener.open(record);
        let (offset, hash) = (record.offset.0, [0; 32]);
        OpenedRecord { offset, timestamp_ms: 0, leader_epoch: None, hash, to, opened }
    };
    let batch = Batch {
        mailboxes: &mailboxes,
        topic: "test.mail",
        topic_id: chat_transport::TopicId(cursor.unwrap().topic_id),
        truncations: 0,
        records: records.iter().map(opened).collect(),
        resume: 4,
        longest: Duration::ZERO,
    };
    let mut conversations = (post.mail.conversations)();
    for step in 1..=2 {
        let stored =
            post.mail.store.write(|tx| store_batch(tx, &batch, &mut *conversations)).unwrap();
        assert_eq!((stored.next, stored.unfinished), (step, true));
        assert_eq!(post.next(partition, Some(&mailbox)), Some(step));
    }
    let mail = post.reopened();
    assert!(mail.read_to_end(partition, Instant::now() + LONG).await.unwrap());
    assert_eq!(post.heard(), ["0", "1", "2", "3"]);
    assert_eq!(post.next(partition, Some(&mailbox)), None);
}

#[tokio::test]
async fn what_was_opened_with_older_keys_is_not_stored() {
    let post = Post::new().await;
    let row = group(1, post.elsewhere(0), 0);
    post.join(&row);
    let partition = row.mailbox().partition;
    post.read(partition).await;
    let mailboxes = post.mail.mailboxes_of(partition).unwrap();
    let cursor = post.mail.store.read(|tx| tx.cursor("test.mail", partition.0, None)).unwrap();
    let batch = Batch {
        mailboxes: &mailboxes,
        topic: "test.mail",
        topic_id: chat_transport::TopicId(cursor.unwrap().topic_id),
        truncations: 0,
        records: Vec::new(),
        resume: 5,
        longest: Duration::MAX,
    };
    let store = || {
        let stored = post.mail.store.write(|tx| store_batch(tx, &batch, &mut NoConversations));
        stored.unwrap().outdated
    };
    // Another process counts a message that was sent, which changes nothing here, and then enters an epoch.
    let mut sent = row.clone();
    sent.sent_since += 1;
    post.join(&sent);
    assert!(!store());
    let mut moved = row.clone();
    moved.enter(&start_of(2, 9), row.mailbox());
    post.join(&moved);
    assert!(store());
    assert_eq!(post.next(partition, None), Some(5), "only the first was stored");
}

#[tokio::test]
async fn a_partition_of_groups_alone_begins_where_the_first_of_them_starts() {
    let post = Post::new().await;
    let (partition, late) = (post.elsewhere(0), group(2, post.elsewhere(0), 3));
    let row = group(1, partition, 2);
    for said in ["0", "1", "2", "3"] {
        post.write(&row.mailbox(), 1, said).await;
    }
    post.join(&row);
    post.join(&late);
    post.read(partition).await;
    assert_eq!(post.heard(), ["2", "3"]);
    assert!(post.gaps().is_empty());
    // One that names a place behind the end waits for nothing.
    let row = group(3, post.elsewhere(1), 1_000);
    post.join(&row);
    post.read(row.mailbox().partition).await;
    post.write(&row.mailbox(), 3, "at once").await;
    post.read(row.mailbox().partition).await;
    assert_eq!(post.heard(), ["2", "3", "at once"]);
}

#[tokio::test]
async fn strangers_leave_no_trace_and_what_is_wrong_at_our_tag_is_counted() {
    let post = Post::new().await;
    let mut gone = group(3, post.elsewhere(0), 0);
    gone.state = GroupState::Gone;
    let row = group(1, post.elsewhere(0), 0);
    post.join(&row);
    post.join(&gone);
    let (partition, mailbox) = (row.mailbox().partition, row.mailbox());
    post.write(&tagged(9, partition), 9, "somebody else's").await;
    post.write(&gone.mailbox(), 3, "of a group that we have left").await;
    let noise = Record { key: None, value: vec![1; 700].into() };
    post.append(partition, noise).await;
    post.read(partition).await;
    let unreadable = || {
        let cursor = post.mail.store.read(|tx| tx.cursor("test.mail", partition.0, None));
        cursor.unwrap().unwrap().unreadable
    };
    assert_eq!((post.heard().len(), post.items().len(), unreadable()), (0, 0, 0));
    let listening = Listening::start(&post.mail);
    post.write(&mailbox, 9, "under another key").await;
    post.append(partition, post.sealed(&mailbox, 1, &SharedKey::protect(b"unprotected"))).await;
    post.write(&mailbox, 1, "bad").await;
    post.write(&mailbox, 1, "good").await;
    until("the last one is read", || post.heard() == ["good"]).await;
    listening.until_caught_up().await;
    let skipped = listening.live.take(|live| live.skipped);
    assert_eq!((skipped.unreadable, skipped.wrong_context, skipped.malformed), (1, 1, 1));
}

/// Who invites us names the tag: it may be one that we read already.
#[tokio::test]
async fn two_mailboxes_under_one_tag_take_nothing_from_each_other() {
    let mut post = Post::new().await;
    let inbox = post.inbox();
    let honest = group(1, inbox.partition, 0);
    let mut twin = group(2, inbox.partition, 0);
    let mut thief = group(3, inbox.partition, 0);
    twin.enter(&start_of(2, 2), honest.mailbox());
    thief.enter(&start_of(2, 3), inbox);
    for row in [&honest, &twin, &thief] {
        post.join(row);
    }
    post.write_to_inbox().await;
    post.write(&honest.mailbox(), 1, "honest").await;
    post.write(&honest.mailbox(), 2, "twin").await;
    post.write(&inbox, 3, "thief").await;
    post.read(inbox.partition).await;
    assert_eq!(
        (post.messages(), post.heard()),
        (1, vec!["honest".into(), "twin".into(), "thief".into()])
    );
}

#[tokio::test]
async fn a_picture_for_a_group_is_found_under_each_of_its_keys() {
    let post = Post::new().await;
    let mut row = group(1, post.inbox().partition, 0);
    row.enter(&start_of(2, 6), row.mailbox());
    post.join(&row);
    post.join(&group(2, post.inbox().partition, 0));
    let mailbox = row.mailbox();
    let cover =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../images/smile.jpg")).unwrap();
    for (key, said) in [(6, "new"), (1, "old"), (9, "under no key of ours")] {
        let protected = Protected::new(Protection::Mls, said.as_bytes());
        let sealed = post.envelope(&mailbox, key, &protected, EnvelopeKind::Picture);
        let context = mailbox.context(post.network.namespace(), EnvelopeKind::Picture);
        let body = context.picture_key(&chat_crypto::Subkey::from_bytes([key; 32]));
        let probe: ProbeKey = post.network.probe_key();
        let stego = StegoKey::with_probe(probe, *body.expose_bytes());
        let picture = embed(HiddenCodec::JpegJuniward, &sealed, &cover, &stego).unwrap();
        let record = CarrierKind::Image.record(&mailbox, picture.file);
        post.append(mailbox.partition, record).await;
    }
    post.read(mailbox.partition).await;
    assert_eq!(post.heard(), ["new", "old"]);
    assert!(post.items().is_empty(), "a picture that does not open is anybody's");
}

#[tokio::test]
async fn what_retention_took_from_a_lagging_mailbox_is_a_gap_of_its_conversation() {
    let mut post = Post::new().await;
    let row = group(1, post.inbox().partition, 1);
    let (partition, mailbox) = (row.mailbox().partition, row.mailbox());
    for said in ["0", "1", "2", "3"] {
        post.write(&mailbox, 1, said).await;
    }
    post.write_to_inbox().await;
    post.read(partition).await;
    post.join(&row);
    let topic = post.network.mail_topic();
    post.log.delete_records(&topic, partition, Offset(3)).await.unwrap();
    post.read(partition).await;
    assert_eq!(post.heard(), ["3"]);
    let gaps = post.gaps();
    let [(conversation, gap)] = &gaps[..] else { panic!("{gaps:?}") };
    assert!(conversation.ends_with(row.id().as_bytes()), "of the group");
    assert_eq!((gap.cause, gap.from_offset, gap.to_offset), (GapCause::Retention, 1, 3));
    assert_eq!(post.next(partition, Some(&mailbox)), None);
}

#[tokio::test]
async fn a_new_topic_ends_a_lag_and_the_loss_is_told() {
    let post = Post::new().await;
    let row = group(1, post.inbox().partition, 0);
    let (partition, mailbox) = (row.mailbox().partition, row.mailbox());
    post.write(&mailbox, 1, "0").await;
    post.write(&mailbox, 1, "1").await;
    post.read(partition).await;
    post.join(&row);
    post.log.delete_topic(&post.network.mail_topic()).await.unwrap();
    post.make_topic().await;
    post.write(&mailbox, 1, "new").await;
    post.read(partition).await;
    assert_eq!(
        (post.heard(), post.next(partition, Some(&mailbox))),
        (vec!["new".to_owned()], None)
    );
    let replaced = |gap: &crate::item::Gap| gap.cause == GapCause::TopicReplaced;
    let gaps = post.gaps();
    assert!(gaps.len() == 2 && gaps.iter().all(|(_, gap)| replaced(gap)), "{gaps:?}");
    assert!(gaps.iter().any(|(conversation, gap)| {
        conversation.ends_with(row.id().as_bytes()) && (gap.from_offset, gap.to_offset) == (0, 2)
    }));
}

#[tokio::test]
async fn a_cut_log_takes_a_lagging_mailbox_with_it_and_loses_nothing() {
    let post = Post::new().await;
    let row = group(1, post.inbox().partition, 0);
    let (partition, mailbox) = (row.mailbox().partition, row.mailbox());
    for said in ["0", "1", "2", "3"] {
        post.write(&mailbox, 1, said).await;
    }
    post.read(partition).await;
    post.join(&row);
    post.log.truncate(&post.network.mail_topic(), partition, Offset(2)).unwrap();
    post.write(&mailbox, 1, "other").await;
    post.read(partition).await;
    assert_eq!(post.heard(), ["0", "1", "other"]);
    assert_eq!((post.next(partition, None), post.next(partition, Some(&mailbox))), (Some(3), None));
}

#[tokio::test]
async fn damage_below_the_cursor_is_stepped_over_and_told() {
    let post = Post::new().await;
    let row = group(1, post.inbox().partition, 0);
    let (partition, mailbox) = (row.mailbox().partition, row.mailbox());
    for said in ["0", "1", "2"] {
        post.write(&mailbox, 1, said).await;
    }
    post.read(partition).await;
    post.join(&row);
    post.log.damage(&post.network.mail_topic(), partition, 1..2).unwrap();
    post.read(partition).await;
    assert_eq!(post.heard(), ["0", "2"]);
    let gaps = post.gaps();
    let [(_, gap)] = &gaps[..] else { panic!("{gaps:?}") };
    assert_eq!((gap.cause, gap.from_offset, gap.to_offset), (GapCause::Damaged, 1, 2));
}

#[tokio::test]
async fn a_partition_that_is_not_there_holds_nobody_up() {
    let mut post = Post::new().await;
    post.join(&group(1, Partition(u32::MAX), 0));
    post.write_to_inbox().await;
    let listening = Listening::start(&post.mail);
    listening.until_caught_up().await;
    assert_eq!(post.messages(), 1);
    assert!(listening.live.take(|live| live.disconnected.is_none() && live.failed.is_none()));
    let there = post.mail.read_to_end(Partition(u32::MAX), Instant::now() + LONG).await.unwrap();
    assert!(!there);
}

#[tokio::test]
async fn a_partition_that_is_no_longer_ours_is_no_longer_read() {
    let post = Post::new().await;
    let mut row = group(1, post.elsewhere(0), 0);
    post.join(&row);
    let listening = Listening::start(&post.mail);
    listening.until_caught_up().await;
    row.state = GroupState::Gone;
    post.join(&row);
    let topic = post.network.mail_topic();
    post.log.set_leaderless(&topic, row.mailbox().partition, true).unwrap();
    until("it is given up", || post.next(row.mailbox().partition, None).is_none()).await;
    listening.until_caught_up().await;
    row.state = GroupState::Member;
    post.log.set_leaderless(&topic, row.mailbox().partition, false).unwrap();
    post.join(&row);
    post.write(&row.mailbox(), 1, "again").await;
    until("it is read again", || post.heard() == ["again"]).await;
}

#[tokio::test]
async fn reading_to_the_end_beside_a_listener_stores_each_message_once() {
    let mut post = Post::new().await;
    let row = group(1, post.inbox().partition, 0);
    post.join(&row);
    let other = post.reopened();
    let listening = Listening::start(&post.mail);
    let mut written: Vec<String> = Vec::new();
    for number in 0..20_u8 {
        written.push(format!("{number}"));
        post.write(&row.mailbox(), 1, &written[usize::from(number)]).await;
        if number % 5 == 0 {
            post.write_to_inbox().await;
        }
        let reached = other.read_to_end(post.inbox().partition, Instant::now() + LONG).await;
        assert!(reached.unwrap(), "the end was not reached");
        assert_eq!(post.heard(), written, "what lay there is stored when it returns");
    }
    listening.until_caught_up().await;
    assert_eq!((post.heard(), post.messages()), (written, 4));
}

#[tokio::test]
async fn reading_to_the_end_gives_up_in_time_and_says_why() {
    let post = Post::new().await;
    let partition = post.inbox().partition;
    post.log.set_offline(true);
    let read = post.mail.read_to_end(partition, Instant::now() + LONG).await;
    assert!(matches!(read, Err(ReceiveError::Transport(_))), "{read:?}");
    post.log.set_offline(false);
    // A log that was cut is believed only after a second look, two seconds later.
    post.write(&post.inbox(), 1, "noise").await;
    post.read(partition).await;
    post.log.truncate(&post.network.mail_topic(), partition, Offset(0)).unwrap();
    let soon = Instant::now() + Duration::from_millis(300);
    assert!(!post.mail.read_to_end(partition, soon).await.unwrap());
    post.read(partition).await;
    assert!(post.items().iter().any(|(_, item)| matches!(item, Item::Gap(_))));
}
