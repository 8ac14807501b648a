//! Checks by other programs: fsck.vfat, mtools, sfdisk and a second FAT library.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// The files of a boot partition by path.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// Returns a temporary folder with enough space for images.
pub fn scratch() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Returns whether the tests run as root, to whom permissions do not apply.
pub fn is_root() -> bool {
    scratch().path().metadata().unwrap().uid() == 0
}

/// Returns a command for another program. The PATH of ordinary users may lack the folders of sfdisk and fsck.
pub fn tool(name: &str) -> Command {
    let mut command = Command::new("env");
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .env("LC_ALL", "C")
        .env("MTOOLS_SKIP_CHECK", "1")
        .arg(name);
    command
}

/// Returns a command for cloud-init, which `tests/image/cloud-init` unpacks into a folder instead of installing it.
pub fn cloud_init() -> Command {
    let mut command = tool(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/image/cloud-init"));
    command.arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cloud-init"));
    command
}

/// Runs a command, which must succeed, and returns its output.
pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Returns the pieces of a file that are not holes, of at most 1 MiB each.
fn data(file: &File, range: &Range<u64>) -> Vec<Range<u64>> {
    let mut pieces = Vec::new();
    let mut at = range.start;
    while at < range.end {
        // ENXIO means that only a hole is left.
        let Ok(start) = rustix::fs::seek(file, rustix::fs::SeekFrom::Data(at)) else {
            break;
        };
        let hole = rustix::fs::seek(file, rustix::fs::SeekFrom::Hole(start)).unwrap();
        let end = hole.min(range.end);
        pieces.extend(
            (start..end)
                .step_by(1 << 20)
                .map(|at| at..end.min(at + (1 << 20))),
        );
        at = hole;
    }
    pieces
}

fn read_piece(file: &File, piece: &Range<u64>) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(piece.end - piece.start).unwrap()];
    file.read_exact_at(&mut bytes, piece.start).unwrap();
    bytes
}

/// Copies a piece of an image to a sparse file.
pub fn extract(image: &Path, range: &Range<u64>, to: &Path) {
    let from = File::open(image).unwrap();
    let to = File::create(to).unwrap();
    to.set_len(range.end - range.start).unwrap();
    for piece in data(&from, range) {
        to.write_all_at(&read_piece(&from, &piece), piece.start - range.start)
            .unwrap();
    }
}

/// Requires that `fsck.vfat` reports no problem with the partition.
pub fn assert_valid_fat(image: &Path, boot: &Range<u64>) {
    let folder = scratch();
    let partition = folder.path().join("partition");
    extract(image, boot, &partition);
    let checked = succeed(tool("fsck.vfat").arg("-n").arg(&partition));
    let said = String::from_utf8(checked.stdout).unwrap();
    // The normal output is a version line and a line with counts.
    assert_eq!(
        said.lines().count(),
        2,
        "fsck.vfat of {}: {said}",
        image.display()
    );
}

/// Reads a file of the boot partition with mtools; `None` if it does not exist.
pub fn boot_file(image: &Path, boot: &Range<u64>, path: &str) -> Option<Vec<u8>> {
    let read = tool("mcopy")
        .arg("-i")
        .arg(at_partition(image, boot))
        .args([&format!("::/{path}"), "-"])
        .output()
        .unwrap();
    read.status.success().then_some(read.stdout)
}

/// Reads a text file of the boot partition with mtools.
pub fn boot_text(image: &Path, boot: &Range<u64>, path: &str) -> String {
    let bytes = boot_file(image, boot, path).unwrap_or_else(|| panic!("no {path} in {}", image.display()));
    String::from_utf8(bytes).unwrap()
}

/// Writes or replaces a file on the boot partition with mtools.
pub fn put_boot_file(image: &Path, boot: &Range<u64>, path: &str, bytes: &[u8]) {
    let folder = scratch();
    let from = folder.path().join("file");
    fs::write(&from, bytes).unwrap();
    succeed(
        tool("mcopy")
            .args(["-o", "-i"])
            .arg(at_partition(image, boot))
            .arg(&from)
            .arg(format!("::/{path}")),
    );
}

