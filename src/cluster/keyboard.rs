//! Keyboard layouts and their variants, by the names of XKB (Debian's package xkb-data).

use std::fmt;

use super::lists::{KEYBOARDS, pairs};
use super::problem::Unusable;
use super::suggestion::{Known, question, suggestions};

/// A layout of XKB, and perhaps a variant of it. Only known ones can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyboard {
    layout: &'static str,
    variant: Option<&'static str>,
}

impl Keyboard {
    /// The one of Raspberry Pi OS.
    pub(super) const DEFAULT: Self = Self {
        layout: "gb",
        variant: None,
    };

    /// Parses `LAYOUT` or `LAYOUT(VARIANT)`.
    pub(crate) fn parse(text: &str) -> Result<Self, Unusable> {
        let (layout, variant) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((layout, variant)) => (layout, Some(variant)),
            None => (text, None),
        };
        let Some((layout, _, variants)) = layouts().find(|(name, ..)| *name == layout) else {
            return Err(unknown_layout(text, layout));
        };
        let Some(variant) = variant else {
            return Ok(Self {
                layout,
                variant: None,
            });
        };
        match variants
            .split(' ')
            .find(|known| *known == variant && !variant.is_empty())
        {
            Some(variant) => Ok(Self {
                layout,
                variant: Some(variant),
            }),
            None => Err(unknown_variant(layout, variant, variants)),
        }
    }

    /// Returns the name of the layout, such as `us`.
    pub fn layout(self) -> &'static str {
        self.layout
    }

    /// Returns the name of the variant, such as `intl`.
    pub fn variant(self) -> Option<&'static str> {
        self.variant
    }
}

impl fmt::Display for Keyboard {
    /// `us`, or `us(intl)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.variant {
            Some(variant) => write!(f, "{}({variant})", self.layout),
            None => f.write_str(self.layout),
        }
    }
}

/// Returns each layout with its English name and its variants.
fn layouts() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    pairs(KEYBOARDS).map(|(layout, rest)| {
        let (name, variants) = rest.split_once('\t').unwrap_or((rest, ""));
        (layout, name, variants)
    })
}

/// Returns the names of variants in a list.
fn names(variants: &str) -> impl Iterator<Item = &str> {
    variants.split(' ').filter(|name| !name.is_empty())
}

/// Returns the refusal of a text that begins with an unknown layout.
fn unknown_layout(text: &str, layout: &str) -> Unusable {
    let known = || layouts().map(|(layout, name, _)| Known::new(layout, [name]));
    let with_variants: Vec<String> = layouts()
        .flat_map(|(layout, _, variants)| names(variants).map(move |name| format!("{layout}({name})")))
        .collect();
    let variants = with_variants.iter().map(|name| Known::new(name, [name.as_str()]));
    let otherwise = "use a layout of XKB, such as \"de\", or one with a variant, such as \"us(intl)\"";
    let similar = if text == layout {
        suggestions(text, known().chain(variants))
    } else {
        // The variant may be right, and would make another layout with the same one look similar.
        [text, layout]
            .iter()
            .flat_map(|text| suggestions(text, known()))
            .take(1)
            .collect()
    };
    let remedy = question(&similar).unwrap_or_else(|| otherwise.to_owned());
    Unusable::new("is not a keyboard layout", remedy)
}

/// Returns the refusal of an unknown variant of a layout.
fn unknown_variant(layout: &str, variant: &str, variants: &str) -> Unusable {
    let with_layout = |name: &str| format!("{layout}({name})");
    let known: Vec<(&str, String)> = names(variants).map(|name| (name, with_layout(name))).collect();
    let similar = suggestions(
        variant,
        known.iter().map(|(name, full)| Known::new(full, [*name])),
    );
    let remedy = question(&similar).unwrap_or_else(|| {
        let all: Vec<&str> = known.iter().map(|(_, full)| full.as_str()).collect();
        if all.is_empty() {
            format!("{layout} has no variants: write {layout:?}")
        } else {
            format!("known variants: {}", all.join(", "))
        }
    });
    Unusable::new(
        format!("names a variant that the layout {layout} does not have"),
        remedy,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_with_or_without_a_variant_is_accepted() {
        for (good, layout, variant) in [
            ("gb", "gb", None),
            ("latam", "latam", None),
            ("us(intl)", "us", Some("intl")),
            ("de(T3)", "de", Some("T3")),
            ("ch(fr_nodeadkeys)", "ch", Some("fr_nodeadkeys")),
            ("us(alt-intl)", "us", Some("alt-intl")),
        ] {
            let keyboard = Keyboard::parse(good).unwrap();
            assert_eq!((keyboard.layout(), keyboard.variant()), (layout, variant));
            assert_eq!(keyboard.to_string(), good);
        }
        assert_eq!(Keyboard::parse("gb"), Ok(Keyboard::DEFAULT));
    }

    #[test]
    fn every_name_has_only_characters_that_mean_nothing_to_a_shell() {
        let plain = |name: &str| {
            name.chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        };
        for (layout, _, variants) in layouts() {
            assert!(plain(layout) && variants.split(' ').all(plain), "{layout}");
        }
    }

    #[test]
    fn an_unknown_layout_is_refused_with_the_one_that_was_meant() {
        for (wrong, meant) in [
            ("uk", "did you mean \"gb\"?"),
            ("UK", "did you mean \"gb\"?"),
            ("uk(dvorak)", "did you mean \"gb\"?"),
            ("DE", "did you mean \"de\"?"),
            ("dde", "did you mean \"de\"?"),
            ("german", "did you mean \"de\"?"),
            ("German (Austria)", "did you mean \"at\"?"),
            ("english", "did you mean \"gb\" or \"us\"?"),
            ("us-intl", "did you mean \"us(intl)\"?"),
            ("us,intl", "did you mean \"us(intl)\"?"),
            ("french", "did you mean \"fr\"?"),
            ("bepo", "did you mean \"fr(bepo)\"?"),
            ("zz", "such as \"de\""),
            ("custom", "such as \"de\""),
            ("", "such as \"de\""),
            ("de'", "did you mean \"de\"?"),
        ] {
            let refused = Keyboard::parse(wrong).unwrap_err();
            assert_eq!(refused.why, "is not a keyboard layout");
            assert!(refused.remedy.contains(meant), "{wrong}: {}", refused.remedy);
        }
    }

    #[test]
    fn an_unknown_variant_is_refused_with_those_of_the_layout() {
        for (wrong, remedy) in [
            ("us(inlt)", "did you mean \"us(intl)\"?"),
            ("ch(german)", "known variants: ch(de_nodeadkeys), ch(de_mac), "),
            ("us()", "known variants: us(euro), us(intl), "),
            ("bw(dvorak)", "bw has no variants: write \"bw\""),
            ("bw()", "bw has no variants: write \"bw\""),
        ] {
            let refused = Keyboard::parse(wrong).unwrap_err();
            assert!(refused.why.contains("names a variant"), "{refused:?}");
            assert!(refused.remedy.contains(remedy), "{wrong}: {}", refused.remedy);
        }
    }
}
