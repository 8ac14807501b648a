//! `[backup]`: where copies of the volume and of the swarm's state are kept outside of the cluster.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;
use zeroize::Zeroizing;

use super::problem::{Findings, Text};

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BackupTable {
    repository: Text,
    password: Text,
    keep: Option<Spanned<i64>>,
    #[serde(default)]
    environment: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// `[backup]`
#[derive(Clone, PartialEq, Eq)]
pub struct Backup {
    /// A folder on a node, or a place in the network, as restic writes it. It may have a login in it.
    pub repository: Zeroizing<String>,
    /// Encrypts the backups.
    pub password: Zeroizing<String>,
    /// The number of days of which a backup is kept.
    pub keep: u16,
    /// Further variables for restic, such as the login to a storage service.
    pub environment: Vec<(String, Zeroizing<String>)>,
}

// Nothing of it belongs in a log.
impl std::fmt::Debug for Backup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backup")
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for BackupTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BackupTable")
    }
}

const DEFAULT_KEEP: u16 = 30;

/// The kinds of places in the network that restic knows by itself.
const KINDS: [&str; 8] = [
    "sftp:", "rest:", "s3:", "b2:", "azure:", "gs:", "swift:", "rclone:",
];

const WRITE_A_PLACE: &str = "write a folder on one node, such as \"/media/disk/backup\", or a place as restic writes it, such as \
                             \"rest:http://192.168.1.5:8000/\" or \"sftp:me@192.168.1.5:/backup\"";

impl BackupTable {
    pub(super) fn check(
        entry: Spanned<Self>,
        mount: Option<&str>,
        findings: &mut Findings<'_>,
    ) -> Option<Backup> {
        let span = entry.span();
        let table = entry.into_inner();
        let Some(repository) = table.repository else {
            findings.problem(span, "backup has no repository", WRITE_A_PLACE);
            return None;
        };
        let (place, text) = (repository.span(), repository.into_inner());
        let is_known = text.starts_with('/')
            || KINDS
                .iter()
                .any(|kind| text.starts_with(kind) && text.len() > kind.len());
        if !is_known || text.contains(char::is_control) {
            // It is not repeated, because it may contain a login.
            findings.problem(place, "repository is not a place for backups", WRITE_A_PLACE);
            return None;
        }
        if mount.is_some_and(|mount| {
            text.strip_prefix(mount)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }) {
            findings.problem(place, "repository is on the volume itself", WRITE_A_PLACE);
            return None;
        }
        let password = table.password.filter(|password| !password.get_ref().is_empty());
        let Some(password) = password.filter(|password| !password.get_ref().contains(char::is_control))
        else {
            findings.problem(
                span,
                "backup has no password",
                "write one, and keep a copy of it on paper: without it nobody can read the backups",
            );
            return None;
        };
        let mut keep = DEFAULT_KEEP;
        if let Some(days) = table.keep {
            keep = u16::try_from(*days.get_ref()).unwrap_or_default();
            if !(1..=3650).contains(&keep) {
                findings.problem(
                    days.span(),
                    "keep is not a number of days from 1 to 3650",
                    "write it like 30",
                );
                return None;
            }
        }
        let mut environment = Vec::new();
        for (name, value) in table.environment {
            let (at, name, value) = (name.span(), name.into_inner(), value.into_inner());
            let is_name = name.starts_with(|c: char| c.is_ascii_uppercase())
                && name
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            let is_ours = ["RESTIC_", "MKIMAGE_", "BACKUP_", "LD_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
                || name == "PATH";
            if !is_name || is_ours || value.contains(char::is_control) {
                findings.problem(
                    at,
                    format!("environment {name} is not a variable for the place of the backups"),
                    "write the variables of restic's documentation, such as AWS_ACCESS_KEY_ID",
                );
                return None;
            }
            environment.push((name, Zeroizing::new(value)));
        }
        Some(Backup {
            repository: Zeroizing::new(text),
            password: Zeroizing::new(password.into_inner()),
            keep,
            environment,
        })
    }
}

impl Backup {
    /// Returns the settings for the nodes, as POSIX shell assignments.
    pub fn to_shell(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        let keep = self.keep.to_string();
        let own = [
            ("RESTIC_REPOSITORY", self.repository.as_str()),
            ("RESTIC_PASSWORD", self.password.as_str()),
            ("BACKUP_KEEP", keep.as_str()),
        ];
        let further = self
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.into_iter().chain(further) {
            text.push_str(name);
            text.push_str("='");
            text.push_str(&value.replace('\'', r"'\''"));
            text.push_str("'\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{error_of, loaded, three_nodes};

    const LOGIN: &str = "repository = \"rest:http://me:hunter22@nas:8000/\"\npassword = \"it's long\"";

    #[test]
    fn a_place_with_a_password_is_taken() {
        assert_eq!(loaded(&three_nodes("")).cluster.backup, None);
        let text = format!("[backup]\n{LOGIN}\nkeep = 7\nenvironment = {{ AWS_ACCESS_KEY_ID = \"x\" }}");
        let backup = loaded(&three_nodes(&text)).cluster.backup.unwrap();
        assert_eq!(
            backup.to_shell().as_str(),
            "RESTIC_REPOSITORY='rest:http://me:hunter22@nas:8000/'\nRESTIC_PASSWORD='it'\\''s long'\nBACKUP_KEEP='7'\nAWS_ACCESS_KEY_ID='x'\n"
        );
        assert!(!format!("{backup:?}").contains("hunter22"));
    }

    #[test]
    fn what_cannot_be_a_backup_is_refused_without_repeating_a_secret() {
        for (text, word) in [
            ("password = \"x\"", "no repository"),
            ("repository = \"hunter22\"\npassword = \"x\"", "not a place"),
            ("repository = \"sftp:\"\npassword = \"x\"", "not a place"),
            (
                "repository = \"/mnt/cluster-data/x\"\npassword = \"x\"",
                "on the volume",
            ),
            ("repository = \"/srv\"", "no password"),
            ("repository = \"/srv\"\npassword = \"\"", "no password"),
            ("repository = \"/srv\"\npassword = \"hunter22\"\nkeep = 0", "keep"),
            (
                "repository = \"/srv\"\npassword = \"hunter22\"\nenvironment = { PATH = \"x\" }",
                "PATH",
            ),
            (
                "repository = \"/srv\"\npassword = \"hunter22\"\nenvironment = { RESTIC_PASSWORD = \"x\" }",
                "RESTIC_PASSWORD",
            ),
        ] {
            let error = error_of(&three_nodes(&format!("[backup]\n{text}")));
            assert!(error.contains(word), "{error}");
            assert!(!error.contains("hunter22"), "{error}");
        }
    }
}
