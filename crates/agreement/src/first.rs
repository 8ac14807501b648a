//! The choice of the member at which the pool is changed.
//!
//! Rule: the first connected member in the nodes file's order, once every connected member's name is known.
//!
//! Why: two nodes change the volume at once when each believes that it is the first.

use crate::Node;

/// A node's view of its pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct View<'a> {
    /// The connected members whose names are known, this node among them.
    pub connected: &'a [Node],
    /// True if a connected member is known by an address only.
    pub has_nameless_member: bool,
    /// True if a node with a brick is not among the peers.
    pub misses_a_brick_node: bool,
}

/// Returns the member that changes are made at, or `None` while that is not certain.
pub fn decide(view: View) -> Option<Node> {
    // A member without a name may be the first one, unless all nodes are accounted for.
    if view.has_nameless_member && view.misses_a_brick_node {
        return None;
    }
    view.connected.iter().copied().min()
}

/// Returns whether changes made now cannot be made differently elsewhere.
pub fn has_majority(connected: usize, members: usize) -> bool {
    connected.saturating_mul(2) > members
}
