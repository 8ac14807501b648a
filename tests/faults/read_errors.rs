//! A disk that cannot be read: a file system whose disk ends too early, as on a failing card.

use std::process::Command;
use std::time::Duration;

use crate::place::{Place, exits, run, succeed};
use crate::{BASE, FORMS, moments};

/// Makes the disk of the base shorter while the command runs, after `$2` seconds; if `$2` is 0, before it starts.
const SCRIPT: &str = r#"
    folder=$1 after=$2 keep=$3 name=$4
    shift 4
    truncate -s 128M "$folder/disk" && mkfs.ext4 -q -F "$folder/disk" && mkdir -p "$folder/mounted" || exit 98
    mount -o loop "$folder/disk" "$folder/mounted" && cp "$folder/$name" "$folder/mounted/" && umount "$folder/mounted" || exit 98
    mount -o loop,ro,noload "$folder/disk" "$folder/mounted" || exit 98
    shorten() {
        truncate -s "$keep" "$folder/disk"
        # Forgets what has been read.
        dd if="$folder/mounted/$name" iflag=nocache count=0 status=none
    }
    [ "$after" != 0 ] || shorten
    "$@" &
    program=$!
    [ "$after" = 0 ] || { sleep "$after" && shorten; }
    wait "$program"
"#;

#[test]
fn a_base_that_cannot_be_read_gives_no_image() {
    let can_mount = Command::new("sh")
        .args(["-c", "[ $(id -u) = 0 ] && losetup --find && command -v mkfs.ext4"])
        .output();
    if !can_mount.is_ok_and(|output| output.status.success()) {
        eprintln!("left out: needs root and loop devices");
        return;
    }
    for (name, bytes) in FORMS.into_iter().zip(&*BASE) {
        let place = Place::new();
        std::fs::write(place.path(name), bytes).unwrap();
        let on_disk = format!("mounted/{name}");
        let build = |base: &str| place.build(&[base], &["--all"], 1_790_000_000);
        let length = succeed(&mut build(name));
        let right = place.images();
        // First without anything to read but what the kernel has of the file system, which must fail. Then at random.
        let first = std::iter::once((Duration::ZERO, 0));
        let others = moments(length).map(|after| (after, fastrand::u64(1 << 20..100 << 20)));
        for (after, keep) in first.chain(others) {
            place.remove("out");
            place.remove("cache");
            let program = build(&on_disk);
            let mut command = Command::new("unshare");
            command
                .args(["--mount", "sh", "-c", SCRIPT, "sh"])
                .arg(place.path(""))
                .args([after.as_secs_f64().to_string(), keep.to_string(), name.to_owned()])
                .arg(program.get_program())
                .args(program.get_args())
                .envs(
                    program
                        .get_envs()
                        .filter_map(|(name, value)| Some((name, value?))),
                )
                .current_dir(place.path(""));
            command
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped());
            let output = run(&mut command);
            exits(&output, &[0, 5, 6]);
            if output.status.success() {
                assert_ne!(keep, 0, "a file without a disk was read");
                assert_eq!(place.images(), right);
            } else {
                assert_eq!(crate::place::names(&place.path("out")), [""; 0]);
                assert!(!output.stderr.is_empty());
            }
            succeed(&mut build(name));
            assert_eq!(place.images(), right);
            place.assert_tidy();
        }
    }
}
