//! A cache, an image, and somebody who listens.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::Sender;
use std::time::Duration;

use mkimage::base::{BaseRequest, Catalog, Connection, ObtainOptions, Proxy, Sha256, VerifiedBase, obtain};
use mkimage::disk::read_at::ReadAt;
use mkimage::error::Result;
use mkimage::progress::{Progress, Silent, Task};
use tempfile::TempDir;
use url::Url;

/// Some hundred kilobytes in which no two places look alike.
pub fn image() -> Vec<u8> {
    let mut state: u32 = 1;
    (0..300_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect()
}

/// As long as [`image`], and different everywhere.
pub fn other_image() -> Vec<u8> {
    image().iter().map(|byte| !byte).collect()
}

/// A cache folder and what downloads into it.
pub struct Cache {
    folder: TempDir,
    pub offline: bool,
    pub proxy: Proxy,
    pub stall: Duration,
}

impl Cache {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            offline: false,
            proxy: Proxy::None,
            // Long enough for a busy machine wherever no stall is wanted.
            stall: Duration::from_secs(60),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn get(&self, url: &Url, sha256: Sha256) -> Result<VerifiedBase> {
        self.get_with(url, sha256, &Silent)
    }

    pub fn get_with(&self, url: &Url, sha256: Sha256, progress: &dyn Progress) -> Result<VerifiedBase> {
        let url = url.clone();
        self.obtain(&BaseRequest::Url { url, sha256 }, progress)
    }

    pub fn obtain(&self, request: &BaseRequest, progress: &dyn Progress) -> Result<VerifiedBase> {
        let options = ObtainOptions {
            onlooker: None,
            cache_dir: self.path().to_owned(),
            catalog: &Catalog::load(self.path()).unwrap(),
            offline: self.offline,
            progress,
            connection: Connection {
                stall_timeout: self.stall,
                first_wait: Duration::from_millis(1),
                longest_wait: Duration::from_secs(5),
                attempts: 4,
                proxy: self.proxy,
                ..Connection::default()
            },
        };
        obtain(request, &options)
    }

    /// A request for an image of the catalog, which knows the image's size.
    pub fn known(&self, url: &Url, sha256: Sha256, size: u64) -> BaseRequest {
        let catalog = format!(
            "[[image]]\nrelease = \"forky\"\narch = \"arm64\"\ndate = \"2027-08-01\"\nurl = \"{url}\"\n\
             sha256 = \"{sha256}\"\nsize = {size}\n"
        );
        fs::write(self.path().join("catalog.toml"), catalog).unwrap();
        let catalog = Catalog::load(self.path()).unwrap();
        BaseRequest::Known(catalog.get("forky-arm64-2027-08-01").unwrap().clone())
    }

    /// The names of its files.
    pub fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "catalog.toml")
            .collect();
        names.sort();
        names
    }

    pub fn part(&self, sha256: Sha256) -> PathBuf {
        self.path().join(format!("{sha256}.part"))
    }
}

/// Everything that the user would be told.
#[derive(Default)]
pub struct Told {
    lines: Mutex<Vec<String>>,
    to: Option<Sender<String>>,
}

impl Told {
    pub fn sending(to: Sender<String>) -> Self {
        Self {
            lines: Mutex::default(),
            to: Some(to),
        }
    }

    pub fn contains(&self, text: &str) -> bool {
        self.lines.lock().unwrap().iter().any(|line| line.contains(text))
    }
}

impl Progress for Told {
    fn begin(&self, _what: &str, _total: Option<u64>) -> Box<dyn Task> {
        Box::new(Silent)
    }
    fn say(&self, message: &str) {
        self.lines.lock().unwrap().push(message.to_owned());
        if let Some(to) = &self.to {
            to.send(message.to_owned()).unwrap();
        }
    }
    fn warn(&self, message: &str) {
        self.say(message);
    }
}

pub fn read_all(base: &VerifiedBase) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(base.size()).unwrap()];
    base.file().read_exact_at(&mut bytes, 0).unwrap();
    bytes
}
