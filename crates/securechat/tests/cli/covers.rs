//! Covers: prepared, judged, chosen, drawn, and sent in every way.

use crate::house::{BrokerHouse, House, picture};

/// A bitmap with something like the grain and the shades of a photograph.
fn photo(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    for field in [54 + width * height * 4, 0, 54, 40, width, height] {
        bytes.extend_from_slice(&field.to_le_bytes());
    }
    bytes.extend_from_slice(&[1, 0, 32, 0]);
    bytes.extend_from_slice(&[0; 24]);
    let mut state = 1_u32;
    for y in 0..height {
        for x in 0..width {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (state >> 26) as f32 * ((x / 90 + y / 70) % 4) as f32 / 2.0;
            let shade = 120.0 + 60.0 * ((x as f32 / 97.0).sin() + (y as f32 / 61.0).cos()) / 2.0;
            let value = (shade + grain - 30.0).clamp(5.0, 250.0) as u8;
            bytes.extend_from_slice(&[value, value / 2 + 40, value / 3 + 90, 255]);
        }
    }
    bytes
}

#[test]
fn a_photo_becomes_a_cover_that_is_judged_chosen_and_drawn() {
    let house = House::new();
    let photo = house.file("photo.bmp", &photo(1300, 1100));
    let (photo, covers) = (photo.to_str().unwrap(), house.path().join("covers"));
    let covers = covers.to_str().unwrap();
    let made = house.run(&["cover", "prepare", photo, "--out", covers, "--json"]).exit(0);
    let made = &made.json()[0];
    assert_eq!((&made["type"], &made["width"]), (&"prepared".into(), &650.into()));
    let cover = made["cover"].as_str().unwrap().to_owned();
    // Again: another file, never over the first.
    let again = house.run(&["cover", "prepare", photo, "--out", covers, "--json"]).exit(0);
    assert_ne!(again.json()[0]["cover"], cover);
    let judged = house.run(&["cover", "inspect", &cover, "--json"]).exit(0);
    let judged = &judged.json()[0];
    assert_eq!((&judged["format"], &judged["good"]), (&"JPEG".into(), &true.into()));
    assert!(judged["findings"].to_string().contains("prepared"), "{judged}");
    let chosen = house.run(&["cover", "choose", covers, "--json"]).exit(0);
    let chosen = &chosen.json()[0];
    assert_eq!((&chosen["codec"], &chosen["looked_at"]), (&"jpeg-si".into(), &2.into()));
    for (what, bar) in [("changes", 128), ("costs", 128), ("lowest-bits", 0)] {
        let map = house.path().join(format!("{what}.png"));
        let map = map.to_str().unwrap();
        house.run(&["cover", "map", &cover, "-o", map, "--what", what]).exit(0);
        let map = std::fs::read(map).unwrap();
        assert!(map.starts_with(b"\x89PNG"));
        // Width and height; the bar with the bands hangs below.
        let side = |at: usize| u32::from_be_bytes(map[at..at + 4].try_into().unwrap());
        assert!(side(16) >= 650 && side(20) >= bar + 275, "{what}: {} x {}", side(16), side(20));
    }
}

#[test]
fn every_codec_brings_its_message() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let photo = house.file("photo.bmp", &photo(1300, 1100));
    let pictures = [("jpeg-si", photo), ("jpeg-juniward", picture("cool.jpg"))];
    for (codec, cover) in &pictures {
        let cover = cover.to_str().unwrap();
        let text = format!("by {codec}");
        let args = ["send", "--to", "bob", "-m", &text, "--image", cover, "--codec", codec];
        house.run_as("alice", &args).exit(0);
    }
    let smart = picture("smart.jpg");
    let args = ["send", "--to", "bob", "-m", "by lsb-compat", "--codec", "lsb-compat"];
    house.run_as("alice", &[&args[..], &["--image", smart.to_str().unwrap()]].concat()).exit(0);
    let texts = house.receive("bob", 3).exit(0).texts();
    assert_eq!(texts, ["by jpeg-si", "by jpeg-juniward", "by lsb-compat"]);
    // A photo is known again, also made into a smaller one.
    let args = ["send", "--to", "bob", "-m", "again", "--image", pictures[0].1.to_str().unwrap()];
    house.run_as("alice", &args).exit(6).says("was used before");
}

