//! Things in the secrets folder that are not files of its own.

use std::fs;

use super::{home_lab, workspace};
use crate::error::Category;
use crate::identity::Secrets;

#[test]
fn a_named_pipe_among_the_secrets_is_not_waited_for() {
    let cluster = home_lab();
    for file in ["cluster-id", "nodes/pi4-1/host_key", ".gitignore"] {
        let (_folder, path) = workspace();
        Secrets::open_or_create(&path, &cluster).unwrap();
        fs::remove_file(path.join(file)).unwrap();
        crate::disk::paths::testing::create_pipe(&path.join(file));
        let error = Secrets::open_or_create(&path, &cluster).unwrap_err().to_string();
        assert!(error.contains("not an ordinary file"), "{file}: {error}");
    }
}

#[test]
fn a_link_does_not_turn_a_key_of_this_computer_into_a_nodes() {
    let cluster = home_lab();
    let (folder, path) = workspace();
    Secrets::open_or_create(&path, &cluster).unwrap();
    let outside = folder.path().join("id_ed25519");
    fs::rename(path.join("nodes/pi4-1/host_key"), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, path.join("nodes/pi4-1/host_key")).unwrap();
    for error in [
        Secrets::open_or_create(&path, &cluster).unwrap_err(),
        Secrets::open_read_only(&path, &cluster).unwrap_err(),
    ] {
        assert_eq!(error.category(), Category::ClusterFile);
        assert!(error.to_string().contains("id_ed25519, outside"), "{error}");
    }
}
