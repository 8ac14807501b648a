//! The pipeline from a cluster and a base to images: obtain, look, refuse, plan, write. Everything is planned before the
//! first byte is written, except that [`Order::obtain`] decompresses a base while downloading it.

pub(crate) mod base_choice;
pub(crate) mod look;
pub(crate) mod root_device;
pub(crate) mod taken_over;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{self, BaseRequest, Catalog, DownloadEvent, ObtainOptions, Trust, VerifiedBase};
use crate::boot::facts::BootFacts;
use crate::boot::overlay::{BootPath, Overlay};
use crate::boot::plan::Plan;
use crate::boot::render::render;
use crate::boot::user_files::{self, UserFiles};
use crate::cli::Format;
use crate::cluster::{Cluster, Node};
use crate::description::{self, Description};
use crate::disk::output::{self, Output};
use crate::disk::partial::OutFolder;
use crate::disk::read_at::Discard;
use crate::error::{Category, Error, Result};
use crate::identity::{FOLDER_NAME, Secrets, recorded_release};
use crate::image::apply;
use crate::image::assemble::eager::{EagerUnpack, Sizes};
use crate::image::assemble::{Assembly, PlannedImage, Unpacked, require_raw_room};
use crate::image::container::Container;
use crate::image::edits::Edits;
use crate::image::fat::{self, Timestamp};
use crate::image::raw_image::RawImage;
use crate::image::xz::Check;
use crate::progress::Progress as _;
use crate::session::Session;
use look::FatBootFiles;

/// The images to build and their settings.
pub(crate) struct Order<'a> {
    pub(crate) session: &'a Session,
    pub(crate) cluster: &'a Cluster,
    pub(crate) nodes: &'a [&'a Node],
    /// The user's own files for each node.
    pub(crate) own_files: &'a [UserFiles],
    pub(crate) catalog: &'a Catalog,
    pub(crate) request: &'a BaseRequest,
    /// The folder of the images.
    pub(crate) out: &'a Path,
    pub(crate) format: Format,
    /// In seconds since 1970.
    pub(crate) build_time: u64,
}

pub(crate) struct Built {
    /// One image per node, in the order of the nodes.
    pub(crate) images: Vec<PathBuf>,
    pub(crate) base: VerifiedBase,
    pub(crate) secrets: Secrets,
}

