//! A cache, an image and a recorder of messages.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::Sender;
use std::time::Duration;

use mkimage::base::{
    BaseRequest, Catalog, Connection, HashSource, ObtainOptions, Publisher, Sha256, VerifiedBase, obtain,
};
use mkimage::disk::read_at::ReadAt;
use mkimage::error::Result;
use mkimage::progress::{Progress, Silent, Task};
use mkimage::signature::PublisherKey;
use tempfile::TempDir;
use url::Url;

/// Returns several hundred kilobytes without repetitions.
pub fn image() -> Vec<u8> {
    let mut state: u32 = 1;
    (0..300_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect()
}

/// Returns bytes of the same length as [`image`] that differ everywhere.
pub fn other_image() -> Vec<u8> {
    image().iter().map(|byte| !byte).collect()
}

/// A cache folder and the settings for downloads into it.
pub struct Cache {
    folder: TempDir,
    pub publisher: Publisher,
    pub allow_unsigned: bool,
    pub offline: bool,
    pub use_proxy: bool,
    pub stall: Duration,
}

impl Cache {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            // Nothing is downloaded from there, so nothing has to be signed.
            publisher: Publisher {
                address: Url::parse("https://publisher.example/").unwrap(),
                key: PublisherKey::RASPBERRY_PI,
            },
            allow_unsigned: false,
            offline: false,
            use_proxy: false,
            // Long enough for a busy machine.
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
        self.with_options(progress, |options| obtain(request, options))
    }

    /// Runs something with this cache.
    pub fn with_options<T>(&self, progress: &dyn Progress, run: impl FnOnce(&ObtainOptions) -> T) -> T {
        run(&ObtainOptions {
            on_event: None,
            cache_dir: self.path().to_owned(),
            catalog: &Catalog::load(self.path()).unwrap(),
            publisher: &self.publisher,
            allow_unsigned: self.allow_unsigned,
            offline: self.offline,
            progress,
            connection: Connection {
                stall_timeout: self.stall,
                first_wait: Duration::from_millis(1),
                longest_wait: Duration::from_secs(5),
                attempts: 4,
                use_proxy: self.use_proxy,
                ..Connection::default()
            },
        })
    }

    /// Returns a request for an image in the catalog with a known size.
    pub fn known(&self, url: &Url, sha256: Sha256, size: u64) -> BaseRequest {
        let BaseRequest::Known(mut entry) = self.refreshed(url, sha256, size) else {
            unreachable!()
        };
        entry.source = HashSource::BuiltIn;
        BaseRequest::Known(entry)
    }

    /// A request for an image that the publisher's server has listed.
    pub fn refreshed(&self, url: &Url, sha256: Sha256, size: u64) -> BaseRequest {
        let catalog = format!(
            "[[image]]\nrelease = \"forky\"\narch = \"arm64\"\ndate = \"2027-08-01\"\nurl = \"{url}\"\n\
             sha256 = \"{sha256}\"\nsize = {size}\n"
        );
        fs::write(self.path().join("catalog.toml"), catalog).unwrap();
        let catalog = Catalog::load(self.path()).unwrap();
        BaseRequest::Known(catalog.get("forky-arm64-2027-08-01").unwrap().clone())
    }

    /// Returns the names of its files.
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

/// Records all messages to the user.
#[derive(Default)]
pub struct Messages {
    lines: Mutex<Vec<String>>,
    to: Option<Sender<String>>,
}

impl Messages {
    pub fn sent_to(to: Sender<String>) -> Self {
        Self {
            lines: Mutex::default(),
            to: Some(to),
        }
    }

    pub fn contains(&self, text: &str) -> bool {
        self.lines.lock().unwrap().iter().any(|line| line.contains(text))
    }
}

impl Progress for Messages {
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
    base.file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}
