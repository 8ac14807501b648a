//! The creation of the swarm, and a member's change from one swarm to another.

use crate::{Begun, Home, Node, Role};

/// Another node's answer about its swarm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Answer {
    /// It does not answer.
    Silent,
    /// Its Docker is not up yet, and nothing of a swarm lies on its disk.
    Unknown,
    /// Its Docker is not up yet, and a swarm's certificate lies on its disk.
    UnknownMember,
    /// It is in no swarm.
    None,
    /// It is in a swarm, but not as an active manager.
    Member,
    /// It is an active manager of a swarm that has no leader, because too few of its managers are left or up.
    ManagerWithoutLeader,
    /// It is an active manager of a swarm.
    Manager,
}

/// Another node's answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Other {
    /// The node that was asked.
    pub node: Node,
    /// Its role in the cluster file.
    pub role: Role,
    /// Its answer.
    pub answer: Answer,
}

impl Other {
    /// Returns true if it is an active manager that counts as one. Without a leader it does not where the owner has `ordered` a new swarm.
    fn is_manager(self, ordered: bool) -> bool {
        let manages = match self.answer {
            Answer::Manager => true,
            Answer::ManagerWithoutLeader => !ordered,
            _ => false,
        };
        manages && self.role == Role::Manager
    }

    /// Returns true if it is in a swarm, or was when its Docker last ran.
    fn is_member(self) -> bool {
        matches!(
            self.answer,
            Answer::Member | Answer::UnknownMember | Answer::ManagerWithoutLeader | Answer::Manager
        )
    }
}

/// The view of a node outside any swarm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct View<'a> {
    /// True if this node is the first manager in the nodes file.
    pub is_first_manager: bool,
    /// True if this node has a brick by the cluster file.
    pub has_brick: bool,
    /// The place where its state lives.
    pub home: Home,
    /// True if any place on this node remembers a swarm; [`remembers_a_swarm`] says what counts.
    pub remembers_a_swarm: bool,
    /// True if it has been up so long that it no longer waits for silent nodes.
    pub has_waited: bool,
    /// True if the owner has ordered a new swarm.
    pub ordered: bool,
    /// The other nodes, in the nodes file's order.
    pub others: &'a [Other],
}

/// The thing that a node waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wait {
    /// A manager that is silent and may know the swarm.
    SilentManager,
    /// Any other node that is silent and may belong to a swarm.
    SilentNode,
    /// Its stick, on which a swarm may lie.
    Stick,
}

/// The reason why only the owner can decide.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OwnerDecides {
    /// Other nodes still belong to a swarm that has lost its first manager's state.
    OthersBelongToALostSwarm,
    /// This node was in a swarm and has lost it.
    ThisNodeLostItsSwarm,
}

/// The next step of a node outside any swarm.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// It asks the managers for a token, in the nodes file's order.
    Join,
    /// It tries again later.
    Wait(Wait),
    /// It leaves the decision to the owner.
    AskOwner(OwnerDecides),
    /// It creates the swarm.
    Create,
}

/// Returns what a node outside any swarm does.
///
/// Rule: only the first manager creates a swarm, only after every other node has said that it is in none, only with its
/// stick, and never when any place on it remembers a swarm; after ten minutes it no longer waits for nodes that stay silent.
/// A worker in the cluster file that says it is a manager counts as any member, and so does a manager without a leader once
/// the owner has ordered a new swarm.
///
/// Why: a token exists only after a swarm does, so one node has to begin. Fixing which one leaves no race. Asking everyone
/// finds a swarm that the first manager has forgotten with its card and stick, and a stick that is not plugged in may hold
/// one that nobody has joined yet. The ten minutes are the price for a cluster whose other nodes do not exist yet. A worker in
/// a stranger's hands must not be the node that all others join, nor stop the owner from forming a new swarm. Two of four
/// managers that are left can neither let a node join nor be taken as proof that the swarm lives.
pub fn decide(view: View) -> Verdict {
    let has_manager = view.others.iter().any(|other| other.is_manager(view.ordered));
    if !view.is_first_manager || has_manager {
        return Verdict::Join;
    }
    if view.ordered {
        return Verdict::Create;
    }
    let silent = |other: &Other| {
        matches!(
            other.answer,
            Answer::Silent | Answer::Unknown | Answer::UnknownMember
        )
    };
    let waits_for = |managers_only: bool| {
        !view.has_waited
            && view
                .others
                .iter()
                .any(|other| silent(other) && (!managers_only || other.role == Role::Manager))
    };
    if waits_for(true) {
        return Verdict::Wait(Wait::SilentManager);
    }
    if view.others.iter().any(|other| other.is_member()) {
        return Verdict::AskOwner(OwnerDecides::OthersBelongToALostSwarm);
    }
    if view.remembers_a_swarm {
        return Verdict::AskOwner(OwnerDecides::ThisNodeLostItsSwarm);
    }
    if waits_for(false) {
        return Verdict::Wait(Wait::SilentNode);
    }
    if view.has_brick && view.home != Home::Stick {
        return Verdict::Wait(Wait::Stick);
    }
    Verdict::Create
}

