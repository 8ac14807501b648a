//! Reasons not to use a base for a cluster.

use crate::cluster::{Cluster, Model};
use crate::error::{Category, Error};
use crate::release::{BaseFacts, Release};

/// A reason not to use a base. The user can insist with `--force`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// [`Category::ClusterFile`] if the base would suit another cluster file, otherwise [`Category::Refused`].
    pub category: Category,
    /// The consequence of using it.
    pub reason: String,
    /// The better choice.
    pub remedy: String,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.category, refusal.reason).with_remedy(refusal.remedy)
    }
}

impl BaseFacts {
    /// Returns the reasons not to use this base for this cluster.
    pub fn refusals(&self, cluster: &Cluster) -> Vec<Refusal> {
        let customised = self.cmdline.script().map(|script| Refusal {
            category: Category::Refused,
            reason: format!(
                "the base was customised before: its command line starts {script}, which the build would remove"
            ),
            remedy: "use the image as it was published".to_owned(),
        });
        let other = self.is_another_system().then(|| Refusal {
            category: Category::Refused,
            reason: "the base does not look like Raspberry Pi OS: its boot partition has neither issue.txt nor a kernel*.img"
                .to_owned(),
            remedy: "use a Raspberry Pi OS Lite image".to_owned(),
        });
        let of_32_bits = self
            .is_32_bit()
            .then(|| of_32_bits("it has 32-bit kernels", cluster));
        let too_old = self
            .release
            .and_then(|release| too_old_for_a_board(release, cluster));
        let password = self
            .release
            .and_then(|release| unknown_password(release, cluster));
        [customised, other, of_32_bits, too_old, password]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// Returns a reason not to use an image of which only the release and the instruction set are known.
pub fn of_published(release: &str, is_32_bit: bool, cluster: &Cluster) -> Option<Refusal> {
    if is_32_bit {
        return Some(of_32_bits("it is an armhf one", cluster));
    }
    too_old_for_a_board(Release::named(release)?, cluster)
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
            "{} is a {}, and {} has no kernel for it",
            node.name,
            node.model.as_str(),
            release.as_str()
        ),
        remedy: "use a bookworm or trixie image".to_owned(),
    })
}

/// crypt(3) knows yescrypt (`$y$`) only from bullseye on.
fn unknown_password(release: Release, cluster: &Cluster) -> Option<Refusal> {
    let hash = cluster.user.password_hash.as_ref()?;
    (release < Release::Bullseye && hash.as_str().starts_with("$y$")).then(|| Refusal {
        category: Category::ClusterFile,
        reason: format!(
            "{} does not know the kind of password_hash in the cluster file ($y$, yescrypt)",
            release.as_str()
        ),
        remedy: "make the hash with `openssl passwd -6`, or use a newer base".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::cluster::testing::cluster;
    use crate::release::testing::{BOOKWORM_CMDLINE, Base};

    fn refused(base: &Base) -> Vec<(u8, String)> {
        let mut cluster = cluster();
        cluster.nodes.retain(|node| node.model == Model::Pi4);
        let refusals = base.facts().refusals(&cluster);
        refusals
            .into_iter()
            .map(|refusal| (refusal.category.exit_code(), refusal.reason))
            .collect()
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
    fn a_base_without_a_kernel_for_the_pi_5_is_refused() {
        let refusals = Base::bullseye("2023-05-03").facts().refusals(&cluster());
        assert!(
            matches!(refusals.as_slice(), [one] if one.reason.starts_with("pi5-1 ")),
            "{refusals:?}"
        );
        assert_eq!(Base::bookworm("2023-10-10").facts().refusals(&cluster()), []);
    }

    #[test]
    fn another_system_is_not_taken_for_raspberry_pi_os() {
        let ubuntu = Base::trixie("2026-10-06")
            .without("issue.txt")
            .without("kernel8.img")
            .without("kernel_2712.img")
            .with("vmlinuz", "");
        assert_eq!(ubuntu.facts().release, None);
        let refused = refused(&ubuntu);
        assert!(
            matches!(refused.as_slice(), [(7, reason)] if reason.contains("kernel*.img")),
            "{refused:?}"
        );
    }

    #[test]
    fn a_password_that_the_release_cannot_check_is_refused() {
        let refused = |base: Base, hash: &str| {
            let mut cluster = cluster();
            cluster.nodes.retain(|node| node.model == Model::Pi4);
            cluster.user.password_hash = Some(Zeroizing::new(hash.to_owned()));
            let refusals = base.facts().refusals(&cluster);
            refusals.iter().any(|refusal| refusal.reason.contains("yescrypt"))
        };
        assert!(refused(Base::buster("2020-02-13"), "$y$j9T$x$y"));
        assert!(!refused(Base::buster("2020-02-13"), "$6$x$y"));
        assert!(!refused(Base::bullseye("2023-05-03"), "$y$j9T$x$y"));
    }

    #[test]
    fn a_customised_base_is_refused() {
        let line = format!("{} systemd.run=/boot/firstrun.sh\n", BOOKWORM_CMDLINE.trim_end());
        let refused = refused(&Base::bookworm("2024-11-19").with("cmdline.txt", &line));
        assert!(
            matches!(refused.as_slice(), [(7, reason)] if reason.contains("firstrun")),
            "{refused:?}"
        );
    }
}
