//! Both directions against the real Python package `stegano`, versions 3 and 2.
//!
//! `scripts/stegano-envs` makes the two environments and prints the variables that name them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]
#![allow(missing_docs, reason = "a test crate")]

use std::path::{Path, PathBuf};
use std::process::Command;

use chat_stego::{EmbedOptions, LsbCompat, StegoCodec, StegoKey};

#[test]
fn stegano_3_and_we_read_each_other() {
    exchange("SECURECHAT_STEGANO3_PYTHON");
}

#[test]
fn stegano_2_and_we_read_each_other() {
    exchange("SECURECHAT_STEGANO2_PYTHON");
}

fn exchange(variable: &str) {
    let Some(python) = std::env::var_os(variable) else {
        let required = std::env::var_os("SECURECHAT_REQUIRE_INTEROP").is_some_and(|v| v == "1");
        assert!(!required, "{variable} is not set, and interop is required");
        eprintln!("skipped: {variable} names no Python with stegano; see scripts/stegano-envs");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let drive = |verb: &str| {
        let status = Command::new(&python)
            .args(["-W", "ignore"])
            .arg(crate_folder.join("tests/stegano_driver.py"))
            .arg(verb)
            .arg(folder.path())
            .arg(crate_folder.join("../../images"))
            .status()
            .expect("the Python that the variable names starts");
        assert!(status.success(), "stegano_driver.py {verb} failed");
    };
    drive("hide");
    let cases = cases(folder.path());
    assert_eq!(cases.len(), 6 * 12 + 7 + 4 + 1 + 5 * 3);
    cases.iter().for_each(check_theirs_and_write_ours);
    drive("reveal");
    for case in &cases {
        assert_eq!(case.read("revealed"), case.read("payload"), "{}", case.name);
    }
}

struct Case {
    folder: PathBuf,
    name: String,
}

impl Case {
    fn path(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.name))
    }

    fn read(&self, extension: &str) -> Vec<u8> {
        std::fs::read(self.path(extension)).unwrap()
    }
}

fn cases(folder: &Path) -> Vec<Case> {
    let names = std::fs::read_dir(folder).unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".payload").map(str::to_owned)
    });
    names.map(|name| Case { folder: folder.to_owned(), name }).collect()
}

fn check_theirs_and_write_ours(case: &Case) {
    let name = &case.name;
    let key = StegoKey::from_bytes([0; 32]);
    let payload = case.read("payload");
    let theirs = case.read("theirs.png");
    assert_eq!(*LsbCompat.extract(&theirs, &key).unwrap(), payload, "{name}");
    assert!(payload.starts_with(&LsbCompat.peek(&theirs, 76).unwrap().head), "{name}");

    let cover = std::fs::read(String::from_utf8(case.read("cover")).unwrap()).unwrap();
    let ours = LsbCompat.embed(&cover, &payload, &key, &EmbedOptions::default()).unwrap();
    if case.path("raw").exists() {
        assert_eq!(samples(&ours.file), case.read("raw"), "{name}");
        assert_eq!(samples(&ours.file), samples(&theirs), "{name}");
    }
    std::fs::write(case.path("ours.png"), ours.file).unwrap();
}

fn samples(png: &[u8]) -> Vec<u8> {
    let picture = image::load_from_memory(png).unwrap();
    picture.into_bytes()
}
