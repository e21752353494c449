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

/// A detector's name, and its answers on both.
type Answers<T> = (&'static str, [Option<T>; 2]);

/// The share of the lowest bits that carry something.
fn rates(compared: &Comparison) -> [Answers<f64>; 3] {
    let both = |of: fn(&Assessment) -> Option<f64>| [of(&compared.cover), of(&compared.stego)];
    [
        ("sample pairs", both(|seen| seen.sample_pairs.map(|rate| rate.get()))),
        ("RS", both(|seen| seen.regular_singular.map(|rate| rate.get()))),
        ("weighted stego", both(|seen| seen.weighted_stego.map(|rate| rate.get()))),
    ]
}

/// How sure it is that lowest bits are full.
fn certainties(compared: &Comparison) -> [Answers<f64>; 2] {
    let both = |of: fn(&Assessment) -> Option<f64>| [of(&compared.cover), of(&compared.stego)];
    [
        ("chi-square, first rows", both(|seen| seen.chi_square().0)),
        ("chi-square, all rows", both(|seen| seen.chi_square().1)),
    ]
}

/// What no JPEG decoder makes, and how much was looked at.
fn impossible(compared: &Comparison) -> [Answers<(usize, usize)>; 2] {
    let [cover, stego] = [&compared.cover, &compared.stego];
    let own = |seen: &Assessment| seen.former_jpeg.map(|found| found.blocks);
    let blocks = [own(cover), compared.blocks_by_cover_table.or(own(stego))];
    let colours = [cover.colours, stego.colours];
    [
        ("impossible JPEG blocks", blocks.map(|found| Some((found?.impossible, found?.tested)))),
        ("impossible JPEG colours", colours.map(|found| Some((found?.impossible, found?.tested)))),
    ]
}

fn lines(compared: &Comparison) -> Vec<String> {
    let row = |name: &str, cover: &str, stego: &str| format!("{name:24} {cover:>16} {stego:>16}");
    if compared.samples.is_none() {
        let size = |seen: &Assessment| format!("{}x{}", seen.width, seen.height);
        return vec![format!(
            "these are two different pictures: {} and {}",
            size(&compared.cover),
            size(&compared.stego)
        )];
    }
    let mut lines = vec![row("", "cover", "stego")];
    for (name, rates) in rates(compared) {
        let said = rates.map(|rate| rate.map_or("-".into(), |r| format!("{:.1} %", 100.0 * r)));
        lines.push(row(name, &said[0], &said[1]));
    }
    for (name, sure) in certainties(compared) {
        let said = sure.map(|sure| sure.map_or("-".into(), |sure| format!("p = {sure:.2}")));
        lines.push(row(name, &said[0], &said[1]));
    }
    for (name, counts) in impossible(compared) {
        let said = counts.map(|c| c.map_or("-".into(), |(some, all)| format!("{some} of {all}")));
        lines.push(row(name, &said[0], &said[1]));
    }
    lines.push(format!("cover: {}", compared.writing.cover));
    lines.push(format!("stego: {}", compared.writing.stego));
    let differences: Vec<String> =
        compared.writing.differences.iter().map(ToString::to_string).collect();
    lines.push(match differences.as_slice() {
        [] => "written in the same way, as far as can be told".into(),
        differences => format!("written otherwise: {}", differences.join(", ")),
    });
    lines.push(changes(compared));
    lines.push(verdict(compared));
    lines
}

fn changes(compared: &Comparison) -> String {
    match (&compared.coefficients, &compared.samples) {
        (Some(found), _) => format!(
            "coefficients: {} of {} changed, {} of them by more than one, {} averages (DC)",
            found.changed, found.nonzero_ac, found.by_more_than_one, found.dc
        ),
        (None, Some(found)) => format!(
            "samples: {} of {} changed, {} of them by one",
            found.changed, found.samples, found.by_one
        ),
        (None, None) => String::new(),
    }
}

fn verdict(compared: &Comparison) -> String {
    let found: Vec<&str> = compared.giveaways().into_iter().map(|one| one.as_str()).collect();
    match found.as_slice() {
        [] if compared.is_same_picture() => "the two show exactly the same".into(),
        [] => "none of these tells the two apart; trained detectors see more, and whoever has the \
               cover sees every change"
            .into(),
        found => format!("given away by: {}", found.join(", ")),
    }
}

fn json(cover: &Path, stego: &Path, compared: &Comparison) -> serde_json::Value {
    let [pairs, groups, weighted] = rates(compared).map(|(_, both)| both);
    let [head, all] = certainties(compared).map(|(_, both)| both);
    let [blocks, colours] = impossible(compared).map(|(_, both)| {
        both.map(|found| {
            found.map(|(impossible, tested)| {
                serde_json::json!({ "impossible": impossible, "tested": tested })
            })
        })
    });
    let writing = &compared.writing;
    serde_json::json!({
        "v": 1, "type": "compared", "cover": cover.to_string_lossy(), "stego": stego.to_string_lossy(), "sample_pairs": pairs, "rs": groups,
        "weighted_stego": weighted, "chi_square_head": head, "chi_square": all, "jpeg_blocks": blocks, "jpeg_colours": colours,
        "writing": [writing.cover.to_string(), writing.stego.to_string()],
        "writing_differences": writing.differences.iter().map(|found| found.name()).collect::<Vec<_>>(),
        "given_away_by": compared.giveaways().into_iter().map(|found| found.as_str()).collect::<Vec<_>>(),
        "same_size": compared.samples.is_some(),
        "coefficients": compared.coefficients.map(|found| serde_json::json!({
            "changed": found.changed, "nonzero_ac": found.nonzero_ac, "dc": found.dc,
            "by_more_than_one": found.by_more_than_one, "same_tables": found.same_tables,
        })),
        "samples": compared.samples.map(|found| serde_json::json!({
            "changed": found.changed, "samples": found.samples, "by_one": found.by_one,
        })),
    })
}
