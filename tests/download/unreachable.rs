//! Servers that redirect, fail or do not exist.

use mkimage::base::Sha256;
use url::Url;

use crate::fixture::{Cache, Messages, image, read_all};
use test_support::server::{Reply, Served, Server};

#[test]
fn a_redirect_is_followed_but_not_in_a_loop() {
    let bytes = image();
    let server = Server::start(|request| match request.target.as_str() {
        "/latest" => Reply::redirect("/images/a.img"),
        "/images/a.img" => Served::new(&image(), "a").answer(request),
        _ => Reply::redirect("/loop"),
    });
    let cache = Cache::new();
    assert_eq!(
        read_all(&cache.get(&server.url("latest"), Sha256::of(&bytes)).unwrap()),
        bytes
    );

    let error = cache.get(&server.url("loop"), Sha256::of(b"never")).unwrap_err();
    assert_eq!(error.category().exit_code(), 4, "{error}");
    assert!(error.to_string().contains("redirects more than"), "{error}");
    let in_loop = server
        .requests()
        .iter()
        .filter(|request| request.target == "/loop")
        .count();
    assert!(in_loop < 15, "{in_loop} requests");
}

#[test]
fn a_busy_server_is_asked_again_after_the_wait_it_requests() {
    let bytes = image();
    let server = Server::start(|request| match request.number {
        0 => Reply::new(503, "").with("Retry-After", "1"),
        1 => Reply::new(429, "").with("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"),
        _ => Served::new(&image(), "a").answer(request),
    });
    let messages = Messages::default();
    let base = Cache::new()
        .get_with(&server.url("a.img"), Sha256::of(&bytes), &messages)
        .unwrap();
    assert_eq!(read_all(&base), bytes);
    assert!(messages.contains("503 Service Unavailable; trying again in 1 s"));
}

#[test]
fn a_repeated_error_is_shown_in_full_only_once() {
    let bytes = image();
    let server = Server::start(|request| match request.number {
        0 | 1 => Reply::new(503, ""),
        2 => Reply::new(502, ""),
        _ => Served::new(&image(), "a").answer(request),
    });
    let messages = Messages::default();
    Cache::new()
        .get_with(&server.url("a.img"), Sha256::of(&bytes), &messages)
        .unwrap();
    assert!(messages.contains("503 Service Unavailable; trying again in"));
    assert!(messages.contains("still failing; trying again in"));
    assert!(messages.contains("502 Bad Gateway; trying again in"));
}

#[test]
fn a_server_that_asks_to_wait_a_day_is_given_up() {
    let server = Server::start(|_| Reply::new(503, "").with("Retry-After", "86400"));
    let cache = Cache::new();
    let error = cache.get(&server.url("a.img"), Sha256::of(b"a")).unwrap_err();
    assert_eq!(error.category().exit_code(), 4);
    assert!(error.to_string().contains("asks to wait 86400 s"), "{error}");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(cache.files(), [""; 0]);
}

#[test]
fn a_missing_file_is_requested_only_once() {
    for status in [404, 403, 410] {
        let server = Server::start(move |_| Reply::new(status, "gone"));
        let error = Cache::new()
            .get(&server.url("a.img"), Sha256::of(b"a"))
            .unwrap_err();
        assert_eq!(error.category().exit_code(), 4);
        assert!(error.remedy().is_some());
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_broken_server_is_given_up() {
    let server = Server::start(|_| Reply::new(500, ""));
    let cache = Cache::new();
    let error = cache.get(&server.url("a.img"), Sha256::of(b"a")).unwrap_err();
    assert_eq!(error.category().exit_code(), 4);
    assert!(
        error.to_string().contains("giving up after 4 attempts"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 4);
    assert_eq!(cache.files(), [""; 0]);
}

#[test]
fn a_server_that_always_cuts_at_the_same_byte_is_given_up() {
    let server = Server::start(|_| Served::new(&image(), "a").whole().cut_after(100_000));
    let cache = Cache::new();
    let error = cache.get(&server.url("a.img"), Sha256::of(&image())).unwrap_err();
    assert_eq!(error.category().exit_code(), 4, "{error}");
    assert!(server.requests().len() < 10);
}

#[test]
fn a_name_that_cannot_be_resolved_is_looked_up_twice_and_the_remedy_names_the_sample() {
    // Names in `.invalid` never resolve (RFC 6761, section 6.4).
    let nowhere = Url::parse("http://mkimage.invalid/a.img").unwrap();
    let error = Cache::new().get(&nowhere, Sha256::of(b"a")).unwrap_err();
    assert_eq!(error.category().exit_code(), 4);
    assert!(
        error.to_string().contains("giving up after 2 attempts"),
        "{error}"
    );
    let remedy = error.remedy().unwrap();
    assert!(
        remedy.contains("HTTPS_PROXY") && remedy.contains("`--base sample`"),
        "{remedy}"
    );
}

#[test]
fn a_failed_lookup_during_a_download_is_retried_like_other_failures() {
    let server = Server::start(|request| match request.number {
        0 => Served::new(&image(), "a").whole().cut_after(100_000),
        _ => Reply::redirect("http://mkimage.invalid/a.img"),
    });
    let error = Cache::new()
        .get(&server.url("a.img"), Sha256::of(&image()))
        .unwrap_err();
    assert_eq!(error.category().exit_code(), 4);
    assert!(
        error.to_string().contains("giving up after 4 attempts"),
        "{error}"
    );
}

#[test]
fn a_missing_server_and_missing_encryption_are_network_errors() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let no_server = Url::parse(&format!("http://127.0.0.1:{port}/a.img")).unwrap();
    let error = Cache::new().get(&no_server, Sha256::of(b"a")).unwrap_err();
    assert_eq!(error.category().exit_code(), 4, "{error}");
    assert!(error.remedy().unwrap().contains("proxy"));

    let server = Server::start(|_| Reply::new(200, "a"));
    let mut url = server.url("a.img");
    url.set_scheme("https").unwrap();
    let error = Cache::new().get(&url, Sha256::of(b"a")).unwrap_err();
    assert_eq!(error.category().exit_code(), 4, "{error}");
    assert_eq!(server.requests().len(), 0);
}
