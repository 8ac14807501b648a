//! Interrupted downloads and their continuation.

use std::fs;
use std::time::Duration;

use mkimage::base::Sha256;

use crate::fixture::{Cache, Messages, image, other_image, read_all};
use test_support::server::{Reply, Request, Served, Server};

/// Downloads the file that has these bytes, and returns the messages.
fn download(cache: &Cache, server: &Server, bytes: &[u8]) -> Messages {
    let messages = Messages::default();
    let base = cache
        .get_with(&server.url("a.img"), Sha256::of(bytes), &messages)
        .unwrap();
    assert_eq!(read_all(&base), bytes);
    messages
}

#[test]
fn a_cut_connection_is_resumed() {
    for tagged in [true, false] {
        let bytes = image();
        let mut file = Served::new(&bytes, "a");
        if !tagged {
            file.etag = Some("W/\"weak\"".to_owned());
            file.last_modified = Some("Tue, 06 Oct 2026 10:00:00 GMT".to_owned());
        }
        let server = Server::start(move |request| match request.number {
            0 | 1 => file.answer(request).cut_after(100_000),
            _ => file.answer(request),
        });
        let cache = Cache::new();
        let messages = download(&cache, &server, &bytes);
        let asked: Vec<_> = server.requests().iter().map(Request::range_start).collect();
        assert_eq!(asked, [None, Some(100_000), Some(200_000)]);
        let expected = if tagged {
            "\"a\""
        } else {
            "Tue, 06 Oct 2026 10:00:00 GMT"
        };
        assert_eq!(server.requests()[2].header("if-range"), Some(expected));
        assert!(messages.contains("cut off after 100000 of 300000 bytes"));
        assert_eq!(cache.files().len(), 1);
    }
}

#[test]
fn a_download_is_resumed_by_another_run() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let file = Served::new(&bytes, "a");
    let server = Server::start(move |request| match request.number {
        0 => file.answer(request).cut_after(100_000),
        1..4 => Reply::new(503, ""),
        _ => file.answer(request),
    });
    let cache = Cache::new();
    let error = cache.get(&server.url("a.img"), sha256).unwrap_err();
    assert_eq!(error.category().exit_code(), 4, "{error}");
    assert!(error.remedy().unwrap().contains("will resume"));
    assert_eq!(fs::metadata(cache.part(sha256)).unwrap().len(), 100_000);

    assert_eq!(read_all(&cache.get(&server.url("a.img"), sha256).unwrap()), bytes);
    let last = server.requests().pop().unwrap();
    assert_eq!(
        (last.range_start(), last.header("if-range")),
        (Some(100_000), Some("\"a\""))
    );
    assert_eq!(cache.files().len(), 1);
}

#[test]
fn a_server_that_ignores_ranges_starts_over() {
    let bytes = image();
    let file = Served::new(&bytes, "a");
    let server = Server::start(move |request| match request.number {
        0 => file.whole().cut_after(100_000),
        _ => file.whole(),
    });
    let cache = Cache::new();
    let messages = download(&cache, &server, &bytes);
    assert_eq!(server.requests()[1].range_start(), Some(100_000));
    assert!(messages.contains("sends a.img from the beginning"));
}

#[test]
fn pieces_of_different_versions_are_never_combined() {
    // A server that supports If-Range, one that ignores it, and one without versions.
    type Answer = fn(&Served, &Request) -> Reply;
    let honest: Answer = Served::answer;
    let careless: Answer = |file, request| {
        request
            .range_start()
            .map_or_else(|| file.whole(), |start| file.rest(start))
    };
    for (answer, tagged) in [(honest, true), (careless, true), (careless, false)] {
        let (old, new) = (other_image(), image());
        let sha256 = Sha256::of(&new);
        let serve = move |bytes: &[u8], tag| {
            if tagged {
                Served::new(bytes, tag)
            } else {
                Served::unversioned(bytes)
            }
        };
        let server = Server::start(move |request| match request.number {
            0 => answer(&serve(&old, "old"), request).cut_after(100_000),
            _ => answer(&serve(&new, "new"), request),
        });
        let cache = Cache::new();
        assert_eq!(
            read_all(&cache.get(&server.url("a.img"), sha256).unwrap()),
            image()
        );
        assert_eq!(server.requests()[1].range_start(), Some(100_000));
        assert_eq!(cache.files(), [format!("{sha256}-a.img")]);
    }
}

