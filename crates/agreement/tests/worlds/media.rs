//! A node's card and sticks, and what lies on them.

use agreement::state::{self, Epoch, OnCard};
use agreement::{Begun, Home};

const HOMES: [Home; 3] = [Home::Undecided, Home::Stick, Home::Card];

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

    /// Applies the rules from before Docker and glusterd start; `carry` returns the state that leaves a place on the card.
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

    /// Runs the brick stage while the state does not live on the stick.
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

    /// Returns what is in the lower of the two places on the card, which is never used again.
    pub fn dead_on_card(&mut self) -> &mut P {
        if self.copy.epoch > self.directories.epoch {
            &mut self.directories.state
        } else {
            &mut self.copy.state
        }
    }

    /// Returns the state that would be live after the node is switched on again with what is plugged in now.
    pub fn after_boot(mut self, rules: PlaceRules, carry: impl Fn(OnCard, &Self) -> P) -> P {
        let home = self.at_boot(rules, &carry);
        self.live(home).unwrap_or_default()
    }
}

/// A node: what it has, and where its state lives while it is on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Board<P> {
    /// A position in [`HOMES`]; undecided while the node is off.
    home: u8,
    /// The stick on which this card has begun something, and in which epoch; 0 for none.
    begun: (u8, u8),
    pub media: Media<P>,
}

/// Returns the boards of a cluster in which nothing has happened yet.
pub fn new_boards<P: Copy + Default + Eq>(nodes: usize) -> [Board<P>; 4] {
    let mut boards = [Board::default(); 4];
    for board in &mut boards[..nodes] {
        board.media = Media::new();
    }
    boards
}

/// Returns what can happen to the boards, of which the first ones are in trouble; `forgets` is about the first one.
pub fn media_steps<P: Copy + Default + Eq>(
    boards: &[Board<P>],
    troubled: usize,
    may_lose: bool,
    forgets: bool,
) -> impl Iterator<Item = (usize, MediaStep)> {
    boards.iter().enumerate().flat_map(move |(node, board)| {
        let steps = board.steps(node < troubled, may_lose, forgets && node == 0);
        steps.into_iter().map(move |step| (node, step))
    })
}

impl<P: Copy + Default + Eq> Board<P> {
    pub fn home(&self) -> Home {
        HOMES[self.home as usize]
    }

    pub fn is_off(&self) -> bool {
        self.home() == Home::Undecided
    }

    pub fn set_home(&mut self, home: Home) {
        self.home = u8::try_from(HOMES.iter().position(|known| *known == home).unwrap()).unwrap();
    }

    pub fn switch_off(&mut self) {
        self.set_home(Home::Undecided);
    }

    pub fn live(&self) -> Option<P> {
        self.media.live(self.home())
    }

    pub fn live_mut(&mut self) -> &mut P {
        let home = self.home();
        self.media.live_mut(home).unwrap()
    }

    /// Notes on the card that something is begun where the state lives now.
    pub fn begin(&mut self) {
        self.begun = self.place();
    }

    pub fn begun(&self) -> Begun {
        match self.begun {
            (0, _) => Begun::Nowhere,
            begun if self.home() == Home::Stick && begun == self.place() => Begun::Here,
            _ => Begun::Elsewhere,
        }
    }

    fn place(&self) -> (u8, u8) {
        (
            self.media.known,
            self.media.stick().map_or(0, |stick| stick.place.epoch),
        )
    }

    /// Every place in which something of this node's lies, on sticks in the drawer as well.
    pub fn places(&self) -> [P; 4] {
        let Media {
            directories,
            copy,
            sticks,
            ..
        } = self.media;
        [
            directories.state,
            copy.state,
            sticks[0].place.state,
            sticks[1].place.state,
        ]
    }
}

/// Something that happens to a node's power, card or stick.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MediaStep {
    SwitchOn,
    PowerCut,
    NewCard,
    PullStick,
    PutIn(u8),
    UseStick,
    GiveUpStick,
    Copy,
}

impl MediaStep {
    pub fn is_fault(self) -> bool {
        matches!(
            self,
            MediaStep::PowerCut | MediaStep::NewCard | MediaStep::PullStick
        )
    }

    /// Returns whether a card or stick is lost or taken out.
    pub fn is_loss(self) -> bool {
        matches!(self, MediaStep::NewCard | MediaStep::PullStick)
    }

    /// Tells the step in a sentence about the node of that name.
    pub fn tell(self, name: &str, after: Home) -> String {
        let on = match after {
            Home::Stick => "goes on from its stick",
            Home::Card => "goes on from its card",
            Home::Undecided => "is off",
        };
        match self {
            MediaStep::SwitchOn => format!("{name} is switched on and {on}"),
            MediaStep::PowerCut => format!("{name} loses its power"),
            MediaStep::NewCard => format!("{name} loses its power and gets a new card"),
            MediaStep::PullStick => format!("{name}'s stick is pulled out"),
            MediaStep::PutIn(1) => format!("{name} gets its first stick"),
            MediaStep::PutIn(_) => format!("{name} gets its second stick"),
            MediaStep::UseStick => format!("{name} finds its stick and {on}"),
            MediaStep::GiveUpStick => format!("{name} gives up its stick and {on}"),
            MediaStep::Copy => format!("{name} copies its state to its card"),
        }
    }
}

impl<P: Copy + Default + Eq> Board<P> {
    /// Returns what can happen to this node, which is in trouble or only ever switched on.
    ///
    /// A power cut that leaves everything as it is is left out: `forgets` says whether the node would forget something.
    fn steps(&self, in_trouble: bool, may_lose: bool, forgets: bool) -> Vec<MediaStep> {
        let mut out = Vec::new();
        if in_trouble && may_lose {
            if *self != Board::default() {
                out.push(MediaStep::NewCard);
            }
            if self.media.plugged != 0 {
                out.push(MediaStep::PullStick);
            }
        }
        if self.media.plugged == 0 {
            out.extend([MediaStep::PutIn(1), MediaStep::PutIn(2)]);
        }
        if self.is_off() {
            out.push(MediaStep::SwitchOn);
            return out;
        }
        if in_trouble && (forgets || self.live().is_none()) {
            out.push(MediaStep::PowerCut);
        }
        match self.home() {
            Home::Stick if self.media.plugged != self.media.known => out.push(MediaStep::GiveUpStick),
            // Without a stick to lose nothing comes of a copy.
            Home::Stick if may_lose => out.push(MediaStep::Copy),
            Home::Card if self.media.plugged != 0 => out.push(MediaStep::UseStick),
            _ => {}
        }
        out
    }

    pub fn apply(&mut self, step: MediaStep, rules: PlaceRules, carry: impl Fn(OnCard, &Media<P>) -> P) {
        match step {
            MediaStep::PowerCut => self.switch_off(),
            MediaStep::NewCard => {
                self.switch_off();
                self.media.new_card();
                self.begun = (0, 0);
            }
            MediaStep::PullStick => self.media.plugged = 0,
            MediaStep::PutIn(stick) => self.media.plugged = stick,
            MediaStep::SwitchOn => {
                let home = self.media.at_boot(rules, carry);
                self.set_home(home);
            }
            MediaStep::UseStick => {
                let home = self.media.brick_stage(rules, carry);
                self.set_home(home);
            }
            MediaStep::GiveUpStick => {
                let home = self.media.settle(false, rules, carry);
                self.set_home(home);
            }
            MediaStep::Copy => self.media.copy_to_card(),
        }
    }
}
