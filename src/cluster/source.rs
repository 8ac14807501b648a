//! The text of a cluster file: places in it, and excerpts that never show a secret.

use std::ops::Range;

use super::authorized_keys::is_private_key;

/// A cluster file's text and what the user calls it.
#[derive(Debug)]
pub(super) struct Source<'t> {
    /// As messages name it: the path the user gave.
    pub(super) label: String,
    pub(super) text: &'t str,
}

/// A place in the text, both counted from 1; columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line of the file.
    pub line: usize,
    /// Character of the line.
    pub column: usize,
}

/// Keys whose values are never shown.
const SECRET_KEYS: [&str; 2] = ["psk", "password_hash"];

/// Longest excerpt, in characters.
const WIDEST: usize = 160;

impl Source<'_> {
    /// Where a byte offset lies.
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

    /// The line that `span` begins in, and below it carets under the span.
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

        // A very long line is cut so that the carets stay in view.
        let skip = if before < WIDEST {
            0
        } else {
            before.saturating_sub(20)
        };
        let cut: String = shown.chars().skip(skip).take(WIDEST).collect();
        let carets = marked.min(WIDEST.saturating_sub(before.saturating_sub(skip)).max(1));
        let number = position.line.to_string();
        let gutter = " ".repeat(number.len());
        format!(
            "  {number} | {cut}\n  {gutter} | {}{}",
            " ".repeat(before.saturating_sub(skip)),
            "^".repeat(carets)
        )
    }

    /// Whether the line that holds `offset` holds something that must not be shown.
    pub(super) fn is_secret(&self, offset: usize) -> bool {
        let (line_start, line) = self.line_at(offset);
        self.in_private_key(line, line_start) || SECRET_KEYS.iter().any(|key| line.contains(key))
    }

    /// `line` with the same number of characters, secrets replaced by asterisks.
    fn without_secrets(&self, line: &str, line_start: usize) -> String {
        if self.in_private_key(line, line_start) {
            return "*".repeat(line.chars().count());
        }
        // A text may look like a key and a value like its end, so nothing after the first secret key is shown.
        let shown = SECRET_KEYS
            .iter()
            .filter_map(|key| line.find(key).map(|at| at.saturating_add(key.len())))
            .min()
            .unwrap_or(line.len());
        let (shown, hidden) = line.split_at_checked(shown).unwrap_or(("", line));
        format!("{shown}{}", "*".repeat(hidden.chars().count()))
    }

    /// Whether the line belongs to a private key that was pasted into the file.
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

    /// The line that holds `offset`, without its end, and where it begins.
    fn line_at(&self, offset: usize) -> (usize, &str) {
        let start = self
            .up_to(offset)
            .rfind('\n')
            .map_or(0, |at| at.saturating_add(1));
        let rest = self.text.get(start..).unwrap_or_default();
        (start, rest.lines().next().unwrap_or_default())
    }

    /// The text before an offset; all of it when the offset is none.
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
    fn a_caret_points_at_the_text_it_speaks_of() {
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
    fn a_passphrase_is_never_in_an_excerpt() {
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
    fn a_pasted_private_key_is_never_in_an_excerpt() {
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
    fn a_very_long_line_still_shows_the_place() {
        let text = format!("{}HERE{}", "x".repeat(5000), "y".repeat(5000));
        let excerpt = source(&text).excerpt(&(5000..5004));
        assert!(excerpt.len() < 600, "{}", excerpt.len());
        let mut lines = excerpt.lines();
        let (shown, carets) = (lines.next().unwrap(), lines.next().unwrap());
        assert_eq!(shown.find("HERE"), carets.find("^^^^"));
    }
}
