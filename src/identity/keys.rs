//! ed25519 key pairs in OpenSSH's format.

use std::fmt;
use std::path::Path;

use ssh_key::private::Ed25519Keypair;
use ssh_key::rand_core::{OsRng, RngCore};
use ssh_key::{Algorithm, LineEnding, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use super::folder::{Files, Folder};
use crate::error::{Category, Context, Error, Result};

/// An ed25519 key pair in OpenSSH's format, or one of WireGuard's.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The text of the private key file, starting with `-----BEGIN OPENSSH PRIVATE KEY-----`.
    pub private: Zeroizing<String>,
    /// The public key line without a comment: `ssh-ed25519 AAAA...`.
    pub public: String,
}

/// A node's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeIdentity {
    /// The node's ssh host key.
    pub host_key: KeyPair,
    /// The key that the node uses to ask other nodes.
    pub enrolment_key: KeyPair,
    /// The node's key in the private network: both halves in base64.
    pub wireguard_key: KeyPair,
    /// The last byte of its address there, 1 to 254.
    pub private_number: u8,
}

impl fmt::Debug for KeyPair {
    /// Shows the public half only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// Returns random bytes from the operating system.
pub(super) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    OsRng.try_fill_bytes(bytes.as_mut_slice()).map_err(|error| {
        let what = format!("the operating system provides no random numbers: {error}");
        Error::new(Category::Other, what)
    })?;
    Ok(bytes)
}

/// Reads the key pair `path` and `path.pub` from the folder; `None` if neither exists. If only the public half is
/// missing, also returns its line.
pub(super) fn read(folder: &Files, path: &str) -> Result<Option<(KeyPair, Option<String>)>> {
    let public_path = folder.path(&format!("{path}.pub"));
    let public_text = folder.read(&format!("{path}.pub"))?;
    if let Some(text) = folder.read(path)? {
        let (pair, derived) = parse(&folder.path(path), &text)?;
        let Some(text) = public_text else {
            return Ok(Some((pair, Some(derived))));
        };
        check_halves(&public_path, &text, &pair)?;
        return Ok(Some((pair, None)));
    }
    if public_text.is_none() {
        return Ok(None);
    }
    let what = format!(
        "{} is missing, but its public half {} exists",
        folder.path(path).display(),
        public_path.display()
    );
    Err(Error::new(Category::Disk, what).with_remedy(format!(
        "restore it from a backup, or delete {} to create a new key; existing images will not know it",
        public_path.display()
    )))
}

/// Reads or creates the key pair `path` and `path.pub` in the folder. Returns `true` if it was created.
pub(super) fn read_or_create(folder: &Folder, path: &str, comment: &str) -> Result<(KeyPair, bool)> {
    let public_path = format!("{path}.pub");
    if let Some((pair, missing)) = read(&folder.files, path)? {
        // An interrupted run can leave only the private half; the public half is derived from it.
        if let Some(line) = missing {
            folder.create(&public_path, format!("{}\n", line.trim_end()).as_bytes())?;
        }
        return Ok((pair, false));
    }
    let (private, public) = generate(comment)?;
    folder.create(path, private.as_bytes())?;
    // Another process may have been first, so the key on disk counts.
    let text = folder.files.read(path)?.unwrap_or(private);
    let (pair, _) = parse(&folder.files.path(path), &text)?;
    folder.create(&public_path, format!("{public}\n").as_bytes())?;
    Ok((pair, true))
}

/// Generates a key pair. Returns the text of the private file and the public line with its comment.
fn generate(comment: &str) -> Result<(Zeroizing<String>, String)> {
    let what = || "generating an ssh key".to_owned();
    let seed = random::<32>()?;
    let mut key =
        PrivateKey::new(Ed25519Keypair::from_seed(&seed).into(), comment).context(Category::Other, what)?;
    key.set_comment(comment);
    let private = key.to_openssh(LineEnding::LF).context(Category::Other, what)?;
    let public = key.public_key().to_openssh().context(Category::Other, what)?;
    Ok((private, public))
}

/// Parses a private key file. Returns the key pair and its public line with the comment.
fn parse(path: &Path, text: &str) -> Result<(KeyPair, String)> {
    let damaged = |why: &str| {
        Error::new(Category::Disk, format!("{} {why}", path.display())).with_remedy(format!(
            "restore it from a backup, or delete it and {}.pub to create a new key; existing images will not know it",
            path.display()
        ))
    };
    // A folder copied through Windows may have its line ends.
    let text = Zeroizing::new(text.replace("\r\n", "\n"));
    if text.trim().is_empty() {
        return Err(damaged("is damaged: it is empty, not an OpenSSH private key"));
    }
    // The parser's messages are about its first bytes and misleading.
    let key = PrivateKey::from_openssh(text.as_bytes())
        .map_err(|_| damaged("is damaged: it is not an OpenSSH private key"))?;
    if key.is_encrypted() {
        return Err(damaged("has a passphrase, which nobody can type on a node"));
    }
    let halves_match = key.key_data().ed25519().map(|pair| {
        Ed25519Keypair::from_seed(&Zeroizing::new(pair.private.to_bytes())).public == pair.public
    });
    match halves_match {
        None => {
            return Err(damaged(&format!(
                "is a key of type {}, not {}",
                key.algorithm(),
                Algorithm::Ed25519
            )));
        }
        Some(false) => return Err(damaged("is damaged: its two halves do not match")),
        Some(true) => {}
    }
    let line = key
        .public_key()
        .to_openssh()
        .map_err(|error| damaged(&format!("has no public half ({error})")))?;
    Ok((
        KeyPair {
            public: without_comment(&line),
            private: text,
        },
        line,
    ))
}

/// Refuses a `.pub` file that does not match the private key.
fn check_halves(path: &Path, text: &str, pair: &KeyPair) -> Result<()> {
    let same = PublicKey::from_openssh(text.trim())
        .and_then(|key| key.to_openssh())
        .is_ok_and(|line| without_comment(&line) == pair.public);
    if same {
        return Ok(());
    }
    let what = format!("{} is not the public half of the key beside it", path.display());
    Err(Error::new(Category::Disk, what).with_remedy(format!(
        "delete {} to have it written again, or restore the folder from a backup",
        path.display()
    )))
}

/// Returns the type and key of a public key line.
fn without_comment(line: &str) -> String {
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}
