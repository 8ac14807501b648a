//! A node's image from every era's base, as other programs see it.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use crate::base::{BUSTER, ERAS, Era, Mechanism};
use crate::judge;
use crate::workplace::Workplace;

const NODE: &str = "pi4-2";

/// Boot files that a node has its own of.
const OURS: [&str; 6] = [
    "cmdline.txt",
    "config.txt",
    "user-data",
    "meta-data",
    "network-config",
    "ssh",
];

/// The image of `pi4-2` in the built-in home lab, built once for this build of the program.
fn built(era: &Era) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("built")
        .join(era.name);
    fs::create_dir_all(&folder).unwrap();
    let image = folder.join("work/out").join(format!("{NODE}.img"));
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let base = era.published();
    let made_by = format!(
        "{}\n{}",
        version(Path::new(env!("CARGO_BIN_EXE_mkimage"))),
        version(&base)
    );
    if fs::read_to_string(folder.join("made-by")).is_ok_and(|text| text == made_by) && image.exists() {
        return image;
    }
    let _ = fs::remove_dir_all(folder.join("work"));
    let place = Workplace::lasting(&folder.join("work"));
    // 32-bit images are refused otherwise.
    let force: &[&str] = if era.name == BUSTER.name {
        &["--force"]
    } else {
        &[]
    };
    place.build(&base, &[&["--node", NODE], force].concat()).exits(0);
    fs::write(folder.join("made-by"), made_by).unwrap();
    image
}

fn version(file: &Path) -> String {
    let metadata = fs::metadata(file).unwrap();
    let changed = metadata.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    format!("{} {} {changed:?}", file.display(), metadata.len())
}

fn boot_text(era: &Era, path: &str) -> String {
    judge::boot_text(&built(era), &era.boot(), path)
}

#[test]
fn a_damaged_file_system_would_not_boot() {
    for era in ERAS {
        judge::assert_valid_fat(&built(era), &era.boot());
    }
}

#[test]
fn bytes_outside_the_boot_partition_are_those_of_the_base() {
    for era in ERAS {
        judge::assert_same_outside(&era.raw(), &built(era), &era.boot());
        assert_eq!(
            judge::partition_table(&era.raw()),
            judge::partition_table(&built(era)),
            "{era:?}"
        );
    }
}

#[test]
fn firmware_and_kernels_are_those_of_the_base() {
    for era in ERAS {
        let base = judge::tree_by_mtools(&era.raw(), &era.boot());
        let tree = judge::tree_by_mtools(&built(era), &era.boot());
        for (path, bytes) in &base {
            if !OURS.contains(&path.as_str()) {
                assert!(tree.get(path) == Some(bytes), "{path} of {era:?}");
            }
        }
        for path in tree.keys() {
            let known =
                base.contains_key(path) || OURS.contains(&path.as_str()) || path.starts_with("mkimage/");
            assert!(known, "{path} of {era:?} has no known origin");
        }
    }
}

#[test]
fn two_readers_of_fat_find_the_same_files() {
    for era in ERAS {
        let by_mtools = judge::tree_by_mtools(&built(era), &era.boot());
        let by_hadris = judge::tree_by_hadris(&built(era), &era.boot());
        assert!(by_mtools == by_hadris, "{era:?}");
    }
}

#[test]
fn a_command_line_that_lost_a_word_would_not_find_its_root() {
    for era in ERAS {
        let stock = judge::boot_text(&era.raw(), &era.boot(), "cmdline.txt");
        let line = boot_text(era, "cmdline.txt");
        assert!(!line.contains('\r'), "{era:?}");
        assert_eq!(line.trim_end_matches('\n').lines().count(), 1, "{era:?}: {line}");
        let words: Vec<_> = line.split_whitespace().collect();
        let stock: Vec<_> = stock.split_whitespace().collect();
        assert!(words.starts_with(&stock), "{era:?}: {line}");
        let resize = |words: &[&str]| words.iter().filter(|word| word.starts_with("resize")).count();
        assert_eq!(resize(&words), resize(&stock), "{era:?}: {line}");
        assert!(words.contains(&"cgroup_enable=memory"), "{era:?}: {line}");
    }
}

