//! The story of a volume's world, for people.

use super::{Group, Step, Storage, World, bit, carry};
use crate::NAMES;
use agreement::brick::{Before, Reply};
use agreement::pool::Entry;

impl Storage {
    pub(super) fn tell_step(&self, before: &World, step: Step, after: &World) -> String {
        let name = |node: usize| NAMES[node];
        match step {
            Step::Media(node, step) => step.tell(name(node), after.boards[node].home()),
            Step::TenMinutes => format!("{} has waited for ten minutes", name(0)),
            Step::Hear(group) => format!("{} asks {}which tell of a volume", name(0), among(group, 0)),
            Step::Pool(node, group) => self.tell_entry(before, node, group),
            Step::PoolCutOff(node, group) => {
                format!(
                    "{}, and loses its power before it has stored that",
                    self.tell_entry(before, node, group)
                )
            }
            Step::Create(group) => format!("{} asks {}and creates the volume", name(0), among(group, 0)),
            Step::CreateCutOff(_) => format!("{} loses its power while it creates the volume", name(0)),
            Step::Brick(node, group, stored) => self.tell_brick(before, node, group, stored),
            Step::TakeOver(node, group) => {
                let from = self.better(before, node, group).map_or("nobody", name);
                format!(
                    "{} asks {}and takes over what {from} knows of the volume",
                    name(node),
                    among(group, node)
                )
            }
            Step::Outvoted(node, _) => {
                format!("{} is rejected and takes its place in the pool again", name(node))
            }
            Step::Meet(node, other) => format!(
                "{} meets {} and takes over the newer volume",
                name(node),
                name(other)
            ),
            Step::Write(node, group) => {
                let reached = self.written(before, node, group).unwrap_or(0);
                format!(
                    "a file is written on {}, into the bricks of {}",
                    name(node),
                    names(reached)
                )
            }
            Step::Heal(node, _) => format!("the brick of {} is healed", name(node)),
        }
    }

    fn tell_entry(&self, before: &World, node: usize, group: Group) -> String {
        let asks = format!("{} asks {}", NAMES[node], among(group, node));
        match self.door(before, node, group) {
            None => format!("{asks}hears of a pool, and does not get in"),
            Some((member, Entry::TakePlaceAgain)) => {
                format!("{asks}takes its place in the pool of {} again", NAMES[member])
            }
            Some((member, _)) => format!("{asks}is taken into the pool by {}", NAMES[member]),
        }
    }

    fn tell_brick(&self, before: &World, node: usize, group: Group, stored: Group) -> String {
        let name = NAMES[node];
        let Some(change) = self.brick_change(before, node, group) else {
            return String::new();
        };
        let aside = if change.before == Before::SetAside {
            " sets aside what is in its brick and"
        } else {
            ""
        };
        match change.change {
            None if change.before == Before::SetAside => format!("{name} sets aside what is in its brick"),
            None => format!("{name} notes its stick as the volume's"),
            Some((first, Reply::Replace)) => {
                format!(
                    "{name}{aside} gives {} an empty brick in place of its old one, which {} store",
                    NAMES[first],
                    names(stored)
                )
            }
            Some((first, _)) => format!(
                "{name}{aside} has its brick added by {}, which {} store",
                NAMES[first],
                names(stored)
            ),
        }
    }

    pub(super) fn describe_world(&self, world: &World) -> String {
        let nodes = world.boards[..self.nodes]
            .iter()
            .enumerate()
            .map(|(node, board)| {
                let store = board
                    .live()
                    .unwrap_or_else(|| board.media.after_boot(self.rules.place, carry));
                let name = NAMES[node];
                match store.volume {
                    0 => format!("{name} knows no volume"),
                    volume => format!(
                        "{name} knows volume {volume}, version {} with the bricks of {}",
                        store.version,
                        names(store.bricks)
                    ),
                }
            });
        nodes.collect::<Vec<_>>().join("; ")
    }
}

fn names(nodes: u8) -> String {
    let names: Vec<_> = (0..NAMES.len())
        .filter(|&node| nodes & bit(node) != 0)
        .map(|node| NAMES[node])
        .collect();
    if names.is_empty() {
        "nobody".to_string()
    } else {
        names.join(" and ")
    }
}

fn among(group: Group, node: usize) -> String {
    match group & !bit(node) {
        0 => "the others, nobody answers, ".to_string(),
        others => format!("{}, ", names(others)),
    }
}
