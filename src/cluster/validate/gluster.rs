//! `[gluster]`: checks that the bricks make a volume that keeps its data.

use std::ops::Range;

use toml::Spanned;

use super::super::file::{GlusterTable, ReplicaEntry};
use super::super::problem::Findings;
use super::super::{BRICKS, Gluster, NodeName, defaults};
use super::checked;
use super::draft::Draft;

const SPLIT_BRAIN: &str = "with only two copies, nothing tells which is right after the nodes lose contact (split \
                           brain), or the volume stops when one fails";

/// Folders that a mount would hide from the system.
const SYSTEM_FOLDERS: [&str; 15] = [
    "bin",
    "boot",
    "dev",
    "etc",
    "home",
    "lib",
    "lib64",
    "lost+found",
    "proc",
    "root",
    "run",
    "sbin",
    "sys",
    "tmp",
    "usr",
];

/// The requested number of copies.
enum Replica {
    All,
    Number(usize, Range<usize>),
}

pub(super) fn gluster(
    table: Option<GlusterTable>,
    drafts: &[Draft],
    findings: &mut Findings<'_>,
) -> Option<Gluster> {
    let has_table = table.is_some();
    let table = table.unwrap_or_default();
    let arbiter = table
        .arbiter
        .as_ref()
        .and_then(|entry| arbiter(entry, drafts, findings));
    let replica = replica(table.replica.as_ref(), findings);
    let bricks = drafts.iter().filter(|draft| draft.brick.is_some()).count();
    if bricks == 0 && has_table {
        findings.warn(
            None,
            "[gluster] is set, but every node has brick = false, so there will be no volume",
            "",
        );
    }
    let volume = checked(
        table.volume,
        defaults::VOLUME,
        is_volume_name,
        "is not a valid volume name",
        "use up to 64 letters, digits, hyphens and underscores, starting with a letter",
        findings,
    );
    let mount = checked(
        table.mount,
        defaults::MOUNT,
        is_mount_point,
        "is not a valid mount point",
        "write an absolute path outside the system's folders, like \"/mnt/cluster-data\"",
        findings,
    );
    let has_arbiter = table.arbiter.is_some();
    check_layout(bricks, has_arbiter, &replica, table.arbiter.as_ref(), findings);
    (bricks > 0).then_some(Gluster {
        volume,
        mount,
        replica: bricks,
        arbiter,
    })
}

fn arbiter(entry: &Spanned<String>, drafts: &[Draft], findings: &mut Findings<'_>) -> Option<NodeName> {
    let named = drafts.iter().find(|draft| {
        draft
            .name
            .as_ref()
            .is_some_and(|name| name.as_str() == entry.get_ref())
    });
    match named {
        None => findings.problem(
            entry.span(),
            format!("arbiter {:?} is not a node in this file", entry.get_ref()),
            "name a node that has a brick",
        ),
        Some(draft) if draft.brick.is_none() => findings.problem(
            entry.span(),
            format!(
                "arbiter {:?} has brick = false, but an arbiter needs a (small) brick",
                entry.get_ref()
            ),
            "name a node that has a brick",
        ),
        Some(draft) => return draft.name.clone(),
    }
    None
}

fn replica(entry: Option<&Spanned<ReplicaEntry>>, findings: &mut Findings<'_>) -> Replica {
    let Some(entry) = entry else {
        return Replica::All;
    };
    match entry.get_ref() {
        ReplicaEntry::Word(word) if word == "all" => return Replica::All,
        ReplicaEntry::Number(number) => {
            if let Some(number) = usize::try_from(*number).ok().filter(|number| *number > 0) {
                return Replica::Number(number, entry.span());
            }
        }
        ReplicaEntry::Word(_) => {}
    }
    findings.problem(
        entry.span(),
        "replica is not a number of copies",
        "write \"all\" (one copy on every node with a brick), or the number of nodes with a brick",
    );
    Replica::All
}

/// Checks that this number of bricks makes a safe volume and matches `replica` and `arbiter`.
fn check_layout(
    bricks: usize,
    has_arbiter: bool,
    replica: &Replica,
    arbiter: Option<&Spanned<String>>,
    findings: &mut Findings<'_>,
) {
    let replica_span = match replica {
        Replica::All => None,
        Replica::Number(_, span) => Some(span.clone()),
    };
    if let Replica::Number(wanted, span) = replica
        && !check_replica(*wanted, span, bricks, has_arbiter, findings)
    {
        return;
    }
    match bricks {
        1 if !has_arbiter => findings.warn(
            replica_span,
            "only one node has a brick, so the only copy of the data is lost with that stick",
            "give three nodes a brick",
        ),
        2 => findings.missing(
            replica_span.as_ref(),
            format!("two nodes have a brick: {SPLIT_BRAIN}"),
            "give a third node a brick (arbiter = \"its name\" if its stick is small), or set brick = false on one",
        ),
        3 => {}
        _ => {
            if let Some(arbiter) = arbiter {
                findings.problem(
                    arbiter.span(),
                    format!("an arbiter needs exactly three nodes with a brick, including itself, but {bricks} have one"),
                    "leave arbiter out, or change which nodes have brick = false",
                );
            }
        }
    }
}

/// Returns whether `replica`, if it is a number, fits a number of bricks.
fn check_replica(
    wanted: usize,
    span: &Range<usize>,
    bricks: usize,
    has_arbiter: bool,
    findings: &mut Findings<'_>,
) -> bool {
    // "Replica 2 with an arbiter" and "replica 3, one of them the arbiter" are the same volume.
    let total = if wanted == 2 && has_arbiter { 3 } else { wanted };
    if total == 2 {
        findings.problem(
            span.clone(),
            format!("replica 2 does not keep data safe: {SPLIT_BRAIN}"),
            "give three nodes a brick and name one of them as arbiter = \"...\", or use replica = 3 or \"all\"",
        );
        return false;
    }
    if total != bricks {
        let remedy = match bricks.checked_sub(total) {
            Some(surplus) => format!("set brick = false on {surplus} of them, or write replica = \"all\""),
            None => "give more nodes a brick, or write replica = \"all\"".to_owned(),
        };
        findings.problem(
            span.clone(),
            format!("replica is {wanted}, but {bricks} nodes have a brick"),
            remedy,
        );
        return false;
    }
    true
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
        !part.is_empty()
            && **part != *"."
            && **part != *".."
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+'))
    };
    let first = parts.first().copied().unwrap_or_default();
    text.len() <= 200
        && parts.iter().all(plain)
        && !SYSTEM_FOLDERS.contains(&first)
        && BRICKS.split('/').nth(1) != Some(first)
        && first != "var"
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
