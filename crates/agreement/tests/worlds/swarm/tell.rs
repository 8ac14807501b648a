//! The story of a swarm's world, for people.

use super::{Step, Swarm, World, told};
use crate::NAMES;
use agreement::swarm::{Answer, Verdict};

impl Swarm {
    pub(super) fn tell_step(&self, before: &World, step: Step, after: &World) -> String {
        let name = |node: usize| NAMES[node];
        match step {
            Step::Media(node, step) => step.tell(name(node), after.boards[node].home()),
            Step::TenMinutes => format!("{} has waited for ten minutes", name(0)),
            Step::AskAll(_) => {
                let answers =
                    (1..self.nodes).map(|node| format!("{}: {}", name(node), word(told(after, node))));
                format!(
                    "{} asks the others, {}",
                    name(0),
                    answers.collect::<Vec<_>>().join(", ")
                )
            }
            Step::Decide => match self.decision(before) {
                Verdict::Create => format!(
                    "{} creates swarm {}",
                    name(0),
                    after.boards[0].live().map_or(0, |live| live.swarm)
                ),
                verdict => format!("{} decides: {verdict:?}", name(0)),
            },
            Step::BeginCutOff => format!(
                "{} notes that it begins a swarm, and loses its power before it does",
                name(0)
            ),
            Step::Join(node, manager) => format!("{} joins the swarm of {}", name(node), name(manager)),
            Step::JoinCutOff(node, manager) => {
                format!(
                    "{} joins the swarm of {}, and loses its power before it has stored that",
                    name(node),
                    name(manager)
                )
            }
            Step::JoinAnew(node, manager) => format!(
                "{} joins the swarm of {} again, which does not list it",
                name(node),
                name(manager)
            ),
            Step::Note(node) => format!("{} notes that it is in a swarm", name(node)),
            Step::RemoveOldEntries(node) => format!("the swarm forgets the old entries of {}", name(node)),
        }
    }

    pub(super) fn describe_world(&self, world: &World) -> String {
        let nodes = world.boards[..self.nodes]
            .iter()
            .enumerate()
            .map(|(node, board)| {
                let state = board
                    .live()
                    .unwrap_or_else(|| board.media.after_boot(self.rules.place, self.carry(node)));
                match state.swarm {
                    0 => format!("{} is in no swarm", NAMES[node]),
                    swarm => format!("{} is in swarm {swarm}", NAMES[node]),
                }
            });
        nodes.collect::<Vec<_>>().join(", ")
    }
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::None => "in no swarm",
        Answer::Member => "in a swarm",
        Answer::Manager => "manager of a swarm",
        _ => "no answer",
    }
}
