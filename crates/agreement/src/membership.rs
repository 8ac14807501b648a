//! The nodes of a cluster, as the owner's numbered descriptions change them.

/// A description that a node is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    /// Its number.
    pub number: u32,
    /// True if the owner of this cluster has signed it.
    pub is_signed: bool,
    /// True if it has the very text that the node has.
    pub is_the_same: bool,
    /// True if it has this node, or says that this node has gone.
    pub knows_this_node: bool,
}

/// The answer of a node that is shown a description.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Answer {
    /// The owner has not signed it.
    NotSigned,
    /// The node has a newer one.
    Older,
    /// The node has it.
    Has,
    /// The node has another one with this number.
    Fork,
    /// It says nothing about the node.
    WithoutThisNode,
    /// The node takes it.
    Takes,
}

/// Returns what a node with the description `mine` does with one that it is shown.
///
/// Rule: only a higher number with the owner's signature is taken.
///
/// Why: a card that was flashed long ago brings an old description along, and so may somebody who found one.
pub fn answer(mine: u32, shown: Shown) -> Answer {
    if !shown.is_signed {
        Answer::NotSigned
    } else if shown.number < mine {
        Answer::Older
    } else if shown.number == mine {
        if shown.is_the_same {
            Answer::Has
        } else {
            Answer::Fork
        }
    } else if shown.knows_this_node {
        Answer::Takes
    } else {
        Answer::WithoutThisNode
    }
}

/// The future of a node by the newest description.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Future {
    /// It is a node of the cluster.
    Stays,
    /// It is still one, and goes when its brick is out of the volume.
    Leaves,
    /// It is none any more.
    Gone,
}

/// A brick of the volume, as the first member of the pool sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Brick {
    /// Its node's future.
    pub future: Future,
    /// True if its node is connected, and has its stick.
    pub is_connected: bool,
    /// True if its node has the description that the first member has.
    pub has_the_description: bool,
    /// True if a connected brick knows something that this one lacks.
    pub is_blamed: bool,
}

/// Returns whether a brick may be added to the volume, or one whose node does not stay taken out. `bricks` are in their order.
///
/// Rule: the connected bricks that stay are more than half of all, or half with the first: what the volume itself needs for writing.
/// None of them lacks anything, and their nodes have the same description. A node that leaves is connected and has it, too.
///
/// Why: with other bricks, others are a majority. Those that are connected could write then although they lack what a brick has that
/// is only off, and a node that has not heard of the change could write without them. A node that has not heard that it leaves would
/// ask for its place again.
pub fn may_change(bricks: &[Brick]) -> bool {
    let counts = |brick: &Brick| brick.is_connected && brick.future == Future::Stays;
    let connected = bricks.iter().filter(|brick| counts(brick)).count();
    let has_first = bricks.first().is_some_and(counts);
    (connected * 2 > bricks.len() || (connected * 2 == bricks.len() && has_first))
        && bricks.iter().all(|brick| match brick.future {
            Future::Stays => !brick.is_connected || (brick.has_the_description && !brick.is_blamed),
            Future::Leaves => brick.is_connected && brick.has_the_description,
            Future::Gone => true,
        })
}
