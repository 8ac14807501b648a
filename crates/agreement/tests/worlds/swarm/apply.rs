//! The effects of the steps.

use super::{ANSWERS, MOST_IDS, MOST_SWARMS, Membership, Step, Swarm, World, bit, entries, told};
use crate::media::MediaStep;
use agreement::swarm::Verdict;

impl Swarm {
    /// A swarm that nobody remembers.
    fn free_swarm(&self, world: &World) -> Option<u8> {
        (1..=MOST_SWARMS).find(|&swarm| {
            world.boards[..self.nodes]
                .iter()
                .all(|board| board.places().iter().all(|place| place.swarm != swarm))
        })
    }

    fn enlist(&self, world: &mut World, node: usize, manager: usize) -> Membership {
        let swarm = world.boards[manager].live().unwrap().swarm;
        let id = free_id(world, node).unwrap();
        self.change_members(world, swarm, |members| members | bit(node, id));
        Membership {
            swarm,
            id,
            ..Membership::default()
        }
    }

    fn join(&self, world: &mut World, node: usize, manager: usize) {
        let joined = self.enlist(world, node, manager);
        let live = world.boards[node].live_mut();
        *live = Membership {
            noted: live.noted,
            ..joined
        };
    }

    fn decide(&self, world: &mut World) {
        let verdict = self.decision(world);
        if (self.rules.hears)(&self.others(|node| told(world, node))) {
            world.boards[0].live_mut().noted = true;
        }
        if verdict == Verdict::Create
            && let (Some(swarm), Some(id)) = (self.free_swarm(world), free_id(world, 0))
        {
            let board = &mut world.boards[0];
            board.begin();
            let live = board.live_mut();
            let members = bit(0, id);
            *live = Membership {
                swarm,
                id,
                noted: live.noted,
                members: if self.managers == 1 { members } else { 0 },
            };
            if self.managers > 1 {
                world.members[swarm as usize - 1] = members;
            }
        }
    }

    pub(super) fn after(&self, before: &World, step: Step) -> World {
        let mut world = *before;
        match step {
            // A stick that is dying can read as an empty one.
            Step::Media(node, MediaStep::Copy)
                if before.boards[node].live().unwrap().has_lost_its_swarm() => {}
            Step::Media(node, step) => {
                world.boards[node].apply(step, self.rules.place, self.carry(node));
                world.losses_left -= u8::from(step.is_loss());
            }
            Step::TenMinutes => world.has_waited = true,
            Step::AskAll(lost) => {
                let mut told = [0; 3];
                for node in 1..self.nodes {
                    if lost >> node & 1 == 0 {
                        let answer = self.answer(before, node);
                        let known = ANSWERS.iter().position(|known| *known == answer).unwrap();
                        told[node - 1] = u8::try_from(known).unwrap();
                        world.heard |= 1 << node;
                    }
                }
                world.told = Some(told);
            }
            Step::Decide => {
                self.decide(&mut world);
                world.told = None;
            }
            Step::BeginCutOff => {
                world.boards[0].begin();
                world.boards[0].switch_off();
                world.losses_left -= 1;
            }
            Step::Join(node, manager) => self.join(&mut world, node, manager),
            Step::JoinAnew(node, manager) => {
                let live = world.boards[node].live_mut();
                *live = Membership {
                    noted: live.noted,
                    ..Membership::default()
                };
                self.join(&mut world, node, manager);
            }
            Step::JoinCutOff(node, manager) => {
                self.enlist(&mut world, node, manager);
                world.boards[node].switch_off();
                world.losses_left -= 1;
            }
            Step::Note(node) => world.boards[node].live_mut().noted = true,
            Step::RemoveOldEntries(node) => {
                let live = world.boards[node].live().unwrap();
                let old = entries(u16::MAX, node) & !bit(node, live.id);
                self.change_members(&mut world, live.swarm, |members| members & !old);
            }
        }
        if self.rules.waits_anew_after_moving && world.boards[0].home() != before.boards[0].home() {
            world.has_waited = false;
            world.heard = 0;
        }
        self.forget_what_is_dead(&mut world);
        world
    }

    /// Clears what nothing can depend on any more, so that fewer worlds differ.
    fn forget_what_is_dead(&self, world: &mut World) {
        let first = world.boards[0].live();
        // Not even a mutated rule keeps the minutes of before a power cut.
        if world.boards[0].is_off()
            || first.is_some_and(|live| live.swarm != 0 && self.rules.waits_anew_after_moving)
        {
            world.has_waited = false;
            world.heard = 0;
        }
        if first.is_none_or(|live| live.swarm != 0) {
            world.told = None;
        }
        for board in &mut world.boards[..self.nodes] {
            // Its note is used again.
            let dead = board.media.dead_on_card();
            *dead = Membership {
                noted: dead.noted,
                ..Membership::default()
            };
        }
        for swarm in 1..=MOST_SWARMS {
            if world.boards[..self.nodes]
                .iter()
                .all(|board| board.places().iter().all(|place| place.swarm != swarm))
            {
                world.members[swarm as usize - 1] = 0;
            }
        }
    }
}

/// An identity of a node's that nobody remembers.
pub(super) fn free_id(world: &World, node: usize) -> Option<u8> {
    let lists = world.boards[0]
        .places()
        .map(|place| place.members)
        .into_iter()
        .chain(world.members);
    let listed = lists.fold(0, |all, members| all | members);
    let own = world.boards[node].places();
    (1..=MOST_IDS).find(|&id| listed & bit(node, id) == 0 && own.iter().all(|place| place.id != id))
}
