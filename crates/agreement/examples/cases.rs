//! Prints cases of every rule with the rule's verdict, one per line, as `RULE NAME=VALUE… => VERDICT`.
//!
//! `tests/firstboot/agreement.bash` puts a node into each case and compares what its shell does with the verdict.

use agreement::brick::{self, Asked, Noted};
use agreement::description::{self, Known};
use agreement::membership::{self, Future, Shown};
use agreement::pool::{self, Entry, Rejection};
use agreement::state::{self, AtBoot, Epoch};
use agreement::stick::{self, Contents, Disk, Permission, Wipe};
use agreement::swarm::{self, ManagerAnswer};
use agreement::volume::{self, Brick};
use agreement::{Begun, Home, Node, Role, first};

const BOTH: [bool; 2] = [false, true];
const BRICKS: [Brick; 3] = [Brick::Fresh, Brick::WithoutFiles, Brick::Files];

/// A note that tells of a swarm or volume, or none, and the place where this node has begun one.
const MEMORIES: [(bool, Begun); 4] = [
    (false, Begun::Nowhere),
    (false, Begun::Here),
    (false, Begun::Elsewhere),
    (true, Begun::Nowhere),
];

/// Runs the block for every combination of the values, and prints each line that it returns.
macro_rules! every {
    ($($name:pat in $values:expr),+ => $body:block) => {
        every!(@ $($name in $values),+ => { if let Some(line) = $body { println!("{line}"); } })
    };
    (@ $name:pat in $values:expr $(, $more:pat in $rest:expr)* => $body:block) => {
        for $name in $values { every!(@ $($more in $rest),* => $body) }
    };
    (@ => $body:block) => { $body };
}

fn main() {
    swarm_creation();
    half_made_swarms();
    swarm_membership();
    volume_creation();
    pool_entry();
    descriptions();
    descriptions_of_the_cluster();
    volume_changes();
    brick_use();
    brick_replies();
    first_members();
    rejections();
    lost_members();
    state_moves();
    copies_of_a_swarm();
    state_at_boot();
    sticks();
}

fn swarm_creation() {
    use swarm::Answer::{
        Manager, ManagerWithoutLeader, Member, None as NoSwarm, Silent, Unknown, UnknownMember,
    };
    const ANSWERS: [swarm::Answer; 7] = [
        Silent,
        Unknown,
        UnknownMember,
        NoSwarm,
        Member,
        ManagerWithoutLeader,
        Manager,
    ];
    let places = [
        (false, Home::Card),
        (true, Home::Undecided),
        (true, Home::Card),
        (true, Home::Stick),
    ];
    every!(
        is_first in BOTH, (has_brick, home) in places, (noted, begun) in MEMORIES, waited in BOTH, ordered in BOTH,
        manager in ANSWERS, worker in ANSWERS => {
            let others = [(Node(1), Role::Manager, manager), (Node(2), Role::Worker, worker)]
                .map(|(node, role, answer)| swarm::Other { node, role, answer });
            let verdict = swarm::decide(swarm::View {
                is_first_manager: is_first,
                has_brick,
                home,
                remembers_a_swarm: swarm::remembers_a_swarm(noted, begun),
                has_waited: waited,
                ordered,
                others: &others,
            });
            let heard = swarm::hears_of_a_swarm(&others);
            // The others decide nothing for a node that does not create the swarm.
            (is_first || (home == Home::Stick && !ordered)).then(|| format!(
                "swarm-creation first={is_first} brick={has_brick} home={home:?} noted={noted} begun={begun:?} \
                 waited={waited} ordered={ordered} manager={manager:?} worker={worker:?} heard={heard} => {verdict:?}"
            ))
        }
    );
}

fn half_made_swarms() {
    every!(is_first in BOTH, (noted, begun) in MEMORIES => {
        let verdict = swarm::is_half_made(is_first, noted, begun);
        Some(format!("swarm-half-made first={is_first} noted={noted} begun={begun:?} => {verdict}"))
    });
}

