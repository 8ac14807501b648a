//! A disk that cannot be read: a file system whose disk ends too early, as on a failing card.

use std::process::Command;

use crate::place::{Place, exits, run, succeed};
use crate::{BASE, FORMS, moments};

/// Makes the disk of the base shorter while the command runs, after `$2` seconds.
const SCRIPT: &str = r#"
    folder=$1 after=$2 keep=$3 name=$4
    shift 4
    truncate -s 128M "$folder/disk" && mkfs.ext4 -q -F "$folder/disk" && mkdir -p "$folder/mounted" || exit 98
    mount -o loop "$folder/disk" "$folder/mounted" && cp "$folder/$name" "$folder/mounted/" && umount "$folder/mounted" || exit 98
    mount -o loop,ro,noload "$folder/disk" "$folder/mounted" || exit 98
    "$@" &
    program=$!
    sleep "$after"
    truncate -s "$keep" "$folder/disk"
    # Forgets what has been read.
    dd if="$folder/mounted/$name" iflag=nocache count=0 status=none
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
    let mut failed = 0;
    for (name, bytes) in FORMS.into_iter().zip(&*BASE) {
        let place = Place::new();
        std::fs::write(place.path(name), bytes).unwrap();
        let on_disk = format!("mounted/{name}");
        let build = |base: &str| place.build(&[base], &["--all"], 1_790_000_000);
        let length = succeed(&mut build(name));
        let right = place.images();
        for after in moments(length) {
            place.remove("out");
            place.remove("cache");
            let keep = fastrand::u64(1 << 20..100 << 20);
            let program = build(&on_disk);
            let mut command = Command::new("unshare");
            command
                .args(["--mount", "sh", "-c", SCRIPT, "sh"])
                .arg(place.path(""))
                .args([
                    format!("{:.3}", after.as_secs_f64()),
                    keep.to_string(),
                    name.to_owned(),
                ])
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
                assert_eq!(place.images(), right);
            } else {
                failed += 1;
                assert_eq!(crate::place::names(&place.path("out")), [""; 0]);
                assert!(!output.stderr.is_empty());
            }
            succeed(&mut build(name));
            assert_eq!(place.images(), right);
            place.assert_tidy();
        }
    }
    assert!(failed > 0, "no read has failed");
}
