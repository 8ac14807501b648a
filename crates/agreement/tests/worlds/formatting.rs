//! The worlds of a node's USB ports: sticks are put in and taken out, the owner allows one to be formatted, and the power fails
//! while that happens.

use crate::search::{Model, Story, search};
use agreement::stick::{Contents, Disk, Permission, Verdict, Wipe, decide};

const NAMES: [&str; 2] = ["the first stick", "the second stick"];
const ONE_FOR_ONE: &str = "one permission never costs the files of two sticks";

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct World {
    sticks: [Stick; 2],
    used_up: bool,
    marker: bool,
    /// The permissions that the owner has given and that have cost no files yet.
    given: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Stick {
    contents: Contents,
    is_plugged_in: bool,
}

impl Default for Stick {
    fn default() -> Self {
        Stick {
            contents: Contents::Shop,
            is_plugged_in: false,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    PlugIn(usize),
    TakeOut(usize),
    /// The owner uses a stick that is not plugged in for something else.
    PutFilesOn(usize),
    /// The owner puts the file `wipe-stick` on the card.
    Allow,
    /// The owner flashes the card again.
    NewCard,
    /// The brick stage.
    Run,
    /// The brick stage, with a power cut while the stick is formatted.
    CutOff,
}

struct Formatting {
    wipe: Wipe,
    decide: fn(&[Disk], Permission) -> Verdict,
    /// True if a permission is used up before formatting begins, not when it is complete.
    uses_up_first: bool,
}

impl Formatting {
    fn allows_always(&self) -> u8 {
        u8::from(self.wipe == Wipe::Always)
    }

    /// Returns the decision, with the position of the stick among all sticks.
    fn verdict(&self, world: World) -> Verdict {
        let positions: Vec<usize> = (0..2)
            .filter(|position| world.sticks[*position].is_plugged_in)
            .collect();
        let disks: Vec<Disk> = positions
            .iter()
            .map(|position| Disk {
                contents: world.sticks[*position].contents,
                is_system: false,
                is_large_enough: true,
            })
            .collect();
        let permission = Permission {
            wipe: self.wipe,
            used_up: world.used_up,
            marker: world.marker,
        };
        match (self.decide)(&disks, permission) {
            Verdict::Keep(position) => Verdict::Keep(positions[position]),
            Verdict::Format(position) => Verdict::Format(positions[position]),
            refusal @ Verdict::Refuse(_) => refusal,
        }
    }

    fn run(&self, world: &mut World, is_cut_off: bool) {
        let (position, formats) = match self.verdict(*world) {
            Verdict::Keep(position) => (position, false),
            Verdict::Format(position) => (position, true),
            Verdict::Refuse(_) => return,
        };
        let contents = &mut world.sticks[position].contents;
        if formats && may_hold_files(*contents) {
            world.given = world.given.saturating_sub(1);
        }
        *contents = if is_cut_off {
            Contents::Unfinished
        } else {
            Contents::Ours
        };
        if self.uses_up_first || !is_cut_off {
            world.used_up = true;
            world.marker = false;
            world.given = 0;
        }
    }
}

fn may_hold_files(contents: Contents) -> bool {
    matches!(
        contents,
        Contents::Ours | Contents::OtherNode | Contents::OtherCluster | Contents::Files
    )
}

impl Model for Formatting {
    type World = World;
    type Step = Step;

    fn begin(&self) -> World {
        World {
            given: self.allows_always(),
            ..World::default()
        }
    }

    fn steps(&self, world: &World) -> Vec<Step> {
        let mut steps = vec![Step::NewCard, Step::Run];
        for (position, stick) in world.sticks.iter().enumerate() {
            if stick.is_plugged_in {
                steps.push(Step::TakeOut(position));
            } else {
                steps.extend([Step::PlugIn(position), Step::PutFilesOn(position)]);
            }
        }
        if !world.marker {
            steps.push(Step::Allow);
        }
        if matches!(self.verdict(*world), Verdict::Format(_)) {
            steps.push(Step::CutOff);
        }
        steps
    }

    fn apply(&self, world: &World, step: Step) -> World {
        let mut world = *world;
        match step {
            Step::PlugIn(position) => world.sticks[position].is_plugged_in = true,
            Step::TakeOut(position) => world.sticks[position].is_plugged_in = false,
            Step::PutFilesOn(position) => world.sticks[position].contents = Contents::Files,
            Step::Allow => {
                world.marker = true;
                world.given += 1;
            }
            Step::NewCard => {
                world.used_up = false;
                world.marker = false;
                world.given = self.allows_always();
                for stick in &mut world.sticks {
                    // Only the card knew that it was being formatted.
                    if stick.contents == Contents::Unfinished {
                        stick.contents = Contents::Files;
                    }
                }
            }
            Step::Run => self.run(&mut world, false),
            Step::CutOff => self.run(&mut world, true),
        }
        world
    }

    fn is_fault(&self, step: Step) -> bool {
        matches!(step, Step::CutOff | Step::NewCard)
    }

    fn broken(&self, before: &World, step: Step, _: &World) -> Option<&'static str> {
        let Verdict::Format(position) = self.verdict(*before) else {
            return None;
        };
        let runs = matches!(step, Step::Run | Step::CutOff);
        let costs_files = may_hold_files(before.sticks[position].contents);
        (runs && costs_files && before.given == 0).then_some(ONE_FOR_ONE)
    }

    fn is_settled(&self, world: &World) -> bool {
        matches!(self.verdict(*world), Verdict::Keep(_))
    }

    fn tell(&self, before: &World, step: Step, _: &World) -> String {
        let stick = match self.verdict(*before) {
            Verdict::Keep(position) | Verdict::Format(position) => NAMES[position],
            Verdict::Refuse(_) => "no stick",
        };
        match step {
            Step::PlugIn(position) => format!("{} is put in", NAMES[position]),
            Step::TakeOut(position) => format!("{} is taken out", NAMES[position]),
            Step::PutFilesOn(position) => format!("the owner puts files on {}", NAMES[position]),
            Step::Allow => "the owner allows a stick to be formatted".to_owned(),
            Step::NewCard => "the owner flashes the card again".to_owned(),
            Step::Run => format!("the node uses {stick}"),
            Step::CutOff => format!("the node begins to format {stick}, and the power fails"),
        }
    }

    fn describe(&self, world: &World) -> String {
        let [first, second] = world.sticks.map(|stick| stick.contents);
        format!("{}: {first:?}, {}: {second:?}", NAMES[0], NAMES[1])
    }
}

const LIMIT: usize = 100_000;

#[test]
fn files_are_formatted_only_by_a_permission_of_their_own() {
    for wipe in [Wipe::Never, Wipe::IfEmpty, Wipe::Always] {
        let model = Formatting {
            wipe,
            decide,
            uses_up_first: true,
        };
        search(&model, LIMIT).expect_to_hold(&format!("formatting, wipe {wipe:?}"));
    }
}

fn broken_by(name: &str, decide: fn(&[Disk], Permission) -> Verdict, uses_up_first: bool) -> Story {
    let model = Formatting {
        wipe: Wipe::IfEmpty,
        decide,
        uses_up_first,
    };
    search(&model, LIMIT).expect_to_break(name)
}

#[test]
fn a_permission_that_is_used_up_after_formatting_costs_a_second_stick() {
    let story = broken_by(
        "a permission is used up when formatting is complete",
        decide,
        false,
    );
    assert_eq!(story.invariant, ONE_FOR_ONE);
}

#[test]
fn a_node_that_formats_what_it_does_not_know_costs_files() {
    fn careless(disks: &[Disk], permission: Permission) -> Verdict {
        match decide(disks, permission) {
            Verdict::Refuse(_) if disks.len() == 1 => Verdict::Format(0),
            verdict => verdict,
        }
    }
    let story = broken_by("anything is formatted", careless, true);
    assert_eq!(story.invariant, ONE_FOR_ONE);
}

#[test]
fn a_node_that_forgets_what_it_was_formatting_asks_again() {
    // Nothing is lost by that; it is the way out of a power cut that is gone.
    fn forgetful(disks: &[Disk], permission: Permission) -> Verdict {
        let disks: Vec<Disk> = disks
            .iter()
            .map(|disk| match disk.contents {
                Contents::Unfinished => Disk {
                    contents: Contents::Files,
                    ..*disk
                },
                _ => *disk,
            })
            .collect();
        decide(&disks, permission)
    }
    let model = Formatting {
        wipe: Wipe::IfEmpty,
        decide: forgetful,
        uses_up_first: true,
    };
    search(&model, LIMIT).expect_to_hold("a node forgets what it was formatting");
}
