//! The worlds of a cluster whose owner takes nodes out and adds them, while nodes are off, changes are cut off, and cards come back
//! with an old description. Two of the three nodes go off in each, one of four; a file is written at any instant. Nodes show each other
//! their descriptions and ask for newer ones; one that was off sits at the address that it was told last.

mod steps;

use crate::NAMES;
use crate::search::{ALWAYS_A_WAY, Story, search};
use agreement::membership::{Answer, Brick, Future, Shown, answer, may_change};

const LOST: &str = "a brick of the volume has every file";
const ROLLBACK: &str = "a node never goes back to an older description";
const DIVIDED: &str = "one version of the volume has the same bricks everywhere";

type Nodes = u8;

fn has(nodes: Nodes, node: usize) -> bool {
    nodes & (1 << node) != 0
}

fn all_of(nodes: Nodes) -> impl Iterator<Item = usize> {
    (0..NAMES.len()).filter(move |node| has(nodes, *node))
}

/// Returns whether the volume with these bricks can be written to: more than half of them are there, or half with the first.
fn has_quorum(bricks: Nodes, there: Nodes) -> bool {
    let (half, all) = ((bricks & there).count_ones() * 2, bricks.count_ones());
    let first = all_of(bricks).next();
    half > all || (half == all && first.is_some_and(|first| has(there, first)))
}

/// A node's knowledge of the volume. Version 0 is none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Volume {
    version: u8,
    bricks: Nodes,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct World {
    /// The number of the owner's newest description.
    published: u8,
    on: Nodes,
    /// The number of each node's description; 0 before its first card.
    knows: [u8; 4],
    volume: [Volume; 4],
    /// The bricks that have every file.
    complete: Nodes,
    /// The bricks that each brick knows to lack something.
    blames: [Nodes; 4],
    /// The power cuts and the old cards that are still to come.
    cuts: u8,
    old_cards: u8,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Publish,
    /// The owner shows the newest description.
    OwnerShows(usize),
    /// The first node shows its description to the second.
    Show(usize, usize),
    /// The first node asks the second for its newer description.
    Fetch(usize, usize),
    SwitchOn(usize),
    SwitchOff(usize),
    /// A card that was made when the owner's first description was the newest.
    OldCard(usize),
    /// A program on this node writes to a file.
    Write(usize),
    Heal(usize),
    TakeOver(usize),
    /// The first member acts; true if it is cut off before the others know.
    TakeOut(usize, bool),
    AddBrick(usize, usize, bool),
}

struct Membership {
    /// The nodes of each description and those of them that are to leave; the first one's number is 1.
    descriptions: &'static [(Nodes, Nodes)],
    cuts: u8,
    old_cards: u8,
    may_change: fn(&[Brick]) -> bool,
    /// True if the power may fail in the instant in which three bricks become two. Of two, the first may be written alone.
    cuts_off_the_last_two: bool,
    /// True if a node finds its newest description on its stick again.
    stick_remembers: bool,
    answer: fn(u32, Shown) -> Answer,
    /// The nodes that have another address from each description on, and of those the ones that do not reach their router with it, so
    /// that they keep the one before.
    moves: &'static [(Nodes, Nodes)],
    hearing: Hearing,
}

/// The ways in which a node hears of a description.
#[derive(Clone, Copy)]
struct Hearing {
    /// True if a node asks for a newer one.
    fetches: bool,
    /// True if a node that is not at its address is found by its name.
    names_work: bool,
    /// True if the owner shows one until one node has it, and then leaves it to the nodes.
    owner_goes: bool,
}

const OWNER_COMES: Hearing = Hearing {
    fetches: true,
    names_work: false,
    owner_goes: false,
};

const OWNER_GOES: Hearing = Hearing {
    owner_goes: true,
    ..OWNER_COMES
};

impl Membership {
    /// Returns the place of a node by a description, as the number of its moves.
    fn described_place(&self, number: u8, node: usize) -> usize {
        let moves = self.moves.iter().take(usize::from(number));
        moves.filter(|(moves, _)| has(*moves, node)).count()
    }

    /// Returns the place where a node is when it has this description.
    fn place(&self, number: u8, node: usize) -> usize {
        let works = |number: &u8| {
            let moves = self.moves.get(usize::from(*number).wrapping_sub(1));
            moves.is_none_or(|(_, fail)| !has(*fail, node))
        };
        let number = (1..=number).rev().find(works).unwrap_or_default();
        self.described_place(number, node)
    }

