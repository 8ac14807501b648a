//! The cluster's description: one text of everything that its nodes share, numbered, and signed with the owner's key.
//!
//! A node takes a description with a higher number and a valid signature, and nothing else. `docs/architecture.md` has the format.

mod changes;

use std::fmt::Write as _;

use crate::boot::settings::Settings;
use crate::cluster::Cluster;
use crate::error::{Category, Error, Result};
use crate::identity::Secrets;

pub use changes::Changes;

/// The first line of the signature, with which the text ends.
const SIGNATURE: &str = "-----BEGIN SSH SIGNATURE-----";

/// The settings that no running node can change: the nodes would look for their files in another place.
const FIXED: [&str; 2] = ["volume", "mount"];

/// Begins the line with the number.
const GENERATION: &str = "generation ";

/// A description with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The number. Nodes take a higher one.
    pub generation: u64,
    /// The text, then the signature.
    pub signed: String,
}

impl Description {
    /// Returns the description of the cluster as its file and its keys are now: the newest one if it still holds, or else
    /// the next one. Nothing is written.
    pub fn of(cluster: &Cluster, secrets: &Secrets) -> Result<Self> {
        let newest = secrets.description.as_deref().unwrap_or_default();
        let generation = generation_of(newest);
        if generation > 0 {
            let text = text(cluster, secrets, generation)?;
            if newest.starts_with(&format!("{text}{SIGNATURE}")) {
                let signed = newest.to_owned();
                return Ok(Self { generation, signed });
            }
        }
        let generation = generation.saturating_add(1);
        let text = text(cluster, secrets, generation)?;
        refuse_what_cannot_change(&Changes::between(newest, &text))?;
        let signed = format!("{text}{}", secrets.sign(&text)?);
        Ok(Self { generation, signed })
    }
}

/// Refuses changes that no description can bring about.
fn refuse_what_cannot_change(changes: &Changes) -> Result<()> {
    let refused = |what: String, remedy: &str| Err(Error::new(Category::Refused, what).with_remedy(remedy));
    if let Some(node) = changes.removed.first() {
        let what = format!(
            "{node} is a node of the running cluster, and the cluster file does not have it any more"
        );
        return refused(
            what,
            "put its [[node]] back; if no card of this cluster is in use yet, delete cluster.secrets/description instead",
        );
    }
    let is_fixed = |change: &&String| FIXED.iter().any(|key| change.starts_with(&format!("{key}: ")));
    match changes.others.iter().find(is_fixed) {
        Some(change) => refused(
            format!("the nodes keep their files where they are: {change} is not possible"),
            "put the old value back; if no card of this cluster is in use yet, delete cluster.secrets/description instead",
        ),
        None => Ok(()),
    }
}

