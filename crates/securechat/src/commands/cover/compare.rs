//! What detectors say of a cover and of the picture that was made from it.

use std::path::Path;

use chat_core::{Assessment, Comparison, compare_pictures};

use crate::failure::Failure;
use crate::output::{Console, one_line};

type Named<'a> = (&'a Path, &'a [u8]);

pub(super) fn run(cover: Named<'_>, stego: Named<'_>, console: Console) -> Result<(), Failure> {
    let compared =
        compare_pictures(cover.1, stego.1).map_err(|error| super::named(stego.0, error))?;
    if console.json {
        return console.print_json(&json(cover.0, stego.0, &compared));
    }
    let name = stego.0.display().to_string();
    console.print(&format!("  compared with {}:", one_line(&name)))?;
    for line in lines(&compared) {
        console.print(&format!("    {line}"))?;
    }
    Ok(())
}

/// A detector's name and its answers on both, as shares of all pixels.
fn rates(compared: &Comparison) -> [(&'static str, [Option<f64>; 2]); 3] {
    let both = |of: fn(&Assessment) -> Option<f64>| [of(&compared.cover), of(&compared.stego)];
    [
        ("sample pairs", both(|seen| seen.sample_pairs.map(|rate| rate.get()))),
        ("RS", both(|seen| seen.regular_singular.map(|rate| rate.get()))),
        ("weighted stego", both(|seen| seen.weighted_stego.map(|rate| rate.get()))),
    ]
}

fn lines(compared: &Comparison) -> Vec<String> {
    let say = |rate: Option<f64>| rate.map_or("no answer".into(), |rate| format!("{rate:.3}"));
    let mut lines: Vec<String> = rates(compared)
        .into_iter()
        .map(|(name, [cover, stego])| {
            format!("{name}: {} of the pixels carry bits, then {}", say(cover), say(stego))
        })
        .collect();
    match (&compared.coefficients, &compared.samples) {
        (Some(found), _) => lines.push(format!(
            "coefficients: {} of {} changed, {} of them by more than one, {} averages (DC)",
            found.changed, found.nonzero_ac, found.by_more_than_one, found.dc
        )),
        (None, Some(found)) => lines.push(format!(
            "samples: {} of {} changed, {} of them by one",
            found.changed, found.samples, found.by_one
        )),
        _ => lines.push("the two have different sizes".into()),
    }
    lines
}

fn json(cover: &Path, stego: &Path, compared: &Comparison) -> serde_json::Value {
    let [pairs, groups, weighted] = rates(compared).map(|(_, both)| both);
    serde_json::json!({
        "v": 1, "type": "compared", "cover": cover.to_string_lossy(), "stego": stego.to_string_lossy(), "sample_pairs": pairs, "rs": groups,
        "weighted_stego": weighted,
        "coefficients": compared.coefficients.map(|found| serde_json::json!({
            "changed": found.changed, "nonzero_ac": found.nonzero_ac, "dc": found.dc,
            "by_more_than_one": found.by_more_than_one, "same_tables": found.same_tables,
        })),
        "samples": compared.samples.map(|found| serde_json::json!({
            "changed": found.changed, "samples": found.samples, "by_one": found.by_one,
        })),
    })
}
