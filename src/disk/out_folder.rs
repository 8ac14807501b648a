//! The folder that images go to: looked at before the first byte is downloaded, and never left behind empty.

use std::path::{Path, PathBuf};

use crate::disk::partial::NewFolder;
use crate::error::{Category, Context, Error, Result};

const REMEDY: &str = "give another folder with --out";

/// A folder that files can be written to. What was made for it and stays empty is removed when this is dropped.
#[derive(Debug)]
pub struct OutFolder {
    /// Innermost first: the order in which they can be removed.
    _made: Vec<NewFolder>,
}

impl OutFolder {
    /// Makes the folder where there is none, and makes sure that files can be written in it and that no folder
    /// is where one of `destinations` is to be.
    pub fn prepare(path: &Path, destinations: &[PathBuf]) -> Result<Self> {
        refuse_file(path)?;
        let mut made = Vec::new();
        let missing: Vec<_> = path
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
            .collect();
        for folder in missing.into_iter().rev() {
            match NewFolder::make(folder) {
                Ok(folder) => made.insert(0, folder),
                // Another run makes it too, and it is that one's.
                Err(_) if folder.is_dir() => {}
                Err(error) => {
                    return Err(error)
                        .disk(|| format!("creating the folder {}", path.display()))
                        .map_err(|error| error.with_remedy(REMEDY));
                }
            }
        }
        tempfile::tempfile_in(path)
            .disk(|| format!("trying to write in the folder {}", path.display()))
            .map_err(|error| error.with_remedy(REMEDY))?;
        if let Some(folder) = destinations.iter().find(|destination| destination.is_dir()) {
            let what = format!(
                "{} is a folder, and an image of that name is to be there",
                folder.display()
            );
            let remedy = format!("move that folder away, or {REMEDY}");
            return Err(Error::new(Category::Disk, what).with_remedy(remedy));
        }
        Ok(Self { _made: made })
    }
}

/// Says so when a file is where the folder, or a folder above it, has to be.
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
        what = format!("{what}, so there can be no folder {}", path.display());
    }
    Err(Error::new(Category::Disk, what).with_remedy(REMEDY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_folder_that_nothing_came_into_is_not_left_behind() {
        let place = tempfile::tempdir().unwrap();
        let there = place.path().join("there");
        fs::create_dir(&there).unwrap();
        let deep = there.join("a/b");
        let prepared = OutFolder::prepare(&deep, &[]).unwrap();
        assert!(deep.is_dir());
        drop(prepared);
        assert_eq!(fs::read_dir(&there).unwrap().count(), 0);

        drop(OutFolder::prepare(&there, &[]).unwrap());
        assert!(there.is_dir(), "the user's own empty folder is his");

        let prepared = OutFolder::prepare(&deep, &[]).unwrap();
        fs::write(deep.join("pi4-2.img"), "an image").unwrap();
        drop(prepared);
        assert!(deep.join("pi4-2.img").exists());
    }

    #[test]
    fn a_file_in_the_way_is_named() {
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
    fn a_folder_where_an_image_is_to_be_stops_the_others_too() {
        let place = tempfile::tempdir().unwrap();
        let [good, bad] = ["pi4-1.img", "pi4-3.img"].map(|name| place.path().join(name));
        fs::create_dir(&bad).unwrap();
        let error = OutFolder::prepare(place.path(), &[good, bad]).unwrap_err();
        assert_eq!(error.category(), Category::Disk);
        assert!(error.to_string().contains("pi4-3.img is a folder"), "{error}");
    }
}
