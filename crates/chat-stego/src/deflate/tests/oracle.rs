//! Against C zlib, where a script has written what it makes (`tests/deflate_cases.py`).

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use super::super::{Level, Memory, Strategy, Zlib, identify, inflate, patch, prove};

fn all_settings() -> impl Iterator<Item = (Zlib, String)> {
    Level::all().zip(1..).flat_map(|(level, number)| {
        [(Memory::Eight, 8), (Memory::Nine, 9)].into_iter().flat_map(move |(memory, m)| {
            [(Strategy::Default, 0), (Strategy::Filtered, 1)].into_iter().map(
                move |(strategy, s)| {
                    (Zlib { level, memory, strategy }, format!("{number}.{m}.{s}"))
                },
            )
        })
    })
}

fn cases() -> Vec<PathBuf> {
    let folder = std::env::var("CHAT_STEGO_DEFLATE_CASES").expect("the folder of cases");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|end| end == "raw")).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn first_difference(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()))
}

#[test]
#[ignore = "needs the cases that tests/deflate_cases.py writes"]
fn equals_zlib_on_cases() {
    let mut wrong = 0;
    for case in cases() {
        let raw = fs::read(&case).unwrap();
        for (zlib, name) in all_settings() {
            let Ok(stream) = fs::read(case.with_extension(format!("{name}.z"))) else { continue };
            assert_eq!(inflate(&stream, raw.len()).as_deref(), Ok(&*raw), "{case:?} {name}");
            let ours = zlib.compress(&raw);
            if ours != stream {
                let at = first_difference(&ours, &stream);
                println!("{case:?} {name}: {} and {} at {at}", ours.len(), stream.len());
                wrong += 1;
                fs::write(case.with_extension(format!("{name}.ours")), &ours).unwrap();
                continue;
            }
            assert!(zlib.reproduces(&stream, &raw));
            let found = identify(&stream, &raw).expect("identified");
            let proved = prove(&stream, &raw).expect("proved");
            assert_eq!(proved.compress(&raw), stream, "{case:?} {name} {found:?} {proved:?}");
        }
    }
    assert_eq!(wrong, 0);
}

/// Prints times for `CHAT_STEGO_DEFLATE_TIMED`, raw bytes with `.LEVEL.MEMORY.STRATEGY.z` beside.
#[test]
#[ignore = "measures"]
fn speed() {
    let case = std::env::var("CHAT_STEGO_DEFLATE_TIMED").expect("a file");
    let raw = fs::read(&case).unwrap();
    let timed = |what: &str, work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        println!("{what}: {:.3} s", start.elapsed().as_secs_f64());
    };
    for (zlib, name) in all_settings() {
        let Ok(stream) = fs::read(Path::new(&case).with_extension(format!("{name}.z"))) else {
            continue;
        };
        timed(&format!("{name} inflate"), &mut || {
            assert!(inflate(&stream, raw.len()).unwrap() == raw);
        });
        timed(&format!("{name} one thread"), &mut || {
            let ours = zlib.walk(&raw, |_| super::super::encode::Verdict::Continue(()));
            assert!(ours.unwrap() == stream);
        });
        timed(&format!("{name} compress"), &mut || assert!(zlib.compress(&raw) == stream));
        timed(&format!("{name} prove"), &mut || assert!(prove(&stream, &raw).is_some()));
        let mut new = raw.clone();
        let step = raw.len() / 24_000;
        new.iter_mut().step_by(step).for_each(|byte| *byte = byte.wrapping_add(1));
        timed(&format!("{name} patch"), &mut || {
            let patched = patch(&stream, &raw, &new).unwrap();
            println!("growth {:.4}", patched.len() as f64 / stream.len() as f64);
        });
    }
}
