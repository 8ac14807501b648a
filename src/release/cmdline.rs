//! The kernel's command line, `cmdline.txt`: one line of words.

use super::fault::{self, Fault};
use crate::error::{Category, Error, Result};

/// A command line and how its file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cmdline {
    words: Vec<String>,
    pub ends_with_newline: bool,
    /// The number of its line, from 1; the lines before are blank.
    pub line: usize,
    /// True if the line ends as on Windows.
    pub ends_with_carriage_return: bool,
}

impl Cmdline {
    /// Parses `cmdline.txt` of a base. Refuses a file that is not one line of text.
    pub fn of_base(bytes: &[u8]) -> Result<Self> {
        Self::parse(bytes).map_err(|fault| {
            let what = format!("cmdline.txt of the base {} (line {})", fault.what, fault.line);
            Error::new(Category::Verification, what)
                .with_remedy("use an unchanged Raspberry Pi OS Lite image")
        })
    }

    /// Parses `cmdline.txt`. Refuses a file that is not one line of text.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        const ONE_LINE: &str = "write all words in its first line";
        let text = fault::text(bytes)?;
        let mut lines = (1..)
            .zip(text.split('\n'))
            .filter(|(_, line)| !line.trim().is_empty());
        let (number, line) = lines.next().ok_or_else(|| Fault::new(1, "is empty", ONE_LINE))?;
        if let Some((second, _)) = lines.next() {
            return Err(Fault::new(
                second,
                "has more than one line, of which the Pi reads only the first",
                ONE_LINE,
            ));
        }
        let without_end = line.strip_suffix('\r');
        let words_only = without_end.unwrap_or(line);
        if words_only.contains(|c: char| c.is_control() && c != '\t') {
            let what = "has control characters";
            return Err(Fault::new(number, what, "remove them, or write the line again"));
        }
        Ok(Self {
            words: words(words_only),
            ends_with_newline: text.ends_with('\n'),
            line: number,
            ends_with_carriage_return: without_end.is_some(),
        })
    }

    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Returns the value of the last `root=`, which is the one that counts; `None` without one.
    pub fn root(&self) -> Option<&str> {
        let mut values = self
            .words
            .iter()
            .rev()
            .filter_map(|word| word.strip_prefix("root="));
        values.next().map(|value| value.trim_matches('"'))
    }

    /// Returns true if a program that replaces init grows the root file system, as it did up to bookworm.
    pub(super) fn grows_by_init(&self) -> bool {
        self.words().any(|word| {
            word.starts_with("init=/usr/lib/raspi-config/")
                || word.starts_with("init=/usr/lib/raspberrypi-sys-mods/")
        })
    }

    /// Returns true if a word makes Raspberry Pi OS grow its root file system. The first boot takes it away.
    pub fn grows_root(&self) -> bool {
        self.grows_by_init() || self.has("resize")
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
        for (bad, line) in [
            (&b""[..], 1),
            (b"\n", 1),
            (b"a\nb\n", 2),
            (b"\r\na\r\n\r\nb", 4),
            (b"a\rb", 1),
            (b"\n\na\0b", 3),
            (b"\xff", 1),
            (b"a\n\xff", 2),
            (b"\xef\xbb\xbfa", 1),
        ] {
            let fault = Cmdline::parse(bad).unwrap_err();
            assert_eq!(fault.line, line, "{bad:?}: {fault:?}");
            assert!(Cmdline::of_base(bad).is_err());
        }
    }

    #[test]
    fn how_the_line_is_written_is_known() {
        let line = Cmdline::parse(b"\n\r\nroot=x\r\n").unwrap();
        assert_eq!((line.line, line.ends_with_carriage_return), (3, true));
        assert_eq!(line.words().collect::<Vec<_>>(), ["root=x"]);
        let line = Cmdline::parse(b"root=x").unwrap();
        assert!(!line.ends_with_carriage_return && !line.ends_with_newline);
    }

    #[test]
    fn the_last_root_counts() {
        let root = |text: &str| Cmdline::parse(text.as_bytes()).unwrap().root().map(str::to_owned);
        assert_eq!(root("root=a rootwait root=\"b\"").as_deref(), Some("b"));
        assert_eq!(root("rootwait quiet"), None);
    }

    #[test]
    fn blanks_in_quotes_do_not_end_a_word() {
        let line = Cmdline::parse(b"root=x  dyndbg=\"file a +p\" quiet").unwrap();
        let words: Vec<_> = line.words().collect();
        assert_eq!(words, ["root=x", "dyndbg=\"file a +p\"", "quiet"]);
    }
}