/// A folder of five pictures, and a message that is too long for each of them.
pub(crate) fn folder_and_long_text(house: &House) -> (String, String) {
    let folder = house.path().join("covers");
    std::fs::create_dir(&folder).unwrap();
    for name in ["cool", "blue", "smart", "smile", "think"] {
        let name = format!("{name}.jpg");
        std::fs::copy(picture(&name), folder.join(&name)).unwrap();
    }
    let text: Vec<String> = (0..500).map(|number| number.to_string()).collect();
    (folder.to_str().unwrap().to_owned(), text.join(" "))
}

#[test]
fn a_long_message_is_shared_among_the_pictures_of_a_folder() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let (folder, text) = folder_and_long_text(&house);
    let args = ["send", "--to", "bob", "-m", &text, "--image", &folder];
    let said = house.run_as("alice", &[&args[..], &["--no-wait"]].concat()).exit(0);
    assert!(said.err.contains("too long for one picture and travels in"), "{}", said.err);
    let waiting = house.run_as("alice", &["outbox", "list", "--json"]).exit(0).json();
    assert!(waiting.len() > 1, "{waiting:?}");
    let pieces: Vec<_> = waiting.iter().map(|row| row["piece"].as_u64().unwrap()).collect();
    assert_eq!(pieces, (1..=waiting.len() as u64).collect::<Vec<_>>());
    let sent = house.run_as("alice", &["outbox", "retry", "--json"]).exit(0).json();
    assert_eq!(sent[0]["sent"], waiting.len());
    let received = house.receive("bob", 1).exit(0);
    assert_eq!(received.texts(), [text]);
    let shown = house.run_as("bob", &["history", "--json"]).exit(0).json();
    assert_eq!(shown.len(), 1, "{shown:?}");
    // What is left of the folder does not carry as much.
    let more = "x".repeat(60_000);
    let args = ["send", "--to", "bob", "-m", &more, "--image", &folder];
    house.run_as("alice", &args).exit(6).hints("cover");
}

#[test]
fn of_a_message_in_several_pictures_all_are_taken_back() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let (folder, text) = folder_and_long_text(&house);
    let args = ["send", "--to", "bob", "-m", &text, "--image", &folder, "--no-wait"];
    house.run_as("alice", &args).exit(0);
    let waiting = house.run_as("alice", &["outbox", "list", "--json"]).exit(0).json();
    let second = waiting[1]["number"].to_string();
    house.run_as("alice", &["outbox", "drop", &second]).exit(0);
    let rows = house.run_as("alice", &["outbox", "list", "--json"]).exit(0).json();
    assert!(rows.len() > 1 && rows.iter().all(|row| row["state"] == "withdrawn"), "{rows:?}");
    house.run_as("alice", &["send", "--to", "bob", "-m", "shorter"]).exit(0);
    let received = house.receive("bob", 1).exit(0);
    assert_eq!(received.texts(), ["shorter"]);
    let withdrawn = received.json().iter().filter(|row| row["type"] == "withdrawn").count();
    assert_eq!(withdrawn, rows.len());
}

#[test]
fn one_cover_is_used_once_however_many_ask_for_it_at_once() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let folder = house.path().join("one");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(picture("cool.jpg"), folder.join("cool.jpg")).unwrap();
    let folder = folder.to_str().unwrap();
    let args = ["send", "--to", "bob", "-m", "mine", "--no-wait", "--image", folder];
    let racing: Vec<_> = (0..4).map(|_| house.start("alice", &args)).collect();
    let codes = racing.into_iter().map(|child| crate::house::finish(child).code);
    let codes: Vec<_> = codes.collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 6).count(), 3, "{codes:?}");
}

#[test]
fn nothing_of_another_is_overwritten_and_no_name_is_too_strange() {
    use std::os::unix::ffi::OsStrExt;
    let house = House::new();
    let mine = house.file("mine.jpg", &std::fs::read(picture("cool.jpg")).unwrap());
    let before = std::fs::read(&mine).unwrap();
    let mine = mine.to_str().unwrap();
    house.run(&["cover", "map", mine, "-o", mine]).exit(2);
    assert!(std::fs::read(mine).unwrap() == before);
    let strange = house.path().join(std::ffi::OsStr::from_bytes(b"ph\xffoto.jpg"));
    std::fs::write(&strange, &before).unwrap();
    let mut command = house.command(&["cover", "inspect", "--json"]);
    let said = command.arg(&strange).output().unwrap();
    assert_eq!(said.status.code(), Some(0), "{said:?}");
}

