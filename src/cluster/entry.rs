//! Single values of a cluster file, each with its position.

use std::fmt::Display;

use toml::Spanned;

use super::problem::Findings;

/// An optional string with its position.
pub(super) type Text = Option<Spanned<String>>;

impl Findings<'_> {
    /// Parses the value of `key`. The error of `parse` is the end of a sentence that starts with the key and the value.
    pub(super) fn parse<T, W: Display>(
        &mut self,
        key: &str,
        entry: &Spanned<String>,
        parse: impl FnOnce(&str) -> Result<T, W>,
        remedy: &str,
    ) -> Option<T> {
        let text = entry.get_ref();
        let report = |why| self.problem(entry.span(), format!("{key} {text:?} {why}"), remedy);
        parse(text).map_err(report).ok()
    }

    /// Returns the value of `key` if it passes `check`, or its default.
    pub(super) fn text(
        &mut self,
        key: &str,
        entry: Text,
        default: &str,
        check: impl FnOnce(&str) -> bool,
        [wrong, remedy]: [&str; 2],
    ) -> String {
        let parse = |text: &str| {
            if check(text) {
                Ok(text.to_owned())
            } else {
                Err(wrong)
            }
        };
        entry
            .and_then(|entry| self.parse(key, &entry, parse, remedy))
            .unwrap_or_else(|| default.to_owned())
    }

    /// Returns the choice with the spelling of the value.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &str,
        entry: &Spanned<String>,
        choices: &[T],
        spelling: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let known: Vec<String> = choices
            .iter()
            .map(|choice| format!("{:?}", spelling(*choice)))
            .collect();
        let parse = |text: &str| {
            let found = choices.iter().find(|choice| spelling(**choice) == text);
            found.copied().ok_or("is not known")
        };
        self.parse(key, entry, parse, &format!("use one of {}", known.join(", ")))
    }
}
