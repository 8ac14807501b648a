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

#[test]
fn a_link_does_not_let_files_outside_be_changed_or_made() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let cluster = home_lab();
    for (link, target) in [
        ("", "outside"),
        ("nodes", "outside"),
        ("notes", "outside"),
        ("notes", "outside/page"),
        ("notes", "not-there"),
        (".gitignore", "not-there"),
    ] {
        let (folder, path) = workspace();
        let outside = folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("page"), "").unwrap();
        let shown = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&outside, shown.clone()).unwrap();
        fs::set_permissions(outside.join("page"), shown).unwrap();
        let place = if link.is_empty() {
            path.clone()
        } else {
            fs::create_dir(&path).unwrap();
            path.join(link)
        };
        symlink(folder.path().join(target), &place).unwrap();
        let error = Secrets::open_or_create(&path, &cluster).unwrap_err();
        assert!(error.to_string().contains(link), "{error}");
        // Reading changes nothing.
        let read = Secrets::open_read_only(&path, &cluster);
        assert!(link.is_empty() || read.is_err());
        for place in [&outside, &outside.join("page")] {
            let mode = fs::metadata(place).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o755, "{link} to {target}: {}", place.display());
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
        assert!(!folder.path().join("not-there").exists());
    }
}
