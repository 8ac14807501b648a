//! Servers that send wrong data or announce a wrong length.

use std::fs;

use mkimage::base::Sha256;
use mkimage::progress::Silent;

use crate::fixture::{Cache, image, other_image, read_all};
use test_support::server::{Reply, Served, Server};

#[test]
fn a_wrong_hash_deletes_only_the_bad_download() {
    let wanted = Sha256::of(&image());
    let server = Server::start(|request| Served::new(&other_image(), "a").answer(request));
    let cache = Cache::new();
    fs::write(cache.path().join("something else"), "keep me").unwrap();
    let error = cache.get(&server.url("a.img"), wanted).unwrap_err();
    assert_eq!(error.category().exit_code(), 5);
    let message = error.to_string();
    assert!(message.contains(&wanted.to_string()), "{message}");
    assert!(
        message.contains(&Sha256::of(&other_image()).to_string()),
        "{message}"
    );
    assert_eq!(cache.files(), ["something else"]);
    assert_eq!(
        server.requests().len(),
        1,
        "the same server must not be asked for the same bytes again"
    );
}

#[test]
fn a_server_that_announces_too_much_is_accepted_if_the_hash_matches() {
    let bytes = image();
    let server = Server::start(|_| Reply::new(200, image()).announcing(400_000));
    let cache = Cache::new();
    assert_eq!(
        read_all(&cache.get(&server.url("a.img"), Sha256::of(&bytes)).unwrap()),
        bytes
    );
}

#[test]
fn a_server_that_announces_too_little_is_detected() {
    let sha256 = Sha256::of(&image());
    let server = Server::start(|_| Reply::new(200, image()).announcing(200_000));
    let cache = Cache::new();
    assert_eq!(
        cache
            .get(&server.url("a.img"), sha256)
            .unwrap_err()
            .category()
            .exit_code(),
        5
    );
    assert_eq!(cache.files(), [""; 0]);
}

#[test]
fn a_length_that_contradicts_the_catalog_is_refused_before_the_first_byte() {
    for announced in [2_113, 400_000] {
        let server = Server::start(move |_| Reply::new(200, image()).announcing(announced));
        let cache = Cache::new();
        let request = cache.known(&server.url("a.img"), Sha256::of(&image()), 300_000);
        let error = cache.obtain(&request, &Silent).unwrap_err();
        assert_eq!(error.category().exit_code(), 5, "{error}");
        assert!(error.remedy().unwrap().contains("login page"));
        assert_eq!(cache.files(), [""; 0]);
    }
}

#[test]
fn a_server_that_never_stops_sending_does_not_fill_the_disk() {
    let server = Server::start(|_| Reply::new(200, image()).chunked());
    let cache = Cache::new();
    let request = cache.known(&server.url("a.img"), Sha256::of(b"less"), 200_000);
    let error = cache.obtain(&request, &Silent).unwrap_err();
    assert_eq!(error.category().exit_code(), 5);
    assert!(
        error.to_string().contains("more than the 200000 bytes"),
        "{error}"
    );
    assert_eq!(cache.files(), [""; 0]);
}

#[test]
fn a_server_without_a_length_is_accepted() {
    let bytes = image();
    let server = Server::start(|_| Reply::new(200, image()).chunked());
    let cache = Cache::new();
    assert_eq!(
        read_all(&cache.get(&server.url("a.img"), Sha256::of(&bytes)).unwrap()),
        bytes
    );
    let request = cache.known(&server.url("a.img"), Sha256::of(&bytes), 300_000);
    let base = Cache::new().obtain(&request, &Silent).unwrap();
    assert_eq!(base.size(), 300_000);
}

#[test]
fn a_cut_off_answer_without_a_length_is_not_blamed_on_the_server() {
    let sha256 = Sha256::of(&image());
    let cut = |after| Server::start(move |_| Reply::new(200, image()).until_close().cut_after(after));
    let cache = Cache::new();
    let error = cache.get(&cut(200_000).url("a.img"), sha256).unwrap_err();
    assert_eq!(error.category().exit_code(), 5);
    let message = error.to_string();
    assert!(message.contains("did not give the file's length"), "{message}");
    assert!(message.contains("cut off after 200000 bytes"), "{message}");
    assert!(!error.remedy().unwrap().contains("do not use"));
    assert_eq!(cache.files(), [""; 0]);
    cache.get(&cut(300_000).url("a.img"), sha256).unwrap();

    // With a known length, the download is resumed.
    let server = Server::start(|request| match request.number {
        0 => Reply::new(200, image()).until_close().cut_after(200_000),
        _ => Served::new(&image(), "a").answer(request),
    });
    let cache = Cache::new();
    let request = cache.known(&server.url("a.img"), sha256, 300_000);
    assert_eq!(read_all(&cache.obtain(&request, &Silent).unwrap()), image());
}

#[cfg(unix)]
#[test]
fn a_download_that_does_not_fit_leaves_nothing_behind() {
    let size = 1 << 60;
    let server = Server::start(move |_| Reply::new(200, image()).announcing(size));
    let cache = Cache::new();
    let request = cache.known(&server.url("a.img"), Sha256::of(b"a"), size);
    let error = cache.obtain(&request, &Silent).unwrap_err();
    assert_eq!(error.category().exit_code(), 6, "{error}");
    assert!(error.remedy().unwrap().contains("MKIMAGE_CACHE_DIR"));
    assert_eq!(cache.files(), [""; 0]);
}
