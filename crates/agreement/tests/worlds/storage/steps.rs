//! The steps that are possible in a world.

use super::{Group, MOST_WRITES, Noting, Step, Storage, World, bit, kind, number, peer};
use agreement::brick::{self, Asked, Before, Reply};
use agreement::volume::Brick;
use agreement::{Begun, Home, pool, volume};

/// A node's step with its brick, after the first member's reply.
pub(super) struct BrickChange {
    pub before: Before,
    /// The member that makes the change, and what it does; `None` while it says "later".
    pub change: Option<(usize, Reply)>,
    pub note: bool,
}

impl Storage {
    pub(super) fn pool_verdict(&self, world: &World, node: usize, group: Group) -> pool::Verdict {
        let store = world.live(node).unwrap();
        (self.rules.pool)(pool::View {
            is_first_brick_node: node == 0,
            home: world.boards[node].home(),
            had_a_brick: store.noted != 0,
            has_peers: store.peers != 0,
            is_in_pool: world.is_in_pool(node),
            has_waited: node == 0 && world.has_waited,
            others: &self.pool_answers(world, node, group),
        })
    }

    pub(super) fn volume_verdict(&self, world: &World, group: Group) -> volume::Verdict {
        let store = world.live(0).unwrap();
        (self.rules.volume)(volume::View {
            is_first_brick_node: true,
            stick_is_mounted: world.brick(0).is_some(),
            home: world.boards[0].home(),
            brick: kind(world.brick(0).unwrap_or(0)),
            remembers_a_volume: (self.rules.remembers)(store.told, world.boards[0].begun()),
            has_waited: world.has_waited,
            others: &self.volume_answers(world, 0, group),
        })
    }

    /// The member that lets a node into the pool, if it can now.
    pub(super) fn door(&self, world: &World, node: usize, group: Group) -> Option<(usize, pool::Entry)> {
        let pool::Verdict::AskForMembers(member) = self.pool_verdict(world, node, group) else {
            return None;
        };
        let member = member.0 as usize;
        let listed = peer(world.live(member).unwrap(), node) != 0;
        let view = pool::View {
            is_first_brick_node: node == 0,
            home: world.boards[node].home(),
            had_a_brick: false,
            has_peers: false,
            is_in_pool: world.is_in_pool(node),
            has_waited: false,
            others: &[],
        };
        let entry = pool::with_members(view, listed);
        match entry {
            pool::Entry::TakePlaceAgain => Some((member, entry)),
            pool::Entry::Stay => None,
            pool::Entry::AskToBeTakenIn => {
                let first = world.first(member, group);
                (group & bit(first) != 0 && world.has_majority(first, group)).then_some((first, entry))
            }
        }
    }

    /// The member whose word a node takes that its peers reject, if it is the one that is wrong.
    pub(super) fn is_outvoted(&self, world: &World, node: usize, group: Group) -> Option<usize> {
        let store = world.live(node).filter(|store| store.peers != 0)?;
        let reached = |other: &usize| group & bit(*other) != 0 && *other != node;
        let knows = |other: &usize| {
            world
                .live(*other)
                .is_some_and(|theirs| peer(store, *other) == theirs.id)
        };
        let accepted = world.connected(node, group).len() - 1;
        let rejected = (0..self.nodes).filter(reached).filter(knows).count() - accepted;
        let disagrees =
            |other: usize| world.is_of_volume(other, store.volume) && world.known(other) != world.known(node);
        let is_outvoted = pool::is_outvoted(pool::Rejection {
            accepted,
            rejected,
            members: 1 + (0..self.nodes).filter(|&other| peer(store, other) != 0).count(),
            somebody_disagrees: store.volume != 0 && (0..self.nodes).filter(reached).any(disagrees),
            has_nothing_in_the_volume: store.bricks & bit(node) == 0
                && kind(world.brick(node).unwrap_or(9)) != Brick::Files,
        });
        let member = (0..self.nodes)
            .filter(reached)
            .find(|&other| world.is_in_pool(other))?;
        let listed = peer(world.live(member)?, node) != 0;
        (is_outvoted && listed).then_some(member)
    }

