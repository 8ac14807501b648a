//! The user's own files that decide whether a node boots and sets itself up.

use std::fs;

use crate::base::SMALL;
use crate::workplace::Workplace;

const NODE: [&str; 2] = ["--node", "pi4-2"];

const CLUSTER: &str = "[[node]]\nname = \"pi4-2\"\nmodel = \"pi5\"\nrole = \"manager\"\n";

const USER_DATA: &str = "#cloud-config\nruncmd:\n- [sh, /boot/firmware/mkimage/install]\n";

/// A command line that starts everything; as a Windows editor may change it below.
const LINE: &str = "console=tty1 root=PARTUUID=ec6d1f27-02 rootwait resize ds=nocloud";

/// Returns a place with one own file for the node.
fn with(file: &str, text: &str) -> Workplace {
    let place = Workplace::new();
    place.cluster_file(CLUSTER);
    let own = place.path("overlays/pi4-2");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join(file), text).unwrap();
    place
}

#[test]
fn a_file_that_cloud_init_or_the_pi_ignores_is_named_with_place_and_remedy() {
    for (file, text, words) in [
        (
            "user-data",
            format!("\u{feff}{USER_DATA}"),
            ["user-data:1 begins with a byte order mark", "save it as UTF-8"],
        ),
        (
            "user-data",
            format!("# mine\n{USER_DATA}"),
            ["user-data:2 has #cloud-config behind", "first line"],
        ),
        (
            "user-data",
            format!("{USER_DATA}packages: [vim\n"),
            ["is not valid YAML", "will not set itself up"],
        ),
        (
            "user-data",
            "#cloud-config\n# runcmd: [[sh, /boot/firmware/mkimage/install]]\n".to_owned(),
            ["overlays/pi4-2/user-data replaces", "will not set itself up"],
        ),
        (
            "cmdline.txt",
            format!("{LINE}\r\n"),
            ["cmdline.txt:1 ends as on Windows", "LF"],
        ),
        (
            "cmdline.txt",
            LINE.replace("ds=nocloud", "x.ds=nocloud"),
            ["overlays/pi4-2/cmdline.txt replaces", "will not set itself up"],
        ),
    ] {
        let place = with(file, &text);
        place.build(&SMALL.raw(), &NODE).exits(0).says(&words);
        let checked = place.run(["check"]).exits(0);
        // A file may suit another base.
        if !words[0].contains("replaces") {
            checked.says(&words);
        }
    }
}

#[test]
fn own_files_that_work_are_not_warned_about() {
    for (file, text) in [
        ("user-data", USER_DATA.to_owned()),
        ("user-data", USER_DATA.replace('\n', "\r\n")),
        ("cmdline.txt", format!("{LINE}\n")),
    ] {
        let run = with(file, &text).build(&SMALL.raw(), &NODE).exits(0);
        let warnings = run
            .stderr
            .lines()
            .filter(|line| line.starts_with("warning: overlays"));
        let warnings: Vec<_> = warnings.collect();
        assert!(
            matches!(warnings.as_slice(), [one] if one.contains("runs or obeys")),
            "{file}: {warnings:?}"
        );
    }
}

#[test]
fn a_command_line_that_the_pi_reads_in_part_stops_the_build() {
    for (text, place_in_file, remedy) in [
        (LINE.replace(" ds=", "\nds="), "cmdline.txt:2", "first line"),
        (format!("\r\n{LINE}\r\n"), "cmdline.txt:2", "blank line"),
        (format!("\u{feff}{LINE}\n"), "cmdline.txt:1", "byte order mark"),
        (String::new(), "cmdline.txt:1", "first line"),
    ] {
        let place = with("cmdline.txt", &text);
        let place_in_file = format!("overlays/pi4-2/{place_in_file}");
        let words = [&*place_in_file, remedy];
        place.run(["check"]).exits(3).says(&words);
        place.build(&SMALL.raw(), &NODE).exits(3).says(&words);
        assert_eq!(place.out_names(), [""; 0]);
    }
}
