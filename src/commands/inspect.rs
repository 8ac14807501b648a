//! `mkimage inspect`: shows the content of an image without mounting it.

use std::path::Path;

use serde_json::{Value, json};

use crate::base::{self, BaseRequest, Catalog, Trust};
use crate::boot::facts::BootFacts;
use crate::boot::settings::{self, Settings};
use crate::build::look::{FatBootFiles, open_named};
use crate::build::root_device;
use crate::disk::scratch;
use crate::error::{Category, Context, Error, Result};
use crate::image::fat::Entry;
use crate::image::partition::{SECTOR_SIZE, Scheme};
use crate::image::raw_image::RawImage;
use crate::release::BootFiles as _;
use crate::session::Session;
use crate::ui::{self, Table};
use crate::units::Size;

pub(super) fn run(session: &Session, path: &Path, file: Option<&str>) -> Result<()> {
    if file.is_some() && session.common.json {
        let what = "`--json` has no effect on a file of an image, which is printed as it is";
        return Err(Error::new(Category::Usage, what).with_remedy("remove `--json`"));
    }
    let container = open_named(path, &scratch::folder())?;
    let base = RawImage::in_container(&container, &session.bars)
        .while_doing(|| format!("reading {}", path.display()))?;
    let files = FatBootFiles::open(&base)?;
    if let Some(wanted) = file {
        return print_path(&files, wanted, path);
    }
    let summary = Summary::new(session, path, container.describe(), &base, &files)?;
    if session.common.json {
        ui::json(&summary.to_json())
    } else {
        ui::result(&summary.to_text())
    }
}

/// Returns the reason to trust a base. This reads the whole file.
fn trust(session: &Session, path: &Path) -> Result<Trust> {
    let catalog = Catalog::load(&session.cache_dir)?;
    let (path, sha256) = (path.to_owned(), None);
    let request = BaseRequest::File { path, sha256 };
    Ok(base::obtain(&request, &session.obtain_options(&catalog))?.trust)
}

/// Prints a file, or the list of a folder's files.
fn print_path(files: &FatBootFiles<'_>, wanted: &str, image: &Path) -> Result<()> {
    let wanted = wanted.trim_matches('/');
    if let Some(bytes) = files.read_whole(wanted)? {
        return ui::result_bytes(&bytes);
    }
    let entries = files.list(wanted).map_err(|error| {
        let what = format!("the boot partition of {} has no file {wanted}", image.display());
        Error::new(Category::Usage, what)
            .with_cause(error)
            .with_remedy("list the files with mkimage inspect and the image, or a folder in it")
    })?;
    ui::result(&file_table(&entries).to_string())
}

struct Summary<'a> {
    path: &'a Path,
    container: String,
    image: &'a RawImage,
    release: Option<String>,
    mechanism: String,
    is_sample: bool,
    /// The end of a sentence about a `root=` that is not on the disk.
    lost_root: Option<String>,
    node: Option<String>,
    /// The files of an earlier customisation, on a base.
    leftovers: Vec<&'static str>,
    /// `None` for a node's image, which differs from every published one; `verify` compares it with its base.
    trust: Option<Trust>,
    files: Vec<Entry>,
}

impl<'a> Summary<'a> {
    fn new(
        session: &Session,
        path: &'a Path,
        container: String,
        image: &'a RawImage,
        files: &FatBootFiles<'_>,
    ) -> Result<Self> {
        let facts = BootFacts::detect(files);
        let settings = files.read(settings::PATH)?.map(|bytes| Settings::parse(&bytes));
        let node = settings
            .and_then(|settings| settings.node())
            .map(|name| name.to_string());
        let mechanism = facts.as_ref().map_or_else(
            |error| format!("unknown: {error}"),
            |facts| facts.mechanism.description(),
        );
        let base = facts.ok().map(|facts| facts.base);
        let release = base.as_ref().and_then(|base| {
            let date = base.date.map_or_else(String::new, |date| format!(" of {date}"));
            Some(format!("{}{date}", base.release?.as_str()))
        });
        let leftovers = base.as_ref().filter(|_| node.is_none());
        let leftovers = leftovers.map_or_else(Vec::new, |base| base.leftovers.clone());
        let lost_root = base
            .as_ref()
            .and_then(|base| root_device::contradiction(&base.cmdline, image));
        Ok(Self {
            path,
            container,
            lost_root,
            leftovers,
            image,
            release,
            mechanism,
            is_sample: base.is_some_and(|base| base.is_sample),
            trust: match node {
                Some(_) => None,
                None => Some(trust(session, path)?),
            },
            node,
            files: files.list("")?,
        })
    }

    fn to_json(&self) -> Value {
        let partitions = self.image.table.partitions.iter().map(|partition| {
            json!({
                "number": partition.number,
                "start": partition.start,
                "sectors": partition.sectors,
                "type": partition.kind,
                "boot": *partition == self.image.boot.partition,
            })
        });
        let files = self
            .files
            .iter()
            .map(|entry| json!({ "name": entry.name, "folder": entry.is_folder, "size": entry.size }));
        let key = self.trust.and_then(Trust::key);
        json!({
            "image": self.path.display().to_string(), "container": self.container, "release": self.release,
            "mechanism": self.mechanism, "node": self.node, "sample": self.is_sample,
            "customised_by": self.leftovers, "root_found": self.lost_root.is_none(),
            "trust": self.trust.map(Trust::word), "key": key.map(|key| key.to_string()),
            "table": scheme(self.image.table.scheme), "partitions": partitions.collect::<Vec<_>>(),
            "files": files.collect::<Vec<_>>(),
        })
    }

    fn to_text(&self) -> String {
        let release = self.release.as_deref().unwrap_or("unknown");
        let node = self.node.as_deref().unwrap_or("none (this is a base)");
        let (container, mechanism) = (ui::one_line(&self.container), ui::one_line(&self.mechanism));
        let trust = self.trust;
        let trust = trust.map_or_else(String::new, |trust| format!("vouched by: {trust}\n"));
        let boots = match &self.lost_root {
            _ if self.is_sample => "boots:      no, the sample base contains no system\n".to_owned(),
            Some(reason) => format!("boots:      no, its cmdline.txt {}\n", ui::one_line(reason)),
            None => String::new(),
        };
        let customised = match self.leftovers.join(", ") {
            files if files.is_empty() => files,
            files => format!("customised: before, by {files}\n"),
        };
        format!(
            "{} ({container})\nrelease:    {release}\nfirst boot: {mechanism}\nnode:       {node}\n{trust}{boots}{customised}\n{}\n{}",
            self.path.display(),
            partition_table(self.image),
            file_table(&self.files)
        )
    }
}

fn scheme(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Mbr => "MBR",
        Scheme::Gpt => "GPT",
    }
}

fn partition_table(base: &RawImage) -> Table {
    let scheme = scheme(base.table.scheme);
    let mut table = Table::new(&[&scheme, &"FIRST SECTOR", &"SIZE", &"TYPE", &""]);
    for partition in &base.table.partitions {
        let is_boot = *partition == base.boot.partition;
        let mark = if is_boot { "boot" } else { "" };
        let size = Size(partition.sectors.saturating_mul(SECTOR_SIZE));
        table.row(&[&partition.number, &partition.start, &size, &partition.kind, &mark]);
    }
    table
}

fn file_table(entries: &[Entry]) -> Table {
    let mut table = Table::new(&[&"BOOT FILE", &"SIZE"]);
    for entry in entries {
        if entry.is_folder {
            table.row(&[&entry.name, &"folder"]);
        } else {
            table.row(&[&entry.name, &Size(entry.size)]);
        }
    }
    table
}
