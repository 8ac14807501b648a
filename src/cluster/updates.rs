//! `[updates]`: what the nodes install by themselves.

use serde::Deserialize;

/// The table as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UpdatesTable {
    security: bool,
}

impl Default for UpdatesTable {
    fn default() -> Self {
        Self { security: true }
    }
}

/// `[updates]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Updates {
    /// True if nodes install Debian's security updates, one node at a time.
    pub security: bool,
}

impl UpdatesTable {
    pub(super) fn check(&self) -> Updates {
        Updates {
            security: self.security,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{error_of, loaded, three_nodes};

    #[test]
    fn security_updates_are_installed_unless_the_user_forbids_it() {
        for (text, expected) in [
            ("", true),
            ("[updates]\nsecurity = false", false),
            ("[updates]\nsecurity = true", true),
        ] {
            assert_eq!(loaded(&three_nodes(text)).cluster.updates.security, expected);
        }
        let text = error_of(&three_nodes("[updates]\nsecurity = \"yes\""));
        assert!(text.contains("security"), "{text}");
    }
}
