//! The verdict of `verify` on the files that are a node's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::base::SMALL;
use crate::judge;
use crate::verify::{BUILT, built, put, verify};
use crate::workplace::Workplace;

fn get(place: &Workplace, path: &str) -> Vec<u8> {
    judge::boot_file(&place.path(BUILT), &SMALL.boot(), path).unwrap()
}

fn delete(place: &Workplace, path: &str) {
    judge::delete_boot_file(&place.path(BUILT), &SMALL.boot(), path);
}

/// The files of the sound image that `verify --json` has not compared.
#[track_caller]
fn not_compared(place: &Workplace) -> Vec<String> {
    let base = SMALL.raw();
    let run = place.run(["verify", BUILT, "--json", "--base", base.to_str().unwrap()]);
    serde_json::from_value(run.exits(0).json()["not_compared"].clone()).unwrap()
}

/// Every file of the user's, and when it was written.
fn state(place: &Workplace) -> BTreeMap<PathBuf, SystemTime> {
    fn walk(folder: &Path, files: &mut BTreeMap<PathBuf, SystemTime>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else {
                let written = path.metadata().unwrap().modified().unwrap();
                files.insert(path, written);
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(&place.path("."), &mut files);
    files
}

#[test]
fn every_file_of_the_nodes_own_is_compared() {
    let place = built();
    assert_eq!(not_compared(&place), [""; 0]);
    let sound = verify(&place, BUILT).exits(0);
    assert!(
        sound.stdout.contains("All of them are exactly"),
        "{}",
        sound.stdout
    );
    let own = [
        "cmdline.txt",
        "config.txt",
        "meta-data",
        "mkimage/description",
        "mkimage/enrolment_certificate",
        "mkimage/owner",
        "mkimage/secrets/enrolment_key",
        "mkimage/secrets/host_key",
        "mkimage/secrets/wireguard_key",
        "user-data",
    ];
    for file in own {
        let right = get(&place, file);
        let mut wrong = right.clone();
        wrong[right.len() / 2] ^= 1;
        put(&place, file, &wrong);
        let named = format!("pi4-2: {file}");
        let run = verify(&place, BUILT)
            .exits(5)
            .says(&[&named, "build the image again"]);
        assert_eq!(run.stdout, "");
        assert!(!run.stderr.contains("PRIVATE KEY"), "{}", run.stderr);
        put(&place, file, &right);
    }
    // Without these two it is no Raspberry Pi's at all.
    let (vital, others) = own.split_at(2);
    // At most eight are named.
    for files in [&vital[..1], &others[1..]] {
        let right: Vec<_> = files.iter().map(|file| (file, get(&place, file))).collect();
        for file in files {
            delete(&place, file);
        }
        let run = verify(&place, BUILT).exits(5).says(files);
        run.says(&["build the image again"]);
        for (file, bytes) in right {
            put(&place, file, &bytes);
        }
    }
    let right = String::from_utf8(get(&place, "mkimage/settings")).unwrap();
    for (from, to, words) in [
        (
            "MKIMAGE_BRICK_WIPE='if-empty'",
            "MKIMAGE_BRICK_WIPE='always'",
            "pi4-2: mkimage/settings",
        ),
        (
            "MKIMAGE_BUILD_TIME='1790000000'",
            "MKIMAGE_BUILD_TIME='1790000001'",
            "cmdline.txt, meta-data",
        ),
        (
            "MKIMAGE_BUILD_TIME='1790000000'",
            "MKIMAGE_BUILD_TIME='$(date)'",
            "MKIMAGE_BUILD_TIME",
        ),
        (
            "MKIMAGE_NODE='pi4-2'",
            "MKIMAGE_NODE='pi4-3'",
            "what mkimage writes for pi4-3",
        ),
    ] {
        assert!(right.contains(from), "{right}");
        put(&place, "mkimage/settings", right.replace(from, to).as_bytes());
        verify(&place, BUILT).exits(5).says(&[words]);
    }
    put(&place, "mkimage/settings", right.as_bytes());
    verify(&place, BUILT).exits(0);
    put(&place, "mkimage/secrets/password_hash", b"x\n");
    verify(&place, BUILT)
        .exits(5)
        .says(&["pi4-2: mkimage/secrets/password_hash"]);
}

#[test]
fn without_secrets_the_files_that_were_not_compared_are_named() {
    let place = built();
    let away = place.path("elsewhere");
    fs::rename(place.path("cluster.secrets"), &away).unwrap();
    let sound = verify(&place, BUILT).exits(0);
    for word in [
        "Not compared, because",
        "cluster.secrets does not exist",
        "mkimage/secrets/host_key",
        "user-data",
    ] {
        assert!(sound.stdout.contains(word), "{}", sound.stdout);
    }
    let skipped = not_compared(&place);
    for file in [
        "mkimage/settings",
        "mkimage/secrets/host_key",
        "cmdline.txt",
        "user-data",
    ] {
        let right = get(&place, file);
        assert!(skipped.iter().any(|skipped| skipped == file), "{skipped:?}");
        delete(&place, file);
        verify(&place, BUILT).exits(5).says(&[file]);
        put(&place, file, &right);
    }
    let right = get(&place, "config.txt");
    put(&place, "config.txt", &[&right[..], b"# more\n"].concat());
    verify(&place, BUILT).exits(5).says(&["config.txt"]);
    put(&place, "config.txt", &right);
    assert!(!place.path("cluster.secrets").exists());

    // Secrets of the same cluster from before it had this node, and those of another one.
    fs::rename(&away, place.path("cluster.secrets")).unwrap();
    let keys = place.path("cluster.secrets/nodes/pi4-2");
    fs::rename(&keys, &away).unwrap();
    let sound = verify(&place, BUILT).exits(0);
    assert!(sound.stdout.contains("has no keys for pi4-2"), "{}", sound.stdout);
    fs::rename(&away, &keys).unwrap();
    fs::write(place.path("cluster.secrets/cluster-id"), "0".repeat(32)).unwrap();
    verify(&place, BUILT)
        .exits(5)
        .says(&["mkimage/settings", "cluster.secrets"]);
}

#[test]
fn a_sound_image_is_sound_whenever_it_was_built_and_whatever_it_carries() {
    let place = Workplace::without_ssh_key();
    place.cluster_file(
        "[[node]]\nname = \"pi4-2\"\nmodel = \"pi5\"\nrole = \"manager\"\nbrick = false\n\
         [network.wifi]\nssid = \"lab\"\npsk = \"secret words\"\ncountry = \"DE\"\n",
    );
    let base = SMALL.raw();
    let own = place.path("overlays/pi4-2");
    fs::create_dir_all(&own).unwrap();
    for own_file in [None, Some("cmdline.txt"), Some("USER-DATA")] {
        if let Some(own_file) = own_file {
            fs::write(own.join(own_file), "mine\n").unwrap();
        }
        let mut command = place.mkimage();
        command
            .env_remove("SOURCE_DATE_EPOCH")
            .args(["--node", "pi4-2", "--out", "out", "--base"]);
        place.finish(command.arg(&base)).exits(0);
        let before = state(&place);
        assert_eq!(not_compared(&place), [""; 0], "{own_file:?}");
        fs::rename(place.path("cluster.secrets"), place.path("elsewhere")).unwrap();
        let skipped = not_compared(&place);
        for file in ["cmdline.txt", "user-data"] {
            let mine = fs::read_dir(&own).unwrap().any(|entry| {
                entry
                    .unwrap()
                    .file_name()
                    .to_str()
                    .unwrap()
                    .eq_ignore_ascii_case(file)
            });
            assert_ne!(skipped.contains(&file.to_owned()), mine, "{file}");
        }
        fs::rename(place.path("elsewhere"), place.path("cluster.secrets")).unwrap();
        assert_eq!(state(&place), before);
    }
    put(&place, "cmdline.txt", b"hers\n");
    verify(&place, BUILT).exits(5).says(&["pi4-2: cmdline.txt"]);
}
