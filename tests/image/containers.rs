//! Tests of containers: every form of an image gives the same node image, and damage is detected.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::base::{Form, SMALL};
use crate::judge;
use crate::workplace::Workplace;

const NODE: [&str; 2] = ["--node", "pi4-2"];

/// Returns a copy to damage.
fn copy(place: &Workplace, from: &Path, name: &str) -> PathBuf {
    let to = place.path(name);
    fs::copy(from, &to).unwrap();
    to
}

fn flip(file: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x40], at).unwrap();
}

#[test]
fn every_form_of_a_base_gives_the_same_image() {
    let place = Workplace::new();
    place.build(&SMALL.raw(), &NODE).exits(0);
    let first = place.path("first.img");
    fs::rename(place.path("out/pi4-2.img"), &first).unwrap();
    for form in Form::packed() {
        place.build(&SMALL.image(form), &NODE).exits(0);
        judge::assert_same(&first, &place.path("out/pi4-2.img"));
    }
}

#[test]
fn a_base_with_one_block_is_compressed_again_in_several_blocks() {
    let place = Workplace::new();
    let base = SMALL.image(Form::ONE_BLOCK);
    place.build(&base, &NODE).exits(0);
    let run = place.build(&base, &[&NODE[..], &["--format", "img.xz"]].concat());
    run.exits(0).says(&["xz, one block", "it is compressed first"]);
    let packed = place.path("out/pi4-2.img.xz");
    let unpacked = place.path("unpacked.img");
    let out = File::create(&unpacked).unwrap();
    judge::succeed(judge::tool("xz").arg("-dc").arg(&packed).stdout(out));
    judge::assert_same(&place.path("out/pi4-2.img"), &unpacked);
    let listed = judge::succeed(judge::tool("xz").args(["--robot", "-lvv"]).arg(&packed)).stdout;
    let listed = String::from_utf8(listed).unwrap();
    // xz(1), "Robot mode": the uncompressed size is the seventh column after the word.
    let sizes = listed.lines().filter(|line| line.starts_with("block"));
    let sizes: Vec<u64> = sizes
        .map(|line| line.split('\t').nth(7).unwrap().parse().unwrap())
        .collect();
    assert!(
        sizes.len() > 10 && sizes.iter().all(|size| *size <= 4 << 20),
        "{sizes:?}"
    );
}

#[test]
fn a_base_without_checksums_causes_a_warning() {
    let place = Workplace::new();
    let base = place.path("unchecked.img.xz");
    let out = File::create(&base).unwrap();
    let packing = ["-0", "-c", "-T2", "--block-size=8MiB", "--check=none"];
    judge::succeed(judge::tool("xz").args(packing).arg(SMALL.raw()).stdout(out));
    let warning = "unchecked.img.xz was compressed without checksums";
    place.build(&base, &NODE).exits(0).says(&[warning]);
    let run = place.build(&SMALL.image(Form::MANY_BLOCKS), &NODE).exits(0);
    assert!(!run.stderr.contains("checksums"), "{}", run.stderr);
}

#[test]
fn a_wrong_file_extension_is_ignored() {
    let place = Workplace::new();
    place.build(&SMALL.raw(), &NODE).exits(0);
    let first = place.path("first.img");
    fs::rename(place.path("out/pi4-2.img"), &first).unwrap();
    for (form, name) in [
        (Form::RAW, "raw.img.xz"),
        (Form::MANY_BLOCKS, "xz.zip"),
        (Form::ZIP, "zip.img"),
        (Form::GZIP, "no-suffix"),
    ] {
        let base = copy(&place, &SMALL.image(form), name);
        place.build(&base, &NODE).exits(0);
        judge::assert_same(&first, &place.path("out/pi4-2.img"));
        fs::remove_file(base).unwrap();
    }
}

