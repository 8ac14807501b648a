//! The sample base, checked by other programs and with every command.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};

use mkimage::base::{self, BaseRequest, Catalog, Connection, ObtainOptions, Publisher};
use mkimage::disk::read_at::ReadAt;
use mkimage::progress::Silent;
use serde_json::Value;

use crate::base::SMALL;
use crate::judge::{self, Tree};
use crate::workplace::{Workplace, names};

/// Range of its boot partition, in bytes.
const BOOT: Range<u64> = 8 << 20..48 << 20;

const NODES: [&str; 4] = ["pi4-1", "pi4-2", "pi4-3", "pi3-1"];

/// Returns the sample as an xz file and, unpacked by xz, as a raw image.
fn sample(folder: &Path) -> (PathBuf, PathBuf) {
    let options = ObtainOptions {
        publisher: &Publisher::from_environment().unwrap(),
        allow_unsigned: false,
        cache_dir: folder.join("cache"),
        catalog: &Catalog::built_in().unwrap(),
        offline: true,
        progress: &Silent,
        connection: Connection::default(),
        on_event: None,
    };
    let made = base::obtain(&BaseRequest::Sample, &options).unwrap();
    let mut bytes = vec![0; usize::try_from(made.size()).unwrap()];
    made.file.read_exact_at(&mut bytes, 0).unwrap();
    let (packed, raw) = (folder.join("sample.img.xz"), folder.join("sample.img"));
    fs::write(&packed, bytes).unwrap();
    let out = File::create(&raw).unwrap();
    judge::succeed(
        judge::tool("xz")
            .args(["-d", "--stdout"])
            .arg(&packed)
            .stdout(out),
    );
    (packed, raw)
}

/// Returns the partition table as sfdisk reads it.
fn table(image: &Path) -> Value {
    let mut table: Value = serde_json::from_str(&judge::partition_table(image)).unwrap();
    table["partitiontable"].take()
}

