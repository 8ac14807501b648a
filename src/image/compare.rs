//! What differs between a base and an image that was built from it.

use std::collections::BTreeSet;

use crate::error::{Category, Context, Error, Result};
use crate::image::build::BaseImage;
use crate::image::container::Container;
use crate::image::digests::{CHUNK, Digests};
use crate::image::edits::Edits;
use crate::image::fat::{self, FatVolume, Timestamp};
use crate::image::prefix;
use crate::progress::Progress;

/// A file larger than any that a boot partition holds.
const LARGEST_FILE: u64 = 1 << 30;

/// What differs on the boot partition. Everything else was found to be the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Files that only the image has.
    pub added: Vec<String>,
    /// Files whose bytes differ.
    pub changed: Vec<String>,
    /// Files that only the base has.
    pub removed: Vec<String>,
    /// How many files are the same.
    pub same: usize,
}

/// An image, and a look into it.
pub struct Side<'a> {
    container: &'a dyn Container,
    /// What the look shows.
    pub look: BaseImage,
}

impl<'a> Side<'a> {
    /// Looks into an image.
    pub fn open(container: &'a dyn Container) -> Result<Self> {
        let look = BaseImage::open(prefix::raw(container)?)?;
        Ok(Self { container, look })
    }
}

/// Compares all bytes outside the boot partition, what no file of it shows, and all files in it. What lies in the
/// boot partition where no file is, is not compared.
///
/// # Errors
/// [`Category::Verification`] with the place when a byte outside the boot partition differs, or what holds its file
/// system together.
pub fn compare(base: &Side<'_>, image: &Side<'_>, progress: &dyn Progress) -> Result<Differences> {
    let (base_look, image_look) = (&base.look, &image.look);
    fat::check(&*image_look.raw, &image_look.boot.range, Edits::new())?;
    if base_look.table != image_look.table {
        return Err(Error::new(Category::Verification, "the partition tables differ"));
    }
    let digests = |container: &dyn Container, what: &str| {
        let task = progress.begin(what, container.raw_size());
        Digests::of(container, &*task)
    };
    let of_base = digests(base.container, "reading the base")?;
    let of_image = digests(image.container, "reading the image")?;
    if of_base.size != of_image.size {
        return Err(Error::new(
            Category::Verification,
            format!("the image has {} bytes, the base {}", of_image.size, of_base.size),
        ));
    }
    let boot = &base_look.boot.range;
    for number in of_base.differing(&of_image) {
        let start = number.saturating_mul(CHUNK as u64);
        let end = start.saturating_add(CHUNK as u64).min(of_base.size);
        let outside = [start..boot.start.min(end), boot.end.max(start)..end];
        for range in outside.into_iter().filter(|range| !range.is_empty()) {
            let inside_chunk = range.start > start || range.end < end;
            // A chunk that reaches into the boot partition may differ only there.
            if !inside_chunk || !same(base_look, image_look, range.start, range.end)? {
                return Err(Error::new(
                    Category::Verification,
                    format!(
                        "bytes {} to {} lie outside the boot partition and differ from the base",
                        range.start, range.end
                    ),
                )
                .with_remedy("build the image again; if it was booted from or edited, that is why"));
            }
        }
    }
    fat::compare_frames(&*base_look.raw, &*image_look.raw, boot)?;
    files(base_look, image_look)
}

fn same(base: &BaseImage, image: &BaseImage, start: u64, end: u64) -> Result<bool> {
    let length = usize::try_from(end.saturating_sub(start)).unwrap_or_default();
    let (mut one, mut two) = (vec![0; length], vec![0; length]);
    base.raw
        .read_exact_at(&mut one, start)
        .disk(|| "reading the base".to_owned())?;
    image
        .raw
        .read_exact_at(&mut two, start)
        .disk(|| "reading the image".to_owned())?;
    Ok(one == two)
}

fn files(base: &BaseImage, image: &BaseImage) -> Result<Differences> {
    let (mut before, mut after) = (volume(base)?, volume(image)?);
    let of_base: BTreeSet<String> = before.all_files()?.into_iter().collect();
    let listed = after.all_files()?;
    let names: BTreeSet<String> = listed.iter().map(|path| path.to_lowercase()).collect();
    if names.len() < listed.len() {
        return Err(Error::new(
            Category::Verification,
            "two files of the boot partition have the same name, so nobody knows which one the Pi reads",
        ));
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

/// A file that is listed; one that cannot be read is the same as no other.
fn whole(volume: &mut FatVolume<'_>, path: &str) -> Result<Vec<u8>> {
    volume.read(path, LARGEST_FILE)?.ok_or_else(|| {
        Error::new(
            Category::Verification,
            format!("{path} of the boot partition is listed but cannot be read"),
        )
    })
}

fn volume(look: &BaseImage) -> Result<FatVolume<'_>> {
    FatVolume::open(&*look.raw, look.boot.range.clone(), Edits::new(), Timestamp(0))
}
