//! Looking into images: what is on the boot partition of one.

use std::cell::RefCell;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use crate::base::VerifiedBase;
use crate::boot::mechanism::BootFiles;
use crate::error::{Category, Context, Error, Result};
use crate::image::container::{self, Container};
use crate::image::edits::Edits;
use crate::image::fat::{Entry, FatVolume, Timestamp};
use crate::image::raw_image::RawImage;

/// No single file of a boot partition is larger.
const LARGEST_FILE: u64 = 1 << 30;

/// A boot partition's files, as `boot` looks at them.
pub(crate) struct FatBootFiles<'a>(RefCell<FatVolume<'a>>);

impl<'a> FatBootFiles<'a> {
    pub(crate) fn open(image: &'a RawImage) -> Result<Self> {
        let volume = FatVolume::open(
            &*image.bytes,
            image.boot.range.clone(),
            Edits::new(),
            Timestamp(0),
        )?;
        Ok(Self(RefCell::new(volume)))
    }
}

impl FatBootFiles<'_> {
    /// Lists the root folder.
    pub(crate) fn root(&self) -> Result<Vec<Entry>> {
        self.0.borrow_mut().list("")
    }

    /// A file's bytes, however many.
    pub(crate) fn read_whole(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.0.borrow_mut().read(path, LARGEST_FILE)
    }
}

impl BootFiles for FatBootFiles<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        /// What tells one image from another are small text files.
        const LARGEST_TEXT: u64 = 1 << 20;
        self.0.borrow_mut().read(path, LARGEST_TEXT)
    }

    fn root_names(&self) -> Result<Vec<String>> {
        Ok(self.root()?.into_iter().map(|entry| entry.name).collect())
    }
}

/// Opens the container that a base is. `scratch` is the folder of temporary files.
pub(crate) fn open_base(base: &VerifiedBase, scratch: &Path) -> Result<Box<dyn Container>> {
    let file = base.file().try_clone();
    let file = file.disk(|| format!("reading {}", base.path().display()))?;
    container::open(Arc::new(file), base.path(), scratch)
}

/// Opens an image that is to be looked at.
pub(crate) fn open_image(path: &Path) -> Result<File> {
    let opening = || format!("opening {}", path.display());
    // Asked before opening, because opening a named pipe waits for somebody to write.
    if !path.metadata().disk(opening)?.is_file() {
        let what = format!("{} is no image file", path.display());
        return Err(Error::new(Category::Usage, what).with_remedy("give the path of an image"));
    }
    File::open(path).disk(opening)
}
