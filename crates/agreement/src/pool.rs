//! The steps by which a node gets into the pool of GlusterFS peers.

use crate::{Home, Node};

/// Another node's answer about its pool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Answer {
    /// It does not answer, or does not know yet where its state lives.
    Silent,
    /// It is in no pool.
    None,
    /// It is in a pool, and knows no volume.
    Member,
    /// It is in a pool, and knows the volume that this node knows, or this node knows none.
    MemberOfThisVolume,
    /// It is in a pool, and knows another volume than this node does.
    MemberOfAnotherVolume,
}

impl Answer {
    /// Returns whether the node is in a pool.
    pub fn is_member(self) -> bool {
        !matches!(self, Answer::Silent | Answer::None)
    }
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

/// The view of a node whose glusterd runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct View<'a> {
    /// True if this node's brick is the first of the volume.
    pub is_first_brick_node: bool,
    /// The place where its state lives.
    pub home: Home,
    /// True if its state says that a brick of this node was in the volume.
    pub had_a_brick: bool,
    /// True if its glusterd has stored any peer, settled or not.
    pub has_peers: bool,
    /// True if its glusterd has stored a settled peer, or the volume.
    pub is_in_pool: bool,
    /// True if it has been up so long that it no longer waits for silent nodes.
    pub has_waited: bool,
    /// The other nodes, in the nodes file's order.
    pub others: &'a [Other],
}

/// The node's next step towards the pool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// It is in the pool and looks no further.
    Stay,
    /// It asks this member who is in the pool; [`with_members`] says what follows.
    AskForMembers(Node),
    /// It leaves the decision to the owner: this node and that one each know a volume of the same name.
    AskOwner(Node),
    /// It waits for the node whose brick is the first of the volume.
    WaitForFirstBrickNode,
    /// It waits for a silent node that may know a volume.
    WaitForSilentNode,
    /// It waits for its stick or a member: it was in a pool that no other node knows.
    WaitForItsPool,
    /// It is the beginning of the pool.
    Begin,
}

/// Returns what a node does about the pool.
///
/// Rule: a node that is in no pool goes to the first member that answers; when there is none, only the node with the
/// volume's first brick begins a pool, after all nodes with a brick have said that they know none, or after ten minutes.
///
/// Why: two pools cannot be merged, and a new peer can only be taken in from inside a pool.
pub fn decide(view: View) -> Verdict {
    if view.is_in_pool {
        return left_behind(view);
    }
    if let Some(member) = view.others.iter().find(|other| other.answer.is_member()) {
        return Verdict::AskForMembers(member.node);
    }
    if !view.is_first_brick_node {
        return Verdict::WaitForFirstBrickNode;
    }
    if view.had_a_brick && view.home == Home::Card {
        return Verdict::WaitForItsPool;
    }
    let silent = view
        .others
        .iter()
        .any(|other| other.has_brick && other.answer == Answer::Silent);
    if silent && !view.has_waited {
        Verdict::WaitForSilentNode
    } else {
        Verdict::Begin
    }
}

/// A node with the volume and without any peer may be the one that the others have lost, or that has lost the others.
fn left_behind(view: View) -> Verdict {
    if view.has_peers {
        return Verdict::Stay;
    }
    match view
        .others
        .iter()
        .find(|other| other.has_brick && other.answer.is_member())
    {
        Some(other) if other.answer == Answer::MemberOfAnotherVolume => Verdict::AskOwner(other.node),
        Some(other) => Verdict::AskForMembers(other.node),
        None => Verdict::Stay,
    }
}

/// The node's next step once a member has listed the pool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Entry {
    /// It takes its place again, under the identity that the pool knows.
    TakePlaceAgain,
    /// It asks to be taken in.
    AskToBeTakenIn,
    /// It stays as it is.
    Stay,
}

/// Returns how a node gets in, `listed` being whether the member names it.
///
/// Rule: a node that the pool knows takes its old identity again; one that it does not know is taken in again.
///
/// Why: a second identity under the same name is a peer that the others reject, and bricks belong to identities.
pub fn with_members(view: View, listed: bool) -> Entry {
    match (listed, view.is_in_pool) {
        (true, _) => Entry::TakePlaceAgain,
        (false, true) => Entry::Stay,
        (false, false) => Entry::AskToBeTakenIn,
    }
}

/// Returns whether a node leaves its pool to be taken in again, once the member that counts has listed the pool.
///
/// Rule: a node that the pool does not list leaves it, unless it has anything in the volume.
///
/// Why: a member that takes its place again by what another one knows loses a node of which that one has not heard yet. The lost
/// node still calls itself a member, and the others wait for it to agree with them.
pub fn leaves(listed: bool, has_nothing_in_the_volume: bool) -> bool {
    !listed && has_nothing_in_the_volume
}

/// A member's view of the peers that reject it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rejection {
    /// The number of peers that accept it.
    pub accepted: usize,
    /// The number of peers that reject it.
    pub rejected: usize,
    /// The number of members of its pool, itself included.
    pub members: usize,
    /// True if another member says that it knows the volume otherwise.
    pub somebody_disagrees: bool,
    /// True if it has neither a brick in the volume nor a file in what is to become one.
    pub has_nothing_in_the_volume: bool,
}

/// Returns whether it is this node that is wrong when it and its peers reject each other.
///
/// Rule: a node that nobody accepts is wrong when more than half of the pool rejects it, or when it has nothing in the volume.
/// Of two that reject each other neither is wrong. Nodes whose descriptions differ settle that themselves.
///
/// Why: a node that is wrong takes its place in the pool again, which throws away what its glusterd has stored.
pub fn is_outvoted(rejection: Rejection) -> bool {
    let Rejection {
        accepted,
        rejected,
        members,
        somebody_disagrees,
        has_nothing_in_the_volume,
    } = rejection;
    accepted == 0
        && rejected > 0
        && !somebody_disagrees
        && (rejected.saturating_mul(2) > members || has_nothing_in_the_volume)
}
