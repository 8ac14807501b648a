//! Calls of the FAT library, which panics on some damaged file systems.

use std::cell::Cell;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::error::{Category, Error};

/// What the library calls an error.
pub(super) type LibraryError = fatfs::Error<io::Error>;

/// Why the library did not do it.
pub(super) enum Failure {
    /// It said so.
    Library(LibraryError),
    /// It did not survive what it found.
    Panicked,
}

impl Failure {
    /// As the user is told; `what` was being done.
    pub(super) fn into_error(self, what: &str) -> Error {
        match self {
            Self::Library(fatfs::Error::Io(error))
                if !matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::FileTooLarge
                ) =>
            {
                Error::new(Category::Disk, what).with_cause(error)
            }
            Self::Library(error) => Error::new(Category::Verification, what).with_cause(error),
            Self::Panicked => Error::new(
                Category::Verification,
                format!("{what}: the file system is damaged (a cluster number makes no sense)"),
            )
            .with_remedy("use a fresh copy of the base image"),
        }
    }
}

thread_local! {
    /// Whether a panic on this thread is an answer that somebody waits for, not a defect to report.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs the FAT library, which answers cluster numbers 0 and 1 in a chain with an arithmetic overflow.
pub(super) fn guarded<T>(
    operation: impl FnOnce() -> std::result::Result<T, LibraryError>,
) -> std::result::Result<T, Failure> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !EXPECTED.get() {
                report(info);
            }
        }));
    });
    EXPECTED.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(operation));
    EXPECTED.set(false);
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Failure::Library(error)),
        Err(_) => Err(Failure::Panicked),
    }
}