#[test]
fn xz_files_with_several_streams_are_read_in_full() {
    let place = Workplace::new();
    let raw = fs::read(SMALL.raw()).unwrap();
    let base = place.path("streams.img.xz");
    let mut joined = File::create(&base).unwrap();
    for part in raw.chunks(30 << 20) {
        let mut packer = judge::tool("xz")
            .args(["-0", "-c"])
            .stdin(Stdio::piped())
            .stdout(joined.try_clone().unwrap())
            .spawn()
            .unwrap();
        packer.stdin.take().unwrap().write_all(part).unwrap();
        assert!(packer.wait().unwrap().success());
        // Padding between streams is a multiple of four (xz file format 1.2.1, section 2.2).
        joined.write_all(&[0; 8]).unwrap();
    }
    place.build(&base, &NODE).exits(0);
    judge::assert_same_outside(&SMALL.raw(), &place.path("out/pi4-2.img"), &SMALL.boot());
}

#[test]
fn a_truncated_base_is_refused() {
    let place = Workplace::new();
    for form in Form::all() {
        let whole = SMALL.image(form);
        let length = fs::metadata(&whole).unwrap().len();
        for keep in [1, 3, 100, length / 2, length - 1] {
            let base = copy(&place, &whole, "cut");
            File::options()
                .write(true)
                .open(&base)
                .unwrap()
                .set_len(keep)
                .unwrap();
            let run = place.build(&base, &NODE);
            assert_eq!(run.code, Some(5), "{form:?} of {keep} bytes: {run:?}");
            assert_eq!(place.out_names(), [""; 0], "{form:?} of {keep} bytes");
        }
    }
}

#[test]
fn a_flipped_bit_in_a_base_is_detected() {
    let place = Workplace::new();
    place.build(&SMALL.raw(), &NODE).exits(0);
    let truth = place.path("truth.img");
    fs::rename(place.path("out/pi4-2.img"), &truth).unwrap();
    for form in Form::packed() {
        let whole = SMALL.image(form);
        let length = fs::metadata(&whole).unwrap().len();
        // Magic number, data and the checksums at the end.
        for at in [1, length / 3, length / 2, length - 30, length - 6] {
            let base = copy(&place, &whole, "flipped");
            flip(&base, at);
            let run = place.build(&base, &NODE);
            // A bit may have no effect, for example in a zip's time or in the distance of a copy among zeros.
            if run.code == Some(0) {
                let image = place.path("out/pi4-2.img");
                judge::assert_same(&truth, &image);
                fs::remove_file(image).unwrap();
            } else {
                assert_eq!(run.code, Some(5), "byte {at} of {form:?}: {run:?}");
            }
            assert_eq!(place.out_names(), [""; 0], "byte {at} of {form:?}");
        }
    }
}

#[test]
fn files_that_are_not_images_are_refused() {
    let place = Workplace::new();
    for (name, bytes) in [
        ("empty.img", Vec::new()),
        ("letter.img.xz", b"Dear Sir or Madam,\n".repeat(1000)),
        ("zeros.img", vec![0; 1 << 20]),
    ] {
        fs::write(place.path(name), bytes).unwrap();
        let run = place.build(&place.path(name), &NODE);
        assert_eq!(run.code, Some(5), "{name}: {run:?}");
        assert_eq!(place.out_names(), [""; 0], "{name}");
    }
    judge::succeed(
        judge::tool("zip")
            .args(["-q", "two.zip", "letter.img.xz", "zeros.img"])
            .current_dir(place.path("")),
    );
    place.build(&place.path("two.zip"), &NODE).exits(5);
    judge::succeed(
        judge::tool("xz")
            .args(["-0", "-k", "zeros.img"])
            .current_dir(place.path("")),
    );
    place.build(&place.path("zeros.img.xz"), &NODE).exits(5);
    assert_eq!(place.out_names(), [""; 0]);
}

