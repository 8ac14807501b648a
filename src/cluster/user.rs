//! `[user]`: the login on every node.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use zeroize::Zeroizing;

use super::authorized_keys::{self, KeyLine};
use super::names::parse_user_name;
use super::problem::{Findings, Text};
use super::{Environment, Origin};

/// The traditional user of Raspberry Pi OS.
const DEFAULT_NAME: &str = "pi";

/// The default keys are every `*.pub` in this folder of the user's home.
pub(super) const KEY_FOLDER: &str = ".ssh";

/// The private keys that ssh tries by default: `IdentityFile` in `ssh_config(5)`.
const PRIVATE_KEYS: [&str; 5] = ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"];

/// The table as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UserTable {
    name: Text,
    ssh_authorized_keys: Option<Vec<Spanned<String>>>,
    password_hash: Text,
    ssh_password: Option<Spanned<bool>>,
}

/// `[user]`
#[derive(Clone)]
pub struct User {
    /// The login name; default `pi`.
    pub name: String,
    /// OpenSSH public key lines. When there are none, a key is created for the cluster.
    pub ssh_authorized_keys: Vec<String>,
    /// The files that those keys came from, to tell the user.
    pub key_files: Vec<PathBuf>,
    /// Existing private key files that ssh can log in with: those beside `key_files` and those that ssh tries by
    /// default. Empty when no key is authorised.
    pub private_key_files: Vec<PathBuf>,
    /// A crypt(3) hash; `None` for no password.
    pub password_hash: Option<Zeroizing<String>>,
    /// True if sshd accepts the password. Never true without one.
    pub ssh_password: bool,
}

impl fmt::Debug for User {
    /// Hides the password hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .field("ssh_authorized_keys", &self.ssh_authorized_keys)
            .field("key_files", &self.key_files)
            .field("private_key_files", &self.private_key_files)
            .field("password_hash", &self.password_hash.as_ref().map(|_| "..."))
            .field("ssh_password", &self.ssh_password)
            .finish()
    }
}

impl UserTable {
    pub(super) fn check(
        self,
        origin: &Origin,
        environment: &Environment,
        findings: &mut Findings<'_>,
    ) -> Option<User> {
        let is_complete = self.name.is_some() && self.ssh_authorized_keys.is_some();
        let name = match self.name {
            None => Some(DEFAULT_NAME.to_owned()),
            Some(entry) => findings.parse("user", &entry, parse_user_name, ""),
        };
        let mut keys = Keys::default();
        match self.ssh_authorized_keys {
            None => keys.add_default_keys(environment, findings),
            Some(entries) => {
                let folder = origin.folder(&environment.folder);
                for entry in &entries {
                    keys.add_entry(entry, folder, environment, findings);
                }
            }
        }
        if let Some(name) = &name
            && (!is_complete || keys.lines.is_empty())
        {
            let key = keys.describe();
            findings
                .assumed
                .push(format!("the login on every node is {name}, with {key}"));
        }
        let password_hash = self.password_hash.map(|entry| {
            if !is_crypt_hash(entry.get_ref()) {
                let message = "password_hash is not a password hash that Linux accepts";
                let remedy =
                    "create one with: openssl passwd -6 (or mkpasswd); it starts with $6$, $5$, $y$ or $2b$";
                findings.problem(entry.span(), message, remedy);
            }
            Zeroizing::new(entry.into_inner())
        });
        let ssh_password = self.ssh_password.is_some_and(|entry| {
            if *entry.get_ref() && password_hash.is_none() {
                let message = "ssh_password = true, but there is no password";
                let remedy = "add password_hash, or remove ssh_password: keys are enough to log in";
                findings.problem(entry.span(), message, remedy);
            }
            entry.into_inner()
        });
        Some(User {
            name: name?,
            private_key_files: keys.private_files(environment),
            ssh_authorized_keys: keys.lines.into_iter().map(|key| key.line).collect(),
            key_files: keys.files,
            password_hash,
            ssh_password,
        })
    }
}

/// The keys collected so far.
#[derive(Default)]
struct Keys {
    lines: Vec<KeyLine>,
    files: Vec<PathBuf>,
}

impl Keys {
    /// Describes the keys with their owners and files.
    fn describe(&self) -> String {
        if self.lines.is_empty() {
            return "the ssh key cluster.secrets/admin_key, which the first build makes, because there is no other".to_owned();
        }
        let mut owners: Vec<&str> = self.lines.iter().map(|key| key.comment.as_str()).collect();
        owners.retain(|owner| !owner.is_empty());
        owners.dedup();
        let files: Vec<String> = self.files.iter().map(|file| file.display().to_string()).collect();
        let mut text = "the ssh key".to_owned();
        if !owners.is_empty() {
            text = format!("{text} of {}", owners.join(", "));
        }
        if !files.is_empty() {
            text = format!("{text} ({})", files.join(", "));
        }
        text
    }

