//! `[cluster]`: the cluster's name, its base, and the nodes' language settings.

use serde::Deserialize;
use toml::Spanned;

use super::problem::{Findings, Text};
use super::{Keyboard, NodeName, locale, time_zone};

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
    /// An IANA name such as `Europe/Berlin`, of those that Debian's tzdata has.
    pub timezone: String,
    /// A locale with UTF-8 that Debian has; by default that of Raspberry Pi OS.
    pub locale: String,
    /// By default that of Raspberry Pi OS.
    pub keyboard: Keyboard,
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
        let timezone = self
            .timezone
            .and_then(|entry| findings.parse_name("timezone", &entry, time_zone::parse));
        let locale = self
            .locale
            .and_then(|entry| findings.parse_name("locale", &entry, locale::parse));
        let keyboard = self
            .keyboard
            .and_then(|entry| findings.parse_name("keyboard", &entry, Keyboard::parse));
        General {
            name: findings.text("name", self.name, "homelab", is_name, name),
            base: self.base.map(Spanned::into_inner),
            timezone: timezone.unwrap_or_else(|| "Etc/UTC".to_owned()),
            locale: locale.unwrap_or_else(|| "en_GB.UTF-8".to_owned()),
            keyboard: keyboard.unwrap_or(Keyboard::DEFAULT),
        }
    }
}
