//! A cached download that changes while it is used.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread;

use test_support::server::{Served, Server};

use crate::place::{Place, exits, names, run, succeed};
use crate::{BASE, FORMS, moments, sha256_of};

/// Changes a file that is in use.
fn change(path: &Path, size: usize) {
    let noise: Vec<u8> = (0..5000).map(|_| fastrand::u8(..)).collect();
    match fastrand::u8(..4) {
        0 => {
            let file = File::options().write(true).open(path).unwrap();
            for _ in 0..20 {
                file.write_all_at(&noise, fastrand::u64(..size as u64 - 5000))
                    .unwrap();
            }
        }
        1 => File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(fastrand::u64(..size as u64))
            .unwrap(),
        2 => fs::remove_file(path).unwrap(),
        _ => {
            let other = path.with_extension("other");
            fs::write(&other, &noise).unwrap();
            fs::rename(&other, path).unwrap();
        }
    }
}

#[test]
fn a_cache_that_changes_never_gives_a_wrong_image() {
    for (name, bytes) in FORMS.into_iter().zip(&*BASE) {
        for format in ["img", "img.xz"] {
            let place = Place::new();
            let file = Served::new(bytes, "a");
            let server = Server::start(move |request| file.answer(request));
            let (url, sha256) = (server.url(name).to_string(), sha256_of(bytes));
            let build = || {
                place.build(
                    &[&url, "--sha256", &sha256],
                    &["--all", "--format", format],
                    1_790_000_000,
                )
            };
            succeed(&mut build());
            let right = place.images();
            let length = succeed(&mut build());
            let cached = place.path("cache").join(format!("{sha256}-{name}"));
            for after in moments(length) {
                place.remove("out");
                let child = build().spawn().unwrap();
                thread::sleep(after);
                change(&cached, bytes.len());
                let output = child.wait_with_output().unwrap();
                exits(&output, &[0, 5]);
                let images = place.images();
                if output.status.success() {
                    assert_eq!(images, right, "{name} as {format}, changed after {after:?}");
                } else {
                    assert_eq!(
                        names(&place.path("out")),
                        [""; 0],
                        "{name} as {format}, changed after {after:?}"
                    );
                }
                exits(&run(&mut build()), &[0]);
                assert_eq!(place.images(), right);
                place.assert_tidy();
            }
        }
    }
}
