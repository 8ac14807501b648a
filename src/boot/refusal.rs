//! Bases that would not become what the user asked for.

use crate::boot::facts::BootFacts;
use crate::boot::mechanism::{Date, Mechanism, Release, Userland};
use crate::cluster::{Cluster, Model};
use crate::error::{Category, Error};

/// cloud-init could start before the boot partition was mounted in images from here...
const RACE_FROM: Date = Date::new(2025, 11, 24);
/// ...to before here (canonical/cloud-init#6614).
const RACE_FIXED: Date = Date::new(2026, 4, 1);

/// Why a base is not taken unless the user insists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// [`Category::ClusterFile`] when another cluster file would do with this base, else [`Category::Refused`].
    pub category: Category,
    /// What would happen.
    pub reason: String,
    /// What to do instead.
    pub remedy: String,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.category, refusal.reason).with_remedy(refusal.remedy)
    }
}

impl BootFacts {
    /// Everything that speaks against this base for this cluster.
    pub fn refusals(&self, cluster: &Cluster) -> Vec<Refusal> {
        [
            self.customised(),
            self.starts_too_early(),
            self.is_32_bit(cluster),
            self.too_old_for_a_board(cluster),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn customised(&self) -> Option<Refusal> {
        let script = self.cmdline.starts()?;
        Some(Refusal {
            category: Category::Refused,
            reason: format!(
                "the base was customised before: its command line starts {script}, which would be lost"
            ),
            remedy: "use the image as it was published".to_owned(),
        })
    }

    fn starts_too_early(&self) -> Option<Refusal> {
        let date = self.date?;
        let racing = self.mechanism == Mechanism::CloudInit && (RACE_FROM..RACE_FIXED).contains(&date);
        racing.then(|| Refusal {
            category: Category::Refused,
            reason: format!(
                "the image of {date} can start cloud-init before the boot partition is mounted, and then ignores \
                 everything on it (canonical/cloud-init#6614)"
            ),
            remedy: "use an image of 2026-04 or later".to_owned(),
        })
    }

    fn is_32_bit(&self, cluster: &Cluster) -> Option<Refusal> {
        let what = match cluster.gluster {
            Some(_) => "GlusterFS crashes there and current Docker has no packages",
            None => "current Docker has no packages for it",
        };
        (self.userland == Userland::Bits32).then(|| Refusal {
            category: Category::ClusterFile,
            reason: format!("the base is a 32-bit image (it has 32-bit kernels): {what}"),
            remedy: "use the arm64 image; every Pi 3, Pi 4, Pi 5 and Zero 2 runs it".to_owned(),
        })
    }

    fn too_old_for_a_board(&self, cluster: &Cluster) -> Option<Refusal> {
        let release = self.release.filter(|release| *release < Release::Bookworm)?;
        let node = cluster
            .nodes
            .iter()
            .find(|node| matches!(node.model, Model::Pi5 | Model::Cm5))?;
        Some(Refusal {
            category: Category::ClusterFile,
            reason: format!(
                "{} is a {}, and {release} has no kernel for it",
                node.name,
                node.model.as_str()
            ),
            remedy: "use a bookworm or trixie image".to_owned(),
        })
    }
}
