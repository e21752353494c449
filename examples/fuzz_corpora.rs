//! Everything that was ever fed to the fuzz targets and kept, on a stable compiler.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::duplicate_mod,
    unreachable_pub,
    missing_docs,
    reason = "a test"
)]

use std::path::Path;

#[path = "../fuzz/checks.rs"]
mod checks;

#[test]
fn every_corpus_is_replayed() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (name, check) in checks::TARGETS {
        let mut files = 0;
        for entry in std::fs::read_dir(corpora.join(name)).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            check(&bytes);
            // Cut and changed ones are worth a look as well.
            (0..bytes.len().min(200)).for_each(|end| check(&bytes[..end]));
            for at in (0..bytes.len()).step_by(1 + bytes.len() / 200) {
                let mut changed = bytes.clone();
                changed[at] ^= 0x40;
                check(&changed);
            }
            files += 1;
        }
        println!("{name}: {files} files");
        assert!(files > 0, "{name} has no corpus");
    }
}
