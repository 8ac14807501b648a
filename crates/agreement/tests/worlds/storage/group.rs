//! The connections between the nodes.

use super::{Group, Storage, Store, World, bit, number, peer};
use agreement::description::Known;
use agreement::first;
use agreement::pool::{self, Answer};
use agreement::volume;

impl World {
    /// True if two nodes that reach each other are peers.
    fn are_peers(&self, one: usize, other: usize) -> bool {
        let (Some(mine), Some(theirs)) = (self.live(one), self.live(other)) else {
            return false;
        };
        peer(mine, other) != 0 && peer(mine, other) == theirs.id && peer(theirs, one) == mine.id
    }

    /// The members of a node's pool that it is connected with, itself among them.
    pub(super) fn connected(&self, node: usize, group: Group) -> Vec<usize> {
        let is_in =
            |other: &usize| *other == node || group & bit(*other) != 0 && self.are_peers(node, *other);
        (0..self.boards.len()).filter(is_in).collect()
    }

    /// The member that changes are made at, as a node sees it.
    pub(super) fn first(&self, node: usize, group: Group) -> usize {
        let connected: Vec<_> = self.connected(node, group).into_iter().map(number).collect();
        first::decide(&connected).unwrap().0 as usize
    }

    pub(super) fn has_majority(&self, node: usize, group: Group) -> bool {
        let members = 1
            + (0..self.boards.len())
                .filter(|&other| peer(self.live(node).unwrap(), other) != 0)
                .count();
        first::has_majority(self.connected(node, group).len(), members)
    }

    pub(super) fn is_in_pool(&self, node: usize) -> bool {
        self.live(node)
            .is_some_and(|store| store.peers != 0 || store.volume != 0)
    }

    pub(super) fn known(&self, node: usize) -> Known {
        match self.live(node) {
            Some(store) if store.volume != 0 => Known::Description {
                version: u32::from(store.version),
                checksum: u32::from(store.bricks),
            },
            _ => Known::Nothing,
        }
    }

    /// True if a node is a member and has no other volume than this one.
    pub(super) fn is_of_volume(&self, node: usize, volume: u8) -> bool {
        self.is_in_pool(node)
            && self
                .live(node)
                .is_some_and(|store| store.volume == 0 || store.volume == volume)
    }

    pub(super) fn newest_known(&self, node: usize, group: Group) -> Option<Store> {
        let own = self.live(node).filter(|store| store.volume != 0)?;
        let theirs = self
            .connected(node, group)
            .into_iter()
            .filter_map(|other| self.live(other));
        theirs
            .filter(|store| store.volume == own.volume)
            .max_by_key(|store| store.version)
    }

    /// True if a brick is served that is not noted yet.
    pub(super) fn can_be_noted(&self, node: usize) -> bool {
        self.live(node).is_some_and(|store| {
            store.noted != self.boards[node].media.known && self.serves(node, store.volume)
        })
    }

    /// True if a node hears something new when it meets a peer: glusterd compares volumes and passes on its peers.
    pub(super) fn takes_over_when_meeting(&self, node: usize, other: usize) -> bool {
        let (Some(mine), Some(theirs)) = (self.live(node), self.live(other)) else {
            return false;
        };
        let is_newer = theirs.volume != 0
            && (mine.volume == 0 || mine.volume == theirs.volume && mine.version < theirs.version);
        let mut others = (0..self.boards.len()).filter(|&other| other != node);
        let knows_more = others.any(|other| peer(mine, other) == 0 && peer(theirs, other) != 0);
        (is_newer || knows_more) && self.connected(node, bit(other)).contains(&other)
    }
}

impl Storage {
    pub(super) fn pool_answers(&self, world: &World, node: usize, group: Group) -> Vec<pool::Other> {
        let own = world.live(node).map_or(0, |store| store.volume);
        let answer = |other: usize| match world.live(other) {
            Some(store) if group & bit(other) != 0 => match store.volume {
                _ if !world.is_in_pool(other) => Answer::None,
                0 => Answer::Member,
                volume if own == 0 || volume == own => Answer::MemberOfThisVolume,
                _ => Answer::MemberOfAnotherVolume,
            },
            _ => Answer::Silent,
        };
        let others = (0..self.nodes).filter(|&other| other != node);
        others
            .map(|other| pool::Other {
                node: number(other),
                has_brick: true,
                answer: answer(other),
            })
            .collect()
    }

    pub(super) fn volume_answers(&self, world: &World, node: usize, group: Group) -> Vec<volume::Other> {
        let answer = |other: usize| match world.live(other) {
            Some(store) if group & bit(other) != 0 && store.volume != 0 => volume::Answer::Knows,
            Some(_) if group & bit(other) != 0 => volume::Answer::None,
            _ => volume::Answer::Silent,
        };
        let others = (0..self.nodes).filter(|&other| other != node);
        others
            .map(|other| volume::Other {
                node: number(other),
                has_brick: true,
                answer: answer(other),
            })
            .collect()
    }
}
