//! `[user]`: the login on every node.

use std::path::{Path, PathBuf};

use toml::Spanned;
use zeroize::Zeroizing;

use super::super::authorized_keys::{self, KeyLine};
use super::super::file::UserTable;
use super::super::problem::Findings;
use super::super::{Environment, Origin, User, UserName, defaults};

pub(super) fn user(
    table: UserTable,
    origin: &Origin,
    environment: &Environment,
    findings: &mut Findings<'_>,
) -> Option<User> {
    let name_given = table.name.is_some();
    let name = match table.name {
        None => UserName::parse(defaults::USER).ok(),
        Some(entry) => UserName::parse(entry.get_ref())
            .map_err(|why| {
                findings.problem(entry.span(), format!("user {:?} {why}", entry.get_ref()), "");
            })
            .ok(),
    };
    let keys_given = table.ssh_authorized_keys.is_some();
    let mut keys = Keys::default();
    match table.ssh_authorized_keys {
        None => keys.add_default_keys(environment, findings),
        Some(entries) => {
            let folder = origin.folder(&environment.folder);
            for entry in &entries {
                keys.add_entry(entry, folder, environment, findings);
            }
        }
    }
    if let Some(name) = &name {
        note_assumed_login(name, name_given, keys_given, &keys, findings);
    }
    let password_hash = table.password_hash.map(|entry| {
        if !is_crypt_hash(entry.get_ref()) {
            findings.problem(
                entry.span(),
                "password_hash is not a password hash that Linux accepts",
                "create one with: openssl passwd -6 (or mkpasswd); it starts with $6$, $5$, $y$ or $2b$",
            );
        }
        Zeroizing::new(entry.into_inner())
    });
    Some(User {
        name: name?,
        private_key_files: keys.private_files(environment),
        ssh_authorized_keys: keys.lines.into_iter().map(|key| key.line).collect(),
        key_files: keys.files,
        password_hash,
    })
}

/// Notes what was assumed about the login.
fn note_assumed_login(
    name: &UserName,
    name_given: bool,
    keys_given: bool,
    keys: &Keys,
    findings: &mut Findings<'_>,
) {
    if name_given && keys_given && !keys.lines.is_empty() {
        return;
    }
    let mut owners: Vec<&str> = keys
        .lines
        .iter()
        .map(|key| key.comment.as_str())
        .filter(|comment| !comment.is_empty())
        .collect();
    owners.dedup();
    let key = if keys.lines.is_empty() {
        "an ssh key created for this cluster, because there is no other".to_owned()
    } else {
        let files: Vec<String> = keys.files.iter().map(|file| file.display().to_string()).collect();
        let of = if owners.is_empty() {
            String::new()
        } else {
            format!(" of {}", owners.join(", "))
        };
        let from = if files.is_empty() {
            String::new()
        } else {
            format!(" ({})", files.join(", "))
        };
        format!("the ssh key{of}{from}")
    };
    findings
        .assumed
        .push(format!("the login on every node is {name}, with {key}"));
}

/// The keys collected so far.
#[derive(Default)]
struct Keys {
    lines: Vec<KeyLine>,
    files: Vec<PathBuf>,
}

impl Keys {
    /// Adds every public key of the person running mkimage.
    fn add_default_keys(&mut self, environment: &Environment, findings: &mut Findings<'_>) {
        let Some(home) = &environment.home else {
            return;
        };
        for path in authorized_keys::public_key_files(&home.join(defaults::KEY_FOLDER)) {
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

    /// Adds an entry of `ssh_authorized_keys`.
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
            findings.problem(
                entry.span(),
                "this is neither a public key nor the path of one",
                "write a line like \"ssh-ed25519 AAAA...\" or a path like \"~/.ssh/id_ed25519.pub\"",
            );
            return;
        }
        let Some(path) = environment.resolve(text, folder) else {
            findings.problem(
                entry.span(),
                format!("key file {text:?} cannot be found because your home folder is unknown"),
                "write the full path",
            );
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
            .flat_map(|home| defaults::PRIVATE_KEYS.map(|name| home.join(defaults::KEY_FOLDER).join(name)));
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
