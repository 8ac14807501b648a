//! Tests of checks before anything is downloaded or written.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::base::{FULL, Form, SMALL, pack};
use crate::judge;
use crate::workplace::{Workplace, names};

#[test]
fn local_problems_are_reported_before_the_download() {
    let place = Workplace::new();
    fs::write(place.path("afile"), "").unwrap();
    fs::create_dir_all(place.path("some/pi4-3.img")).unwrap();
    // No server answers there, so a download would end with exit code 4.
    let sha256 = "0".repeat(64);
    let build = |more: &[&str]| {
        let base = ["--base", "http://127.0.0.1:9/base.img.xz", "--sha256", &sha256];
        place.run(base.iter().chain(more))
    };
    build(&["--all", "--out", "afile"])
        .exits(6)
        .says(&["afile is a file", "--out"]);
    build(&["--all", "--out", "some"])
        .exits(6)
        .says(&["some/pi4-3.img is a folder"]);
    assert_eq!(names(&place.path("some")), ["pi4-3.img"]);
    fs::create_dir_all(place.path("overlays/pi4-2")).unwrap();
    fs::write(place.path("overlays/pi4-2/a:b"), "").unwrap();
    build(&["--all", "--out", "out"]).exits(3).says(&["a:b"]);
    assert!(!place.path("out").exists());
}

#[test]
fn an_image_is_never_written_over_its_base() {
    let place = Workplace::new();
    fs::create_dir_all(place.path("out")).unwrap();
    let image = place.path("out/pi4-2.img");
    let base = place.path("base.img");
    judge::succeed(
        judge::tool("cp")
            .arg("--sparse=always")
            .args([&SMALL.raw(), &base]),
    );
    let refused = |base: &Path| {
        for arguments in [&["--all"][..], &["--node", "pi4-2", "--force"]] {
            place
                .build(base, arguments)
                .exits(7)
                .says(&["out/pi4-2.img would replace the base", "--out"]);
        }
        judge::assert_same(&SMALL.raw(), base);
    };
    fs::hard_link(&base, &image).unwrap();
    refused(&base);
    refused(&image);
    fs::remove_file(&image).unwrap();
    symlink("../base.img", &image).unwrap();
    refused(&base);
    fs::remove_file(&image).unwrap();
    fs::rename(&base, &image).unwrap();
    refused(&image);
    refused(&place.path("out/../out/pi4-2.img"));
    assert!(!place.path("cluster.secrets").exists(), "no keys must be created");
    // Only its own image would replace it.
    place.build(&image, &["--node", "pi4-3"]).exits(0);
}

#[test]
fn a_failed_build_leaves_no_empty_folder() {
    let place = Workplace::new();
    let base = place.path("damaged.img");
    fs::write(&base, vec![0; 4096]).unwrap();
    let out = ["--node", "pi4-2", "--out", "new/images", "--base"].map(String::from);
    let run = place.run(out.into_iter().chain([base.display().to_string()]));
    run.exits(5);
    assert!(!place.path("new").exists());
}

#[test]
fn an_unsuitable_base_is_a_problem_of_the_cluster_file() {
    let place = Workplace::new();
    fs::create_dir(place.path("folder")).unwrap();
    for (base, reason) in [
        ("buster-armhf-2020-02-13", "32-bit"),
        ("bullseye-arm64-2023-05-03", "has no kernel"),
        ("trixie-arm64-2026-10-07", "did you mean trixie-arm64-2026-10-06"),
        ("./missing.img", "does not exist"),
        ("./folder", "is not a file"),
        ("https://example.org/some.img.xz", "--sha256"),
    ] {
        place.cluster_file(&format!(
            "[cluster]\nbase = \"{base}\"\n\n[[node]]\nname = \"pi5-1\"\nmodel = \"pi5\"\nrole = \"manager\"\n"
        ));
        // The cache is empty, so a download would end with exit code 4.
        for arguments in [&["check"][..], &["--all", "--offline"]] {
            place
                .run(arguments)
                .exits(3)
                .says(&["cluster.toml:2:8", "^^^", reason]);
        }
        // The file's base does not matter if the command line gives another.
        place
            .run(["--all", "--offline", "--base", "trixie-arm64-2026-10-06"])
            .exits(4);
    }
    place.cluster_file("[cluster]\nbase = \"https://example.org/some.img.xz\"\n\n[[node]]\nname = \"a\"\nmodel = \"pi4\"\nrole = \"manager\"\n");
    place
        .run(["--all", "--offline", "--sha256", &"0".repeat(64)])
        .exits(4);
}

