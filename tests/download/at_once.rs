//! Several downloads of one file at once.

use std::fs;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use mkimage::base::Sha256;

use crate::fixture::{Cache, Told, image, read_all};
use crate::server::{Served, Server};

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
    thread::scope(|scope| {
        let downloads: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| read_all(&cache.get_with(&url, sha256, &told).unwrap())))
            .collect();
        for download in downloads {
            assert_eq!(download.join().unwrap(), bytes);
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
