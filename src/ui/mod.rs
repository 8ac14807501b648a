//! The only place that prints: results on stdout, everything else on stderr, bars only on a terminal.

mod bars;
mod table;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

pub use bars::Bars;
pub use table::Table;

use crate::error::{Category, Context, Error, Result};

/// Whether a result was printed.
static ANSWERED: AtomicBool = AtomicBool::new(false);

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volume {
    /// Results, warnings and errors.
    Quiet,
    /// What a person wants to know.
    Normal,
    /// Also what was decided and why.
    Verbose,
}

/// Prints a result on stdout, whole. A reader that went away early, as `head` does, is no error.
pub fn result(text: &str) -> Result<()> {
    ANSWERED.store(true, Ordering::Relaxed);
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| {
        if text.is_empty() || text.ends_with('\n') {
            Ok(())
        } else {
            stdout.write_all(b"\n")
        }
    });
    match written.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context(Category::Disk, || "writing to standard output".to_owned()),
    }
}

/// Prints raw bytes on stdout.
pub fn result_bytes(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context(Category::Disk, || "writing to standard output".to_owned()),
    }
}

/// Prints a result in place of the one before, where somebody looks at a terminal; below it elsewhere.
pub fn screen(text: &str) -> Result<()> {
    /// ECMA-48: cursor to the upper left corner, then erase all.
    const CLEAR: &str = "\x1b[H\x1b[2J";
    if stdout_is_terminal() {
        result(&format!("{CLEAR}{text}"))
    } else {
        result(text)
    }
}

/// A path as one argument of a command that a person copies into his shell.
pub fn as_argument(path: &Path) -> String {
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

/// Whether somebody looks at stdout.
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Prints a line on stderr. Whoever closed stderr does not want to know, which is no reason to stop.
fn message(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints what went wrong and what to do about it. In JSON mode stdout gets the same as one object, unless the
/// command had an answer already: there is never more than one object.
pub fn failure(error: &Error, json: bool) {
    message(&format!("mkimage: {error}"));
    if let Some(remedy) = error.remedy() {
        message(&format!("  → {remedy}"));
    }
    if json && !ANSWERED.load(Ordering::Relaxed) {
        let object = serde_json::json!({
            "error": { "message": error.to_string(), "remedy": error.remedy(), "exit_code": error.category().exit_code() }
        });
        // The error itself is what the exit code tells; a closed stdout cannot be reported anywhere.
        let _ = result(&object.to_string());
    }
}
