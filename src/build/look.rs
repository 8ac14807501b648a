//! Reads the boot partition of an image.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use crate::base::VerifiedBase;
use crate::disk::paths::open_image;
use crate::error::{Context, Result};
use crate::image::container::{self, Container};
use crate::image::fat::{Entry, FatVolume, MAX_FILE_SIZE};
use crate::image::raw_image::RawImage;
use crate::release::BootFiles;

pub(crate) struct FatBootFiles<'a>(RefCell<FatVolume<'a>>);

impl<'a> FatBootFiles<'a> {
    pub(crate) fn open(image: &'a RawImage) -> Result<Self> {
        let volume = FatVolume::read_only(&*image.bytes, &image.boot.range)?;
        Ok(Self(RefCell::new(volume)))
    }

    /// Lists a folder; `""` is the root.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<Entry>> {
        self.0.borrow_mut().list(folder)
    }

    /// Returns a file's bytes, up to [`MAX_FILE_SIZE`].
    pub(crate) fn read_whole(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.0.borrow_mut().read(path, MAX_FILE_SIZE)
    }
}

impl BootFiles for FatBootFiles<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        /// Size limit in bytes: the files that identify an image are small text files.
        const MAX_TEXT_SIZE: u64 = 1 << 20;
        self.0.borrow_mut().read(path, MAX_TEXT_SIZE)
    }

    fn root_names(&self) -> Result<Vec<String>> {
        Ok(self.list("")?.into_iter().map(|entry| entry.name).collect())
    }
}

/// Opens a base as a container. `scratch` is the folder for temporary files.
pub(crate) fn open_base(base: &VerifiedBase, scratch: &Path) -> Result<Container> {
    let file = base.file.try_clone();
    let file = file.disk(|| format!("reading {}", base.path.display()))?;
    container::open(Arc::new(file), &base.path, scratch)
}

/// Opens an image that the user named. `scratch` is the folder for temporary files.
pub(crate) fn open_named(path: &Path, scratch: &Path) -> Result<Container> {
    let file = open_image(
        path,
        "give the path of an image file; `sample` names a base only after --base",
    )?;
    container::open(Arc::new(file), path, scratch)
}
