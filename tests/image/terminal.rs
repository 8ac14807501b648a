//! Tests that no node and no image commands the terminal or changes what is read on it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::base::{Form, SMALL};
use crate::workplace::{Run, Workplace};

/// Requires that the output has only visible text in lines.
#[track_caller]
fn assert_plain(run: &Run) {
    let hidden = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{200b}' | '\u{202e}' | '\u{2066}');
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.chars().any(hidden), "{text:?}");
    }
}

#[test]
fn a_node_cannot_command_the_terminal() {
    let place = Workplace::new();
    place.build("sample", &["--node", "pi4-2"]).exits(0);
    let id = fs::read_to_string(place.path("cluster.secrets/cluster-id")).unwrap();
    let report = serde_json::json!({
        "cluster_id": id.trim(), "node": "pi4-2", "state": "working", "stage": "\u{1b}]0;mine\u{7}\npi3-1  done",
        "addresses": ["\u{9b}2J\u{202e}1.861.291", "\u{200b}\u{7f}"], "stages": [],
        "swarm": { "state": "\u{1b}[8m" }, "brick": { "state": "\u{2066}x", "error": "\u{1b}[1A\rno" },
    });
    let ssh = format!(
        "#!/bin/sh\ncase $* in *pi4-2*) printf '%s\\n1\\n' '{report}' ;; *) printf 'x\\033[2J\\302\\233m\\n' >&2; exit 255 ;; esac\n"
    );
    fs::create_dir(place.path("no-programs-here")).unwrap();
    let program = place.path("no-programs-here/ssh");
    fs::write(&program, ssh).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();

    let run = place.run(["status"]).exits(1);
    assert_plain(&run);
    assert_eq!(run.stdout.lines().count(), 5, "{}", run.stdout);
    assert!(run.stdout.contains("]0;mine"), "{}", run.stdout);
    let run = place.run(["status", "--json"]).exits(1);
    assert_plain(&run);
    let nodes = run.json()["nodes"].clone();
    let of = |name: &str| {
        nodes
            .as_array()
            .unwrap()
            .iter()
            .find(|node| node["node"] == name)
            .cloned()
    };
    assert_eq!(of("pi4-2").unwrap()["status"]["addresses"], report["addresses"]);
}

#[test]
fn the_name_in_a_zip_archive_cannot_command_the_terminal() {
    let place = Workplace::new();
    let mut bytes = fs::read(SMALL.image(Form::ZIP)).unwrap();
    // PKWARE APPNOTE 6.3: the name is 30 bytes into the local header and 46 bytes into the directory's.
    let directory = bytes
        .windows(4)
        .rposition(|bytes| bytes == b"PK\x01\x02")
        .unwrap();
    for at in [30, directory + 46] {
        bytes[at..at + 2].copy_from_slice(b"\x1b\n");
    }
    let image = place.path("hostile.zip");
    fs::write(&image, bytes).unwrap();
    for arguments in [
        &["inspect"][..],
        &["inspect", "--json"],
        &["--node", "pi4-2", "-v", "--base"],
    ] {
        let run = place
            .run(arguments.iter().copied().chain(["hostile.zip"]))
            .exits(0);
        assert_plain(&run);
        assert!(
            run.stdout.contains("zip, ") || run.stderr.contains("zip, "),
            "{run:?}"
        );
        assert!(!run.stderr.lines().any(|line| line.starts_with("ot-")), "{run:?}");
    }
}
