//! How long work tells how far it is, without knowing who listens.

/// Receives the beginning of tasks. The terminal shows bars, tests nothing.
pub trait Progress: Send + Sync {
    /// A task begins: `what` as in "downloading", `total` in bytes where it is known.
    fn begin(&self, what: &str, total: Option<u64>) -> Box<dyn Task>;

    /// Something the user should know, in one line, without interrupting a bar.
    fn say(&self, message: &str);

    /// Something the user should worry about, in one line.
    fn warn(&self, message: &str);
}

/// One task that is under way. Dropping it ends it.
pub trait Task: Send + Sync {
    /// `bytes` more are done.
    fn advance(&self, bytes: u64);

    /// Back to `bytes` in all, as when a server starts over.
    fn reset_to(&self, bytes: u64);
}

/// Nobody listens.
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
