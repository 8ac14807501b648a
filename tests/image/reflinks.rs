//! Tests of images that share blocks, on a file system that supports it.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;

use crate::base::{Form, SMALL};
use crate::judge;
use crate::workplace::Workplace;

/// Exit code of the script below if there is no such file system.
const NO_XFS: i32 = 99;

/// Mounts an XFS in a private namespace, builds on it, and copies the images to another file system. Then it overwrites one
/// image completely and compares the others with their copies.
const SCRIPT: &str = r#"
    mkfs.xfs -q "$1" && mount -o loop "$1" out || exit 99
    # A remount returns reserved and deleted blocks for certain.
    again() { umount out && mount -o loop "$1" out; }
    used() { df --output=used out | tail -n 1; }
    before=$(used)
    "$2" --node pi4-2 --base "$3" --out out >/dev/null || exit
    again "$1" || exit
    one=$(($(used) - before))
    "$2" --all --base "$3" --out out >/dev/null || exit
    again "$1" || exit
    echo "$one $(($(used) - before))"
    cp --sparse=always --reflink=never out/*.img copies || exit
    dd if=/dev/urandom of=out/pi4-1.img bs=1M count=$(($(stat -c %s out/pi4-1.img) >> 20)) conv=notrunc status=none
    again "$1" || exit
    for node in pi3-1 pi4-2 pi4-3; do cmp out/$node.img copies/$node.img >&2 || exit; done
"#;

/// Prints on the terminal, bypassing the capture of test output, that a test was skipped.
fn report_skipped(why: &str) {
    let line = format!("LEFT OUT: images that share their blocks: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

#[test]
fn images_that_share_blocks_do_not_change_each_other() {
    if !judge::is_root() {
        report_skipped("mounting a file system needs root");
        return;
    }
    if judge::tool("mkfs.xfs")
        .arg("-V")
        .output()
        .is_ok_and(|run| !run.status.success())
    {
        report_skipped("there is no mkfs.xfs (Debian: xfsprogs)");
        return;
    }
    for form in [Form::MANY_BLOCKS, Form::GZIP] {
        let place = Workplace::new();
        for folder in ["out", "copies"] {
            fs::create_dir(place.path(folder)).unwrap();
        }
        let disk = fs::File::create(place.path("xfs")).unwrap();
        disk.set_len(1 << 30).unwrap();
        let mut command = place.start_by("/usr/bin/unshare", &["--mount", "sh", "-c", SCRIPT, "sh"]);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{path}:/usr/sbin:/sbin"))
            .arg(place.path("xfs"))
            .arg(env!("CARGO_BIN_EXE_mkimage"))
            .arg(SMALL.image(form));
        let run = place.finish(&mut command);
        if run.code == Some(NO_XFS) {
            report_skipped(&run.stderr);
            return;
        }
        let run = run.exits(0);
        let used: Vec<u64> = run
            .stdout
            .split_whitespace()
            .map(|number| number.parse().unwrap())
            .collect();
        let [one, four] = used[..] else {
            panic!("{}", run.stdout);
        };
        assert!(
            four < 2 * one,
            "no blocks are shared: {four} KiB, {one} KiB for one image"
        );
        // The same nodes, each built alone without sharing.
        for node in ["pi3-1", "pi4-1", "pi4-2", "pi4-3"] {
            let image = place.path(&format!("copies/{node}.img"));
            let alone = place.path(&format!("alone/{node}.img"));
            let base = SMALL.image(form);
            let arguments = ["--node", node, "--out", "alone", "--base"];
            place
                .run(arguments.map(OsStr::new).into_iter().chain([base.as_os_str()]))
                .exits(0);
            judge::assert_same(&alone, &image);
            fs::remove_file(alone).unwrap();
            judge::assert_same_outside(&SMALL.raw(), &image, &SMALL.boot());
        }
    }
}
