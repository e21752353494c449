//! How the story is told.

use crate::failure::Failure;
use crate::output::{Console, human};

/// The story: it is the demo's data, so it goes to stdout.
#[derive(Clone, Copy)]
pub(super) struct Teller(pub(super) Console);

impl Teller {
    pub(super) fn title(self, title: &str) -> Result<(), Failure> {
        if self.0.json {
            return self
                .0
                .print_json(&serde_json::json!({"v": 1, "type": "stage", "title": title}));
        }
        let title = human::painted(title, anstyle::Style::new().bold(), self.0.color);
        self.0.print(&format!("\n{title}"))
    }

    pub(super) fn row(self, name: &str, what: &str) -> Result<(), Failure> {
        if self.0.json {
            // What stands below a name in the story belongs to the record that was shown.
            let name = if name.is_empty() { "bytes" } else { name };
            return self.0.print_json(
                &serde_json::json!({"v": 1, "type": "step", "name": name, "what": what}),
            );
        }
        self.0.print(&format!("  {name:<18} {what}"))
    }

    pub(super) fn line(self, line: &str) -> Result<(), Failure> {
        if self.0.json {
            let command = line.split("  #").next().unwrap_or_default().trim();
            return self
                .0
                .print_json(&serde_json::json!({"v": 1, "type": "next", "command": command}));
        }
        self.0.print(line)
    }
}
