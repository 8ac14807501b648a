//! An output file, which has a temporary name until it is complete.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::disk::partial::PartialFile;
use crate::disk::paths::{folder_of, is_at, open_file, sync_folder};
use crate::error::{Category, Context, Error, Result};
use crate::threads::on_threads;

/// Separates the final name from the unique suffix in a temporary name.
const INFIX: &str = ".mkimage-";

/// Limit for attempts if another run removes the temporary file as stale.
const ATTEMPTS: usize = 8;

/// Threads for syncing, which wait for the disk rather than the processor.
const SYNC_THREADS: usize = 4;

/// A file that gets its final name only when it is complete and synced.
#[derive(Debug)]
pub struct Output {
    file: File,
    partial: PartialFile,
    destination: PathBuf,
}

impl Output {
    /// Creates the temporary file beside `destination`, in an existing folder.
    pub fn create(destination: &Path) -> Result<Self> {
        let what = || format!("creating {}", destination.display());
        let folder = folder_of(destination);
        let name = destination.file_name().ok_or_else(|| {
            let what = format!("{} is not a file name", destination.display());
            Error::new(Category::Usage, what)
        })?;
        remove_stale(folder);
        for _ in 0..ATTEMPTS {
            // Process ids are not unique: two containers that share a folder can have the same.
            let unique = fastrand::u64(..);
            let temporary = folder.join(format!(".{}{INFIX}{unique:016x}", name.to_string_lossy()));
            let (partial, file) = PartialFile::create(&temporary).disk(what)?;
            // Held until the process ends, so that other runs know that the file is in use.
            file.lock().disk(what)?;
            // Another run may have removed it before it was locked.
            if is_at(&file, &temporary).disk(what)? {
                return Ok(Self {
                    file,
                    partial,
                    destination: destination.to_owned(),
                });
            }
        }
        let what = format!("{}: other runs keep removing the temporary file", what());
        Err(Error::new(Category::Disk, what)
            .with_remedy("run mkimage again when no other run writes to that folder"))
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    pub fn destination(&self) -> &Path {
        &self.destination
    }
}

/// Syncs complete files and gives them their final names. Returns the final paths.
///
/// Disks sync several files at the same time faster than one after the other.
pub fn finish_all(outputs: Vec<Output>) -> Result<Vec<PathBuf>> {
    fn what(destination: &Path) -> impl Fn() -> String {
        move || format!("finishing {}", destination.display())
    }
    on_threads(
        SYNC_THREADS,
        &outputs,
        || (),
        |output, ()| output.file.sync_all().disk(what(&output.destination)),
    )?;
    let mut destinations = Vec::with_capacity(outputs.len());
    for output in outputs {
        let destination = output.destination;
        output
            .partial
            .rename(&destination)
            .disk(|| what(&destination)() + &in_place(&destinations))?;
        destinations.push(destination);
    }
    let folders: BTreeSet<_> = destinations.iter().map(|path| folder_of(path)).collect();
    for folder in folders {
        sync_folder(folder)?;
    }
    Ok(destinations)
}

/// Tells which images were replaced if another one could not be renamed.
fn in_place(finished: &[PathBuf]) -> String {
    if finished.is_empty() {
        return " (no image was replaced)".to_owned();
    }
    let names: Vec<_> = finished.iter().map(|path| path.display().to_string()).collect();
    format!(" (only {} was replaced)", names.join(", "))
}

/// Returns whether a file has a temporary name, of any output.
fn is_temporary(name: &str) -> bool {
    let parts = name.strip_prefix('.').and_then(|name| name.rsplit_once(INFIX));
    parts.is_some_and(|(_, unique)| unique.len() == 16 && unique.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Removes temporary files left by killed runs, also those of other outputs: unfinished images have keys in them. A running process
/// has its file locked.
fn remove_stale(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_temporary(&entry.file_name().to_string_lossy())
            && let Ok(file) = open_file(&entry.path(), File::options().write(true))
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn an_unfinished_image_never_has_the_final_name() {
        let folder = tempfile::tempdir().unwrap();
        let destination = folder.path().join("pi4-2.img");
        fs::write(&destination, "the good one of yesterday").unwrap();
        let output = Output::create(&destination).unwrap();
        output.file().write_all(b"half").unwrap();
        drop(output);
        assert_eq!(fs::read(&destination).unwrap(), b"the good one of yesterday");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        let output = Output::create(&destination).unwrap();
        output.file().write_all(b"whole").unwrap();
        finish_all(vec![output]).unwrap();
        assert_eq!(fs::read(&destination).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn temporary_files_of_killed_runs_are_removed_and_those_of_others_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let dead = ["2.img", "1.img.xz"].map(|of| path(&format!(".pi4-{of}.mkimage-0123456789abcdef")));
        let others = [".pi4-2.img.mkimage-notes", "pi4-2.img.mkimage-0123456789abcdef"].map(path);
        for path in dead.iter().chain(&others) {
            fs::write(path, "x").unwrap();
        }
        let alive = path(".pi4-2.img.mkimage-fedcba9876543210");
        let living = File::create(&alive).unwrap();
        living.lock().unwrap();
        remove_stale(folder.path());
        assert!(!dead.iter().any(|path| path.exists()));
        assert!(others.iter().all(|path| path.exists()));
        assert!(alive.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_named_pipe_among_the_temporary_files_does_not_stop_a_build() {
        let folder = tempfile::tempdir().unwrap();
        crate::disk::paths::testing::create_pipe(&folder.path().join(".pi4-2.img.mkimage-0"));
        Output::create(&folder.path().join("pi4-2.img")).unwrap();
    }

    #[test]
    fn two_runs_with_the_same_process_id_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let destination = folder.path().join("pi4-2.img");
        let [one, other] = [(); 2].map(|()| Output::create(&destination).unwrap());
        one.file().write_all(b"one").unwrap();
        other.file().write_all(b"other").unwrap();
        finish_all(vec![one]).unwrap();
        assert_eq!(fs::read(&destination).unwrap(), b"one");
        finish_all(vec![other]).unwrap();
        assert_eq!(fs::read(&destination).unwrap(), b"other");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_an_image_with_its_keys() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let destination = folder.path().join("pi4-2.img");
        fs::write(&destination, "").unwrap();
        fs::set_permissions(&destination, fs::Permissions::from_mode(0o644)).unwrap();
        finish_all(vec![Output::create(&destination).unwrap()]).unwrap();
        let mode = fs::metadata(&destination).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn an_error_names_the_images_that_were_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["pi4-1.img", "pi4-3.img"].map(|name| folder.path().join(name));
        let outputs = [&first, &second].map(|path| Output::create(path).unwrap());
        fs::create_dir(&second).unwrap();
        let error = finish_all(outputs.into()).unwrap_err();
        assert_eq!(error.category(), Category::Disk);
        let message = error.to_string();
        assert!(message.contains("pi4-1.img was replaced"), "{message}");
        assert!(message.contains("pi4-3.img"), "{message}");
        assert!(first.exists());
    }
}
