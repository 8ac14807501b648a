//! The text of a cluster file: positions, and excerpts that never show a secret.

use std::ops::Range;

use super::authorized_keys::is_private_key;
use super::mask::mask;

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

    /// Returns whether the text at `offset` must not be shown.
    pub(super) fn is_secret(&self, offset: usize) -> bool {
        let (line_start, line) = self.line_at(offset);
        let column = self.position(offset).column.saturating_sub(1);
        let shown = self.without_secrets(line, line_start);
        shown.chars().nth(column) != line.chars().nth(column)
    }

    /// Returns `line` with secrets replaced by the same number of asterisks.
    fn without_secrets(&self, line: &str, line_start: usize) -> String {
        if self.in_private_key(line, line_start) {
            return "*".repeat(line.chars().count());
        }
        mask(line, self.hides_at(line, line_start)).text
    }

    /// Returns whether a value at the start of `line` must not be shown. It may belong to a key in a line above.
    fn hides_at(&self, line: &str, line_start: usize) -> bool {
        let name = line.trim_start().trim_start_matches('[');
        if line.trim_start() != name && name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return false;
        }
        let mut above = Vec::new();
        for line in self.up_to(line_start).lines().rev() {
            if line.trim_start().starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let masked = [true, false].map(|hides| mask(line, hides));
            if !masked.iter().all(|masked| masked.is_open) {
                break;
            }
            above.push(line);
            if let [hiding, showing] = &masked
                && hiding.hides == showing.hides
            {
                break;
            }
        }
        above
            .iter()
            .rev()
            .fold(true, |hides, line| mask(line, hides).hides)
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
    pub(super) fn line_at(&self, offset: usize) -> (usize, &str) {
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
        let text = "name = 1\n\tbase = \"ä x\" # c\r\n";
        let at = text.find("\"ä").unwrap();
        let source = source(text);
        assert_eq!(source.position(at), Position { line: 2, column: 9 });
        assert_eq!(
            source.excerpt(&(at..at + "\"ä x\"".len())),
            "  2 |  base = \"ä x\" # c\n    |         ^^^^^"
        );
        assert_eq!(source.excerpt(&(text.len()..text.len())), "  3 | \n    | ^");
    }

    #[test]
    fn a_secret_below_its_key_is_masked() {
        for text in [
            "[user]\npsk =\n  \"hunter22\"",
            "[user]\npassword \"hunter22\"",
            "psk = [\n# c\n\n\"a==\",\n\"hunter22\"]",
            "psk = [\n[[\"hunter22\"]]]",
            "wifi = {\n  ssid = \"x\",\n  pass = \"hunter22\"\n}",
            "name = \"x\"\nhunter22",
            "psk = \"\"\"\nhunter22\"\"\"",
            "hunter22",
        ] {
            let at = text.find("hunter22").unwrap();
            let source = source(text);
            let excerpt = source.excerpt(&(at..at + 8));
            assert!(!excerpt.contains("hunter22"), "{text}: {excerpt}");
            assert!(source.is_secret(at), "{text}");
        }
        for text in [
            "dns = [\n  \"9.9.9.9==\",\n# c\n  \"HERE\"]",
            "name = \"x\"\n[[HERE]]",
            "wifi = {\n  psk = \"x\",\n  ssid = \"HERE\"\n}",
        ] {
            let at = text.find("HERE").unwrap();
            let excerpt = source(text).excerpt(&(at..at + 4));
            assert!(excerpt.contains("HERE"), "{text}: {excerpt}");
        }
    }

    #[test]
    fn an_excerpt_never_shows_a_pasted_private_key() {
        let text = "k = [\"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\nNzaC1r\n-----END OPENSSH PRIVATE KEY-----\"]\nname = 1";
        let source = source(text);
        for secret in ["b3Blbn", "NzaC1r"] {
            let at = text.find(secret).unwrap();
            assert!(!source.excerpt(&(at..at + 3)).contains(secret));
            assert!(source.is_secret(at));
        }
        let after = text.find("name = 1").unwrap();
        assert!(source.excerpt(&(after..after + 1)).contains("name = 1"));
    }

    #[test]
    fn an_excerpt_of_a_very_long_line_shows_the_marked_text() {
        let text = format!("name = \"{}HERE{}", "x".repeat(5000), "y".repeat(5000));
        let excerpt = source(&text).excerpt(&(5008..5012));
        assert!(excerpt.len() < 600, "{}", excerpt.len());
        let mut lines = excerpt.lines();
        let (shown, carets) = (lines.next().unwrap(), lines.next().unwrap());
        assert_eq!(shown.find("HERE"), carets.find("^^^^"));
    }
}
