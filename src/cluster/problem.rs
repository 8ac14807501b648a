//! What is wrong with a cluster file, and what is only unwise.

use std::fmt;
use std::ops::Range;

use super::source::{Position, Source};
use crate::error::{Category, Error};

/// Something in a cluster file that has to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where; `None` when it is about the whole file.
    pub position: Option<Position>,
    /// The line and carets under the offending text.
    pub excerpt: Option<String>,
    /// A sentence without a full stop.
    pub message: String,
    /// What would be right.
    pub remedy: Option<String>,
}

/// Something that works, and that the user should know the risk of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where, when one place is to blame.
    pub position: Option<Position>,
    /// A sentence without a full stop that says what it risks.
    pub message: String,
    /// What would be better.
    pub remedy: Option<String>,
}

/// More problems than this are counted, not shown.
const SHOWN: usize = 25;

/// More problems than this are not even sorted by their place.
const KEPT: usize = 500;

/// Everything that was found in one file, in the order of the checks.
#[derive(Debug)]
pub(super) struct Findings<'s> {
    source: &'s Source<'s>,
    problems: Vec<Problem>,
    /// Problems beyond those that are kept.
    beyond: usize,
    pub(super) warnings: Vec<Warning>,
    pub(super) assumed: Vec<String>,
    /// Entries were left out because they were misspelt or of the wrong type.
    entries_lost: bool,
}

impl<'s> Findings<'s> {
    pub(super) fn new(source: &'s Source<'s>) -> Self {
        Self {
            source,
            problems: Vec::new(),
            beyond: 0,
            warnings: Vec::new(),
            assumed: Vec::new(),
            entries_lost: false,
        }
    }

    /// The file's text.
    pub(super) fn source(&self) -> &'s Source<'s> {
        self.source
    }

    /// Something is wrong at a place.
    pub(super) fn problem(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.push(Some(&span), &message.into(), &remedy.into());
    }

    /// An entry could not be used at all. What follows from its absence is not reported.
    pub(super) fn lost_entry(
        &mut self,
        span: Option<&Range<usize>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.entries_lost = true;
        self.push(span, &message.into(), &remedy.into());
    }

    /// Something that should be there is not; said only when nothing was left out before.
    pub(super) fn missing(
        &mut self,
        span: Option<&Range<usize>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        if !self.entries_lost {
            self.push(span, &message.into(), &remedy.into());
        }
    }

    fn push(&mut self, span: Option<&Range<usize>>, message: &str, remedy: &str) {
        // Finding places costs time in proportion to the file, and a hostile file has a problem in every line.
        if self.problems.len() >= KEPT {
            self.beyond = self.beyond.saturating_add(1);
            return;
        }
        self.problems.push(Problem {
            position: span.map(|span| self.source.position(span.start)),
            excerpt: span.map(|span| self.source.excerpt(span)),
            message: printable(message),
            remedy: Some(printable(remedy)).filter(|text| !text.is_empty()),
        });
    }

    /// Something is unwise.
    pub(super) fn warn(
        &mut self,
        span: Option<Range<usize>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        if self.warnings.len() >= KEPT {
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

    /// All problems as one error, in the file's order; `None` when there are none.
    pub(super) fn error(&self) -> Option<Error> {
        if self.problems.is_empty() {
            return None;
        }
        let mut sorted: Vec<&Problem> = self.problems.iter().collect();
        sorted.sort_by_key(|problem| problem.position);
        let label = &self.source.label;
        let count = sorted.len().saturating_add(self.beyond);
        let mut parts = Vec::new();
        if count > 1 {
            parts.push(format!("{label} has {count} problems"));
        }
        parts.extend(sorted.iter().take(SHOWN).map(|problem| problem.render(label)));
        if let Some(more) = count.checked_sub(SHOWN).filter(|more| *more > 0) {
            parts.push(format!("... and {more} more"));
        }
        Some(Error::new(Category::ClusterFile, parts.join("\n")))
    }
}

impl Problem {
    /// `cluster.toml:12:11: message`, the excerpt and the remedy, each on lines of their own.
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
    /// One line, the place and the remedy included.
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

/// Text from a file must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}
