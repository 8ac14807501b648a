//! The steps that the cluster can take next, and the rules that hold afterwards.

use agreement::membership::{Answer, Shown};

use super::{DIVIDED, LOST, Membership, Nodes, ROLLBACK, Step, Volume, World, all_of, has, newest};
use crate::NAMES;
use crate::search::Model;

impl Model for Membership {
    type World = World;
    type Step = Step;

    fn begin(&self) -> World {
        let bricks = self.descriptions[0].0;
        let each = |node: usize| has(bricks, node);
        World {
            published: 1,
            on: bricks & !self.lost(),
            knows: std::array::from_fn(|node| u8::from(each(node))),
            volume: std::array::from_fn(|node| {
                if each(node) {
                    Volume { version: 1, bricks }
                } else {
                    Volume::default()
                }
            }),
            complete: bricks,
            blames: [0; 4],
            cuts: self.cuts,
            old_cards: self.old_cards,
        }
    }

    fn steps(&self, world: &World) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.owner_may_publish(world) {
            steps.push(Step::Publish);
        }
        for node in 0..NAMES.len() {
            if !has(world.on, node) {
                // Sooner, it is not lost: the owner would have it leave.
                let all_know = all_of(world.on).all(|other| world.knows[other] == world.published);
                let is_awaited = has(self.lost(), node) && (world.published == 1 || !all_know);
                if !is_awaited && (world.knows[node] > 0 || has(self.nodes(world.published), node)) {
                    steps.push(Step::SwitchOn(node));
                }
                if world.old_cards > 0 && !is_awaited && has(self.descriptions[0].0, node) {
                    steps.push(Step::OldCard(node));
                }
                continue;
            }
            if world.cuts > 0 {
                steps.push(Step::SwitchOff(node));
            }
            let is_known = world.knows.contains(&world.published);
            if world.knows[node] < world.published && !(self.hearing.owner_goes && is_known) {
                steps.push(Step::OwnerShows(node));
            }
            let mine = self.nodes(world.knows[node]);
            if !has(mine, node) {
                continue;
            }
            for other in all_of(mine & world.on) {
                if other == node || !self.finds(world, node, other) {
                    continue;
                }
                if world.knows[other] != world.knows[node] {
                    steps.push(Step::Show(node, other));
                }
                // One that does not know this node listens to what it shows, and answers nothing else.
                let is_listed = has(self.nodes(world.knows[other]), node);
                if self.hearing.fetches && world.knows[other] > world.knows[node] && is_listed {
                    steps.push(Step::Fetch(node, other));
                }
            }
            let volume = world.volume[node];
            if self.source_for(world, node).is_some() {
                steps.push(Step::Heal(node));
            }
            let is_newer = |other: usize| {
                let theirs = world.volume[other];
                theirs.version > volume.version && (volume.version > 0 || has(theirs.bricks, node))
            };
            // glusterd hears of a newer volume when it meets the others, before its node's programs write.
            if all_of(self.connected(world, node)).any(is_newer) {
                steps.push(Step::TakeOver(node));
            } else if volume.version > 0 && self.can_write(world, node) && self.readable(world, node).1 != 0 {
                steps.push(Step::Write(node));
            }
            if self.acts(world, node) && self.has_majority(world, node) && self.agrees(world, node) {
                let cut_off: &[bool] = if world.cuts > 0 { &[false, true] } else { &[false] };
                for &cut_off in cut_off {
                    let may_change = (self.may_change)(&self.bricks(world, node));
                    if volume.bricks & !self.stays(world.knows[node]) != 0 && may_change {
                        let left = (volume.bricks & self.stays(world.knows[node])).count_ones();
                        if !cut_off || left > 2 || self.cuts_off_the_last_two {
                            steps.push(Step::TakeOut(node, cut_off));
                        }
                    }
                    for new in
                        all_of(self.stays(world.knows[node]) & !volume.bricks & self.connected(world, node))
                    {
                        // It asks for that itself.
                        let asks = has(self.stays(world.knows[new]), new);
                        // One after the other: first the old ones go.
                        let is_tidy = volume.bricks & !self.stays(world.knows[node]) == 0;
                        if asks && is_tidy && may_change {
                            steps.push(Step::AddBrick(node, new, cut_off));
                        }
                    }
                }
            }
        }
        steps
    }

    fn apply(&self, world: &World, step: Step) -> World {
        let mut world = *world;
        match step {
            Step::Publish => world.published += 1,
            Step::OwnerShows(node) => {
                let number = world.published;
                self.shown(&mut world, node, number);
            }
            Step::Show(from, to) => {
                let number = world.knows[from];
                self.shown(&mut world, to, number);
            }
            Step::Fetch(node, from) => {
                let number = world.knows[from];
                self.shown(&mut world, node, number);
            }
            Step::SwitchOn(node) => {
                world.on |= 1 << node;
                if world.knows[node] == 0 {
                    world.knows[node] = world.published;
                }
            }
            Step::SwitchOff(node) => {
                world.on &= !(1 << node);
                world.cuts -= 1;
            }
            Step::OldCard(node) => {
                if !self.stick_remembers {
                    world.knows[node] = 1;
                }
                world.on |= 1 << node;
                world.old_cards -= 1;
            }
            Step::Write(node) => self.write(&mut world, node),
            Step::Heal(node) => {
                if let Some(source) = self.source_for(&world, node) {
                    if has(world.complete, source) {
                        world.complete |= 1 << node;
                    }
                    for brick in all_of(self.connected(&world, node)) {
                        world.blames[brick] &= !(1 << node);
                    }
                    world.blames[node] = world.blames[source];
                }
            }
            Step::TakeOver(node) => {
                let connected = self.connected(&world, node);
                let best = all_of(connected)
                    .map(|other| world.volume[other])
                    .max_by_key(|volume| volume.version);
                world.volume[node] = best.unwrap();
            }
            Step::TakeOut(node, is_cut_off) => {
                let bricks = world.volume[node].bricks & self.stays(world.knows[node]);
                self.spread(&mut world, node, bricks, is_cut_off);
            }
            Step::AddBrick(node, new, is_cut_off) => {
                let bricks = world.volume[node].bricks | 1 << new;
                // It is empty, or was set aside.
                world.complete &= !(1 << new);
                world.blames[new] = 0;
                for brick in all_of(self.connected(&world, node) & world.volume[node].bricks) {
                    world.blames[brick] |= 1 << new;
                }
                self.spread(&mut world, node, bricks, is_cut_off);
            }
        }
        world
    }

    fn is_fault(&self, step: Step) -> bool {
        matches!(
            step,
            Step::SwitchOff(_)
                | Step::OldCard(_)
                | Step::Write(_)
                | Step::TakeOut(_, true)
                | Step::AddBrick(_, _, true)
        )
    }

    fn broken(&self, before: &World, step: Step, after: &World) -> Option<&'static str> {
        let went_back = (0..4).any(|node| after.knows[node] < before.knows[node]);
        if went_back && !matches!(step, Step::OldCard(_)) {
            return Some(ROLLBACK);
        }
        if after.complete & newest(after).bricks == 0 {
            return Some(LOST);
        }
        let divided =
            |one: &Volume, other: &Volume| one.version == other.version && one.bricks != other.bricks;
        let is_divided = after
            .volume
            .iter()
            .any(|one| after.volume.iter().any(|other| divided(one, other)));
        is_divided.then_some(DIVIDED)
    }

    fn is_settled(&self, world: &World) -> bool {
        // A node that was lost came back, was written to, and went. Files that only its stick has are up to the owner.
        let bricks = newest(world).bricks & self.stays(world.published);
        let blamed = all_of(bricks).fold(0, |blamed, brick| blamed | world.blames[brick]);
        let still_there = newest(world).bricks & !self.nodes(world.published) != 0;
        if still_there && (world.complete & bricks == 0 || bricks & !blamed == 0) {
            return true;
        }
        let nodes = self.nodes(world.published);
        let volume = newest(world);
        usize::from(world.published) == self.descriptions.len()
            && all_of(nodes).all(|node| {
                has(world.on, node) && world.knows[node] == world.published && world.volume[node] == volume
            })
            && volume.bricks == nodes
            && world.complete & nodes == nodes
    }

    fn tell(&self, _: &World, step: Step, _: &World) -> String {
        let name = |node: usize| NAMES[node];
        let cut = |is_cut_off: bool| {
            if is_cut_off {
                ", and the power fails before the others know"
            } else {
                ""
            }
        };
        match step {
            Step::Publish => "the owner publishes the next description".to_owned(),
            Step::OwnerShows(node) => format!("the owner shows it to {}", name(node)),
            Step::Show(from, to) => format!("{} shows its description to {}", name(from), name(to)),
            Step::Fetch(node, from) => format!("{} asks {} for its description", name(node), name(from)),
            Step::SwitchOn(node) => format!("{} is switched on", name(node)),
            Step::SwitchOff(node) => format!("{} goes off", name(node)),
            Step::OldCard(node) => format!("{} gets an old card", name(node)),
            Step::Write(node) => format!("a program on {} writes", name(node)),
            Step::Heal(node) => format!("the brick of {} is healed", name(node)),
            Step::TakeOver(node) => format!("{} takes over the volume of another node", name(node)),
            Step::TakeOut(node, off) => format!("{} takes out who has gone{}", name(node), cut(off)),
            Step::AddBrick(node, new, off) => {
                format!("{} adds the brick of {}{}", name(node), name(new), cut(off))
            }
        }
    }

    fn describe(&self, world: &World) -> String {
        let volume = newest(world);
        format!(
            "description {} ({:?}), volume {} with bricks {:04b}, complete {:04b}, blames {:?}",
            world.published, world.knows, volume.version, volume.bricks, world.complete, world.blames
        )
    }
}

