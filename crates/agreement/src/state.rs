//! The place where a node's state lives.
//!
//! Rule: each time the state begins to live in another place its epoch grows by one; the place with the higher epoch is
//! right, and on a tie the stick is.
//!
//! Why: a card and a stick can each be lost, pulled out or put back, so both hold the state and neither knows about the
//! other. A number that grows with every move tells which of them is newer without a clock.

use crate::Role;

/// The number of times that the state has moved; 0 for a place without any.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Epoch(pub u32);

/// The two places on the card.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OnCard {
    /// The directories that Docker and glusterd use themselves.
    Directories,
    /// The copy that is taken from the stick.
    Copy,
}

/// The epochs that a node finds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct View {
    /// On the stick, which is mounted; `None` without a stick.
    pub stick: Option<Epoch>,
    /// Of the directories on the card.
    pub directories: Epoch,
    /// Of the copy on the card.
    pub copy: Epoch,
}

/// The next move of the state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// The stick's state is used as it is.
    UseStick,
    /// The card's state moves to the stick and gets this epoch.
    MoveToStick(OnCard, Epoch),
    /// The card's directories are used as they are.
    UseCard,
    /// The card's directories are used and get this epoch.
    RestoreFromCopy(Epoch),
    /// The card's directories are used, for the first time.
    BeginOnCard,
}

/// Returns the newer place on the card and its epoch.
pub fn newest_on_card(view: View) -> (OnCard, Epoch) {
    if view.copy > view.directories {
        (OnCard::Copy, view.copy)
    } else {
        (OnCard::Directories, view.directories)
    }
}

/// Returns where the state lives from now on.
pub fn decide(view: View) -> Verdict {
    let (place, on_card) = newest_on_card(view);
    match view.stick {
        Some(on_stick) if on_stick == Epoch(0) || on_card > on_stick => {
            Verdict::MoveToStick(place, Epoch(on_card.max(on_stick).0.saturating_add(1)))
        }
        Some(_) => Verdict::UseStick,
        None if place == OnCard::Copy => Verdict::RestoreFromCopy(Epoch(on_card.0.saturating_add(1))),
        None if on_card == Epoch(0) => Verdict::BeginOnCard,
        None => Verdict::UseCard,
    }
}

/// Returns whether a node must join the swarm again instead of going on from the copy on its card.
///
/// Rule: a manager of several never goes on from a copy of its raft log.
///
/// Why: the copy is older than what the other managers remember of this one, and Docker ends in a panic or in two swarms
/// when a manager comes back with less than it has confirmed. A lone manager has nobody who could contradict it.
pub fn joins_anew(copy_has_raft: bool, role: Role, managers: usize) -> bool {
    copy_has_raft && (role != Role::Manager || managers > 1)
}

/// The stick as a node finds it before Docker and glusterd start.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AtBoot {
    /// The node has no brick by the cluster file.
    NoBrick,
    /// The card has never seen a stick.
    NeverSawAStick,
    /// The stick that the card knows is not there, or cannot be mounted, or carries another node's mark.
    KnownStickUnusable,
    /// The stick that the card knows is mounted.
    KnownStickMounted,
}

/// The decision before Docker and glusterd start.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BootVerdict {
    /// Go on without a stick.
    GoOnWithoutStick,
    /// Go on with the stick.
    GoOnWithStick,
    /// The brick stage decides; Docker and glusterd wait for it.
    LeaveToBrickStage,
}

/// Returns where the state is looked for before Docker and glusterd start.
///
/// Rule: the card's copy is used only when the stick that this card knows does not come within a minute; a card that has
/// never seen a stick decides nothing.
///
/// Why: going on from the copy loses what came after it, and a new card in a node with an old stick knows nothing at all.
pub fn at_boot(view: AtBoot) -> BootVerdict {
    match view {
        AtBoot::NoBrick | AtBoot::KnownStickUnusable => BootVerdict::GoOnWithoutStick,
        AtBoot::NeverSawAStick => BootVerdict::LeaveToBrickStage,
        AtBoot::KnownStickMounted => BootVerdict::GoOnWithStick,
    }
}
