//! The cluster's description: one text of everything that its nodes share, numbered, and signed with the owner's key.
//!
//! A node takes a description with a higher number and a valid signature, and nothing else. `docs/architecture.md` has the format.

mod changes;
mod gone;
mod refusals;

use std::fmt::{Display, Write as _};

use crate::boot::network::address_of_running_node;
use crate::boot::settings::Settings;
use crate::cluster::Cluster;
use crate::error::{Category, Error, Result};
use crate::identity::Secrets;

pub use changes::Changes;
use gone::Gone;
pub use gone::GoneNode;

/// The first line of the signature, with which the text ends.
pub(crate) const SIGNATURE: &str = "-----BEGIN SSH SIGNATURE-----";

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
    /// Returns the description for the image of a node. Fails if a node has gone, which the running nodes have to hear first.
    pub fn of_image(cluster: &Cluster, secrets: &Secrets) -> Result<Self> {
        let description = Self::of(cluster, secrets)?;
        let newest = secrets.description.as_deref().unwrap_or_default();
        let changes = Changes::between(newest, &description.signed);
        changes.refuse_other_keys()?;
        match changes.removed.first() {
            Some(node) => {
                let what = format!(
                    "{node} is a node of the cluster, and the cluster file does not have it any more"
                );
                Err(Error::new(Category::Refused, what).with_remedy(format!(
                    "take it out of the cluster with mkimage apply, or put its [[node]] back; {}",
                    refusals::IF_UNUSED
                )))
            }
            None => Ok(description),
        }
    }

    /// Returns sentences about what changes for nodes that run when they hear of this description.
    pub fn news(&self, secrets: &Secrets) -> Vec<String> {
        let newest = secrets.description.as_deref().unwrap_or_default();
        if newest.is_empty() {
            return Vec::new();
        }
        Changes::between(newest, &self.signed).others
    }

    /// Returns the description of the cluster as its file and its keys are now: the newest one if it still holds, or else
    /// the next one. Nothing is written.
    pub fn of(cluster: &Cluster, secrets: &Secrets) -> Result<Self> {
        Self::with_leaving(cluster, secrets, &[])
    }

    /// Does the same, but nodes with the names `leaving`, which the file does not have any more, stay members as the newest
    /// description knows them, until their bricks are out of the volume.
    pub fn with_leaving(cluster: &Cluster, secrets: &Secrets, leaving: &[&str]) -> Result<Self> {
        let newest = secrets.description.as_deref().unwrap_or_default();
        let generation = number(newest);
        let text = |generation| text(cluster, secrets, leaving, generation);
        if generation > 0 {
            let text = text(generation)?;
            if newest.starts_with(&format!("{text}{SIGNATURE}")) {
                let signed = newest.to_owned();
                return Ok(Self { generation, signed });
            }
        }
        let generation = generation.saturating_add(1);
        let text = text(generation)?;
        refusals::refuse_what_cannot_be(newest, &text)?;
        let signed = format!("{text}{}", secrets.sign(&text)?);
        Ok(Self { generation, signed })
    }
}

/// Returns the number of copies in a set of the volume by the newest description; 0 without a volume.
pub fn copies(secrets: &Secrets) -> usize {
    changes::copies(&changes::sections(
        secrets.description.as_deref().unwrap_or_default(),
    ))
}

/// Returns where a node is in the owner's network by a description: its fixed address or its mDNS name.
pub fn place<'a>(description: &'a str, node: &str) -> Option<&'a str> {
    let sections = changes::sections(description);
    sections.get("nodes")?.get(node)?.split(' ').nth(1)
}

/// Returns the names of the nodes that leave by the newest description.
pub fn leaving(secrets: &Secrets) -> Vec<String> {
    let lines = lines_of_section(secrets.description.as_deref().unwrap_or_default(), "leaving");
    lines.lines().map(ToOwned::to_owned).collect()
}

/// Returns the number of the newest description; 0 before the first one.
pub fn newest_number(secrets: &Secrets) -> u64 {
    number(secrets.description.as_deref().unwrap_or_default())
}

/// Returns the number of a description; 0 if it has none.
pub fn number(description: &str) -> u64 {
    let text = description.lines().find_map(|line| line.strip_prefix(GENERATION));
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Returns a description without its signatures.
pub fn text_of(description: &str) -> &str {
    let text = description.split_once(SIGNATURE);
    text.map_or(description, |(text, _)| text)
}

/// Returns the text that is signed: a line that names the format, the cluster's id, the number, and sections.
fn text(cluster: &Cluster, secrets: &Secrets, leaving: &[&str], generation: u64) -> Result<String> {
    let newest = secrets.description.as_deref().unwrap_or_default();
    let mut text = format!(
        "mkimage description 1\ncluster {}\n{GENERATION}{generation}\n",
        secrets.cluster_id
    );
    section(&mut text, "settings", &Settings::of_cluster(cluster)?.to_shell());
    for node in &cluster.nodes {
        let name = format!("settings {}", node.name);
        section(&mut text, &name, &Settings::of_node(node)?.to_shell());
        let name = format!("network {}", node.name);
        section(&mut text, &name, &address_of_running_node(cluster, node));
    }
    for node in leaving {
        for name in ["settings", "network"] {
            let name = format!("{name} {node}");
            section(&mut text, &name, &lines_of_section(newest, &name));
        }
    }
    for (name, lines) in [
        ("nodes", secrets.nodes(cluster)),
        ("known_hosts", secrets.known_hosts(cluster)),
        ("enrolment_keys", secrets.enrolment_keys(cluster)),
    ] {
        let kept = gone::lines_about(&lines_of_section(newest, name), leaving);
        section(&mut text, name, &(lines + &kept));
    }
    section(&mut text, "authorized_keys", &authorized_keys(cluster, secrets)?);
    section(&mut text, "owner", &secrets.owner());
    section(&mut text, "leaving", &on_lines(leaving));
    let gone = Gone::since(newest, &text);
    let joined = gone::joined(newest, &text, generation);
    section(&mut text, "joined", &joined);
    section(&mut text, "gone", &gone.nodes());
    section(&mut text, "revoked_keys", &gone.keys());
    Ok(text)
}

/// Returns the lines of a section as they are.
fn lines_of_section(description: &str, name: &str) -> String {
    let heading = format!("[{name}]");
    let lines = description.lines().skip_while(|line| *line != heading).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('[') && *line != SIGNATURE);
    on_lines(lines)
}

