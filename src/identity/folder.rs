//! A folder that only its owner can read, whose files are written atomically.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::read_only::{self, ReadText};
use crate::disk::durable::{folder_of, sync_folder};
use crate::error::{Category, Context, Error, Result};

/// Keeps the folder out of version control. It is also the lock file, because it is created once and never renamed.
const IGNORE_FILE: &str = ".gitignore";
const IGNORE_EVERYTHING: &[u8] = b"*\n";

/// Prefix of file names during writing.
const UNFINISHED_PREFIX: &str = ".new-";

/// The open folder, locked against changes by other processes until dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// One sentence for each repaired permission.
    pub(super) repaired: Vec<String>,
    /// Closing the file releases the lock.
    _lock: File,
}

impl Folder {
    /// Opens or creates the folder. Waits for other processes that have it open.
    pub(super) fn open_or_create(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).disk(|| format!("finding the folder {}", path.display()))?;
        let what = || format!("opening the secrets folder {}", path.display());
        create_private_folder(&path)?;
        let ignore = path.join(IGNORE_FILE);
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        set_private_mode(&mut options);
        let mut lock = options.open(&ignore).disk(what)?;
        lock.lock().disk(what)?;
        if lock.metadata().disk(what)?.len() == 0 {
            lock.write_all(IGNORE_EVERYTHING).disk(what)?;
            lock.sync_all().disk(what)?;
        }
        let mut folder = Self {
            path: path.clone(),
            repaired: Vec::new(),
            _lock: lock,
        };
        folder.make_private(&path)?;
        folder.remove_unfinished()?;
        Ok(folder)
    }

    /// Returns the folder's absolute path.
    pub(super) fn root(&self) -> &Path {
        &self.path
    }

    /// Creates a subfolder if it does not exist.
    pub(super) fn create_folder(&mut self, relative: &str) -> Result<()> {
        let path = self.path(relative);
        create_private_folder(&path)?;
        self.make_private(&path)
    }

    /// Writes a new file. If another process created it first, that file stays.
    pub(super) fn create(&self, relative: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(relative);
        match self.write_temporary(&path, bytes)?.persist_noclobber(&path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {}
            // Some file systems can only replace. The lock keeps other processes from writing here.
            Err(error) if path.symlink_metadata().is_err() => {
                error
                    .file
                    .persist(&path)
                    .map_err(|error| error.error)
                    .disk(|| format!("writing {}", path.display()))?;
            }
            Err(error) => return Err(error.error).disk(|| format!("writing {}", path.display())),
        }
        sync_folder(folder_of(&path))
    }

    /// Writes a generated file unless it already has this content.
    pub(super) fn update(&mut self, relative: &str, text: &str) -> Result<()> {
        if self
            .read(relative)
            .is_ok_and(|old| old.is_some_and(|old| old.as_str() == text))
        {
            return Ok(());
        }
        let path = self.path(relative);
        self.write_temporary(&path, text.as_bytes())?
            .persist(&path)
            .map_err(|error| error.error)
            .disk(|| format!("writing {}", path.display()))?;
        sync_folder(folder_of(&path))
    }

    /// Writes the content of `path` to a temporary file and syncs it. `tempfile` creates it with mode 0600.
    fn write_temporary(&self, path: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile> {
        let what = || format!("writing {}", path.display());
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED_PREFIX)
            .tempfile_in(&self.path)
            .disk(what)?;
        file.write_all(bytes).disk(what)?;
        file.as_file().sync_all().disk(what)?;
        Ok(file)
    }

    /// Removes files left by a killed process. The lock ensures that no other process is writing.
    fn remove_unfinished(&self) -> Result<()> {
        let what = || format!("listing {}", self.path.display());
        for entry in fs::read_dir(&self.path).disk(what)? {
            let entry = entry.disk(what)?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED_PREFIX) {
                fs::remove_file(entry.path()).disk(|| format!("removing {}", entry.path().display()))?;
            }
        }
        Ok(())
    }

    /// Removes the permissions of other users and notes the change.
    #[cfg(unix)]
    fn make_private(&mut self, path: &Path) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;

        let what = || format!("reading the permissions of {}", path.display());
        let mode = |path: &Path| fs::metadata(path).map(|metadata| metadata.permissions().mode() & 0o777);
        let old = mode(path).disk(what)?;
        let others = |mode: u32| mode & 0o077;
        if others(old) == 0 {
            return Ok(());
        }
        let new = old & 0o700;
        fs::set_permissions(path, fs::Permissions::from_mode(new)).map_err(|error| {
            Error::new(
                Category::Disk,
                format!("other users may read {} (mode {old:o})", path.display()),
            )
            .with_cause(error)
            .with_remedy(format!("run: chmod go= {}", path.display()))
        })?;
        // Some file systems, such as exFAT, have no permissions.
        self.repaired.push(if others(mode(path).disk(what)?) == 0 {
            format!(
                "other users could read {} (mode {old:o}); its mode is now {new:o}",
                path.display()
            )
        } else {
            format!(
                "other users can read {} (mode {old:o}), and its file system does not support changing that",
                path.display()
            )
        });
        Ok(())
    }

    #[cfg(not(unix))]
    #[allow(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "same signature as on Unix"
    )]
    fn make_private(&mut self, _path: &Path) -> Result<()> {
        Ok(())
    }
}

impl ReadText for Folder {
    fn path(&self, relative: &str) -> PathBuf {
        self.path.join(relative)
    }

    /// Also removes the permissions of other users.
    fn read(&mut self, relative: &str) -> Result<Option<Zeroizing<String>>> {
        let path = self.path(relative);
        let Some(bytes) = read_only::bytes(&path)? else {
            return Ok(None);
        };
        self.make_private(&path)?;
        read_only::text(&path, &bytes).map(Some)
    }
}

fn create_private_folder(path: &Path) -> Result<()> {
    match private_folder().create(path) {
        Ok(()) => sync_folder(folder_of(path)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error).disk(|| format!("creating the folder {}", path.display())),
    }
}

#[cfg(unix)]
fn private_folder() -> fs::DirBuilder {
    use std::os::unix::fs::DirBuilderExt;

    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn private_folder() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

#[cfg(unix)]
fn set_private_mode(options: &mut fs::OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn set_private_mode(_options: &mut fs::OpenOptions) {}
