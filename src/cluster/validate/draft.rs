//! A node before it is known to be valid.

use std::ops::Range;

use super::super::{Address, Brick, Ipv4Cidr, Model, Node, NodeName, Role};

/// The valid parts of a `[[node]]` entry, with their positions.
pub(super) struct Draft {
    /// Position of the whole entry.
    pub(super) span: Range<usize>,
    pub(super) name_span: Option<Range<usize>>,
    pub(super) address_span: Option<Range<usize>>,
    pub(super) name: Option<NodeName>,
    pub(super) model: Option<Model>,
    pub(super) role: Option<Role>,
    pub(super) address: Option<Address>,
    pub(super) brick: Option<Brick>,
}

impl Draft {
    /// Returns the node's name for messages.
    pub(super) fn display_name(&self) -> &str {
        self.name.as_ref().map_or("a node", NodeName::as_str)
    }

    /// Returns the node's address if it is fixed.
    pub(super) fn fixed_address(&self) -> Option<Ipv4Cidr> {
        match self.address {
            Some(Address::Fixed(address)) => Some(address),
            _ => None,
        }
    }

    /// Returns the node; `None` if a required value is missing or invalid.
    pub(super) fn finish(&self) -> Option<Node> {
        Some(Node {
            name: self.name.clone()?,
            model: self.model?,
            role: self.role?,
            address: self.address?,
            brick: self.brick.clone(),
        })
    }
}
