//! Unfinished files and empty output folders, which are removed on Ctrl-C; the program then exits with code 130.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::disk::paths;
use crate::error::{Category, Context, Error, Result};
use crate::threads::lock;

/// Remedy for a folder that cannot be used.
const REMEDY: &str = "use another folder with --out";

/// Files to remove on Ctrl-C.
static PARTIAL_FILES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Folders created for such files.
static NEW_FOLDERS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Keeps images, which hold private keys, out of version control.
const IGNORE_FILE: &str = ".gitignore";
const IGNORE_EVERYTHING: &[u8] = b"*\n";

/// Sets a handler for Ctrl-C (SIGINT, SIGTERM, SIGHUP; console events on Windows). It removes every registered file
/// and every empty folder created for them, prints a message and exits with code 130. Fails if a handler is already
/// set.
pub fn remove_on_interrupt() -> Result<()> {
    ctrlc::set_handler(|| {
        // The lock is held until the process ends, so that nothing can be renamed in the meantime.
        let files = lock(&PARTIAL_FILES);
        for file in files.iter() {
            let _ = fs::remove_file(file);
        }
        // In reverse order, because a folder comes after its parent.
        let folders = lock(&NEW_FOLDERS);
        folders.iter().rev().for_each(|folder| remove_unused(folder));
        let tail = if files.is_empty() {
            ""
        } else {
            "; unfinished files were removed"
        };
        // A closed stderr is ignored.
        let _ = writeln!(io::stderr(), "\nmkimage: interrupted{tail}");
        std::process::exit(i32::from(Category::Interrupted.exit_code()));
    })
    .context(Category::Other, || "setting up Ctrl-C".to_owned())
}

/// A file that is removed on Ctrl-C and on drop, unless it is renamed first.
#[derive(Debug)]
pub struct PartialFile {
    path: PathBuf,
}

impl PartialFile {
    /// Creates a new file for reading and writing by its owner only. It is registered while creation holds the lock, so it
    /// cannot be left behind.
    pub fn create(path: &Path) -> io::Result<(Self, File)> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut files = lock(&PARTIAL_FILES);
        let file = options.open(path)?;
        files.insert(path.to_owned());
        let partial = Self {
            path: path.to_owned(),
        };
        Ok((partial, file))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the finished file its final name, atomically with respect to Ctrl-C.
    pub fn rename(self, to: &Path) -> io::Result<()> {
        let mut files = lock(&PARTIAL_FILES);
        fs::rename(&self.path, to)?;
        files.remove(&self.path);
        drop(files);
        std::mem::forget(self);
        Ok(())
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        let mut files = lock(&PARTIAL_FILES);
        let _ = fs::remove_file(&self.path);
        files.remove(&self.path);
    }
}

/// The output folder, checked before the download. Folders created for it are removed on Ctrl-C and on drop if they are
/// empty.
#[derive(Debug)]
pub struct OutFolder {
    /// Outermost first.
    created: Vec<PathBuf>,
}

impl OutFolder {
    /// Creates the folder if it does not exist; a new one ignores itself for git. Checks that it is writable and that no
    /// destination is a folder.
    pub fn prepare(path: &Path, destinations: &[PathBuf]) -> Result<Self> {
        refuse_file(path)?;
        let mut prepared = Self { created: Vec::new() };
        let missing: Vec<_> = path
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
            .collect();
        for folder in missing.into_iter().rev() {
            match prepared.create(folder) {
                Ok(()) => {}
                // Another run created it at the same time and owns it.
                Err(_) if folder.is_dir() => {}
                Err(error) => {
                    return Err(error)
                        .disk(|| format!("creating the folder {}", path.display()))
                        .map_err(|error| error.with_remedy(REMEDY));
                }
            }
        }
        if let Some(new) = prepared.created.last() {
            // The lock keeps Ctrl-C from removing the folder at the same time. Without the file, everything else works.
            let _folders = lock(&NEW_FOLDERS);
            let _ = paths::write(&new.join(IGNORE_FILE), IGNORE_EVERYTHING);
        }
        tempfile::tempfile_in(path)
            .disk(|| format!("writing to the folder {}", path.display()))
            .map_err(|error| error.with_remedy(REMEDY))?;
        if let Some(folder) = destinations.iter().find(|destination| destination.is_dir()) {
            let what = format!(
                "{} is a folder, but an image must be written there",
                folder.display()
            );
            let remedy = format!("move the folder away, or {REMEDY}");
            return Err(Error::new(Category::Disk, what).with_remedy(remedy));
        }
        Ok(prepared)
    }

