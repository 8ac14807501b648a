//! The output folder: checked before the download, and removed again if it stays empty.

use std::path::{Path, PathBuf};

use crate::disk::partial::NewFolder;
use crate::error::{Category, Context, Error, Result};

const REMEDY: &str = "use another folder with --out";

/// A writable folder. Folders created for it are removed on drop if they are empty.
#[derive(Debug)]
pub struct OutFolder {
    /// Innermost first, because they must be removed in this order.
    _created: Vec<NewFolder>,
}

impl OutFolder {
    /// Creates the folder if it does not exist. Checks that it is writable and that no destination is a folder.
    pub fn prepare(path: &Path, destinations: &[PathBuf]) -> Result<Self> {
        refuse_file(path)?;
        let mut created = Vec::new();
        let missing: Vec<_> = path
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
            .collect();
        for folder in missing.into_iter().rev() {
            match NewFolder::create(folder) {
                Ok(folder) => created.insert(0, folder),
                // Another run created it at the same time and owns it.
                Err(_) if folder.is_dir() => {}
                Err(error) => {
                    return Err(error)
                        .disk(|| format!("creating the folder {}", path.display()))
                        .map_err(|error| error.with_remedy(REMEDY));
                }
            }
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
        Ok(Self { _created: created })
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
    use std::fs;

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
