//! Who creates the swarm, and when a member of one swarm changes to another.

use crate::{Home, Node, Role};

/// What another node says about its swarm.
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

/// What a node outside any swarm sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct View<'a> {
    /// Whether this node is the first manager in the nodes file.
    pub is_first_manager: bool,
    /// Whether this node has a brick by the cluster file.
    pub has_brick: bool,
    /// Where its state lives.
    pub home: Home,
    /// Whether any place on this node remembers a swarm.
    pub remembers_a_swarm: bool,
    /// Whether it has been up so long that it no longer waits for silent nodes.
    pub has_waited: bool,
    /// Whether the owner has ordered a new swarm.
    pub ordered: bool,
    /// The other nodes, in the nodes file's order.
    pub others: &'a [Other],
}

/// What a node waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wait {
    /// A manager that is silent and may know the swarm.
    SilentManager,
    /// Any other node that is silent and may belong to a swarm.
    SilentNode,
    /// Its stick, or one node that answers, because without the stick it does not know its own past.
    StickOrAnswer,
}

/// Why only the owner can decide.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    /// Other nodes still belong to a swarm that has lost its first manager's state.
    OthersBelongToALostSwarm,
    /// This node was in a swarm and has lost it.
    ThisNodeLostItsSwarm,
}

/// What a node outside any swarm does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// It asks the managers for a token, in the nodes file's order.
    Join,
    /// It tries again later.
    Wait(Wait),
    /// It leaves the decision to the owner.
    AskOwner(Owner),
    /// It creates the swarm.
    Create,
}

/// Returns what a node outside any swarm does.
///
/// Rule: only the first manager creates a swarm, only after every other node has said that it is in none, and never when
/// any place on it remembers a swarm; after ten minutes it no longer waits for nodes that stay silent.
///
/// Why: a token exists only after a swarm does, so one node has to begin. Fixing which one leaves no race. Asking everyone
/// finds a swarm that the first manager has forgotten with its card and stick. The ten minutes are the price for a cluster
/// whose other nodes do not exist yet.
pub fn decide(view: View) -> Verdict {
    if !view.is_first_manager || view.others.iter().any(|other| other.answer == Answer::Manager) {
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
    if view
        .others
        .iter()
        .any(|other| matches!(other.answer, Answer::Member | Answer::UnknownMember))
    {
        return Verdict::AskOwner(Owner::OthersBelongToALostSwarm);
    }
    if view.remembers_a_swarm {
        return Verdict::AskOwner(Owner::ThisNodeLostItsSwarm);
    }
    if waits_for(false) {
        return Verdict::Wait(Wait::SilentNode);
    }
    let nobody_answered = !view.others.iter().any(|other| other.answer == Answer::None);
    if view.has_brick && view.home != Home::Stick && nobody_answered && !view.others.is_empty() {
        return Verdict::Wait(Wait::StickOrAnswer);
    }
    Verdict::Create
}

/// What another manager says to a member of a swarm.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ManagerAnswer {
    /// It does not answer, or is not an active manager.
    Nothing,
    /// It manages this node's swarm and did not say at which address.
    SameSwarm,
    /// It manages this node's swarm, at an address where this node looks for it.
    SameSwarmWhereExpected,
    /// It manages this node's swarm, at an address where this node does not look for it.
    SameSwarmElsewhere,
    /// It manages another swarm, which does not replace this node's.
    OtherSwarm,
    /// It manages a swarm that the owner formed in place of this node's.
    Replacement,
}

/// What a member of a swarm sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemberView<'a> {
    /// Whether this node is the first manager in the nodes file.
    pub is_first_manager: bool,
    /// Whether this node is, or was, one of the swarm's managers.
    pub has_raft: bool,
    /// How many managers the nodes file has.
    pub managers: usize,
    /// The other managers' answers, in the nodes file's order.
    pub answers: &'a [ManagerAnswer],
}

/// What a member of a swarm does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MemberVerdict {
    /// It stays.
    Stay,
    /// It redirects what it sends to the manager's old address, and stays.
    RedirectToManager,
    /// It joins the same swarm anew, through a manager that it knows how to reach.
    JoinAnew,
    /// It leaves for the swarm that replaces its own.
    Leave,
    /// It leaves the decision to the owner.
    AskOwner,
}

/// Returns what a member of a swarm does about the other managers' answers.
///
/// Rule: the first manager in the nodes file's order that answers decides; a node leaves its swarm only for one that the
/// owner formed in place of it.
///
/// Why: a worker notices neither that its managers have moved nor that they are lost, and only the owner can give up a swarm.
pub fn follow(view: MemberView) -> MemberVerdict {
    if view.is_first_manager {
        return MemberVerdict::Stay;
    }
    let mut moved = false;
    for answer in view.answers {
        match answer {
            ManagerAnswer::Nothing => {}
            ManagerAnswer::SameSwarmWhereExpected | ManagerAnswer::SameSwarmElsewhere
                if view.managers == 1 && !view.has_raft =>
            {
                return MemberVerdict::RedirectToManager;
            }
            ManagerAnswer::SameSwarmElsewhere if view.has_raft => return MemberVerdict::Stay,
            ManagerAnswer::SameSwarm | ManagerAnswer::SameSwarmWhereExpected => return MemberVerdict::Stay,
            ManagerAnswer::SameSwarmElsewhere => moved = true,
            ManagerAnswer::OtherSwarm => return MemberVerdict::AskOwner,
            ManagerAnswer::Replacement => return MemberVerdict::Leave,
        }
    }
    if moved {
        MemberVerdict::JoinAnew
    } else {
        MemberVerdict::Stay
    }
}