    /// Returns whether the first node finds the second in the owner's network.
    fn finds(&self, world: &World, one: usize, other: usize) -> bool {
        let described = self.described_place(world.knows[one], other);
        self.hearing.names_work || described == self.place(world.knows[other], other)
    }

    fn nodes(&self, number: u8) -> Nodes {
        if number == 0 {
            0
        } else {
            self.descriptions[usize::from(number) - 1].0
        }
    }

    /// Returns the nodes whose bricks a description wants in the volume.
    fn stays(&self, number: u8) -> Nodes {
        if number == 0 {
            0
        } else {
            self.nodes(number) & !self.descriptions[usize::from(number) - 1].1
        }
    }

    fn future(&self, number: u8, node: usize) -> Future {
        if has(self.stays(number), node) {
            Future::Stays
        } else if has(self.nodes(number), node) {
            Future::Leaves
        } else {
            Future::Gone
        }
    }

    /// Returns the nodes that the second description does without although they did not leave: they are off, and come back when
    /// nobody expects them any more.
    fn lost(&self) -> Nodes {
        self.nodes(1) & !self.nodes(2)
    }

    /// Returns whether the two have a connection in the private network: each has the other's key, and one finds the other, which follows.
    fn connects(&self, world: &World, one: usize, other: usize) -> bool {
        let knows = |me: usize, peer: usize| {
            let nodes = self.nodes(world.knows[me]);
            has(nodes, me) && has(nodes, peer)
        };
        has(world.on, one)
            && has(world.on, other)
            && (one == other
                || (knows(one, other)
                    && knows(other, one)
                    && (self.finds(world, one, other) || self.finds(world, other, one))))
    }

    fn connected(&self, world: &World, node: usize) -> Nodes {
        (0..NAMES.len())
            .filter(|other| self.connects(world, node, *other))
            .map(|other| 1 << other)
            .sum()
    }

    /// Returns the nodes that it is connected with and whose bricks run: a glusterd that knows that its brick is out stops it.
    fn served(&self, world: &World, node: usize) -> Nodes {
        let runs = all_of(world.on).filter(|brick| has(world.volume[*brick].bricks, *brick));
        self.connected(world, node) & runs.map(|brick| 1 << brick).sum::<Nodes>()
    }

    /// Returns the first connected member, which makes all changes.
    fn acts(&self, world: &World, node: usize) -> bool {
        let members = self.connected(world, node) & world.volume[node].bricks;
        world.volume[node].version > 0 && all_of(members).next() == Some(node)
    }

    /// Returns whether more than half of the members that have not gone are connected.
    fn has_majority(&self, world: &World, node: usize) -> bool {
        let members = world.volume[node].bricks & self.stays(world.knows[node]);
        (self.connected(world, node) & members).count_ones() * 2 > members.count_ones()
    }

    fn can_write(&self, world: &World, node: usize) -> bool {
        has_quorum(world.volume[node].bricks, self.served(world, node))
    }

    /// Returns the bricks of the volume that the node knows, as it sees them.
    fn bricks(&self, world: &World, node: usize) -> Vec<Brick> {
        let readable = self.readable(world, node).1;
        let bricks = all_of(world.volume[node].bricks).map(|brick| Brick {
            is_connected: self.connects(world, node, brick),
            has_the_description: world.knows[brick] == world.knows[node],
            is_blamed: !has(readable, brick),
            future: self.future(world.knows[node], brick),
        });
        bricks.collect()
    }

    /// Returns whether the owner publishes the next description. A node that is on leaves first, and goes when its brick is out of the
    /// volume. One that is off goes at once, if the sticks that stay and blame nobody could go on as the volume.
    fn owner_may_publish(&self, world: &World) -> bool {
        let Some(&(next, leaving)) = self.descriptions.get(usize::from(world.published)) else {
            return false;
        };
        let in_use = all_of(world.on & self.nodes(world.published))
            .fold(0, |in_use, node| in_use | world.volume[node].bricks);
        let gone = in_use & !next;
        let stays = next & !leaving;
        let sound = all_of(world.on & stays).filter(|brick| world.blames[*brick] & stays == 0);
        let sound = sound.map(|brick| 1 << brick).sum();
        // A node comes back when nothing of it is left.
        let is_left = in_use & next & !self.nodes(world.published) != 0;
        if is_left {
            return false;
        }
        let all_know =
            all_of(world.on & self.nodes(world.published)).all(|node| world.knows[node] == world.published);
        let all_healed = all_of(world.on & stays & in_use).all(|node| world.blames[node] & stays == 0);
        if gone == 0 {
            all_know && all_healed && world.on & next != 0
        } else {
            gone & world.on == 0 && has_quorum(in_use, sound)
        }
    }

