//! The only place that prints: results on stdout, everything else on stderr, bars only on a terminal.
//! Everything passes through `printable`, whatever it comes from.

mod printable;

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::error::{Category, Context, Error, Result};
use crate::progress::{Progress, Task};
use crate::units::Size;

static RESULT_PRINTED: AtomicBool = AtomicBool::new(false);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volume {
    /// Results, warnings and errors.
    Quiet,
    /// Also progress and results of each step.
    Normal,
    /// Also decisions and their reasons.
    Verbose,
}

/// Prints a result on stdout, with a line break at the end.
pub fn result(text: &str) -> Result<()> {
    print_result("", &printable::lines(text))
}

/// Prints a result as JSON.
pub fn json(value: &Value) -> Result<()> {
    print_result("", &printable::json(value))
}

/// Prints a result. On a terminal it replaces the previous output.
pub fn redraw(text: &str) -> Result<()> {
    /// ECMA-48: moves the cursor to the top left corner and erases the screen.
    const CLEAR: &str = "\x1b[H\x1b[2J";
    let clear = if stdout_is_terminal() { CLEAR } else { "" };
    print_result(clear, &printable::lines(text))
}

fn print_result(before: &str, text: &str) -> Result<()> {
    RESULT_PRINTED.store(true, Ordering::Relaxed);
    write_stdout(format!("{before}{}\n", text.trim_end_matches('\n')).as_bytes())
}

/// Prints a file's bytes on stdout, as they are unless that is a terminal.
pub fn result_bytes(bytes: &[u8]) -> Result<()> {
    if stdout_is_terminal() {
        write_stdout(on_terminal(bytes).as_bytes())
    } else {
        write_stdout(bytes)
    }
}

/// Returns how a terminal shows a file.
fn on_terminal(bytes: &[u8]) -> String {
    printable::lines(&String::from_utf8_lossy(bytes).replace("\r\n", "\n"))
}

/// Writes to stdout. It is not an error if the reader closes the pipe early, as `head` does.
fn write_stdout(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context(Category::Disk, || "writing to standard output".to_owned()),
    }
}

/// Makes a foreign text part of a line: no line break in it can begin another one.
pub fn one_line(text: &str) -> String {
    printable::line(text)
}

/// Quotes a path as a single argument of a shell command for the user to copy.
pub fn shell_quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| {
        c.is_alphanumeric() || matches!(c, '/' | '\\' | '.' | '-' | '_' | ':' | '+' | ',' | '@' | '%')
    };
    if text.chars().all(plain) {
        text
    } else if cfg!(windows) {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Prints a question on stderr, without a line break.
pub fn ask(question: &str) {
    let _ = write!(io::stderr(), "{question}");
}

/// Prints a line on stderr. A closed stderr is ignored.
fn message(text: &str) {
    let _ = writeln!(io::stderr(), "{}", printable::lines(text));
}

/// Prints an error and its remedy. In JSON mode it also goes to stdout as an object, unless a result has already been
/// printed: there is never more than one object.
pub fn failure(error: &Error, json: bool) {
    message(&format!("mkimage: {error}"));
    if let Some(remedy) = error.remedy() {
        message(&format!("  → {remedy}"));
    }
    if json && !RESULT_PRINTED.load(Ordering::Relaxed) {
        let object = serde_json::json!({
            "error": { "message": error.to_string(), "remedy": error.remedy(), "exit_code": error.category().exit_code() }
        });
        // The exit code reports the error itself; a closed stdout cannot be reported anywhere.
        let _ = self::json(&object);
    }
}

/// Shows progress on stderr: on a terminal one bar per task, elsewhere one line when a task starts.
pub struct Bars {
    volume: Volume,
    terminal: bool,
    all: MultiProgress,
}

impl Bars {
    /// Shows bars if stderr is a terminal, except in quiet mode.
    pub fn new(volume: Volume) -> Self {
        let terminal = io::stderr().is_terminal() && volume > Volume::Quiet;
        let all = MultiProgress::new();
        if !terminal {
            all.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self {
            volume,
            terminal,
            all,
        }
    }

    /// Shows a line in verbose mode.
    pub fn detail(&self, message: &str) {
        if self.volume >= Volume::Verbose {
            self.line(message);
        }
    }

    fn line(&self, text: &str) {
        self.all.suspend(|| message(text));
    }
}

impl Progress for Bars {
    fn begin(&self, what: &str, total: Option<u64>) -> Box<dyn Task> {
        if !self.terminal {
            if self.volume >= Volume::Normal {
                let size = total.map_or_else(String::new, |bytes| format!(" ({})", Size(bytes)));
                message(&format!("{what}{size}"));
            }
            return Box::new(Bar(ProgressBar::hidden()));
        }
        // The templates are constants; a mistake in one shows as a plain bar, not as an error.
        let template = match total {
            Some(_) => {
                "{msg:<22} {bar:25} {percent:>3}%  {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left"
            }
            None => "{msg:<22} {spinner}  {binary_bytes}  {binary_bytes_per_sec}  {elapsed}",
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
        let bar = self
            .all
            .add(bar.with_style(style).with_message(printable::line(what)));
        bar.enable_steady_tick(Duration::from_millis(200));
        Box::new(Bar(bar))
    }

    fn say(&self, message: &str) {
        if self.volume >= Volume::Normal {
            self.line(message);
        }
    }

    fn warn(&self, message: &str) {
        self.line(&format!("warning: {message}"));
    }
}

struct Bar(ProgressBar);

impl Task for Bar {
    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    fn reset_to(&self, bytes: u64) {
        self.0.set_position(bytes);
        self.0.reset_eta();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A table with headings. Each column is as wide as its widest cell.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(headings: &[&dyn fmt::Display]) -> Self {
        let mut table = Self { rows: Vec::new() };
        table.row(headings);
        table
    }

    pub fn row(&mut self, cells: &[&dyn fmt::Display]) {
        let safe = |cell: &&dyn fmt::Display| printable::line(&cell.to_string());
        self.rows.push(cells.iter().map(safe).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &self.rows {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&[&"NODE", &"SIZE"]);
        table.row(&[&"pi4-2", &"3.0 GiB"]);
        table.row(&[&"ä", &1]);
        assert_eq!(table.to_string(), "NODE   SIZE\npi4-2  3.0 GiB\nä      1\n");
    }

    #[test]
    fn a_cell_cannot_make_up_another_row() {
        let mut table = Table::new(&[&"NODE", &"STAGE"]);
        table.row(&[&"pi4-2", &"\x1b[2J\npi4-3  done"]);
        assert_eq!(
            table.to_string(),
            "NODE   STAGE\npi4-2  \u{fffd}[2J\u{fffd}pi4-3  done\n"
        );
    }

    #[test]
    fn a_file_of_an_image_cannot_command_the_terminal() {
        assert_eq!(
            on_terminal(b"a=1\r\n\tb\x1b[2J\xff\n"),
            "a=1\n\tb\u{fffd}[2J\u{fffd}\n"
        );
    }
}
