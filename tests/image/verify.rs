//! `verify` on finished images, sound and altered.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::base::{Form, SMALL};
use crate::judge;
use crate::workplace::{Run, Workplace};

pub const BUILT: &str = "out/pi4-2.img";

/// A place with a raw image of pi4-2.
pub fn built() -> Workplace {
    let place = Workplace::new();
    place.build(&SMALL.raw(), &["--node", "pi4-2"]).exits(0);
    place
}

pub fn verify(place: &Workplace, image: &str) -> Run {
    let base = SMALL.raw();
    place.run(["verify", image, "--base", base.to_str().unwrap()])
}

/// `verify` finds the image altered, raw and packed.
#[track_caller]
fn is_altered(place: &Workplace, words: &[&str]) {
    let run = verify(place, BUILT).exits(5).says(words);
    assert_eq!(run.stdout, "");
    let image = place.path(BUILT);
    judge::succeed(
        judge::tool("xz")
            .args(["-0", "-k", "-f", "-T2", "--block-size=8MiB"])
            .arg(&image),
    );
    let run = verify(place, "out/pi4-2.img.xz").exits(5).says(words);
    assert_eq!(run.stdout, "");
}

pub fn put(place: &Workplace, path: &str, bytes: &[u8]) {
    judge::put_boot_file(&place.path(BUILT), &SMALL.boot(), path, bytes);
}

fn flip(image: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(image).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

#[test]
fn verify_tells_a_sound_image_from_a_damaged_one() {
    let place = Workplace::new();
    let base = SMALL.image(Form::MANY_BLOCKS);
    let base_argument = base.to_str().unwrap();
    place.build(&base, &["--node", "pi4-2"]).exits(0);
    place
        .build(&base, &["--node", "pi4-2", "--format", "img.xz"])
        .exits(0);
    for name in ["out/pi4-2.img", "out/pi4-2.img.xz"] {
        let run = place.run(["verify", name, "--base", base_argument]).exits(0);
        for words in ["is a valid image of pi4-2", "vouched for by nothing"] {
            assert!(run.stdout.contains(words), "{}", run.stdout);
        }
    }
    let pipe = place.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for command in ["verify", "inspect"] {
        place
            .run([command, pipe.to_str().unwrap()])
            .exits(2)
            .says(&["is not an image file"]);
    }
    let image = place.path("out/pi4-2.img");
    let sound = fs::read(&image).unwrap();
    let boot = SMALL.boot();
    let kernel = judge::boot_file(&image, &boot, "kernel8.img").unwrap();
    let kernel = sound
        .windows(64)
        .position(|bytes| bytes == &kernel[..64])
        .unwrap();
    // The boot loader's place before the first partition, a file of the base, the last byte of the root partition.
    for at in [440, kernel, sound.len() - 1] {
        let mut damaged = sound.clone();
        damaged[at] ^= 1;
        fs::write(&image, damaged).unwrap();
        let run = place.run(["verify", "out/pi4-2.img", "--base", base_argument]);
        let run = run.exits(5);
        assert_eq!(run.stdout, "", "a changed byte at {at}");
    }
    fs::write(&image, &sound[..sound.len() / 2]).unwrap();
    place
        .run(["verify", "out/pi4-2.img", "--base", base_argument])
        .exits(5)
        .says(&["the image has", "--base"]);
    fs::write(&image, &sound).unwrap();
    for form in [Form::ZIP, Form::GZIP] {
        let base = SMALL.image(form);
        place
            .run(["verify", "out/pi4-2.img", "--base", base.to_str().unwrap()])
            .exits(0);
    }
    let other = SMALL.raw();
    place
        .run(["verify", other.to_str().unwrap(), "--base", "no-such-base"])
        .exits(2);
    verify(&place, other.to_str().unwrap())
        .exits(5)
        .says(&["was not built by mkimage", "mkimage/settings"]);
}

#[test]
fn a_node_name_in_an_image_leads_to_no_other_folder() {
    let place = built();
    fs::create_dir_all(place.path("overlays")).unwrap();
    fs::create_dir_all(place.path("foreign")).unwrap();
    fs::write(place.path("foreign/evil.txt"), "evil").unwrap();
    put(&place, "evil.txt", b"evil");
    let absolute = place.path("foreign");
    let right = judge::boot_text(&place.path(BUILT), &SMALL.boot(), "mkimage/settings");
    for name in ["../foreign", absolute.to_str().unwrap(), "/", ".", ""] {
        let wrong = right.replace("MKIMAGE_NODE='pi4-2'", &format!("MKIMAGE_NODE='{name}'"));
        put(&place, "mkimage/settings", wrong.as_bytes());
        verify(&place, BUILT).exits(5).says(&["does not name a node"]);
        let seen = place.run(["inspect", BUILT, "--json"]).exits(0).json();
        assert!(seen["node"].is_null(), "{seen}");
    }
    fs::rename(place.path("foreign"), place.path("overlays/foreign")).unwrap();
    let wrong = right.replace("MKIMAGE_NODE='pi4-2'", "MKIMAGE_NODE='foreign'");
    put(&place, "mkimage/settings", wrong.as_bytes());
    verify(&place, BUILT)
        .exits(5)
        .says(&["the image of foreign", "--cluster"]);
    put(&place, "mkimage/settings", right.as_bytes());
    verify(&place, BUILT).exits(5).says(&["pi4-2: evil.txt"]);
}

#[test]
fn an_image_with_other_scripts_than_mkimages_is_not_sound() {
    let place = built();
    let script = judge::boot_file(&place.path(BUILT), &SMALL.boot(), "mkimage/install").unwrap();
    let mut altered = script.clone();
    altered[script.len() / 2] ^= 1;
    put(&place, "mkimage/install", &altered);
    is_altered(&place, &["mkimage/install"]);
    put(&place, "mkimage/install", &script);
    put(&place, "mkimage/more", b"more");
    is_altered(&place, &["mkimage/more"]);
}

#[test]
fn an_image_of_another_base_or_with_an_edited_one_packed_is_not_sound() {
    let place = built();
    flip(&place.path(BUILT), SMALL.boot().end + (1 << 20));
    is_altered(&place, &["outside the boot partition"]);
}

#[test]
fn a_node_image_is_never_accepted_as_a_base() {
    let place = built();
    flip(&place.path(BUILT), SMALL.boot().end + (1 << 20));
    let run = place.run(["verify", BUILT, "--base", BUILT]);
    let run = run.exits(7).says(&["the base is the image of pi4-2"]);
    assert_eq!(run.stdout, "");
}

#[test]
fn an_own_file_that_differs_from_the_users_folder_is_found() {
    let place = Workplace::new();
    let own = place.path("overlays/pi4-2");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("Motd.txt"), "mine").unwrap();
    fs::write(own.join("ISSUE.TXT"), "changed").unwrap();
    place.build(&SMALL.raw(), &["--node", "pi4-2"]).exits(0);
    verify(&place, BUILT).exits(0);
    put(&place, "Motd.txt", b"hers");
    is_altered(&place, &["Motd.txt"]);
    put(&place, "Motd.txt", b"mine");
    fs::write(own.join("never-built.txt"), "new").unwrap();
    is_altered(&place, &["never-built.txt"]);
}

