//! An output file: under a temporary name until it is complete.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use crate::error::{Category, Context, Error, Result};
use crate::image::threads::on_threads;
use crate::interrupt::HalfDone;

/// Between `.` + final name and the process id in a temporary name.
const INFIX: &str = ".mkimage-";

/// Each waits for the disk, not for a processor.
const SYNCED_AT_ONCE: usize = 4;

/// A file that gets its final name only when it is complete and on the disk.
#[derive(Debug)]
pub struct Output {
    file: File,
    half_done: HalfDone,
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
        let temporary = folder.join(format!(
            ".{}{INFIX}{}",
            name.to_string_lossy(),
            std::process::id()
        ));
        let half_done = HalfDone::register(&temporary);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        // An image holds the node's private keys.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&temporary).disk(what)?;
        // Held until the process ends: how another run knows that this file is not a dead one's.
        file.lock().disk(what)?;
        Ok(Self {
            file,
            half_done,
            destination: destination.to_owned(),
        })
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
        output.half_done.rename(&destination).disk(what(&destination))?;
        destinations.push(destination);
    }
    let folders: BTreeSet<_> = destinations.iter().map(|path| folder_of(path)).collect();
    for folder in folders {
        sync_folder(folder).disk(|| format!("syncing {}", folder.display()))?;
    }
    Ok(destinations)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A renamed file survives a power cut only when its folder is synced as well.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
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
}
