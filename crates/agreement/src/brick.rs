//! The steps by which a node's brick gets into the volume, seen from the node and from the member that is asked.

use crate::volume::Brick;

/// The stick whose brick the volume knows as this node's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Noted {
    /// None is noted: taking it in was cut off, or never begun.
    Nothing,
    /// The stick that is mounted.
    ThisStick,
    /// Another stick, which this node used after this one.
    AnotherStick,
}

/// A node's view of its own brick, once it knows the volume.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct View {
    /// The number of bricks that glusterd lists; 0 if it does not say.
    pub bricks: u8,
    /// True if it lists this node's.
    pub is_listed: bool,
    /// True if a process serves the brick.
    pub is_served: bool,
    /// The contents of the brick.
    pub brick: Brick,
    /// The stick that the state names.
    pub noted: Noted,
}

/// The treatment of what lies in the brick now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Before {
    /// It is left as it is.
    Keep,
    /// It is renamed, or removed when no file is in it.
    SetAside,
}

/// The node's next step with its brick.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// glusterd does not say which bricks the volume has.
    WaitForGlusterd,
    /// The brick is served, and glusterd does not list it.
    WaitForList,
    /// It is the volume's brick as it is.
    Serve {
        /// True if this stick is noted at once; otherwise after a full heal has begun.
        note: bool,
    },
    /// The first member is asked to take in an empty brick.
    Offer(Before),
    /// It leaves the decision to the owner: the volume's only brick was on a stick that is gone.
    AskOwner(Before),
}

/// Returns what a node does with its brick.
///
/// Rule: a brick that the volume lists is served as it is when its stick is the one that was noted; a stick that was
/// replaced by another one in between is emptied and filled from the others; nothing with a file in it is removed.
///
/// Why: a stick that was away holds old files that nobody marks as old once another stick has taken its place.
pub fn decide(view: View) -> Verdict {
    if view.bricks == 0 {
        return Verdict::WaitForGlusterd;
    }
    if !view.is_listed {
        return if view.is_served {
            Verdict::WaitForList
        } else {
            Verdict::Offer(Before::SetAside)
        };
    }
    let replaced = view.noted == Noted::AnotherStick && view.brick != Brick::Fresh;
    if view.brick != Brick::Fresh && !replaced {
        return Verdict::Serve {
            note: view.noted == Noted::ThisStick || view.bricks == 1,
        };
    }
    let before = if replaced { Before::SetAside } else { Before::Keep };
    if view.bricks > 1 {
        Verdict::Offer(before)
    } else {
        Verdict::AskOwner(before)
    }
}

/// The view of the member that is asked to take a brick in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Asked {
    /// True if the caller has a brick by the cluster file.
    pub has_brick: bool,
    /// True if the caller is the arbiter.
    pub is_arbiter: bool,
    /// True if this member knows the volume.
    pub knows_volume: bool,
    /// True if this member is the first one in the pool.
    pub is_first: bool,
    /// The number of bricks that glusterd lists.
    pub bricks: u8,
    /// The number of bricks that glusterd has stored.
    pub stored: u8,
    /// True if every brick is a replica of the others.
    pub is_sound: bool,
    /// True if glusterd lists the caller's brick.
    pub is_listed: bool,
    /// True if more than half of the pool is connected.
    pub has_majority: bool,
    /// The number of the volume's bricks that belong to members which are not connected.
    pub unreached: u8,
    /// True if the volume's first brick is one of those.
    pub first_is_unreached: bool,
    /// True if the caller answers at its own name.
    pub caller_is_there: bool,
    /// True if another member says that it knows the volume otherwise.
    pub somebody_disagrees: bool,
    /// The number of bricks of a complete volume, the arbiter's included.
    pub replica: u8,
    /// True if the cluster has an arbiter.
    pub has_arbiter: bool,
    /// True if a brick may be added (`membership::may_change`), and none is to be taken out first.
    pub is_safe: bool,
}

/// The reply of the member that is asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reply {
    /// The caller cannot have a brick.
    No,
    /// The caller asks again later.
    NotYet,
    /// The caller asks the first member.
    Elsewhere,
    /// The volume has all its bricks.
    Spare,
    /// The caller's empty brick takes the place of its old one.
    Replace,
    /// The caller's brick is added, with this many bricks afterwards.
    Add(u8),
}

/// Returns what the asked member does about an empty brick.
///
/// Rule: only the first connected member changes the volume, only with more than half of the pool connected, only while the
/// members that are not connected cannot write to their bricks, and only on top of a volume that everyone who answers
/// knows alike. A brick is added as `membership::may_change` says.
///
/// Why: Gluster makes two different volumes of two changes that do not know of each other. Members that can write and do
/// not know of a new brick write past it, and nothing tells the brick later that it lacks something.
pub fn reply(asked: Asked) -> Reply {
    if !asked.has_brick {
        return Reply::No;
    }
    if !asked.knows_volume {
        return Reply::NotYet;
    }
    if !asked.is_first {
        return Reply::Elsewhere;
    }
    let is_settled = asked.bricks > 0 && asked.bricks == asked.stored;
    if can_write(asked.unreached, asked.first_is_unreached, asked.bricks) {
        return Reply::NotYet;
    }
    if !is_settled || !asked.has_majority || !asked.caller_is_there || !asked.is_sound {
        return Reply::NotYet;
    }
    if asked.is_listed {
        return Reply::Replace;
    }
    if asked.somebody_disagrees {
        return Reply::NotYet;
    }
    let with_data = asked.replica.saturating_sub(u8::from(asked.has_arbiter));
    let more = asked.bricks.saturating_add(1);
    let has_turn = if asked.is_arbiter {
        more == asked.replica
    } else {
        asked.bricks < with_data
    };
    match (has_turn, asked.is_arbiter) {
        (true, _) if asked.is_safe => Reply::Add(more),
        (true, _) | (false, true) => Reply::NotYet,
        (false, false) => Reply::Spare,
    }
}

/// Returns whether `count` of a volume's bricks take a write: more than half of them, or half with the first among them.
pub fn can_write(count: u8, has_first: bool, bricks: u8) -> bool {
    let twice = count.saturating_mul(2);
    twice > bricks || (twice == bricks && has_first && bricks > 0)
}