fn swarm_membership() {
    use ManagerAnswer::{Nothing, OtherSwarm, Replacement, SameSwarm, SameSwarmWithoutThisNode};
    const ANSWERS: [ManagerAnswer; 5] = [
        Nothing,
        SameSwarmWithoutThisNode,
        SameSwarm,
        OtherSwarm,
        Replacement,
    ];
    every!(
        node in ["worker", "manager", "first"], managers in [1, 3], one in ANSWERS, two in ANSWERS, three in ANSWERS => {
            let asked = if node == "worker" { managers } else { managers - 1 };
            let all = [one, two, three];
            let (answers, unused) = all.split_at(asked);
            let verdict = swarm::follow(swarm::MemberView {
                is_first_manager: node == "first",
                answers,
            });
            let is_possible = asked > 0 && unused.iter().all(|answer| *answer == Nothing);
            is_possible.then(|| format!(
                "swarm-membership node={node} managers={managers} one={one:?} two={two:?} three={three:?} => {verdict:?}"
            ))
        }
    );
}

fn volume_creation() {
    use volume::Answer::{Knows, None as NoVolume, Silent};
    const ANSWERS: [volume::Answer; 3] = [Silent, NoVolume, Knows];
    let places = [(true, Home::Stick), (true, Home::Card), (false, Home::Card)];
    every!(
        is_first in BOTH, (mounted, home) in places, brick in BRICKS, (told, begun) in MEMORIES, waited in BOTH,
        two in ANSWERS, three in ANSWERS, four in ANSWERS => {
            let others = [(1, true, two), (2, true, three), (3, false, four)]
                .map(|(node, has_brick, answer)| volume::Other { node: Node(node), has_brick, answer });
            let verdict = volume::decide(volume::View {
                is_first_brick_node: is_first,
                stick_is_mounted: mounted,
                home,
                brick,
                remembers_a_volume: volume::remembers_a_volume(told, begun),
                has_waited: waited,
                others: &others,
            });
            (is_first || waited).then(|| format!(
                "volume-creation first={is_first} mounted={mounted} home={home:?} brick={brick:?} told={told} \
                 begun={begun:?} waited={waited} two={two:?} three={three:?} four={four:?} => {verdict:?}"
            ))
        }
    );
}

fn pool_entry() {
    use pool::Answer::{Member, MemberOfAnotherVolume, MemberOfThisVolume, None as NoPool, Silent};
    const ANSWERS: [pool::Answer; 5] = [Silent, NoPool, Member, MemberOfThisVolume, MemberOfAnotherVolume];
    every!(
        in_pool in BOTH, has_peers in BOTH, is_first in BOTH, home in [Home::Stick, Home::Card], had_a_brick in BOTH,
        waited in BOTH, listed in BOTH, two in ANSWERS, three in ANSWERS => {
            let others = [(1, two), (2, three)]
                .map(|(node, answer)| pool::Other { node: Node(node), has_brick: true, answer });
            let view = pool::View {
                is_first_brick_node: is_first,
                home,
                had_a_brick,
                has_peers,
                is_in_pool: in_pool,
                has_waited: waited,
                others: &others,
            };
            let verdict = match pool::decide(view) {
                pool::Verdict::AskForMembers(node) => match pool::with_members(view, listed) {
                    Entry::Stay => "Stay".to_owned(),
                    entry => format!("{entry:?}({})", node.0),
                },
                verdict => format!("{verdict:?}"),
            };
            // A node in a pool knows the volume here, and one outside it does not.
            let names_volumes = [two, three]
                .iter()
                .any(|answer| matches!(answer, MemberOfThisVolume | MemberOfAnotherVolume));
            let is_possible = if in_pool {
                is_first && home == Home::Stick && !had_a_brick && !waited
            } else {
                !has_peers && !names_volumes
            };
            is_possible.then(|| format!(
                "pool-entry in_pool={in_pool} has_peers={has_peers} first={is_first} home={home:?} had={had_a_brick} \
                 waited={waited} listed={listed} two={two:?} three={three:?} => {verdict}"
            ))
        }
    );
}