/// Returns the number of a description; 0 if it has none.
fn generation_of(description: &str) -> u64 {
    let number = description.lines().find_map(|line| line.strip_prefix(GENERATION));
    number.and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// Returns the text that is signed: a line that names the format, the cluster's id, the number, and sections.
fn text(cluster: &Cluster, secrets: &Secrets, generation: u64) -> Result<String> {
    let mut text = format!(
        "mkimage description 1\ncluster {}\n{GENERATION}{generation}\n",
        secrets.cluster_id
    );
    let mut section = |name: &str, lines: &str| {
        // Writing to a String cannot fail.
        let _ = write!(text, "[{name}]\n{lines}");
    };
    section("settings", &Settings::of_cluster(cluster)?.to_shell());
    for node in &cluster.nodes {
        let name = format!("settings {}", node.name);
        section(&name, &Settings::of_node(node)?.to_shell());
    }
    section("nodes", &secrets.nodes(cluster));
    section("known_hosts", &secrets.known_hosts(cluster));
    section("enrolment_keys", &secrets.enrolment_keys(cluster));
    section("authorized_keys", &authorized_keys(cluster, secrets)?);
    Ok(text)
}

/// Returns the keys that may log in, one per line.
fn authorized_keys(cluster: &Cluster, secrets: &Secrets) -> Result<String> {
    let mut lines = String::new();
    for key in secrets.login_keys(cluster) {
        if key.contains(['\n', '\r', '\0']) {
            let what = "a public key of [user] ssh_authorized_keys has a line break";
            return Err(Error::new(Category::ClusterFile, what));
        }
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{key}");
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::boot::testing::judge;
    use crate::cluster::NodeName;
    use crate::cluster::testing::cluster;
    use crate::identity::FOLDER_NAME;

    fn secrets(folder: &Path, cluster: &Cluster) -> Secrets {
        Secrets::open_or_create(&folder.join(FOLDER_NAME), cluster).unwrap()
    }

    #[test]
    fn the_number_grows_only_with_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let mut lab = cluster();
        let opened = secrets(folder.path(), &lab);
        let first = Description::of(&lab, &opened).unwrap();
        assert_eq!(first.generation, 1);
        assert_eq!(Description::of(&lab, &opened).unwrap(), first);
        opened.keep_description(&first.signed).unwrap();
        assert_eq!(
            Description::of(&lab, &secrets(folder.path(), &lab)).unwrap(),
            first
        );

        let mut new = lab.nodes[0].clone();
        new.name = NodeName::parse("pi5-1").unwrap();
        lab.nodes.push(new);
        let opened = secrets(folder.path(), &lab);
        let second = Description::of(&lab, &opened).unwrap();
        assert_eq!(second.generation, 2);
        assert!(second.signed.contains("\n[settings pi5-1]\n"));
        opened.keep_description(&second.signed).unwrap();
        // This run has read what was there before the second.
        let third = second.signed.replace("generation 2", "generation 3");
        assert!(opened.keep_description(&third).is_err());
    }

    #[test]
    fn a_change_that_would_break_the_cluster_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let lab = cluster();
        let opened = secrets(folder.path(), &lab);
        opened
            .keep_description(&Description::of(&lab, &opened).unwrap().signed)
            .unwrap();
        let mut without = lab.clone();
        without.nodes.pop();
        let mut moved = lab.clone();
        moved.gluster.as_mut().unwrap().mount = "/mnt/other".to_owned();
        for (changed, why) in [(without, "does not have it any more"), (moved, "mount: ")] {
            let error = Description::of(&changed, &secrets(folder.path(), &changed)).unwrap_err();
            assert_eq!(error.category(), Category::Refused);
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn openssh_takes_the_signature_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let lab = cluster();
        let opened = secrets(folder.path(), &lab);
        let description = Description::of(&lab, &opened).unwrap().signed;
        let at = description.find(SIGNATURE).unwrap();
        let (text, signature) = description.split_at(at);
        let [owner, signed] = ["owner", "signed"].map(|name| folder.path().join(name));
        fs::write(&owner, opened.owner()).unwrap();
        fs::write(&signed, signature).unwrap();
        let (owner, signed) = (owner.to_str().unwrap(), signed.to_str().unwrap());
        let verify = [
            "-Y", "verify", "-f", owner, "-I", "mkimage", "-n", "mkimage", "-s", signed,
        ];
        assert!(judge("ssh-keygen", &verify, text.as_bytes()).contains("Good \"mkimage\" signature"));
        let script = "! ssh-keygen \"$@\" 2>/dev/null";
        let refused = [&["-c", script, "sh"], &verify[..]].concat();
        judge(
            "sh",
            &refused,
            text.replace("generation 1", "generation 2").as_bytes(),
        );
    }

    #[test]
    fn a_certificate_is_for_the_enrolment_login_only() {
        let folder = tempfile::tempdir().unwrap();
        let lab = cluster();
        let opened = secrets(folder.path(), &lab);
        let certificate = opened.certificate(&lab.nodes[0].name).unwrap();
        assert_eq!(certificate, opened.certificate(&lab.nodes[0].name).unwrap());
        let path = folder.path().join("key-cert.pub");
        fs::write(&path, certificate).unwrap();
        let shown = Command::new("ssh-keygen")
            .arg("-L")
            .arg("-f")
            .arg(&path)
            .output()
            .unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        for line in [
            "user certificate",
            "before 9999-12-31",
            "Key ID: \"pi4-1\"",
            "                mkimage\n",
        ] {
            assert!(shown.contains(line), "{line}: {shown}");
        }
        assert!(
            shown.contains("Critical Options: (none)") && shown.contains("Extensions: (none)"),
            "{shown}"
        );
    }

    #[test]
    fn the_text_has_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let lab = cluster();
        let description = Description::of(&lab, &secrets(folder.path(), &lab))
            .unwrap()
            .signed;
        for secret in ["PRIVATE KEY", "topsecret", "$5$", "$6$"] {
            assert!(!description.contains(secret), "{secret}");
        }
    }
}
