//! Concurrent downloads of one file.

use std::fs;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use mkimage::base::Sha256;
use mkimage::error::Result;
use mkimage::progress::{Progress, Task};

use crate::fixture::{Cache, Messages, image, other_image, read_all};
use test_support::server::{Served, Server};

/// Limit for waiting in a test.
const TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn two_downloads_at_once_are_one_download() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let (waiting, is_waiting) = channel();
    let is_waiting = Mutex::new(is_waiting);
    // The first download does not end before the second one waits for it.
    let server = Server::start(move |request| {
        let line: String = is_waiting.lock().unwrap().recv_timeout(TIMEOUT).unwrap();
        assert!(line.contains("waiting"), "{line}");
        Served::new(&image(), "a").answer(request)
    });
    let cache = Cache::new();
    let url = server.url("a.img");
    let messages = Messages::sent_to(waiting);
    let (cache, url, messages) = (&cache, &url, &messages);
    thread::scope(|scope| {
        let (done, is_done) = channel();
        for _ in 0..2 {
            let done = done.clone();
            scope.spawn(move || done.send(cache.get_with(url, sha256, messages).unwrap()).unwrap());
        }
        // Both bases are open at the same time: using a finished download does not block others.
        let bases = [(); 2].map(|()| is_done.recv_timeout(TIMEOUT).unwrap());
        for base in &bases {
            assert_eq!(read_all(base), bytes);
        }
    });
    assert_eq!(server.requests().len(), 1);
    assert_eq!(cache.files(), [format!("{sha256}-a.img")]);
}

#[test]
fn many_concurrent_downloads_of_a_damaged_file_all_succeed() {
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
fn a_download_that_waited_for_a_discarded_one_starts_again() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let (waiting, is_waiting) = channel();
    let is_waiting = Mutex::new(is_waiting);
    let server = Server::start(move |request| {
        if request.number > 0 {
            return Served::new(&image(), "right").answer(request);
        }
        is_waiting.lock().unwrap().recv_timeout(TIMEOUT).unwrap();
        Served::new(&other_image(), "wrong").answer(request)
    });
    let cache = Cache::new();
    let url = server.url("a.img");
    let messages = Messages::sent_to(waiting);
    let mut results: Vec<_> = thread::scope(|scope| {
        let downloads: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    cache
                        .get_with(&url, sha256, &messages)
                        .map(|base| read_all(&base))
                })
            })
            .collect();
        downloads
            .into_iter()
            .map(|download| download.join().unwrap())
            .collect()
    });
    results.sort_by_key(Result::is_err);
    assert_eq!(results[0].as_ref().unwrap(), &bytes);
    assert_eq!(results[1].as_ref().unwrap_err().category().exit_code(), 5);
    assert_eq!(cache.files(), [format!("{sha256}-a.img")]);
}

/// Pauses a download between hashing the cached file and acting on the result.
struct PausedProgress {
    hashing: Sender<()>,
    resume: Arc<Mutex<Receiver<()>>>,
}

impl Progress for PausedProgress {
    fn begin(&self, _what: &str, _total: Option<u64>) -> Box<dyn Task> {
        let _ = self.hashing.send(());
        Box::new(PausedTask(self.resume.clone()))
    }
    fn say(&self, _message: &str) {}
    fn warn(&self, _message: &str) {}
}

struct PausedTask(Arc<Mutex<Receiver<()>>>);

impl Task for PausedTask {
    fn advance(&self, _bytes: u64) {}
    fn reset_to(&self, _bytes: u64) {}
}

impl Drop for PausedTask {
    fn drop(&mut self) {
        // Returns an error at once if the sender is gone.
        let _ = self.0.lock().unwrap().recv();
    }
}

#[test]
fn a_file_repaired_by_another_download_is_not_discarded() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let server = Server::start(|request| Served::new(&image(), "a").answer(request));
    let cache = Cache::new();
    let url = server.url("a.img");
    let path = cache.path().join(format!("{sha256}-a.img"));
    fs::write(&path, &bytes[1..]).unwrap();

    let (hashing, is_hashing) = channel();
    let (resume, may_resume) = channel();
    let paused = PausedProgress {
        hashing,
        resume: Arc::new(Mutex::new(may_resume)),
    };
    thread::scope(|scope| {
        let slow = scope.spawn(|| read_all(&cache.get_with(&url, sha256, &paused).unwrap()));
        is_hashing.recv_timeout(TIMEOUT).unwrap();
        assert_eq!(read_all(&cache.get(&url, sha256).unwrap()), bytes);
        drop(resume);
        assert_eq!(slow.join().unwrap(), bytes);
    });
    assert_eq!(
        server.requests().len(),
        1,
        "a good file must not be downloaded again"
    );
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(cache.files(), [format!("{sha256}-a.img")]);
}
