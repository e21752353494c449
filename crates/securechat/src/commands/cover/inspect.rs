//! `cover inspect`: how good a picture is as a cover, and why.

use std::path::Path;

use chat_core::{Finding, Judgement, Severity, judge_cover};

use crate::args::InspectArgs;
use crate::failure::{Exit, Failure};
use crate::output::{Console, one_line};

pub(super) fn run(args: &InspectArgs, console: Console) -> Result<Exit, Failure> {
    Ok(super::for_each(&args.files, console, |path, bytes| {
        let judged = judge_cover(bytes).map_err(|error| super::named(path, error))?;
        print(path, &judged, console)?;
        if let Some(other) = &args.compare {
            super::compare::run((path, bytes), (other, &super::read(other)?), console)?;
        }
        Ok(if judged.is_refused() { Exit::Cover } else { Exit::Done })
    }))
}

fn print(path: &Path, judged: &Judgement, console: Console) -> Result<(), Failure> {
    let sizes = judged.sizes();
    if console.json {
        let finding = |finding: &Finding| {
            serde_json::json!({
                "name": finding.name(), "severity": word(finding.severity()), "text": finding.to_string(),
            })
        };
        return console.print_json(&serde_json::json!({
            "v": 1, "type": "cover", "file": path.to_string_lossy(), "format": judged.format.as_str(), "width": judged.width,
            "height": judged.height, "good": !judged.is_refused(), "comfort_bytes": sizes.comfort,
            "caution_bytes": sizes.caution, "max_bytes": sizes.max,
            "findings": judged.findings.iter().map(finding).collect::<Vec<_>>(),
        }));
    }
    let name = path.display().to_string();
    let verdict = match judged.worst() {
        Some(Severity::Refuse) => "refused as a cover",
        Some(Severity::Warn) => "a cover, with doubts",
        _ => "a good cover",
    };
    let Judgement { format, width, height, .. } = judged;
    console.print(&format!("{}: {format} {width}x{height}, {verdict}", one_line(&name)))?;
    for finding in &judged.findings {
        console.print(&format!("  {}: {finding}", word(finding.severity())))?;
    }
    Ok(())
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Refuse => "refused",
        Severity::Warn => "warning",
        _ => "note",
    }
}
