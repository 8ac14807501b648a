//! An output file: under a temporary name until it is complete.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use crate::disk::durable::{folder_of, sync_folder};
use crate::disk::opened::is_at;
use crate::disk::partial::PartialFile;
use crate::error::{Category, Context, Error, Result};
use crate::threads::on_threads;

/// Between `.` + final name and what makes a temporary name one of its own.
const INFIX: &str = ".mkimage-";

/// How many times another run may take a temporary file for a dead one's.
const ATTEMPTS: usize = 8;

/// Each waits for the disk, not for a processor.
const SYNCED_AT_ONCE: usize = 4;

/// A file that gets its final name only when it is complete and on the disk.
#[derive(Debug)]
pub struct Output {
    file: File,
    partial: PartialFile,
    destination: PathBuf,
}

impl Output {
    /// Creates the temporary file beside `destination`, in a folder that exists.
    pub fn create(destination: &Path) -> Result<Self> {
        let what = || format!("creating {}", destination.display());
        let folder = folder_of(destination);
        let name = destination.file_name().ok_or_else(|| {
            Error::new(
                Category::Usage,
                format!("{} is no file name", destination.display()),
            )
        })?;
        remove_stale(folder, &name.to_string_lossy());
        for _ in 0..ATTEMPTS {
            // Process ids are no names: two containers that share a folder can have the same.
            let unique = fastrand::u64(..);
            let temporary = folder.join(format!(".{}{INFIX}{unique:016x}", name.to_string_lossy()));
            let (partial, file) = PartialFile::create(&temporary).disk(what)?;
            // Held until the process ends: how another run knows that this file is not a dead one's.
            file.lock().disk(what)?;
            // Before it was locked it looked like one.
            if is_at(&file, &temporary).disk(what)? {
                return Ok(Self {
                    file,
                    partial,
                    destination: destination.to_owned(),
                });
            }
        }
        Err(Error::new(
            Category::Disk,
            format!("{}: other runs keep removing what was begun", what()),
        )
        .with_remedy("run mkimage again when no other one writes to that folder"))
    }

    /// The file to write to.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Its final path.
    pub fn destination(&self) -> &Path {
        &self.destination
    }
}

/// Everything is written: onto the disk with it, and into place. Says the final paths.
///
/// Disks write several files together in less time than one after the other.
pub fn finish_all(outputs: Vec<Output>) -> Result<Vec<PathBuf>> {
    fn what(destination: &Path) -> impl Fn() -> String {
        move || format!("finishing {}", destination.display())
    }
    on_threads(
        SYNCED_AT_ONCE,
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

/// Tells which images are new when another one could not get its name.
fn in_place(finished: &[PathBuf]) -> String {
    if finished.is_empty() {
        return " (no image was replaced)".to_owned();
    }
    let names: Vec<_> = finished.iter().map(|path| path.display().to_string()).collect();
    format!(" (only {} got finished)", names.join(", "))
}

/// Removes what a run that was killed left of the same output. A living run holds a lock on its file.
fn remove_stale(folder: &Path, name: &str) {
    let prefix = format!(".{name}{INFIX}");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix)
            && let Ok(file) = OpenOptions::new().write(true).open(entry.path())
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
    fn an_image_that_is_not_finished_never_has_the_final_name() {
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
    fn a_killed_runs_leftovers_are_cleared_and_a_living_runs_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let dead = folder.path().join(".pi4-2.img.mkimage-0");
        let alive = folder.path().join(".pi4-2.img.mkimage-1");
        fs::write(&dead, "x").unwrap();
        let living = File::create(&alive).unwrap();
        living.lock().unwrap();
        remove_stale(folder.path(), "pi4-2.img");
        assert!(!dead.exists());
        assert!(alive.exists());
    }

    #[test]
    fn two_runs_with_the_same_process_id_do_not_empty_each_others_image() {
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
    fn the_nodes_keys_are_in_no_file_that_others_can_read() {
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
    fn who_has_new_images_and_old_ones_is_told_which_is_which() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["pi4-1.img", "pi4-3.img"].map(|name| folder.path().join(name));
        let outputs = [&first, &second].map(|path| Output::create(path).unwrap());
        fs::create_dir(&second).unwrap();
        let error = finish_all(outputs.into()).unwrap_err();
        assert_eq!(error.category(), Category::Disk);
        let message = error.to_string();
        assert!(message.contains("pi4-1.img got finished"), "{message}");
        assert!(message.contains("pi4-3.img"), "{message}");
        assert!(first.exists());
    }
}
