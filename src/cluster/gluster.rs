//! `[gluster]`: the volume, whose bricks must keep its data.

use std::ops::Range;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::node::Draft;
use super::problem::{Findings, Text};
use super::{BRICKS, NodeName};

const SPLIT_BRAIN: &str = "with only two copies, nothing tells which is right after the nodes lose contact (split \
                           brain), or the volume stops when one fails";

/// The way out of two bricks. The volume needs the first of two: without it, nothing tells whether the other has every file.
const THIRD_BRICK: &str = "give a third node a brick (arbiter = \"its name\" if its stick is small), or only one of them. A cluster that \
                           runs with three keeps three: docs/growing.md says how another Pi takes the place of one";

/// Returns the remedy, or the only one that there is for two bricks.
fn unless_two(bricks: usize, remedy: &'static str) -> &'static str {
    if bricks == 2 { THIRD_BRICK } else { remedy }
}

/// Folders that a mount would hide from the system.
const SYSTEM_FOLDERS: &str = "bin boot dev etc home lib lib64 lost+found proc root run sbin sys tmp usr var";

/// The table as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GlusterTable {
    volume: Text,
    mount: Text,
    /// `"all"` or a number.
    replica: Option<Spanned<Value>>,
    /// A name, or a list of names.
    arbiter: Option<Spanned<Value>>,
}

/// `[gluster]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gluster {
    pub volume: String,
    /// Absolute path of the mount point.
    pub mount: String,
    /// The number of bricks in a complete set, including an arbiter.
    pub replica: usize,
    /// The nodes whose bricks hold only file names and metadata, one for each set.
    pub arbiters: Vec<NodeName>,
}

/// The nodes with a brick, as they become sets of the volume.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sets<'a> {
    /// The nodes of each set, its arbiter last.
    pub complete: Vec<Vec<&'a NodeName>>,
    /// The nodes whose sticks no set needs.
    pub spare: Vec<&'a NodeName>,
}

impl Gluster {
    /// Returns the names of the arbiters with blanks between.
    pub fn arbiter_names(&self) -> String {
        let names: Vec<_> = self.arbiters.iter().map(NodeName::as_str).collect();
        names.join(" ")
    }

    /// Puts the nodes with a brick into sets, in their order.
    pub fn sets<'a>(&self, bricks: impl Iterator<Item = &'a NodeName>) -> Sets<'a> {
        let (arbiters, data): (Vec<_>, Vec<_>) = bricks.partition(|name| self.arbiters.contains(name));
        let with_data = self
            .replica
            .saturating_sub(usize::from(!self.arbiters.is_empty()))
            .max(1);
        let mut arbiters = arbiters.into_iter();
        let mut sets = Sets::default();
        for nodes in data.chunks(with_data) {
            let mut set = nodes.to_vec();
            if nodes.len() == with_data && !self.arbiters.is_empty() {
                set.extend(arbiters.next());
            }
            if set.len() == self.replica {
                sets.complete.push(set);
            } else {
                sets.spare.extend(set);
            }
        }
        sets.spare.extend(arbiters);
        sets
    }
}

/// A number of copies, with its position.
type Replica = (usize, Range<usize>);

impl GlusterTable {
    /// Returns the volume; `None` if no node has a brick.
    pub(super) fn check(
        table: Option<Self>,
        drafts: &[Draft],
        findings: &mut Findings<'_>,
    ) -> Option<Gluster> {
        let has_table = table.is_some();
        let table = table.unwrap_or_default();
        let bricks = drafts.iter().filter(|draft| draft.brick.is_some()).count();
        if bricks == 0 && has_table {
            let message = "[gluster] is set, but every node has brick = false, so there will be no volume";
            findings.warn(None, message, "");
        }
        let arbiters = table
            .arbiter
            .as_ref()
            .map(|entry| (names_of(entry), entry.span()));
        let names = arbiters
            .iter()
            .flat_map(|(names, span)| names.iter().map(move |name| (name, span)));
        let found = names
            .filter_map(|(name, span)| {
                let entry = Spanned::new(span.clone(), name.clone());
                let remedy = "name a node that has a brick";
                findings.parse("arbiter", &entry, |name| arbiter(name, drafts), remedy)
            })
            .collect::<Vec<_>>();
        let replica = table.replica.and_then(|entry| replica(&entry, findings));
        let copies = check_layout(
            bricks,
            replica,
            arbiters.as_ref().map(|(names, span)| (names.len(), span.clone())),
            findings,
        );
        let volume = [
            "is not a valid volume name",
            "use up to 64 letters, digits, hyphens and underscores, starting with a letter",
        ];
        let mount = [
            "is not a valid mount point",
            "write an absolute path outside the system's folders, like \"/mnt/cluster-data\"",
        ];
        let gluster = Gluster {
            volume: findings.text("volume", table.volume, "cluster-data", is_volume_name, volume),
            mount: findings.text("mount", table.mount, "/mnt/cluster-data", is_mount_point, mount),
            replica: copies,
            arbiters: found,
        };
        let names = drafts.iter().filter(|draft| draft.brick.is_some());
        let sets = gluster.sets(names.filter_map(|draft| draft.name.as_ref()));
        if let (false, [first, ..]) = (sets.complete.is_empty(), &*sets.spare) {
            let message = format!(
                "{} in no set of {copies} sticks: {first} and every further one is a spare until there are enough of them",
                if sets.spare.len() == 1 {
                    "one stick is"
                } else {
                    "some sticks are"
                },
            );
            findings.warn(None, message, "");
        }
        (bricks > 0).then_some(gluster)
    }
}

/// Returns the names in a text or a list of texts. Anything else is a name that no node has.
fn names_of(entry: &Spanned<Value>) -> Vec<String> {
    let name = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), ToOwned::to_owned)
    };
    match entry.get_ref() {
        Value::Array(names) => names.iter().map(name).collect(),
        one => vec![name(one)],
    }
}

