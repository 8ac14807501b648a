//! The pipeline from a cluster and a base to images: obtain, look, refuse, plan, write. Everything is planned before the
//! first byte is written, except that [`obtain`] decompresses a base while downloading it.

pub(crate) mod base_choice;
pub(crate) mod look;
mod obtain;
pub(crate) mod plan;
mod write;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{BaseRequest, Catalog, VerifiedBase};
use crate::boot::facts::BootFacts;
use crate::cli::Format;
use crate::cluster::{Cluster, Node};
use crate::disk::out_folder::OutFolder;
use crate::disk::output;
use crate::error::{Context as _, Result};
use crate::identity::{FOLDER_NAME, Secrets};
use crate::image::edits::Edits;
use crate::image::fat;
use crate::image::raw_image::RawImage;
use crate::progress::Progress as _;
use crate::session::Session;
use look::FatBootFiles;

/// The images to build and their settings.
pub(crate) struct Order<'a> {
    pub(crate) session: &'a Session,
    pub(crate) cluster: &'a Cluster,
    pub(crate) nodes: &'a [&'a Node],
    pub(crate) catalog: &'a Catalog,
    pub(crate) request: &'a BaseRequest,
    /// The folder of the images.
    pub(crate) out: &'a Path,
    pub(crate) format: Format,
    /// In seconds since 1970.
    pub(crate) build_time: u64,
}

/// The result of a build.
pub(crate) struct Built {
    /// One image per node, in the order of the nodes.
    pub(crate) images: Vec<PathBuf>,
    pub(crate) base: VerifiedBase,
    pub(crate) secrets: Secrets,
}

impl Order<'_> {
    /// Builds the images.
    pub(crate) fn build(&self) -> Result<Built> {
        // Problems on this computer are found before the download.
        let own_files = self.own_files()?;
        let destinations = self.destinations();
        let _out = OutFolder::prepare(self.out, &destinations)?;
        let (base, unpacked) = self.obtain(&destinations)?;
        // Another run may have removed the empty folder during the download.
        fs::create_dir_all(self.out).disk(|| format!("creating the folder {}", self.out.display()))?;
        let container = look::open_base(&base, self.out)?;
        self.describe(&base, &*container);

        let unpacked = unpacked.filter(|unpacked| unpacked.agrees_with(&*container));
        let image = match unpacked
            .as_ref()
            .and_then(|unpacked| unpacked.first().transpose())
        {
            Some(file) => RawImage::open(Arc::new(file?))?,
            None => RawImage::in_container(&*container, &self.session.bars)?,
        };
        fat::check(&*image.bytes, &image.boot.range, Edits::new())?;
        let facts = BootFacts::detect(&FatBootFiles::open(&image)?)?;
        base_choice::require_suitable(self.session, &facts, self.cluster)?;
        // Keys are created only for an accepted base.
        let secrets = Secrets::open_or_create(&self.folder().join(FOLDER_NAME), self.cluster)?;
        secrets.notes.iter().for_each(|note| self.session.bars.say(note));

        let images = self.plan(&image, &facts, &secrets, &own_files, destinations)?;
        let outputs = self.write(&base, &*container, &image, images, unpacked)?;
        Ok(Built {
            images: output::finish_all(outputs)?,
            base,
            secrets,
        })
    }

    /// Returns the folder of the cluster file.
    fn folder(&self) -> &Path {
        self.cluster.origin.folder(&self.session.environment.folder)
    }

    fn destinations(&self) -> Vec<PathBuf> {
        let extension = self.format.extension();
        let nodes = self.nodes.iter();
        nodes
            .map(|node| self.out.join(format!("{}.{extension}", node.name)))
            .collect()
    }
}
