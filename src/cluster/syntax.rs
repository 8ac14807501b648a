//! The mistakes in a text that is not TOML, with their remedies.
//!
//! The reader goes on behind a mistake, often in the middle of a value, and finds others that are not there. And its messages
//! tell what it expected, not what the user meant.

use toml::de::Error;

use super::file::{MAX_PROBLEMS, NODE, USE_DOUBLE_BRACKETS, WRITE_PAIRS};
use super::mask::split_token;
use super::problem::Findings;

const USE_SINGLE_QUOTES: &str =
    "in double quotes a backslash begins an escape; use single quotes to mean the character";

const WRITE_TEXT_IN_QUOTES: &str = "write a text in quotes; only numbers, true and false stand without";

/// Reports the first mistake in each line. No message has text of the file in it.
pub(super) fn report(findings: &mut Findings<'_>, errors: &[Error]) {
    let mut errors: Vec<&Error> = errors.iter().collect();
    errors.sort_by_key(|error| error.span().map(|span| span.start));
    let mut reported_line = None;
    // Finding a line takes time proportional to the file.
    for error in errors.into_iter().take(MAX_PROBLEMS) {
        let Some(span) = error.span() else {
            findings.unusable_entry(None, error.message(), "");
            continue;
        };
        if let Some(at) = unclosed_table(findings.source.text, span.start) {
            let message = "the table that begins here does not end on this line";
            let remedy = "write } behind its last value";
            findings.unusable_entry(Some(at..at.saturating_add(1)), message, remedy);
            return;
        }
        let line = findings.source.position(span.start).line;
        if reported_line != Some(line) {
            reported_line = Some(line);
            let (message, remedy) = explain(findings, error.message(), span.start);
            findings.unusable_entry(Some(span), message, remedy);
        }
    }
}

/// Returns what to tell about a mistake at `offset`, and its remedy.
fn explain<'m>(findings: &Findings<'_>, message: &'m str, offset: usize) -> (&'m str, &'static str) {
    let (line_start, line) = findings.source.line_at(offset);
    let (before, after) = line
        .split_at_checked(offset.saturating_sub(line_start))
        .unwrap_or((line, ""));
    if message.contains("escape") || message.contains("unicode value") {
        return ("this is not an escape that TOML knows", USE_SINGLE_QUOTES);
    }
    if message.contains("must be quoted") {
        return if after.contains('=') && !before.contains('{') {
            ("this table is not in braces", WRITE_PAIRS)
        } else {
            ("this value is not in quotes", WRITE_TEXT_IN_QUOTES)
        };
    }
    if message.contains("duplicate key") {
        let key = line.trim().trim_matches(['[', ']', ' ']);
        return (message, if key == NODE { USE_DOUBLE_BRACKETS } else { "" });
    }
    if before.ends_with(['"', '\'']) && !after.starts_with([' ', '\t', ',', ';', ':']) && !after.is_empty() {
        return (
            "there is something behind the end of a string",
            "end every string with the quote it begins with; use single quotes around a text with \" or \\ in it",
        );
    }
    if after.starts_with(':') || message.contains("missing assignment") {
        return (
            "there is no = between a key and its value",
            "write it like key = \"value\"",
        );
    }
    if message.contains("missing comma") {
        return (
            "there is no comma between two values",
            "write one behind each value but the last",
        );
    }
    if message.contains("extra comma") {
        return (
            "there is nothing before this comma",
            "remove it, or write what is missing",
        );
    }
    if message.contains("unexpected key or value") {
        return (
            "there is something behind the value",
            "start a new line for the next key",
        );
    }
    // What the reader says of a key at the end of a table.
    if message.contains("literal string") && !before.contains('\'') {
        return ("this key has no value", "write it like key = \"value\"");
    }
    (message, "")
}

