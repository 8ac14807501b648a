//! The kernel's command line, `cmdline.txt`: one line of words.

use crate::error::{Category, Error, Result};

/// A command line and how its file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cmdline {
    words: Vec<String>,
    pub ends_with_newline: bool,
}

impl Cmdline {
    /// Parses `cmdline.txt`. Refuses a file that is not one line of text.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = |why: &str| {
            Error::new(Category::Verification, format!("cmdline.txt of the base {why}"))
                .with_remedy("use an unchanged Raspberry Pi OS Lite image")
        };
        let text = std::str::from_utf8(bytes).map_err(|_| bad("is not text"))?;
        let ends_with_newline = text.ends_with('\n');
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let line = lines.next().ok_or_else(|| bad("is empty"))?;
        if lines.next().is_some() {
            return Err(bad("has more than one line"));
        }
        if line.contains(|c: char| c.is_control() && c != '\t') {
            return Err(bad("has control characters"));
        }
        Ok(Self {
            words: words(line),
            ends_with_newline,
        })
    }

    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.words().any(|candidate| candidate == word)
    }

    /// Returns the script that `systemd.run=` starts, which an unchanged base does not have.
    pub(super) fn script(&self) -> Option<&str> {
        self.words().find_map(|word| word.strip_prefix("systemd.run="))
    }
}

/// Splits at blanks outside double quotes, as the kernel does (`next_arg` in lib/cmdline.c).
fn words(line: &str) -> Vec<String> {
    let mut quoted = false;
    line.split(|c: char| {
        quoted ^= c == '"';
        !quoted && c.is_whitespace()
    })
    .filter(|word| !word.is_empty())
    .map(str::to_owned)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_one_line_of_text_is_refused() {
        for bad in [&b""[..], b"\n", b"a\nb\n", b"a\rb", b"a\0b", b"\xff"] {
            assert!(Cmdline::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn blanks_in_quotes_do_not_end_a_word() {
        let line = Cmdline::parse(b"root=x  dyndbg=\"file a +p\" quiet").unwrap();
        let words: Vec<_> = line.words().collect();
        assert_eq!(words, ["root=x", "dyndbg=\"file a +p\"", "quiet"]);
    }
}
