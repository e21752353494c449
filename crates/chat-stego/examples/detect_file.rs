//! Asks every detector about picture files: `detect_file FILE...`.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fs;

use chat_stego::detect::{self, EmbeddingRate};

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args().skip(1) {
        let found = detect::assess(&fs::read(&path)?)?;
        print!("{path}: SPA {}, RS {}", raw(found.sample_pairs), raw(found.regular_singular));
        print!(", WS {}", raw(found.weighted_stego));
        for one in &found.channels {
            let name = one.channel.as_str();
            print!(", chi2 {name} {:?} {:?}", one.chi_square_head, one.chi_square);
        }
        if let Some(colours) = found.colours {
            print!(", colours: {} of {} impossible", colours.impossible, colours.tested);
        }
        match found.former_jpeg {
            None => println!(", no former JPEG"),
            Some(jpeg) => println!(
                ", former JPEG at {},{}: {} of {} blocks impossible",
                jpeg.grid.x, jpeg.grid.y, jpeg.blocks.impossible, jpeg.blocks.tested
            ),
        }
        if let (Some(jpeg), Some(_)) = (found.former_jpeg, std::env::var_os("SHOW_TABLE")) {
            jpeg.table.steps().chunks(8).for_each(|row| println!("{row:?}"));
        }
    }
    Ok(())
}

fn raw(rate: Option<EmbeddingRate>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.4}", rate.raw()))
}