/// Finds the arbiter among the nodes.
fn arbiter(name: &str, drafts: &[Draft]) -> Result<NodeName, &'static str> {
    let names = drafts
        .iter()
        .filter_map(|draft| Some((draft.name.as_ref()?, &draft.brick)));
    match names.into_iter().find(|(node, _)| node.as_str() == name) {
        None => Err("is not a node in this file"),
        Some((_, None)) => Err("has brick = false, but an arbiter needs a (small) brick"),
        Some((name, Some(_))) => Ok(name.clone()),
    }
}

/// Returns the number of copies; `None` for all.
fn replica(entry: &Spanned<Value>, findings: &mut Findings<'_>) -> Option<Replica> {
    let number = entry.get_ref().as_integer();
    let number = number.and_then(|number| usize::try_from(number).ok().filter(|number| *number > 0));
    if number.is_none() && entry.get_ref().as_str() != Some("all") {
        let message = "replica is not a number of copies";
        let remedy = "write \"all\" (one copy on every node with a brick), or a number such as 3";
        findings.problem(entry.span(), message, remedy);
    }
    Some((number?, entry.span()))
}

/// Checks that this number of bricks makes a safe volume of sets with `replica` copies, and `arbiters`. Returns the number of bricks in
/// a set.
fn check_layout(
    bricks: usize,
    replica: Option<Replica>,
    arbiters: Option<(usize, Range<usize>)>,
    findings: &mut Findings<'_>,
) -> usize {
    if let Some((arbiters, span)) = arbiters {
        check_arbiters(bricks, replica, arbiters, span, findings);
        return WITH_ARBITER;
    }
    let Some((wanted, span)) = replica else {
        match bricks {
            1 => findings.warn(None, ONE_COPY, "give three nodes a brick"),
            2 => findings.missing(
                None,
                format!("two nodes have a brick: {SPLIT_BRAIN}"),
                THIRD_BRICK,
            ),
            _ => {}
        }
        return bricks;
    };
    if wanted == 2 {
        let message = format!("replica 2 does not keep data safe: {SPLIT_BRAIN}");
        let remedy = "give three nodes a brick and name one of them as arbiter = \"...\", or use replica = 3 or \"all\"";
        findings.problem(span, message, unless_two(bricks, remedy));
    } else if wanted > bricks {
        let message = format!("replica is {wanted}, but {bricks} nodes have a brick");
        let remedy = "give more nodes a brick, or write replica = \"all\"";
        findings.problem(span, message, unless_two(bricks, remedy));
    } else if wanted == 1 && bricks > 1 {
        let message = "replica 1 keeps one copy of each file, which is lost with its stick";
        findings.problem(span, message, "write replica = 3 or \"all\"");
    } else if wanted == 1 {
        findings.warn(Some(span), ONE_COPY, "give three nodes a brick");
    }
    wanted
}

const ONE_COPY: &str = "only one node has a brick, so the only copy of the data is lost with that stick";

/// The bricks of a set with an arbiter: two with data, and it.
const WITH_ARBITER: usize = 3;

fn check_arbiters(
    bricks: usize,
    replica: Option<Replica>,
    arbiters: usize,
    span: Range<usize>,
    findings: &mut Findings<'_>,
) {
    // "Replica 2 with an arbiter" and "replica 3, one of them the arbiter" are the same volume.
    if let Some((wanted, span)) = replica.filter(|(wanted, _)| !matches!(wanted, 2 | 3)) {
        let message = format!("replica is {wanted}, but a set with an arbiter has two copies and it");
        findings.problem(span, message, "write replica = 3, or leave arbiter out");
    } else if arbiters == 0 || bricks < arbiters.saturating_mul(WITH_ARBITER) {
        let message = format!(
            "each arbiter needs two other nodes with a brick, but {bricks} have one, with {arbiters} arbiters among them"
        );
        let remedy = "leave arbiter out, or give more nodes a brick";
        findings.problem(span, message, unless_two(bricks, remedy));
    }
}

/// Returns whether `gluster volume create` and every other tool accept the name; `all` is a keyword.
fn is_volume_name(text: &str) -> bool {
    text.len() <= 64
        && text != "all"
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn is_mount_point(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('/') else {
        return false;
    };
    let parts: Vec<&str> = inside.split('/').collect();
    let plain = |part: &&str| {
        !matches!(*part, "" | "." | "..")
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+'))
    };
    let first = parts.first().copied().unwrap_or_default();
    text.len() <= 200
        && parts.iter().all(plain)
        && !SYSTEM_FOLDERS.split(' ').any(|folder| folder == first)
        && BRICKS.split('/').nth(1) != Some(first)
        && !(parts.len() == 1 && matches!(first, "mnt" | "media" | "opt" | "srv"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_never_hides_system_folders() {
        for good in ["/mnt/cluster-data", "/srv/data", "/data", "/opt/a/b.c"] {
            assert!(is_mount_point(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "mnt/x",
            "/etc",
            "/etc/x",
            "/usr/local",
            "/glusterfs/data",
            "/var/lib/docker",
            "/mnt",
            "/mnt/",
            "/mnt//x",
            "/mnt/../etc",
            "/mnt/.",
            "/mnt/a b",
            "/mnt/'x",
            "/home/pi",
            "/proc/x",
        ] {
            assert!(!is_mount_point(bad), "{bad}");
        }
    }

    #[test]
    fn a_volume_name_is_one_word() {
        assert!(is_volume_name("cluster-data"));
        for bad in ["", "all", "-x", "a b", "a/b", "a'b", "1a"] {
            assert!(!is_volume_name(bad), "{bad}");
        }
    }
}
