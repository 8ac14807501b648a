//! Tests of documented exit codes, output and files.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::base::{BUSTER, FIRST_CLOUD_INIT, Form, SMALL};
use crate::judge;
use crate::workplace::{Workplace, names};

/// The built-in lab's nodes.
const LAB: [&str; 4] = ["pi3-1", "pi4-1", "pi4-2", "pi4-3"];

#[test]
fn every_node_gets_its_own_name_and_keys() {
    let place = Workplace::new();
    let run = place.build(&SMALL.raw(), &["--all"]).exits(0);
    assert_eq!(place.out_names(), LAB.map(|node| format!("{node}.img")));
    assert_eq!(run.stdout.lines().count(), 4, "{}", run.stdout);
    let mut keys = BTreeSet::new();
    for node in LAB {
        let image = place.path(&format!("out/{node}.img"));
        let user_data = judge::boot_text(&image, &SMALL.boot(), "user-data");
        let user_data: serde_json::Value = serde_saphyr::from_str(&user_data).unwrap();
        assert_eq!(user_data["hostname"], node);
        for key in ["mkimage/secrets/host_key", "mkimage/secrets/enrolment_key"] {
            keys.insert(judge::boot_file(&image, &SMALL.boot(), key).unwrap());
        }
        judge::assert_valid_fat(&image, &SMALL.boot());
        judge::assert_same_outside(&SMALL.raw(), &image, &SMALL.boot());
    }
    assert_eq!(keys.len(), 8, "every secret must be different");
}

#[test]
fn an_image_is_the_same_alone_and_together_with_others() {
    let place = Workplace::new();
    place.build(&SMALL.image(Form::MANY_BLOCKS), &["--all"]).exits(0);
    let first = place.path("first.img");
    fs::rename(place.path("out/pi4-3.img"), &first).unwrap();
    place
        .build(&SMALL.image(Form::MANY_BLOCKS), &["--node", "pi4-3"])
        .exits(0);
    judge::assert_same(&first, &place.path("out/pi4-3.img"));
}

#[test]
fn a_rebuilt_image_is_identical() {
    let place = Workplace::new();
    place.build("sample", &["--node", "pi4-2"]).exits(0);
    let first = place.path("first.img");
    fs::rename(place.path("out/pi4-2.img"), &first).unwrap();
    // FAT times have steps of two seconds, so a time from the clock would differ.
    std::thread::sleep(std::time::Duration::from_secs(3));
    place
        .build("sample", &["--node", "pi4-2", "--node", "pi4-3"])
        .exits(0);
    judge::assert_same(&first, &place.path("out/pi4-2.img"));
}

