//! The user's own files that decide whether a node boots and sets itself up.

use std::fs;

use crate::base::{ERAS, SMALL};
use crate::judge;
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
        (
            "config.txt",
            "[pi5]\nkernel=kernel8.img\n".to_owned(),
            ["config.txt does not choose kernel=kernel8.img", "16 KiB"],
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
        ("config.txt", "[all]\nkernel=kernel8.img\n".to_owned()),
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

#[test]
fn a_command_line_from_another_card_stops_the_build() {
    let place = with("cmdline.txt", &LINE.replace("ec6d1f27", "c0ffee00"));
    let words = [
        "overlays/pi4-2/cmdline.txt:1",
        "root=PARTUUID=c0ffee00-02",
        "write root=PARTUUID=ec6d1f27-02",
    ];
    place.build(&SMALL.raw(), &NODE).exits(3).says(&words);
    assert!(!place.path("cluster.secrets").exists(), "no keys must be created");
    // The root file system may be on another disk.
    place
        .build(&SMALL.raw(), &[&NODE[..], &["--force"]].concat())
        .exits(0)
        .says(&words[..2]);
    let base = SMALL.raw();
    let verify = ["verify", "out/pi4-2.img", "--base", base.to_str().unwrap()];
    place.run(verify).exits(5).says(&["cannot boot", words[1]]);
}

#[test]
fn a_root_is_found_by_the_names_that_other_programs_give_it() {
    let gpt = ERAS.iter().find(|era| era.name == "gpt").unwrap();
    let disk = judge::partition_table(&gpt.raw());
    let disk: serde_json::Value = serde_json::from_str(&disk).unwrap();
    let id = disk["partitiontable"]["partitions"][1]["uuid"].as_str().unwrap();
    for (base, root, code) in [
        (gpt.raw(), format!("PARTUUID={id}"), 0),
        (gpt.raw(), format!("PARTUUID={}", id.replace(['0', '1'], "f")), 3),
        (SMALL.raw(), "LABEL=rootfs".to_owned(), 0),
        (SMALL.raw(), "LABEL=writable".to_owned(), 3),
        // As the script that makes the bases has it.
        (
            SMALL.raw(),
            "UUID=6b0f1d3c-0a55-4a6e-8c89-1f6f6dd5b5a1".to_owned(),
            0,
        ),
        (SMALL.raw(), "/dev/mmcblk0p2".to_owned(), 0),
        (SMALL.raw(), "/dev/mmcblk0p3".to_owned(), 3),
        (SMALL.raw(), "/dev/sda2".to_owned(), 0),
    ] {
        let place = with("cmdline.txt", &LINE.replace("PARTUUID=ec6d1f27-02", &root));
        place.build(&base, &NODE).exits(code);
    }
}
