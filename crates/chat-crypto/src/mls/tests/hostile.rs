//! Bytes that nobody made: no panic, and nothing is accepted.

use proptest::prelude::*;

use super::*;

/// Changed copies of `bytes`, each by one random byte or cut.
fn mutants(bytes: &[u8], count: usize) -> Vec<Vec<u8>> {
    let crypto = RustCrypto::default();
    let random = |below: usize| {
        use openmls_traits::random::OpenMlsRand;
        usize::try_from(u64::from_be_bytes(crypto.random_array().unwrap()) >> 1).unwrap() % below
    };
    let mut mutants = Vec::new();
    for _ in 0..count {
        let (mut mutant, at) = (bytes.to_vec(), random(bytes.len()));
        match random(10) {
            0 => mutant.truncate(at),
            1 => mutant.insert(at, u8::try_from(random(256)).unwrap()),
            2 => {
                mutant.remove(at);
            }
            _ => mutant[at] ^= u8::try_from(random(255) + 1).unwrap(),
        }
        if mutant != bytes {
            mutants.push(mutant);
        }
    }
    mutants
}

#[test]
fn no_changed_message_or_commit_is_taken() {
    let mut all = group_of(&["alice", "bob", "carol"], &["alice"]);
    let message = all[0].encrypt("the only message");
    let package = Client::new("dave").key_package();
    let commit = all[0].commit(&CommitPlan::new().adding(&package)).unwrap().commit;
    for original in [&message, &commit] {
        for mutant in mutants(original, 1000) {
            let taken = all[1].process(&mutant);
            assert!(taken.is_err(), "{taken:?}");
        }
    }
    assert_eq!(all[1].read(&message), "the only message");
    merge_all(&mut all, &commit);
    assert_together(&mut all);
}

#[test]
fn no_changed_welcome_or_tree_is_taken() {
    let mut bob = Client::new("bob");
    let package = bob.key_package();
    let (welcome, tree) = Client::new("alice").found(facts(&["alice"]), vec![&package]);
    for mutant in mutants(&welcome, 1000) {
        assert!(bob.join(&mutant, &tree).is_err());
    }
    for mutant in mutants(&tree, 1000) {
        assert!(bob.join(&welcome, &mutant).is_err());
    }
    assert!(bob.group.is_none());
    bob.join(&welcome, &tree).unwrap();
}

#[test]
fn no_changed_keypackage_is_taken() {
    let bytes = Client::new("bob").key_package_bytes();
    for mutant in mutants(&bytes, 1000) {
        assert!(KeyPackage::parse(&mutant, &Checker).is_err());
    }
}

/// Where a field of a KeyPackage lies, by what stands in it.
fn place_of(bytes: &[u8], field: &[u8]) -> std::ops::Range<usize> {
    let at = bytes.windows(field.len()).position(|window| window == field).unwrap();
    at..at + field.len()
}

/// Who swaps a field for that of a genuine KeyPackage of their own gets into nobody's group.
#[test]
fn no_field_of_a_keypackage_can_be_swapped() {
    let package = Client::new("bob").key_package_bytes();
    let fields = |bytes: &[u8]| {
        let parsed = KeyPackage::parse(bytes, &Checker).unwrap();
        let (inner, end) = (parsed.inner(), bytes.len());
        let node = inner.leaf_node();
        [
            ("init key", place_of(bytes, inner.hpke_init_key().as_slice())),
            ("signature key", place_of(bytes, node.signature_key().as_slice())),
            ("identity", place_of(bytes, &parsed.leaf().credential)),
            ("signature", end - 64..end),
        ]
    };
    for _ in 0..1000 {
        // As long as bob's, so that each field fits in the place of his.
        let mallory = Client::new("eve").key_package_bytes();
        for ((name, own), (_, theirs)) in fields(&package).into_iter().zip(fields(&mallory)) {
            let mut swapped = package.clone();
            swapped[own].copy_from_slice(&mallory[theirs]);
            let taken = KeyPackage::parse(&swapped, &Checker);
            assert!(taken.is_err(), "{name}: {taken:?}");
        }
    }
}

#[test]
fn nothing_larger_than_the_limit_is_looked_at() {
    let (mut alice, _) = pair();
    let huge = vec![0; MAX_MLS_MESSAGE + 1];
    assert!(matches!(alice.process(&huge), Err(ProcessError::Garbage)));
    assert!(matches!(alice.join(&huge, &huge), Err(JoinError::Garbage)));
}

#[test]
fn a_whole_message_of_another_kind_is_garbage() {
    let mut bob = Client::new("bob");
    let package = bob.key_package();
    let (welcome, tree) = Client::new("alice").found(facts(&["alice"]), vec![&package]);
    bob.join(&welcome, &tree).unwrap();
    let message = bob.encrypt("x");
    assert!(matches!(bob.process(&welcome), Err(ProcessError::Garbage)));
    assert!(matches!(bob.join(&message, &tree), Err(JoinError::Garbage)));
    assert!(matches!(bob.join(&welcome, &message), Err(JoinError::Garbage)));
    assert!(matches!(KeyPackage::parse(&tree, &Checker), Err(KeyPackageError::Garbage)));
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = parse::key_package(&bytes);
        let _ = parse::ratchet_tree(&bytes);
        let _ = parse::welcome(&bytes);
        let _ = parse::private_message(&bytes);
    }

    #[test]
    fn no_body_behind_a_header_makes_a_parser_panic(
        format in 0_u8..8,
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let bytes = [&[0, 1, 0, format], bytes.as_slice()].concat();
        let _ = parse::welcome(&bytes);
        let _ = parse::private_message(&bytes);
    }
}
