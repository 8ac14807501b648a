//! The effects of the steps.

use super::{
    Group, MOST_IDS, MOST_VOLUMES, OF_ANOTHER_VOLUME, Step, Storage, Store, World, bit, carry, peer, set_peer,
};
use crate::NAMES;
use agreement::brick::{Before, Reply};
use agreement::pool::Entry;

impl Storage {
    pub(super) fn after(&self, before: &World, step: Step) -> World {
        let mut world = *before;
        match step {
            Step::Media(node, step) => {
                let formats = world.boards[node]
                    .media
                    .stick()
                    .is_some_and(|stick| !stick.formatted);
                world.boards[node].apply(step, self.rules.place, carry);
                world.losses_left -= u8::from(step.is_loss());
                if formats
                    && world.boards[node]
                        .media
                        .stick()
                        .is_some_and(|stick| stick.formatted)
                {
                    *world.brick_mut(node) = 0;
                }
            }
            Step::TenMinutes => world.has_waited = true,
            Step::Hear(_) => self.hear(&mut world),
            Step::Pool(node, group) => self.enter_pool(&mut world, node, group),
            Step::PoolCutOff(node, group) => {
                self.enter_pool(&mut world, node, group);
                world.boards[node] = before.boards[node];
                world.boards[node].switch_off();
                world.losses_left -= 1;
            }
            Step::Create(_) | Step::CreateCutOff(_) => {
                self.create(&mut world, matches!(step, Step::CreateCutOff(_)));
            }
            Step::Brick(node, group, stored) => self.change_brick(&mut world, node, group, stored),
            Step::TakeOver(node, group) => {
                let from = self.better(before, node, group).unwrap();
                take_place_again(&mut world, node, from, group);
            }
            Step::Outvoted(node, group) => {
                let member = self.is_outvoted(before, node, group).unwrap();
                take_place_again(&mut world, node, member, group);
            }
            Step::Meet(node, other) => import(&mut world, node, other),
            Step::Write(node, group) => {
                let store = before.newest_known(node, group).unwrap();
                let reached = self.written(before, node, group).unwrap();
                world.writes += 1;
                for other in (0..self.nodes).filter(|&other| store.bricks & bit(other) != 0) {
                    // A brick that is behind already stays so until it is healed.
                    let is_good = reached & bit(other) != 0 && before.behind & bit(other) == 0;
                    if is_good && before.brick(other) == Some(before.newest()) {
                        *world.brick_mut(other) = world.newest();
                    } else {
                        world.behind |= bit(other);
                    }
                }
            }
            Step::Heal(node, _) => {
                *world.brick_mut(node) = world.newest();
                world.behind &= !bit(node);
            }
        }
        if world.boards[0].home() != before.boards[0].home() {
            world.has_waited = false;
            world.heard = false;
        }
        self.give_identities(&mut world);
        self.forget_what_is_dead(&mut world);
        world
    }

    fn hear(&self, world: &mut World) {
        world.heard = true;
        world.boards[0].live_mut().told = self.rules.notes_what_it_is_told;
    }

    fn enter_pool(&self, world: &mut World, node: usize, group: Group) {
        if self.hears(world, node, group) {
            self.hear(world);
        }
        let Some((member, entry)) = self.door(world, node, group) else {
            return;
        };
        if entry == Entry::TakePlaceAgain {
            take_place_again(world, node, member, group);
        } else {
            let id = world.live(node).unwrap().id;
            let connected = world.connected(member, group);
            let theirs = world.live(member).unwrap();
            for other in connected {
                set_peer(world.boards[other].live_mut(), node, id);
            }
            let store = world.boards[node].live_mut();
            store.peers = theirs.peers;
            set_peer(store, member, theirs.id);
            import(world, node, member);
        }
    }

    fn create(&self, world: &mut World, is_cut_off: bool) {
        world.boards[0].begin();
        if is_cut_off {
            *world.brick_mut(0) = 1;
            world.boards[0].switch_off();
            world.losses_left -= 1;
            return;
        }
        let is_free = |volume: &u8| {
            world.boards[..self.nodes]
                .iter()
                .all(|board| board.places().iter().all(|store| store.volume != *volume))
        };
        let Some(volume) = (1..=MOST_VOLUMES).find(is_free) else {
            return;
        };
        world.writes = 0;
        world.behind = 0;
        world.aside = 0;
        for age in world.bricks.iter_mut().flatten().filter(|age| **age > 0) {
            *age = OF_ANOTHER_VOLUME;
        }
        *world.brick_mut(0) = 1;
        let store = world.boards[0].live_mut();
        *store = Store {
            volume,
            version: 1,
            bricks: bit(0),
            ..*store
        };
    }