#[test]
fn covers_that_give_the_message_away_are_refused_unless_somebody_insists() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    // A drawing of one colour.
    let mut flat = photo(700, 600);
    flat[54..].fill(120);
    let flat = house.file("flat.bmp", &flat);
    let flat = flat.to_str().unwrap();
    let inspected = house.run(&["cover", "inspect", flat]).exit(6);
    assert!(inspected.out.contains("refused as a cover"), "{}", inspected.out);
    let send = ["send", "--to", "bob", "-m", "x", "--image", flat];
    house.run_as("alice", &send).exit(6).hints("cover");
    let words = "far too much for one picture ".repeat(600);
    let cool = picture("smile.jpg");
    let send = ["send", "--to", "bob", "-m", &words, "--image", cool.to_str().unwrap()];
    house.run_as("alice", &send).exit(6).hints("cover capacity");
    let some = "more than is prudent ".repeat(60);
    let send = ["send", "--to", "bob", "-m", &some, "--image", cool.to_str().unwrap()];
    house.run_as("alice", &send).exit(6).says("no more than");
    house.run_as("alice", &[&send[..], &["--accept-detectable"]].concat()).exit(0).says("prudent");
    assert_eq!(house.receive("bob", 1).exit(0).texts(), [some]);
}

#[test]
fn what_a_detector_says_of_two_pictures() {
    let house = House::new();
    let cover = picture("think.jpg");
    let cover = cover.to_str().unwrap();
    let same = house.run(&["cover", "inspect", cover, "--compare", cover, "--json"]).exit(0);
    let compared = &same.json()[1];
    assert_eq!(compared["type"], "compared");
    assert_eq!(compared["coefficients"]["changed"], 0);
    assert_eq!(compared["writing_differences"], serde_json::json!([]));
    assert_eq!(compared["given_away_by"], serde_json::json!([]));
    let said = house.run(&["cover", "inspect", cover, "--compare", cover]).exit(0);
    for line in
        ["coefficients: 0 of", "sequential JPEG", "written in the same way", "exactly the same"]
    {
        assert!(said.out.contains(line), "{line:?} is not in: {}", said.out);
    }
    let other = picture("cool.jpg");
    let said =
        house.run(&["cover", "inspect", cover, "--compare", other.to_str().unwrap()]).exit(0);
    assert!(said.out.contains("two different pictures"), "{}", said.out);
}

/// The picture of the last message to bob.
fn received(house: &House, texts: usize) -> std::path::PathBuf {
    let folder = house.path().join(format!("received-{texts}"));
    let args = ["listen", "--json", "--max", "1", "--timeout", "20s", "--save-images"];
    house.run_as("bob", &[&args[..], &[folder.to_str().unwrap()]].concat()).exit(0);
    let mut files = std::fs::read_dir(folder).unwrap();
    files.next().unwrap().unwrap().path()
}

#[test]
fn the_old_way_of_hiding_is_given_away_and_the_new_one_is_not() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    for (number, codec) in ["jpeg-juniward", "lsb-compat"].into_iter().enumerate() {
        let cover = picture(["think.jpg", "smart.jpg"][number]);
        let cover = cover.to_str().unwrap();
        let send = ["send", "--to", "bob", "-m", "look", "--codec", codec, "--image", cover];
        house.run_as("alice", &send).exit(0);
        let stego = received(&house, number);
        let stego = stego.to_str().unwrap();
        let args = ["cover", "inspect", cover, "--compare", stego, "--json"];
        let compared = house.run(&args).exit(0).json().remove(1);
        let given_away = &compared["given_away_by"];
        match codec {
            "lsb-compat" => {
                assert!(given_away[0].as_str().unwrap().contains("blocks"), "{compared}")
            }
            _ => assert_eq!(*given_away, serde_json::json!([]), "{compared}"),
        }
    }
}

/// The file with a segment put behind its start-of-image marker.
fn with_segment(file: &[u8], marker: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len() + 2).unwrap().to_be_bytes();
    [&file[..2], &[0xff, marker], &length, bytes, &file[2..]].concat()
}