    /// Gives a new volume to the node that changes it and, unless it is cut off, to those that it is connected with.
    fn spread(&self, world: &mut World, node: usize, bricks: Nodes, is_cut_off: bool) {
        let version = world.volume[node].version + 1;
        let told = if is_cut_off {
            1 << node
        } else {
            self.connected(world, node) & (bricks | world.volume[node].bricks)
        };
        for other in all_of(told) {
            world.volume[other] = Volume { version, bricks };
        }
        for blames in &mut world.blames {
            *blames &= bricks;
        }
        if is_cut_off {
            world.on &= !(1 << node);
            world.cuts -= 1;
        }
    }
}

/// Returns the latest volume that any node knows.
fn newest(world: &World) -> Volume {
    world
        .volume
        .into_iter()
        .max_by_key(|volume| volume.version)
        .unwrap()
}

fn model(descriptions: &'static [(Nodes, Nodes)]) -> Membership {
    Membership {
        descriptions,
        cuts: 2,
        old_cards: 1,
        may_change,
        stick_remembers: true,
        cuts_off_the_last_two: false,
        answer,
        moves: &[],
        hearing: OWNER_COMES,
    }
}

const LIMIT: usize = crate::MOST_WORLDS;

#[test]
fn a_node_goes_and_another_one_comes() {
    for (name, descriptions) in [
        (
            "one of three leaves",
            &[(0b0111, 0), (0b0111, 0b0100), (0b0011, 0)][..],
        ),
        (
            "the first of three leaves",
            &[(0b0111, 0), (0b0111, 0b0001), (0b0110, 0)],
        ),
        ("one of three is lost", &[(0b0111, 0), (0b0011, 0)]),
        ("the first of three is lost", &[(0b0111, 0), (0b0110, 0)]),
        (
            "one of four leaves",
            &[(0b1111, 0), (0b1111, 0b0100), (0b1011, 0)],
        ),
        ("one of four is lost", &[(0b1111, 0), (0b1011, 0)]),
        ("a fourth comes", &[(0b0111, 0), (0b1111, 0)]),
        (
            "one is lost and another comes",
            &[(0b0111, 0), (0b0011, 0), (0b1011, 0)],
        ),
        (
            "one leaves and comes back",
            &[(0b0111, 0), (0b0111, 0b0100), (0b0011, 0), (0b0111, 0)],
        ),
    ] {
        let mut model = model(descriptions);
        if descriptions[0].0 == 0b1111 {
            // Of four, two cuts can leave two and two, each of which goes on alone for a moment when one falls into a change.
            model.cuts = 1;
        }
        search(&model, LIMIT).expect_to_hold(name);
    }
}

fn broken_by(name: &str, model: &Membership) -> Story {
    search(model, LIMIT).expect_to_break(name)
}

/// Breaks when the first member asks for less than it should.
fn broken_without(name: &str, descriptions: &'static [(Nodes, Nodes)], may_change: fn(&[Brick]) -> bool) {
    let careless = Membership {
        may_change,
        ..model(descriptions)
    };
    assert_eq!(broken_by(name, &careless).invariant, LOST);
}

const ONE_OF_FOUR_IS_LOST: &[(Nodes, Nodes)] = &[(0b1111, 0), (0b1011, 0)];
const ONE_OF_THREE_LEAVES: &[(Nodes, Nodes)] = &[(0b0111, 0), (0b0111, 0b0100), (0b0011, 0)];
const ONE_IS_LOST_AND_ANOTHER_COMES: &[(Nodes, Nodes)] = &[(0b0111, 0), (0b0011, 0), (0b1011, 0)];
const A_FOURTH_COMES: &[(Nodes, Nodes)] = &[(0b0111, 0), (0b1111, 0)];

#[test]
fn bricks_without_the_volumes_majority_must_not_become_the_volume() {
    broken_without("any brick is taken out at once", ONE_OF_FOUR_IS_LOST, |bricks| {
        bricks.iter().any(|brick| brick.is_connected)
    });
}

