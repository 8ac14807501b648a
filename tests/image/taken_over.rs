//! Tests of what `check` and a build say about a folder that somebody else has prepared.

use std::fs;
use std::os::unix::fs::symlink;

use crate::workplace::Workplace;

const CLUSTER: &str = "[[node]]\nname = \"pi4-2\"\nmodel = \"pi4\"\nrole = \"manager\"\n";

/// Returns the place of a user with an ssh key, with a folder from somebody else: it has their keys and files.
fn with_foreign_folder() -> Workplace {
    let place = Workplace::without_ssh_key();
    place.cluster_file(CLUSTER);
    place.build("sample", &["--all"]).exits(0);
    fs::create_dir(place.home().join(".ssh")).unwrap();
    fs::write(place.home().join(".ssh/id.pub"), crate::workplace::USER_KEY).unwrap();
    let lib = place.path("overlays/pi4-2/mkimage/lib");
    fs::create_dir_all(&lib).unwrap();
    fs::write(lib.join("report"), "#!/bin/sh\n").unwrap();
    fs::write(place.path("overlays/pi4-2/issue.txt"), "").unwrap();
    place
}

#[test]
fn nothing_is_taken_over_from_a_folder_without_a_word() {
    let place = with_foreign_folder();
    let id = fs::read_to_string(place.path("cluster.secrets/cluster-id")).unwrap();
    let id = id.trim();
    let loud = [
        "warning: overlays/pi4-2 has files that the Pi runs or obeys: mkimage/lib/report; they",
        "warning: cluster.secrets/admin_key is a second login",
    ];
    let checked = place.run(["check"]).exits(0).says(&loud);
    for part in [
        "2 ssh keys (with cluster.secrets/admin_key)",
        &format!("keys     cluster.secrets, cluster id {id}, first made 20"),
        "files    overlays/pi4-2: issue.txt, mkimage/lib/report",
    ] {
        assert!(checked.stdout.contains(part), "{part}: {}", checked.stdout);
    }
    let json = place.run(["check", "--json"]).exits(0).json();
    assert_eq!(json["user"]["ssh_keys"], 2);
    assert_eq!(json["secrets"]["cluster_id"], id);
    assert_eq!(json["secrets"]["admin_key"], true);
    assert_eq!(json["nodes"][0]["own_files"][1], "mkimage/lib/report");

    let built = place.build("sample", &["--all", "--json"]).exits(0).says(&loud);
    let built = built.says(&["overlays/pi4-2 adds issue.txt", "the nodes keep the keys", id]);
    assert_eq!(built.json()["images"][0]["own_files"][0], "issue.txt");
    assert_eq!(built.json()["cluster_id"], id);
    let verified = place
        .run(["verify", "--base", "sample", "out/pi4-2.img"])
        .exits(0);
    let own = "Your own, from overlays/pi4-2: issue.txt, mkimage/lib/report";
    assert!(verified.stdout.contains(own), "{}", verified.stdout);
    // Also where only warnings are printed.
    place.build("sample", &["--all", "-q"]).exits(0).says(&loud);
}

#[test]
fn a_folder_of_the_users_own_is_not_warned_about() {
    let place = Workplace::new();
    place.cluster_file(CLUSTER);
    let checked = place.run(["check"]).exits(0);
    assert!(checked.stdout.contains("1 ssh key,"), "{}", checked.stdout);
    assert!(checked.stdout.contains("keys     none yet"), "{}", checked.stdout);
    let built = place.build("sample", &["--all"]).exits(0);
    for stderr in [&checked.stderr, &built.stderr] {
        assert!(
            !stderr.contains("overlays") && !stderr.contains("second login"),
            "{stderr}"
        );
    }
}

#[test]
fn a_link_out_of_the_overlays_stops_every_command_that_reads_them() {
    let place = with_foreign_folder();
    let key = place.home().join(".ssh/id_ed25519");
    fs::write(&key, "private").unwrap();
    symlink(&key, place.path("overlays/pi4-2/x")).unwrap();
    let target = key.canonicalize().unwrap();
    let words = ["overlays/pi4-2/x", target.to_str().unwrap()];
    place.run(["check"]).exits(3).says(&words);
    place.build("sample", &["--all", "--force"]).exits(3).says(&words);
    let verify = ["verify", "--base", "sample", "out/pi4-2.img"];
    place.run(verify).exits(3).says(&words);
}
