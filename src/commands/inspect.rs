//! `mkimage inspect`: shows the content of an image without mounting it.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::base::{self, BaseRequest, Catalog, Trust};
use crate::boot::facts::BootFacts;
use crate::boot::settings::{self, Settings};
use crate::build::look::{FatBootFiles, open_image};
use crate::disk::scratch;
use crate::error::{Category, Context, Error, Result};
use crate::image::container;
use crate::image::fat::Entry;
use crate::image::partition::{SECTOR_SIZE, Scheme};
use crate::image::raw_image::RawImage;
use crate::release::BootFiles as _;
use crate::session::Session;
use crate::ui::{self, Table};
use crate::units::Size;

pub(super) fn run(session: &Session, path: &Path, file: Option<&str>) -> Result<()> {
    let opened = open_image(path)?;
    let container = container::open(Arc::new(opened), path, &scratch::folder())?;
    let base = RawImage::in_container(&*container, &session.bars)
        .while_doing(|| format!("reading {}", path.display()))?;
    let files = FatBootFiles::open(&base)?;
    match file {
        Some(wanted) => print_file(&files, wanted, path),
        None => print_summary(session, path, &container.describe(), &base, &files),
    }
}

/// Returns the reason to trust a base. This reads the whole file.
fn trust(session: &Session, path: &Path) -> Result<Trust> {
    let catalog = Catalog::load(&session.cache_dir)?;
    let request = BaseRequest::File {
        path: path.to_owned(),
        sha256: None,
    };
    let base = base::obtain(&request, &session.obtain_options(&catalog, None))?;
    Ok(base.trust())
}

fn print_file(files: &FatBootFiles<'_>, wanted: &str, image: &Path) -> Result<()> {
    let wanted = wanted.trim_matches('/');
    let bytes = files.read_whole(wanted)?;
    let bytes = bytes.ok_or_else(|| {
        Error::new(
            Category::Usage,
            format!("the boot partition of {} has no file {wanted}", image.display()),
        )
        .with_remedy("list the files with mkimage inspect and only the image")
    })?;
    ui::result_bytes(&bytes)
}

fn print_summary(
    session: &Session,
    path: &Path,
    container: &str,
    base: &RawImage,
    files: &FatBootFiles<'_>,
) -> Result<()> {
    let facts = BootFacts::detect(files);
    let settings = files.read(settings::PATH)?.map(|bytes| Settings::parse(&bytes));
    let node = settings
        .and_then(|settings| settings.node())
        .map(|name| name.to_string());
    // A node's image differs from every published one; `verify` compares it with its base.
    let trust = match node {
        Some(_) => None,
        None => Some(trust(session, path)?),
    };
    let entries = files.root()?;
    let mechanism = facts.as_ref().map_or_else(
        |error| format!("unknown: {error}"),
        |facts| facts.mechanism.description(),
    );
    let release = facts.as_ref().ok().and_then(|facts| {
        let release = facts.base.release?;
        let date = facts
            .base
            .date
            .map_or_else(String::new, |date| format!(" of {date}"));
        Some(format!("{}{date}", release.as_str()))
    });
    let is_sample = facts.as_ref().is_ok_and(|facts| facts.base.is_sample);
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
            "sample": is_sample, "trust": trust.map(Trust::word), "key": trust.and_then(Trust::key).map(|key| key.to_string()),
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
        "node:       {}",
        node.unwrap_or_else(|| "none (this is a base)".to_owned())
    );
    if let Some(trust) = trust {
        let _ = writeln!(text, "vouched by: {trust}");
    }
    if is_sample {
        text.push_str("boots:      no, the sample base contains no system\n");
    }
    let _ = writeln!(text, "\n{}\n{}", partition_table(base), file_table(&entries));
    ui::result(text.trim_end())
}

fn scheme(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Mbr => "MBR",
        Scheme::Gpt => "GPT",
    }
}

fn partition_table(base: &RawImage) -> Table {
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
