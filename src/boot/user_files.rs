//! The user's own files for a node: those in `overlays/<node>/` beside the cluster file.
//!
//! The folder may be a copy of somebody else's. So a link in it must not bring a file of this computer onto a card.

pub mod faults;

use std::fs;
use std::path::{Path, PathBuf};

use crate::boot::mechanism::{self, Hook, Mechanism};
use crate::boot::overlay::{BootPath, Overlay};
use crate::cluster::Cluster;
use crate::disk::paths::{self, require_inside};
use crate::error::{Category, Context, Error, Result};

/// The files of one node's folder: path on the boot partition and bytes.
pub type UserFiles = Vec<(BootPath, Vec<u8>)>;

/// The folder beside the cluster file.
const OVERLAYS: &str = "overlays";

/// Reads every file in a node's folder, in the order of their paths; a node without a folder has none. `folder` is the
/// cluster file's. An error names the file that cannot be read, lies elsewhere or cannot lie on a FAT partition.
pub fn read(folder: &Path, node: &str) -> Result<UserFiles> {
    let overlays = folder.join(OVERLAYS);
    let own = overlays.join(node);
    let mut files = Vec::new();
    if own
        .try_exists()
        .disk(|| format!("looking for {}", own.display()))?
    {
        require_inside(folder, &overlays)?;
        require_inside(&overlays, &own)?;
        collect(&overlays, &own, "", &mut files)?;
    }
    files.sort();
    Ok(files)
}

/// Returns the file with this name in the root folder, as the user spelled it.
fn named<'a>(files: &'a UserFiles, name: &str) -> Option<(&'a BootPath, &'a [u8])> {
    let found = files
        .iter()
        .find(|(path, _)| path.as_str().eq_ignore_ascii_case(name));
    found.map(|(path, bytes)| (path, bytes.as_slice()))
}

/// Returns whether the Pi or its system runs or obeys a file of this name.
pub fn is_obeyed(path: &BootPath) -> bool {
    const NAMES: [&str; 14] = [
        "autoboot.txt",
        "bootcode.bin",
        "cmdline.txt",
        "config.txt",
        "custom.toml",
        "firstrun.sh",
        "meta-data",
        "network-config",
        "ssh",
        "tryboot.txt",
        "user-data",
        "userconf",
        "userconf.txt",
        "vendor-data",
    ];
    // The firmware and its data, device trees, and kernels with what they start.
    const ENDS: [&str; 5] = [".dat", ".dtb", ".dtbo", ".elf", ".img"];
    let folded = path.as_str().to_lowercase();
    folded.starts_with("mkimage/")
        || folded.starts_with("initramfs")
        || NAMES.contains(&&*folded)
        || ENDS.iter().any(|end| folded.ends_with(end))
}

fn collect(overlays: &Path, folder: &Path, prefix: &str, files: &mut UserFiles) -> Result<()> {
    let reading = || format!("reading {}", folder.display());
    for entry in fs::read_dir(folder).disk(reading)? {
        let place = entry.disk(reading)?.path();
        let name = place.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
            let what = format!("the name of {} is not Unicode", place.display());
            Error::new(Category::ClusterFile, what)
        })?;
        let path = format!("{prefix}{name}");
        require_inside(overlays, &place)?;
        // Follows links, because the user wants the linked file on the card.
        let kind = fs::metadata(&place).disk(|| format!("reading {}", place.display()))?;
        if kind.is_dir() {
            collect(overlays, &place, &format!("{path}/"), files)?;
        } else if kind.is_file() {
            let bytes = paths::read(&place).disk(|| format!("reading {}", place.display()))?;
            files.push((BootPath::parse(&path)?, bytes));
        } else {
            let what = format!("{} is neither a file nor a folder", place.display());
            return Err(Error::new(Category::ClusterFile, what));
        }
    }
    Ok(())
}

/// Adds the files, which replace any others. FAT ignores case, so `CONFIG.TXT` replaces `config.txt`.
pub(super) fn lay_over(overlay: &mut Overlay, files: &[(BootPath, Vec<u8>)]) -> Result<()> {
    let mut seen = Vec::new();
    for (path, bytes) in files {
        let folded = path.as_str().to_lowercase();
        if seen.contains(&folded) {
            let what =
                format!("two of the node's own files are {path} on FAT, which ignores upper and lower case");
            return Err(Error::new(Category::ClusterFile, what));
        }
        let ours = existing_spelling(overlay, path, &folded)?;
        overlay.insert(ours.unwrap_or_else(|| path.clone()), bytes.as_slice());
        seen.push(folded);
    }
    Ok(())
}

/// Returns the folders of overlays in the cluster file's `folder` that are not named after a node. Those of this project
/// are left out.
pub fn folders_without_node(folder: &Path, cluster: &Cluster) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(folder.join(OVERLAYS))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            !mechanism::has_folder(&name) && cluster.node(&name).is_none()
        })
        .collect();
    folders.sort();
    folders
}

/// Returns the files of the finished overlay in which nothing starts the first boot, because the user's own replaced them.
pub fn files_replacing_boot_hooks(mechanism: &dyn Mechanism, overlay: &Overlay) -> Vec<&'static str> {
    mechanism
        .hooks()
        .iter()
        .filter(|hook| hook.is_missing_in(overlay.get(hook.file()).unwrap_or_default()))
        .map(Hook::file)
        .collect()
}

