//! What is found before anything is downloaded or written.

use std::fs;

use crate::workplace::{Workplace, names};

#[test]
fn what_is_wrong_here_is_said_before_anything_is_downloaded() {
    let place = Workplace::new();
    fs::write(place.path("afile"), "").unwrap();
    fs::create_dir_all(place.path("some/pi4-3.img")).unwrap();
    // Nobody answers there: who asks gets the exit code 4, after a while.
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
fn a_build_that_came_to_nothing_leaves_no_empty_folder() {
    let place = Workplace::new();
    let base = place.path("damaged.img");
    fs::write(&base, vec![0; 4096]).unwrap();
    let out = ["--node", "pi4-2", "--out", "new/images", "--base"].map(String::from);
    let run = place.run(out.into_iter().chain([base.display().to_string()]));
    run.exits(5);
    assert!(!place.path("new").exists());
}

#[test]
fn a_base_that_cannot_do_is_a_problem_of_the_cluster_file() {
    let place = Workplace::new();
    fs::create_dir(place.path("folder")).unwrap();
    for (base, reason) in [
        ("buster-armhf-2020-02-13", "32-bit"),
        ("bullseye-arm64-2023-05-03", "has no kernel"),
        ("trixie-arm64-2026-10-07", "did you mean trixie-arm64-2026-10-06"),
        ("./missing.img", "does not exist"),
        ("./folder", "is no file"),
        ("https://example.org/some.img.xz", "--sha256"),
    ] {
        place.cluster_file(&format!(
            "[cluster]\nbase = \"{base}\"\n\n[[node]]\nname = \"pi5-1\"\nmodel = \"pi5\"\nrole = \"manager\"\n"
        ));
        // Nothing of it is in the cache: who wants to download it gets the exit code 4.
        for arguments in [&["check"][..], &["--all", "--offline"]] {
            place
                .run(arguments)
                .exits(3)
                .says(&["cluster.toml:2:8", "^^^", reason]);
        }
        // The file's base does not matter when there is another.
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
fn a_32_bit_base_is_refused_before_it_is_downloaded() {
    let place = Workplace::new();
    let arguments = ["--all", "--offline", "--base", "buster-armhf-2020-02-13"];
    place.run(arguments).exits(3).says(&["32-bit", "arm64"]);
    assert!(!place.path("images").exists());
    place.run(arguments.iter().chain(&["--force"])).exits(4);
}