/// Returns where a table in braces begins that has values on that line, but neither ends there nor before `offset`.
fn unclosed_table(text: &str, offset: usize) -> Option<usize> {
    let mut open: Vec<(usize, bool)> = Vec::new();
    let mut start = 0_usize;
    for line in text.split_inclusive('\n') {
        let end = start.saturating_add(line.len());
        if end > offset {
            break;
        }
        let mut rest = line;
        while !rest.is_empty() {
            let at = end.saturating_sub(rest.len());
            let (token, after) = split_token(rest);
            match token {
                "{" => open.push((at, !matches!(after.trim_start().chars().next(), None | Some('#')))),
                "}" => drop(open.pop()),
                _ => {}
            }
            rest = after;
        }
        start = end;
    }
    let (at, is_one_line) = open.last()?;
    is_one_line.then_some(*at)
}

#[cfg(test)]
mod tests {
    use crate::cluster::tests::{error_of, three_nodes};

    /// Returns the message about a line in `[network]`.
    fn message_of(line: &str) -> String {
        error_of(&three_nodes(&format!("[network]\n{line}")))
    }

    #[test]
    fn one_mistake_in_a_line_is_one_problem_with_its_place_and_remedy() {
        for (line, column, part) in [
            (
                r#"wifi = { ssid = "x", psk = "hunter22" country = "DE" }"#,
                39,
                "write one behind each value but the last",
            ),
            (
                r#"wifi = { ssid = "x"; psk = "hunter22"; country = "DE" }"#,
                20,
                "no comma between two values",
            ),
            (
                r#"wifi = { ssid = "x", psk = "hunter22\c", country = "DE" }"#,
                38,
                "use single quotes",
            ),
            (
                r#"wifi = { ssid = "x", psk = "hunter22\u12", country = "DE" }"#,
                41,
                "use single quotes",
            ),
            (
                r#"wifi = { ssid = "x", psk = "hunter22\", country = "DE" }"#,
                52,
                "use single quotes",
            ),
            (
                r#"wifi = { ssid = "x", psk = "hunter22, country = "DE" }"#,
                50,
                "end every string with the quote it begins with",
            ),
            (
                r#"wifi = { ssid = "x", psk = 'hunter22'hunter22', country = "DE" }"#,
                38,
                "behind the end of a string",
            ),
            (
                r#"wifi = { ssid = "x", psk = hunter22, country = "DE" }"#,
                28,
                "write a text in quotes",
            ),
            (
                r#"wifi = { ssid = "x", psk = "hunter22", country = DE }"#,
                50,
                "write a text in quotes",
            ),
            (
                r#"wifi = ssid = "x", psk = "hunter22", country = "DE""#,
                8,
                "or in { ... }",
            ),
            (
                r#"wifi = { ssid = "x", psk = "hunter22", country = "DE" } hunter22"#,
                57,
                "start a new line",
            ),
            (
                r#"wifi = { ssid = "x", psk = "hunter22",, country = "DE" }"#,
                39,
                "nothing before this comma",
            ),
            (
                r#"wifi = { ssid = "x", psk: "hunter22", country = "DE" }"#,
                25,
                "no = between a key and its value",
            ),
            (
                r#"wifi = { ssid = "x", psk "hunter22", country = "DE" }"#,
                26,
                "no = between a key and its value",
            ),
            (
                r#"wifi = { ssid = "x", psk = "hunter22", hunter22 }"#,
                49,
                "this key has no value",
            ),
            (
                r#"wifi = { ssid = "x", psk = "hunter22", country = "DE""#,
                8,
                "write } behind its last value",
            ),
        ] {
            let text = message_of(line);
            assert!(text.starts_with(&format!("cluster.toml:2:{column}: ")), "{text}");
            assert!(text.contains(part), "{text}");
            assert!(!text.contains("hunter22"), "{text}");
        }
    }

    #[test]
    fn mistakes_in_several_lines_are_all_told() {
        let text = message_of("gateway = 192.168.1.1\ndomain: \"x\"");
        assert!(text.contains("cluster.toml has 2 problems"), "{text}");
        // A table may have a line for each value.
        let text = message_of("wifi = {\n  ssid = \"x\"\n  psk = \"hunter22\"\n}");
        assert!(text.contains("cluster.toml:4:3: there is no comma"), "{text}");
        assert!(!text.contains("hunter22"), "{text}");
        let text = message_of("wifi = { ssid = \"x\", psk = \"hunter22\"\ndomain = \"x\"");
        assert!(text.contains("cluster.toml:2:8: the table that begins"), "{text}");
    }
}
