//! The invariants of the pool and the volume.

use super::{Copies, Step, Storage, World, bit, carry};
use crate::media::{MediaStep, media_steps, new_boards};
use crate::search::Model;
use agreement::Home;

impl Storage {
    /// The volumes that nodes know, or will once they are switched on again as they are.
    fn volumes(&self, world: &World) -> u32 {
        let known = world.boards[..self.nodes].iter().fold(0u8, |all, board| {
            let store = board
                .live()
                .unwrap_or_else(|| board.media.after_boot(self.rules.place, carry));
            if store.volume == 0 {
                all
            } else {
                all | 1 << store.volume
            }
        });
        known.count_ones()
    }

    /// The number of bricks that hold everything that was written, on sticks in the drawer and set aside as well.
    fn good_copies(world: &World) -> usize {
        let aside = usize::from(world.aside >> world.newest() & 1);
        aside
            + world
                .bricks
                .iter()
                .flatten()
                .filter(|age| **age == world.newest())
                .count()
    }

    /// True if a node serves old files and nobody knows that they are old.
    fn serves_old_files(&self, world: &World) -> bool {
        (0..self.nodes).any(|node| {
            let Some(store) = world.live(node).filter(|store| store.volume != 0) else {
                return false;
            };
            store.noted == world.boards[node].media.known
                && world.serves(node, store.volume)
                && world.behind & bit(node) == 0
                && world.brick(node).is_some_and(|age| age != world.newest())
        })
    }

    fn may_be_pulled(&self, world: &World, node: usize) -> bool {
        let media = &world.boards[node].media;
        self.copies != Copies::Current || media.stick().is_none_or(|stick| stick.place == media.copy)
    }

    fn is_done(&self, world: &World) -> bool {
        let Some(first) = world.live(0).filter(|store| store.volume != 0) else {
            return false;
        };
        let everybody = (0..self.nodes).fold(0, |all, node| all | bit(node));
        world.behind == 0
            && (0..self.nodes).all(|node| {
                world.boards[node].home() == Home::Stick
                    && world.connected(node, everybody).len() == self.nodes
                    && world.brick(node) == Some(world.newest())
                    && world.live(node).is_some_and(|store| {
                        store.volume == first.volume
                            && store.version == first.version
                            && store.bricks == everybody
                            && store.noted == world.boards[node].media.known
                    })
            })
    }
}

impl Model for Storage {
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
        let forgets = world.has_waited || world.heard;
        let mut steps: Vec<Step> = media_steps(boards, self.troubled, world.losses_left > 0, forgets)
            .filter(|(node, step)| *step != MediaStep::PullStick || self.may_be_pulled(world, *node))
            .map(|(node, step)| Step::Media(node, step))
            .collect();
        for node in 0..self.nodes {
            self.node_steps(world, node, &mut steps);
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
            Step::PoolCutOff(..) | Step::CreateCutOff(_) => true,
            _ => false,
        }
    }

    fn broken(&self, before: &World, step: Step, after: &World) -> Option<&'static str> {
        if self.volumes(after) > 1 && self.volumes(before) <= 1 {
            return Some("there are never two volumes");
        }
        if self.copies == Copies::Any {
            return None;
        }
        if self.serves_old_files(after) {
            return Some("old files are never taken for new ones");
        }
        let is_lost = after.writes > 0 && Self::good_copies(after) == 0 && Self::good_copies(before) > 0;
        (is_lost && !self.is_fault(step)).then_some("the only copy of a file is never destroyed")
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