    /// Adds every public key of the person running mkimage.
    fn add_default_keys(&mut self, environment: &Environment, findings: &mut Findings<'_>) {
        let Some(home) = &environment.home else {
            return;
        };
        for path in authorized_keys::public_key_files(&home.join(KEY_FOLDER)) {
            match authorized_keys::read_file(&path) {
                Ok(keys) => self.add_file(path, keys),
                Err(unusable) => findings.warn(
                    None,
                    format!("{} {}, so it is skipped", path.display(), unusable.why),
                    "",
                ),
            }
        }
    }

    fn add_entry(
        &mut self,
        entry: &Spanned<String>,
        folder: &Path,
        environment: &Environment,
        findings: &mut Findings<'_>,
    ) {
        let text = entry.get_ref().trim();
        if authorized_keys::is_private_key(text) || authorized_keys::is_key_line(text) {
            match authorized_keys::parse_lines(text) {
                Ok(keys) => self.add(keys),
                Err(unusable) => {
                    findings.problem(entry.span(), format!("this {}", unusable.why), unusable.remedy);
                }
            }
            return;
        }
        if text.is_empty() || text.chars().any(char::is_control) {
            let message = "this is neither a public key nor the path of one";
            let remedy = "write a line like \"ssh-ed25519 AAAA...\" or a path like \"~/.ssh/id_ed25519.pub\"";
            findings.problem(entry.span(), message, remedy);
            return;
        }
        let Some(path) = environment.resolve(text, folder) else {
            let message = format!("key file {text:?} cannot be found because your home folder is unknown");
            findings.problem(entry.span(), message, "write the full path");
            return;
        };
        let files = if path.file_name().is_some_and(|name| name == "*.pub") {
            authorized_keys::public_key_files(path.parent().unwrap_or(folder))
        } else {
            vec![path]
        };
        if files.is_empty() {
            findings.problem(entry.span(), format!("no key file matches {text:?}"), "");
        }
        for file in files {
            match authorized_keys::read_file(&file) {
                Ok(keys) => self.add_file(file, keys),
                Err(unusable) => findings.problem(
                    entry.span(),
                    format!("key file {} {}", file.display(), unusable.why),
                    unusable.remedy,
                ),
            }
        }
    }

    /// Returns the private keys that ssh can log in with. The private key for a public key line may be any that ssh tries
    /// by default.
    fn private_files(&self, environment: &Environment) -> Vec<PathBuf> {
        if self.lines.is_empty() {
            return Vec::new();
        }
        let beside = self
            .files
            .iter()
            .filter(|file| file.extension().is_some_and(|extension| extension == "pub"))
            .map(|file| file.with_extension(""));
        let tried = environment
            .home
            .iter()
            .flat_map(|home| PRIVATE_KEYS.map(|name| home.join(KEY_FOLDER).join(name)));
        let mut files: Vec<PathBuf> = Vec::new();
        for file in beside.chain(tried) {
            // ssh prints a warning for a named key that does not exist.
            if file.is_file() && !files.contains(&file) {
                files.push(file);
            }
        }
        files
    }

    fn add_file(&mut self, path: PathBuf, keys: Vec<KeyLine>) {
        self.add(keys);
        self.files.push(path);
    }

    fn add(&mut self, keys: Vec<KeyLine>) {
        for key in keys {
            if !self.lines.contains(&key) {
                self.lines.push(key);
            }
        }
    }
}

/// Returns whether the text has the form of a crypt(5) hash that is still considered safe: yescrypt, gost-yescrypt,
/// scrypt, bcrypt, SHA-512 or SHA-256.
fn is_crypt_hash(text: &str) -> bool {
    let base64 = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '/'))
    };
    let mut parts = text.split('$');
    if parts.next() != Some("") {
        return false;
    }
    let method = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let (digest_length, fields) = match method {
        "6" => (86, 2..=3),
        "5" => (43, 2..=3),
        "y" | "gy" => (43, 3..=3),
        "7" => (43, 2..=2),
        "2b" | "2a" | "2y" => (53, 2..=2),
        _ => return false,
    };
    let Some((digest, before)) = rest.split_last() else {
        return false;
    };
    fields.contains(&rest.len())
        && digest.len() == digest_length
        && base64(digest)
        && before.iter().enumerate().all(|(at, part)| {
            base64(part) || (at == 0 && before.len() == 2 && part.strip_prefix("rounds=").is_some_and(base64))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_password_is_never_accepted_as_a_hash() {
        for bad in [
            "",
            "secret",
            "$6$salt",
            "$6$salt$short",
            "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
            "$$",
            "$6$$$",
        ] {
            assert!(!is_crypt_hash(bad), "{bad}");
        }
        let sha512 = "x".repeat(86);
        for good in [
            format!("$6$salt${sha512}"),
            format!("$6$rounds=5000$salt${sha512}"),
            format!("$5$salt${}", "x".repeat(43)),
            format!("$y$j9T$salt${}", "x".repeat(43)),
            format!("$2b$10${}", "x".repeat(53)),
        ] {
            assert!(is_crypt_hash(&good), "{good}");
        }
    }
}
