//! Bases that would not become what the user asked for.

use crate::boot::facts::BootFacts;
use crate::boot::mechanism::{Date, Mechanism, Release, Userland};
use crate::cluster::{Cluster, Model};
use crate::error::{Category, Error, Result};

/// cloud-init could start before the boot partition was mounted in images from here...
const RACE_FROM: Date = Date::new(2025, 11, 24);
/// ...to before here (canonical/cloud-init#6614).
const RACE_FIXED: Date = Date::new(2026, 4, 1);

/// Our own script: an image of ours as a base loses nothing.
const SCRIPT: &str = "/mkimage/systemd-run";

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
    /// Whether this is a base and no node's image. Not even `--force` helps there: one node's keys and passwords would lie
    /// on another's card.
    ///
    /// # Errors
    /// Says whose image it is.
    pub fn is_nobodys(&self) -> Result<()> {
        match &self.made_for {
            None => Ok(()),
            Some(node) => Err(Error::new(
                Category::Refused,
                format!("the base is the image of {node}, with its keys in it"),
            )
            .with_remedy("use the image that it was made from, as it was published")),
        }
    }

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
        let script = self.cmdline.starts().filter(|script| !script.ends_with(SCRIPT))?;
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
        (self.userland == Userland::Bits32).then(|| of_32_bits("it has 32-bit kernels", cluster))
    }

    fn too_old_for_a_board(&self, cluster: &Cluster) -> Option<Refusal> {
        too_old_for_a_board(self.release?, cluster)
    }
}

/// What speaks against an image of which only the release and the instruction set are known.
pub fn of_published(release: &str, is_32_bit: bool, cluster: &Cluster) -> Option<Refusal> {
    if is_32_bit {
        return Some(of_32_bits("it is an armhf one", cluster));
    }
    let release = Release::ALL.into_iter().find(|known| known.as_str() == release)?;
    too_old_for_a_board(release, cluster)
}

fn of_32_bits(sign: &str, cluster: &Cluster) -> Refusal {
    let what = match cluster.gluster {
        Some(_) => "GlusterFS crashes there and current Docker has no packages",
        None => "current Docker has no packages for it",
    };
    Refusal {
        category: Category::ClusterFile,
        reason: format!("the base is a 32-bit image ({sign}): {what}"),
        remedy: "use the arm64 image; every Pi 3, Pi 4, Pi 5 and Zero 2 runs it".to_owned(),
    }
}

fn too_old_for_a_board(release: Release, cluster: &Cluster) -> Option<Refusal> {
    let node = cluster
        .nodes
        .iter()
        .find(|node| matches!(node.model, Model::Pi5 | Model::Cm5))?;
    (release < Release::Bookworm).then(|| Refusal {
        category: Category::ClusterFile,
        reason: format!(
            "{} is a {}, and {release} has no kernel for it",
            node.name,
            node.model.as_str()
        ),
        remedy: "use a bookworm or trixie image".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::settings;
    use crate::boot::testing::{BOOKWORM_CMDLINE, Base, cluster};

    fn refused(base: &Base) -> Vec<(u8, String)> {
        let mut cluster = cluster();
        cluster.nodes.retain(|node| node.model == Model::Pi4);
        let refusals = base.facts().refusals(&cluster);
        refusals
            .into_iter()
            .map(|r| (r.category.exit_code(), r.reason))
            .collect()
    }

    #[test]
    fn images_that_ignore_their_boot_partition_are_refused() {
        for date in ["2025-11-24", "2025-12-04"] {
            let refused = refused(&Base::trixie(date));
            assert!(
                matches!(refused.as_slice(), [(7, reason)] if reason.contains("6614")),
                "{refused:?}"
            );
        }
        for date in ["2026-04-13", "2026-10-06"] {
            assert_eq!(refused(&Base::trixie(date)), []);
        }
    }

    #[test]
    fn a_32_bit_base_is_refused() {
        let refused = refused(&Base::buster("2020-02-13"));
        assert!(
            matches!(refused.as_slice(), [(3, reason)] if reason.contains("32-bit")),
            "{refused:?}"
        );
        assert_eq!(self::refused(&Base::bullseye("2023-05-03")), []);
    }

    #[test]
    fn a_pi_5_is_not_promised_what_no_bullseye_does() {
        let refusals = Base::bullseye("2023-05-03").facts().refusals(&cluster());
        assert!(
            matches!(refusals.as_slice(), [one] if one.reason.starts_with("pi5-1 ")),
            "{refusals:?}"
        );
        assert_eq!(Base::bookworm("2023-10-10").facts().refusals(&cluster()), []);
    }

    #[test]
    fn one_nodes_secrets_never_come_onto_anothers_card() {
        let base = Base::trixie("2026-10-06");
        assert!(base.facts().is_nobodys().is_ok());
        let node_settings = "MKIMAGE_CLUSTER='homelab'\nMKIMAGE_NODE='pi4-2'\n";
        let error = base
            .with(settings::PATH, node_settings)
            .facts()
            .is_nobodys()
            .unwrap_err();
        assert_eq!(error.category(), Category::Refused);
        assert!(error.to_string().contains("image of pi4-2"), "{error}");
    }

    #[test]
    fn a_customised_base_is_refused() {
        let line = |script: &str| format!("{} systemd.run={script}\n", BOOKWORM_CMDLINE.trim_end());
        let base = Base::bookworm("2024-11-19");
        let refused = refused(&base.clone().with("cmdline.txt", &line("/boot/firstrun.sh")));
        assert!(
            matches!(refused.as_slice(), [(7, reason)] if reason.contains("firstrun")),
            "{refused:?}"
        );
        // Our own script has an answer of its own: whose image it is.
        assert_eq!(
            self::refused(&base.with("cmdline.txt", &line("/boot/firmware/mkimage/systemd-run"))),
            []
        );
    }
}
