//! Opening the folder read-only leaves it unchanged.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{FIXED, cluster, files_below, home_lab, workspace};
use crate::error::Category;
use crate::identity::Secrets;

/// Returns everything below the folder with its content and modification time.
fn state(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>, SystemTime)> {
    let paths = files_below(folder).into_iter();
    paths
        .map(|path| {
            let modified = path.metadata().unwrap().modified().unwrap();
            (path.clone(), fs::read(&path).ok(), modified)
        })
        .collect()
}

#[test]
fn reading_returns_what_was_created_and_changes_nothing() {
    let (folder, path) = workspace();
    let lab = home_lab();
    assert!(Secrets::open_read_only(&path, &lab).unwrap().is_none());
    assert!(files_below(folder.path()).is_empty());

    let created = Secrets::open_or_create(&path, &lab).unwrap();
    // Reading does not repair what a build would repair.
    fs::remove_file(path.join("nodes/pi4-1/host_key.pub")).unwrap();
    fs::write(path.join("known_hosts"), "old").unwrap();
    fs::write(path.join(".new-1"), "left").unwrap();
    let before = state(folder.path());
    let read = Secrets::open_read_only(&path, &lab).unwrap().unwrap();
    assert_eq!(state(folder.path()), before);
    assert_eq!(read.cluster_id, created.cluster_id);
    assert_eq!(read.known_hosts(&lab), created.known_hosts(&lab));
    assert_eq!(read.enrolment_keys(&lab), created.enrolment_keys(&lab));
    assert_eq!(read.admin_key, created.admin_key);
    for node in &lab.nodes {
        assert_eq!(read.node(&node.name).unwrap(), created.node(&node.name).unwrap());
    }
}

#[test]
fn missing_keys_are_not_created_and_damaged_ones_are_refused() {
    let (_folder, path) = workspace();
    let lab = home_lab();
    Secrets::open_or_create(&path, &cluster(Some(FIXED))).unwrap();
    let read = Secrets::open_read_only(&path, &lab).unwrap().unwrap();
    assert!(read.admin_key.is_none());
    let known: Vec<_> = lab
        .nodes
        .iter()
        .map(|node| read.node(&node.name).is_ok())
        .collect();
    assert_eq!(known, [true, true, false, false]);

    fs::write(path.join("nodes/pi4-1/host_key"), "no key").unwrap();
    let error = Secrets::open_read_only(&path, &lab).unwrap_err();
    assert_eq!(error.category(), Category::Disk);
    fs::remove_file(path.join("cluster-id")).unwrap();
    let error = Secrets::open_read_only(&path, &lab).unwrap_err();
    assert!(error.to_string().contains("cluster-id"), "{error}");
}
