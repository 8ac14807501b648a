//! The worlds of the swarm: who creates it, who joins it, and what a lost card or stick does to that.
//!
//! Docker is modelled by what it remembers: the managers keep a list of members, and a node is in the swarm while its own
//! identity is on that list. A lone manager's list lies with its state and is as old as that; several managers keep theirs
//! together. Any question may stay without an answer at any time, which is also what a network that fell apart, a node that
//! is off and a Docker that is still starting look like.

mod apply;
mod model;
mod steps;
mod symmetry;
mod tell;
mod tests;

use crate::media::{Media, MediaStep, PLACE_RULES, PlaceRules};
use agreement::state::{self, OnCard};
use agreement::swarm::{self, Answer, ManagerAnswer, MemberVerdict, MemberView, Other, Verdict, View};
use agreement::{Begun, Node, Role};

const MOST_IDS: u8 = 4;
const MOST_SWARMS: u8 = 3;
const ANSWERS: [Answer; 4] = [Answer::Silent, Answer::None, Answer::Member, Answer::Manager];

/// A node's memory of its swarm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Membership {
    /// The swarm that Docker is in; 0 for none.
    swarm: u8,
    /// Under which of its identities, the first being 1.
    id: u8,
    /// True if it is noted that there was a swarm.
    noted: bool,
    /// A lone manager's list of members: four bits for each node, one for each identity.
    members: u16,
}

impl Membership {
    fn has_lost_its_swarm(self) -> bool {
        self.noted && self.swarm == 0
    }
}

type Board = crate::media::Board<Membership>;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct World {
    boards: [Board; 4],
    /// The list of members that several managers keep together, for each swarm.
    members: [u16; MOST_SWARMS as usize],
    has_waited: bool,
    /// The answers by which the first manager decides next, as positions in [`ANSWERS`], from each of the others.
    told: Option<[u8; 3]>,
    /// The nodes that have answered since the first manager began to wait, one bit each.
    heard: u8,
    losses_left: u8,
}

/// The condition for the end of the ten minutes after which the first manager goes on without the silent nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patience {
    /// Once every other node that belongs to a swarm has answered.
    OnceHeard,
    /// At any time.
    Always,
}

/// The rules, each of which a test may break.
#[derive(Clone, Copy)]
pub struct Rules {
    pub decide: fn(View) -> Verdict,
    pub remembers: fn(bool, Begun) -> bool,
    pub hears: fn(&[Other]) -> bool,
    pub follow: fn(MemberView) -> MemberVerdict,
    pub joins_anew: fn(bool, Role, usize) -> bool,
    pub place: PlaceRules,
    /// True if the ten minutes begin again when the state moves.
    pub waits_anew_after_moving: bool,
}

/// The rules as they are.
pub const RULES: Rules = Rules {
    decide: swarm::decide,
    remembers: swarm::remembers_a_swarm,
    hears: swarm::hears_of_a_swarm,
    follow: swarm::follow,
    joins_anew: state::joins_anew,
    place: PLACE_RULES,
    waits_anew_after_moving: true,
};

/// The bounds of a search.
pub struct Swarm {
    pub nodes: usize,
    /// The number of managers among them, beginning with the first.
    pub managers: usize,
    /// The number of nodes, beginning with the first, that lose their power, card or stick; the others are late and silent at times.
    pub troubled: usize,
    /// The number of cards and sticks that are lost or pulled out, and of actions that are cut off before they are recorded.
    pub losses: u8,
    pub patience: Patience,
    pub rules: Rules,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Media(usize, MediaStep),
    TenMinutes,
    /// The first manager asks everybody; one bit for each node whose answer is lost.
    AskAll(u8),
    Decide,
    BeginCutOff,
    Join(usize, usize),
    JoinCutOff(usize, usize),
    JoinAnew(usize, usize),
    Note(usize),
    RemoveOldEntries(usize),
}

fn bit(node: usize, id: u8) -> u16 {
    1 << (node * 4 + id as usize - 1)
}

/// The bits of one node's identities, where they lie in a list of members.
fn entries(members: u16, node: usize) -> u16 {
    members & 0xF << (node * 4)
}

fn node_number(node: usize) -> Node {
    Node(u8::try_from(node).unwrap())
}

impl Swarm {
    fn role(&self, node: usize) -> Role {
        if node < self.managers {
            Role::Manager
        } else {
            Role::Worker
        }
    }

