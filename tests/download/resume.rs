//! Downloads that stop halfway, and what they are continued with.

use std::fs;
use std::time::Duration;

use mkimage::base::Sha256;

use crate::fixture::{Cache, Told, image, other_image, read_all};
use test_support::server::{Reply, Request, Served, Server};

#[test]
fn a_cut_connection_goes_on_where_it_stopped() {
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
        let told = Told::default();
        let base = cache
            .get_with(&server.url("a.img"), Sha256::of(&bytes), &told)
            .unwrap();
        assert_eq!(read_all(&base), bytes);
        let asked: Vec<_> = server.requests().iter().map(Request::range_start).collect();
        assert_eq!(asked, [None, Some(100_000), Some(200_000)]);
        let expected = if tagged {
            "\"a\""
        } else {
            "Tue, 06 Oct 2026 10:00:00 GMT"
        };
        assert_eq!(server.requests()[2].header("if-range"), Some(expected));
        assert!(told.contains("cut off after 100000 of 300000 bytes"));
        assert_eq!(cache.files().len(), 1);
    }
}

#[test]
fn a_download_is_continued_by_another_run() {
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
    assert!(error.remedy().unwrap().contains("goes on where it stopped"));
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
    let told = Told::default();
    let base = cache
        .get_with(&server.url("a.img"), Sha256::of(&bytes), &told)
        .unwrap();
    assert_eq!(read_all(&base), bytes);
    assert_eq!(server.requests()[1].range_start(), Some(100_000));
    assert!(told.contains("starts a.img over"));
}

#[test]
fn a_file_that_changes_on_the_server_is_never_pieced_together() {
    // A server that knows If-Range, one that sends the part all the same, and one that has no versions at all.
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
fn a_server_that_falls_silent_is_asked_again() {
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
fn a_part_that_is_complete_needs_no_server() {
    let bytes = image();
    let sha256 = Sha256::of(&bytes);
    let server = Server::start(|_| Reply::new(500, ""));
    let cache = Cache::new();
    fs::write(cache.part(sha256), &bytes).unwrap();
    assert_eq!(read_all(&cache.get(&server.url("a.img"), sha256).unwrap()), bytes);
    assert_eq!(server.requests().len(), 0);
    assert_eq!(cache.files(), [format!("{sha256}-a.img")]);
}

#[test]
fn a_part_full_of_rubbish_costs_time_and_nothing_else() {
    for rubbish in [100_000, 300_000, 400_000] {
        let bytes = image();
        let sha256 = Sha256::of(&bytes);
        let server = Server::start(|request| Served::new(&image(), "a").answer(request));
        let cache = Cache::new();
        fs::write(cache.part(sha256), vec![7; rubbish]).unwrap();
        fs::write(cache.path().join(format!("{sha256}.resume")), "{torn").unwrap();
        assert_eq!(read_all(&cache.get(&server.url("a.img"), sha256).unwrap()), bytes);
        assert_eq!(server.requests()[0].range_start(), Some(rubbish));
        assert_eq!(server.requests()[1].range_start(), None);
        assert_eq!(cache.files().len(), 1);
    }
}

#[test]
fn wrong_bytes_in_pieces_are_fetched_whole_once_and_then_refused() {
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
fn a_line_that_breaks_all_the_time_gets_there_in_the_end() {
    let bytes = image();
    let file = Served::new(&bytes, "a");
    // Ten pieces: more cuts than attempts, but every one of them brought something.
    let server = Server::start(move |request| file.answer(request).cut_after(30_000));
    let base = Cache::new()
        .get(&server.url("a.img"), Sha256::of(&bytes))
        .unwrap();
    assert_eq!(read_all(&base), bytes);
    assert_eq!(server.requests().len(), 10);
}

#[test]
fn a_server_that_hands_out_less_than_was_asked_for_is_asked_for_the_rest() {
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
fn a_mirror_goes_on_where_another_stopped() {
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
    let asked = &second.requests()[0];
    assert_eq!(
        (asked.range_start(), asked.header("if-range")),
        (Some(100_000), None)
    );
    assert_eq!(second.requests().len(), 1);
}
