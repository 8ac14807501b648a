//! Calls the FAT library and catches its panics, which some damaged file systems cause.

use std::cell::Cell;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::error::{Category, Error};

pub(super) type LibraryError = fatfs::Error<io::Error>;

/// The reason why a call failed.
pub(super) enum Failure {
    Library(LibraryError),
    Panicked,
}

impl Failure {
    /// Converts it to an error for the user; `what` was being done.
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
                format!("{what}: the file system is damaged (invalid cluster number)"),
            )
            .with_remedy("use a fresh copy of the base image"),
        }
    }
}

thread_local! {
    /// Set while a panic on this thread is caught and must not be reported.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs the FAT library, which panics with an arithmetic overflow on cluster numbers 0 and 1 in a chain.
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