fn descriptions() {
    let known = |version, checksum| Known::Description { version, checksum };
    let any = [
        Known::Nothing,
        Known::Unsound,
        known(1, 5),
        known(1, 6),
        known(2, 5),
        known(11, 5),
    ];
    let name = |known| match known {
        Known::Nothing => "none".to_owned(),
        Known::Unsound => "unsound".to_owned(),
        Known::Description { version, checksum } => format!("{checksum}-{version}"),
    };
    every!(
        one in any, two in any, three in any => {
            let members = [(Node(0), one), (Node(1), two), (Node(2), three)];
            let verdict = description::take_over_from(Node(1), &members);
            (two != Known::Nothing).then(|| format!(
                "description one={} two={} three={} => {verdict:?}", name(one), name(two), name(three)
            ))
        }
    );
}

fn descriptions_of_the_cluster() {
    const MINE: u32 = 5;
    every!(
        (number, name) in [(4, "lower"), (MINE, "same"), (6, "higher")], is_signed in BOTH, is_the_same in BOTH,
        knows_this_node in BOTH => {
            let shown = Shown { number, is_signed, is_the_same, knows_this_node };
            let is_possible = number == MINE || is_the_same;
            (is_possible && (knows_this_node || number > MINE)).then(|| format!(
                "description-shown number={name} signed={is_signed} same={is_the_same} knows={knows_this_node} => {:?}",
                membership::answer(MINE, shown)
            ))
        }
    );
}

/// Every volume of three bricks.
fn volume_changes() {
    const FUTURES: [(Future, &str); 3] = [
        (Future::Stays, "stays"),
        (Future::Leaves, "leaves"),
        (Future::Gone, "gone"),
    ];
    let mut any = Vec::new();
    every!(
        (future, name) in FUTURES, is_connected in BOTH, has_the_description in BOTH, is_blamed in BOTH => {
            let brick = membership::Brick { future, is_connected, has_the_description, is_blamed };
            let word = |fact| if fact { "yes" } else { "no" };
            let text = format!("{name}:{}:{}:{}", word(is_connected), word(has_the_description), word(is_blamed));
            any.push((brick, text));
            None::<String>
        }
    );
    every!(
        (one, first) in &any, (two, second) in &any, (three, third) in &any => {
            let verdict = membership::may_change(&[*one, *two, *three]);
            Some(format!("volume-change bricks={first},{second},{third} => {verdict}"))
        }
    );
}

fn brick_use() {
    every!(
        bricks in 0..=3, is_listed in BOTH, is_served in BOTH, brick in BRICKS,
        noted in [Noted::Nothing, Noted::ThisStick, Noted::AnotherStick] => {
            let verdict = brick::decide(brick::View { bricks, is_listed, is_served, brick, noted });
            (bricks > 0 || !is_listed).then(|| format!(
                "brick-use bricks={bricks} listed={is_listed} served={is_served} brick={brick:?} noted={noted:?} => {verdict:?}"
            ))
        }
    );
}

fn brick_replies() {
    every!(
        caller in ["data", "arbiter", "client"], knows_volume in BOTH, is_first in BOTH, bricks in 0..=3u8, settled in BOTH,
        is_sound in BOTH, is_listed in BOTH, has_majority in BOTH, unreached in 0..=2u8, first_is_unreached in BOTH,
        caller_is_there in BOTH, somebody_disagrees in BOTH, has_arbiter in BOTH, is_safe in BOTH => {
            let asked = Asked {
                has_brick: caller != "client",
                is_arbiter: caller == "arbiter",
                knows_volume,
                is_first,
                bricks,
                stored: if settled { bricks } else { bricks + 1 },
                is_sound,
                is_listed,
                has_majority,
                unreached,
                first_is_unreached,
                caller_is_there,
                somebody_disagrees,
                replica: 3,
                has_arbiter,
                is_safe,
            };
            let is_possible = unreached <= bricks
                && !(first_is_unreached && unreached == 0)
                && !(is_listed && bricks == 0)
                && (caller != "arbiter" || has_arbiter)
                && (knows_volume || bricks == 0)
                // Without the others' majority, and never otherwise, a change can be safe.
                && (!is_safe || !brick::can_write(unreached, first_is_unreached, bricks));
            is_possible.then(|| format!(
                "brick-reply caller={caller} knows={knows_volume} first={is_first} bricks={bricks} settled={settled} \
                 sound={is_sound} listed={is_listed} majority={has_majority} unreached={unreached} \
                 first_unreached={first_is_unreached} there={caller_is_there} disagrees={somebody_disagrees} \
                 arbiter={has_arbiter} safe={is_safe} => {:?}", brick::reply(asked)
            ))
        }
    );
}

