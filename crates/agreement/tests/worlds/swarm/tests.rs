//! The searches of the swarm's worlds, with the rules as they are and with broken ones.

use super::{Patience, RULES, Rules, Swarm};
use crate::search::{ALWAYS_A_WAY, Story, search};
use crate::{MOST_WORLDS, all_worlds};
use agreement::swarm::{self, ManagerAnswer, MemberVerdict, Other, Verdict, View, Wait};
use agreement::{Begun, Home};

const ONE_SWARM: &str = "there are never two swarms";

/// Searches the worlds with these numbers of nodes, managers, nodes in trouble and losses.
fn holds(nodes: usize, managers: usize, troubled: usize, losses: u8) {
    let model = Swarm {
        nodes,
        managers,
        troubled,
        losses,
        patience: Patience::OnceHeard,
        rules: RULES,
    };
    let name = format!("swarm: nodes {nodes}, managers {managers}, in trouble {troubled}, losses {losses}");
    search(&model, MOST_WORLDS).expect_to_hold(&name);
}

fn story_of(name: &str, nodes: usize, losses: u8, patience: Patience, rules: Rules) -> Story {
    let model = Swarm {
        nodes,
        managers: 1,
        troubled: nodes,
        losses,
        patience,
        rules,
    };
    search(&model, MOST_WORLDS).expect_to_break(name)
}

/// The story of a broken rule with two nodes and two losses.
fn broken_by(name: &str, rules: Rules) -> Story {
    story_of(name, 2, 2, Patience::OnceHeard, rules)
}

#[test]
fn one_node_agrees_with_itself() {
    holds(1, 1, 1, 4);
}

#[test]
fn two_nodes_agree_on_one_swarm() {
    holds(2, 1, 2, 2);
}

#[test]
fn three_nodes_agree_on_one_swarm() {
    holds(3, 1, 3, 1);
}

#[test]
fn four_nodes_agree_on_one_swarm() {
    holds(4, 1, 4, 0);
    if all_worlds() {
        holds(3, 1, 1, 2);
        holds(4, 1, 2, 1);
    }
}

#[test]
fn three_managers_agree_on_one_swarm() {
    holds(3, 3, 3, 1);
}

#[test]
fn a_member_that_is_silent_for_ten_minutes_is_not_waited_for() {
    let story = story_of(
        "a member is silent for ten minutes",
        2,
        2,
        Patience::Always,
        RULES,
    );
    assert_eq!(story.invariant, ONE_SWARM);
    // Both the card and the stick of the first manager have to be new for it.
    let text = story.to_string();
    assert!(
        text.contains("pi4-1 loses its power and gets a new card")
            && text.contains("pi4-1 gets its second stick"),
        "{text}"
    );
}

#[test]
fn a_first_manager_that_waits_for_nobody_makes_two_swarms() {
    fn hurried(view: View) -> Verdict {
        swarm::decide(View {
            has_waited: true,
            ..view
        })
    }
    let story = broken_by(
        "the first manager does not wait for the others",
        Rules {
            decide: hurried,
            ..RULES
        },
    );
    assert_eq!(story.invariant, ONE_SWARM);
    let text = story.to_string();
    assert!(
        text.starts_with("  1. pi4-1 is switched on and goes on from its stick\n"),
        "{text}"
    );
    assert!(
        text.contains("pi4-1 asks the others, pi4-2: no answer\n"),
        "{text}"
    );
    assert!(
        text.ends_with("BROKEN: there are never two swarms\n     pi4-1 is in swarm 2, pi4-2 is in swarm 1"),
        "{text}"
    );
}

#[test]
fn a_first_manager_without_its_stick_makes_two_swarms() {
    fn without_stick(view: View) -> Verdict {
        let nobody = view
            .others
            .iter()
            .all(|other| other.answer != swarm::Answer::None);
        match swarm::decide(view) {
            Verdict::Wait(Wait::Stick) if !nobody => swarm::decide(View {
                home: Home::Stick,
                ..view
            }),
            verdict => verdict,
        }
    }
    let story = broken_by(
        "one answer is enough without the stick",
        Rules {
            decide: without_stick,
            ..RULES
        },
    );
    assert_eq!(story.invariant, ONE_SWARM);
}

#[test]
fn a_first_manager_that_forgets_what_it_heard_makes_two_swarms() {
    fn deaf(_: &[Other]) -> bool {
        false
    }
    let story = broken_by(
        "the first manager forgets what it was told",
        Rules { hears: deaf, ..RULES },
    );
    assert_eq!(story.invariant, ONE_SWARM);
}

#[test]
fn a_first_manager_that_does_not_note_where_it_begins_makes_two_swarms() {
    fn notes_only(noted: bool, _: Begun) -> bool {
        noted
    }
    let story = broken_by(
        "where a swarm was begun is not noted",
        Rules {
            remembers: notes_only,
            ..RULES
        },
    );
    assert_eq!(story.invariant, ONE_SWARM);
}

#[test]
fn ten_minutes_that_do_not_begin_anew_make_two_swarms() {
    let rules = Rules {
        waits_anew_after_moving: false,
        ..RULES
    };
    let story = broken_by("the ten minutes count from the start of the system", rules);
    assert_eq!(story.invariant, ONE_SWARM);
}

#[test]
fn a_member_that_was_removed_is_stuck_unless_it_joins_anew() {
    fn stays(view: swarm::MemberView) -> MemberVerdict {
        match swarm::follow(view) {
            MemberVerdict::JoinAnew if view.answers == [ManagerAnswer::SameSwarmWithoutThisNode] => {
                MemberVerdict::Stay
            }
            verdict => verdict,
        }
    }
    let story = broken_by(
        "a member that was removed stays as it is",
        Rules {
            follow: stays,
            ..RULES
        },
    );
    assert_eq!(story.invariant, ALWAYS_A_WAY);
}

#[test]
fn a_first_manager_that_waits_for_ever_never_gets_done() {
    fn waits(view: View) -> Verdict {
        match swarm::decide(view) {
            Verdict::Create => Verdict::Wait(Wait::SilentNode),
            verdict => verdict,
        }
    }
    let story = broken_by(
        "the first manager never creates a swarm",
        Rules {
            decide: waits,
            ..RULES
        },
    );
    assert_eq!(story.invariant, ALWAYS_A_WAY);
}
