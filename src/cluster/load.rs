//! From a path, or none, to a checked cluster.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use toml::Spanned;

use super::problem::{Findings, Warning};
use super::source::Source;
use super::{Cluster, Origin, defaults, parse, validate};
use crate::error::{Category, Context, Error, Result};

/// The name that is looked for in the current folder.
pub const FILE_NAME: &str = "cluster.toml";

/// A cluster file is a few kilobytes; anything bigger is something else.
const LARGEST: u64 = 1024 * 1024;

/// What the meaning of a cluster file depends on besides its text.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The current folder, absolute.
    pub folder: PathBuf,
    /// The caller's home folder, for `~` and his ssh keys.
    pub home: Option<PathBuf>,
}

/// A checked cluster, and what to tell the user about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The cluster.
    pub cluster: Cluster,
    /// What works but is unwise.
    pub warnings: Vec<Warning>,
    /// What was taken for granted because the file does not say it, a sentence each.
    pub assumed: Vec<String>,
}

/// What speaks against the base that a cluster file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseProblem {
    /// A sentence without a full stop.
    pub message: String,
    /// What would be right.
    pub remedy: String,
}

/// Judges the `base` of a cluster that is good otherwise: clusters know nothing of bases.
pub type BaseJudge<'a> = dyn Fn(&Cluster) -> Option<BaseProblem> + 'a;

impl Surroundings {
    /// The file that a text in a cluster file of `folder` means; `None` for `~/` without a home folder.
    pub(super) fn resolve(&self, text: &str, folder: &Path) -> Option<PathBuf> {
        match text.strip_prefix("~/") {
            Some(rest) => Some(self.home.as_ref()?.join(rest)),
            None => Some(folder.join(text)),
        }
    }

    /// Those of this process.
    pub fn of_process() -> Result<Self> {
        Ok(Self {
            folder: std::env::current_dir().disk(|| "asking for the current folder".to_owned())?,
            home: etcetera::home_dir().ok(),
        })
    }
}

/// Reads and checks a cluster file: `path`, or `cluster.toml` in the current folder, or else the built-in home lab.
///
/// # Errors
/// All problems of the file at once, each with its place, in one error of [`Category::ClusterFile`].
pub fn load(path: Option<&Path>, surroundings: &Surroundings) -> Result<Loaded> {
    load_judging(path, surroundings, &|_| None)
}

/// As [`load`]; what `judge` says of the base is a problem of the file like the others.
pub fn load_judging(
    path: Option<&Path>,
    surroundings: &Surroundings,
    judge: &BaseJudge<'_>,
) -> Result<Loaded> {
    let named = path.unwrap_or(Path::new(FILE_NAME));
    let absolute = surroundings.folder.join(named);
    let label = named.display().to_string();
    match read(&absolute, &label) {
        Ok(Some(bytes)) => interpret(&bytes, label, Origin::File(absolute), surroundings, judge),
        Ok(None) if path.is_none() => interpret(
            defaults::HOME_LAB.as_bytes(),
            label,
            Origin::BuiltIn,
            surroundings,
            judge,
        ),
        Ok(None) => Err(
            Error::new(Category::ClusterFile, format!("there is no cluster file {label}"))
                .with_remedy("mkimage init writes one"),
        ),
        Err(error) => Err(error),
    }
}

/// The file's bytes; `None` when there is no such file.
fn read(path: &Path, label: &str) -> Result<Option<Vec<u8>>> {
    let what = || format!("reading the cluster file {label}");
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context(Category::ClusterFile, what),
    };
    if !metadata.is_file() {
        return Err(Error::new(
            Category::ClusterFile,
            format!("the cluster file {label} is no file"),
        ));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST.saturating_add(1)).read_to_end(&mut bytes))
        .context(Category::ClusterFile, what)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::new(
            Category::ClusterFile,
            format!("{label} is bigger than 1 MiB and so no cluster file"),
        ));
    }
    Ok(Some(bytes))
}

/// Parses and checks a file's bytes.
pub(super) fn interpret(
    bytes: &[u8],
    label: String,
    origin: Origin,
    surroundings: &Surroundings,
    judge: &BaseJudge<'_>,
) -> Result<Loaded> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = good.split(|byte| *byte == b'\n').count();
            return Err(Error::new(
                Category::ClusterFile,
                format!("{label}:{line}: a character is not UTF-8"),
            )
            .with_remedy("save the file as UTF-8 text"));
        }
    };
    let source = Source {
        label,
        text: text.strip_prefix('\u{feff}').unwrap_or(text),
    };
    let mut findings = Findings::new(&source);
    let file = parse::parse(&mut findings);
    let base = file.as_ref().and_then(|file| file.cluster.base.as_ref());
    let base = base
        .filter(|base| !base.get_ref().trim().is_empty())
        .map(Spanned::span);
    let cluster = file.and_then(|file| validate::validate(file, origin, surroundings, &mut findings));
    if let (Some(span), Some(cluster)) = (base, &cluster)
        && let Some(problem) = judge(cluster)
    {
        findings.problem(span, problem.message, problem.remedy);
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
            format!("{} describes no cluster", source.label),
        )),
    }
}
