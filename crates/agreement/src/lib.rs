//! The rules by which the nodes of a cluster agree on one swarm, one pool and one volume, and by which a node decides what
//! belongs to it. Every rule is a pure function from what one node can see to what it does next.
//!
//! The nodes themselves run `firstboot/lib`, which is shell. This crate states the same rules in a form that can be checked
//! exhaustively (`tests/worlds`). `examples/cases.rs` prints cases with their verdicts, and `tests/firstboot/agreement.bash` puts
//! the shell into each of them.

// A node's view is a list of independent facts, most of which are true or false.
#![allow(clippy::struct_excessive_bools)]

pub mod brick;
pub mod description;
pub mod first;
pub mod pool;
pub mod state;
pub mod stick;
pub mod swarm;
pub mod volume;

/// A node, by its position in the nodes file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Node(pub u8);

/// The role that the cluster file gives a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// A manager of the swarm.
    Manager,
    /// A worker in the swarm.
    Worker,
}

/// The place where a node's state lives at present.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Home {
    /// Not decided yet since the node was switched on.
    Undecided,
    /// On the stick.
    Stick,
    /// On the card.
    Card,
}

/// The place where this card has begun a swarm or a volume, noted before it did.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Begun {
    /// Nowhere.
    Nowhere,
    /// In the place where the node's state lives now, and has lived ever since.
    Here,
    /// In another place, such as a stick that is not plugged in, or in an earlier epoch.
    Elsewhere,
}
