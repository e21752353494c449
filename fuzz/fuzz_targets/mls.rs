#![no_main]

#[path = "../checks.rs"]
#[allow(dead_code)]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (_, check) = checks::TARGETS.iter().find(|(name, _)| *name == "mls").unwrap();
    check(bytes);
});
