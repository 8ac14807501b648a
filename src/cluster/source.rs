//! The text of a cluster file: positions, and excerpts that never show a secret.

use std::ops::Range;

use super::authorized_keys::is_private_key;

/// A cluster file's text and name.
#[derive(Debug)]
pub(super) struct Source<'t> {
    /// The path the user gave, for messages.
    pub(super) label: String,
    pub(super) text: &'t str,
}

/// A position in the text. Lines and columns start at 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

const SECRET_KEYS: [&str; 2] = ["psk", "password_hash"];

/// The longest excerpt, in characters.
const MAX_WIDTH: usize = 160;

impl Source<'_> {
    pub(super) fn position(&self, offset: usize) -> Position {
        let before = self.up_to(offset);
        let (line_start, _) = self.line_at(offset);
        Position {
            line: before.matches('\n').count().saturating_add(1),
            column: before
                .get(line_start..)
                .unwrap_or_default()
                .chars()
                .count()
                .saturating_add(1),
        }
    }

    /// Returns the line in which `span` starts, with carets below the span.
    pub(super) fn excerpt(&self, span: &Range<usize>) -> String {
        let position = self.position(span.start);
        let (line_start, line) = self.line_at(span.start);
        let shown: String = self
            .without_secrets(line, line_start)
            .chars()
            .map(|c| match c {
                '\t' => ' ',
                c if c.is_control() => char::REPLACEMENT_CHARACTER,
                c => c,
            })
            .collect();
        let length = shown.chars().count();
        let before = position.column.saturating_sub(1).min(length);
        let marked = self
            .text
            .get(span.clone())
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            .clamp(1, length.saturating_sub(before).max(1));

        // A very long line is cut to keep the carets in view.
        let skip = if before < MAX_WIDTH {
            0
        } else {
            before.saturating_sub(20)
        };
        let cut: String = shown.chars().skip(skip).take(MAX_WIDTH).collect();
        let carets = marked.min(MAX_WIDTH.saturating_sub(before.saturating_sub(skip)).max(1));
        let number = position.line.to_string();
        let gutter = " ".repeat(number.len());
        format!(
            "  {number} | {cut}\n  {gutter} | {}{}",
            " ".repeat(before.saturating_sub(skip)),
            "^".repeat(carets)
        )
    }

    /// Returns whether the line at `offset` contains something that must not be shown.
    pub(super) fn is_secret(&self, offset: usize) -> bool {
        let (line_start, line) = self.line_at(offset);
        self.in_private_key(line, line_start) || SECRET_KEYS.iter().any(|key| line.contains(key))
    }

    /// Returns `line` with secrets replaced by the same number of asterisks.
    fn without_secrets(&self, line: &str, line_start: usize) -> String {
        if self.in_private_key(line, line_start) {
            return "*".repeat(line.chars().count());
        }
        // A string may look like a key, and a value like the end of a string. So nothing after the first secret key is
        // shown.
        let shown = SECRET_KEYS
            .iter()
            .filter_map(|key| line.find(key).map(|at| at.saturating_add(key.len())))
            .min()
            .unwrap_or(line.len());
        let (shown, hidden) = line.split_at_checked(shown).unwrap_or(("", line));
        format!("{shown}{}", "*".repeat(hidden.chars().count()))
    }

    /// Returns whether the line belongs to a private key pasted into the file.
    fn in_private_key(&self, line: &str, line_start: usize) -> bool {
        if is_private_key(line) {
            return true;
        }
        let before = self.up_to(line_start);
        let begun = before.rfind("-----BEGIN ");
        let ended = before.rfind("-----END ");
        match (begun, ended) {
            (Some(begun), Some(ended)) => begun > ended,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// Returns where the line at `offset` starts, and the line without its line end.
    fn line_at(&self, offset: usize) -> (usize, &str) {
        let start = self
            .up_to(offset)
            .rfind('\n')
            .map_or(0, |at| at.saturating_add(1));
        let rest = self.text.get(start..).unwrap_or_default();
        (start, rest.lines().next().unwrap_or_default())
    }

    /// Returns the text before an offset, or the whole text if the offset is out of range.
    fn up_to(&self, offset: usize) -> &str {
        self.text.get(..offset).unwrap_or(self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source<'_> {
        Source {
            label: "cluster.toml".to_owned(),
            text,
        }
    }

    #[test]
    fn carets_mark_the_text_a_message_is_about() {
        let text = "a = 1\n\tb = \"ä x\" # c\r\n";
        let at = text.find("\"ä").unwrap();
        let source = source(text);
        assert_eq!(source.position(at), Position { line: 2, column: 6 });
        assert_eq!(
            source.excerpt(&(at..at + "\"ä x\"".len())),
            "  2 |  b = \"ä x\" # c\n    |      ^^^^^"
        );
        assert_eq!(source.excerpt(&(text.len()..text.len())), "  3 | \n    | ^");
    }

    #[test]
    fn an_excerpt_never_shows_a_passphrase() {
        for line in [
            "wifi = { ssid = \"x\", psk = \"hunter22\", country = \"de\" }",
            "psk = \"hunter22",
            "psk = hunter22",
            "psk = 'hunter22' # x",
            "psk = \"a\\\"hunter22\"",
            "password_hash=\"$6$hunter22\"",
            "psk = \"\"\"hunter22\"\"\"",
            "wifi = { ssid = \"psk =\", psk = \"hunter22\" }",
        ] {
            let excerpt = source(line).excerpt(&(0..3));
            assert!(!excerpt.contains("hunter22"), "{line}: {excerpt}");
            assert!(source(line).is_secret(0));
        }
    }

    #[test]
    fn an_excerpt_never_shows_a_pasted_private_key() {
        let text = "k = [\"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\nNzaC1r\n-----END OPENSSH PRIVATE KEY-----\"]\nx = 1";
        let source = source(text);
        for secret in ["b3Blbn", "NzaC1r"] {
            let at = text.find(secret).unwrap();
            assert!(!source.excerpt(&(at..at + 3)).contains(secret));
            assert!(source.is_secret(at));
        }
        let after = text.find("x = 1").unwrap();
        assert!(source.excerpt(&(after..after + 1)).contains("x = 1"));
    }

    #[test]
    fn an_excerpt_of_a_very_long_line_shows_the_marked_text() {
        let text = format!("{}HERE{}", "x".repeat(5000), "y".repeat(5000));
        let excerpt = source(&text).excerpt(&(5000..5004));
        assert!(excerpt.len() < 600, "{}", excerpt.len());
        let mut lines = excerpt.lines();
        let (shown, carets) = (lines.next().unwrap(), lines.next().unwrap());
        assert_eq!(shown.find("HERE"), carets.find("^^^^"));
    }
}
