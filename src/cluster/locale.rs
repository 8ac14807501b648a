//! Locales with UTF-8, by the names that Debian's `locale-gen` knows.

use super::lists::{LOCALES, entries};
use super::problem::Unusable;
use super::suggestion::{Known, did_you_mean};

const UTF_8: &str = ".UTF-8";

/// Checks the name of a locale.
pub(super) fn parse(text: &str) -> Result<String, Unusable> {
    // Some have no other encoding, and Debian lists them without it: vi_VN. locale-gen makes vi_VN.UTF-8 from it as well.
    let bare = text.strip_suffix(UTF_8).filter(|bare| !bare.contains('@'));
    if entries(LOCALES).any(|name| name == text || Some(name) == bare) {
        return Ok(text.to_owned());
    }
    let known = entries(LOCALES).map(|name| {
        let bare = name.strip_suffix(UTF_8).unwrap_or(name);
        // The language's name stands for the locale of its own country: de for de_DE.
        let own = bare
            .split_once('_')
            .filter(|(language, country)| language.eq_ignore_ascii_case(country));
        let aliases = [Some(bare), own.map(|(language, _)| language)];
        Known::new(name, aliases.into_iter().flatten().collect::<Vec<_>>())
    });
    // The country's code in names is GB.
    let known = known.chain([Known::new("en_GB.UTF-8", ["en_UK"])]);
    let otherwise = "use a name from /usr/share/i18n/SUPPORTED on Debian, such as \"de_DE.UTF-8\"";
    Err(Unusable::new(
        "is not a UTF-8 locale that Debian knows",
        did_you_mean(&without_encoding(text), known, otherwise),
    ))
}

/// Returns a locale's name without its encoding: `sr_RS@latin` for `sr_RS.UTF-8@latin`.
fn without_encoding(text: &str) -> String {
    let (place, modifier) = text.split_once('@').unwrap_or((text, ""));
    let place = place.split('.').next().unwrap_or(place);
    format!("{place}@{modifier}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_that_debian_has_with_utf_8_is_accepted() {
        for good in [
            "en_GB.UTF-8",
            "C.UTF-8",
            "sr_RS@latin",
            "eo.UTF-8",
            "vi_VN",
            "vi_VN.UTF-8",
        ] {
            assert_eq!(parse(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "zz_ZZ.UTF-8",
            "de_XX.UTF-8",
            "$(x).UTF-8",
            "de_DE.UTF-8@",
            "# From",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_mistyped_locale_is_refused_with_the_one_that_was_meant() {
        for (wrong, meant) in [
            ("de_DE", "did you mean \"de_DE.UTF-8\"?"),
            ("de", "did you mean \"de_DE.UTF-8\"?"),
            ("DE_de.UTF-8", "did you mean \"de_DE.UTF-8\"?"),
            ("de-DE", "did you mean \"de_DE.UTF-8\"?"),
            ("de_DE.utf8", "did you mean \"de_DE.UTF-8\"?"),
            ("de_DE.ISO-8859-1", "did you mean \"de_DE.UTF-8\"?"),
            ("en_UK.UTF-8", "did you mean \"en_GB.UTF-8\"?"),
            ("sr_RS.UTF-8@latin", "did you mean \"sr_RS@latin\"?"),
            ("C", "did you mean \"C.UTF-8\"?"),
            ("de_XX.UTF-8", "/usr/share/i18n/SUPPORTED"),
            ("zz_ZZ.UTF-8", "/usr/share/i18n/SUPPORTED"),
        ] {
            let refused = parse(wrong).unwrap_err();
            assert!(refused.remedy.contains(meant), "{wrong}: {}", refused.remedy);
        }
    }
}