    /// Returns a node's step with its brick among a group.
    pub(super) fn brick_change(&self, world: &World, node: usize, group: Group) -> Option<BrickChange> {
        let (store, age) = (world.live(node)?, world.brick(node)?);
        if store.volume == 0 {
            return None;
        }
        let mounted = world.boards[node].media.known;
        let verdict = (self.rules.brick)(brick::View {
            bricks: u8::try_from(store.bricks.count_ones()).unwrap(),
            is_listed: store.bricks & bit(node) != 0,
            is_served: false,
            brick: kind(age),
            noted: Noting {
                noted: store.noted,
                mounted,
            }
            .into(),
        });
        match verdict {
            brick::Verdict::Serve { .. } if store.noted == mounted => None,
            brick::Verdict::Serve { note } => Some(BrickChange {
                before: Before::Keep,
                change: None,
                note,
            }),
            brick::Verdict::Offer(before) => {
                let first = world.first(node, group);
                let reply = (self.rules.reply)(self.asked(world, node, first, group));
                // Gluster itself adds no brick to a volume that takes no write: it sets an attribute through a mount.
                let is_done = match reply {
                    Reply::Replace => true,
                    Reply::Add(_) => self.written(world, first, group).is_some(),
                    _ => false,
                };
                let change = is_done.then_some((first, reply));
                Some(BrickChange {
                    before,
                    change,
                    note: false,
                })
            }
            brick::Verdict::AskOwner(before) => Some(BrickChange {
                before,
                change: None,
                note: false,
            }),
            brick::Verdict::WaitForGlusterd | brick::Verdict::WaitForList => None,
        }
    }

    fn asked(&self, world: &World, node: usize, first: usize, group: Group) -> Asked {
        let store = world.live(first).unwrap();
        let bricks = u8::try_from(store.bricks.count_ones()).unwrap();
        let connected = world
            .connected(first, group)
            .into_iter()
            .fold(0, |all, other| all | bit(other));
        let unreached = store.bricks & !connected;
        let disagrees = |other: usize| {
            other != first
                && group & bit(other) != 0
                && world.is_of_volume(other, store.volume)
                && world.known(other) != world.known(first)
        };
        Asked {
            has_brick: true,
            is_arbiter: false,
            knows_volume: store.volume != 0,
            is_first: world.first(first, group) == first,
            bricks,
            stored: bricks,
            is_sound: true,
            is_listed: store.bricks & bit(node) != 0,
            has_majority: world.has_majority(first, group),
            unreached: u8::try_from(unreached.count_ones()).unwrap(),
            first_is_unreached: unreached & bit(0) != 0,
            caller_is_there: group & bit(node) != 0,
            somebody_disagrees: (0..self.nodes).any(disagrees),
            replica: u8::try_from(self.nodes).unwrap(),
            has_arbiter: false,
            // The worlds of membership are about that.
            is_safe: true,
        }
    }

    /// The member whose description a node takes over among a group.
    pub(super) fn better(&self, world: &World, node: usize, group: Group) -> Option<usize> {
        let volume = world.live(node).filter(|store| store.volume != 0)?.volume;
        let counts = |other: &usize| group & bit(*other) != 0 && world.is_of_volume(*other, volume);
        let members: Vec<_> = (0..self.nodes)
            .filter(counts)
            .map(|other| (number(other), world.known(other)))
            .collect();
        let from = (self.rules.take_over_from)(number(node), &members)?.0 as usize;
        // The shell looks three times in a minute, and by then the peers have met.
        let have_met = |member: usize| {
            world
                .connected(member, group)
                .iter()
                .all(|&other| !world.takes_over_when_meeting(member, other))
        };
        (peer(world.live(from)?, node) != 0 && have_met(from)).then_some(from)
    }

    /// The bricks that a file is written to, if enough of them are there.
    ///
    /// A client knows the volume as the newest of the nodes does that it is connected with.
    pub(super) fn written(&self, world: &World, node: usize, group: Group) -> Option<u8> {
        let store = world.newest_known(node, group)?;
        let reached = (0..self.nodes)
            .filter(|&other| store.bricks & group & bit(other) != 0 && world.serves(other, store.volume));
        let reached = reached.fold(0, |all, other| all | bit(other));
        let count = |bricks: u8| u8::try_from(bricks.count_ones()).unwrap();
        let is_enough = brick::can_write(count(reached), reached & bit(0) != 0, count(store.bricks));
        let good = (0..self.nodes).any(|other| {
            reached & bit(other) != 0
                && world.behind & bit(other) == 0
                && world.brick(other) == Some(world.newest())
        });
        (is_enough && good).then_some(reached)
    }

    fn groups(&self, world: &World, node: usize) -> Vec<Group> {
        let up = (0..self.nodes)
            .filter(|&other| world.live(other).is_some())
            .fold(0, |all, other| all | bit(other));
        (0..1u8 << self.nodes)
            .filter(|group| group & !up == 0 && group & bit(node) != 0)
            .collect()
    }

