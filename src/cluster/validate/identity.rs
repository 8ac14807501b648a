//! `[cluster]`: the cluster's name, its base, and the nodes' language settings.

use toml::Spanned;

use super::super::file::ClusterTable;
use super::super::problem::Findings;
use super::super::{NodeName, defaults};
use super::checked;

/// The values of `[cluster]`.
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) base: Option<String>,
    pub(super) timezone: String,
    pub(super) locale: String,
    pub(super) keyboard: String,
}

pub(super) fn identity(table: ClusterTable, findings: &mut Findings<'_>) -> Identity {
    if let Some(base) = table
        .base
        .as_ref()
        .filter(|base| base.get_ref().trim().is_empty())
    {
        findings.problem(
            base.span(),
            "base is empty",
            "leave it out for the newest image; mkimage bases lists the others",
        );
    }
    Identity {
        name: checked(
            table.name,
            defaults::CLUSTER_NAME,
            |name| NodeName::parse(name).is_ok(),
            "is not a valid cluster name",
            "use up to 63 characters from a to z, 0 to 9 and hyphens, with no hyphen at either end",
            findings,
        ),
        base: table.base.map(Spanned::into_inner),
        timezone: checked(
            table.timezone,
            defaults::TIMEZONE,
            is_timezone,
            "is not a time zone",
            "use a name from the IANA list, such as \"Europe/Berlin\"",
            findings,
        ),
        locale: checked(
            table.locale,
            defaults::LOCALE,
            is_locale,
            "is not a UTF-8 locale",
            "write it like \"de_DE.UTF-8\"",
            findings,
        ),
        keyboard: checked(
            table.keyboard,
            defaults::KEYBOARD,
            is_keyboard,
            "is not a keyboard layout",
            "use an XKB layout, such as \"de\" or \"us\"",
            findings,
        ),
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