/// Returns whether the first manager notes that there is a swarm, by what the others have just said.
///
/// Rule: a swarm that any node has told of counts like one that this node was in.
///
/// Why: the node that told of it may be silent in the next round, and silence does not stop the first manager forever.
pub fn hears_of_a_swarm(others: &[Other]) -> bool {
    others.iter().any(|other| other.is_member())
}

/// Returns whether a node outside any swarm remembers one, `noted` being whether a note of it lies on its card or stick.
///
/// Rule: a swarm that was begun in another place counts like one that was noted; one that was begun here and is not there
/// was never created.
///
/// Why: the note of a swarm lies beside its state, and the card has no copy of either yet when the stick is pulled out.
pub fn remembers_a_swarm(noted: bool, begun: Begun) -> bool {
    noted || begun == Begun::Elsewhere
}

/// Returns whether a swarm whose managers do not answer this node's Docker is one that it was making when the power failed. The node
/// then does what [`decide`] says about a node outside any swarm.
///
/// Rule: the first manager has begun it here, and has never noted that it was whole.
///
/// Why: Docker waits forever for the managers of such a swarm, of which it would be the only one. A swarm is noted when it is first
/// seen whole, and no other node gets a token before that.
pub fn is_half_made(is_first_manager: bool, noted: bool, begun: Begun) -> bool {
    is_first_manager && !noted && begun == Begun::Here
}

/// Another manager's answer to a member of a swarm.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ManagerAnswer {
    /// It does not answer, or is not an active manager.
    Nothing,
    /// It manages this node's swarm, and this node's identity is not among the members.
    SameSwarmWithoutThisNode,
    /// It manages this node's swarm.
    SameSwarm,
    /// It manages another swarm, which does not replace this node's.
    OtherSwarm,
    /// It manages a swarm that the owner formed in place of this node's.
    Replacement,
}

/// The view of a member of a swarm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemberView<'a> {
    /// True if this node is the first manager in the nodes file.
    pub is_first_manager: bool,
    /// The other managers' answers, in the nodes file's order.
    pub answers: &'a [ManagerAnswer],
}

/// The next step of a member of a swarm.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MemberVerdict {
    /// It stays.
    Stay,
    /// It joins the same swarm again, through a manager that it knows how to reach.
    JoinAnew,
    /// It leaves for the swarm that replaces its own.
    Leave,
    /// It leaves the decision to the owner.
    AskOwner,
}

/// Returns what a member of a swarm does about the other managers' answers.
///
/// Rule: the first manager in the nodes file's order that answers decides; a member whose identity was removed joins again,
/// and a node leaves its swarm only for one that the owner formed in place of it.
///
/// Why: a member does not notice by itself that its managers are lost. One that comes back with a
/// card or stick from before has an identity that was removed when it joined again, or that a manager's copy does not know
/// yet, and Docker goes on with it forever. Only the owner can give up a swarm.
pub fn follow(view: MemberView) -> MemberVerdict {
    for answer in view.answers {
        match answer {
            ManagerAnswer::Nothing => {}
            ManagerAnswer::SameSwarmWithoutThisNode => return MemberVerdict::JoinAnew,
            ManagerAnswer::OtherSwarm | ManagerAnswer::Replacement if view.is_first_manager => {}
            ManagerAnswer::SameSwarm => return MemberVerdict::Stay,
            ManagerAnswer::OtherSwarm => return MemberVerdict::AskOwner,
            ManagerAnswer::Replacement => return MemberVerdict::Leave,
        }
    }
    MemberVerdict::Stay
}
