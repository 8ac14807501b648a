//! Progress reports of long tasks, independent of who displays them.

/// Receives progress reports. The terminal shows bars; tests show nothing.
pub trait Progress: Send + Sync {
    /// Starts a task: `what` as in "downloading", `total` in bytes if known.
    fn begin(&self, what: &str, total: Option<u64>) -> Box<dyn Task>;

    /// Shows the user one line of information without disturbing a bar.
    fn say(&self, message: &str);

    /// Shows the user a warning on one line.
    fn warn(&self, message: &str);
}

/// A running task. Dropping it ends it.
pub trait Task: Send + Sync {
    /// Adds `bytes` to the progress.
    fn advance(&self, bytes: u64);

    /// Sets the progress to `bytes` in total, as when a download starts again.
    fn reset_to(&self, bytes: u64);
}

/// Discards all progress reports.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _total: Option<u64>) -> Box<dyn Task> {
        Box::new(Self)
    }
    fn say(&self, _message: &str) {}
    fn warn(&self, _message: &str) {}
}

impl Task for Silent {
    fn advance(&self, _bytes: u64) {}
    fn reset_to(&self, _bytes: u64) {}
}
