//! A node's card and sticks, and what lies on them.

use agreement::Home;
use agreement::state::{self, Epoch, OnCard};

/// The state in one place; nothing is there while the epoch is 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Place<P> {
    pub epoch: u8,
    pub state: P,
}

/// A stick: blank, or this node's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Stick<P> {
    pub formatted: bool,
    pub place: Place<P>,
}

/// Everything that survives a power cut.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Media<P> {
    /// The stick that the card knows, 1 or 2; 0 for none.
    pub known: u8,
    /// The stick that is plugged in, 1 or 2; 0 for none.
    pub plugged: u8,
    pub directories: Place<P>,
    pub copy: Place<P>,
    pub sticks: [Stick<P>; 2],
}

/// The rules about places, which a test may break.
#[derive(Clone, Copy)]
pub struct PlaceRules {
    pub decide: fn(state::View) -> state::Verdict,
    pub at_boot: fn(state::AtBoot) -> state::BootVerdict,
}

pub const PLACE_RULES: PlaceRules = PlaceRules {
    decide: state::decide,
    at_boot: state::at_boot,
};

impl<P: Copy + Default + Eq> Media<P> {
    /// A card and a stick from the shop.
    pub fn new() -> Media<P> {
        Media {
            plugged: 1,
            ..Media::default()
        }
    }

    pub fn stick(&self) -> Option<&Stick<P>> {
        self.plugged
            .checked_sub(1)
            .map(|position| &self.sticks[position as usize])
    }

    pub fn stick_mut(&mut self) -> Option<&mut Stick<P>> {
        self.plugged
            .checked_sub(1)
            .map(|position| &mut self.sticks[position as usize])
    }

    /// The state that a node lives from; `None` while its stick is out and it has not noticed.
    pub fn live(&self, home: Home) -> Option<P> {
        match home {
            Home::Stick if self.plugged == self.known => self.stick().map(|stick| stick.place.state),
            Home::Card => Some(self.directories.state),
            _ => None,
        }
    }

    pub fn live_mut(&mut self, home: Home) -> Option<&mut P> {
        match home {
            Home::Stick if self.plugged == self.known => self.stick_mut().map(|stick| &mut stick.place.state),
            Home::Card => Some(&mut self.directories.state),
            _ => None,
        }
    }

    pub fn new_card(&mut self) {
        self.known = 0;
        self.directories = Place::default();
        self.copy = Place::default();
    }

    /// What happens before Docker and glusterd start; `carry` is what a node takes along from a place on its card.
    pub fn at_boot(&mut self, rules: PlaceRules, carry: impl Fn(OnCard, &Self) -> P) -> Home {
        let view = match (self.known, self.plugged) {
            (0, _) => state::AtBoot::NeverSawAStick,
            (known, plugged) if known == plugged => state::AtBoot::KnownStickMounted,
            _ => state::AtBoot::KnownStickUnusable,
        };
        match (rules.at_boot)(view) {
            state::BootVerdict::GoOnWithoutStick => self.settle(false, rules, carry),
            state::BootVerdict::GoOnWithStick => self.settle(true, rules, carry),
            state::BootVerdict::LeaveToBrickStage => self.brick_stage(rules, carry),
        }
    }

    /// What the brick stage does while the state does not live on the stick.
    pub fn brick_stage(&mut self, rules: PlaceRules, carry: impl Fn(OnCard, &Self) -> P) -> Home {
        let Some(stick) = self.stick_mut() else {
            return self.settle(false, rules, carry);
        };
        stick.formatted = true;
        self.known = self.plugged;
        self.settle(true, rules, carry)
    }

    /// Applies the rule about where the state lives, with the stick or without it.
    pub fn settle(
        &mut self,
        with_stick: bool,
        rules: PlaceRules,
        carry: impl Fn(OnCard, &Self) -> P,
    ) -> Home {
        let view = state::View {
            stick: self
                .stick()
                .filter(|_| with_stick)
                .map(|stick| Epoch(u32::from(stick.place.epoch))),
            directories: Epoch(u32::from(self.directories.epoch)),
            copy: Epoch(u32::from(self.copy.epoch)),
        };
        match (rules.decide)(view) {
            state::Verdict::UseStick => Home::Stick,
            state::Verdict::MoveToStick(from, Epoch(epoch)) => {
                let moved = carry(from, self);
                if let Some(stick) = self.stick_mut() {
                    stick.place = Place {
                        epoch: u8::try_from(epoch).unwrap(),
                        state: moved,
                    };
                }
                Home::Stick
            }
            state::Verdict::RestoreFromCopy(Epoch(epoch)) => {
                let moved = carry(OnCard::Copy, self);
                self.directories = Place {
                    epoch: u8::try_from(epoch).unwrap(),
                    state: moved,
                };
                Home::Card
            }
            state::Verdict::BeginOnCard => {
                self.directories.epoch = 1;
                Home::Card
            }
            state::Verdict::UseCard => Home::Card,
        }
    }

    /// Takes the stick's state over to the card.
    pub fn copy_to_card(&mut self) {
        if let Some(stick) = self.stick() {
            self.copy = stick.place;
        }
    }

    /// Returns the state that would be live after the node is switched on again with what is plugged in now.
    pub fn after_boot(mut self, rules: PlaceRules, carry: impl Fn(OnCard, &Self) -> P) -> P {
        let home = self.at_boot(rules, &carry);
        self.live(home).unwrap_or_default()
    }
}