    fn change_brick(&self, world: &mut World, node: usize, group: Group, stored: Group) {
        let change = self.brick_change(world, node, group).unwrap();
        let mounted = world.boards[node].media.known;
        if change.before == Before::SetAside {
            let age = std::mem::take(world.brick_mut(node));
            // Without a file it is removed.
            world.aside |= if age > 1 { 1 << age } else { 0 };
        }
        let Some((first, reply)) = change.change else {
            if change.before == Before::Keep && world.can_be_noted(node) {
                // Without a note it is noted once a full heal has begun.
                if !change.note {
                    world.mark_if_old(node);
                }
                world.boards[node].live_mut().noted = mounted;
            }
            return;
        };
        let connected = world
            .connected(first, group)
            .into_iter()
            .fold(0, |all, other| all | bit(other));
        if stored != connected {
            world.losses_left -= 1;
        }
        let theirs = world.live(first).unwrap();
        let bricks = if reply == Reply::Replace {
            theirs.bricks
        } else {
            theirs.bricks | bit(node)
        };
        for other in (0..self.nodes).filter(|&other| stored & bit(other) != 0) {
            let store = world.boards[other].live_mut();
            store.version = theirs.version + 1;
            store.bricks = bricks;
            store.volume = theirs.volume;
        }
        if stored & bit(node) != 0 {
            *world.brick_mut(node) = 1;
            world.behind &= !bit(node);
            world.mark_if_old(node);
            world.boards[node].live_mut().noted = mounted;
        }
    }

    /// glusterd has an identity as soon as it has run.
    fn give_identities(&self, world: &mut World) {
        for node in 0..self.nodes {
            if world.live(node).is_some_and(|store| store.id == 0) {
                let is_free = |id: &u8| {
                    world.boards[node].places().iter().all(|store| store.id != *id)
                        && world
                            .boards
                            .iter()
                            .all(|board| board.places().iter().all(|store| peer(*store, node) != *id))
                };
                if let Some(id) = (1..=MOST_IDS).find(is_free) {
                    world.boards[node].live_mut().id = id;
                }
            }
        }
    }

    /// Clears what nothing can depend on any more, so that fewer worlds differ.
    fn forget_what_is_dead(&self, world: &mut World) {
        if world.live(0).is_none_or(|store| store.volume != 0) {
            world.has_waited = false;
            world.heard = false;
        }
        for node in 0..self.nodes {
            let board = &mut world.boards[node];
            if node == 0 && board.live().is_some_and(|store| store.volume != 0) {
                board.live_mut().told = false;
            }
            // Its notes are used again.
            let dead = board.media.dead_on_card();
            *dead = Store {
                noted: dead.noted,
                told: dead.told,
                ..Store::default()
            };
        }
    }
}

impl World {
    /// A full heal finds what a brick lacks.
    fn mark_if_old(&mut self, node: usize) {
        if self.brick(node).is_some_and(|age| age != self.newest()) {
            self.behind |= bit(node);
        }
    }
}

/// A node takes the identity, the peers and the volume that a member knows.
fn take_place_again(world: &mut World, node: usize, from: usize, group: Group) {
    let theirs = world.live(from).unwrap();
    let store = world.boards[node].live_mut();
    if store.volume != 0 && theirs.volume != 0 && store.volume != theirs.volume {
        return;
    }
    store.id = peer(theirs, node);
    store.peers = theirs.peers;
    set_peer(store, node, 0);
    set_peer(store, from, theirs.id);
    store.volume = 0;
    store.version = 0;
    store.bricks = 0;
    for other in world.connected(node, group) {
        import(world, node, other);
    }
}

/// A node takes over a peer's description of the volume when that is newer, and hears of its peers.
fn import(world: &mut World, node: usize, from: usize) {
    let theirs = world.live(from).unwrap();
    let others = (0..NAMES.len()).filter(|&other| other != node && peer(theirs, other) != 0);
    let store = world.boards[node].live_mut();
    for other in others {
        if peer(*store, other) == 0 {
            set_peer(store, other, peer(theirs, other));
        }
    }
    if theirs.volume != 0 && (store.volume == 0 || store.version < theirs.version) {
        store.volume = theirs.volume;
        store.version = theirs.version;
        store.bricks = theirs.bricks;
    }
}
