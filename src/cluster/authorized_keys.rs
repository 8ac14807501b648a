//! Public keys of the users who log in: single lines or files, in OpenSSH's `authorized_keys` format (sshd(8)).

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ssh_key::PublicKey;

use super::key_options;
use super::problem::Unusable;

/// Key files are a few kilobytes; anything larger is something else.
const MAX_KEY_FILE_SIZE: u64 = 256 * 1024;

/// The least bits of an RSA key.
const MIN_RSA_BITS: usize = 1024;

const REMEDY: &str =
    "a public key is one line like \"ssh-ed25519 AAAAC3Nz... you@laptop\"; ssh-keygen -t ed25519 creates one";

const NEW_KEY: &str = "create a new one: ssh-keygen -t ed25519";

/// `openssh-key-v1` in base64. Every OpenSSH private key starts with it below its first line (OpenSSH's PROTOCOL.key).
pub(super) const OPENSSH_PRIVATE_KEY_BASE64: &str = "b3BlbnNzaC1rZXktdjE";

/// A checked public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyLine {
    /// Options that sshd takes, type, key and comment, separated by single spaces.
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
    entry.split_whitespace().any(|word| word.starts_with("AAAA"))
        || starts_with_key_type(entry)
        || other_form(entry).is_some()
}

fn starts_with_key_type(entry: &str) -> bool {
    ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"]
        .iter()
        .any(|prefix| entry.starts_with(prefix))
        && entry.contains(char::is_whitespace)
}

/// Returns the refusal of a public key in the form of other programs.
fn other_form(text: &str) -> Option<Unusable> {
    let (form, option) = if text.contains("BEGIN SSH2 PUBLIC KEY") {
        ("PuTTY", "")
    } else if text.contains("BEGIN PUBLIC KEY") {
        ("OpenSSL", " -m PKCS8")
    } else {
        return None;
    };
    Some(Unusable::new(
        format!("is a public key in the form of {form}, not of OpenSSH"),
        format!("save it in a file and convert it: ssh-keygen -i{option} -f FILE"),
    ))
}

/// Checks the lines of a text, skipping empty lines and comments.
pub(crate) fn parse_lines(text: &str) -> Result<Vec<KeyLine>, Unusable> {
    if is_private_key(text) {
        return Err(Unusable::new(
            "is a private key, which must never leave your computer",
            "use the public key: the file of the same name that ends in .pub",
        ));
    }
    if let Some(refused) = other_form(text) {
        return Err(refused);
    }
    // Editors on Windows write a byte order mark, which sshd would take for a part of the first key.
    text.trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(parse_line)
        .collect()
}

/// Checks a line as sshd reads it: a key and a comment, with or without options in front.
fn parse_line(line: &str) -> Result<KeyLine, Unusable> {
    if line.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Unusable::new("contains control characters in a key", REMEDY));
    }
    let (first, rest) = split_word(line);
    let (options, kind, rest) = if is_key_type(first) {
        ("", first, rest)
    } else {
        let (kind, rest) = split_word(rest);
        (first, kind, rest)
    };
    let (blob, comment) = split_word(rest);
    if kind.contains("-cert-v0") {
        return Err(Unusable::new(
            "is a certificate, not a key",
            "use the key's own .pub file",
        ));
    }
    if !is_key_type(kind) || blob.is_empty() {
        return Err(not_a_key(line));
    }
    if kind == "ssh-dss" {
        return Err(Unusable::new(
            "is a DSA key, which OpenSSH no longer accepts",
            NEW_KEY,
        ));
    }
    key_options::check(options)?;
    if options.contains('\t') {
        return Err(Unusable::new("contains a tab in an option of a key", REMEDY));
    }
    let key = PublicKey::from_openssh(&format!("{kind} {blob}"))
        .map_err(|error| Unusable::new(format!("has a damaged {kind} key ({error})"), REMEDY))?;
    refuse_short_key(&key)?;
    if has_key(comment) {
        return Err(Unusable::new(
            "has a second key behind the first, which sshd takes for a comment",
            "write each key on a line of its own",
        ));
    }
    let comment = comment.replace('\t', " ");
    let words = [options, kind, blob, &comment];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    Ok(KeyLine {
        line: words.join(" "),
        comment,
    })
}

/// Returns the refusal of a line in which a key stands at neither of the two places for it.
fn not_a_key(line: &str) -> Unusable {
    if has_key(line) {
        return Unusable::new(
            "has more than options before the key",
            "write commas between options, and no blanks; a name stands behind the key",
        );
    }
    Unusable::new("is not an OpenSSH public key", REMEDY)
}

/// Returns whether a key stands anywhere in the text.
fn has_key(text: &str) -> bool {
    let words = text.split_whitespace();
    let mut pairs = words.clone().zip(words.skip(1));
    pairs.any(|(word, next)| is_key_type(word) && next.starts_with("AAAA"))
}

/// Refuses RSA keys that sshd does not take: `RequiredRSASize` in `sshd_config(5)`.
fn refuse_short_key(key: &PublicKey) -> Result<(), Unusable> {
    let rsa = key.key_data().rsa();
    let Some(modulus) = rsa.and_then(|rsa| rsa.n.as_positive_bytes()) else {
        return Ok(());
    };
    let unused = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = modulus.len().saturating_mul(8).saturating_sub(unused);
    if bits >= MIN_RSA_BITS {
        return Ok(());
    }
    Err(Unusable::new(
        format!("is an RSA key of {bits} bits, and sshd takes none below {MIN_RSA_BITS}"),
        NEW_KEY,
    ))
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

/// Returns the first word and the rest; blanks inside double quotes belong to the word. A quote behind a backslash neither begins nor
/// ends quotes.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let mut is_quoted = false;
    let mut before = None;
    let end = text.char_indices().find(|(_, c)| {
        if *c == '"' && before != Some('\\') {
            is_quoted = !is_quoted;
        }
        before = Some(*c);
        c.is_whitespace() && !is_quoted
    });
    let end = end.map_or(text.len(), |(at, _)| at);
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
        String::from_utf8(bytes).map_err(|_| Unusable::new("is not a text file in UTF-8", remedy))?,
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
