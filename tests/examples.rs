//! The cluster files in examples/: each builds, and warns of nothing but what it shows on purpose.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

const ONE_MANAGER: &str = "is the only manager";

/// The warnings of each example.
const EXAMPLES: [(&str, &[&str]); 6] = [
    ("arbiter.toml", &[ONE_MANAGER]),
    ("fixed-addresses.toml", &[ONE_MANAGER]),
    ("four-pis.toml", &[ONE_MANAGER]),
    ("package-cache.toml", &[ONE_MANAGER]),
    ("three-managers.toml", &[]),
    ("wifi.toml", &[ONE_MANAGER]),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Returns the program, run as a user who has one ssh key and nothing else.
fn mkimage(home: &Path) -> Command {
    let ssh = home.join(".ssh");
    fs::create_dir_all(&ssh).unwrap();
    let key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGTN1tVBXB9ElwUiLmNm3yXwSMA8PPXnOKfF2RzsYVXh somebody@desk";
    fs::write(ssh.join("id_ed25519.pub"), key).unwrap();
    let mut command = Command::cargo_bin("mkimage").unwrap();
    command.env_clear().env("HOME", home).current_dir(home);
    command
}

#[test]
fn every_example_is_expected_here() {
    let mut names: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, EXAMPLES.map(|(name, _)| name));
}

#[test]
fn an_example_warns_of_nothing_unexpected() {
    let home = tempfile::tempdir().unwrap();
    for (name, expected) in EXAMPLES {
        // Mode 0600, because one of them has a passphrase.
        let file = home.path().join(name);
        fs::write(&file, fs::read(folder().join(name)).unwrap()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let checked = mkimage(home.path())
            .args(["check", "--json", "--cluster"])
            .arg(file)
            .assert()
            .success();
        let report: Value = serde_json::from_slice(&checked.get_output().stdout).unwrap();
        let warnings = report["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), expected.len(), "{name}: {warnings:?}");
        for (warning, part) in warnings.iter().zip(expected) {
            assert!(warning.as_str().unwrap().contains(part), "{name}: {warning}");
        }
    }
}

#[test]
fn an_example_builds_every_image() {
    let home = tempfile::tempdir().unwrap();
    for (name, _) in EXAMPLES {
        let cluster = home.path().join("cluster.toml");
        fs::copy(folder().join(name), &cluster).unwrap();
        let built = mkimage(home.path())
            .args(["--all", "--base", "sample", "--out", "images"])
            .assert()
            .success();
        let paths = String::from_utf8_lossy(&built.get_output().stdout).into_owned();
        let nodes = fs::read_to_string(&cluster).unwrap().matches("[[node]]").count();
        assert_eq!(paths.lines().count(), nodes, "{name}: {paths}");
        for folder in ["images", "cluster.secrets"] {
            fs::remove_dir_all(home.path().join(folder)).unwrap();
        }
    }
}
