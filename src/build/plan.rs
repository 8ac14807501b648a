//! Plans the changes to every node's image.

use std::path::PathBuf;

use super::Order;
use crate::boot::facts::BootFacts;
use crate::boot::overlay::{BootPath, Overlay};
use crate::boot::plan::Plan;
use crate::boot::render::render;
use crate::boot::user_files;
use crate::cluster::{Cluster, Node};
use crate::error::Result;
use crate::identity::Secrets;
use crate::image::apply;
use crate::image::assemble::PlannedImage;
use crate::image::fat::Timestamp;
use crate::image::raw_image::RawImage;
use crate::progress::Progress as _;

/// The user's own files for one node.
pub(super) type OwnFiles = Vec<(BootPath, Vec<u8>)>;

impl Order<'_> {
    /// Reads the user's own files for each node and warns about files for unknown nodes.
    pub(super) fn own_files(&self) -> Result<Vec<OwnFiles>> {
        let overlays = self.folder().join("overlays");
        let nodes = self.nodes.iter();
        let files = nodes.map(|node| user_files::read(&overlays.join(node.name.as_str())));
        let files = files.collect::<Result<_>>()?;
        for folder in user_files::folders_without_node(&overlays, self.cluster) {
            self.session.bars.warn(&format!(
                "{} does not belong to a node of the cluster, so its files are ignored",
                folder.display()
            ));
        }
        Ok(files)
    }

    /// Plans the images of all nodes, `destinations` and `own_files` in the order of the nodes.
    pub(super) fn plan(
        &self,
        base: &RawImage,
        facts: &BootFacts,
        secrets: &Secrets,
        own_files: &[OwnFiles],
        destinations: Vec<PathBuf>,
    ) -> Result<Vec<PlannedImage>> {
        let images = self.nodes.iter().zip(own_files).zip(destinations);
        let planned = images.map(|((node, own), destination)| {
            let overlay = node_overlay(self.cluster, node, secrets, facts, own, self.build_time)?;
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
    facts: &BootFacts,
    user_files: &[(BootPath, Vec<u8>)],
    build_time: u64,
) -> Result<Overlay> {
    let mut authorized_keys = cluster.user.ssh_authorized_keys.clone();
    authorized_keys.extend(secrets.admin_key.as_ref().map(|admin| admin.public.clone()));
    let plan = Plan {
        cluster,
        node,
        identity: secrets.node(&node.name)?,
        cluster_id: &secrets.cluster_id,
        authorized_keys: &authorized_keys,
        known_hosts: &secrets.known_hosts(cluster),
        enrolment_keys: &secrets.enrolment_keys(cluster),
        build_time,
        base: &facts.base,
        user_files,
    };
    render(&plan, &*facts.mechanism)
}