impl Order<'_> {
    pub(crate) fn build(&self) -> Result<Built> {
        // Problems on this computer are found before the download.
        let destinations = self.destinations();
        self.require_base_is_kept(&destinations)?;
        let _out = OutFolder::prepare(self.out, &destinations)?;
        let (base, unpacked) = self.obtain(&destinations)?;
        let built = self.build_from(&base, unpacked, destinations);
        // A file that changes while it is read fails in any way, and none of them tells the reason.
        let (images, secrets) = built.map_err(|error| base.check_unchanged().err().unwrap_or(error))?;
        Ok(Built {
            images,
            base,
            secrets,
        })
    }

    /// Builds the images. Returns their paths and the cluster's secrets.
    fn build_from(
        &self,
        base: &VerifiedBase,
        unpacked: Option<Unpacked>,
        destinations: Vec<PathBuf>,
    ) -> Result<(Vec<PathBuf>, Secrets)> {
        // Another run may have removed the empty folder during the download.
        let _out_again = OutFolder::prepare(self.out, &destinations)?;
        let container = look::open_base(base, self.out)?;
        self.describe(base, &container);

        let unpacked = unpacked.filter(|unpacked| unpacked.agrees_with(&container));
        let image = match unpacked
            .as_ref()
            .and_then(|unpacked| unpacked.first().transpose())
        {
            Some(file) => RawImage::open(Arc::new(file?))?,
            None => RawImage::in_container(&container, &self.session.bars)?,
        };
        let facts = fat::check(&*image.bytes, &image.boot.range, Edits::new())
            .and_then(|()| BootFacts::detect(&FatBootFiles::open(&image)?))
            .map_err(|error| container.damage(&self.session.bars).unwrap_or(error))?;
        base_choice::require_suitable(self.session, &facts, self.cluster)?;
        let cmdline = &facts.base.cmdline;
        let lost = root_device::refusals(&image, cmdline, self.nodes, self.own_files)?;
        base_choice::require_none(self.session, lost)?;
        let is_sample = matches!(self.request, BaseRequest::Sample);
        let are_all = self.nodes.len() == self.cluster.nodes.len();
        if !is_sample {
            base_choice::require_same_release(self.session, &facts, self.cluster, are_all)?;
        }
        // Keys are created only for an accepted base.
        let folder = self.session.folder_of(self.cluster).join(FOLDER_NAME);
        let secrets = Secrets::open_or_create(&folder, self.cluster)?;
        secrets.notes.iter().for_each(|note| self.session.bars.say(note));

        let description = Description::of_image(self.cluster, &secrets)?;
        for change in description.news(&secrets) {
            let warn = format!("the nodes that are in use hear of a change from these cards: {change}");
            self.session.bars.warn(&warn);
        }
        let images = self.plan(&image, &facts, &secrets, &description, destinations)?;
        // Before the first card can have it.
        // No node ever has that of a sample, which does not boot.
        if !is_sample {
            description::keep(&secrets, &description.signed)?;
            // New keys come with the card now. Over ssh, a thief who has the old ones would get them.
            for node in self.nodes {
                secrets.forget_replaced(&node.name)?;
            }
            if let Some(release) = facts.base.release
                && (are_all || recorded_release(secrets.folder())?.is_none())
            {
                secrets.record_release(release)?;
            }
        }
        let outputs = self.write(base, &container, &image, images, unpacked)?;
        Ok((output::finish_all(outputs)?, secrets))
    }

    /// Refuses to replace the base by an image, whichever name or link leads to it.
    fn require_base_is_kept(&self, destinations: &[PathBuf]) -> Result<()> {
        let BaseRequest::File { path: base, .. } = self.request else {
            return Ok(());
        };
        // A file that does not exist yet, or cannot be opened, is another one; what is wrong with it is said elsewhere.
        let is_base = |image: &&PathBuf| same_file::is_same_file(image, base).unwrap_or(false);
        let Some(image) = destinations.iter().find(is_base) else {
            return Ok(());
        };
        let what = format!(
            "the image {} would replace the base that it is made from",
            image.display()
        );
        Err(Error::new(Category::Refused, what)
            .with_remedy("use another folder with --out, or move the base to another place"))
    }

    fn destinations(&self) -> Vec<PathBuf> {
        let extension = self.format.extension();
        let nodes = self.nodes.iter();
        nodes
            .map(|node| self.out.join(format!("{}.{extension}", node.name)))
            .collect()
    }

    /// Obtains the base, and the raw images if they were decompressed during the download.
    fn obtain(&self, destinations: &[PathBuf]) -> Result<(VerifiedBase, Option<Unpacked>)> {
        if self.format == Format::Img {
            return self.obtain_and_unpack(destinations);
        }
        let base = base::obtain(self.request, &self.session.obtain_options(self.catalog))?;
        Ok((base, None))
    }

    fn obtain_and_unpack(&self, destinations: &[PathBuf]) -> Result<(VerifiedBase, Option<Unpacked>)> {
        let session = self.session;
        let sizes = match self.request {
            BaseRequest::Known(entry) => Sizes {
                compressed: entry.size,
                raw: entry.raw_size,
            },
            BaseRequest::Sample | BaseRequest::Url { .. } | BaseRequest::File { .. } => Sizes::default(),
        };
        // With --force, a warning follows later, when the size is certain.
        if let Some(raw) = sizes.raw.filter(|_| !session.common.force) {
            require_raw_room(self.out, destinations.len(), raw)?;
        }
        let eager = EagerUnpack::new(self.out.to_owned(), destinations.to_vec(), sizes, &session.bars);
        let on_event = |event: &DownloadEvent| match event {
            DownloadEvent::Grown { file, size } => eager.grown_to(file, *size),
            DownloadEvent::StartsOver => eager.abandon(),
        };
        // An error discards what was decompressed from a wrong base.
        let options = ObtainOptions {
            on_event: Some(&on_event),
            ..session.obtain_options(self.catalog)
        };
        let base = base::obtain(self.request, &options)?;
        let unpacked = eager.finish(base.size()).transpose();
        let unpacked = unpacked.unwrap_or_else(|error| {
            let bars = &session.bars;
            bars.detail(&format!("not decompressed during the download: {error}"));
            None
        });
        Ok((base, unpacked))
    }

    /// Describes the base and warns if damage in it could go undetected.
    fn describe(&self, base: &VerifiedBase, container: &Container) {
        let bars = &self.session.bars;
        let path = base.path.display();
        bars.detail(&format!("base: {path} ({})", container.describe()));
        let is_unchecked = container
            .blocks()
            .is_some_and(|xz| xz.reader.image.check == Check::None);
        if base.trust == Trust::Unknown && is_unchecked {
            bars.warn(&format!(
                "{path} was compressed without checksums, so some damage in it cannot be detected"
            ));
        }
    }

    /// Writes the images under temporary names.
    fn write(
        &self,
        base: &VerifiedBase,
        container: &Container,
        image: &RawImage,
        images: Vec<PlannedImage>,
        unpacked: Option<Unpacked>,
    ) -> Result<Vec<Output>> {
        let assembly = Assembly {
            container,
            base: image,
            images,
            folder: self.out,
            ignore_space: self.session.common.force,
            progress: &self.session.bars,
        };
        let outputs = match self.format {
            Format::Img => assembly.write_raw(unpacked)?,
            Format::ImgXz => {
                if base.trust == Trust::Unknown && assembly.copies_blocks() {
                    // Copied blocks are not decoded, so damage in them would be copied too.
                    let task = self.session.bars.begin("checking the base", container.raw_size());
                    container.decode(&Discard, &*task)?;
                    self.confirm(base)?;
                }
                assembly.write_compressed()?
            }
        };
        self.confirm(base)?;
        Ok(outputs)
    }

    /// Checks that the base, which was decoded in full, did not change after it was hashed. Marks it as decoded if its
    /// hash was unknown.
    fn confirm(&self, base: &VerifiedBase) -> Result<()> {
        base.check_unchanged()?;
        if base.trust != Trust::Unknown {
            return Ok(());
        }
        // Without the marker, the next build only repeats the check.
        if let Err(error) = base.mark_decoded(&self.session.cache_dir) {
            self.session.bars.warn(&error.to_string());
        }
        Ok(())
    }

    /// Plans the images of all nodes, `destinations` in the order of the nodes.
    fn plan(
        &self,
        base: &RawImage,
        facts: &BootFacts,
        secrets: &Secrets,
        description: &Description,
        destinations: Vec<PathBuf>,
    ) -> Result<Vec<PlannedImage>> {
        let images = self.nodes.iter().zip(self.own_files).zip(destinations);
        let planned = images.map(|((node, own), destination)| {
            let overlay = node_overlay(
                self.cluster,
                node,
                secrets,
                description,
                facts,
                own,
                self.build_time,
            )?;
            let now = Timestamp(self.build_time);
            let edits = apply::edits(&*base.bytes, &base.boot.range, &overlay, now, node.name.as_str())?;
            let image = PlannedImage {
                destination,
                overlay,
                edits,
            };
            self.warn_about_lost_start(node, facts, &image);
            Ok(image)
        });
        planned.collect()
    }

    /// Warns if the user's own files replace those that start the first boot.
    fn warn_about_lost_start(&self, node: &Node, facts: &BootFacts, image: &PlannedImage) {
        for file in user_files::files_replacing_boot_hooks(&*facts.mechanism, &image.overlay) {
            self.session.bars.warn(&format!(
                "overlays/{}/{file} replaces the file that starts the first boot, so this node will not set itself up",
                node.name
            ));
        }
    }
}

/// Returns the boot partition files that a build at `build_time` writes for the node, and that `verify` compares.
pub(crate) fn node_overlay(
    cluster: &Cluster,
    node: &Node,
    secrets: &Secrets,
    description: &Description,
    facts: &BootFacts,
    user_files: &[(BootPath, Vec<u8>)],
    build_time: u64,
) -> Result<Overlay> {
    let plan = Plan {
        cluster,
        node,
        identity: secrets.node(&node.name)?,
        cluster_id: &secrets.cluster_id,
        authorized_keys: &secrets.login_keys(cluster),
        description: &description.signed,
        owner: &secrets.owner(),
        certificate: &secrets.certificate(&node.name)?,
        private_network: secrets.private_network,
        build_time,
        base: &facts.base,
        user_files,
    };
    render(&plan, &*facts.mechanism)
}
