//! A base that a node's boot partition is to be rendered for.

use crate::boot::mechanism::{self, Mechanism};
use crate::boot::settings::{self, Settings};
use crate::cluster::Cluster;
use crate::error::{Category, Error, Result};
use crate::release::{BaseFacts, BootFiles, Refusal};

/// A base with the mechanism of its first boot.
#[derive(Debug)]
pub struct BootFacts {
    /// The release and what depends on it.
    pub base: BaseFacts,
    /// The mechanism that runs `mkimage/install` there.
    pub mechanism: Box<dyn Mechanism>,
    /// The node whose image it is, if this program made it.
    made_for: Option<String>,
}

impl BootFacts {
    /// Finds the facts about a base. Fails if its files contradict each other or do not tell how its first boot can
    /// be reached.
    pub fn detect(files: &dyn BootFiles) -> Result<Self> {
        let base = BaseFacts::detect(files)?;
        Ok(Self {
            mechanism: mechanism::recognise(&base, files)?,
            base,
            made_for: files.read(settings::PATH)?.map(|bytes| {
                let node = Settings::parse(&bytes).node();
                node.map_or_else(|| "another node".to_owned(), |name| name.to_string())
            }),
        })
    }

    /// Refuses an image that was made for a node. Not even `--force` allows that: one node's keys and passwords would
    /// lie on another's card. The error says whose image it is.
    pub fn require_not_a_node_image(&self) -> Result<()> {
        match &self.made_for {
            None => Ok(()),
            Some(node) => Err(Error::new(
                Category::Refused,
                format!("the base is the image of {node}, with its keys in it"),
            )
            .with_remedy("use the image that it was made from, as it was published")),
        }
    }

    /// Returns the reasons not to use this base for this cluster.
    pub fn refusals(&self, cluster: &Cluster) -> Vec<Refusal> {
        let of_mechanism = self.mechanism.refusal(&self.base);
        of_mechanism
            .into_iter()
            .chain(self.base.refusals(cluster))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::testing::cluster;
    use crate::release::testing::Base;

    #[test]
    fn one_nodes_secrets_never_come_onto_anothers_card() {
        let base = Base::trixie("2026-10-06");
        assert!(
            BootFacts::detect(&base)
                .unwrap()
                .require_not_a_node_image()
                .is_ok()
        );
        for (settings, owner) in [
            (
                "MKIMAGE_CLUSTER='homelab'\nMKIMAGE_NODE='pi4-2'\n",
                "image of pi4-2",
            ),
            ("edited", "image of another node"),
        ] {
            let image = base.clone().with(settings::PATH, settings);
            let error = BootFacts::detect(&image).unwrap().require_not_a_node_image();
            let error = error.unwrap_err();
            assert_eq!(error.category(), Category::Refused);
            assert!(error.to_string().contains(owner), "{error}");
        }
    }

    #[test]
    fn a_base_is_refused_for_its_mechanism_as_well_as_for_its_release() {
        let mut cluster = cluster();
        let racing = BootFacts::detect(&Base::trixie("2025-12-04")).unwrap();
        assert_eq!(racing.refusals(&cluster).len(), 1);
        let bullseye = BootFacts::detect(&Base::bullseye("2023-05-03")).unwrap();
        assert_eq!(bullseye.refusals(&cluster).len(), 1);
        cluster.nodes.truncate(2);
        assert!(bullseye.refusals(&cluster).is_empty());
    }
}