#[test]
fn a_signed_picture_is_refused_unless_its_history_may_go() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let mut history = b"JP\0\x01\0\0\0\x01\0\0\x01\0jumb\0\0\0\x20jumd".to_vec();
    history.extend(b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71\x03c2pa\0");
    let plain = std::fs::read(picture("think.jpg")).unwrap();
    let signed = house.file("signed.jpg", &with_segment(&plain, 0xeb, &history));
    let signed = signed.to_str().unwrap();
    let send = ["send", "--to", "bob", "-m", "x", "--image", signed];
    house.run_as("alice", &send).exit(6).says("C2PA").hints("--strip-provenance");
    house.run_as("alice", &[&send[..], &["--accept-detectable"]].concat()).exit(6).says("C2PA");
    let sent = house.run_as("alice", &[&send[..], &["--strip-provenance"]].concat()).exit(0);
    sent.says("signed history");
    let picture = std::fs::read(received(&house, 1)).unwrap();
    assert!(!picture.windows(4).any(|window| window == b"jumb"));
    let inspected = house.run(&["cover", "inspect", signed]).exit(6);
    assert!(inspected.out.contains("--strip-provenance"), "{}", inspected.out);
}

#[test]
fn a_phones_further_pictures_are_sent_if_asked() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let further = b"\xff\xd8 a gain map \xff\xd9";
    let plain = std::fs::read(picture("think.jpg")).unwrap();
    let index = |end: u32, start: u32| {
        let mut bytes =
            b"MPF\0MM\0*\0\0\0\x08\0\x01\xb0\x02\0\x07\0\0\0\x20\0\0\0\x1a\0\0\0\0".to_vec();
        for number in [0x30000, end, 0, 0, 0, further.len() as u32, start, 0] {
            bytes.extend_from_slice(&u32::to_be_bytes(number));
        }
        bytes
    };
    let end = with_segment(&plain, 0xe2, &index(0, 0)).len() as u32;
    let phone = |end: u32, start: u32| {
        [&with_segment(&plain, 0xe2, &index(end, start))[..], further].concat()
    };
    let file = house.file("phone.jpg", &phone(end, end - 10));
    let damaged = house.file("damaged.jpg", &phone(end, 5));
    let send = ["send", "--to", "bob", "-m", "x", "--keep-extras", "--image"];
    let other = [&send[..], &[file.to_str().unwrap(), "--codec", "jpeg-si"]].concat();
    house.run_as("alice", &other).exit(2).says("jpeg-juniward");
    house.run_as("alice", &[&send[..], &[damaged.to_str().unwrap()]].concat()).exit(6).says("MPF");
    house.run_as("alice", &[&send[..], &[file.to_str().unwrap()]].concat()).exit(0);
    let kept = std::fs::read(received(&house, 1)).unwrap();
    assert!(kept.ends_with(further));
    // The second picture is where the index says.
    let number = |at: usize| u32::from_be_bytes(kept[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(10 + number(10 + 0x1a + 24), kept.len() - further.len());
    // The same picture is known again without its extras.
    let again = house.file("plain.jpg", &plain);
    let send = ["send", "--to", "bob", "-m", "x", "--image", again.to_str().unwrap()];
    house.run_as("alice", &send).exit(6).says("used before");
}

#[test]
fn a_picture_in_which_no_byte_is_safe_is_no_good_cover() {
    let house = House::new();
    let tiny = house.file("tiny.bmp", &photo(24, 16));
    let judged = house.run(&["cover", "inspect", tiny.to_str().unwrap(), "--json"]).exit(6);
    assert_eq!(judged.json()[0]["good"], false);
    let fixture = "../chat-stego/tests/fixtures/jpeg/grey.jpg";
    let small = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture);
    let judged = house.run(&["cover", "inspect", small.to_str().unwrap()]).exit(6);
    assert!(judged.out.contains("refused as a cover"), "{}", judged.out);
    assert!(judged.out.contains("larger"), "{}", judged.out);
}

#[test]
fn a_phones_heic_is_refused_with_what_to_do() {
    let house = House::new();
    let heic = house.file("photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    let heic = heic.to_str().unwrap();
    let (out, think) = (house.path().join("covers"), picture("think.jpg"));
    for args in [
        vec!["cover", "prepare", heic, "--out", out.to_str().unwrap()],
        vec!["cover", "inspect", heic],
        vec!["cover", "inspect", think.to_str().unwrap(), "--compare", heic],
    ] {
        house.run(&args).exit(6).says("HEIC").hints("cover prepare");
    }
}
