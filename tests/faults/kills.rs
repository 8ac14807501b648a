//! `kill -9` at random instants.

use std::process::Command;
use std::thread;
use std::time::Duration;

use test_support::server::{Served, Server};

use crate::place::{NODES, Place, kill, succeed};
use crate::{BASE, FORMS, moments, sha256_of};

/// Kills `build` after a while, and requires that the same command then works. `other` is another command that runs between them.
fn kill_and_repeat(place: &Place, after: Duration, build: &dyn Fn() -> Command, other: Option<&mut Command>) {
    let (images, keys) = (place.images(), place.keys());
    let mut child = build().spawn().unwrap();
    thread::sleep(after);
    kill(&mut child);

    let (left, left_keys) = (place.images(), place.keys());
    for (path, key) in &keys {
        assert_eq!(left_keys.get(path), Some(key), "{path} was replaced");
    }
    if let Some(other) = other {
        succeed(other);
        place.assert_tidy();
    }
    succeed(&mut build());
    place.assert_tidy();
    let (finished, finished_keys) = (place.images(), place.keys());
    for (path, key) in &left_keys {
        assert_eq!(finished_keys.get(path), Some(key), "{path} was replaced");
    }
    for (name, image) in &left {
        assert!(
            images.get(name) == Some(image) || finished.get(name) == Some(image),
            "{name} was not whole after {after:?}"
        );
    }
    assert!(finished.len() >= NODES.len());
}

#[test]
fn a_killed_build_leaves_no_half_image_and_no_stray_key() {
    let place = Place::new();
    for format in ["img", "img.xz"] {
        let build = |time| place.fast_build(&["--all", "--format", format], time);
        let length = succeed(&mut build(1_790_000_000));
        for (number, after) in (1..).zip(moments(length)) {
            if number % 2 == 0 {
                place.remove("cluster.secrets");
                place.remove("out");
            }
            let time = 1_790_000_000 + number;
            // Another node in another format, which has no part in the killed build.
            let other_format = if format == "img" { "img.xz" } else { "img" };
            let mut other = place.fast_build(&["--node", NODES[1], "--format", other_format], time);
            let other = (number % 3 == 1).then_some(&mut other);
            kill_and_repeat(&place, after, &|| build(time), other);
        }
    }
}

#[test]
fn a_killed_build_of_the_sample_can_be_repeated() {
    let place = Place::new();
    let build = || place.build(&["sample"], &["--all"], 1_790_000_000);
    let length = succeed(&mut build());
    for after in moments(length) {
        kill_and_repeat(&place, after, &build, None);
    }
}

#[test]
fn a_killed_download_is_continued() {
    for (name, bytes) in FORMS.into_iter().zip(&*BASE) {
        let place = Place::new();
        let file = Served::new(bytes, "a");
        let server = Server::start(move |request| file.answer(request));
        let (url, sha256) = (server.url(name).to_string(), sha256_of(bytes));
        let build = || place.build(&[&url, "--sha256", &sha256], &["--all"], 1_790_000_000);
        let length = succeed(&mut build());
        for after in moments(length) {
            place.remove("cache");
            place.remove("out");
            kill_and_repeat(&place, after, &build, None);
            let finished = crate::place::names(&place.path("cache"));
            assert_eq!(finished, [format!("{sha256}-{name}")]);
        }
    }
}
