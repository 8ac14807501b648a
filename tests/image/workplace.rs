//! Runs the real program with a separate home, cache and working folder, and without access to other programs.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::judge;

/// Limit for a run, longer than any test takes on the slowest machine.
const FUSE: Duration = Duration::from_secs(300);

/// The user's public key in tests.
pub const USER_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGTN1tVBXB9ElwUiLmNm3yXwSMA8PPXnOKfF2RzsYVXh somebody@desk";

/// A user's environment.
pub struct Workplace {
    folder: PathBuf,
    _temporary: Option<TempDir>,
}

/// The result of a run of the program.
#[derive(Debug)]
pub struct Run {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Workplace {
    /// Creates the environment of a user with an ssh key.
    pub fn new() -> Self {
        let place = Self::without_ssh_key();
        fs::create_dir(place.home().join(".ssh")).unwrap();
        fs::write(place.home().join(".ssh/id_ed25519.pub"), USER_KEY).unwrap();
        place
    }

    pub fn without_ssh_key() -> Self {
        let temporary = judge::scratch();
        let folder = temporary.path().to_owned();
        fs::create_dir(folder.join("home")).unwrap();
        Self {
            folder,
            _temporary: Some(temporary),
        }
    }

    /// Creates an environment in a folder that outlives the test.
    pub fn lasting(folder: &Path) -> Self {
        fs::create_dir_all(folder.join("home/.ssh")).unwrap();
        fs::write(folder.join("home/.ssh/id_ed25519.pub"), USER_KEY).unwrap();
        Self {
            folder: folder.to_owned(),
            _temporary: None,
        }
    }

    /// Returns a path in the working folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Writes `cluster.toml`.
    pub fn cluster_file(&self, text: &str) {
        fs::write(self.path("cluster.toml"), text).unwrap();
    }

    /// Returns the program, ready to start. It finds no other programs and has only the given environment.
    pub fn mkimage(&self) -> Command {
        self.start_by(env!("CARGO_BIN_EXE_mkimage"), &[])
    }

    /// Does the same as [`Self::mkimage`], started by another program.
    pub fn start_by(&self, starter: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(starter);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("PATH", self.path("no-programs-here"))
            .env("SOURCE_DATE_EPOCH", "1790000000")
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        let mut command = self.mkimage();
        command.args(arguments);
        self.finish(&mut command)
    }

    /// Builds nodes of a base into `out/`.
    pub fn build<B: AsRef<OsStr> + ?Sized>(&self, base: &B, more: &[&str]) -> Run {
        let mut command = self.mkimage();
        command.arg("--base").arg(base).args(["--out", "out"]).args(more);
        self.finish(&mut command)
    }

    /// Builds nodes of a base into `out/`, a file system that only this process sees. It is mounted with `limits`, options of
    /// tmpfs. The names left in it are listed on stdout.
    pub fn build_within(&self, limits: &str, base: &Path, more: &[&str]) -> Run {
        const SCRIPT: &str = r#"
            mount -t tmpfs -o "$1" none out || exit 99
            program=$2
            shift 2
            "$program" --out out "$@" || code=$?
            ls -A out
            exit "$code"
        "#;
        fs::create_dir_all(self.path("out")).unwrap();
        let user: &[&str] = if judge::is_root() {
            &[]
        } else {
            &["--map-root-user"]
        };
        let mut command = self.start_by(
            "/usr/bin/unshare",
            &[user, &["--mount", "sh", "-c", SCRIPT, "sh"]].concat(),
        );
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TMPDIR", &self.folder)
            .args([limits, env!("CARGO_BIN_EXE_mkimage"), "--base"])
            .arg(base)
            .args(more);
        self.finish(&mut command)
    }

    /// Runs a command to its end.
    pub fn finish(&self, command: &mut Command) -> Run {
        let output = Streams::new(&self.folder);
        let child = output.spawn(command);
        output.wait(child)
    }

    /// Returns the names in `out/`, without that of the file by which it ignores itself.
    pub fn out_names(&self) -> Vec<String> {
        let mut names = names(&self.path("out"));
        names.retain(|name| name != ".gitignore");
        names
    }
}

/// Returns the names in a folder, sorted; empty if it does not exist.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The files for a run's output, which never wait for a reader.
pub struct Streams {
    stdout: tempfile::NamedTempFile,
    stderr: tempfile::NamedTempFile,
}

impl Streams {
    pub fn new(folder: &Path) -> Self {
        let file = || tempfile::NamedTempFile::new_in(folder.parent().unwrap()).unwrap();
        Self {
            stdout: file(),
            stderr: file(),
        }
    }

    pub fn spawn(&self, command: &mut Command) -> Child {
        let stream = |file: &tempfile::NamedTempFile| Stdio::from(File::create(file.path()).unwrap());
        command
            .stdout(stream(&self.stdout))
            .stderr(stream(&self.stderr))
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    pub fn wait(&self, mut child: Child) -> Run {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > FUSE {
                child.kill().unwrap();
                panic!(
                    "timeout; output: {}",
                    fs::read_to_string(self.stderr.path()).unwrap()
                );
            }
            thread::sleep(Duration::from_millis(5));
        };
        Run {
            code: status.code(),
            signal: status.signal(),
            stdout: String::from_utf8_lossy(&fs::read(self.stdout.path()).unwrap()).into_owned(),
            stderr: String::from_utf8_lossy(&fs::read(self.stderr.path()).unwrap()).into_owned(),
        }
    }
}

impl Run {
    /// Requires this exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "(signal {:?})\n{}\n{}",
            self.signal,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Returns the JSON object on stdout.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let value: serde_json::Value =
            serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout));
        assert!(value.is_object(), "{value}");
        value
    }

    /// Requires these words on stderr.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.stderr.to_lowercase().contains(&word.to_lowercase()),
                "{word:?} is missing in: {}",
                self.stderr
            );
        }
        self
    }
}