#[test]
fn what_no_file_shows_of_the_boot_partition_is_looked_at_too() {
    let place = built();
    let image = place.path(BUILT);
    let start = SMALL.boot().start;
    let mut sector = [0; 512];
    File::open(&image)
        .unwrap()
        .read_exact_at(&mut sector, start)
        .unwrap();
    // Offsets of Microsoft's FAT specification 1.03, section "Boot Sector and BPB".
    let reserved = u64::from(u16::from_le_bytes([sector[14], sector[15]]));
    let table = u64::from(u32::from_le_bytes(sector[36..40].try_into().unwrap()));
    let info = u64::from(u16::from_le_bytes([sector[48], sector[49]]));
    // A free cluster near the table's end, in the second copy; the boot sector's program; a reserved sector.
    for at in [
        (reserved + 2 * table) * 512 - 256,
        100,
        3 * 512 + 7,
        6 * 512 + 100,
    ] {
        flip(&image, start + at);
        is_altered(&place, &["outside its files"]);
        flip(&image, start + at);
    }
    // How many clusters are free is counted again by every system.
    flip(&image, start + info * 512 + 488);
    verify(&place, BUILT).exits(0);
}

#[test]
fn a_file_that_cannot_be_read_is_not_like_the_bases() {
    let place = Workplace::new();
    let base = place.path("base.img");
    judge::succeed(
        judge::tool("cp")
            .arg("--sparse=always")
            .arg(SMALL.raw())
            .arg(&base),
    );
    judge::put_boot_file(&base, &SMALL.boot(), "UNREAD.TXT", b"unread");
    // A slash is legal in no name: the library lists it and looks for a folder when it is to open it.
    rename(&base, b"UNREAD  TXT", b"UN/EAD  TXT");
    place.build(&base, &["--node", "pi4-2"]).exits(0);
    let run = place.run(["verify", BUILT, "--base", base.to_str().unwrap()]);
    let run = run.exits(5).says(&["cannot be read"]);
    assert_eq!(run.stdout, "");
}

#[test]
fn two_files_of_one_name_would_hide_each_other() {
    let place = built();
    put(&place, "MORE.TXT", b"more");
    rename(&place.path(BUILT), b"MORE    TXT", b"ISSUE   TXT");
    verify(&place, BUILT).exits(5).says(&["the same name"]);
}

/// Gives a directory entry another short name.
fn rename(image: &Path, from: &[u8; 11], to: &[u8]) {
    let boot = SMALL.boot();
    let file = File::options().read(true).write(true).open(image).unwrap();
    let mut bytes = vec![0; usize::try_from(boot.end - boot.start).unwrap()];
    file.read_exact_at(&mut bytes, boot.start).unwrap();
    let at = bytes
        .chunks(32)
        .position(|entry| entry.starts_with(from))
        .unwrap();
    file.write_all_at(to, boot.start + at as u64 * 32).unwrap();
}
