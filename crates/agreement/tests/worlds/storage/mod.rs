//! The worlds of the pool and the volume: who creates the volume, who gets into the pool, whose brick is taken in, and what
//! becomes of files that were written.
//!
//! glusterd is modelled by what it stores: its own identity, the identities of its peers, and the volume's description.
//! Every step happens among a group of nodes that reach each other at that moment, and any group may: that is what lost
//! messages, nodes that are off and a network that fell apart come down to. A change of the volume may reach a part of the
//! group only. A file is written by every brick that the writer reaches; the others are marked as behind, on the good ones.

mod apply;
mod group;
mod model;
mod steps;
mod tell;
mod tests;

use crate::media::{Media, MediaStep, PLACE_RULES, PlaceRules};
use agreement::brick::{self, Asked, Noted, Reply};
use agreement::description::{self, Member};
use agreement::state::OnCard;
use agreement::volume::{self, Brick};
use agreement::{Begun, Node, pool};

const MOST_IDS: u8 = 4;
const MOST_VOLUMES: u8 = 3;
/// The latest version of a file that is written.
const MOST_WRITES: u8 = 2;

/// The store of glusterd, and the notes beside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Store {
    /// This node's identity in the pool, the first being 1; 0 before glusterd has run.
    id: u8,
    /// The identities of the peers: four bits for each node, 0 for none.
    peers: u16,
    /// The volume; 0 for none.
    volume: u8,
    version: u8,
    /// The nodes whose bricks the volume has, one bit each.
    bricks: u8,
    /// The stick that is noted as the volume's brick of this node; 0 for none.
    noted: u8,
    /// True if it is noted that another node told of a volume.
    told: bool,
}

type Board = crate::media::Board<Store>;

/// The age of what is in a brick: 0 when Gluster has never used it, 1 without files, then the version of the file.
type Age = u8;

/// A brick of a volume that is given up. Gluster does not start it: the volume's id is on the brick.
const OF_ANOTHER_VOLUME: Age = 7;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct World {
    boards: [Board; 4],
    /// The contents of the bricks on each of a node's two sticks.
    bricks: [[Age; 2]; 4],
    /// The ages of what was set aside, one bit each: it stays on its stick until somebody removes it.
    aside: u8,
    /// The nodes whose bricks are marked as behind, one bit each.
    behind: u8,
    /// The number of acknowledged writes.
    writes: u8,
    has_waited: bool,
    /// True if the first node has been told of a volume since it began to wait.
    heard: bool,
    losses_left: u8,
}

/// The rules, each of which a test may break.
#[derive(Clone, Copy)]
pub struct Rules {
    pub pool: fn(pool::View) -> pool::Verdict,
    pub volume: fn(volume::View) -> volume::Verdict,
    pub remembers: fn(bool, Begun) -> bool,
    pub brick: fn(brick::View) -> brick::Verdict,
    pub reply: fn(Asked) -> Reply,
    pub take_over_from: fn(Node, &[Member]) -> Option<Node>,
    pub place: PlaceRules,
    /// True if it is noted that another node told of a volume.
    pub notes_what_it_is_told: bool,
}

/// The rules as they are.
pub const RULES: Rules = Rules {
    pool: pool::decide,
    volume: volume::decide,
    remembers: volume::remembers_a_volume,
    brick: brick::decide,
    reply: brick::reply,
    take_over_from: description::take_over_from,
    place: PLACE_RULES,
    notes_what_it_is_told: true,
};

/// The age that the copy on a card may have when its stick is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Copies {
    /// As it is made within a minute after every change of the pool and the volume.
    Current,
    /// As old as any. Nothing is said about files, which a volume from an old copy writes past the newer bricks.
    Any,
    /// As old as any, and files count.
    Stale,
}

/// The bounds of a search. Every node has a brick, and a complete volume has all of them.
pub struct Storage {
    pub nodes: usize,
    /// The number of nodes, beginning with the first, that lose their power, card or stick.
    pub troubled: usize,
    /// The number of cards and sticks that are lost or pulled out, and of changes that are cut off.
    pub losses: u8,
    /// The number of writes.
    pub writes: u8,
    pub copies: Copies,
    pub rules: Rules,
}

/// The nodes that reach each other at one moment, one bit each.
type Group = u8;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Media(usize, MediaStep),
    TenMinutes,
    /// The first node is told of a volume, and hears nothing more.
    Hear(Group),
    /// A node outside the pool, or left behind, goes to the pool.
    Pool(usize, Group),
    /// A node that its peers reject takes its place in the pool again.
    Outvoted(usize, Group),
    /// A node loses its power before it has stored that it is in the pool.
    PoolCutOff(usize, Group),
    Create(Group),
    CreateCutOff(Group),
    /// A node does something about its brick; a change is stored by the second group only.
    Brick(usize, Group, Group),
    TakeOver(usize, Group),
    /// Two peers meet, and the one with the older description takes over the other's.
    Meet(usize, usize),
    Write(usize, Group),
    Heal(usize, Group),
}

fn peer(store: Store, node: usize) -> u8 {
    u8::try_from(store.peers >> (node * 4) & 0xF).unwrap()
}

fn set_peer(store: &mut Store, node: usize, id: u8) {
    store.peers = store.peers & !(0xF << (node * 4)) | u16::from(id) << (node * 4);
}

fn bit(node: usize) -> u8 {
    1 << node
}

fn number(node: usize) -> Node {
    Node(u8::try_from(node).unwrap())
}

fn kind(age: Age) -> Brick {
    match age {
        0 => Brick::Fresh,
        1 => Brick::WithoutFiles,
        _ => Brick::Files,
    }
}

/// Returns the state that leaves a place on the card.
fn carry(from: OnCard, media: &Media<Store>) -> Store {
    let (copy, directories) = (media.copy.state, media.directories.state);
    let state = match from {
        OnCard::Directories => directories,
        OnCard::Copy => copy,
    };
    let noted = if copy.noted == 0 {
        directories.noted
    } else {
        copy.noted
    };
    Store {
        noted,
        told: directories.told || copy.told,
        ..state
    }
}

impl World {
    fn live(&self, node: usize) -> Option<Store> {
        self.boards[node].live()
    }

    /// Returns the age of the brick that a node has mounted.
    fn brick(&self, node: usize) -> Option<Age> {
        let board = &self.boards[node];
        let is_mounted = board.home() == agreement::Home::Stick && board.live().is_some();
        is_mounted.then(|| self.bricks[node][board.media.known as usize - 1])
    }

    fn brick_mut(&mut self, node: usize) -> &mut Age {
        let stick = self.boards[node].media.known as usize - 1;
        &mut self.bricks[node][stick]
    }

    /// The age of a brick with everything that was written.
    fn newest(&self) -> Age {
        self.writes + 1
    }

    /// True if a node serves its brick as one of the volume's.
    fn serves(&self, node: usize, volume: u8) -> bool {
        self.live(node)
            .is_some_and(|store| store.volume == volume && store.bricks & bit(node) != 0)
            && self
                .brick(node)
                .is_some_and(|age| age > 0 && age != OF_ANOTHER_VOLUME)
    }
}

impl From<Noting> for Noted {
    fn from(Noting { noted, mounted }: Noting) -> Noted {
        match noted {
            0 => Noted::Nothing,
            stick if stick == mounted => Noted::ThisStick,
            _ => Noted::AnotherStick,
        }
    }
}

/// The stick that is noted and the one that is mounted.
struct Noting {
    noted: u8,
    mounted: u8,
}
