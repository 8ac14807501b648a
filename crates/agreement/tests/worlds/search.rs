//! Breadth-first search through every world that can be reached, and the story of one that breaks an invariant.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Instant;

/// Something whose worlds are searched.
pub trait Model: Sized {
    type World: Copy + Eq + Hash;
    type Step: Copy;

    /// Returns the world in which everything begins.
    fn begin(&self) -> Self::World;
    /// Returns everything that can happen next.
    fn steps(&self, world: &Self::World) -> Vec<Self::Step>;
    /// Returns the world after a step.
    fn apply(&self, world: &Self::World, step: Self::Step) -> Self::World;
    /// Returns whether a step is something that goes wrong, which stops when faults stop.
    fn is_fault(&self, step: Self::Step) -> bool;
    /// Returns one and the same world for all worlds that differ in the order of equal nodes only.
    fn canonical(&self, world: &Self::World) -> Self::World {
        *world
    }
    /// Returns the invariant that a step breaks.
    fn broken(&self, before: &Self::World, step: Self::Step, after: &Self::World) -> Option<&'static str>;
    /// Returns whether nothing is left to do, or the rules wait for the owner.
    fn is_settled(&self, world: &Self::World) -> bool;
    /// Tells a step in a sentence.
    fn tell(&self, before: &Self::World, step: Self::Step, after: &Self::World) -> String;
    /// Tells what is true in a world, in a line.
    fn describe(&self, world: &Self::World) -> String;
}

/// The result of a search.
pub enum Outcome {
    /// Every invariant holds in every world.
    Holds { worlds: usize, seconds: f64 },
    /// An invariant is broken, and this is how.
    Broken(Story),
}

impl Outcome {
    /// Prints what was searched; panics with the story when an invariant is broken.
    pub fn expect_to_hold(self, name: &str) {
        match self {
            Outcome::Holds { worlds, seconds } => println!("{name}: {worlds} worlds, {seconds:.1} s"),
            Outcome::Broken(story) => panic!("{name}:\n{story}"),
        }
    }

    /// Returns the story of what broke.
    pub fn expect_to_break(self, name: &str) -> Story {
        match self {
            Outcome::Broken(story) => {
                println!("{name}:\n{story}\n");
                story
            }
            Outcome::Holds { worlds, .. } => panic!("{name}: nothing broke in {worlds} worlds"),
        }
    }
}

/// The way to a world that breaks an invariant.
pub struct Story {
    pub invariant: &'static str,
    pub lines: Vec<String>,
    pub end: String,
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (number, line) in self.lines.iter().enumerate() {
            writeln!(f, "{:3}. {line}", number + 1)?;
        }
        writeln!(f, "     BROKEN: {}", self.invariant)?;
        write!(f, "     {}", self.end)
    }
}

/// The invariant that a search itself adds to a model's own.
pub const ALWAYS_A_WAY: &str = "when faults stop, there is always a way to done";

const NOBODY: u32 = u32::MAX;

struct Search<'a, M: Model> {
    model: &'a M,
    worlds: Vec<M::World>,
    parents: Vec<u32>,
    seen: Seen,
    /// Steps that are not faults, as pairs of positions in `worlds`.
    calm: Vec<(u32, u32)>,
}

/// Searches every world of `model`; panics beyond `limit` worlds, because then nothing is proved.
pub fn search<M: Model>(model: &M, limit: usize) -> Outcome {
    let begun = Instant::now();
    let mut search = Search {
        model,
        worlds: Vec::new(),
        parents: Vec::new(),
        seen: Seen::new(),
        calm: Vec::new(),
    };
    search.visit(model.begin(), NOBODY);
    let mut position = 0;
    while position < search.worlds.len() {
        assert!(
            search.worlds.len() <= limit,
            "more than {limit} worlds: the bounds of this scenario are too wide"
        );
        let world = search.worlds[position];
        let from = u32::try_from(position).unwrap();
        for step in model.steps(&world) {
            let after = model.apply(&world, step);
            if let Some(invariant) = model.broken(&world, step, &after) {
                let mut story = search.story(from, invariant);
                story.lines.push(model.tell(&world, step, &after));
                story.end = model.describe(&after);
                return Outcome::Broken(story);
            }
            let to = search.visit(after, from);
            if to != from && !model.is_fault(step) {
                search.calm.push((from, to));
            }
        }
        position += 1;
    }
    match search.first_without_a_way() {
        Some(stuck) => Outcome::Broken(search.story(stuck, ALWAYS_A_WAY)),
        None => Outcome::Holds {
            worlds: search.worlds.len(),
            seconds: begun.elapsed().as_secs_f64(),
        },
    }
}

