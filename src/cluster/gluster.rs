//! `[gluster]`: the volume, whose bricks must keep its data.

use std::ops::Range;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::node::Draft;
use super::problem::{Findings, Text};
use super::{BRICKS, NodeName};

const SPLIT_BRAIN: &str = "with only two copies, nothing tells which is right after the nodes lose contact (split \
                           brain), or the volume stops when one fails";

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
    arbiter: Text,
}

/// `[gluster]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gluster {
    pub volume: String,
    /// Absolute path of the mount point.
    pub mount: String,
    /// The number of bricks in a complete volume, including an arbiter.
    pub replica: usize,
    /// The node whose brick holds only file names and metadata.
    pub arbiter: Option<NodeName>,
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
        let arbiter = table.arbiter.as_ref().and_then(|entry| {
            findings.parse(
                "arbiter",
                entry,
                |name| arbiter(name, drafts),
                "name a node that has a brick",
            )
        });
        let replica = table.replica.and_then(|entry| replica(&entry, findings));
        check_layout(bricks, replica, table.arbiter.as_ref(), findings);
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
            replica: bricks,
            arbiter,
        };
        (bricks > 0).then_some(gluster)
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
        let remedy =
            "write \"all\" (one copy on every node with a brick), or the number of nodes with a brick";
        findings.problem(entry.span(), message, remedy);
    }
    Some((number?, entry.span()))
}

/// Checks that this number of bricks makes a safe volume and matches `replica` and `arbiter`.
fn check_layout(
    bricks: usize,
    replica: Option<Replica>,
    arbiter: Option<&Spanned<String>>,
    findings: &mut Findings<'_>,
) {
    if let Some(replica) = &replica
        && !check_replica(replica, bricks, arbiter.is_some(), findings)
    {
        return;
    }
    let replica = replica.map(|(_, span)| span);
    match (bricks, arbiter) {
        (1, None) => findings.warn(
            replica,
            "only one node has a brick, so the only copy of the data is lost with that stick",
            "give three nodes a brick",
        ),
        (2, _) => findings.missing(
            replica,
            format!("two nodes have a brick: {SPLIT_BRAIN}"),
            "give a third node a brick (arbiter = \"its name\" if its stick is small), or set brick = false on one",
        ),
        (3, _) | (_, None) => {}
        (_, Some(arbiter)) => findings.problem(
            arbiter.span(),
            format!("an arbiter needs exactly three nodes with a brick, including itself, but {bricks} have one"),
            "leave arbiter out, or change which nodes have brick = false",
        ),
    }
}

/// Returns whether a number of copies fits a number of bricks.
fn check_replica(
    (wanted, span): &Replica,
    bricks: usize,
    has_arbiter: bool,
    findings: &mut Findings<'_>,
) -> bool {
    // "Replica 2 with an arbiter" and "replica 3, one of them the arbiter" are the same volume.
    let total = if *wanted == 2 && has_arbiter { 3 } else { *wanted };
    if total == 2 {
        let message = format!("replica 2 does not keep data safe: {SPLIT_BRAIN}");
        let remedy = "give three nodes a brick and name one of them as arbiter = \"...\", or use replica = 3 or \"all\"";
        findings.problem(span.clone(), message, remedy);
    } else if total != bricks {
        let remedy = match bricks.checked_sub(total) {
            Some(surplus) => format!("set brick = false on {surplus} of them, or write replica = \"all\""),
            None => "give more nodes a brick, or write replica = \"all\"".to_owned(),
        };
        let message = format!("replica is {wanted}, but {bricks} nodes have a brick");
        findings.problem(span.clone(), message, remedy);
    }
    total != 2 && total == bricks
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
