//! Tests of Ctrl-C at different moments.

use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::base::{Form, SMALL, TRIXIE};
use crate::judge;
use crate::workplace::{Run, Streams, Workplace, names};

/// The moment of Ctrl-C.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// This long after the start.
    After(Duration),
    /// As soon as the first file appears in the folder of images.
    FirstByte,
}

fn build_and_interrupt(place: &Workplace, moment: Moment) -> Run {
    let streams = Streams::new(&place.path("home"));
    // A form that is slow to decode, so that the moments are during the build.
    let base = TRIXIE.image(Form::GZIP);
    let mut child = streams.spawn(
        place
            .mkimage()
            .args(["--node", "pi4-1", "--node", "pi4-2", "--out", "out", "--base"])
            .arg(base),
    );
    match moment {
        Moment::After(time) => thread::sleep(time),
        Moment::FirstByte => {
            while place.out_names().is_empty() && child.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
    // The build may have ended.
    let _ = Command::new("sh")
        .arg("-c")
        .arg(format!("kill -INT {}", child.id()))
        .output();
    streams.wait(child)
}

#[test]
fn ctrl_c_leaves_no_unfinished_image() {
    let place = Workplace::new();
    let mut interrupted = 0;
    let moments =
        [0, 20, 100, 300, 700].map(|milliseconds| Moment::After(Duration::from_millis(milliseconds)));
    for moment in moments.into_iter().chain([Moment::FirstByte]) {
        let was_there = place.path("out").exists();
        let run = build_and_interrupt(&place, moment);
        match (run.code, run.signal) {
            // The default Ctrl-C, before the program has set its handler.
            (Some(130), _) | (None, Some(2)) => {
                interrupted += 1;
                assert_eq!(place.out_names(), [""; 0], "{moment:?}: {run:?}");
                assert_eq!(place.path("out").exists(), was_there, "{moment:?}: {run:?}");
            }
            (Some(0), _) => {
                for name in place.out_names() {
                    std::fs::remove_file(place.path("out").join(name)).unwrap();
                }
            }
            _ => panic!("{moment:?}: {run:?}"),
        }
    }
    assert!(interrupted > 0, "every build ended before Ctrl-C");

    // The next run works, with the same keys.
    place.build(&SMALL.raw(), &["--all"]).exits(0);
    assert_eq!(place.out_names().len(), 4);
    judge::assert_valid_fat(&place.path("out/pi4-2.img"), &SMALL.boot());
    let strays: Vec<_> = names(&place.path("cluster.secrets"))
        .into_iter()
        .filter(|name| name != ".gitignore" && (name.starts_with('.') || name.contains("tmp")))
        .collect();
    assert_eq!(strays, [""; 0]);
}

#[test]
fn ctrl_c_keeps_an_existing_image() {
    let place = Workplace::new();
    std::fs::create_dir(place.path("out")).unwrap();
    std::fs::write(place.path("out/pi4-2.img"), "yesterday's").unwrap();
    let run = build_and_interrupt(&place, Moment::After(Duration::from_millis(400)));
    if run.code == Some(130) {
        assert_eq!(place.out_names(), ["pi4-2.img"]);
        assert_eq!(
            std::fs::read(place.path("out/pi4-2.img")).unwrap(),
            b"yesterday's"
        );
    } else {
        assert_eq!(run.code, Some(0), "{run:?}");
    }
}
