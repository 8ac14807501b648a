//! Problems and warnings about a cluster file, and the checks of single values that report them.

use std::fmt::{self, Display};
use std::ops::Range;

use toml::Spanned;

use super::mask::without_login;
use super::source::{Position, Source};
use crate::error::{Category, Error};

/// An optional string with its position.
pub(super) type Text = Option<Spanned<String>>;

/// A setting that works but carries a risk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// `None` if no single place causes it.
    pub position: Option<Position>,
    /// A sentence without a full stop that names the risk.
    pub message: String,
    /// Tells the user what to change.
    pub remedy: Option<String>,
}

/// The reason why a value or a file cannot be used, as the end of a sentence that starts with its name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unusable {
    pub(super) why: String,
    pub(super) remedy: String,
}

impl Unusable {
    pub(super) fn new(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            remedy: remedy.into(),
        }
    }
}

/// Further problems are counted but not shown.
const MAX_SHOWN: usize = 25;

/// Further problems are counted but not stored.
const MAX_STORED: usize = 500;

/// Everything found in one file, in the order of the checks.
#[derive(Debug)]
pub(super) struct Findings<'s> {
    pub(super) source: &'s Source<'s>,
    /// The position and the text of each problem.
    problems: Vec<(Option<Position>, String)>,
    /// The number of problems, including those beyond [`MAX_STORED`].
    pub(super) count: usize,
    pub(super) warnings: Vec<Warning>,
    pub(super) assumed: Vec<String>,
    /// `true` if entries were ignored because they were misspelt or had the wrong type.
    has_unusable_entries: bool,
}

impl<'s> Findings<'s> {
    pub(super) fn new(source: &'s Source<'s>) -> Self {
        Self {
            source,
            problems: Vec::new(),
            count: 0,
            warnings: Vec::new(),
            assumed: Vec::new(),
            has_unusable_entries: false,
        }
    }

    /// Adds something that must be changed. The message is a sentence without a full stop; the remedy may be empty.
    pub(super) fn problem(
        &mut self,
        span: impl Into<Option<Range<usize>>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.count = self.count.saturating_add(1);
        // Finding a position takes time proportional to the file, and a hostile file has a problem on every line.
        if self.problems.len() >= MAX_STORED {
            return;
        }
        let (source, span) = (self.source, span.into());
        let position = span.as_ref().map(|span| source.position(span.start));
        let place = position.map(|Position { line, column }| format!(":{line}:{column}"));
        let excerpt = span.map(|span| format!("\n{}", source.excerpt(&span)));
        let remedy = Some(remedy.into()).filter(|remedy| !remedy.is_empty());
        let text = format!(
            "{}{}: {}{}{}",
            source.label,
            place.unwrap_or_default(),
            printable(&without_login(&message.into())),
            excerpt.unwrap_or_default(),
            remedy.map_or_else(String::new, |remedy| format!("\n  {}", printable(&remedy)))
        );
        self.problems.push((position, text));
    }

    /// Adds a problem with an entry that cannot be used at all. Problems that follow from its absence are not reported.
    pub(super) fn unusable_entry(
        &mut self,
        span: Option<Range<usize>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.has_unusable_entries = true;
        self.problem(span, message, remedy);
    }

    /// Adds a problem about a missing entry, unless an unusable entry may be the cause.
    pub(super) fn missing(
        &mut self,
        span: impl Into<Option<Range<usize>>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        if !self.has_unusable_entries {
            self.problem(span, message, remedy);
        }
    }

    pub(super) fn warn(
        &mut self,
        span: impl Into<Option<Range<usize>>>,
        message: impl Into<String>,
        remedy: &str,
    ) {
        if self.warnings.len() >= MAX_STORED {
            return;
        }
        self.warnings.push(Warning {
            position: span.into().map(|span| self.source.position(span.start)),
            message: printable(&message.into()),
            remedy: Some(remedy.to_owned()).filter(|text| !text.is_empty()),
        });
    }

    /// Returns all problems as one error, in the file's order.
    pub(super) fn error(&mut self) -> Option<Error> {
        if self.problems.is_empty() {
            return None;
        }
        self.problems.sort_by_key(|(position, _)| *position);
        let mut parts = Vec::new();
        if self.count > 1 {
            parts.push(format!("{} has {} problems", self.source.label, self.count));
        }
        let shown = self.problems.iter().take(MAX_SHOWN);
        parts.extend(shown.map(|(_, text)| text.clone()));
        if let Some(more) = self.count.checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
            parts.push(format!("... and {more} more"));
        }
        Some(Error::new(Category::ClusterFile, parts.join("\n")))
    }

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

    /// Parses the value of `key`, of which each mistake has a remedy of its own.
    pub(super) fn parse_name<T>(
        &mut self,
        key: &str,
        entry: &Spanned<String>,
        parse: impl FnOnce(&str) -> Result<T, Unusable>,
    ) -> Option<T> {
        let text = entry.get_ref();
        let report = |Unusable { why, remedy }| {
            self.problem(entry.span(), format!("{key} {text:?} {why}"), remedy);
        };
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

impl Display for Warning {
    /// One line with the position and the remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Position { line, .. }) = self.position {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

/// Removes control characters, which could send commands to the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}
