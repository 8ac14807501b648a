//! A folder that only its owner can read, whose files are written atomically.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::disk::paths::{folder_of, open_file, require_inside, sync_folder};
use crate::error::{Category, Context, Error, Result};

/// Keeps the folder out of version control. It is also the lock file, because it is created once and never renamed.
const IGNORE_FILE: &str = ".gitignore";
const IGNORE_EVERYTHING: &[u8] = b"*\n";

/// Prefix of file names during writing.
const UNFINISHED_PREFIX: &str = ".new-";

/// In bytes. No file in the folder is larger.
const MAX_SIZE: u64 = 1024 * 1024;

/// The folder's files, for reading. They are written atomically, so a reader needs no lock.
#[derive(Debug)]
pub(super) struct Files {
    /// The folder's absolute path.
    pub(super) root: PathBuf,
}

impl Files {
    /// Opens the folder if it exists. Nothing is created, locked or repaired.
    pub(super) fn open(path: &Path) -> Result<Option<Self>> {
        let what = || format!("looking for the secrets folder {}", path.display());
        if !path.try_exists().disk(what)? {
            return Ok(None);
        }
        let root = std::path::absolute(path).disk(what)?;
        refuse_links(&root, &root)?;
        Ok(Some(Self { root }))
    }

    /// Returns the absolute path of a file in the folder.
    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Returns a file's text; `None` if it does not exist.
    pub(super) fn read(&self, relative: &str) -> Result<Option<Zeroizing<String>>> {
        let path = self.path(relative);
        let what = || format!("reading {}", path.display());
        let file = match open_file(&path, File::options().read(true)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).disk(what),
        };
        // A copied folder must not turn a key of this computer into a node's.
        require_inside(&self.root, &path)?;
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(MAX_SIZE).read_to_end(&mut bytes).disk(what)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Some(Zeroizing::new(text.to_owned()))),
            Err(_) => Err(Error::new(
                Category::Disk,
                format!("{} is damaged: it is not a text file", path.display()),
            )
            .with_remedy("restore it from a backup")),
        }
    }
}

/// The open folder, locked against changes by other processes until dropped.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) files: Files,
    /// One sentence for each repaired permission.
    pub(super) repaired: Vec<String>,
    /// Closing the file releases the lock.
    _lock: File,
}

impl Folder {
    /// Opens or creates the folder, and removes the permissions of other users. Waits for other processes that have it
    /// open.
    pub(super) fn open_or_create(path: &Path) -> Result<Self> {
        let root = std::path::absolute(path).disk(|| format!("finding the folder {}", path.display()))?;
        let what = || format!("opening the secrets folder {}", root.display());
        create_private_folder(&root)?;
        // Before anything in it is opened, made or changed.
        refuse_links(&root, &root)?;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut lock = open_file(&root.join(IGNORE_FILE), &mut options).disk(what)?;
        lock.lock().disk(what)?;
        if lock.metadata().disk(what)?.len() == 0 {
            lock.write_all(IGNORE_EVERYTHING).disk(what)?;
            lock.sync_all().disk(what)?;
        }
        let mut folder = Self {
            files: Files { root: root.clone() },
            repaired: Vec::new(),
            _lock: lock,
        };
        folder.make_private(&root)?;
        folder.tidy(&root)?;
        Ok(folder)
    }

    /// Creates a subfolder if it does not exist.
    pub(super) fn create_folder(&self, relative: &str) -> Result<()> {
        create_private_folder(&self.files.path(relative))
    }

    /// Writes a new file. If another process created it first, that file stays.
    pub(super) fn create(&self, relative: &str, bytes: &[u8]) -> Result<()> {
        let path = self.files.path(relative);
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
    pub(super) fn update(&self, relative: &str, text: &str) -> Result<()> {
        let old = self.files.read(relative);
        if old.is_ok_and(|old| old.is_some_and(|old| old.as_str() == text)) {
            return Ok(());
        }
        let path = self.files.path(relative);
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
            .tempfile_in(&self.files.root)
            .disk(what)?;
        file.write_all(bytes).disk(what)?;
        file.as_file().sync_all().disk(what)?;
        Ok(file)
    }

    /// Removes files left by a killed process, and the permissions of other users for all others below a folder. The lock
    /// ensures that no other process is writing.
    fn tidy(&mut self, folder: &Path) -> Result<()> {
        let what = || format!("listing {}", folder.display());
        for entry in fs::read_dir(folder).disk(what)? {
            let entry = entry.disk(what)?;
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED_PREFIX) {
                fs::remove_file(&path).disk(|| format!("removing {}", path.display()))?;
                continue;
            }
            self.make_private(&path)?;
            if entry.file_type().disk(what)?.is_dir() {
                self.tidy(&path)?;
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
            let what = format!("other users may read {} (mode {old:o})", path.display());
            Error::new(Category::Disk, what)
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

/// Refuses links that lead out of the secrets folder `root`, below a folder in it: a copied folder must not have this program change or
/// write files elsewhere.
fn refuse_links(root: &Path, folder: &Path) -> Result<()> {
    let what = || format!("listing {}", folder.display());
    for entry in fs::read_dir(folder).disk(what)? {
        let entry = entry.disk(what)?;
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_symlink() {
            require_inside(root, &path)?;
        } else if kind.is_dir() {
            refuse_links(root, &path)?;
        }
    }
    Ok(())
}

fn create_private_folder(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Ok(()) => sync_folder(folder_of(path)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error).disk(|| format!("creating the folder {}", path.display())),
    }
}
