//! The choice of the member at which the pool is changed.
//!
//! Rule: the first connected member in the nodes file's order.
//!
//! Why: two nodes change the volume at once when each believes that it is the first.

use crate::Node;

/// Returns the member that changes are made at, given the connected members, this node among them.
pub fn decide(connected: &[Node]) -> Option<Node> {
    connected.iter().copied().min()
}

/// Returns whether changes made now cannot be made differently elsewhere.
pub fn has_majority(connected: usize, members: usize) -> bool {
    connected.saturating_mul(2) > members
}