fn first_members() {
    every!(
        one in BOTH, three in BOTH => {
            let connected: Vec<Node> = [(0, one), (1, true), (2, three)]
                .iter()
                .filter(|(_, is_connected)| *is_connected)
                .map(|(node, _)| Node(*node))
                .collect();
            Some(format!("first-member one={one} three={three} => {:?}", first::decide(&connected)))
        }
    );
}

fn rejections() {
    every!(
        accepted in 0..=1, rejected in 0..=3, members in 2..=4, disagrees in BOTH, nothing in BOTH => {
            let is_outvoted = pool::is_outvoted(Rejection {
                accepted,
                rejected,
                members,
                somebody_disagrees: disagrees,
                has_nothing_in_the_volume: nothing,
            });
            (rejected > 0 && accepted + rejected < members).then(|| format!(
                "rejection accepted={accepted} rejected={rejected} members={members} disagrees={disagrees} \
                 nothing={nothing} => {is_outvoted}"
            ))
        }
    );
}

fn lost_members() {
    every!(
        listed in BOTH, nothing in BOTH => {
            let leaves = pool::leaves(listed, nothing);
            Some(format!("lost-member listed={listed} nothing={nothing} => {leaves}"))
        }
    );
}

fn copies_of_a_swarm() {
    every!(
        raft in BOTH, role in [Role::Manager, Role::Worker], managers in 1..=3 => {
            let joins_anew = state::joins_anew(raft, role, managers);
            Some(format!("swarm-copy raft={raft} role={role:?} managers={managers} => {joins_anew}"))
        }
    );
}

fn state_at_boot() {
    use AtBoot::{KnownStickMounted, KnownStickUnusable, NeverSawAStick, NoBrick};
    every!(
        view in [NoBrick, NeverSawAStick, KnownStickUnusable, KnownStickMounted] => {
            Some(format!("state-at-boot view={view:?} => {:?}", state::at_boot(view)))
        }
    );
}

fn state_moves() {
    every!(
        stick in [None, Some(0), Some(1), Some(2), Some(3)], directories in 0..=3, copy in 0..=3 => {
            let verdict = state::decide(state::View {
                stick: stick.map(Epoch),
                directories: Epoch(directories),
                copy: Epoch(copy),
            });
            Some(format!(
                "state-move stick={} directories={directories} copy={copy} => {verdict:?}",
                stick.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string())
            ))
        }
    );
}

fn sticks() {
    use Contents::{Blank, Files, OtherCluster, OtherNode, Ours, Shop, Unfinished};
    const CONTENTS: [Contents; 7] = [Ours, Unfinished, OtherNode, OtherCluster, Blank, Shop, Files];
    let disk = |contents, is_system, is_large_enough| Disk {
        contents,
        is_system,
        is_large_enough,
    };
    every!(
        wipe in [Wipe::Never, Wipe::IfEmpty, Wipe::Always], used_up in BOTH, marker in BOTH,
        one in CONTENTS, system in BOTH, large in BOTH,
        two in [None, Some(Ours), Some(Unfinished), Some(Blank), Some(Files)] => {
            let mut disks = vec![disk(one, system, large)];
            disks.extend(two.map(|contents| disk(contents, false, true)));
            let verdict = stick::decide(&disks, Permission { wipe, used_up, marker });
            let name = |contents: Contents| format!("{contents:?}");
            (wipe == Wipe::Always || !used_up).then(|| format!(
                "stick wipe={wipe:?} used_up={used_up} marker={marker} one={one:?} system={system} large={large} two={} => \
                 {verdict:?}", two.map_or_else(|| "none".to_owned(), name)
            ))
        }
    );
}
