//! Tests of builds that download their base first.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use mkimage::base::Sha256;

use crate::base::{Form, SMALL};
use crate::judge;
use crate::workplace::{Run, Streams, Workplace};
use test_support::server::{Reply, Request, Served, Server};

const NODE: [&str; 2] = ["--node", "pi4-2"];

/// Limit for a download, longer than any test takes on the slowest machine.
const FUSE: Duration = Duration::from_secs(240);

/// Messages for decompressing during and after the download.
const EARLY: &str = "\ndecompressing";
const LATE: &str = "\nwriting";

fn packed(form: Form) -> Vec<u8> {
    fs::read(SMALL.image(form)).unwrap()
}

fn serve(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Server, String) {
    let server = Server::start(reply);
    let url = server.url("base").to_string();
    (server, url)
}

fn build(place: &Workplace, url: &str, sha256: Sha256, nodes: &[&str]) -> Run {
    let sha256 = sha256.to_string();
    place.build(Path::new(url), &[&["--sha256", &sha256], nodes].concat())
}

/// Builds the image of the node from a file.
fn expected_image(place: &Workplace) -> std::path::PathBuf {
    place.build(&SMALL.raw(), &NODE).exits(0);
    let truth = place.path("truth.img");
    fs::rename(place.path("out/pi4-2.img"), &truth).unwrap();
    truth
}

#[test]
fn a_download_and_a_file_give_the_same_image() {
    let place = Workplace::new();
    let truth = expected_image(&place);
    for form in Form::all() {
        let bytes = packed(form);
        let sha256 = Sha256::of(&bytes);
        let (_server, url) = serve(move |request| Served::new(&bytes, "a").answer(request));
        let run = build(&place, &url, sha256, &["--all"]).exits(0);
        let early = matches!(form, Form::MANY_BLOCKS | Form::ONE_BLOCK | Form::GZIP);
        assert_eq!(run.stderr.contains(LATE), !early, "{form:?}: {}", run.stderr);
        judge::assert_same(&truth, &place.path("out/pi4-2.img"));
        assert_eq!(place.out_names().len(), 4, "{form:?}");
        // The second time it is in the cache.
        let run = build(&place, &url, sha256, &NODE).exits(0);
        assert!(!run.stderr.contains(EARLY), "{form:?}: {}", run.stderr);
        judge::assert_same(&truth, &place.path("out/pi4-2.img"));
    }
}

#[test]
fn decompressing_starts_during_the_download() {
    let place = Workplace::new();
    let truth = expected_image(&place);
    let bytes = packed(Form::MANY_BLOCKS);
    let sha256 = Sha256::of(&bytes);
    let barrier = Arc::new(Barrier::new(2));
    let held = Arc::clone(&barrier);
    let (_server, url) = serve(move |request| {
        Served::new(&bytes, "a")
            .answer(request)
            .pausing_after(bytes.len() - 16, &held)
    });
    let streams = Streams::new(&place.path("home"));
    let mut command = place.mkimage();
    command
        .args(["--base", &url, "--sha256", &sha256.to_string(), "--out", "out"])
        .args(NODE);
    let mut child = streams.spawn(&mut command);
    let started = Instant::now();
    let mut unpacked = 0;
    while unpacked <= SMALL.boot().end {
        if started.elapsed() > FUSE || child.try_wait().unwrap().is_some() {
            let _ = child.kill();
            panic!("only {unpacked} bytes: {:?}", streams.wait(child));
        }
        thread::sleep(Duration::from_millis(5));
        let names = place.out_names();
        assert!(!names.iter().any(|name| name == "pi4-2.img"), "{names:?}");
        unpacked = names
            .iter()
            .filter(|name| name.starts_with(".pi4-2.img.mkimage-"))
            .map(|name| fs::metadata(place.path("out").join(name)).map_or(0, |metadata| metadata.len()))
            .sum();
    }
    barrier.wait();
    streams.wait(child).exits(0);
    assert_eq!(place.out_names(), ["pi4-2.img"]);
    judge::assert_same(&truth, &place.path("out/pi4-2.img"));
}

#[test]
fn images_of_a_wrong_base_are_removed() {
    let place = Workplace::new();
    let bytes = packed(Form::MANY_BLOCKS);
    let (_server, url) = serve(move |request| Served::new(&bytes, "a").answer(request));
    build(&place, &url, Sha256::of(b"another"), &["--all"])
        .exits(5)
        .says(&[EARLY, "SHA-256"]);
    assert_eq!(place.out_names(), [""; 0]);
    assert!(!place.path("cluster.secrets").exists());
}

#[test]
fn images_of_an_incomplete_download_are_removed() {
    let place = Workplace::new();
    let bytes = packed(Form::MANY_BLOCKS);
    let sha256 = Sha256::of(&bytes);
    let (_server, url) = serve(move |request| match request.number {
        0 => Served::new(&bytes, "a")
            .answer(request)
            .cut_after(bytes.len() / 2),
        _ => Reply::new(404, ""),
    });
    build(&place, &url, sha256, &NODE).exits(4).says(&[EARLY]);
    assert_eq!(place.out_names(), [""; 0]);
}

#[test]
fn a_cut_connection_does_not_stop_decompressing() {
    let place = Workplace::new();
    let truth = expected_image(&place);
    let bytes = packed(Form::MANY_BLOCKS);
    let sha256 = Sha256::of(&bytes);
    let (server, url) = serve(move |request| {
        let reply = Served::new(&bytes, "a").answer(request);
        match request.number {
            0 => reply.cut_after(bytes.len() / 2),
            _ => reply,
        }
    });
    let run = build(&place, &url, sha256, &NODE).exits(0);
    assert_eq!(server.requests().len(), 2);
    assert!(!run.stderr.contains(LATE), "{}", run.stderr);
    judge::assert_same(&truth, &place.path("out/pi4-2.img"));
}

#[test]
fn images_from_before_a_restarted_download_are_not_used() {
    let place = Workplace::new();
    let truth = expected_image(&place);
    let (first, then) = (packed(Form::ONE_BLOCK), packed(Form::MANY_BLOCKS));
    let sha256 = Sha256::of(&then);
    let (_server, url) = serve(move |request| match request.number {
        0 => Served::new(&first, "first").whole().cut_after(first.len() / 2),
        _ => Served::new(&then, "then").whole(),
    });
    build(&place, &url, sha256, &NODE)
        .exits(0)
        .says(&[EARLY, LATE, "from the beginning"]);
    assert_eq!(place.out_names(), ["pi4-2.img"]);
    judge::assert_same(&truth, &place.path("out/pi4-2.img"));
}

#[test]
fn a_published_base_that_is_damaged_is_refused() {
    let place = Workplace::new();
    for form in [Form::MANY_BLOCKS, Form::ONE_BLOCK, Form::GZIP] {
        let whole = packed(form);
        let mut flipped = whole.clone();
        // In the check of the stream's end.
        let at = whole.len() - 6;
        flipped[at] ^= 0x40;
        for bytes in [whole[..whole.len() / 2].to_vec(), flipped] {
            let sha256 = Sha256::of(&bytes);
            let (_server, url) = serve(move |request| Served::new(&bytes, "a").answer(request));
            build(&place, &url, sha256, &NODE).exits(5).says(&[EARLY]);
            assert_eq!(place.out_names(), [""; 0], "{form:?}");
        }
    }
}
