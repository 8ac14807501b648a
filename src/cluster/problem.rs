//! Problems and warnings about a cluster file.

use std::fmt;
use std::ops::Range;

use super::source::{Position, Source};
use crate::error::{Category, Error};

/// Something in a cluster file that must be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `None` if it concerns the whole file.
    pub position: Option<Position>,
    /// The line and carets under the offending text.
    pub excerpt: Option<String>,
    /// A sentence without a full stop.
    pub message: String,
    /// Tells the user what to change.
    pub remedy: Option<String>,
}

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

/// Further problems are counted but not shown.
const MAX_SHOWN: usize = 25;

/// Further problems are counted but not stored.
const MAX_STORED: usize = 500;

/// Everything found in one file, in the order of the checks.
#[derive(Debug)]
pub(super) struct Findings<'s> {
    source: &'s Source<'s>,
    problems: Vec<Problem>,
    /// The number of problems beyond [`MAX_STORED`].
    not_stored: usize,
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
            not_stored: 0,
            warnings: Vec::new(),
            assumed: Vec::new(),
            has_unusable_entries: false,
        }
    }

    pub(super) fn source(&self) -> &'s Source<'s> {
        self.source
    }

    /// Adds a problem at a place.
    pub(super) fn problem(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.push(Some(&span), &message.into(), &remedy.into());
    }

    /// Adds a problem with an entry that cannot be used at all. Problems that follow from its absence are not reported.
    pub(super) fn unusable_entry(
        &mut self,
        span: Option<&Range<usize>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.has_unusable_entries = true;
        self.push(span, &message.into(), &remedy.into());
    }

    /// Adds a problem about a missing entry, unless an unusable entry may be the cause.
    pub(super) fn missing(
        &mut self,
        span: Option<&Range<usize>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        if !self.has_unusable_entries {
            self.push(span, &message.into(), &remedy.into());
        }
    }

    fn push(&mut self, span: Option<&Range<usize>>, message: &str, remedy: &str) {
        // Finding a position takes time proportional to the file, and a hostile file has a problem on every line.
        if self.problems.len() >= MAX_STORED {
            self.not_stored = self.not_stored.saturating_add(1);
            return;
        }
        self.problems.push(Problem {
            position: span.map(|span| self.source.position(span.start)),
            excerpt: span.map(|span| self.source.excerpt(span)),
            message: printable(message),
            remedy: Some(printable(remedy)).filter(|text| !text.is_empty()),
        });
    }

    /// Adds a warning.
    pub(super) fn warn(
        &mut self,
        span: Option<Range<usize>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        if self.warnings.len() >= MAX_STORED {
            return;
        }
        self.warnings.push(Warning {
            position: span.map(|span| self.source.position(span.start)),
            message: printable(&message.into()),
            remedy: Some(printable(&remedy.into())).filter(|text| !text.is_empty()),
        });
    }

    pub(super) fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// Returns all problems as one error, in the file's order.
    pub(super) fn error(&self) -> Option<Error> {
        if self.problems.is_empty() {
            return None;
        }
        let mut sorted: Vec<&Problem> = self.problems.iter().collect();
        sorted.sort_by_key(|problem| problem.position);
        let label = &self.source.label;
        let count = sorted.len().saturating_add(self.not_stored);
        let mut parts = Vec::new();
        if count > 1 {
            parts.push(format!("{label} has {count} problems"));
        }
        parts.extend(sorted.iter().take(MAX_SHOWN).map(|problem| problem.render(label)));
        if let Some(more) = count.checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
            parts.push(format!("... and {more} more"));
        }
        Some(Error::new(Category::ClusterFile, parts.join("\n")))
    }
}

impl Problem {
    /// Returns `cluster.toml:12:11: message`, the excerpt and the remedy on separate lines.
    fn render(&self, label: &str) -> String {
        let mut text = match self.position {
            Some(Position { line, column }) => format!("{label}:{line}:{column}: {}", self.message),
            None => format!("{label}: {}", self.message),
        };
        if let Some(excerpt) = &self.excerpt {
            text.push('\n');
            text.push_str(excerpt);
        }
        if let Some(remedy) = &self.remedy {
            text.push_str("\n  ");
            text.push_str(remedy);
        }
        text
    }
}

impl fmt::Display for Warning {
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