impl<M: Model> Search<'_, M> {
    /// Returns the position of a world, which is added when it is new.
    fn visit(&mut self, world: M::World, parent: u32) -> u32 {
        let key = self.model.canonical(&world);
        let worlds = &self.worlds;
        let model = self.model;
        let new = u32::try_from(worlds.len()).unwrap();
        let found = self.seen.find_or_add(hash(&key), new, |position| {
            model.canonical(&worlds[position as usize]) == key
        });
        if found == new {
            self.worlds.push(world);
            self.parents.push(parent);
        }
        found
    }

    /// Goes backwards from every settled world; returns the first world that no calm way leads out of to one.
    fn first_without_a_way(&mut self) -> Option<u32> {
        let mut begins = vec![0u32; self.worlds.len() + 1];
        for &(_, to) in &self.calm {
            begins[to as usize + 1] += 1;
        }
        for position in 1..begins.len() {
            begins[position] += begins[position - 1];
        }
        let mut ends = begins.clone();
        let mut sources = vec![0u32; self.calm.len()];
        for &(from, to) in &self.calm {
            sources[ends[to as usize] as usize] = from;
            ends[to as usize] += 1;
        }
        let mut has_way = vec![false; self.worlds.len()];
        let mut open: Vec<u32> = Vec::new();
        for (position, world) in self.worlds.iter().enumerate() {
            if self.model.is_settled(world) {
                has_way[position] = true;
                open.push(u32::try_from(position).unwrap());
            }
        }
        while let Some(position) = open.pop() {
            for &source in &sources[begins[position as usize] as usize..ends[position as usize] as usize] {
                if !has_way[source as usize] {
                    has_way[source as usize] = true;
                    open.push(source);
                }
            }
        }
        has_way
            .iter()
            .position(|way| !way)
            .map(|position| u32::try_from(position).unwrap())
    }

    fn story(&self, end: u32, invariant: &'static str) -> Story {
        let mut path = vec![end];
        while let Some(&parent) = self.parents.get(*path.last().unwrap() as usize)
            && parent != NOBODY
        {
            path.push(parent);
        }
        path.reverse();
        let lines = path.windows(2).map(|pair| {
            let (before, after) = (self.worlds[pair[0] as usize], self.worlds[pair[1] as usize]);
            let mut steps = self.model.steps(&before).into_iter();
            let taken = steps
                .find(|step| self.model.apply(&before, *step) == after)
                .unwrap();
            self.model.tell(&before, taken, &after)
        });
        Story {
            invariant,
            lines: lines.collect(),
            end: self.model.describe(&self.worlds[end as usize]),
        }
    }
}

/// A hash table of positions: 8 bytes for each, and the worlds themselves stay where they are.
struct Seen {
    slots: Vec<(u32, u32)>,
    used: usize,
}

impl Seen {
    fn new() -> Seen {
        Seen {
            slots: vec![(0, NOBODY); 1 << 12],
            used: 0,
        }
    }

    fn find_or_add(&mut self, hash: u64, new: u32, is_it: impl Fn(u32) -> bool) -> u32 {
        if self.used * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        let tag = (hash >> 32) as u32;
        let mut slot = place(tag, self.slots.len());
        loop {
            match self.slots[slot] {
                (_, NOBODY) => {
                    self.slots[slot] = (tag, new);
                    self.used += 1;
                    return new;
                }
                (other, position) if other == tag && is_it(position) => return position,
                _ => slot = (slot + 1) & (self.slots.len() - 1),
            }
        }
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![(0, NOBODY); size]);
        for entry in old {
            if entry.1 != NOBODY {
                let mut slot = place(entry.0, self.slots.len());
                while self.slots[slot].1 != NOBODY {
                    slot = (slot + 1) & (self.slots.len() - 1);
                }
                self.slots[slot] = entry;
            }
        }
    }
}

/// The slot where a tag is looked for first; `size` is a power of two.
fn place(tag: u32, size: usize) -> usize {
    (tag.wrapping_mul(0x9E37_79B1) as usize) & (size - 1)
}

fn hash(key: &impl Hash) -> u64 {
    let mut hasher = Mixer(0);
    key.hash(&mut hasher);
    hasher.finish()
}

/// A fast hash: the worlds are small, trusted, and compared in full when two of them meet.
struct Mixer(u64);

impl Mixer {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517C_C1B7_2722_0A95);
    }
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^ (mixed >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.add(u64::from(value));
    }

    fn write_u16(&mut self, value: u16) {
        self.add(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.add(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.add(value);
    }
}
