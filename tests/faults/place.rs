//! A user's folder, cache and temporary folder, and what may lie in them after a run.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{BASE, FORMS, sha256_of};

/// The nodes of the cluster.
pub const NODES: [&str; 2] = ["pi4-1", "pi4-2"];

const CLUSTER: &str = "node = [\n    { name = \"pi4-1\", model = \"pi4\", role = \"manager\", brick = false },\n    { name = \"pi4-2\", model = \"pi4\", brick = false },\n]\n";

/// The folders of a [`Place`].
const FOLDERS: [&str; 3] = ["home", "cache", "tmp"];

/// A file's hash, by its path.
pub type Hashes = BTreeMap<String, String>;

pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        furnish(folder.path());
        fs::write(folder.path().join(FORMS[0]), &BASE[0]).unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns a build from a base that lies in the folder and is fast to read.
    pub fn fast_build(&self, more: &[&str], time: u32) -> Command {
        self.build(&[FORMS[0], "--sha256", &sha256_of(&BASE[0])], more, time)
    }

    /// Returns the program, ready to build into `out/`, at a time that tells builds apart.
    pub fn build(&self, base: &[&str], more: &[&str], time: u32) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mkimage"));
        let folder = self.folder.path();
        command
            .args(["--out", "out", "--base"])
            .args(base)
            .args(more)
            .env_clear()
            .env("HOME", folder.join("home"))
            .env("MKIMAGE_CACHE_DIR", folder.join("cache"))
            .env("TMPDIR", folder.join("tmp"))
            .env("SOURCE_DATE_EPOCH", time.to_string())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Returns every image under its final name.
    pub fn images(&self) -> Hashes {
        let hash = |name: &String| sha256_of(&fs::read(self.path("out").join(name)).unwrap());
        let names = names(&self.path("out"))
            .into_iter()
            .filter(|name| !name.starts_with('.'));
        names.map(|name| (name.clone(), hash(&name))).collect()
    }

    /// Returns all keys and ids.
    pub fn keys(&self) -> Hashes {
        let files = files(&self.path("cluster.secrets"));
        let is_key = |path: &&String| {
            !path.contains("/.") && !path.ends_with("known_hosts") && !path.ends_with("ssh_config")
        };
        let hash = |path: &String| sha256_of(&fs::read(path).unwrap());
        files
            .iter()
            .filter(is_key)
            .map(|path| (path.clone(), hash(path)))
            .collect()
    }

    /// Requires that the last run left nothing but its results.
    #[track_caller]
    pub fn assert_tidy(&self) {
        assert_eq!(names(&self.path("tmp")), [""; 0]);
        let strays = strays(files(self.folder.path()).into_iter());
        assert_eq!(strays, [""; 0]);
        for path in files(&self.path("cluster.secrets")) {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{path}");
        }
    }

    pub fn remove(&self, name: &str) {
        let path = self.path(name);
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        if FOLDERS.contains(&name) {
            fs::create_dir(path).unwrap();
        }
    }
}

/// Makes a user's folders and cluster file.
pub fn furnish(folder: &Path) {
    for name in FOLDERS {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    fs::write(folder.join("cluster.toml"), CLUSTER).unwrap();
}

/// Returns the paths that no finished run leaves behind: unfinished images, keys and downloads.
pub fn strays(paths: impl Iterator<Item = String>) -> Vec<String> {
    let is_stray = |path: &String| {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let is_unfinished = name.starts_with('.') && name != ".gitignore";
        let is_download =
            folder.ends_with("cache") && name.get(64..65) != Some("-") && name != "catalog.toml";
        is_unfinished || is_download
    };
    paths.filter(is_stray).collect()
}

/// Returns the names in a folder, sorted; empty if it does not exist.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Returns the paths of all files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for name in names(folder) {
        let path = folder.join(name);
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.into_os_string().into_string().unwrap());
        }
    }
    found
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Output {
    command.spawn().unwrap().wait_with_output().unwrap()
}

/// Requires one of these exit codes.
#[track_caller]
pub fn exits(output: &Output, codes: &[i32]) {
    let code = output.status.code();
    assert!(
        code.is_some_and(|code| codes.contains(&code)),
        "{:?} instead of {codes:?}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs a command that has to succeed. Returns how long it took.
#[track_caller]
pub fn succeed(command: &mut Command) -> Duration {
    let started = Instant::now();
    exits(&run(command), &[0]);
    started.elapsed()
}

/// Kills a process with a signal that it cannot catch.
pub fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}
