//! The creation of the volume.

use crate::{Begun, Home, Node};

/// Another node's answer about the volume.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Answer {
    /// It does not answer, or does not know yet where its state lives.
    Silent,
    /// It knows no volume.
    None,
    /// It knows a volume.
    Knows,
}

/// Another node's answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Other {
    /// The node that was asked.
    pub node: Node,
    /// True if it has a brick by the cluster file.
    pub has_brick: bool,
    /// Its answer.
    pub answer: Answer,
}

/// The contents of a node's brick.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Brick {
    /// Gluster has never used it.
    Fresh,
    /// Gluster has used it; no file of a user's is in it.
    WithoutFiles,
    /// Files are in it, or it cannot be read.
    Files,
}

/// The view of a node that does not know the volume.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct View<'a> {
    /// True if this node's brick is the first of the volume.
    pub is_first_brick_node: bool,
    /// True if its stick is mounted.
    pub stick_is_mounted: bool,
    /// The place where its state lives.
    pub home: Home,
    /// The contents of its brick.
    pub brick: Brick,
    /// True if any place on this node remembers a volume; [`remembers_a_volume`] says what counts.
    pub remembers_a_volume: bool,
    /// True if it has been up so long that it no longer waits for silent nodes.
    pub has_waited: bool,
    /// The other nodes, in the nodes file's order.
    pub others: &'a [Other],
}

/// The reason why only the owner can decide.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OwnerDecides {
    /// The brick holds files of a volume that nobody knows.
    FilesOfAnUnknownVolume,
    /// This node remembers a volume that nobody knows.
    RememberedVolume,
}

/// The next step of a node that does not know the volume.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// It waits for the node whose brick is the first of the volume.
    WaitForFirstBrickNode,
    /// It waits for its stick.
    WaitForStick,
    /// It waits until glusterd hears of the volume that this node knows.
    WaitForGlusterd(Node),
    /// It waits for a silent node that may know a volume.
    WaitForSilentNode,
    /// It leaves the decision to the owner.
    AskOwner(OwnerDecides),
    /// It creates the volume.
    Create,
}

/// Returns what a node that does not know the volume does.
///
/// Rule: only the node with the first brick creates the volume, with its state and its brick on its stick, after all nodes
/// with a brick have said that they know none or after ten minutes, and never when it remembers a volume or over a brick
/// with files in it.
///
/// Why: two volumes of one name cannot be merged. A brick with files is what remains of a volume, and may be the only copy.
pub fn decide(view: View) -> Verdict {
    if !view.is_first_brick_node {
        return Verdict::WaitForFirstBrickNode;
    }
    if !view.stick_is_mounted || view.home != Home::Stick {
        return Verdict::WaitForStick;
    }
    if let Some(holder) = view.others.iter().find(|other| other.answer == Answer::Knows) {
        return Verdict::WaitForGlusterd(holder.node);
    }
    if !view.has_waited
        && view
            .others
            .iter()
            .any(|other| other.has_brick && other.answer == Answer::Silent)
    {
        return Verdict::WaitForSilentNode;
    }
    if view.brick == Brick::Files {
        Verdict::AskOwner(OwnerDecides::FilesOfAnUnknownVolume)
    } else if view.remembers_a_volume {
        Verdict::AskOwner(OwnerDecides::RememberedVolume)
    } else {
        Verdict::Create
    }
}

/// Returns whether a node that does not know the volume remembers one.
///
/// Rule: a volume that another node has told of counts, and so does one that was begun in another place; one that was begun
/// here and is not there was never created.
///
/// Why: the node that told of it may be silent later, and the card has no copy of what was begun on a stick that is pulled
/// out a moment later.
pub fn remembers_a_volume(told: bool, begun: Begun) -> bool {
    told || begun == Begun::Elsewhere
}
