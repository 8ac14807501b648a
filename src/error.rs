//! The error type: a sentence for the user, a remedy, the cause and the exit code.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// The kind of an error. The numbers are the documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Category {
    Other = 1,
    /// The command line is invalid.
    Usage = 2,
    /// The cluster file, or a file it refers to, is invalid.
    ClusterFile = 3,
    /// The network or the server failed.
    Network = 4,
    /// Data does not match its hash, checksum or size.
    Verification = 5,
    /// The disk is full, a permission is missing, or an input/output error occurred.
    Disk = 6,
    /// Refused because it is unsafe; the remedy says whether `--force` overrides.
    Refused = 7,
    /// The user pressed Ctrl-C.
    Interrupted = 130,
}

impl Category {
    pub fn exit_code(self) -> u8 {
        self as u8
    }
}

pub type Cause = Box<dyn StdError + Send + Sync + 'static>;

/// An error with its context and a remedy.
#[derive(Debug)]
pub struct Error {
    category: Category,
    what: String,
    remedy: Option<String>,
    cause: Option<Cause>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Creates an error without a cause. `what` is a sentence without a full stop.
    pub fn new(category: Category, what: impl Into<String>) -> Self {
        Self {
            category,
            what: what.into(),
            remedy: None,
            cause: None,
        }
    }

    /// Adds a hint about what the user can do.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Returns the category, which determines the exit code. An [`Error`] inside an [`io::Error`] keeps its own.
    pub fn category(&self) -> Category {
        let carried = self.cause.as_deref().and_then(|cause| carried(cause));
        carried.map_or(self.category, Self::category)
    }

    /// Returns the remedy of this error or of its cause.
    pub fn remedy(&self) -> Option<&str> {
        if self.remedy.is_some() {
            return self.remedy.as_deref();
        }
        let cause = self.cause.as_deref()?;
        if let Some(error) = cause.downcast_ref::<Self>().or_else(|| carried(cause)) {
            return error.remedy();
        }
        match cause.downcast_ref::<io::Error>()?.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(
                "free some space on that disk, or use another one: --out for images, MKIMAGE_CACHE_DIR for downloads, \
                 TMPDIR for temporary files",
            ),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Some("use another file or folder, or change its permissions")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    /// The sentence and its causes, joined by colons, without the remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        let mut cause = self.cause.as_deref().map(|c| c as &dyn StdError);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            // An Error prints its own causes.
            cause = if error.is::<Error>() || carried(error).is_some() {
                None
            } else {
                error.source()
            };
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|c| c as &(dyn StdError + 'static))
    }
}

/// Returns the [`Error`] inside an [`io::Error`], where `Read` of a compressed image puts it.
fn carried<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}

/// Adds a sentence to any error.
pub trait Context<T>: Sized {
    /// Adds a category, what was being done, and to which file or node.
    fn context(self, category: Category, what: impl FnOnce() -> String) -> Result<T>;

    /// Does the same as [`Context::context`] for input and output on local files.
    fn disk(self, what: impl FnOnce() -> String) -> Result<T> {
        self.context(Category::Disk, what)
    }

    /// Adds what was being done when the error occurred. The category and the remedy stay.
    fn while_doing(self, what: impl FnOnce() -> String) -> Result<T>
    where
        Self: Into<Result<T>>,
    {
        self.into()
            .map_err(|error| Error::new(error.category(), what()).with_cause(error))
    }
}

impl<T, E: Into<Cause>> Context<T> for Result<T, E> {
    fn context(self, category: Category, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|cause| Error::new(category, what()).with_cause(cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_every_cause_once() {
        let deepest = std::io::Error::other("device gone");
        let error: Result<()> = Err::<(), _>(deepest).disk(|| "reading base.img".to_owned());
        let error = error
            .map_err(|e| e.with_remedy("plug it in again"))
            .while_doing(|| "building pi4-2".to_owned())
            .unwrap_err();
        assert_eq!(error.to_string(), "building pi4-2: reading base.img: device gone");
        assert_eq!(error.remedy(), Some("plug it in again"));
        assert_eq!(error.category().exit_code(), 6);
    }

    #[test]
    fn a_full_disk_has_a_remedy() {
        let full: Result<()> =
            Err(io::Error::from(io::ErrorKind::StorageFull)).disk(|| "writing out/a.img".to_owned());
        let error = full.while_doing(|| "building a".to_owned()).unwrap_err();
        assert!(
            error
                .remedy()
                .is_some_and(|remedy| remedy.contains("free some space"))
        );
    }

    #[test]
    fn a_missing_permission_has_a_remedy() {
        let denied: Result<()> = Err(io::Error::from(io::ErrorKind::PermissionDenied))
            .context(Category::ClusterFile, || "reading cluster.toml".to_owned());
        assert!(
            denied
                .unwrap_err()
                .remedy()
                .is_some_and(|remedy| remedy.contains("permissions"))
        );
    }

    #[test]
    fn damage_found_while_reading_is_not_a_disk_error() {
        let damage = Error::new(Category::Verification, "block 3 of base.img.xz is damaged")
            .with_cause(io::Error::other("checksum"))
            .with_remedy("get it again");
        let error: Result<()> =
            Err(io::Error::other(damage)).disk(|| "opening the FAT file system".to_owned());
        let error = error.unwrap_err();
        assert_eq!(error.category(), Category::Verification);
        assert_eq!(error.remedy(), Some("get it again"));
        assert_eq!(
            error.to_string(),
            "opening the FAT file system: block 3 of base.img.xz is damaged: checksum"
        );
    }
}
