//! Worlds that differ in the order of equal workers only.

use super::{Swarm, World, entries, told};

impl Swarm {
    /// Sorts the workers of each kind, and their bits in every list.
    pub(super) fn sort_workers(&self, world: &mut World) {
        let before = *world;
        let entry = |members: u16, node: usize| entries(members, node) >> (node * 4);
        let mut order: Vec<usize> = (self.managers..self.nodes).collect();
        order.sort_by_key(|&node| {
            let lists = before.boards[0].places().map(|place| entry(place.members, node));
            let shared = before.members.map(|members| entry(members, node));
            (
                node >= self.troubled,
                before.boards[node],
                lists,
                shared,
                before.heard >> node & 1,
                told(&before, node),
            )
        });
        let places = || {
            order
                .iter()
                .enumerate()
                .map(|(place, &node)| (self.managers + place, node))
        };
        let moved = |members: u16| {
            let managers = members & !(u16::MAX << (self.managers * 4));
            places().fold(managers, |all, (place, node)| {
                all | entry(members, node) << (place * 4)
            })
        };
        let media = &mut world.boards[0].media;
        let [first, second] = &mut media.sticks;
        for place in [
            &mut media.directories,
            &mut media.copy,
            &mut first.place,
            &mut second.place,
        ] {
            place.state.members = moved(place.state.members);
        }
        world.members = before.members.map(moved);
        let managers = before.heard & !(u8::MAX << self.managers);
        world.heard = places().fold(managers, |all, (place, node)| {
            all | (before.heard >> node & 1) << place
        });
        if let (Some(told), Some(before)) = (&mut world.told, &before.told) {
            for (place, node) in places() {
                told[place - 1] = before[node - 1];
            }
        }
        for (place, node) in places() {
            world.boards[place] = before.boards[node];
        }
    }
}
