//! The files that must be on an image's boot partition, as far as they are known.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use zeroize::Zeroizing;

use crate::boot::facts::BootFacts;
use crate::boot::overlay::{BootPath, Overlay};
use crate::boot::plan::Plan;
use crate::boot::render::render;
use crate::cluster::{Cluster, Node};
use crate::error::Result;
use crate::identity::{KeyPair, NodeIdentity};

/// The files of a node's image.
pub struct Expected {
    files: Overlay,
    /// Paths of `files` whose bytes are not known.
    unknown: BTreeSet<String>,
    /// Paths of `files` in lower case, because FAT ignores case.
    folded: BTreeSet<String>,
}

impl Expected {
    /// Returns an overlay of which every byte is known.
    pub fn exactly(files: Overlay) -> Self {
        Self::new(files, BTreeSet::new())
    }

    /// Returns the overlay as far as it is known without the secrets: all paths, and the bytes of every file that
    /// depends neither on a secret nor on the time of the build.
    pub fn without_secrets(
        cluster: &Cluster,
        node: &Node,
        facts: &BootFacts,
        user_files: &[(BootPath, Vec<u8>)],
    ) -> Result<Self> {
        // A file that differs between two different secrets depends on them.
        let one = with_secret('0', cluster, node, facts, user_files)?;
        let other = with_secret('1', cluster, node, facts, user_files)?;
        let unknown = one
            .files()
            .filter(|(path, bytes)| other.get(path.as_str()) != Some(*bytes))
            .map(|(path, _)| path.as_str().to_owned())
            .collect();
        Ok(Self::new(one, unknown))
    }

    fn new(files: Overlay, unknown: BTreeSet<String>) -> Self {
        let folded = files
            .files()
            .map(|(path, _)| path.as_str().to_lowercase())
            .collect();
        Self {
            files,
            unknown,
            folded,
        }
    }

    /// Returns the files that must be there with exactly these bytes.
    pub fn known(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let files = self.files.files().map(|(path, bytes)| (path.as_str(), bytes));
        files.filter(|(path, _)| !self.unknown.contains(*path))
    }

    /// Returns the files that must be there, whatever they hold.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.unknown.iter().map(String::as_str)
    }

    /// Returns the files of the base that must not be there.
    pub fn removed(&self) -> impl Iterator<Item = &str> {
        self.files.removed().map(BootPath::as_str)
    }

    /// Returns true for a file of [`Self::known`] or [`Self::unknown`], in any case.
    pub fn has(&self, path: &str) -> bool {
        self.folded.contains(&path.to_lowercase())
    }
}

/// Renders the overlay of a cluster whose secrets consist of this digit. It never leaves this module.
fn with_secret(
    digit: char,
    cluster: &Cluster,
    node: &Node,
    facts: &BootFacts,
    user_files: &[(BootPath, Vec<u8>)],
) -> Result<Overlay> {
    let text = digit.to_string().repeat(32);
    let pair = || KeyPair {
        private: Zeroizing::new(text.clone()),
        public: text.clone(),
    };
    let plan = Plan {
        cluster,
        node,
        identity: &NodeIdentity {
            host_key: pair(),
            enrolment_key: pair(),
            wireguard_key: pair(),
            private_number: 1,
        },
        cluster_id: &text,
        authorized_keys: std::slice::from_ref(&text),
        description: &text,
        owner: &text,
        certificate: &text,
        private_network: Ipv4Net::from(std::net::Ipv4Addr::from(u32::from(digit))),
        build_time: u64::from(u32::from(digit)),
        base: &facts.base,
        user_files,
    };
    render(&plan, &*facts.mechanism)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::settings;
    use crate::boot::testing::Lab;
    use crate::release::testing::Base;

    fn bases() -> [Base; 4] {
        [
            Base::trixie("2026-10-06"),
            Base::bookworm("2024-11-19"),
            Base::bullseye("2023-05-03"),
            Base::buster("2020-02-13"),
        ]
    }

    fn paths(overlay: &Overlay) -> Vec<&str> {
        overlay.files().map(|(path, _)| path.as_str()).collect()
    }

    #[test]
    fn without_the_secrets_every_path_is_known_and_no_known_byte_is_wrong() {
        let mut lab = Lab::new();
        let own = |path: &str| (BootPath::parse(path).unwrap(), b"mine".to_vec());
        lab.user_files = vec![own("MKIMAGE/install"), own("Motd"), own("USER-DATA")];
        for base in bases() {
            let facts = BootFacts::detect(&base).unwrap();
            for node in 0..3 {
                let plan = lab.plan(node, &facts.base);
                let overlay = render(&plan, &*facts.mechanism).unwrap();
                let expected =
                    Expected::without_secrets(plan.cluster, plan.node, &facts, plan.user_files).unwrap();
                assert_eq!(paths(&expected.files), paths(&overlay), "{:?}", facts.mechanism);
                for (path, bytes) in expected.known() {
                    assert_eq!(overlay.get(path), Some(bytes), "{path} of {:?}", facts.mechanism);
                }
                assert!(expected.has("MKIMAGE/Settings") && !expected.has("mkimage"));
            }
        }
    }

    #[test]
    fn only_these_files_depend_on_secrets() {
        let lab = Lab::new();
        let of_all = [
            "mkimage/description",
            "mkimage/enrolment_certificate",
            "mkimage/owner",
            "mkimage/secrets/enrolment_key",
            "mkimage/secrets/host_key",
            "mkimage/secrets/wireguard_key",
            settings::PATH,
        ];
        let of_some: [&[&str]; 4] = [
            &[
                "cmdline.txt",
                "meta-data",
                "mkimage/secrets/wifi.nmconnection",
                "user-data",
            ],
            &["mkimage/secrets/wifi.nmconnection"],
            &[],
            &[],
        ];
        for (base, more) in bases().iter().zip(of_some) {
            let facts = BootFacts::detect(base).unwrap();
            let plan = lab.plan(2, &facts.base);
            let expected = Expected::without_secrets(plan.cluster, plan.node, &facts, &[]).unwrap();
            let all: BTreeSet<_> = of_all.iter().chain(more).copied().collect();
            assert_eq!(expected.unknown().collect::<BTreeSet<_>>(), all);
            // A Pi 5 has a config.txt of its own where there is a 64-bit kernel for it.
            for known in ["config.txt", "mkimage/secrets/password_hash"] {
                assert!(expected.known().any(|(path, _)| path == known), "{known}");
            }
        }
    }
}
