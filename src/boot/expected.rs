//! What an image's boot partition must hold, as far as that is known without the node's keys and settings.

use std::collections::BTreeSet;

use crate::boot::mechanism::Mechanism;
use crate::boot::overlay::{BootPath, Overlay};
use crate::boot::{bundle, user_files};
use crate::error::Result;

/// What depends on the node's settings and keys: written by mkimage, but not always the same.
const NODES_OWN: [&str; 15] = [
    "cmdline.txt",
    "config.txt",
    "meta-data",
    "mkimage/authorized_keys",
    "mkimage/enrolment_keys",
    "mkimage/known_hosts",
    "mkimage/nodes",
    "mkimage/secrets/enrolment_key",
    "mkimage/secrets/host_key",
    "mkimage/secrets/password_hash",
    "mkimage/secrets/wifi.nmconnection",
    "mkimage/secrets/wpa_supplicant.conf",
    "mkimage/settings",
    "network-config",
    "user-data",
];

/// The files that an image gets whatever its node's settings and keys are.
pub struct Expected {
    known: Overlay,
    /// Paths of `known` as FAT compares them.
    folded: BTreeSet<String>,
}

impl Expected {
    /// The program's own files for a base of this kind, and a node's own files from `overlays/`.
    ///
    /// # Errors
    /// When a file of the user's cannot lie where he put it.
    pub fn new(mechanism: Mechanism, user_files: &[(BootPath, Vec<u8>)]) -> Result<Self> {
        let mut known = Overlay::default();
        bundle::lay_over(&mut known, mechanism)?;
        user_files::lay_over(&mut known, user_files)?;
        let folded = known
            .files()
            .map(|(path, _)| path.as_str().to_lowercase())
            .collect();
        Ok(Self { known, folded })
    }

    /// Files that must be there with exactly these bytes.
    pub fn known(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.known.files().map(|(path, bytes)| (path.as_str(), bytes))
    }

    /// Whether a file's bytes are among [`Self::known`].
    pub fn knows(&self, path: &str) -> bool {
        self.folded.contains(&path.to_lowercase())
    }

    /// Whether a file is the node's own: mkimage may have written anything to it.
    pub fn is_nodes_own(path: &str) -> bool {
        NODES_OWN.iter().any(|own| own.eq_ignore_ascii_case(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::plan::render;
    use crate::boot::testing::{Base, Lab};

    #[test]
    fn every_file_of_an_image_is_known_or_the_nodes_own() {
        let mut lab = Lab::new();
        let own = |path: &str| (BootPath::parse(path).unwrap(), b"mine".to_vec());
        lab.user_files = vec![own("Motd"), own("MKIMAGE/install")];
        for base in [
            Base::trixie("2026-10-06"),
            Base::bookworm("2024-11-19"),
            Base::bullseye("2023-05-03"),
            Base::buster("2020-02-13"),
        ] {
            let facts = base.facts();
            let expected = Expected::new(facts.mechanism, &lab.user_files).unwrap();
            for node in 0..3 {
                let overlay = render(&lab.plan(node, &facts)).unwrap();
                for (path, bytes) in expected.known() {
                    assert_eq!(overlay.get(path), Some(bytes), "{path} of {:?}", facts.mechanism);
                }
                for (path, _) in overlay.files() {
                    let path = path.as_str();
                    assert!(expected.knows(path) || Expected::is_nodes_own(path), "{path}");
                }
            }
        }
    }
}
