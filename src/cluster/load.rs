//! Reads, parses and checks a cluster file.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use toml::Spanned;

use super::problem::{Findings, Warning};
use super::source::Source;
use super::{Cluster, Origin, file};
use crate::error::{Category, Context, Error, Result};

/// The file that is looked for in the current folder.
pub const FILE_NAME: &str = "cluster.toml";

/// A cluster file is a few kilobytes; anything larger is something else.
const MAX_SIZE: u64 = 1024 * 1024;

/// Used when there is no cluster file.
pub(super) const HOME_LAB: &str = r#"
node = [
    { name = "pi4-1", model = "pi4", role = "manager" },
    { name = "pi4-2", model = "pi4" },
    { name = "pi4-3", model = "pi4" },
    { name = "pi3-1", model = "pi3" },
]
"#;

/// The folders that paths in a cluster file are resolved against.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The current folder, absolute.
    pub folder: PathBuf,
    /// The user's home folder, for `~` and their ssh keys.
    pub home: Option<PathBuf>,
}

/// A checked cluster and what to tell the user about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub cluster: Cluster,
    /// Settings that work but carry a risk.
    pub warnings: Vec<Warning>,
    /// Assumptions about values that the file does not give, one sentence each.
    pub assumed: Vec<String>,
}

/// Checks the `base` of an otherwise valid cluster. The caller provides it because this module knows nothing about
/// bases.
pub type BaseCheck<'a> = dyn Fn(&Cluster) -> Result<()> + 'a;

impl Environment {
    /// Resolves a path from a cluster file in `folder`; `None` for `~/` without a home folder.
    pub fn resolve(&self, text: &str, folder: &Path) -> Option<PathBuf> {
        match text.strip_prefix("~/") {
            Some(rest) => Some(self.home.as_ref()?.join(rest)),
            None => Some(folder.join(text)),
        }
    }

    /// Returns the folders of this process.
    pub fn from_process() -> Result<Self> {
        Ok(Self {
            folder: std::env::current_dir().disk(|| "finding the current folder".to_owned())?,
            home: etcetera::home_dir().ok(),
        })
    }
}

/// Reads and checks a cluster file: `path`, otherwise `cluster.toml` in the current folder, otherwise the built-in
/// home lab. One error of [`Category::ClusterFile`] lists all problems of the file with their positions.
pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Loaded> {
    load_with_base_check(path, environment, &|_| Ok(()))
}

/// Does the same as [`load`] and reports what `check_base` finds like any other problem of the file.
pub fn load_with_base_check(
    path: Option<&Path>,
    environment: &Environment,
    check_base: &BaseCheck<'_>,
) -> Result<Loaded> {
    let named = path.unwrap_or(Path::new(FILE_NAME));
    let absolute = environment.folder.join(named);
    let label = named.display().to_string();
    let (bytes, origin) = match read(&absolute, &label)? {
        Some(bytes) => (bytes, Origin::File(absolute)),
        None if path.is_none() => (HOME_LAB.into(), Origin::BuiltIn),
        None => {
            let what = format!("there is no cluster file {label}");
            return Err(Error::new(Category::ClusterFile, what)
                .with_remedy(format!("write one with: mkimage init --cluster {label}")));
        }
    };
    let mut loaded = interpret(&bytes, label.clone(), origin, environment, check_base)?;
    loaded.warnings.extend(warning_if_shared(&loaded.cluster, &label));
    Ok(loaded)
}

/// Returns a warning if other users can read a cluster file with secrets.
fn warning_if_shared(cluster: &Cluster, label: &str) -> Option<Warning> {
    let Origin::File(path) = &cluster.origin else {
        return None;
    };
    let wifi = cluster.network.wifi.as_ref();
    let secret = match &cluster.user.password_hash {
        Some(_) => "a password hash",
        None => wifi
            .and_then(|wifi| wifi.psk.as_ref())
            .map(|_| "a Wi-Fi passphrase")?,
    };
    is_readable_by_others(path).then(|| Warning {
        position: None,
        message: format!("other users of this computer can read {label}, which has {secret}"),
        remedy: Some(format!("run: chmod go= {label}")),
    })
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_path: &Path) -> bool {
    false
}

/// Returns the file's bytes; `None` if it does not exist.
fn read(path: &Path, label: &str) -> Result<Option<Vec<u8>>> {
    let what = || format!("reading the cluster file {label}");
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context(Category::ClusterFile, what),
    };
    if !metadata.is_file() {
        let what = format!("the cluster file {label} is not a file");
        return Err(Error::new(Category::ClusterFile, what));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_SIZE.saturating_add(1)).read_to_end(&mut bytes))
        .context(Category::ClusterFile, what)?;
    if bytes.len() as u64 > MAX_SIZE {
        let what = format!("{label} is larger than 1 MiB, too large for a cluster file");
        return Err(Error::new(Category::ClusterFile, what));
    }
    Ok(Some(bytes))
}

/// Parses and checks a file's bytes.
pub(crate) fn interpret(
    bytes: &[u8],
    label: String,
    origin: Origin,
    environment: &Environment,
    check_base: &BaseCheck<'_>,
) -> Result<Loaded> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = valid.split(|byte| *byte == b'\n').count();
            let what = format!("{label}:{line}: this line is not valid UTF-8");
            return Err(Error::new(Category::ClusterFile, what).with_remedy("save the file as UTF-8 text"));
        }
    };
    let source = Source {
        label,
        text: text.strip_prefix('\u{feff}').unwrap_or(text),
    };
    let mut findings = Findings::new(&source);
    if origin == Origin::BuiltIn {
        findings.assumed.push(
            "there is no cluster.toml here, so the built-in home lab is used: pi4-1 (manager), pi4-2, pi4-3 and \
             pi3-1, each with a USB stick; mkimage init writes it to a cluster.toml for you to change"
                .to_owned(),
        );
    }
    let file = file::parse(&mut findings);
    let base = file.as_ref().and_then(|file| file.cluster.base.as_ref());
    let base = base
        .filter(|base| !base.get_ref().trim().is_empty())
        .map(Spanned::span);
    let cluster = file.and_then(|file| file.check(origin, environment, &mut findings));
    if let (Some(span), Some(cluster)) = (base, &cluster)
        && let Err(error) = check_base(cluster)
    {
        findings.problem(span, error.to_string(), error.remedy().unwrap_or_default());
    }
    match (findings.error(), cluster) {
        (None, Some(cluster)) => Ok(Loaded {
            cluster,
            warnings: findings.warnings,
            assumed: findings.assumed,
        }),
        (Some(error), _) => Err(error),
        (None, None) => Err(Error::new(
            Category::ClusterFile,
            format!("{} does not describe a cluster", source.label),
        )),
    }
}
