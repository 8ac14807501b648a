//! Several downloads of one file at once.

use std::fs;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use mkimage::base::Sha256;
use mkimage::error::Result;
use mkimage::progress::{Progress, Task};

use crate::fixture::{Cache, Told, image, other_image, read_all};
use test_support::server::{Served, Server};

/// After this long the other download has certainly not waited.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn two_downloads_at_once_are_one_download() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let (waiting, is_waiting) = channel();
    let is_waiting = Mutex::new(is_waiting);
    // The first download does not end before the second one is seen to wait for it.
    let server = Server::start(move |request| {
        let line: String = is_waiting.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        assert!(line.contains("waiting"), "{line}");
        Served::new(&image(), "a").answer(request)
    });
    let cache = Cache::new();
    let url = server.url("a.img");
    let told = Told::sending(waiting);
    let (cache, url, told) = (&cache, &url, &told);
    thread::scope(|scope| {
        let (done, is_done) = channel();
        for _ in 0..2 {
            let done = done.clone();
            scope.spawn(move || done.send(cache.get_with(url, sha256, told).unwrap()).unwrap());
        }
        // Both at the same time: using a finished download keeps nobody else from it.
        let bases = [(); 2].map(|()| is_done.recv_timeout(PATIENCE).unwrap());
        for base in &bases {
            assert_eq!(read_all(base), bytes);
        }
    });
    assert_eq!(server.requests().len(), 1);
    assert_eq!(cache.files(), [format!("{sha256}-a.img")]);
}

#[test]
fn many_downloads_at_once_of_a_damaged_file_all_end_well() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let server = Server::start(|request| Served::new(&image(), "a").answer(request));
    let cache = Cache::new();
    let url = server.url("a.img");
    for _ in 0..8 {
        fs::write(cache.path().join(format!("{sha256}-a.img")), &bytes[1..]).unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(read_all(&cache.get(&url, sha256).unwrap()), bytes));
            }
        });
        assert_eq!(cache.files(), [format!("{sha256}-a.img")]);
    }
    assert_eq!(server.requests().len(), 8, "one download each time");
}

#[test]
fn who_waited_for_a_download_that_was_thrown_away_makes_one_of_its_own() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let (waiting, is_waiting) = channel();
    let is_waiting = Mutex::new(is_waiting);
    let server = Server::start(move |request| {
        if request.number > 0 {
            return Served::new(&image(), "right").answer(request);
        }
        is_waiting.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        Served::new(&other_image(), "wrong").answer(request)
    });
    let cache = Cache::new();
    let url = server.url("a.img");
    let told = Told::sending(waiting);
    let mut ends: Vec<_> = thread::scope(|scope| {
        let downloads: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| cache.get_with(&url, sha256, &told).map(|base| read_all(&base))))
            .collect();
        downloads
            .into_iter()
            .map(|download| download.join().unwrap())
            .collect()
    });
    ends.sort_by_key(Result::is_err);
    assert_eq!(ends[0].as_ref().unwrap(), &bytes);
    assert_eq!(ends[1].as_ref().unwrap_err().category().exit_code(), 5);
    assert_eq!(cache.files(), [format!("{sha256}-a.img")]);
}

/// Stops a download between hashing what the cache has and doing something about it.
struct Held {
    hashing: Sender<()>,
    go: Arc<Mutex<Receiver<()>>>,
}

impl Progress for Held {
    fn begin(&self, _what: &str, _total: Option<u64>) -> Box<dyn Task> {
        let _ = self.hashing.send(());
        Box::new(HeldTask(self.go.clone()))
    }
    fn say(&self, _message: &str) {}
    fn warn(&self, _message: &str) {}
}

struct HeldTask(Arc<Mutex<Receiver<()>>>);

impl Task for HeldTask {
    fn advance(&self, _bytes: u64) {}
    fn reset_to(&self, _bytes: u64) {}
}

impl Drop for HeldTask {
    fn drop(&mut self) {
        // Ends with an error, and at once, when the other end is gone.
        let _ = self.0.lock().unwrap().recv();
    }
}

#[test]
fn a_file_that_was_repaired_meanwhile_is_not_thrown_away() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let server = Server::start(|request| Served::new(&image(), "a").answer(request));
    let cache = Cache::new();
    let url = server.url("a.img");
    let path = cache.path().join(format!("{sha256}-a.img"));
    fs::write(&path, &bytes[1..]).unwrap();

    let (hashing, is_hashing) = channel();
    let (go, may_go) = channel();
    let held = Held {
        hashing,
        go: Arc::new(Mutex::new(may_go)),
    };
    thread::scope(|scope| {
        let slow = scope.spawn(|| read_all(&cache.get_with(&url, sha256, &held).unwrap()));
        is_hashing.recv_timeout(PATIENCE).unwrap();
        assert_eq!(read_all(&cache.get(&url, sha256).unwrap()), bytes);
        drop(go);
        assert_eq!(slow.join().unwrap(), bytes);
    });
    assert_eq!(server.requests().len(), 1, "a good file was downloaded again");
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(cache.files(), [format!("{sha256}-a.img")]);
}
