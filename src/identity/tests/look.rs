//! Looking at the folder, which leaves it as it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{FIXED, cluster, files_below, home_lab, place};
use crate::error::Category;
use crate::identity::Secrets;

/// Everything below the folder, with its content and when that was written.
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
fn what_is_seen_is_what_was_made_and_stays_as_it_is() {
    let (folder, path) = place();
    let lab = home_lab();
    assert!(Secrets::look(&path, &lab).unwrap().is_none());
    assert!(files_below(folder.path()).is_empty());

    let made = Secrets::open_or_create(&path, &lab).unwrap();
    // What a build would put right is no business of somebody who only looks.
    fs::remove_file(path.join("nodes/pi4-1/host_key.pub")).unwrap();
    fs::write(path.join("known_hosts"), "old").unwrap();
    fs::write(path.join(".new-1"), "left").unwrap();
    let before = state(folder.path());
    let seen = Secrets::look(&path, &lab).unwrap().unwrap();
    assert_eq!(state(folder.path()), before);
    assert_eq!(seen.cluster_id(), made.cluster_id());
    assert_eq!(seen.known_hosts(&lab), made.known_hosts(&lab));
    assert_eq!(seen.enrolment_keys(&lab), made.enrolment_keys(&lab));
    assert_eq!(seen.admin_key(), made.admin_key());
    for node in &lab.nodes {
        assert_eq!(seen.node(&node.name).unwrap(), made.node(&node.name).unwrap());
    }
}

#[test]
fn keys_that_are_not_there_are_not_made_and_damaged_ones_are_refused() {
    let (_folder, path) = place();
    let lab = home_lab();
    Secrets::open_or_create(&path, &cluster(Some(FIXED))).unwrap();
    let seen = Secrets::look(&path, &lab).unwrap().unwrap();
    assert!(seen.admin_key().is_none());
    let known: Vec<_> = lab
        .nodes
        .iter()
        .map(|node| seen.node(&node.name).is_ok())
        .collect();
    assert_eq!(known, [true, true, false, false]);

    fs::write(path.join("nodes/pi4-1/host_key"), "no key").unwrap();
    let error = Secrets::look(&path, &lab).unwrap_err();
    assert_eq!(error.category(), Category::Disk);
    fs::remove_file(path.join("cluster-id")).unwrap();
    let error = Secrets::look(&path, &lab).unwrap_err();
    assert!(error.to_string().contains("cluster-id"), "{error}");
}
