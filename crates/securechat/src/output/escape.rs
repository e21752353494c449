//! Text that cannot talk to a terminal.

use std::borrow::Cow;

/// The text on one line, with everything that a terminal would act on written as `\u{…}`.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    escape(text, |c| acts_on_terminal(c) || c == '\n' || c == '\t')
}

/// The text over its own lines; each line but the first is indented, so that none can pass for
/// something that the program has said.
pub(crate) fn indented(text: &str, indent: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(|line| escape(line, acts_on_terminal)).collect();
    lines.join(&format!("\n{indent}"))
}

/// JSON whose strings hold such characters as `\u….` escapes; nothing else of it can hold them.
pub(crate) fn json(line: &str) -> Cow<'_, str> {
    if !line.chars().any(acts_on_terminal) {
        return Cow::Borrowed(line);
    }
    let mut escaped = String::with_capacity(line.len());
    for c in line.chars() {
        if acts_on_terminal(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// A word that a shell takes as it is.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+,:@%".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", one_line(word).replace('\'', "'\\''"))
}

fn escape(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&acts) {
        return Cow::Borrowed(text);
    }
    let shown =
        text.chars().map(|c| if acts(c) { c.escape_unicode().to_string() } else { c.to_string() });
    Cow::Owned(shown.collect())
}

/// Controls (C0 but tab and newline, DEL, C1), and characters that are invisible or turn the
/// direction of writing. Joiners (U+200C, U+200D) stay: scripts and emoji need them.
fn acts_on_terminal(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_is_left() {
        assert_eq!(one_line("a\u{1b}[31mred"), "a\\u{1b}[31mred");
        assert_eq!(one_line("\u{9b}2J\u{7f}\u{202e}\u{0}"), "\\u{9b}2J\\u{7f}\\u{202e}\\u{0}");
        assert_eq!(one_line("two\nlines\r\n"), "two\\u{a}lines\\u{d}\\u{a}");
        assert_eq!(one_line("grüße 👩‍🚀"), "grüße 👩‍🚀");
    }

    #[test]
    fn a_second_line_cannot_begin_at_the_first_column() {
        assert_eq!(indented("one\nerror: two\rx", "    "), "one\n    error: two\\u{d}x");
    }

    #[test]
    fn json_stays_json() {
        let line = serde_json::to_string("a\u{9b}b\u{202e}c\u{e0041}\u{1b}").unwrap();
        let safe = json(&line);
        assert!(!safe.chars().any(acts_on_terminal), "{safe}");
        assert_eq!(
            serde_json::from_str::<String>(&safe).unwrap(),
            "a\u{9b}b\u{202e}c\u{e0041}\u{1b}"
        );
    }

    #[test]
    fn shell_words_are_quoted_where_needed() {
        assert_eq!(shell_word("/a/b.key"), "/a/b.key");
        assert_eq!(shell_word("it's here"), "'it'\\''s here'");
    }
}