#[test]
fn every_member_must_know_of_a_change_before_it_is_made() {
    broken_without(
        "the volume changes before others have heard",
        A_FOURTH_COMES,
        |bricks| {
            let bricks: Vec<_> = bricks
                .iter()
                .map(|brick| Brick {
                    has_the_description: true,
                    ..*brick
                })
                .collect();
            may_change(&bricks)
        },
    );
}

#[test]
fn a_brick_that_lacks_something_must_be_healed_before_a_change() {
    broken_without(
        "the volume changes while a brick is not healed",
        ONE_OF_THREE_LEAVES,
        |bricks| {
            let bricks: Vec<_> = bricks
                .iter()
                .map(|brick| Brick {
                    is_blamed: false,
                    ..*brick
                })
                .collect();
            may_change(&bricks)
        },
    );
}

#[test]
fn a_node_that_takes_an_older_description_goes_back() {
    let forgetful = Membership {
        answer: |mine, shown| match answer(mine, shown) {
            Answer::Older => Answer::Takes,
            other => other,
        },
        ..model(&[(0b0111, 0), (0b0011, 0)])
    };
    assert_eq!(
        broken_by("any signed description is taken", &forgetful).invariant,
        ROLLBACK
    );
}

#[test]
fn two_bricks_do_not_survive_everything() {
    // Known, and true of every volume of two: the second goes off before it hears that they are two.
    let unlucky = Membership {
        cuts_off_the_last_two: true,
        ..model(&[(0b0111, 0), (0b0111, 0b0100), (0b0011, 0)])
    };
    let story = broken_by("the power fails while three bricks become two", &unlucky);
    assert_eq!(story.invariant, LOST);
}

#[test]
fn an_old_card_must_not_bring_back_an_old_description() {
    let forgetful = Membership {
        stick_remembers: false,
        ..model(ONE_IS_LOST_AND_ANOTHER_COMES)
    };
    let story = broken_by("only the card has the description", &forgetful);
    assert_eq!(story.invariant, ALWAYS_A_WAY);
}

/// The nodes that move with the second description, and no others: three nodes with their bricks.
const ONE_MOVES: &[(Nodes, Nodes)] = &[(0, 0), (0b0100, 0)];
const ALL_MOVE: &[(Nodes, Nodes)] = &[(0, 0), (0b0111, 0)];
/// The second address is wrong, and the third is right.
const ONE_MOVES_TWICE: &[(Nodes, Nodes)] = &[(0, 0), (0b0100, 0b0100), (0b0100, 0)];

/// Three nodes of which some move, and whose owner leaves when one has heard of it.
fn moving(moves: &'static [(Nodes, Nodes)]) -> Membership {
    Membership {
        moves,
        hearing: OWNER_GOES,
        ..model(&[(0b0111, 0); 3][..moves.len()])
    }
}

#[test]
fn a_node_hears_of_its_new_address() {
    search(&moving(ONE_MOVES), LIMIT).expect_to_hold("one of three moves");
    search(&moving(ONE_MOVES_TWICE), LIMIT).expect_to_hold("one of three moves, at first to a wrong address");
    let named = Membership {
        hearing: Hearing {
            names_work: true,
            ..OWNER_GOES
        },
        ..moving(ALL_MOVE)
    };
    search(&named, LIMIT).expect_to_hold("all move, and find each other by name");
    // The owner looks for each where it was before. Those that have moved and those that have not are out of each other's reach for
    // that long, which is one more failure of the volume, so only one goes off beside it.
    let with_owner = Membership {
        hearing: OWNER_COMES,
        cuts: 1,
        ..moving(ALL_MOVE)
    };
    search(&with_owner, LIMIT).expect_to_hold("all move, and the owner comes again");
}

#[test]
fn a_node_that_is_only_shown_descriptions_never_hears_of_its_new_address() {
    for (name, moves) in [
        ("one moves while it is off", ONE_MOVES),
        ("its address is corrected", ONE_MOVES_TWICE),
    ] {
        let silent = Membership {
            hearing: Hearing {
                fetches: false,
                ..OWNER_GOES
            },
            ..moving(moves)
        };
        assert_eq!(broken_by(name, &silent).invariant, ALWAYS_A_WAY);
    }
}

#[test]
fn without_names_the_owner_has_to_come_again_when_all_move() {
    // Known: those that have moved and those that have not do not find each other.
    let story = broken_by("all move, and none finds another by name", &moving(ALL_MOVE));
    assert_eq!(story.invariant, ALWAYS_A_WAY);
}