    /// Creates a folder in an existing one.
    fn create(&mut self, path: &Path) -> io::Result<()> {
        let mut folders = lock(&NEW_FOLDERS);
        fs::create_dir(path)?;
        folders.insert(path.to_owned());
        self.created.push(path.to_owned());
        Ok(())
    }
}

impl Drop for OutFolder {
    fn drop(&mut self) {
        let mut folders = lock(&NEW_FOLDERS);
        for path in self.created.iter().rev() {
            remove_unused(path);
            folders.remove(path);
        }
    }
}

/// Removes a folder that has nothing but the file by which it ignores itself.
fn remove_unused(folder: &Path) {
    let Ok(mut entries) = fs::read_dir(folder) else {
        return;
    };
    if entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == IGNORE_FILE)) {
        let _ = fs::remove_file(folder.join(IGNORE_FILE));
        let _ = fs::remove_dir(folder);
    }
}

/// Refuses a file in place of the folder or one of its parents.
fn refuse_file(path: &Path) -> Result<()> {
    let file = path
        .ancestors()
        .find(|place| place.exists())
        .filter(|place| !place.is_dir());
    let Some(file) = file else {
        return Ok(());
    };
    let mut what = format!("{} is a file", file.display());
    if file != path {
        what = format!("{what}, so the folder {} cannot exist", path.display());
    }
    Err(Error::new(Category::Disk, what).with_remedy(REMEDY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("half");
        let (half, _file) = PartialFile::create(&path).unwrap();
        drop(half);
        assert!(!path.exists());

        let (half, _file) = PartialFile::create(&path).unwrap();
        half.rename(&folder.path().join("whole")).unwrap();
        assert!(!path.exists() && folder.path().join("whole").exists());
    }

    #[test]
    fn an_empty_new_folder_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let there = place.path().join("there");
        fs::create_dir(&there).unwrap();
        let deep = there.join("a/b");
        let prepared = OutFolder::prepare(&deep, &[]).unwrap();
        assert!(deep.is_dir());
        drop(prepared);
        assert_eq!(fs::read_dir(&there).unwrap().count(), 0);

        drop(OutFolder::prepare(&there, &[]).unwrap());
        assert!(there.is_dir(), "the user's own empty folder must stay");

        let prepared = OutFolder::prepare(&deep, &[]).unwrap();
        fs::write(deep.join("pi4-2.img"), "an image").unwrap();
        drop(prepared);
        assert!(deep.join("pi4-2.img").exists());
    }

    #[test]
    fn images_in_a_new_folder_are_ignored_by_git() {
        let place = tempfile::tempdir().unwrap();
        let [new, old] = ["a/new", "old"].map(|name| place.path().join(name));
        fs::create_dir(&old).unwrap();
        for folder in [&new, &old] {
            let prepared = OutFolder::prepare(folder, &[]).unwrap();
            fs::write(folder.join("pi4-2.img"), "an image").unwrap();
            drop(prepared);
        }
        assert_eq!(fs::read(new.join(IGNORE_FILE)).unwrap(), IGNORE_EVERYTHING);
        assert!(
            !old.join(IGNORE_FILE).exists(),
            "the user's own folder must not change"
        );
        assert!(!place.path().join("a").join(IGNORE_FILE).exists());
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("afile");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("out")] {
            let error = OutFolder::prepare(&path, &[]).unwrap_err();
            assert_eq!(error.category(), Category::Disk);
            assert!(error.to_string().contains("afile is a file"), "{error}");
            assert!(error.remedy().is_some_and(|remedy| remedy.contains("--out")));
        }
    }

    #[test]
    fn a_folder_in_place_of_an_image_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let [good, bad] = ["pi4-1.img", "pi4-3.img"].map(|name| place.path().join(name));
        fs::create_dir(&bad).unwrap();
        let error = OutFolder::prepare(place.path(), &[good, bad]).unwrap_err();
        assert_eq!(error.category(), Category::Disk);
        assert!(error.to_string().contains("pi4-3.img is a folder"), "{error}");
    }
}
