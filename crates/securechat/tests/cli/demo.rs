//! The demo, as a newcomer runs it.

use crate::house::House;

#[test]
fn shows_every_stage_and_leaves_everything() {
    let house = House::new();
    let folder = house.path().join("show");
    let name = folder.to_str().unwrap();
    let said = house.run(&["demo", "--dir", name]).exit(0);
    for stage in
        ["Alice typed", "the broker sees", "Bob reads", "alice's history", "What to type next"]
    {
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
    assert_eq!(history.texts().len(), 3);
    house.run(&["demo", "--dir", name]).exit(2).says("not empty").hints("missing or empty");
}