#[test]
fn only_the_owner_can_read_the_secrets() {
    fn walk(path: &Path) {
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        if path.is_dir() {
            assert_eq!(mode, 0o700, "{}", path.display());
            for entry in fs::read_dir(path).unwrap() {
                walk(&entry.unwrap().path());
            }
        } else {
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
    let place = Workplace::without_ssh_key();
    place.build("sample", &["--all"]).exits(0);
    let secrets = place.path("cluster.secrets");
    walk(&secrets);
    let before = names(&secrets);
    place.build("sample", &["--node", "pi4-1"]).exits(0);
    assert_eq!(names(&secrets), before);
}

#[test]
fn a_user_without_a_key_gets_one_with_instructions_to_log_in() {
    let place = Workplace::without_ssh_key();
    let run = place.build(&SMALL.raw(), &["--node", "pi4-2"]).exits(0);
    assert!(run.stderr.contains("ssh -F"), "{}", run.stderr);
    let config = judge::succeed(
        judge::tool("ssh")
            .arg("-G")
            .arg("-F")
            .arg(place.path("cluster.secrets/ssh_config"))
            .arg("pi4-2"),
    );
    let config = String::from_utf8(config.stdout).unwrap();
    let key = config
        .lines()
        .find_map(|line| line.strip_prefix("identityfile "))
        .unwrap();
    let public = judge::succeed(judge::tool("ssh-keygen").args(["-y", "-f", key])).stdout;
    let public = String::from_utf8(public).unwrap();
    let public = public.split_whitespace().nth(1).unwrap();
    let user_data = judge::boot_text(&place.path("out/pi4-2.img"), &SMALL.boot(), "user-data");
    assert!(user_data.contains(public), "{user_data}");
    assert!(config.contains("\nhostname pi4-2.local\n"), "{config}");
    assert_eq!(names(&place.home()), [""; 0], "the user's home must not change");
}

#[test]
fn only_paths_or_json_are_on_stdout() {
    let place = Workplace::new();
    let run = place.build("sample", &["--node", "pi4-2"]).exits(0);
    assert_eq!(run.stdout, "out/pi4-2.img\n");
    // A joined character has an invisible one in it.
    let arguments = ["--node", "pi4-2", "--base", "sample", "--out", "👩\u{200d}💻"];
    assert_eq!(place.run(arguments).exits(0).stdout, "👩\u{200d}💻/pi4-2.img\n");
    assert!(
        !run.stderr.contains('\x1b'),
        "no colours or bars in a file: {}",
        run.stderr
    );
    let run = place.build("sample", &["--node", "pi4-2", "--json"]).exits(0);
    let image = &run.json()["images"][0];
    assert_eq!(image["node"], "pi4-2");
    assert_eq!(image["path"], "out/pi4-2.img");
    let refused = place
        .build(&place.path("nowhere.img"), &["--node", "pi4-2", "--json"])
        .exits(2);
    assert_eq!(refused.json()["error"]["exit_code"], 2);
}

#[test]
fn quiet_mode_prints_only_warnings() {
    let place = Workplace::new();
    for arguments in [
        &["check", "-q"][..],
        &["--node", "pi4-2", "--quiet", "--base", "sample"],
    ] {
        let stderr = place.run(arguments).exits(0).stderr;
        let is_warning = |line: &str| line.starts_with("warning:");
        assert!(!stderr.is_empty() && stderr.lines().all(is_warning), "{stderr}");
    }
    let all = place.run(["check"]).exits(0).stderr;
    assert!(!all.lines().all(|line| line.starts_with("warning:")), "{all}");
}

#[test]
fn an_error_about_a_path_says_what_to_do_and_names_no_temporary_file() {
    let place = Workplace::new();
    place
        .run(["inspect", "nope.img"])
        .exits(2)
        .says(&["nope.img", "give the path"]);
    let mut command = place.mkimage();
    command.env("TMPDIR", "/nope").args(["--all", "--base", "sample"]);
    let run = place.finish(&mut command).exits(6).says(&["/nope", "set TMPDIR"]);
    assert!(!run.stderr.contains("/nope/"), "{}", run.stderr);
    let run = place.run(["init", "--cluster", "no-folder/a.toml"]).exits(6);
    let run = run.says(&["no-folder/a.toml"]);
    assert!(!run.stderr.contains(".cluster-"), "{}", run.stderr);
}

#[test]
fn help_and_version_are_printed_on_request() {
    let place = Workplace::new();
    for arguments in [&["-h"][..], &["--help"], &["inspect", "--help"]] {
        let run = place.run(arguments).exits(0);
        assert!(run.stdout.contains("Usage: mkimage"), "{}", run.stdout);
    }
    let run = place.run(["--help"]).exits(0);
    for option in [
        "--node",
        "--all",
        "--base",
        "--sha256",
        "--out",
        "--force",
        "--json",
        "inspect",
        "Exit codes",
    ] {
        assert!(run.stdout.contains(option), "no {option} in: {}", run.stdout);
    }
    assert!(place.run(["--version"]).exits(0).stdout.starts_with("mkimage "));
    assert_eq!(place.out_names(), [""; 0]);
}

#[test]
fn an_invalid_command_line_builds_nothing() {
    let place = Workplace::new();
    for arguments in [
        &[][..],
        &["--node"],
        &["--all", "--node", "pi4-2"],
        &["--node", "pi4-2", "--format", "iso", "--base", "sample"],
        &["--node", "no-such-node", "--base", "sample"],
        &["--node", "pi4-2", "--sha256", "abc", "--base", "sample"],
        &[
            "--node",
            "pi4-2",
            "--base",
            "http://127.0.0.1:9/no-hash-given.img",
        ],
        &["--quiet", "--verbose", "--all"],
        &["--no-such-option"],
        &["--base", "sample", "check"],
        &["--out", "elsewhere", "verify", "some.img"],
        &["no-such-command"],
    ] {
        let run = place.run(arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert_eq!(run.stdout, "", "{arguments:?}");
    }
    assert!(!place.path("images").exists());
    assert!(!place.path("cluster.secrets").exists(), "no keys must be created");
}

#[test]
fn an_invalid_cluster_file_builds_nothing_and_the_error_has_its_line() {
    let place = Workplace::new();
    place.cluster_file("[cluster]\nname = \"lab\"\n\n[[node]]\nname = \"pi4-2\"\nmodle = \"pi4\"\n");
    place
        .build("sample", &["--node", "pi4-2"])
        .exits(3)
        .says(&["cluster.toml", "6", "modle"]);
    assert_eq!(place.out_names(), [""; 0]);
    place
        .run(["--all", "--cluster", "nowhere.toml", "--base", "sample"])
        .exits(3);
}

#[test]
fn an_image_that_may_ignore_its_settings_is_refused_without_force() {
    let place = Workplace::new();
    place
        .build(&FIRST_CLOUD_INIT.raw(), &["--node", "pi4-2"])
        .exits(7)
        .says(&["2025-11-24", "6614", "--force"]);
    assert_eq!(place.out_names(), [""; 0]);
    assert!(!place.path("cluster.secrets").exists(), "no keys must be created");
    place
        .build(&FIRST_CLOUD_INIT.raw(), &["--node", "pi4-2", "--force"])
        .exits(0)
        .says(&["6614"]);
    assert_eq!(place.out_names(), ["pi4-2.img"]);
}

#[test]
fn a_base_is_refused_before_it_is_decompressed() {
    let place = Workplace::new();
    for form in [Form::MANY_BLOCKS, Form::ONE_BLOCK] {
        for format in ["img", "img.xz"] {
            let run = place.build(
                &FIRST_CLOUD_INIT.image(form),
                &["--node", "pi4-2", "--format", format],
            );
            let run = run.exits(7).says(&["2025-11-24"]);
            for work in [
                "checking the base",
                "unpacking",
                "packing",
                "writing",
                "the base (",
            ] {
                assert!(
                    !run.stderr.contains(&format!("\n{work}")),
                    "{form:?}: {}",
                    run.stderr
                );
            }
        }
    }
}

#[test]
fn a_32_bit_base_is_refused_for_gluster() {
    let place = Workplace::new();
    place
        .build(&BUSTER.published(), &["--node", "pi4-2"])
        .exits(3)
        .says(&["32-bit"]);
    assert_eq!(place.out_names(), [""; 0]);
}

#[test]
fn a_failed_rebuild_keeps_the_existing_image() {
    let place = Workplace::new();
    place.build(&SMALL.raw(), &["--node", "pi4-2"]).exits(0);
    let image = place.path("out/pi4-2.img");
    let before = fs::metadata(&image).unwrap();
    let base = place.path("cut.img.xz");
    let packed = fs::read(SMALL.image(Form::ONE_BLOCK)).unwrap();
    fs::write(&base, &packed[..packed.len() / 2]).unwrap();
    place
        .build(&base, &["--node", "pi4-2", "--node", "pi4-3"])
        .exits(5);
    assert_eq!(place.out_names(), ["pi4-2.img"]);
    let after = fs::metadata(&image).unwrap();
    assert_eq!(
        (after.ino(), after.mtime(), after.len()),
        (before.ino(), before.mtime(), before.len())
    );
}

#[test]
fn a_read_only_folder_is_an_error() {
    let place = Workplace::new();
    fs::write(place.path("file"), "").unwrap();
    let arguments = ["--node", "pi4-2", "--base", "sample", "--out"];
    place
        .run(arguments.iter().chain(&["file/out"]))
        .exits(6)
        .says(&["file/out"]);

    fs::create_dir(place.path("read-only")).unwrap();
    fs::set_permissions(place.path("read-only"), fs::Permissions::from_mode(0o555)).unwrap();
    // Root can write everywhere; without this capability, permissions apply.
    let mut command = place.start_by(
        "/usr/bin/setpriv",
        &[
            "--bounding-set=-dac_override",
            "--inh-caps=-all",
            env!("CARGO_BIN_EXE_mkimage"),
        ],
    );
    if !judge::is_root() {
        command = place.mkimage();
    }
    let run = place.finish(command.args(arguments).arg("read-only"));
    let run = run.exits(6).says(&["read-only"]);
    assert_eq!(run.stdout, "");
    assert_eq!(names(&place.path("read-only")), [""; 0]);
}

#[test]
fn a_full_disk_is_detected_before_the_first_byte() {
    let place = Workplace::new();
    let run = place.build_within("size=4m", &SMALL.raw(), &["--node", "pi4-2"]);
    let run = run.exits(6).says(&["free"]);
    assert_eq!(run.stdout, "", "files were left behind");
}

#[test]
fn a_path_with_spaces_is_quoted_in_commands_for_the_user() {
    let place = Workplace::new();
    let folder = place.path("my pis");
    fs::create_dir(&folder).unwrap();
    fs::write(
        folder.join("cluster.toml"),
        "[[node]]\nname = \"pi4-2\"\nmodel = \"pi4\"\nrole = \"manager\"\n",
    )
    .unwrap();
    place
        .build(
            &SMALL.raw(),
            &["--node", "pi4-2", "--cluster", "my pis/cluster.toml"],
        )
        .exits(0)
        .says(&["my pis/cluster.secrets/ssh_config' pi4-2"]);
    let config = folder.join("cluster.secrets/ssh_config");
    let known = judge::succeed(judge::tool("ssh").arg("-G").arg("-F").arg(config).arg("pi4-2"));
    let known = String::from_utf8(known.stdout).unwrap();
    assert!(known.contains("my pis/cluster.secrets/known_hosts"), "{known}");
}

#[test]
fn the_users_own_files_take_precedence() {
    let place = Workplace::new();
    let own: PathBuf = place.path("overlays/pi4-2");
    fs::create_dir_all(own.join("overlays")).unwrap();
    fs::write(own.join("overlays/my-display-of-a-long-name.dtbo"), "mine").unwrap();
    fs::write(own.join("issue.txt"), "changed").unwrap();
    place.build(&SMALL.raw(), &["--all"]).exits(0);
    let read = |node: &str, file: &str| {
        judge::boot_file(&place.path(&format!("out/{node}.img")), &SMALL.boot(), file)
    };
    assert_eq!(
        read("pi4-2", "overlays/my-display-of-a-long-name.dtbo").as_deref(),
        Some(&b"mine"[..])
    );
    assert_eq!(read("pi4-2", "issue.txt").as_deref(), Some(&b"changed"[..]));
    assert_eq!(read("pi4-3", "overlays/my-display-of-a-long-name.dtbo"), None);
    assert_ne!(read("pi4-3", "issue.txt").as_deref(), Some(&b"changed"[..]));
    judge::assert_valid_fat(&place.path("out/pi4-2.img"), &SMALL.boot());
}