#[test]
fn other_programs_find_nothing_wrong_with_the_sample() {
    let folder = judge::scratch();
    let (packed, raw) = sample(folder.path());

    judge::succeed(judge::tool("xz").arg("--test").arg(&packed));
    let listed = judge::succeed(judge::tool("xz").args(["--robot", "--list"]).arg(&packed));
    let listed = String::from_utf8(listed.stdout).unwrap();
    let file: Vec<_> = listed
        .lines()
        .find(|line| line.starts_with("file"))
        .unwrap()
        .split('\t')
        .collect();
    assert_eq!(
        (file[1], file[2], file[6]),
        ("1", "14", "CRC64"),
        "streams, blocks and check: {listed}"
    );

    let table = table(&raw);
    assert_eq!(table["label"], "dos");
    let partitions = table["partitions"].as_array().unwrap();
    let told: Vec<_> = partitions
        .iter()
        .map(|p| (p["start"].as_u64().unwrap(), p["type"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [(16384, "c"), (98304, "83")]);
    let signature = table["id"].as_str().unwrap().trim_start_matches("0x");
    let command_line = judge::boot_text(&raw, &BOOT, "cmdline.txt");
    assert!(
        command_line.contains(&format!("root=PARTUUID={signature}-02 ")),
        "{command_line}"
    );

    judge::assert_valid_fat(&raw, &BOOT);
    assert_eq!(
        judge::tree_by_mtools(&raw, &BOOT),
        judge::tree_by_hadris(&raw, &BOOT)
    );
    for (offset, kind, label) in [(BOOT.start, "vfat", "bootfs"), (BOOT.end, "ext4", "rootfs")] {
        let mut probe = judge::tool("blkid");
        probe.args(["--probe", "--output", "export", "--offset", &offset.to_string()]);
        let found = judge::succeed(probe.arg(&raw));
        let found = String::from_utf8(found.stdout).unwrap();
        let lines: BTreeSet<_> = found.lines().collect();
        assert!(lines.contains(format!("TYPE={kind}").as_str()), "{found}");
        assert!(lines.contains(format!("LABEL={label}").as_str()), "{found}");
    }
}

#[test]
fn every_command_works_on_the_sample_without_a_network_or_a_cache() {
    let place = Workplace::new();
    let folder = judge::scratch();
    let (_, raw) = sample(folder.path());
    // Not even root can create a folder there.
    let run = |arguments: &[&str]| {
        let mut command = place.mkimage();
        command
            .env("MKIMAGE_CACHE_DIR", "/proc/mkimage")
            .args(["--offline"])
            .args(arguments);
        place.finish(&mut command)
    };
    for format in ["img", "img.xz"] {
        run(&["--all", "--base", "sample", "--out", "out", "--format", format])
            .exits(0)
            .says(&["do not boot"]);
    }
    for node in NODES {
        let image = place.path(&format!("out/{node}.img"));
        judge::assert_valid_fat(&image, &BOOT);
        judge::assert_same_outside(&raw, &image, &BOOT);
        let unpacked = folder.path().join("unpacked");
        let out = File::create(&unpacked).unwrap();
        let packed = place.path(&format!("out/{node}.img.xz"));
        judge::succeed(judge::tool("xz").args(["-d", "--stdout"]).arg(packed).stdout(out));
        judge::assert_same(&image, &unpacked);
    }
    for name in ["out/pi4-2.img", "out/pi4-2.img.xz"] {
        let verified = run(&["verify", name, "--base", "sample", "--json"]).exits(0);
        assert_eq!(verified.json()["node"], "pi4-2");
    }
}

#[test]
fn the_first_command_in_the_readme_builds_an_image_for_every_node() {
    let readme = include_str!("../../README.md");
    let mut commands = readme
        .lines()
        .filter_map(|line| line.strip_prefix("    cargo run --release -- "));
    let place = Workplace::without_ssh_key();
    place
        .run(commands.next().unwrap().split(' '))
        .exits(0)
        .says(&["do not boot"]);
    let mut images = vec![".gitignore".to_owned()];
    images.extend(NODES.map(|node| format!("{node}.img")));
    images.sort();
    assert_eq!(names(&place.path("images")), images);
    place
        .run(["verify", "images/pi4-2.img"])
        .exits(2)
        .says(&["add: --base sample"]);
    place.run(["inspect", "sample"]).exits(2).says(&["after --base"]);
}

#[test]
fn every_command_says_that_the_sample_does_not_boot() {
    let place = Workplace::new();
    let built = place
        .build("sample", &["--node", "pi4-2", "--json"])
        .exits(0)
        .says(&["do not boot"]);
    assert_eq!(built.json()["base"]["sample"], true);
    // That advice is for cards that boot.
    assert!(!built.stderr.contains("Flash each"), "{}", built.stderr);

    let issue = judge::boot_text(&place.path("out/pi4-2.img"), &BOOT, "issue.txt");
    assert!(issue.contains("does not boot"), "{issue}");
    let shown = place.run(["inspect", "out/pi4-2.img"]).exits(0).stdout;
    assert!(shown.contains("boots:      no"), "{shown}");
    let shown = place.run(["inspect", "out/pi4-2.img", "--json"]).exits(0).json();
    assert_eq!(shown["sample"], true);

    place.cluster_file(
        "[cluster]\nbase = \"sample\"\n[[node]]\nname = \"a\"\nmodel = \"pi4\"\nrole = \"manager\"\n",
    );
    let checked = place.run(["check"]).exits(0).stdout;
    assert!(checked.contains("sample, which does not boot"), "{checked}");
    assert_eq!(place.run(["check", "--json"]).exits(0).json()["sample"], true);
    let bases = place.run(["bases"]).exits(0).stdout;
    let line = bases.lines().find(|line| line.starts_with("sample "));
    assert!(line.is_some_and(|line| line.contains("does not boot")), "{bases}");

    // Another cluster than that of the sample, whose nodes do not exist.
    place.build(&SMALL.raw(), &["--node", "a", "--json"]).exits(0);
    let real = place.run(["inspect", "out/a.img", "--json"]).exits(0).json();
    assert_eq!(real["sample"], false);
}

#[test]
fn a_cluster_file_may_name_the_sample() {
    let place = Workplace::new();
    place.cluster_file(
        "[cluster]\nbase = \"sample\"\n[[node]]\nname = \"a\"\nmodel = \"pi5\"\nrole = \"manager\"\n",
    );
    // Only a file of that name takes precedence.
    fs::create_dir(place.path("sample")).unwrap();
    place
        .run(["--all", "--out", "out"])
        .exits(0)
        .says(&["do not boot"]);
    place.run(["verify", "out/a.img"]).exits(0);
    fs::remove_dir(place.path("sample")).unwrap();
    fs::copy(SMALL.raw(), place.path("sample")).unwrap();
    place.run(["verify", "out/a.img"]).exits(5);
}

#[test]
fn the_sample_is_refused_with_a_hash() {
    let place = Workplace::new();
    place
        .build("sample", &["--node", "pi4-2", "--sha256", &"0".repeat(64)])
        .exits(2)
        .says(&["remove `--sha256`"]);
}

#[test]
fn the_sample_gives_a_node_the_same_files_as_the_trixie_image() {
    let place = Workplace::new();
    let facts = |base: &Path| {
        place.build(base, &["--node", "pi4-2"]).exits(0);
        let seen = place.run(["inspect", "out/pi4-2.img", "--json"]).exits(0).json();
        (seen["release"].clone(), seen["mechanism"].clone())
    };
    assert_eq!(facts(&SMALL.raw()), facts(Path::new("sample")));

    let folder = judge::scratch();
    let (_, raw) = sample(folder.path());
    let written = |base: &Path, of_base: &Path, boot: &Range<u64>| {
        place.build(base, &["--node", "pi4-2"]).exits(0);
        let before = judge::tree_by_mtools(of_base, boot);
        let mut after = judge::tree_by_mtools(&place.path("out/pi4-2.img"), boot);
        after.retain(|path, bytes| before.get(path) != Some(bytes));
        without_what_the_base_decides(after)
    };
    let todays = written(&SMALL.raw(), &SMALL.raw(), &SMALL.boot());
    assert_eq!(written(Path::new("sample"), &raw, &BOOT), todays);
    assert!(todays.contains_key("user-data") && todays.contains_key("mkimage/install"));
}

/// Removes the disk signature from the command line, and the instance id, which depends on it.
fn without_what_the_base_decides(mut tree: Tree) -> Tree {
    for (path, starts) in [
        ("cmdline.txt", ["root=", "ds=nocloud"]),
        ("meta-data", ["instance-id", "instance-id"]),
    ] {
        let text = String::from_utf8(tree.remove(path).unwrap()).unwrap();
        let separator = if path == "cmdline.txt" { ' ' } else { '\n' };
        let kept: Vec<_> = text
            .split(separator)
            .filter(|part| !starts.iter().any(|start| part.starts_with(start)))
            .collect();
        tree.insert(path.to_owned(), kept.join(" ").into_bytes());
    }
    tree
}