impl Membership {
    fn shown(&self, world: &mut World, node: usize, number: u8) {
        let shown = Shown {
            number: u32::from(number),
            is_signed: true,
            is_the_same: true,
            // Each description names all that have gone since.
            knows_this_node: true,
        };
        if (self.answer)(u32::from(world.knows[node]), shown) == Answer::Takes {
            world.knows[node] = number;
        }
    }

    /// Returns the bricks of the node's volume that it is connected with, and those of them that no other one blames, which it
    /// reads from: without any it can neither read nor write.
    pub(super) fn readable(&self, world: &World, node: usize) -> (Nodes, Nodes) {
        let connected = self.served(world, node) & world.volume[node].bricks;
        let blamed = all_of(connected).fold(0, |blamed, brick| blamed | world.blames[brick]);
        (connected, connected & !blamed)
    }

    /// Changes a file on the connected bricks, each of which then blames those that were not connected. If none that is read from has
    /// everything, the file becomes another one.
    fn write(&self, world: &mut World, node: usize) {
        let (connected, readable) = self.readable(world, node);
        let missing = world.volume[node].bricks & !connected;
        for brick in all_of(connected) {
            world.blames[brick] |= missing;
        }
        world.complete &= if world.complete & readable == 0 {
            0
        } else {
            connected
        };
    }

    /// Returns the brick from which the brick of a node is healed: one that blames it and that no other one blames.
    fn source_for(&self, world: &World, node: usize) -> Option<usize> {
        let (connected, readable) = self.readable(world, node);
        let is_in_use = has(world.volume[node].bricks, node) && has(connected, node);
        all_of(readable).find(|source| is_in_use && has(world.blames[*source], node))
    }

    /// Returns whether the connected members know the same volume, or none yet.
    fn agrees(&self, world: &World, node: usize) -> bool {
        let mine = world.volume[node];
        all_of(self.connected(world, node) & mine.bricks).all(|other| world.volume[other] == mine)
    }
}
