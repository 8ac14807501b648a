//! Compares a base with an image built from it.

use std::collections::BTreeSet;

use crate::error::{Category, Context, Error, Result};
use crate::image::BUILD_AGAIN;
use crate::image::container::Container;
use crate::image::digests::{CHUNK, Digests};
use crate::image::edits::Edits;
use crate::image::fat::{self, FatVolume, MAX_FILE_SIZE};
use crate::image::raw_image::RawImage;
use crate::progress::Progress;

/// Remedy for images that have nothing in common.
const OTHER_BASE: &str =
    "use the base that it was built from (--base ID, FILE or URL), or build the image again";

/// Differences on the boot partition.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Files only in the image.
    pub added: Vec<String>,
    /// Files whose bytes differ.
    pub changed: Vec<String>,
    /// Files only in the base.
    pub removed: Vec<String>,
    /// The number of identical files.
    pub same: usize,
}

/// A base and an image to compare.
pub struct Pair<'a> {
    pub base: Side<'a>,
    pub image: Side<'a>,
    progress: &'a dyn Progress,
}

/// One of the two images.
pub struct Side<'a> {
    container: &'a Container,
    pub look: RawImage,
}

impl<'a> Side<'a> {
    fn open(container: &'a Container, progress: &dyn Progress) -> Result<Self> {
        let look = RawImage::in_container(container, progress)?;
        Ok(Self { container, look })
    }

    /// Decodes all of it.
    fn digests(&self, what: &str, progress: &dyn Progress) -> Result<Digests> {
        let task = progress.begin(what, self.container.raw_size());
        Digests::of(self.container, &*task)
    }
}

impl<'a> Pair<'a> {
    /// Opens both and compares what is known without reading them in full: sizes and partition tables. Fails with
    /// [`Category::Verification`] if these differ or the file system of the image's boot partition is damaged.
    pub fn open(base: &'a Container, image: &'a Container, progress: &'a dyn Progress) -> Result<Self> {
        if let (Some(of_base), Some(of_image)) = (base.raw_size(), image.raw_size()) {
            compare_sizes(of_base, of_image)?;
        }
        let base = Side::open(base, progress)?;
        // The remedies of these errors are meant for a base.
        let image = Side::open(image, progress).map_err(|error| match error.category() {
            Category::Verification => error.with_remedy(BUILD_AGAIN),
            _ => error,
        })?;
        fat::check(&*image.look.bytes, &image.look.boot.range, Edits::new())?;
        if base.look.table != image.look.table {
            return Err(
                Error::new(Category::Verification, "the partition tables differ").with_remedy(OTHER_BASE)
            );
        }
        Ok(Self {
            base,
            image,
            progress,
        })
    }

    /// Compares all bytes outside the boot partition, and the files and metadata in it. Unused space in the boot
    /// partition is not compared. Fails with [`Category::Verification`] and the position if bytes outside the boot
    /// partition or its metadata differ.
    pub fn compare(&self) -> Result<Differences> {
        let (base, image) = (&self.base.look, &self.image.look);
        let of_base = self.base.digests("reading the base", self.progress)?;
        let of_image = self.image.digests("reading the image", self.progress)?;
        compare_sizes(of_base.size, of_image.size)?;
        let boot = &base.boot.range;
        for number in of_base.differing(&of_image) {
            let start = number.saturating_mul(CHUNK as u64);
            let end = start.saturating_add(CHUNK as u64).min(of_base.size);
            let outside = [start..boot.start.min(end), boot.end.max(start)..end];
            for range in outside.into_iter().filter(|range| !range.is_empty()) {
                let inside_chunk = range.start > start || range.end < end;
                // A chunk that overlaps the boot partition may differ only inside it.
                if !inside_chunk || !same(base, image, range.start, range.end)? {
                    let what = format!(
                        "bytes {} to {} outside the boot partition differ from the base",
                        range.start, range.end
                    );
                    return Err(Error::new(Category::Verification, what).with_remedy(BUILD_AGAIN));
                }
            }
        }
        fat::compare_frames(&*base.bytes, &*image.bytes, boot)?;
        files(base, image)
    }
}

fn compare_sizes(base: u64, image: u64) -> Result<()> {
    if base == image {
        return Ok(());
    }
    let what = format!("the image has {image} bytes, but the base has {base}");
    Err(Error::new(Category::Verification, what).with_remedy(OTHER_BASE))
}

fn same(base: &RawImage, image: &RawImage, start: u64, end: u64) -> Result<bool> {
    let length = usize::try_from(end.saturating_sub(start)).unwrap_or_default();
    let (mut one, mut two) = (vec![0; length], vec![0; length]);
    base.bytes
        .read_exact_at(&mut one, start)
        .disk(|| "reading the base".to_owned())?;
    image
        .bytes
        .read_exact_at(&mut two, start)
        .disk(|| "reading the image".to_owned())?;
    Ok(one == two)
}

fn files(base: &RawImage, image: &RawImage) -> Result<Differences> {
    let mut before = FatVolume::read_only(&*base.bytes, &base.boot.range)?;
    let mut after = FatVolume::read_only(&*image.bytes, &image.boot.range)?;
    let of_base: BTreeSet<String> = before.all_files()?.into_iter().collect();
    let listed = after.all_files()?;
    let names: BTreeSet<String> = listed.iter().map(|path| path.to_lowercase()).collect();
    if names.len() < listed.len() {
        let what =
            "two files on the boot partition have the same name, so it is unclear which one the Pi reads";
        return Err(Error::new(Category::Verification, what));
    }
    let of_image: BTreeSet<String> = listed.into_iter().collect();
    let mut found = Differences {
        added: of_image.difference(&of_base).cloned().collect(),
        removed: of_base.difference(&of_image).cloned().collect(),
        ..Differences::default()
    };
    for path in of_base.intersection(&of_image) {
        if whole(&mut before, path)? == whole(&mut after, path)? {
            found.same = found.same.saturating_add(1);
        } else {
            found.changed.push(path.clone());
        }
    }
    Ok(found)
}

/// Reads a listed file; a file that cannot be read is an error.
fn whole(volume: &mut FatVolume<'_>, path: &str) -> Result<Vec<u8>> {
    volume.read(path, MAX_FILE_SIZE)?.ok_or_else(|| {
        let what = format!("{path} on the boot partition is listed but cannot be read");
        Error::new(Category::Verification, what)
    })
}
