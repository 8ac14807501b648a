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
