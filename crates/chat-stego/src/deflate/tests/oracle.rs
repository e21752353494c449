//! Against C zlib, where a script has written what it makes (`tests/deflate_cases.py`).

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use super::{
    super::{Level, Memory, Strategy, Zlib, encode::Verdict, identify, inflate, patch, prove},
    all_settings,
};

/// All settings, with their part in the names of files.
fn named_settings() -> impl Iterator<Item = (Zlib, String)> {
    all_settings().map(|zlib| {
        let level = Level::all().take_while(|&level| level != zlib.level).count() + 1;
        let memory = if zlib.memory == Memory::Eight { 8 } else { 9 };
        let strategy = u8::from(zlib.strategy == Strategy::Filtered);
        (zlib, format!("{level}.{memory}.{strategy}"))
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
        for (zlib, name) in named_settings() {
            let Ok(stream) = fs::read(case.with_extension(format!("{name}.z"))) else { continue };
            assert_eq!(inflate(&stream, raw.len()).as_deref(), Ok(&*raw), "{case:?} {name}");
            let ours = zlib.compress(&raw);
            if ours != stream {
                let at = first_difference(&ours, &stream);
                println!("{case:?} {name}: {} and {} at {at}", ours.len(), stream.len());
                wrong += 1;
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

/// Says of each PNG whose cases were written who compressed it, and that it can be patched.
#[test]
#[ignore = "needs the cases that tests/deflate_cases.py writes"]
fn names_the_compressors_of_pictures() {
    for case in cases() {
        let Ok(stream) = fs::read(case.with_extension("idat")) else { continue };
        let raw = fs::read(&case).unwrap();
        println!("{case:?}: {:x?} {:?}", &stream[..2], prove(&stream, &raw));
        let mut new = raw.clone();
        new.iter_mut().step_by(1500).for_each(|byte| *byte = byte.wrapping_add(1));
        let patched = patch(&stream, &raw, &new).unwrap();
        println!("    patched {:.4}", patched.len() as f64 / stream.len() as f64);
    }
}

/// What this process has used of its processors (Linux; else 0).
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Prints times for `CHAT_STEGO_DEFLATE_TIMED`, raw bytes with `.LEVEL.MEMORY.STRATEGY.z` beside.
#[test]
#[ignore = "measures"]
fn speed() {
    let case = std::env::var("CHAT_STEGO_DEFLATE_TIMED").expect("a file");
    let raw = fs::read(&case).unwrap();
    let timed = |what: &str, work: &mut dyn FnMut()| {
        let (start, busy) = (Instant::now(), processor_seconds());
        work();
        let busy = processor_seconds() - busy;
        println!("{what}: {:.2} s, processors {busy:.2} s", start.elapsed().as_secs_f64());
    };
    for (zlib, name) in named_settings() {
        let Ok(stream) = fs::read(Path::new(&case).with_extension(format!("{name}.z"))) else {
            continue;
        };
        timed(&format!("{name} inflate"), &mut || {
            assert!(inflate(&stream, raw.len()).unwrap() == raw);
        });
        timed(&format!("{name} one thread"), &mut || {
            let ours = zlib.walk(&raw, |_, _| Verdict::Continue(()));
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