#[test]
fn a_first_boot_whose_script_is_not_where_the_command_line_says_never_starts() {
    for era in ERAS {
        let Mechanism::SystemdRun(mounted_at) = era.mechanism else {
            continue;
        };
        let line = boot_text(era, "cmdline.txt");
        let words: Vec<_> = line.split_whitespace().collect();
        let run = words
            .iter()
            .position(|word| word.starts_with("systemd.run="))
            .unwrap();
        let script = words[run].strip_prefix("systemd.run=").unwrap();
        // Clean-up code of others deletes from systemd.run= to the end.
        assert!(
            words[run..].iter().all(|word| word.starts_with("systemd.")),
            "{era:?}: {line}"
        );
        assert!(
            words.contains(&"systemd.run_success_action=reboot"),
            "{era:?}: {line}"
        );
        assert!(
            words.contains(&"systemd.unit=kernel-command-line.target"),
            "{era:?}: {line}"
        );
        assert!(!script.ends_with("/firstrun.sh"), "{era:?}: {line}");
        let path = script
            .strip_prefix(&format!("{mounted_at}/"))
            .unwrap_or_else(|| panic!("{era:?}: {line}"));
        assert!(boot_text(era, path).starts_with("#!/bin/sh\n"), "{era:?}");
        // cloud-init is not there to read these.
        let tree = judge::tree_by_mtools(&built(era), &era.boot());
        assert!(
            !tree.contains_key("user-data") && !tree.contains_key("meta-data"),
            "{era:?}"
        );
    }
}

#[test]
fn user_data_that_cloud_init_refuses_is_silently_ignored() {
    for era in ERAS {
        if era.mechanism != Mechanism::CloudInit {
            continue;
        }
        let folder = judge::scratch();
        let user_data = boot_text(era, "user-data");
        assert!(user_data.starts_with("#cloud-config\n"), "{era:?}");
        let file = folder.path().join("user-data");
        fs::write(&file, &user_data).unwrap();
        let said = judge::succeed(judge::cloud_init().args(["schema", "--config-file"]).arg(&file));
        let said =
            String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
        assert!(said.contains("Valid"), "{said}");
        let user_data: serde_json::Value = serde_saphyr::from_str(&user_data).unwrap();
        assert_eq!(user_data["hostname"], NODE, "{era:?}");
        assert!(user_data.get("rpi").is_none(), "it reboots at once");
    }
}

#[test]
fn an_instance_that_the_command_line_does_not_name_is_set_up_again_at_every_boot() {
    for era in ERAS {
        if era.mechanism != Mechanism::CloudInit {
            continue;
        }
        let meta_data: serde_json::Value = serde_saphyr::from_str(&boot_text(era, "meta-data")).unwrap();
        let id = meta_data["instance-id"].as_str().unwrap();
        let line = boot_text(era, "cmdline.txt");
        let word = format!("ds=nocloud;i={id}");
        assert!(
            line.split_whitespace().any(|candidate| candidate == word),
            "{line}"
        );
    }
}

#[test]
fn a_pi_without_the_file_ssh_lets_nobody_in() {
    for era in ERAS {
        assert_eq!(boot_text(era, "ssh"), "", "{era:?}");
    }
}

#[test]
fn lines_for_all_boards_end_in_a_section_for_all_boards() {
    for era in ERAS {
        let stock = judge::boot_text(&era.raw(), &era.boot(), "config.txt");
        let config = boot_text(era, "config.txt");
        assert!(config.starts_with(stock.trim_end()), "{era:?}: {config}");
        let last = config.lines().rfind(|line| line.trim_start().starts_with('['));
        assert_eq!(last, Some("[all]"), "{era:?}: {config}");
    }
}

#[test]
fn a_script_with_an_error_stops_the_first_boot() {
    let mut checked = HashSet::new();
    for era in ERAS {
        let folder = judge::scratch();
        let tree = judge::tree_by_mtools(&built(era), &era.boot());
        let mut scripts = Vec::new();
        for (path, bytes) in &tree {
            if path.starts_with("mkimage/") && bytes.starts_with(b"#!") {
                assert!(bytes.starts_with(b"#!/bin/sh\n"), "{path}");
                assert!(!bytes.contains(&b'\r'), "{path}");
                let script = folder.path().join(path);
                fs::create_dir_all(script.parent().unwrap()).unwrap();
                fs::write(&script, bytes).unwrap();
                scripts.push(script);
            }
        }
        assert!(!scripts.is_empty(), "{era:?}");
        // Most eras have the same scripts.
        let texts: Vec<_> = scripts.iter().map(|path| fs::read(path).unwrap()).collect();
        if !checked.insert(texts) {
            continue;
        }
        judge::succeed(
            // Each script is checked alone here; tests/firstboot/lint follows sourced files and checks variables.
            judge::tool("shellcheck")
                .args(["-s", "sh", "-e", "SC1090,SC1091,SC2034,SC2153,SC2154"])
                .args(scripts),
        );
    }
}

