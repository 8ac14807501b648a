//! The cache of earlier downloads.

use std::fs;

use mkimage::base::{Sha256, Trust};

use crate::fixture::{Cache, Messages, image, read_all};
use test_support::server::{Reply, Served, Server};

#[test]
fn a_download_is_reused_without_the_network() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let file = Served::new(&bytes, "a");
    let server = Server::start(move |request| file.answer(request));
    let url = server.url("images/raspios.img.xz");
    let mut cache = Cache::new();

    let base = cache.get(&url, sha256).unwrap();
    assert_eq!(read_all(&base), bytes);
    assert_eq!((base.sha256, base.size()), (sha256, bytes.len() as u64));
    assert_eq!((&*base.name, base.trust), ("raspios.img.xz", Trust::GivenHash));
    base.check_unchanged().unwrap();
    assert_eq!(cache.files(), [format!("{sha256}-raspios.img.xz")]);
    assert_eq!(server.requests()[0].target, "/images/raspios.img.xz");
    assert_eq!(server.requests()[0].header("accept-encoding"), Some("identity"));

    drop(base);
    cache.offline = true;
    assert_eq!(read_all(&cache.get(&url, sha256).unwrap()), bytes);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_damaged_cache_is_detected_and_repaired() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let server = Server::start(|request| Served::new(&image(), "a").answer(request));
    let mut cache = Cache::new();
    let path = cache.get(&server.url("a.img"), sha256).unwrap().path;
    let mut damaged = bytes.clone();
    damaged[150_000] ^= 1;
    fs::write(&path, &damaged).unwrap();

    cache.offline = true;
    let error = cache.get(&server.url("a.img"), sha256).unwrap_err();
    assert_eq!(error.category().exit_code(), 5);
    assert!(
        error.to_string().contains(&Sha256::of(&damaged).to_string()),
        "{error}"
    );
    assert!(error.to_string().contains(&sha256.to_string()), "{error}");
    assert_eq!(
        fs::read(&path).unwrap(),
        damaged,
        "offline, a damaged file must stay"
    );

    cache.offline = false;
    let messages = Messages::default();
    assert_eq!(
        read_all(&cache.get_with(&server.url("a.img"), sha256, &messages).unwrap()),
        bytes
    );
    assert!(messages.contains("was damaged"));
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn offline_with_an_empty_cache_says_what_to_do() {
    let server = Server::start(|_| Reply::new(500, ""));
    let mut cache = Cache::new();
    cache.offline = true;
    let error = cache.get(&server.url("a.img"), Sha256::of(b"a")).unwrap_err();
    assert_eq!(error.category().exit_code(), 4);
    assert!(error.remedy().unwrap().contains("without `--offline`"));
    assert_eq!(server.requests().len(), 0);
    assert_eq!(cache.files(), [""; 0]);
}

#[test]
fn the_same_file_from_another_url_is_not_downloaded_again() {
    let bytes = image();
    let server = Server::start(|request| Served::new(&image(), "a").answer(request));
    let cache = Cache::new();
    cache.get(&server.url("a.img"), Sha256::of(&bytes)).unwrap();
    cache
        .get(&server.url("mirror/b.img"), Sha256::of(&bytes))
        .unwrap();
    assert_eq!(server.requests().len(), 1);
}
