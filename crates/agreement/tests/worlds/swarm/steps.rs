//! The steps that are possible in a world.

use super::apply::free_id;
use super::{Patience, Step, Swarm, World, entries, is_in};
use agreement::swarm::{Answer, MemberVerdict, Verdict};

impl Swarm {
    pub(super) fn ten_minutes_can_pass(&self, world: &World) -> bool {
        // While it is in a swarm they count for nothing, unless it still has them when it has lost the swarm.
        let counts = |swarm: u8| swarm == 0 || !self.rules.waits_anew_after_moving;
        if world.has_waited || !world.boards[0].live().is_some_and(|live| counts(live.swarm)) {
            return false;
        }
        let has_answered = |node: usize| world.heard >> node & 1 == 1;
        let knows_nothing = |node: usize| world.boards[node].places().iter().all(|place| place.swarm == 0);
        self.patience == Patience::Always
            || (1..self.nodes).all(|node| has_answered(node) || knows_nothing(node))
    }

    pub(super) fn swarm_steps(&self, world: &World, node: usize, out: &mut Vec<Step>) {
        let Some(live) = world.boards[node].live() else {
            return;
        };
        if live.swarm == 0 {
            if node == 0 {
                self.first_manager_steps(world, out);
            } else {
                self.join_steps(world, node, out);
            }
            return;
        }
        if !live.noted {
            out.push(Step::Note(node));
        }
        if let Some(members) = self.members(world, live.swarm)
            && is_in(world, node, live.swarm, members)
            && entries(members, node).count_ones() > 1
        {
            out.push(Step::RemoveOldEntries(node));
        }
        for manager in 0..self.managers {
            if manager != node && self.follows(world, node, manager) == MemberVerdict::JoinAnew {
                out.push(Step::JoinAnew(node, manager));
            }
        }
    }

    fn first_manager_steps(&self, world: &World, out: &mut Vec<Step>) {
        if world.told.is_none() {
            let silent = self.silent(world);
            let lost = (0..1 << self.nodes).filter(|lost| lost & 1 == 0 && lost & silent == silent);
            out.extend(lost.map(Step::AskAll));
            return;
        }
        out.push(Step::Decide);
        match self.decision(world) {
            Verdict::Create if world.losses_left > 0 => out.push(Step::BeginCutOff),
            Verdict::Join => self.join_steps(world, 0, out),
            _ => {}
        }
    }

    /// The others that say nothing at present, one bit each.
    fn silent(&self, world: &World) -> u8 {
        (1..self.nodes)
            .filter(|&node| self.answer(world, node) == Answer::Silent)
            .fold(0, |all, node| all | 1 << node)
    }

    fn join_steps(&self, world: &World, node: usize, out: &mut Vec<Step>) {
        for manager in 0..self.managers {
            let Some(live) = world.boards[manager].live() else {
                continue;
            };
            if manager != node
                && self.is_active_manager(world, manager)
                && self.members(world, live.swarm).is_some()
                && free_id(world, node).is_some()
            {
                out.push(Step::Join(node, manager));
                // The state of a manager that is cut off while it joins depends on more of Docker than is modelled here.
                if world.losses_left > 0 && self.managers <= node && node < self.troubled {
                    out.push(Step::JoinCutOff(node, manager));
                }
            }
        }
    }
}