/// Returns each item with a line break behind it.
fn on_lines(items: impl IntoIterator<Item: Display>) -> String {
    let mut text = String::new();
    for item in items {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{item}");
    }
    text
}

fn section(text: &mut String, name: &str, lines: &str) {
    // Writing to a String cannot fail.
    let _ = write!(text, "[{name}]\n{lines}");
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
            let error = Description::of_image(&changed, &secrets(folder.path(), &changed)).unwrap_err();
            assert_eq!(error.category(), Category::Refused);
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn a_node_that_has_gone_is_remembered_with_its_keys_until_it_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let lab = cluster();
        let opened = secrets(folder.path(), &lab);
        let name = lab.nodes.last().unwrap().name.clone();
        let key = opened.node(&name).unwrap().enrolment_key.public.clone();
        let keep = |opened: &Secrets, cluster: &Cluster| {
            let description = Description::of(cluster, opened).unwrap().signed;
            opened.keep_description(&description).unwrap();
            description
        };
        let lines = |text: &str, section: &str| {
            let (_, lines) = text.split_once(&format!("\n[{section}]\n")).unwrap();
            let lines = lines.lines().take_while(|line| !line.starts_with(['[', '-']));
            lines.map(ToOwned::to_owned).collect::<Vec<_>>()
        };
        let first = keep(&opened, &lab);
        assert_eq!(lines(&first, "gone"), [""; 0]);
        let mut without = lab.clone();
        without.nodes.pop();
        for _ in 0..2 {
            let text = keep(&secrets(folder.path(), &without), &without);
            let gone = lines(&text, "gone");
            assert_eq!(gone.len(), 1);
            assert!(gone[0].starts_with(&format!("{name} 10.")), "{gone:?}");
            assert_eq!(lines(&text, "revoked_keys"), [key.as_str()]);
            without.general.timezone = "UTC".to_owned();
        }
        let back = keep(&secrets(folder.path(), &lab), &lab);
        assert_eq!(lines(&back, "gone"), [""; 0]);
        // What its stick knows from before that number is of another time.
        assert_eq!(lines(&first, "joined"), [""; 0]);
        assert_eq!(lines(&back, "joined"), [format!("{name} 4")]);
        let mut changed = lab.clone();
        changed.general.timezone = "UTC".to_owned();
        let later = keep(&secrets(folder.path(), &changed), &changed);
        assert_eq!(lines(&later, "joined"), [format!("{name} 4")]);
        assert_eq!(lines(&back, "revoked_keys"), [""; 0]);
    }

    #[test]
    fn a_node_that_leaves_is_a_member_until_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let lab = cluster();
        let opened = secrets(folder.path(), &lab);
        let first = Description::of(&lab, &opened).unwrap().signed;
        opened.keep_description(&first).unwrap();
        let mut without = lab.clone();
        let node = without.nodes.pop().unwrap().name.to_string();
        let opened = secrets(folder.path(), &without);
        let leaving = Description::with_leaving(&without, &opened, &[&node]).unwrap();
        assert_eq!(lines_of_section(&leaving.signed, "leaving"), format!("{node}\n"));
        for name in [
            "nodes",
            "known_hosts",
            "enrolment_keys",
            &format!("settings {node}"),
            &format!("network {node}"),
        ] {
            assert_eq!(
                lines_of_section(&leaving.signed, name),
                lines_of_section(&first, name)
            );
        }
        assert_eq!(lines_of_section(&leaving.signed, "gone"), "");
        opened.keep_description(&leaving.signed).unwrap();
        let opened = secrets(folder.path(), &without);
        // Asked again, it still holds.
        assert_eq!(
            Description::with_leaving(&without, &opened, &[&node]).unwrap(),
            leaving
        );
        let gone = Description::of(&without, &opened).unwrap();
        assert_eq!(gone.generation, 3);
        assert_eq!(lines_of_section(&gone.signed, "leaving"), "");
        assert!(lines_of_section(&gone.signed, "gone").starts_with(&node));
        // The owner has changed their mind.
        let opened = secrets(folder.path(), &lab);
        let back = Description::of(&lab, &opened).unwrap();
        assert_eq!(Changes::between(&first, &back.signed), Changes::default());
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
        assert!(opened.has_signed(&description));
        let changed = description.replace("generation 1", "generation 2");
        let elsewhere = tempfile::tempdir().unwrap();
        let others = secrets(elsewhere.path(), &lab);
        assert!(!opened.has_signed(&changed) && !others.has_signed(&description));
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