    /// Returns the state that leaves a place on the card; any place's note that there was a swarm counts.
    fn carry(&self, node: usize) -> impl Fn(OnCard, &Media<Membership>) -> Membership + use<> {
        let (role, managers, joins_anew) = (self.role(node), self.managers, self.rules.joins_anew);
        move |from, media| {
            let mut state = match from {
                OnCard::Directories => media.directories.state,
                OnCard::Copy => media.copy.state,
            };
            let has_raft = state.swarm != 0 && role == Role::Manager;
            if from == OnCard::Copy && joins_anew(has_raft, role, managers) {
                state = Membership {
                    noted: state.noted,
                    ..Membership::default()
                };
            }
            state.noted |= media.directories.state.noted
                || media.copy.state.noted
                || media.stick().is_some_and(|stick| stick.place.state.noted);
            state
        }
    }

    /// Returns a swarm's list of members, if somebody can read and change it now.
    fn members(&self, world: &World, swarm: u8) -> Option<u16> {
        if self.managers == 1 {
            return world.boards[0]
                .live()
                .filter(|live| live.swarm == swarm)
                .map(|live| live.members);
        }
        let members = world.members[swarm as usize - 1];
        let voters: u32 = (0..self.managers)
            .map(|node| entries(members, node).count_ones())
            .sum();
        let up = (0..self.managers)
            .filter(|&node| is_in(world, node, swarm, members))
            .count();
        (up * 2 > voters as usize).then_some(members)
    }

    fn change_members(&self, world: &mut World, swarm: u8, change: impl Fn(u16) -> u16) {
        let members = if self.managers == 1 {
            &mut world.boards[0].live_mut().members
        } else {
            &mut world.members[swarm as usize - 1]
        };
        *members = change(*members);
    }

    fn is_active_manager(&self, world: &World, node: usize) -> bool {
        let Some(live) = world.boards[node].live() else {
            return false;
        };
        node < self.managers
            && live.swarm != 0
            && (self.managers == 1 || is_in(world, node, live.swarm, world.members[live.swarm as usize - 1]))
    }

    fn answer(&self, world: &World, node: usize) -> Answer {
        match world.boards[node].live() {
            None => Answer::Silent,
            Some(live) if live.swarm == 0 => Answer::None,
            Some(_) if self.is_active_manager(world, node) => Answer::Manager,
            Some(_) => Answer::Member,
        }
    }

    fn others(&self, answer: impl Fn(usize) -> Answer) -> Vec<Other> {
        let other = |node| Other {
            node: node_number(node),
            role: self.role(node),
            answer: answer(node),
        };
        (1..self.nodes).map(other).collect()
    }

    fn verdict(&self, world: &World, answer: impl Fn(usize) -> Answer) -> Verdict {
        let board = &world.boards[0];
        let noted = board.media.directories.state.noted
            || board.media.copy.state.noted
            || board.media.stick().is_some_and(|stick| stick.place.state.noted);
        (self.rules.decide)(View {
            is_first_manager: true,
            has_brick: true,
            home: board.home(),
            remembers_a_swarm: (self.rules.remembers)(noted, board.begun()),
            has_waited: world.has_waited,
            ordered: false,
            others: &self.others(answer),
        })
    }

    /// Returns the first manager's decision about what it has been told.
    fn decision(&self, world: &World) -> Verdict {
        self.verdict(world, |node| told(world, node))
    }

    /// Returns a member's decision when exactly this manager answers.
    fn follows(&self, world: &World, node: usize, manager: usize) -> MemberVerdict {
        let (Some(mine), Some(theirs)) = (world.boards[node].live(), world.boards[manager].live()) else {
            return MemberVerdict::Stay;
        };
        let answer = if !self.is_active_manager(world, manager) {
            ManagerAnswer::Nothing
        } else if mine.swarm != theirs.swarm {
            ManagerAnswer::OtherSwarm
        } else {
            match self.members(world, theirs.swarm) {
                Some(members) if !is_in(world, node, mine.swarm, members) => {
                    ManagerAnswer::SameSwarmWithoutThisNode
                }
                _ => ManagerAnswer::SameSwarm,
            }
        };
        (self.rules.follow)(MemberView {
            is_first_manager: node == 0,
            answers: &[answer],
        })
    }
}

/// Returns the answer of a node to the first manager.
fn told(world: &World, node: usize) -> Answer {
    world
        .told
        .map_or(Answer::Silent, |told| ANSWERS[told[node - 1] as usize])
}

fn is_in(world: &World, node: usize, swarm: u8, members: u16) -> bool {
    world.boards[node]
        .live()
        .is_some_and(|live| live.swarm == swarm && bit(node, live.id) & members != 0)
}
