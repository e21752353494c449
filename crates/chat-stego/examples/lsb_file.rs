//! Hides a file in a picture, or takes it out: `lsb_file hide COVER TEXT OUT`, `reveal IMAGE OUT`. And times both
//! without any file, from pixels to pixels: `time COVER TEXT ROUNDS` prints medians in seconds.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fs;
use std::time::Instant;

use chat_stego::measuring::Pixels;
use chat_stego::{EmbedOptions, LsbCompat, StegoCodec, StegoKey};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let key = StegoKey::from_bytes([0; 32]);
    match arguments.as_slice() {
        ["hide", cover, text, out] => {
            let (cover, text) = (fs::read(cover)?, fs::read(text)?);
            let picture = LsbCompat.embed(&cover, &text, &key, &EmbedOptions::default())?;
            fs::write(out, picture.file)?;
        }
        ["reveal", image, out] => fs::write(out, &*LsbCompat.extract(&fs::read(image)?, &key)?)?,
        ["time", cover, text, rounds] => {
            time(&fs::read(cover)?, &fs::read(text)?, rounds.parse()?)?
        }
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

fn time(cover: &[u8], text: &[u8], rounds: usize) -> Result<(), Box<dyn Error>> {
    let (mut hiding, mut revealing) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        let mut pixels = Pixels::of(cover)?;
        let start = Instant::now();
        pixels.hide(text);
        hiding.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let found = pixels.reveal()?;
        revealing.push(start.elapsed().as_secs_f64());
        if *found != *text {
            return Err("another text was found".into());
        }
    }
    println!("{} {}", median(hiding), median(revealing));
    Ok(())
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or_default()
}

const USAGE: &str =
    "usage: lsb_file hide COVER TEXT OUT | reveal IMAGE OUT | time COVER TEXT ROUNDS";