/// Returns the path in the overlay that is the same file to FAT. Neither may be a folder above the other.
fn existing_spelling(overlay: &Overlay, path: &BootPath, folded: &str) -> Result<Option<BootPath>> {
    for (ours, _) in overlay.files() {
        let ours_folded = ours.as_str().to_lowercase();
        if ours_folded == folded {
            return Ok(Some(ours.clone()));
        }
        let is_below = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        if is_below(&ours_folded, folded) || is_below(folded, &ours_folded) {
            let what = format!(
                "the node's own file {path} cannot be where {ours} is: one would be the other's folder"
            );
            return Err(Error::new(Category::ClusterFile, what));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::testing::cluster;

    fn file(path: &str, text: &str) -> (BootPath, Vec<u8>) {
        (BootPath::parse(path).unwrap(), text.as_bytes().to_vec())
    }

    /// Returns a cluster file's folder, and that of a node's own files in it.
    fn workplace() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("overlays/pi4-2");
        fs::create_dir_all(&own).unwrap();
        (folder, own)
    }

    #[test]
    fn every_file_of_the_users_folder_arrives() {
        let (folder, own) = workplace();
        fs::create_dir_all(own.join("mkimage/lib")).unwrap();
        fs::write(own.join("mkimage/lib/x"), "1").unwrap();
        fs::write(own.join("config.txt"), "2").unwrap();
        let files = read(folder.path(), "pi4-2").unwrap();
        assert_eq!(files, [file("config.txt", "2"), file("mkimage/lib/x", "1")]);
        assert_eq!(read(folder.path(), "none").unwrap(), []);
    }

    #[test]
    fn files_that_decide_what_a_node_does_are_known() {
        for (path, expected) in [
            ("mkimage/lib/stages/mine", true),
            ("MKIMAGE/install", true),
            ("User-Data", true),
            ("cmdline.txt", true),
            ("kernel8.img", true),
            ("initramfs8", true),
            ("overlays/fan.dtbo", true),
            ("userconf.txt", true),
            ("issue.txt", false),
            ("overlays/ssh", false),
        ] {
            assert_eq!(is_obeyed(&BootPath::parse(path).unwrap()), expected, "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn no_link_brings_a_file_of_this_computer_onto_a_card() {
        use std::os::unix::fs::symlink;

        let (folder, own) = workplace();
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("id_ed25519"), "private").unwrap();
        let refused = |link: &Path, target: &Path| {
            symlink(target, link).unwrap();
            let error = read(folder.path(), "pi4-2").unwrap_err();
            assert_eq!(error.category(), Category::ClusterFile);
            let message = error.to_string();
            for name in [link, &target.canonicalize().unwrap()] {
                assert!(message.contains(&name.display().to_string()), "{message}");
            }
            fs::remove_file(link).unwrap();
        };
        let key = home.path().join("id_ed25519");
        refused(&own.join("key"), &key);
        refused(&own.join("deep"), home.path());
        fs::write(folder.path().join("cluster.toml"), "").unwrap();
        symlink(folder.path().join("cluster.toml"), own.join("up")).unwrap();
        assert!(read(folder.path(), "pi4-2").is_err());
        fs::remove_file(own.join("up")).unwrap();

        // Inside the folder they are the user's own way to share files between nodes.
        fs::create_dir(folder.path().join("overlays/common")).unwrap();
        fs::write(folder.path().join("overlays/common/a"), "1").unwrap();
        symlink("../common/a", own.join("a")).unwrap();
        assert_eq!(read(folder.path(), "pi4-2").unwrap(), [file("a", "1")]);

        fs::remove_dir_all(&own).unwrap();
        refused(&own, home.path());
        fs::remove_dir_all(folder.path().join("overlays")).unwrap();
        fs::create_dir(home.path().join("pi4-2")).unwrap();
        refused(&folder.path().join("overlays"), home.path());
    }

    #[cfg(unix)]
    #[test]
    fn a_named_pipe_is_refused() {
        let (folder, own) = workplace();
        paths::testing::create_pipe(&own.join("pipe"));
        let error = read(folder.path(), "pi4-2").unwrap_err();
        assert!(error.to_string().contains("pipe is neither"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_fat_cannot_hold_is_an_error_and_not_a_gap() {
        let (folder, own) = workplace();
        fs::write(own.join("a:b"), "").unwrap();
        let error = read(folder.path(), "pi4-2").unwrap_err();
        assert!(error.to_string().contains("a:b"), "{error}");
    }

    #[test]
    fn a_folder_with_a_mistyped_name_is_found() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["pi4-1", "pi4_1", "cloud-init"] {
            fs::create_dir_all(folder.path().join("overlays").join(name)).unwrap();
        }
        let folders = folders_without_node(folder.path(), &cluster());
        assert_eq!(folders, [folder.path().join("overlays/pi4_1")]);
    }

    #[test]
    fn a_file_in_another_case_replaces_ours() {
        let mut overlay = Overlay::default();
        overlay.insert(BootPath::parse("config.txt").unwrap(), "ours");
        lay_over(&mut overlay, &[file("Config.TXT", "mine")]).unwrap();
        assert_eq!(overlay.files().count(), 1);
        assert_eq!(overlay.get("config.txt"), Some(&b"mine"[..]));
        assert!(lay_over(&mut overlay, &[file("a", ""), file("A", "")]).is_err());
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_refused() {
        for path in ["mkimage", "MKIMAGE", "mkimage/install/mine"] {
            let mut overlay = Overlay::default();
            overlay.insert(BootPath::parse("mkimage/install").unwrap(), "ours");
            let error = lay_over(&mut overlay, &[file(path, "mine")]).unwrap_err();
            assert_eq!(error.category(), Category::ClusterFile, "{path}");
        }
    }
}
