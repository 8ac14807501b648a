//! The sample base: a small image in the shape of Raspberry Pi OS Lite that the program makes by itself, for a first run,
//! examples and tests without a network. It does not boot.
//!
//! Nothing of it is kept: it is made anew, with the same bytes, whenever it is asked for.

mod boot_files;
mod disk;

use std::path::Path;

use crate::base::{ObtainOptions, Sha256, VerifiedBase, Vouch, local};
use crate::disk::read_at::write_all_at;
use crate::disk::scratch;
use crate::error::{Category, Context, Error, Result};

/// What `--base` and the cluster file call it.
pub const SAMPLE: &str = "sample";

/// Bytes of its raw image.
pub const SAMPLE_RAW_SIZE: u64 = disk::SIZE;

/// Makes the sample in a nameless temporary file.
pub(super) fn obtain(options: &ObtainOptions) -> Result<VerifiedBase> {
    let packed = disk::packed()?;
    let folder = scratch::folder();
    let doing = || {
        format!(
            "writing the sample base to a temporary file in {}",
            folder.display()
        )
    };
    let file = tempfile::tempfile_in(&folder).disk(doing)?;
    write_all_at(&file, &packed, 0).disk(doing)?;
    let path = Path::new(SAMPLE);
    let (sha256, stamp) = local::hash(&file, path, SAMPLE, options.progress)?;
    if sha256 != Sha256::of(&packed) {
        let what = format!("{}: the disk does not keep what is written to it", doing());
        return Err(Error::new(Category::Disk, what).with_remedy("set TMPDIR to a folder on another disk"));
    }
    Ok(VerifiedBase {
        file,
        path: path.to_owned(),
        name: SAMPLE.to_owned(),
        sha256,
        stamp,
        entry: None,
        vouched: Vouch::Program,
    })
}