#[test]
fn a_file_with_a_wrong_hash_is_refused() {
    let place = Workplace::new();
    let base = SMALL.image(Form::MANY_BLOCKS);
    let said = judge::succeed(judge::tool("sha256sum").arg(&base));
    let said = String::from_utf8(said.stdout).unwrap();
    let right = said.split(' ').next().unwrap();
    let wrong = "0".repeat(64);
    place
        .build(&base, &["--node", "pi4-2", "--sha256", &wrong])
        .exits(5)
        .says(&[right, &wrong]);
    assert_eq!(place.out_names(), [""; 0]);
    place
        .build(&base, &["--node", "pi4-2", "--sha256", right])
        .exits(0);
    assert!(base.exists(), "the user's own file must stay");
}

#[test]
fn compressed_and_raw_node_images_are_the_same() {
    let place = Workplace::new();
    for form in Form::all() {
        let base = SMALL.image(form);
        // Two nodes, because the second reuses pieces compressed for the first.
        let nodes = ["--node", "pi4-2", "--node", "pi4-3"];
        place.build(&base, &nodes).exits(0);
        place
            .build(&base, &[&nodes[..], &["--format", "img.xz"]].concat())
            .exits(0);
        for node in ["pi4-2", "pi4-3"] {
            let packed = place.path(&format!("out/{node}.img.xz"));
            judge::succeed(judge::tool("xz").arg("--test").arg(&packed));
            let unpacked = place.path("unpacked.img");
            judge::succeed(
                judge::tool("xz")
                    .args(["-dc"])
                    .arg(&packed)
                    .stdout(File::create(&unpacked).unwrap()),
            );
            judge::assert_same(&unpacked, &place.path(&format!("out/{node}.img")));
        }
        assert_eq!(
            place.out_names(),
            ["pi4-2.img", "pi4-2.img.xz", "pi4-3.img", "pi4-3.img.xz"]
        );
    }
}

#[test]
fn a_base_that_changes_during_the_build_is_an_error() {
    let place = Workplace::new();
    for (form, format) in [(Form::RAW, "img"), (Form::MANY_BLOCKS, "img.xz")] {
        let base = copy(&place, &SMALL.image(form), "changing");
        let file = File::options().write(true).open(&base).unwrap();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    file.set_modified(SystemTime::now()).unwrap();
                    thread::sleep(Duration::from_millis(1));
                }
            });
            let run = place.build(&base, &[&NODE[..], &["--format", format]].concat());
            is_over.store(true, Ordering::Relaxed);
            run.exits(5).says(&["was changed while it was being read"]);
        });
        assert_eq!(place.out_names(), [""; 0], "{format}");
    }
}

#[test]
fn macos_metadata_in_a_zip_is_ignored() {
    let place = Workplace::new();
    fs::create_dir_all(place.path("__MACOSX")).unwrap();
    fs::copy(SMALL.raw(), place.path("base.img")).unwrap();
    for name in ["__MACOSX/base.img", "__MACOSX/._base.img", "._base.img"] {
        fs::write(place.path(name), "Mac OS X").unwrap();
    }
    judge::succeed(
        judge::tool("zip")
            .args(["-q", "-1", "-r", "mac.zip", "base.img", "__MACOSX", "._base.img"])
            .current_dir(place.path("")),
    );
    place.build(&place.path("mac.zip"), &NODE).exits(0);
    judge::assert_same_outside(&SMALL.raw(), &place.path("out/pi4-2.img"), &SMALL.boot());
}

#[test]
fn the_error_for_a_damaged_xz_file_has_its_name_and_a_remedy() {
    let place = Workplace::new();
    for form in [Form::MANY_BLOCKS, Form::ONE_BLOCK] {
        let mut packed = fs::read(SMALL.image(form)).unwrap();
        let middle = packed.len() / 2;
        fs::write(place.path("cut.img.xz"), &packed[..middle]).unwrap();
        packed[middle] ^= 1;
        fs::write(place.path("bit.img.xz"), &packed).unwrap();
        for name in ["cut.img.xz", "bit.img.xz"] {
            place.build(&place.path(name), &NODE).exits(5).says(&[
                name,
                "damaged",
                "download the image again",
            ]);
        }
    }
}