#[test]
fn a_32_bit_base_is_refused_before_the_download() {
    let place = Workplace::new();
    let arguments = ["--all", "--offline", "--base", "buster-armhf-2020-02-13"];
    place.run(arguments).exits(3).says(&["32-bit", "arm64"]);
    assert!(!place.path("images").exists());
    place.run(arguments.iter().chain(&["--force"])).exits(4);
}

/// Builds a base that has no room for the files, and one that is a node's image. Both are packed as `form`, with `padding`
/// behind them. No image fits into `out/`, so a build that begins with one fails for that reason instead.
fn refuse_both(form: Form, padding: &[u8], limits: &str) {
    let place = Workplace::new();
    place.build(&SMALL.raw(), &["--node", "pi4-3"]).exits(0);
    let of_a_node = place.path("pi4-3.img");
    fs::rename(place.path("out/pi4-3.img"), &of_a_node).unwrap();
    for (image, code, said) in [
        (FULL.raw(), 6, "the boot partition of the base has"),
        (of_a_node, 7, "image of pi4-3"),
    ] {
        let copy = place.path("copy.img");
        judge::succeed(judge::tool("cp").arg("--sparse=always").args([&image, &copy]));
        let base = pack(&copy, form);
        let mut file = File::options().append(true).open(&base).unwrap();
        file.write_all(padding).unwrap();
        for format in ["img", "img.xz"] {
            let run = place.build_within(limits, &base, &["--node", "pi4-2", "--format", format]);
            let run = run.exits(code).says(&[said]);
            assert_eq!(run.stdout, "", "{form:?} as {format}: files were left behind");
        }
    }
}

/// Less than any image takes.
const NO_ROOM: &str = "size=4m";

/// Looking into blocks takes a temporary file. There is room for it, but not for a second file.
const ONE_FILE: &str = "size=256m,nr_inodes=2";

#[test]
fn a_raw_base_that_cannot_be_used_is_refused_before_an_image_is_begun() {
    refuse_both(Form::RAW, &[], NO_ROOM);
}

#[test]
fn an_xz_base_that_cannot_be_used_is_refused_before_an_image_is_begun() {
    refuse_both(Form::MANY_BLOCKS, &[], ONE_FILE);
    refuse_both(Form::ONE_BLOCK, &[], ONE_FILE);
}

#[test]
fn a_streamed_xz_base_that_cannot_be_used_is_refused_before_an_image_is_begun() {
    // What lies behind a stream keeps its index from being found at the end of the file.
    refuse_both(Form::MANY_BLOCKS, &[0; 8], NO_ROOM);
}

#[test]
fn a_gzip_base_that_cannot_be_used_is_refused_before_an_image_is_begun() {
    refuse_both(Form::GZIP, &[], NO_ROOM);
}

#[test]
fn a_base_of_unknown_size_does_not_fill_the_disk() {
    let place = Workplace::new();
    for format in ["img", "img.xz"] {
        let arguments = ["--node", "pi4-2", "--format", format];
        let run = place.build_within("size=66m", &SMALL.image(Form::GZIP), &arguments);
        let run = run.exits(6).says(&["free", "--out"]);
        assert_eq!(run.stdout, "", "{format}: files were left behind");
    }
}

#[test]
fn a_zip_base_that_cannot_be_used_is_refused_before_an_image_is_begun() {
    refuse_both(Form::ZIP, &[], NO_ROOM);
}