/// Deletes a file of the boot partition with mtools.
pub fn delete_boot_file(image: &Path, boot: &Range<u64>, path: &str) {
    succeed(
        tool("mdel")
            .arg("-i")
            .arg(at_partition(image, boot))
            .arg(format!("::/{path}")),
    );
}

/// Reads every file of the boot partition with mtools.
pub fn tree_by_mtools(image: &Path, boot: &Range<u64>) -> Tree {
    let folder = scratch();
    succeed(
        tool("mcopy")
            .arg("-s")
            .arg("-i")
            .arg(at_partition(image, boot))
            .arg("::/")
            .arg(folder.path()),
    );
    let mut tree = Tree::new();
    collect(folder.path(), folder.path(), &mut tree);
    tree
}

fn collect(top: &Path, folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(top, &path, tree);
        } else {
            let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
            tree.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// Reads every file of the boot partition with another FAT library.
pub fn tree_by_hadris(image: &Path, boot: &Range<u64>) -> Tree {
    use hadris_fat::sync::{FatDir, FatVolume, FatVolumeReadExt};

    fn walk(volume: &FatVolume<File>, folder: &FatDir<'_, File>, prefix: &str, tree: &mut Tree) {
        let mut entries = folder.entries();
        while let Some(entry) = entries.next_entry() {
            let entry = entry.unwrap();
            let Some(file) = entry.as_entry() else { continue };
            let name = entry.name();
            if name == "." || name == ".." {
                continue;
            }
            let path = format!("{prefix}{name}");
            if file.is_directory() {
                walk(
                    volume,
                    &folder.open_entry(file).unwrap(),
                    &format!("{path}/"),
                    tree,
                );
            } else {
                let mut bytes = vec![0; usize::try_from(file.len()).unwrap()];
                let mut reader = volume.read_file(file).unwrap();
                let mut at = 0;
                while at < bytes.len() {
                    let read = reader.read(&mut bytes[at..]).unwrap();
                    assert_ne!(read, 0, "{path} ends early");
                    at += read;
                }
                tree.insert(path, bytes);
            }
        }
    }

    let folder = scratch();
    let partition = folder.path().join("partition");
    extract(image, boot, &partition);
    let volume = FatVolume::open(File::open(&partition).unwrap()).unwrap();
    let mut tree = Tree::new();
    walk(&volume, &volume.root_dir(), "", &mut tree);
    tree
}

/// Returns the partition table from sfdisk, without the image's name.
pub fn partition_table(image: &Path) -> String {
    let table = succeed(tool("sfdisk").arg("--json").arg(image));
    String::from_utf8(table.stdout)
        .unwrap()
        .replace(&image.display().to_string(), "IMAGE")
}

/// Requires that two images have the same length and differ only inside `allowed`.
pub fn assert_same_outside(base: &Path, image: &Path, allowed: &Range<u64>) {
    let [base_file, image_file] = [base, image].map(|path| File::open(path).unwrap());
    let length = base_file.metadata().unwrap().len();
    assert_eq!(
        image_file.metadata().unwrap().len(),
        length,
        "{}",
        image.display()
    );
    for range in [0..allowed.start, allowed.end..length] {
        for piece in data(&base_file, &range)
            .into_iter()
            .chain(data(&image_file, &range))
        {
            assert!(
                read_piece(&base_file, &piece) == read_piece(&image_file, &piece),
                "{} differs from {} within bytes {piece:?}",
                image.display(),
                base.display()
            );
        }
    }
}

/// Requires that two files are identical.
pub fn assert_same(one: &Path, other: &Path) {
    succeed(tool("cmp").arg(one).arg(other));
}

/// Returns the name for mtools of a file system inside a file.
fn at_partition(image: &Path, boot: &Range<u64>) -> String {
    format!("{}@@{}", image.display(), boot.start)
}