#[test]
fn a_node_with_anothers_settings_would_be_the_wrong_machine() {
    for era in ERAS {
        let folder = judge::scratch();
        let settings = folder.path().join("settings");
        fs::write(&settings, boot_text(era, "mkimage/settings")).unwrap();
        let said = judge::succeed(
            Command::new("sh")
                .args([
                    "-euc",
                    ". \"$1\"; echo \"$MKIMAGE_NODE $MKIMAGE_ROLE $MKIMAGE_BOOT\"",
                    "sh",
                ])
                .arg(&settings),
        );
        let expected = match era.mechanism {
            Mechanism::SystemdRun(mounted_at) => format!("{NODE} worker {mounted_at}\n"),
            _ => format!("{NODE} worker /boot/firmware\n"),
        };
        assert_eq!(String::from_utf8(said.stdout).unwrap(), expected, "{era:?}");
    }
}

/// Returns the lines of that section of a description.
fn known_hosts_of(description: &str) -> String {
    let lines = description
        .lines()
        .skip_while(|line| *line != "[known_hosts]")
        .skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_host_key_that_is_not_the_pinned_one_locks_everybody_out() {
    for era in ERAS {
        let folder = judge::scratch();
        let key = folder.path().join("host_key");
        fs::write(&key, boot_text(era, "mkimage/secrets/host_key")).unwrap();
        judge::succeed(Command::new("chmod").arg("600").arg(&key));
        let public = judge::succeed(judge::tool("ssh-keygen").args(["-y", "-f"]).arg(&key));
        let public = String::from_utf8(public.stdout).unwrap();
        let public: Vec<_> = public.split_whitespace().take(2).collect();
        let known_hosts = built(era)
            .parent()
            .unwrap()
            .join("../cluster.secrets/known_hosts");
        for known_hosts in [
            fs::read_to_string(known_hosts).unwrap(),
            known_hosts_of(&boot_text(era, "mkimage/description")),
        ] {
            let line = known_hosts
                .lines()
                .find(|line| {
                    line.split([' ', ','])
                        .any(|name| name == NODE || name == format!("{NODE}.local"))
                })
                .unwrap();
            assert!(line.contains(&public.join(" ")), "{era:?}: {line}");
        }
    }
}

#[test]
fn secrets_outside_their_folder_would_stay_on_the_card_for_everybody() {
    for era in ERAS {
        let tree = judge::tree_by_mtools(&built(era), &era.boot());
        let key = String::from_utf8(tree["mkimage/secrets/host_key"].clone()).unwrap();
        let line = key.lines().nth(2).unwrap();
        for (path, bytes) in &tree {
            let secret = String::from_utf8_lossy(bytes).contains(line);
            assert!(
                !secret || path.starts_with("mkimage/secrets/"),
                "{path} of {era:?}"
            );
        }
    }
}

#[test]
fn a_card_of_another_release_is_not_made_for_a_cluster_by_chance() {
    let era = |name: &str| ERAS.iter().find(|era| era.name == name).unwrap().published();
    let (bookworm, trixie) = (era("bookworm-2025-05"), era("trixie-2025-10"));
    let place = Workplace::new();
    place.build(&bookworm, &["--all"]).exits(0);
    let node = ["--node", NODE];
    place.build(&trixie, &node).exits(7).says(&[
        "bookworm",
        "trixie",
        "in one pool, so the new card",
        "--all",
    ]);
    place.build(&bookworm, &node).exits(0);
    place
        .build(&trixie, &[&node[..], &["--force"]].concat())
        .exits(0)
        .says(&["bookworm"]);
    // One of many changes nothing for the others, and all of them do.
    place.build(&bookworm, &node).exits(0);
    place
        .build(&trixie, &["--all"])
        .exits(0)
        .says(&["exchange all of them at once, with every node off, because"]);
    place.build(&trixie, &node).exits(0);
    place.build(&bookworm, &node).exits(7);
}
