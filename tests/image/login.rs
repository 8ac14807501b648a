//! Tests of the keys that can log in, on the card and in the user's own ssh.

use std::fs;

use crate::base::SMALL;
use crate::judge;
use crate::workplace::{USER_KEY, Workplace};

#[test]
fn a_user_who_gets_a_key_later_can_log_in_with_either() {
    let place = Workplace::without_ssh_key();
    place.build(&SMALL.raw(), &["--node", "pi4-2"]).exits(0);
    let again = place.build(&SMALL.raw(), &["--node", "pi4-2"]).exits(0);
    again.says(&["admin_key, which was there before, logs in"]);
    let ssh = place.home().join(".ssh");
    fs::create_dir(&ssh).unwrap();
    fs::write(ssh.join("homelab.pub"), USER_KEY).unwrap();
    fs::write(ssh.join("homelab"), "private").unwrap();
    let run = place.build(&SMALL.raw(), &["--node", "pi4-2"]).exits(0);
    assert!(!run.stderr.contains("have no ssh key"), "{}", run.stderr);

    let admin = fs::read_to_string(place.path("cluster.secrets/admin_key.pub")).unwrap();
    let image = place.path("out/pi4-2.img");
    for file in ["mkimage/description", "user-data"] {
        let text = judge::boot_text(&image, &SMALL.boot(), file);
        for key in [USER_KEY, admin.trim()] {
            let blob = key.split(' ').nth(1).unwrap();
            assert!(text.contains(blob), "{key} cannot log in: {text}");
        }
    }
    let config = fs::read_to_string(place.path("cluster.secrets/ssh_config")).unwrap();
    for file in ["/cluster.secrets/admin_key\"", "/home/.ssh/homelab\""] {
        assert!(config.contains(file), "{file} is not tried: {config}");
    }
}
