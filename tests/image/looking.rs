//! What `verify` and `inspect` say of finished images.

use std::fs;

use crate::base::{Form, SMALL};
use crate::judge;
use crate::workplace::Workplace;

#[test]
fn verify_tells_a_sound_image_from_a_damaged_one() {
    let place = Workplace::new();
    let base = SMALL.image(Form::ManyBlocks);
    let base_argument = base.to_str().unwrap();
    place.build(&base, &["--node", "pi4-2"]).exits(0);
    place
        .build(&base, &["--node", "pi4-2", "--format", "img.xz"])
        .exits(0);
    for name in ["out/pi4-2.img", "out/pi4-2.img.xz"] {
        let run = place.run(["verify", name, "--base", base_argument]).exits(0);
        assert!(run.stdout.contains("sound"), "{}", run.stdout);
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
        .exits(5);
    let other = SMALL.raw();
    place
        .run(["verify", other.to_str().unwrap(), "--base", "no-such-base"])
        .exits(2);
}

#[test]
fn inspect_shows_what_other_programs_see() {
    let place = Workplace::new();
    place
        .build(&SMALL.raw(), &["--node", "pi4-2", "--format", "img.xz"])
        .exits(0);
    place.build(&SMALL.raw(), &["--node", "pi4-2"]).exits(0);
    let image = place.path("out/pi4-2.img");
    for file in ["cmdline.txt", "mkimage/settings", "overlays/README"] {
        let expected = judge::boot_text(&image, &SMALL.boot(), file);
        for name in ["out/pi4-2.img", "out/pi4-2.img.xz"] {
            assert_eq!(
                place.run(["inspect", name, file]).exits(0).stdout,
                expected,
                "{file} of {name}"
            );
        }
    }
    let seen = place.run(["inspect", "out/pi4-2.img", "--json"]).exits(0).json();
    assert_eq!(seen["node"], "pi4-2");
    assert_eq!(seen["partitions"][0]["start"], 16384);
    let shown = place.run(["inspect", SMALL.raw().to_str().unwrap()]).exits(0);
    assert!(shown.stdout.contains("2026-10-06"), "{}", shown.stdout);
    place.run(["inspect", "out/pi4-2.img", "no/such/file"]).exits(2);
}
