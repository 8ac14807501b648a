//! `[cluster]`: the cluster's name, its base, and the nodes' language settings.

use serde::Deserialize;
use toml::Spanned;

use super::NodeName;
use super::problem::{Findings, Text};

/// The table as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GeneralTable {
    name: Text,
    pub(super) base: Text,
    timezone: Text,
    locale: Text,
    keyboard: Text,
}

/// `[cluster]`
#[derive(Debug, Clone)]
pub struct General {
    /// The cluster's name: lower-case letters, digits and hyphens.
    pub name: String,
    /// The base as written; `None` for the catalog's default. A path is relative to the cluster file.
    pub base: Option<String>,
    /// An IANA name such as `Europe/Berlin`.
    pub timezone: String,
    /// A locale with UTF-8; by default that of Raspberry Pi OS.
    pub locale: String,
    /// An XKB layout; by default that of Raspberry Pi OS.
    pub keyboard: String,
}

impl GeneralTable {
    pub(super) fn check(self, findings: &mut Findings<'_>) -> General {
        if let Some(base) = self.base.as_ref().filter(|base| base.get_ref().trim().is_empty()) {
            let remedy = "leave it out for the newest image; mkimage bases lists the others";
            findings.problem(base.span(), "base is empty", remedy);
        }
        let is_name = |name: &str| NodeName::parse(name).is_ok();
        let name = [
            "is not a valid cluster name",
            "use up to 63 characters from a to z, 0 to 9 and hyphens, with no hyphen at either end",
        ];
        let timezone = [
            "is not a time zone",
            "use a name from the IANA list, such as \"Europe/Berlin\"",
        ];
        let locale = ["is not a UTF-8 locale", "write it like \"de_DE.UTF-8\""];
        let keyboard = [
            "is not a keyboard layout",
            "use an XKB layout, such as \"de\" or \"us\"",
        ];
        General {
            name: findings.text("name", self.name, "homelab", is_name, name),
            base: self.base.map(Spanned::into_inner),
            timezone: findings.text("timezone", self.timezone, "Etc/UTC", is_timezone, timezone),
            locale: findings.text("locale", self.locale, "en_GB.UTF-8", is_locale, locale),
            keyboard: findings.text("keyboard", self.keyboard, "gb", is_keyboard, keyboard),
        }
    }
}

/// Matches `Area/Location`, `Area/Region/Location` or a name like `UTC` (IANA tz database, theory.html, "Timezone
/// identifiers").
fn is_timezone(text: &str) -> bool {
    text.len() <= 64
        && text.split('/').count() <= 3
        && text.split('/').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphabetic())
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
        })
}

/// Matches `language[_TERRITORY].UTF-8[@modifier]` (locale(7)), or `C.UTF-8`.
fn is_locale(text: &str) -> bool {
    let (text, modifier) = text.split_once('@').unwrap_or((text, "x"));
    let Some(place) = text.strip_suffix(".UTF-8") else {
        return false;
    };
    let (language, territory) = place.split_once('_').unwrap_or((place, "XX"));
    let lower = |word: &str| word.chars().all(|c| c.is_ascii_lowercase());
    let upper = |word: &str| word.chars().all(|c| c.is_ascii_uppercase());
    place == "C"
        || ((2..=3).contains(&language.len())
            && lower(language)
            && territory.len() == 2
            && upper(territory)
            && !modifier.is_empty()
            && lower(modifier))
}

/// Matches an XKB layout's name: lower-case letters, digits and underscores.
fn is_keyboard(text: &str) -> bool {
    (2..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_names_are_accepted_and_shell_syntax_is_refused() {
        for good in [
            "Etc/UTC",
            "UTC",
            "Europe/Berlin",
            "America/Argentina/Ushuaia",
            "Etc/GMT+5",
        ] {
            assert!(is_timezone(good), "{good}");
        }
        for bad in ["", "/etc/passwd", "Europe/", "../UTC", "a b", "x'y", "-5"] {
            assert!(!is_timezone(bad), "{bad}");
        }
        for good in ["en_GB.UTF-8", "C.UTF-8", "sr_RS.UTF-8@latin", "eo.UTF-8"] {
            assert!(is_locale(good), "{good}");
        }
        for bad in [
            "",
            "de_DE",
            "de_DE.ISO-8859-1",
            "DE_de.UTF-8",
            "$(x).UTF-8",
            "de_DE.UTF-8@",
        ] {
            assert!(!is_locale(bad), "{bad}");
        }
        for good in ["gb", "latam", "us"] {
            assert!(is_keyboard(good), "{good}");
        }
        for bad in ["", "g", "DE", "de'", "de us"] {
            assert!(!is_keyboard(bad), "{bad}");
        }
    }
}
