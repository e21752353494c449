//! `cover map`: pictures of where a text would be hidden.

use std::fs::File;
use std::io::Write;

use chat_core::{CoverMap, map_cover};

use crate::args::{MapArgs, MapKind};
use crate::failure::{Exit, Failure};
use crate::output::Console;

pub(super) fn run(args: &MapArgs, console: Console) -> Result<Exit, Failure> {
    let bytes = super::read(&args.file)?;
    let what = match args.what {
        MapKind::Changes => CoverMap::Changes,
        MapKind::Costs => CoverMap::Costs,
        MapKind::LowestBits => CoverMap::LowestBits,
    };
    let map = map_cover(&bytes, what).map_err(|error| super::named(&args.file, error))?;
    // Never over another file, least of all over the picture itself.
    let written = File::create_new(&args.out).and_then(|mut file| file.write_all(&map));
    written.map_err(|error| Failure::file(&args.out, &error))?;
    if console.json {
        console.print_json(&serde_json::json!({
            "v": 1, "type": "map", "file": args.file.to_string_lossy(), "map": args.out.to_string_lossy(),
        }))?;
    }
    Ok(Exit::Done)
}
