//! `.zip`: the format of images until 2022.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use ::zip::ZipArchive;
use ::zip::result::ZipError;

use super::stream::{self, FromStart};
use crate::disk::read_at::RawSink;
use crate::error::{Category, Error, Result};
use crate::progress::Task;

type Archive = ZipArchive<BufReader<FromStart<Arc<File>>>>;

/// A zip archive with one image.
pub struct Zip {
    file: Arc<File>,
    member: usize,
    /// For messages, with unprintable characters escaped.
    name: String,
    /// Size of the image in bytes, according to the archive's directory.
    pub(super) size: u64,
}

fn archive(file: &Arc<File>) -> Result<Archive> {
    ZipArchive::new(BufReader::new(FromStart::new(Arc::clone(file)))).map_err(damaged)
}

fn damaged(error: ZipError) -> Error {
    let category = match &error {
        ZipError::Io(io) if io.raw_os_error().is_some() => Category::Disk,
        _ => Category::Verification,
    };
    Error::new(category, "the base image is a damaged zip archive")
        .with_cause(error)
        .with_remedy("download the image again")
}

/// Returns whether the name is that of a metadata file, which macOS adds to archives for every file.
fn is_macos_metadata(name: &str) -> bool {
    name.split('/')
        .any(|part| part == "__MACOSX" || part.starts_with("._"))
}

impl Zip {
    /// Finds the image in the archive.
    pub(super) fn open(file: Arc<File>, path: &Path) -> Result<Self> {
        let mut archive = archive(&file)?;
        let mut images = Vec::new();
        for member in 0..archive.len() {
            let entry = archive.by_index_raw(member).map_err(damaged)?;
            let name = entry.name().map_err(damaged)?.into_owned();
            if entry.is_file()
                && !is_macos_metadata(&name)
                && Path::new(&name)
                    .extension()
                    .is_some_and(|e| e.eq_ignore_ascii_case("img"))
            {
                images.push((member, name, entry.size()));
            }
        }
        let found = images.len();
        match images.pop() {
            Some((member, name, size)) if found == 1 => Ok(Self {
                file,
                member,
                name: name.escape_debug().to_string(),
                size,
            }),
            _ => Err(Error::new(
                Category::Verification,
                format!(
                    "{} has {found} .img files, but exactly one is needed",
                    path.display()
                ),
            )
            .with_remedy("extract the image you want and use it with --base")),
        }
    }

    pub(super) fn describe(&self) -> String {
        format!("zip, {}", self.name)
    }

    /// Decodes the whole image.
    pub(super) fn decode(&self, sink: &dyn RawSink, task: &dyn Task) -> Result<u64> {
        let mut archive = archive(&self.file)?;
        let entry = archive.by_index(self.member).map_err(damaged)?;
        let decoded = stream::decode(entry, "zip", sink, task)?;
        if decoded != self.size {
            let what = format!(
                "{} in the zip archive has {decoded} bytes, not {} as in the archive's directory",
                self.name, self.size
            );
            return Err(Error::new(Category::Verification, what).with_remedy("download the image again"));
        }
        Ok(decoded)
    }
}
