//! A folder that only its owner may look into, whose files appear whole or not at all.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::look::{self, Texts};
use crate::disk::durable::{folder_of, sync_folder};
use crate::error::{Category, Context, Error, Result};

/// Keeps the folder out of version control, and is what processes lock: it is made once and never renamed.
const IGNORE_FILE: &str = ".gitignore";
const IGNORE_EVERYTHING: &[u8] = b"*\n";

/// What the names of files begin with while they are written.
const UNFINISHED: &str = ".new-";

/// The open folder. No other process changes it until this is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Repaired permissions, a sentence each.
    pub(super) repaired: Vec<String>,
    /// Its lock ends when the file is closed.
    _lock: File,
}

impl Folder {
    /// Opens the folder, or makes it, and waits for other processes that have it open.
    pub(super) fn open_or_create(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).disk(|| format!("finding the folder {}", path.display()))?;
        let what = || format!("opening the secrets folder {}", path.display());
        make_private_folder(&path)?;
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

    /// The folder, absolute.
    pub(super) fn root(&self) -> &Path {
        &self.path
    }

    /// Makes a folder in it, unless it is there.
    pub(super) fn make_folder(&mut self, relative: &str) -> Result<()> {
        let path = self.path(relative);
        make_private_folder(&path)?;
        self.make_private(&path)
    }

    /// Writes a file that must not be there yet. When another process was first, its file stays.
    pub(super) fn create(&self, relative: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(relative);
        match self.written(&path, bytes)?.persist_noclobber(&path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {}
            // Some file systems can only replace; nobody else writes here while this one has the lock.
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

    /// Writes a file that can be made from others at any time, if it is not there with this content.
    pub(super) fn refresh(&mut self, relative: &str, text: &str) -> Result<()> {
        if self
            .read(relative)
            .is_ok_and(|old| old.is_some_and(|old| old.as_str() == text))
        {
            return Ok(());
        }
        let path = self.path(relative);
        self.written(&path, text.as_bytes())?
            .persist(&path)
            .map_err(|error| error.error)
            .disk(|| format!("writing {}", path.display()))?;
        sync_folder(folder_of(&path))
    }

    /// What becomes `path`, under a temporary name and complete on the disk. `tempfile` makes it 0600.
    fn written(&self, path: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile> {
        let what = || format!("writing {}", path.display());
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(&self.path)
            .disk(what)?;
        file.write_all(bytes).disk(what)?;
        file.as_file().sync_all().disk(what)?;
        Ok(file)
    }

    /// Removes what a process left that was killed while it wrote. Nobody else writes while this one has the lock.
    fn remove_unfinished(&self) -> Result<()> {
        let what = || format!("looking into {}", self.path.display());
        for entry in fs::read_dir(&self.path).disk(what)? {
            let entry = entry.disk(what)?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                fs::remove_file(entry.path()).disk(|| format!("removing {}", entry.path().display()))?;
            }
        }
        Ok(())
    }

    /// Takes away the rights of everybody else, and remembers that it had to.
    #[cfg(unix)]
    fn make_private(&mut self, path: &Path) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;

        let what = || format!("looking at {}", path.display());
        let mode = |path: &Path| fs::metadata(path).map(|metadata| metadata.permissions().mode() & 0o777);
        let old = mode(path).disk(what)?;
        let of_others = |mode: u32| mode & 0o077;
        if of_others(old) == 0 {
            return Ok(());
        }
        let new = old & 0o700;
        fs::set_permissions(path, fs::Permissions::from_mode(new)).map_err(|error| {
            Error::new(
                Category::Disk,
                format!("others may read {} (mode {old:o})", path.display()),
            )
            .with_cause(error)
            .with_remedy(format!("run: chmod go= {}", path.display()))
        })?;
        // File systems such as exFAT have no permissions to set.
        self.repaired.push(if of_others(mode(path).disk(what)?) == 0 {
            format!(
                "others could read {} (mode {old:o}); it is {new:o} now",
                path.display()
            )
        } else {
            format!(
                "others can read {} (mode {old:o}), and its file system does not let that be changed",
                path.display()
            )
        });
        Ok(())
    }

    #[cfg(not(unix))]
    #[allow(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "as on Unix, where it does something"
    )]
    fn make_private(&mut self, _path: &Path) -> Result<()> {
        Ok(())
    }
}

impl Texts for Folder {
    fn path(&self, relative: &str) -> PathBuf {
        self.path.join(relative)
    }

    /// Others are kept from reading the file from now on.
    fn read(&mut self, relative: &str) -> Result<Option<Zeroizing<String>>> {
        let path = self.path(relative);
        let Some(bytes) = look::bytes(&path)? else {
            return Ok(None);
        };
        self.make_private(&path)?;
        look::text(&path, &bytes).map(Some)
    }
}

fn make_private_folder(path: &Path) -> Result<()> {
    match private_folder().create(path) {
        Ok(()) => sync_folder(folder_of(path)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error).disk(|| format!("making the folder {}", path.display())),
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