#[test]
fn a_stalled_server_is_asked_again() {
    let bytes = image();
    let file = Served::new(&bytes, "a");
    let server = Server::start(move |request| match request.number {
        0 => file.answer(request).stall_after(100_000),
        _ => file.answer(request),
    });
    let mut cache = Cache::new();
    cache.stall = Duration::from_secs(1);
    let base = cache.get(&server.url("a.img"), Sha256::of(&bytes)).unwrap();
    assert_eq!(read_all(&base), bytes);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_complete_part_needs_no_server() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let server = Server::start(|_| Reply::new(500, ""));
    let cache = Cache::new();
    fs::write(cache.part(sha256), &bytes).unwrap();
    assert_eq!(read_all(&cache.get(&server.url("a.img"), sha256).unwrap()), bytes);
    assert_eq!(server.requests().len(), 0);
    assert_eq!(cache.files(), [format!("{sha256}-a.img")]);
}

/// The state after a run that failed or was killed at its last step: the next run clears all of it away.
#[test]
fn a_download_that_cannot_get_its_name_leaves_only_its_part() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let cache = Cache::new();
    let name = cache.path().join(format!("{sha256}-a.img"));
    let file = Served::new(&bytes, "a");
    let in_the_way = name.clone();
    let server = Server::start(move |request| {
        fs::create_dir(&in_the_way).unwrap();
        file.answer(request)
    });
    let error = cache.get(&server.url("a.img"), sha256).unwrap_err();
    assert_eq!(error.category().exit_code(), 6, "{error}");
    fs::remove_dir(&name).unwrap();
    assert_eq!(cache.files(), [format!("{sha256}.part")]);

    assert_eq!(read_all(&cache.get(&server.url("a.img"), sha256).unwrap()), bytes);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(cache.files(), [format!("{sha256}-a.img")]);
}

#[test]
fn a_part_with_wrong_content_is_downloaded_again() {
    for size in [100_000, 300_000, 400_000] {
        let bytes = image();
        let sha256 = Sha256::of(&bytes);
        let server = Server::start(|request| Served::new(&image(), "a").answer(request));
        let cache = Cache::new();
        fs::write(cache.part(sha256), vec![7; size]).unwrap();
        fs::write(cache.path().join(format!("{sha256}.resume")), "{torn").unwrap();
        assert_eq!(read_all(&cache.get(&server.url("a.img"), sha256).unwrap()), bytes);
        assert_eq!(server.requests()[0].range_start(), Some(size));
        assert_eq!(server.requests()[1].range_start(), None);
        assert_eq!(cache.files().len(), 1);
    }
}

#[test]
fn wrong_bytes_in_pieces_are_downloaded_once_more_and_then_refused() {
    let wanted = Sha256::of(&image());
    let server = Server::start(|request| {
        let reply = Served::unversioned(&other_image()).answer(request);
        if request.number % 2 == 0 {
            reply.cut_after(100_000)
        } else {
            reply
        }
    });
    let cache = Cache::new();
    let error = cache.get(&server.url("a.img"), wanted).unwrap_err();
    assert_eq!(error.category().exit_code(), 5, "{error}");
    assert_eq!(cache.files(), [""; 0]);
    let asked: Vec<_> = server.requests().iter().map(Request::range_start).collect();
    assert_eq!(asked, [None, Some(100_000), None, Some(100_000)]);
}

#[test]
fn an_unreliable_connection_succeeds_eventually() {
    let bytes = image();
    let file = Served::new(&bytes, "a");
    // Ten pieces: more interruptions than attempts, but each makes progress.
    let server = Server::start(move |request| file.answer(request).cut_after(30_000));
    let base = Cache::new()
        .get(&server.url("a.img"), Sha256::of(&bytes))
        .unwrap();
    assert_eq!(read_all(&base), bytes);
    assert_eq!(server.requests().len(), 10);
}

#[test]
fn a_server_that_sends_less_than_requested_is_asked_for_the_rest() {
    let bytes = image();
    let file = Served::new(&bytes, "a");
    let server = Server::start(move |request| match request.range_start() {
        None => file.whole().cut_after(100_000),
        Some(start) => file.slice(start, start + 50_000),
    });
    let base = Cache::new()
        .get(&server.url("a.img"), Sha256::of(&bytes))
        .unwrap();
    assert_eq!(read_all(&base), bytes);
    let asked: Vec<_> = server.requests().iter().map(Request::range_start).collect();
    assert_eq!(
        asked,
        [None, Some(100_000), Some(150_000), Some(200_000), Some(250_000)]
    );
}

#[test]
fn another_mirror_continues_a_download() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let file = Served::new(&bytes, "theirs");
    let first = Server::start(move |request| match request.number {
        0 => file.whole().cut_after(100_000),
        _ => Reply::new(404, ""),
    });
    let file = Served::new(&bytes, "ours");
    let second = Server::start(move |request| file.answer(request));
    let cache = Cache::new();
    cache.get(&first.url("a.img"), sha256).unwrap_err();
    assert_eq!(read_all(&cache.get(&second.url("a.img"), sha256).unwrap()), bytes);
    let request = &second.requests()[0];
    assert_eq!(
        (request.range_start(), request.header("if-range")),
        (Some(100_000), None)
    );
    assert_eq!(second.requests().len(), 1);
}
