//! Bytes and times, beside bare OpenMLS: `cargo test --release -p chat-crypto mls::tests::sizes --
//! --ignored --nocapture`.

use std::time::{Duration, Instant};

use super::*;

/// A group whose first members have all committed once, which is what groups come to.
fn populated(count: usize) -> Vec<Client> {
    let handles: Vec<_> = (0..count).map(|n| format!("m{n}")).collect();
    let handles: Vec<_> = handles.iter().map(String::as_str).collect();
    let mut all = group_of(&handles, &["m0"]);
    let mut commits: Vec<Vec<u8>> = Vec::new();
    for one in all.iter_mut().skip(1) {
        commits.iter().for_each(|commit| drop(one.merge(commit)));
        let pending = one.commit(&CommitPlan::new()).unwrap();
        one.merge(&pending.commit);
        commits.push(pending.commit);
    }
    commits.iter().for_each(|commit| drop(all[0].merge(commit)));
    let last = all.pop().unwrap();
    all.truncate(1);
    all.push(last);
    all
}

fn timed<T>(f: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = f();
    (value, start.elapsed())
}

#[test]
#[ignore = "prints; takes minutes"]
fn of_an_addition() {
    for (count, full) in [(2, false), (16, true), (100, false), (256, false)] {
        let mut all = if full { populated(count - 1) } else { flat(count - 1) };
        let mut new = Client::new("new");
        let package = new.key_package();
        let state = all[0].disk.bytes();
        let (pending, making) =
            timed(|| all[0].commit(&CommitPlan::new().adding(&package)).unwrap());
        let (_, merging) = timed(|| all[0].merge(&pending.commit));
        let processing = all.get_mut(1).map(|other| timed(|| other.merge(&pending.commit)).1);
        let (welcome, tree) = (pending.welcome.unwrap(), all[0].tree());
        let (_, joining) = timed(|| new.join(&welcome, &tree).unwrap());
        let message = all[0].encrypt(&"x".repeat(200));
        let kind = if full { "all have committed" } else { "nobody has committed" };
        println!(
            "to {count} ({kind}): Commit {} B, Welcome {} B, tree {} B, state {state} B, message \
             of 200 B {} B; make {making:?}, merge own {merging:?}, process {processing:?}, join \
             {joining:?}",
            pending.commit.len(),
            welcome.len(),
            tree.len(),
            message.len(),
        );
        if !full {
            bare(count);
        }
    }
}

/// The founder and another one of a group in which nobody has committed.
fn flat(count: usize) -> Vec<Client> {
    let handles: Vec<_> = (0..count).map(|n| format!("m{n}")).collect();
    let handles: Vec<_> = handles.iter().map(String::as_str).collect();
    let mut all = group_of(&handles, &["m0"]);
    all.truncate(2);
    all
}

/// The same addition by OpenMLS alone, with its own storage in memory and nothing checked.
fn bare(count: usize) {
    use openmls::group::{MlsGroup as Inner, PURE_CIPHERTEXT_WIRE_FORMAT_POLICY};
    use openmls_rust_crypto::OpenMlsRustCrypto;

    let provider = OpenMlsRustCrypto::default();
    let me = Client::new("m0").me;
    let mut packages: Vec<_> =
        (1..count).map(|n| Client::new(&format!("m{n}")).key_package().inner().clone()).collect();
    let mut group = Inner::builder()
        .ciphersuite(SUITE)
        .with_capabilities(key_package::capabilities())
        .with_wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .max_past_epochs(PAST_EPOCHS)
        .build(&provider, &me.signer(), me.credential_with_key())
        .unwrap();
    let last = [packages.pop().unwrap()];
    if !packages.is_empty() {
        group.add_members(&provider, &me.signer(), &packages).unwrap();
        group.merge_pending_commit(&provider).unwrap();
    }
    let (added, making) = timed(|| group.add_members(&provider, &me.signer(), &last).unwrap());
    let ((), merging) = timed(|| group.merge_pending_commit(&provider).unwrap());
    println!(
        "    OpenMLS alone: Commit {} B, make {making:?}, merge own {merging:?}",
        added.0.to_bytes().unwrap().len(),
    );
}

#[test]
#[ignore = "prints; takes a minute"]
fn of_messages() {
    let (mut alice, mut bob) = pair();
    let text = "x".repeat(200);
    const COUNT: u32 = 2000;
    let (sent, sending) = timed(|| (0..COUNT).map(|_| alice.encrypt(&text)).collect::<Vec<_>>());
    let mut overlay = Overlay::new(&bob.disk, &bob.secrets);
    let group = bob.group.as_mut().unwrap();
    let ((), receiving) = timed(|| {
        for message in &sent {
            group.process(&mut overlay, message, &Checker).unwrap();
        }
    });
    let written: usize = overlay
        .into_changes()
        .iter()
        .map(|(key, value)| key.len() + value.as_ref().map_or(0, |value| value.len()))
        .sum();
    println!(
        "a message: {} B on the wire, encrypt {:?}, process {:?}; {written} B written per batch; \
         KeyPackage {} B; state {} B",
        sent[0].len(),
        sending / COUNT,
        receiving / COUNT,
        alice.key_package_bytes().len(),
        alice.disk.bytes(),
    );
    bare_messages(&text, COUNT);
}

/// The same messages by OpenMLS alone, with its own storage in memory.
fn bare_messages(text: &str, count: u32) {
    use openmls::group::{MlsGroup as Inner, StagedWelcome};
    use openmls::prelude::ProcessedMessageContent;
    use openmls_rust_crypto::OpenMlsRustCrypto;

    let (alice, bob) = (OpenMlsRustCrypto::default(), OpenMlsRustCrypto::default());
    let (me, other) = (Client::new("a").me, Client::new("b").me);
    let package = openmls::prelude::KeyPackage::builder()
        .leaf_node_capabilities(key_package::capabilities())
        .build(SUITE, &bob, &other.signer(), other.credential_with_key())
        .unwrap();
    let mut group = Inner::builder()
        .ciphersuite(SUITE)
        .with_capabilities(key_package::capabilities())
        .use_ratchet_tree_extension(true)
        .build(&alice, &me.signer(), me.credential_with_key())
        .unwrap();
    let added = group.add_members(&alice, &me.signer(), &[package.key_package().clone()]).unwrap();
    group.merge_pending_commit(&alice).unwrap();
    let welcome = parse::welcome(&added.1.to_bytes().unwrap()).unwrap();
    let config = group.configuration().clone();
    let staged = StagedWelcome::new_from_welcome(&bob, &config, welcome, None).unwrap();
    let mut theirs = staged.into_group(&bob).unwrap();
    let (sent, sending) = timed(|| {
        let mut sent = Vec::new();
        for _ in 0..count {
            let message = group.create_message(&alice, &me.signer(), text.as_bytes()).unwrap();
            sent.push(message.to_bytes().unwrap());
        }
        sent
    });
    let ((), receiving) = timed(|| {
        for message in &sent {
            let message = parse::private_message(message).unwrap();
            let content = theirs.process_message(&bob, message).unwrap().into_content();
            assert!(matches!(content, ProcessedMessageContent::ApplicationMessage(_)));
        }
    });
    println!("    OpenMLS alone: encrypt {:?}, process {:?}", sending / count, receiving / count);
}
