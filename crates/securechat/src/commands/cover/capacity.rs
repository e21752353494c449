//! `cover capacity`: how much text fits.

use std::path::{Path, PathBuf};

use chat_core::{CodecId, CoverCapacity, cover_capacity};

use crate::failure::{Exit, Failure};
use crate::output::{Console, one_line};

pub(super) fn run(
    files: &[PathBuf],
    max_record: u32,
    codec: Option<CodecId>,
    console: Console,
) -> Result<Exit, Failure> {
    Ok(super::for_each(files, console, |path, bytes| {
        let fits = cover_capacity(bytes, max_record, codec).map_err(|error| Failure {
            hints: vec![
                "use a photograph as it comes from the camera: securechat cover inspect FILE"
                    .into(),
            ],
            ..super::named(path, error)
        })?;
        print(path, fits, max_record, console)?;
        Ok(if fits.text.max == 0 { Exit::Cover } else { Exit::Done })
    }))
}

fn print(
    path: &Path,
    fits: CoverCapacity,
    max_record: u32,
    console: Console,
) -> Result<(), Failure> {
    let CoverCapacity { codec, width, height, text, scaled_to, .. } = fits;
    if console.json {
        return console.print_json(&serde_json::json!({
            "v": 1, "type": "capacity", "file": path.to_string_lossy(), "codec": codec.as_str(), "width": width,
            "height": height, "text_bytes": text.max, "comfort_bytes": text.comfort,
            "caution_bytes": text.caution, "max_record": max_record,
            "scaled_to": scaled_to.map(|(width, height)| serde_json::json!({
                "width": width, "height": height,
            })),
        }));
    }
    let name = path.display().to_string();
    let name = one_line(&name);
    let scaled = scaled_to.map_or_else(String::new, |(width, height)| {
        format!(", scaled down to {width}x{height} for records of {max_record} bytes")
    });
    console.print(&match codec {
        _ if text.max == 0 => format!("{name}: {width}x{height}, too small for any message"),
        CodecId::LsbCompat => {
            format!("{name}: {width}x{height}, a text of up to {} bytes fits{scaled}", text.max)
        }
        _ => format!(
            "{name}: {codec} {width}x{height}, a text of {} bytes is safe, {} with caution, {} at most",
            text.comfort, text.caution, text.max
        ),
    })
}
