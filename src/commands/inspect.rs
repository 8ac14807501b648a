//! `mkimage inspect`: what an image is, without mounting it.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::Session;
use crate::boot::facts::BootFacts;
use crate::boot::mechanism::{BootFiles, Mechanism};
use crate::cluster::NodeName;
use crate::error::{Category, Context, Error, Result, While};
use crate::image::build::BaseImage;
use crate::image::container;
use crate::image::edits::Edits;
use crate::image::fat::{Entry, FatVolume, Timestamp};
use crate::image::partition::{SECTOR_SIZE, Scheme};
use crate::image::prefix;
use crate::image::scratch;
use crate::ui::{self, Size, Table};

/// No single file of a boot partition is larger.
const LARGEST_FILE: u64 = 1 << 30;

/// A boot partition's files, as `boot` looks at them.
pub(super) struct OnFat<'a>(RefCell<FatVolume<'a>>);

impl<'a> OnFat<'a> {
    pub(super) fn open(base: &'a BaseImage) -> Result<Self> {
        let volume = FatVolume::open(&*base.raw, base.boot.range.clone(), Edits::new(), Timestamp(0))?;
        Ok(Self(RefCell::new(volume)))
    }
}

impl OnFat<'_> {
    /// A file's bytes, however many.
    pub(super) fn read_whole(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.0.borrow_mut().read(path, LARGEST_FILE)
    }
}

impl BootFiles for OnFat<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        /// What tells one image from another are small text files.
        const LARGEST_TEXT: u64 = 1 << 20;
        self.0.borrow_mut().read(path, LARGEST_TEXT)
    }

    fn root_names(&self) -> Result<Vec<String>> {
        let entries = self.0.borrow_mut().list("")?;
        Ok(entries.into_iter().map(|entry| entry.name).collect())
    }
}

/// Opens an image that is to be looked at.
pub(super) fn open_image(path: &Path) -> Result<File> {
    let opening = || format!("opening {}", path.display());
    // Asked before opening, because opening a named pipe waits for somebody to write.
    if !path.metadata().disk(opening)?.is_file() {
        let what = format!("{} is no image file", path.display());
        return Err(Error::new(Category::Usage, what).with_remedy("give the path of an image"));
    }
    File::open(path).disk(opening)
}

pub(super) fn run(session: &Session, path: &Path, file: Option<&str>) -> Result<()> {
    let opened = open_image(path)?;
    let container = container::open(Arc::new(opened), path, &scratch::folder())?;
    let base = BaseImage::open(prefix::raw(&*container)?)
        .while_doing(|| format!("looking into {}", path.display()))?;
    let files = OnFat::open(&base)?;
    match file {
        Some(wanted) => print_file(&files, wanted, path),
        None => print_summary(session, path, &container.describe(), &base, &files),
    }
}

fn print_file(files: &OnFat<'_>, wanted: &str, image: &Path) -> Result<()> {
    let wanted = wanted.trim_matches('/');
    let bytes = files.read_whole(wanted)?;
    let bytes = bytes.ok_or_else(|| {
        Error::new(
            Category::Usage,
            format!("the boot partition of {} has no file {wanted}", image.display()),
        )
        .with_remedy("mkimage inspect without a path lists the files")
    })?;
    ui::result_bytes(&bytes)
}

fn print_summary(
    session: &Session,
    path: &Path,
    container: &str,
    base: &BaseImage,
    files: &OnFat<'_>,
) -> Result<()> {
    let facts = BootFacts::detect(files);
    let node = files.read("mkimage/settings")?.and_then(|bytes| node_of(&bytes));
    let entries = files.0.borrow_mut().list("")?;
    let mechanism = facts.as_ref().map_or_else(
        |error| format!("unknown: {error}"),
        |facts| match facts.mechanism {
            Mechanism::CloudInit => "cloud-init".to_owned(),
            Mechanism::SystemdRun { mount } => format!("systemd.run in {}", mount.as_str()),
        },
    );
    let release = facts.as_ref().ok().and_then(|facts| {
        let release = facts.release?;
        let date = facts.date.map_or_else(String::new, |date| format!(" of {date}"));
        Some(format!("{}{date}", release.as_str()))
    });
    if session.common.json {
        let partitions: Vec<_> = base
            .table
            .partitions
            .iter()
            .map(|partition| {
                json!({
                    "number": partition.number,
                    "start": partition.start.0,
                    "sectors": partition.sectors,
                    "type": partition.kind,
                    "boot": *partition == base.boot.partition,
                })
            })
            .collect();
        let files: Vec<_> = entries
            .iter()
            .map(|entry| json!({ "name": entry.name, "folder": entry.is_folder, "size": entry.size }))
            .collect();
        let object = json!({
            "image": path.display().to_string(), "container": container, "release": release, "mechanism": mechanism, "node": node,
            "table": scheme(base.table.scheme), "partitions": partitions, "files": files,
        });
        return ui::result(&object.to_string());
    }
    let mut text = format!("{} ({container})\n", path.display());
    let unknown = || "unknown".to_owned();
    let _ = writeln!(text, "release:    {}", release.unwrap_or_else(unknown));
    let _ = writeln!(text, "first boot: {mechanism}");
    let _ = writeln!(
        text,
        "node:       {}\n",
        node.unwrap_or_else(|| "none, it is a base".to_owned())
    );
    let _ = writeln!(text, "{}\n{}", partition_table(base), file_table(&entries));
    ui::result(text.trim_end())
}

fn scheme(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Mbr => "MBR",
        Scheme::Gpt => "GPT",
    }
}

fn partition_table(base: &BaseImage) -> Table {
    let mut table = Table::new([scheme(base.table.scheme), "FIRST SECTOR", "SIZE", "TYPE", ""]);
    for partition in &base.table.partitions {
        let mark = if *partition == base.boot.partition {
            "boot"
        } else {
            ""
        };
        table.row([
            partition.number.to_string(),
            partition.start.0.to_string(),
            Size(partition.sectors.saturating_mul(SECTOR_SIZE)).to_string(),
            partition.kind.clone(),
            mark.to_owned(),
        ]);
    }
    table
}

fn file_table(entries: &[Entry]) -> Table {
    let mut table = Table::new(["BOOT FILE", "SIZE"]);
    for entry in entries {
        let size = if entry.is_folder {
            "folder".to_owned()
        } else {
            Size(entry.size).to_string()
        };
        table.row([entry.name.clone(), size]);
    }
    table
}

/// The node's name in `mkimage/settings`, if it can be one: an image may hold anything.
pub(super) fn node_of(settings: &[u8]) -> Option<String> {
    let name = NodeName::parse(&setting(settings, "NODE")?).ok()?;
    Some(name.to_string())
}

/// What stands in the quotes of a line of `mkimage/settings`. It may be anything.
pub(super) fn setting(settings: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(settings);
    let start = format!("MKIMAGE_{name}='");
    let value = text.lines().find_map(|line| line.strip_prefix(start.as_str()))?;
    Some(value.trim_end_matches('\'').to_owned())
}
