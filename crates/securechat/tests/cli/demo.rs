//! The demo, as a newcomer runs it.

use crate::house::House;

#[test]
fn shows_every_stage_and_leaves_everything() {
    let house = House::new();
    let folder = house.path().join("show");
    let name = folder.to_str().unwrap();
    let said = house.run(&["demo", "--dir", name]).exit(0);
    let stages = [
        "Alice typed",
        "the broker sees",
        "Bob reads",
        "alice's history",
        "Carol comes",
        "safety number",
        "a group of three",
        "puts Carol out",
        "What to type next",
    ];
    for stage in stages {
        assert!(said.out.contains(stage), "{stage} is not in: {}", said.out);
    }
    assert!(said.err.is_empty(), "{}", said.err);
    assert!(std::fs::read(folder.join("before.jpg")).unwrap().starts_with(b"\xff\xd8"));
    assert!(std::fs::read(folder.join("after.jpg")).unwrap().starts_with(b"\xff\xd8\xff"));
    for map in ["changes.png", "costs.png", "lowest-bits.png"] {
        assert!(std::fs::read(folder.join(map)).unwrap().starts_with(b"\x89PNG"), "{map}");
    }
    let page = std::fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("jpeg-juniward") && !page.contains("<script"));
    assert!(folder.join("broker").is_dir());
    let history = house.run(&["--home", name, "--profile", "bob", "history", "--json"]).exit(0);
    assert_eq!(history.texts().len(), 6);
    house.run(&["demo", "--dir", name]).exit(2).says("not empty").hints("missing or empty");
}

#[test]
fn shows_mls_from_the_first_word_and_a_group_that_puts_one_out() {
    let house = House::new();
    let folder = house.path().join("show");
    let name = folder.to_str().unwrap();
    let steps = house.run(&["demo", "--dir", name, "--json"]).exit(0).json();
    let begin = steps.iter().position(|step| step["title"].to_string().contains("Carol comes"));
    let steps = &steps[begin.unwrap()..];
    let told = |name: &str| -> Vec<&str> {
        let named = steps.iter().filter(|step| step["name"] == name);
        named.map(|step| step["what"].as_str().unwrap()).collect()
    };
    assert!(told("protected by")[0].starts_with("MLS: forward secrecy"));
    let number = told("Alice sees");
    assert_eq!((number[0].len(), &number), (71, &told("Carol sees")));
    let [hello, both, nothing] = told("Carol reads")[..] else { panic!("{steps:?}") };
    assert!(hello.contains("alice: Hello Carol!") && hello.contains("[plain, mls, introduced]"));
    assert!(both.contains("#trip alice: One record") && nothing.starts_with("nothing of it"));
    assert_eq!(told("Bob reads").len(), 3);
    assert!(told("Alice reads")[0].contains("[plain, mls, verified]"));
    for name in ["Alice is told", "Bob is told", "Carol is told"] {
        assert!(told(name)[0].ends_with("-- #trip: alice put out carol"), "{name}");
    }
    assert!(told("Carol's answer")[0].contains("not in the group any more"));
    // And so it is in what they keep.
    let run = |profile: &str, args: &[&str]| {
        house.run(&[&["--home", name, "--profile", profile, "--json"], args].concat()).exit(0)
    };
    let kept = run("carol", &["history"]);
    let typed = told("Alice typed");
    assert_eq!(kept.texts(), [typed[0], typed[1], told("Carol typed")[0]]);
    assert!(kept.messages().iter().all(|message| message["protection"] == "mls"));
    assert_eq!(kept.json().last().unwrap()["what"], "removed");
    assert_eq!(run("bob", &["history", "--with", "#trip"]).texts().last().unwrap(), typed[2]);
    assert_eq!(run("alice", &["contact", "show", "carol"]).json()[0]["trust"], "verified");
    let group = run("alice", &["chat", "show", "#trip"]).json();
    assert_eq!(group[0]["people"], 2);
}
