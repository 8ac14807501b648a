//! The searches of the volume's worlds, with the rules as they are and with broken ones.

use super::{Copies, RULES, Rules, Storage};
use crate::search::{ALWAYS_A_WAY, Story, search};
use crate::{MOST_WORLDS, all_worlds};
use agreement::brick::{self, Asked, Before, Reply};
use agreement::{Begun, volume};

const ONE_VOLUME: &str = "there are never two volumes";
const NO_OLD_FILES: &str = "old files are never taken for new ones";
const NO_LOST_COPY: &str = "the only copy of a file is never destroyed";

/// Searches the worlds with these numbers of nodes, nodes in trouble, losses and writes.
fn holds(nodes: usize, troubled: usize, losses: u8, writes: u8, copies: Copies) {
    let model = Storage {
        nodes,
        troubled,
        losses,
        writes,
        copies,
        rules: RULES,
    };
    let name = format!(
        "volume: nodes {nodes}, in trouble {troubled}, losses {losses}, writes {writes}, copies {copies:?}"
    );
    search(&model, MOST_WORLDS).expect_to_hold(&name);
}

fn story_of(name: &str, nodes: usize, losses: u8, copies: Copies, rules: Rules) -> Story {
    let model = Storage {
        nodes,
        troubled: nodes,
        losses,
        writes: 1,
        copies,
        rules,
    };
    search(&model, MOST_WORLDS).expect_to_break(name)
}

/// The story of a broken rule with two nodes and two losses.
fn broken_by(name: &str, rules: Rules) -> Story {
    story_of(name, 2, 2, Copies::Current, rules)
}

#[test]
fn one_node_keeps_its_files() {
    holds(1, 1, 4, 2, Copies::Current);
}

#[test]
fn two_nodes_keep_their_files() {
    holds(2, 2, 2, 2, Copies::Current);
}

#[test]
fn three_nodes_keep_their_files() {
    holds(3, 1, 1, 1, Copies::Current);
    if all_worlds() {
        holds(3, 3, 1, 1, Copies::Current);
    }
}

#[test]
fn four_nodes_agree_on_one_volume() {
    holds(4, 1, 0, 0, Copies::Current);
}

#[test]
fn copies_of_any_age_make_no_second_volume() {
    holds(2, 2, 2, 0, Copies::Any);
}

#[test]
fn a_first_node_that_waits_for_nobody_makes_two_volumes() {
    fn hurried(view: volume::View) -> volume::Verdict {
        volume::decide(volume::View {
            has_waited: true,
            ..view
        })
    }
    let story = broken_by(
        "the first node does not wait for the others",
        Rules {
            volume: hurried,
            ..RULES
        },
    );
    assert_eq!(story.invariant, ONE_VOLUME);
}

#[test]
fn a_first_node_that_forgets_what_it_heard_makes_two_volumes() {
    let rules = Rules {
        notes_what_it_is_told: false,
        ..RULES
    };
    let story = broken_by("the first node forgets what it was told", rules);
    assert_eq!(story.invariant, ONE_VOLUME);
}

#[test]
fn a_first_node_that_does_not_note_where_it_begins_makes_two_volumes() {
    fn notes_only(told: bool, _: Begun) -> bool {
        told
    }
    let rules = Rules {
        remembers: notes_only,
        ..RULES
    };
    let story = story_of("where a volume was begun is not noted", 2, 2, Copies::Any, rules);
    assert_eq!(story.invariant, ONE_VOLUME);
}

#[test]
fn a_brick_that_is_added_without_the_others_gets_too_little() {
    fn alone(asked: Asked) -> Reply {
        brick::reply(Asked {
            unreached: 0,
            first_is_unreached: false,
            ..asked
        })
    }
    let rules = Rules {
        reply: alone,
        ..RULES
    };
    let story = story_of(
        "a brick is added while another member can write",
        3,
        1,
        Copies::Current,
        rules,
    );
    assert_eq!(story.invariant, NO_OLD_FILES);
}

#[test]
fn a_stick_that_was_replaced_holds_old_files() {
    fn trusting(view: brick::View) -> brick::Verdict {
        match view.noted {
            brick::Noted::AnotherStick => brick::decide(brick::View {
                noted: brick::Noted::ThisStick,
                ..view
            }),
            _ => brick::decide(view),
        }
    }
    let story = broken_by(
        "a stick that was replaced is taken as it is",
        Rules {
            brick: trusting,
            ..RULES
        },
    );
    assert_eq!(story.invariant, NO_OLD_FILES);
}

#[test]
fn a_brick_with_files_is_never_offered_as_an_empty_one() {
    fn careless(view: brick::View) -> brick::Verdict {
        match brick::decide(view) {
            brick::Verdict::Offer(_) => brick::Verdict::Offer(Before::Keep),
            verdict => verdict,
        }
    }
    let story = broken_by(
        "a brick with files is offered as an empty one",
        Rules {
            brick: careless,
            ..RULES
        },
    );
    assert_eq!(story.invariant, NO_LOST_COPY);
}

#[test]
fn a_member_that_takes_nothing_in_leaves_the_volume_incomplete() {
    fn never(_: Asked) -> Reply {
        Reply::NotYet
    }
    let story = broken_by(
        "the first member takes no brick in",
        Rules {
            reply: never,
            ..RULES
        },
    );
    assert_eq!(story.invariant, ALWAYS_A_WAY);
}

/// Known, and not solved: nobody but the node itself knows which stick was its brick last.
#[test]
fn a_replaced_stick_and_a_new_card_bring_old_files_back() {
    let story = story_of(
        "a replaced stick comes back with a new card",
        2,
        3,
        Copies::Current,
        RULES,
    );
    assert_eq!(story.invariant, NO_OLD_FILES);
}

/// Known, and not solved: what a node goes on with is as old as the copy on its card.
#[test]
fn an_old_copy_brings_old_bricks_back() {
    let model = Storage {
        nodes: 2,
        troubled: 2,
        losses: 1,
        writes: 1,
        copies: Copies::Stale,
        rules: RULES,
    };
    let story = search(&model, MOST_WORLDS).expect_to_break("a node goes on from an old copy");
    assert_eq!(story.invariant, NO_OLD_FILES);
}
