//! `cover choose`: the picture of a folder that a text disturbs least.

use std::path::Path;

use chat_core::choose_cover;

use crate::failure::{Exit, Failure};
use crate::output::{Console, one_line};

pub(super) fn run(folder: &Path, bytes: usize, console: Console) -> Result<Exit, Failure> {
    let chosen = choose_cover(folder, bytes)?;
    if console.json {
        console.print_json(&serde_json::json!({
            "v": 1, "type": "chosen", "file": chosen.path.to_string_lossy(), "codec": chosen.codec.as_str(),
            "distortion": chosen.distortion, "looked_at": chosen.looked_at,
        }))?;
    } else {
        console.print(&one_line(&chosen.path.display().to_string()))?;
    }
    Ok(Exit::Done)
}
