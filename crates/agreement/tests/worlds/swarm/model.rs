//! The steps and invariants of a swarm.

use super::{Board, Step, Swarm, World, bit, entries};
use crate::media::{media_steps, new_boards};
use crate::search::Model;
use agreement::Home;
use agreement::swarm::Verdict;

impl Swarm {
    /// The swarms that nodes belong to, or will once they are switched on again as they are.
    fn swarms(&self, world: &World) -> u8 {
        let mut swarms = 0;
        for (node, board) in world.boards[..self.nodes].iter().enumerate() {
            let state = board
                .live()
                .unwrap_or_else(|| board.media.after_boot(self.rules.place, self.carry(node)));
            if state.swarm != 0 {
                swarms |= 1 << state.swarm;
            }
        }
        swarms
    }

    fn is_done(&self, world: &World) -> bool {
        let Some(first) = world.boards[0].live().filter(|live| live.swarm != 0) else {
            return false;
        };
        let Some(members) = self.members(world, first.swarm) else {
            return false;
        };
        world.boards[..self.nodes]
            .iter()
            .enumerate()
            .all(|(node, board)| {
                board.home() == Home::Stick
                    && board.live().is_some_and(|live| {
                        live.swarm == first.swarm
                            && live.noted
                            && entries(members, node) == bit(node, live.id)
                    })
            })
    }

    /// The rules wait for the owner: for the stick that holds the swarm, or for `mkimage-recover new-swarm`, when no manager
    /// has it any more; for `docker swarm init --force-new-cluster`, when most of several managers have lost it.
    fn waits_for_owner(&self, world: &World) -> bool {
        if world.boards[..self.nodes]
            .iter()
            .any(|board| board.live().is_none())
        {
            return false;
        }
        let managers = world.boards[..self.managers].iter().filter_map(Board::live);
        match managers.map(|live| live.swarm).max() {
            None | Some(0) => {
                matches!(
                    self.verdict(world, |node| self.answer(world, node)),
                    Verdict::AskOwner(_)
                )
            }
            Some(swarm) => self.managers > 1 && self.members(world, swarm).is_none(),
        }
    }
}

impl Model for Swarm {
    type World = World;
    type Step = Step;

    fn begin(&self) -> World {
        World {
            boards: new_boards(self.nodes),
            losses_left: self.losses,
            ..World::default()
        }
    }

    fn steps(&self, world: &World) -> Vec<Step> {
        let boards = &world.boards[..self.nodes];
        let forgets = world.has_waited || world.heard != 0;
        let media = media_steps(boards, self.troubled, world.losses_left > 0, forgets);
        let mut steps: Vec<Step> = media.map(|(node, step)| Step::Media(node, step)).collect();
        for node in 0..self.nodes {
            self.swarm_steps(world, node, &mut steps);
        }
        if self.ten_minutes_can_pass(world) {
            steps.push(Step::TenMinutes);
        }
        steps
    }

    fn apply(&self, world: &World, step: Step) -> World {
        self.after(world, step)
    }

    fn is_fault(&self, step: Step) -> bool {
        match step {
            Step::Media(_, step) => step.is_fault(),
            Step::JoinCutOff(..) | Step::BeginCutOff => true,
            _ => false,
        }
    }

    fn canonical(&self, world: &World) -> World {
        let mut canonical = *world;
        self.sort_workers(&mut canonical);
        canonical
    }

    fn broken(&self, before: &World, _: Step, after: &World) -> Option<&'static str> {
        let (was, is) = (self.swarms(before).count_ones(), self.swarms(after).count_ones());
        (is > 1 && was <= 1).then_some("there are never two swarms")
    }

    fn is_settled(&self, world: &World) -> bool {
        self.is_done(world) || self.waits_for_owner(world)
    }

    fn tell(&self, before: &World, step: Step, after: &World) -> String {
        self.tell_step(before, step, after)
    }

    fn describe(&self, world: &World) -> String {
        self.describe_world(world)
    }
}
