//! Servers that send nothing, send elsewhere, or are not there.

use mkimage::base::Sha256;
use url::Url;

use crate::fixture::{Cache, Told, image, read_all};
use test_support::server::{Reply, Served, Server};

#[test]
fn a_redirect_is_followed_and_a_circle_of_them_is_not() {
    let bytes = image();
    let server = Server::start(|request| match request.target.as_str() {
        "/latest" => Reply::redirect("/images/a.img"),
        "/images/a.img" => Served::new(&image(), "a").answer(request),
        _ => Reply::redirect("/circle"),
    });
    let cache = Cache::new();
    assert_eq!(
        read_all(&cache.get(&server.url("latest"), Sha256::of(&bytes)).unwrap()),
        bytes
    );

    let error = cache
        .get(&server.url("circle"), Sha256::of(b"never"))
        .unwrap_err();
    assert_eq!(error.category().exit_code(), 4, "{error}");
    assert!(error.to_string().contains("from address to address"), "{error}");
    let circle = server
        .requests()
        .iter()
        .filter(|request| request.target == "/circle")
        .count();
    assert!(circle < 15, "{circle} requests");
}

#[test]
fn a_busy_server_is_asked_again_when_it_said_so() {
    let bytes = image();
    let server = Server::start(|request| match request.number {
        0 => Reply::new(503, "").with("Retry-After", "1"),
        1 => Reply::new(429, "").with("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"),
        _ => Served::new(&image(), "a").answer(request),
    });
    let told = Told::default();
    let base = Cache::new()
        .get_with(&server.url("a.img"), Sha256::of(&bytes), &told)
        .unwrap();
    assert_eq!(read_all(&base), bytes);
    assert!(told.contains("503 Service Unavailable; trying again in 1 s"));
}

#[test]
fn the_same_trouble_told_in_full_each_time_would_bury_it() {
    let bytes = image();
    let server = Server::start(|request| match request.number {
        0 | 1 => Reply::new(503, ""),
        2 => Reply::new(502, ""),
        _ => Served::new(&image(), "a").answer(request),
    });
    let told = Told::default();
    Cache::new()
        .get_with(&server.url("a.img"), Sha256::of(&bytes), &told)
        .unwrap();
    assert!(told.contains("503 Service Unavailable; trying again in"));
    assert!(told.contains("no better; trying again in"));
    assert!(told.contains("502 Bad Gateway; trying again in"));
}

#[test]
fn a_server_that_asks_for_a_day_is_not_waited_for() {
    let server = Server::start(|_| Reply::new(503, "").with("Retry-After", "86400"));
    let cache = Cache::new();
    let error = cache.get(&server.url("a.img"), Sha256::of(b"a")).unwrap_err();
    assert_eq!(error.category().exit_code(), 4);
    assert!(error.to_string().contains("come back in 86400 s"), "{error}");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(cache.files(), [""; 0]);
}

#[test]
fn what_is_not_there_is_asked_for_once() {
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
fn a_server_that_cuts_at_the_same_byte_for_ever_is_given_up() {
    let server = Server::start(|_| Served::new(&image(), "a").whole().cut_after(100_000));
    let cache = Cache::new();
    let error = cache.get(&server.url("a.img"), Sha256::of(&image())).unwrap_err();
    assert_eq!(error.category().exit_code(), 4, "{error}");
    assert!(server.requests().len() < 10);
}

#[test]
fn no_server_and_no_encryption_are_network_errors() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let nobody = Url::parse(&format!("http://127.0.0.1:{port}/a.img")).unwrap();
    let error = Cache::new().get(&nobody, Sha256::of(b"a")).unwrap_err();
    assert_eq!(error.category().exit_code(), 4, "{error}");
    assert!(error.remedy().unwrap().contains("proxy"));

    let server = Server::start(|_| Reply::new(200, "a"));
    let mut url = server.url("a.img");
    url.set_scheme("https").unwrap();
    let error = Cache::new().get(&url, Sha256::of(b"a")).unwrap_err();
    assert_eq!(error.category().exit_code(), 4, "{error}");
    assert_eq!(server.requests().len(), 0);
}
