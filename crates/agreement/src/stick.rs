//! The choice of this node's stick, and the permission to format it.
//!
//! Rule: a stick of ours is kept; a blank or shop-formatted one is formatted; anything else is left alone until the owner
//! allows it; of several candidates none is taken, unless exactly one is ours. A permission is used up before the first stick
//! after it is formatted or mounted, whether that stick needs it or not.
//!
//! Why: new sticks come with a file system and vendor files, so "format only blank disks" would refuse every new stick,
//! and "format what is there" destroys somebody's backup. A permission that outlives a power cut while its stick is formatted
//! costs the files on the stick that is put in afterwards.

/// The contents of a disk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Contents {
    /// This node's brick.
    Ours,
    /// This very stick was being formatted by this node when something cut it off, and holds nothing yet.
    Unfinished,
    /// The brick of another node of this cluster.
    OtherNode,
    /// The brick of a node of another cluster.
    OtherCluster,
    /// No signature, no partition table, zeros at both ends.
    Blank,
    /// One file system from the shop without a user's files.
    Shop,
    /// Anything else, also what cannot be read.
    Files,
}

/// A disk that could be the stick.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Disk {
    /// The contents.
    pub contents: Contents,
    /// True if the system runs from it.
    pub is_system: bool,
    /// True if it has the 512 MiB that a brick needs.
    pub is_large_enough: bool,
}

/// The cluster file's `wipe` for this node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wipe {
    /// Only a stick that is ours already is used.
    Never,
    /// A blank or shop-formatted stick is formatted.
    IfEmpty,
    /// Anything on it is formatted, once for each image.
    Always,
}

/// The owner's permissions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Permission {
    /// The cluster file's word.
    pub wipe: Wipe,
    /// True if this image has already used its one permission of [`Wipe::Always`].
    pub used_up: bool,
    /// True if the file `mkimage/wipe-stick` lies on the boot partition.
    pub marker: bool,
}

/// The reason for using no disk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// There is no candidate.
    Missing,
    /// There are several candidates.
    Several,
    /// The stick is empty, and `wipe = "never"` forbids formatting it.
    Forbidden,
    /// The stick may hold somebody's files.
    Foreign,
    /// The stick is too small.
    TooSmall,
}

/// The use that is made of the disks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// The disk at this position is used as it is.
    Keep(usize),
    /// The disk at this position is formatted.
    Format(usize),
    /// No disk is used; the rest of the node goes on.
    Refuse(Refusal),
}

/// Returns which of `disks` is used, and how.
pub fn decide(disks: &[Disk], permission: Permission) -> Verdict {
    let candidates = || disks.iter().enumerate().filter(|(_, disk)| !disk.is_system);
    let is_ours = |disk: &Disk| matches!(disk.contents, Contents::Ours | Contents::Unfinished);
    let any_ours = candidates().any(|(_, disk)| is_ours(disk));
    let mut chosen = candidates().filter(|(_, disk)| !any_ours || is_ours(disk));
    match (chosen.next(), chosen.next()) {
        (None, _) => Verdict::Refuse(Refusal::Missing),
        (Some(_), Some(_)) => Verdict::Refuse(Refusal::Several),
        (Some((position, disk)), None) => use_of(position, *disk, permission),
    }
}

fn use_of(position: usize, disk: Disk, permission: Permission) -> Verdict {
    let anything = permission.marker || (permission.wipe == Wipe::Always && !permission.used_up);
    let verdict = match disk.contents {
        Contents::Ours => Verdict::Keep(position),
        Contents::Blank | Contents::Shop if permission.wipe == Wipe::Never && !anything => {
            Verdict::Refuse(Refusal::Forbidden)
        }
        Contents::Unfinished | Contents::Blank | Contents::Shop => Verdict::Format(position),
        _ if anything => Verdict::Format(position),
        _ => Verdict::Refuse(Refusal::Foreign),
    };
    match verdict {
        Verdict::Keep(_) | Verdict::Format(_) if !disk.is_large_enough => Verdict::Refuse(Refusal::TooSmall),
        _ => verdict,
    }
}
