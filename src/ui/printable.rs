//! Text that is safe to print. Nodes, images, servers and ssh could otherwise send commands to the terminal, or show a
//! text in another order than it is written in.

use std::fmt::Write as _;

/// Returns whether a terminal acts on the character or does not show it: control characters, line separators, and
/// Unicode's invisible format characters (soft hyphens, bidirectional and zero-width ones, tags).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Replaces every unsafe character, also line breaks.
pub(super) fn line(text: &str) -> String {
    replace(text, |_| false)
}

/// Replaces every unsafe character but line breaks and tabs.
pub(super) fn lines(text: &str) -> String {
    replace(text, |c| matches!(c, '\n' | '\t'))
}

fn replace(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    let shown = |c| {
        if is_unsafe(c) && !is_kept(c) {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    text.chars().map(shown).collect()
}

/// Returns JSON text in which every unsafe character is escaped. Outside strings there is none.
pub(super) fn json(value: &serde_json::Value) -> String {
    let mut escaped = String::new();
    for c in value.to_string().chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A title, a clipboard, an 8-bit control sequence, and text that is shown backwards or not at all.
    const HOSTILE: &str = "a\x1b]0;x\x07\r\x7f\u{9b}2J\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}\u{e0041}z";

    #[test]
    fn no_foreign_text_commands_the_terminal() {
        for safe in [line(HOSTILE), lines(HOSTILE)] {
            assert!(!safe.chars().any(is_unsafe), "{safe:?}");
            assert!(safe.starts_with("a\u{fffd}]0;x") && safe.ends_with('z'), "{safe}");
        }
        assert_eq!(line("a\nb\tc"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(lines("a\nb\tc äöü 漢字 🍓"), "a\nb\tc äöü 漢字 🍓");
    }

    #[test]
    fn json_means_the_same_and_is_safe() {
        let value = serde_json::json!({ HOSTILE: [HOSTILE, "\n", "ä"] });
        let text = json(&value);
        assert!(!text.chars().any(is_unsafe), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