    pub(super) fn node_steps(&self, world: &World, node: usize, out: &mut Vec<Step>) {
        if world.live(node).is_none() {
            return;
        }
        let may_cut = world.losses_left > 0;
        for group in self.groups(world, node) {
            if self.hears(world, node, group) {
                out.push(Step::Hear(group));
            }
            if self.door(world, node, group).is_some() {
                out.push(Step::Pool(node, group));
                if may_cut && node < self.troubled {
                    out.push(Step::PoolCutOff(node, group));
                }
            }
            if self.is_outvoted(world, node, group).is_some() {
                out.push(Step::Outvoted(node, group));
            }
            if let Some(change) = self.brick_change(world, node, group) {
                Self::brick_steps(world, node, group, &change, out);
            }
            if self.better(world, node, group).is_some() {
                out.push(Step::TakeOver(node, group));
            }
            if world.writes < self.writes.min(MOST_WRITES) && self.written(world, node, group).is_some() {
                out.push(Step::Write(node, group));
            }
            if self.can_heal(world, node, group) {
                out.push(Step::Heal(node, group));
            }
            if node == 0
                && world.live(0).is_some_and(|store| store.volume == 0)
                && self.may_create(world, group)
            {
                out.push(Step::Create(group));
                if may_cut {
                    out.push(Step::CreateCutOff(group));
                }
            }
        }
        for other in 0..self.nodes {
            if other != node && world.takes_over_when_meeting(node, other) {
                out.push(Step::Meet(node, other));
            }
        }
    }

    fn may_create(&self, world: &World, group: Group) -> bool {
        self.volume_verdict(world, group) == volume::Verdict::Create
    }

    fn brick_steps(world: &World, node: usize, group: Group, change: &BrickChange, out: &mut Vec<Step>) {
        let Some((first, _)) = change.change else {
            let sets_aside = change.before == Before::SetAside && world.brick(node) != Some(0);
            let notes = change.before == Before::Keep && world.can_be_noted(node);
            if sets_aside || notes {
                out.push(Step::Brick(node, group, 0));
            }
            return;
        };
        let connected = world
            .connected(first, group)
            .into_iter()
            .fold(0, |all, other| all | bit(other));
        out.push(Step::Brick(node, group, connected));
        if world.losses_left > 0 {
            let parts = (0..connected).filter(|part| part & !connected == 0 && part & bit(first) != 0);
            out.extend(parts.map(|part| Step::Brick(node, group, part)));
        }
    }

    /// True if the first node notes that another one has told it of a volume.
    pub(super) fn hears(&self, world: &World, node: usize, group: Group) -> bool {
        node == 0
            && !world.is_in_pool(0)
            && !world.live(0).unwrap().told
            && self
                .pool_answers(world, 0, group)
                .iter()
                .any(|other| other.answer.is_member())
    }

    fn can_heal(&self, world: &World, node: usize, group: Group) -> bool {
        let Some(volume) = world
            .live(node)
            .map(|store| store.volume)
            .filter(|volume| *volume != 0)
        else {
            return false;
        };
        let source = |other: usize| {
            other != node
                && group & bit(other) != 0
                && world.serves(other, volume)
                && world.behind & bit(other) == 0
                && world.brick(other) == Some(world.newest())
        };
        world.behind & bit(node) != 0 && world.serves(node, volume) && (0..self.nodes).any(source)
    }

    /// True if the first node's ten minutes can pass: every node that knows a volume has been heard by then.
    pub(super) fn ten_minutes_can_pass(&self, world: &World) -> bool {
        let knows_nothing = |node: usize| world.boards[node].places().iter().all(|store| store.volume == 0);
        !world.has_waited
            && world.live(0).is_some_and(|store| store.volume == 0)
            && (world.heard || (1..self.nodes).all(knows_nothing))
    }

    /// True if the rules wait for the owner, when everybody is there to be asked.
    pub(super) fn waits_for_owner(&self, world: &World) -> bool {
        let everybody = (0..self.nodes).fold(0, |all, node| all | bit(node));
        if (0..self.nodes).any(|node| world.live(node).is_none()) {
            return false;
        }
        let is_lost = (0..self.nodes).all(|node| world.live(node).unwrap().volume == 0);
        let volume = is_lost
            && matches!(
                self.volume_verdict(world, everybody),
                volume::Verdict::AskOwner(_)
            );
        let only_brick = (0..self.nodes)
            .any(|node| world.live(node).unwrap().bricks == bit(node) && world.brick(node) == Some(0));
        // The only good copy is on a stick that is not plugged in.
        let copy = (0..self.nodes).all(|node| world.brick(node) != Some(world.newest()));
        volume || only_brick || copy || self.is_waiting_for_its_pool(world, everybody)
    }

    fn is_waiting_for_its_pool(&self, world: &World, everybody: Group) -> bool {
        world.boards[0].home() == Home::Card
            && world.boards[0].begun() != Begun::Nowhere
            && self.pool_verdict(world, 0, everybody) == pool::Verdict::WaitForItsPool
    }
}
