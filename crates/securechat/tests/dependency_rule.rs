//! The dependency rule of `docs/architecture.md`, read from `cargo metadata`.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Who may use whom, in normal and build dependencies.
const ALLOWED: [(&str, &[&str]); 8] = [
    ("chat-crypto", &[]),
    ("chat-stego", &[]),
    ("chat-store", &[]),
    ("chat-transport", &[]),
    ("chat-broker", &[]),
    ("chat-core", &["chat-crypto", "chat-stego", "chat-store", "chat-transport"]),
    ("securechat", &["chat-core", "chat-broker"]),
    (
        "securechat-examples",
        &["chat-core", "chat-broker", "chat-crypto", "chat-stego", "chat-store", "chat-transport"],
    ),
];

/// What tests may use beyond that: a real broker.
const ALLOWED_IN_TESTS: &[&str] = &["chat-broker"];

/// The edges of `package` that the rule forbids.
fn offending(package: &Package, ours: &BTreeSet<String>) -> Vec<String> {
    let name = package.name.to_string();
    let allowed = ALLOWED.iter().find(|(crate_name, _)| *crate_name == name);
    let Some((_, allowed)) = allowed else { return vec![format!("{name} is not in the rule")] };
    let edges = package.dependencies.iter().filter(|dependency| ours.contains(&dependency.name));
    edges
        .filter(|dependency| {
            let in_tests = dependency.kind == DependencyKind::Development;
            let name = dependency.name.as_str();
            let fine = allowed.contains(&name) || in_tests && ALLOWED_IN_TESTS.contains(&name);
            !fine
        })
        .map(|dependency| format!("{name} -> {} ({})", dependency.name, dependency.kind))
        .collect()
}

#[test]
fn crates_use_only_what_the_rule_allows() {
    let metadata =
        MetadataCommand::new().no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    let ours: BTreeSet<String> =
        metadata.packages.iter().map(|package| package.name.to_string()).collect();
    assert!(ours.len() >= 8, "the workspace lacks crates: {ours:?}");
    let offending: Vec<String> =
        metadata.packages.iter().flat_map(|p| offending(p, &ours)).collect();
    assert!(offending.is_empty(), "the dependency rule forbids: {}", offending.join(", "));
}

#[test]
fn the_rule_notices_a_forbidden_edge() {
    let metadata =
        MetadataCommand::new().no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    let ours: BTreeSet<String> =
        metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let core =
        metadata.packages.iter().find(|package| package.name.as_str() == "chat-core").unwrap();
    let mut disguised = core.clone();
    disguised.name = "chat-store".parse().unwrap();
    let found = offending(&disguised, &ours);
    assert!(found.iter().any(|edge| edge.contains("chat-store -> chat-crypto")), "{found:?}");
}

#[test]
fn every_crate_forbids_unsafe_code() {
    let metadata =
        MetadataCommand::new().no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    for package in &metadata.packages {
        for target in &package.targets {
            if target.is_lib() || target.is_bin() {
                let root = std::fs::read_to_string(&target.src_path).unwrap();
                assert!(root.contains("#![forbid(unsafe_code)]"), "{}", target.src_path);
            }
        }
    }
}
