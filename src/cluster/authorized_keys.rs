//! Public keys of the users who log in: single lines or files, in OpenSSH's `authorized_keys` format (sshd(8)).

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ssh_key::PublicKey;

use super::problem::Unusable;

/// Key files are a few kilobytes; anything larger is something else.
const MAX_KEY_FILE_SIZE: u64 = 256 * 1024;

/// `openssh-key-v1` in base64. Every OpenSSH private key starts with it below its first line (OpenSSH's PROTOCOL.key).
pub(super) const OPENSSH_PRIVATE_KEY_BASE64: &str = "b3BlbnNzaC1rZXktdjE";

/// A checked public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyLine {
    /// Options, type, key and comment, separated by single spaces.
    pub(crate) line: String,
    /// The key's comment, usually its owner.
    pub(crate) comment: String,
}

/// Returns whether the text contains a private key.
pub(super) fn is_private_key(text: &str) -> bool {
    ["PRIVATE KEY", "PuTTY-User-Key-File", OPENSSH_PRIVATE_KEY_BASE64]
        .iter()
        .any(|sign| text.contains(sign))
}

/// Returns whether an entry of `ssh_authorized_keys` is a key rather than a path.
pub(super) fn is_key_line(entry: &str) -> bool {
    // Every OpenSSH key is base64 that starts with a 32-bit length, so with three zero bytes: "AAAA".
    entry.split_whitespace().any(|word| word.starts_with("AAAA")) || starts_with_key_type(entry)
}

fn starts_with_key_type(entry: &str) -> bool {
    ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"]
        .iter()
        .any(|prefix| entry.starts_with(prefix))
        && entry.contains(char::is_whitespace)
}

/// Checks the lines of a text, skipping empty lines and comments.
pub(crate) fn parse_lines(text: &str) -> Result<Vec<KeyLine>, Unusable> {
    if is_private_key(text) {
        return Err(Unusable::new(
            "is a private key, which must never leave your computer",
            "use the public key: the file of the same name that ends in .pub",
        ));
    }
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(parse_line)
        .collect()
}

fn parse_line(line: &str) -> Result<KeyLine, Unusable> {
    const REMEDY: &str = "a public key is one line like \"ssh-ed25519 AAAAC3Nz... you@laptop\"; ssh-keygen -t ed25519 creates one";
    if line.chars().any(char::is_control) {
        return Err(Unusable::new("contains control characters in a key", REMEDY));
    }
    let (first, rest) = split_word(line);
    let (options, kind, rest) = if is_key_type(first) {
        (None, first, rest)
    } else {
        let (kind, rest) = split_word(rest);
        (Some(first), kind, rest)
    };
    let (blob, comment) = split_word(rest);
    if kind.contains("-cert-v0") {
        return Err(Unusable::new(
            "is a certificate, not a key",
            "use the key's own .pub file",
        ));
    }
    if !is_key_type(kind) || blob.is_empty() {
        return Err(Unusable::new("is not an OpenSSH public key", REMEDY));
    }
    if kind == "ssh-dss" {
        return Err(Unusable::new(
            "is a DSA key, which OpenSSH no longer accepts",
            "create a new one: ssh-keygen -t ed25519",
        ));
    }
    PublicKey::from_openssh(&format!("{kind} {blob}"))
        .map_err(|error| Unusable::new(format!("has a damaged {kind} key ({error})"), REMEDY))?;
    let words = [options.unwrap_or_default(), kind, blob, comment];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    Ok(KeyLine {
        line: words.join(" "),
        comment: comment.to_owned(),
    })
}

fn is_key_type(word: &str) -> bool {
    matches!(
        word,
        "ssh-ed25519"
            | "ssh-rsa"
            | "ssh-dss"
            | "ecdsa-sha2-nistp256"
            | "ecdsa-sha2-nistp384"
            | "ecdsa-sha2-nistp521"
            | "sk-ssh-ed25519@openssh.com"
            | "sk-ecdsa-sha2-nistp256@openssh.com"
    ) || word.contains("-cert-v0")
}

/// Returns the first word and the rest; spaces inside double quotes belong to the word.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let mut quoted = false;
    let mut escaped = false;
    let end = text
        .char_indices()
        .find(|(_, c)| {
            match c {
                '"' if !escaped => quoted = !quoted,
                c if c.is_whitespace() && !quoted => return true,
                _ => {}
            }
            escaped = *c == '\\' && !escaped;
            false
        })
        .map_or(text.len(), |(at, _)| at);
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (word, rest.trim())
}

pub(super) fn read_file(path: &Path) -> Result<Vec<KeyLine>, Unusable> {
    let remedy = "use a .pub file that you can read";
    let unreadable = |error: std::io::Error| Unusable::new(format!("cannot be read ({error})"), remedy);
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Unusable::new("is not a file", remedy));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| {
            file.take(MAX_KEY_FILE_SIZE.saturating_add(1))
                .read_to_end(&mut bytes)
        })
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_KEY_FILE_SIZE {
        return Err(Unusable::new("is too large for a key file", remedy));
    }
    let text = zeroize::Zeroizing::new(
        String::from_utf8(bytes).map_err(|_| Unusable::new("is not a text file", remedy))?,
    );
    let keys = parse_lines(&text)?;
    if keys.is_empty() {
        return Err(Unusable::new("contains no key", remedy));
    }
    Ok(keys)
}

/// Returns the public key files in a folder, sorted by name and without certificates; empty if it cannot be listed.
pub(super) fn public_key_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "pub")
                && path
                    .file_stem()
                    .is_some_and(|stem| !stem.to_string_lossy().ends_with("-cert"))
        })
        .collect();
    files.sort();
    files
}
