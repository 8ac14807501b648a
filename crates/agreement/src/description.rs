//! The choice between different descriptions of the volume.
//!
//! Rule: the latest version wins; of several with that version the one that most members know, and then the one of the
//! first of those nodes in the nodes file.
//!
//! Why: a change that was cut off is known to some members only. A node never forgets a version that it has stored, so the
//! winner is always available to copy from, and all members come to the same choice.

use crate::Node;

/// A member's knowledge of the volume.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Known {
    /// No volume, or a description without a version.
    Nothing,
    /// A description that cannot be that of a replicated volume.
    Unsound,
    /// A description.
    Description {
        /// Grows with every change.
        version: u32,
        /// By which peers accept or reject each other.
        checksum: u32,
    },
}

/// A member and what it knows.
pub type Member = (Node, Known);

/// Returns the node whose description counts, and that description; `None` when no member has one.
///
/// `members` are this node and the members of the same volume that answer, in the nodes file's order.
pub fn winner(members: &[Member]) -> Option<Member> {
    let votes = |known: Known| members.iter().filter(|(_, other)| *other == known).count();
    let mut best: Option<Member> = None;
    for &(node, known) in members {
        let Known::Description { version, .. } = known else {
            continue;
        };
        let wins = match best {
            Some((_, leader @ Known::Description { version: leading, .. })) => {
                version > leading || (version == leading && votes(known) > votes(leader))
            }
            _ => true,
        };
        if wins {
            best = Some((node, known));
        }
    }
    best
}

/// Returns the node from which `me` takes over the description, or `None` when it knows what counts.
pub fn take_over_from(me: Node, members: &[Member]) -> Option<Node> {
    let own = members
        .iter()
        .find(|(node, _)| *node == me)
        .map(|(_, known)| *known);
    winner(members)
        .filter(|(_, known)| Some(*known) != own)
        .map(|(node, _)| node)
}
