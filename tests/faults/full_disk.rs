//! A disk that is full at any moment: all of the user's folders lie on a small tmpfs, with little space or few files.

use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use crate::place::{furnish, strays};
use crate::{BASE, FORMS, faults, sha256_of};

/// Runs a command on a tmpfs with the limits `$1`, then again without limits. Prints the exit code, the images and all other
/// files after each.
const SCRIPT: &str = r#"
    limits=$1 folder=$2
    shift 2
    # Room for what a user has before the first run.
    mount -t tmpfs -o "$limits" none "$folder/disk" || exit 99
    cp -r "$folder/furniture/." "$folder/disk" || exit 98
    cd "$folder/disk"
    for again in no yes; do
        if [ "$again" = yes ]; then
            mount -o remount,size=1g,nr_inodes=100000 none "$folder/disk" || exit 97
        fi
        code=0
        "$@" 2>"$folder/stderr" >/dev/null || code=$?
        echo "code $code"
        sed 's/^/said /' "$folder/stderr"
        find . -type f | sed 's/^/file /'
        find out -name '[!.]*.img*' -exec sha256sum {} + 2>/dev/null | sed 's/^/image /'
        echo ---
    done
"#;

/// The state after a run.
struct After {
    code: i32,
    said: Vec<String>,
    files: Vec<String>,
    images: Vec<String>,
}

impl After {
    fn parse(text: &str) -> Self {
        let all = |word: &str| {
            text.lines()
                .filter_map(|line| line.strip_prefix(word))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        Self {
            code: all("code ")[0].parse().unwrap(),
            said: all("said "),
            files: all("file "),
            images: all("image "),
        }
    }
}

/// Builds within limits, and then without; returns the state after both.
fn build_within(limits: &str, format: &str) -> [After; 2] {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("disk")).unwrap();
    furnish(&folder.join("furniture"));
    std::fs::write(folder.join(FORMS[0]), &BASE[0]).unwrap();
    let user: &[&str] = if is_root() { &[] } else { &["--map-root-user"] };
    let output = Command::new("unshare")
        .args(user)
        .args(["--mount", "sh", "-c", SCRIPT, "sh", limits])
        .arg(folder)
        .arg(env!("CARGO_BIN_EXE_mkimage"))
        .arg("--base")
        .arg(folder.join(FORMS[0]))
        .args([
            "--sha256",
            &sha256_of(&BASE[0]),
            "--all",
            "--out",
            "out",
            "--format",
            format,
        ])
        .env("HOME", folder.join("disk/home"))
        .env("MKIMAGE_CACHE_DIR", folder.join("disk/cache"))
        .env("TMPDIR", folder.join("disk/tmp"))
        .env("SOURCE_DATE_EPOCH", "1790000000")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{limits}: {}\n{text}", output.status);
    let (first, second) = text.split_once("---\n").unwrap();
    [first, second].map(After::parse)
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Requires that a build within limits fails cleanly and can be repeated. Returns whether the limits were too narrow.
fn fails_cleanly(limits: &str, format: &str) -> bool {
    let [full, again] = build_within(limits, format);
    assert_eq!(again.code, 0, "{limits}: {:?} after {:?}", again.said, full.said);
    assert_eq!(again.images.len(), 2, "{limits}");
    assert_eq!(strays(again.files.into_iter()), [""; 0], "{limits}");
    if full.code == 0 {
        assert_eq!(full.images, again.images, "{limits}");
        return false;
    }
    assert_eq!(full.code, 6, "{limits}: {:?}", full.said);
    assert!(!full.said.is_empty());
    // Every image that has its final name is whole.
    for image in &full.images {
        assert!(again.images.contains(image), "{limits}: {image}");
    }
    let left: Vec<_> = full
        .files
        .iter()
        .filter(|path| path.contains("/.") && !path.ends_with("/.gitignore"))
        .collect();
    assert!(
        left.iter().all(|path| path.ends_with("/cluster.toml")),
        "{limits}: {left:?} was left, {:?}",
        full.said
    );
    true
}

#[test]
fn a_disk_that_is_full_at_any_write_leaves_nothing_behind() {
    for format in ["img", "img.xz"] {
        // In pages: for the images, and only for the first small files.
        for (most, _) in [4096_u64, 64].into_iter().cycle().zip(0..faults()) {
            let pages = fastrand::u64(8..most);
            let failed = fails_cleanly(&format!("size={}k", pages * 4), format);
            assert!(failed || most > 64, "{pages} pages are enough");
        }
    }
}

#[test]
fn a_disk_that_takes_no_more_files_leaves_nothing_behind() {
    for format in ["img", "img.xz"] {
        // The folders and files that are there before the first run.
        let there = 6;
        let all = there..there + 40;
        let step = usize::try_from(40_u32.div_ceil(faults().min(40))).unwrap();
        for files in all.skip(fastrand::usize(..step)).step_by(step) {
            fails_cleanly(&format!("size=1g,nr_inodes={files}"), format);
        }
    }
}
