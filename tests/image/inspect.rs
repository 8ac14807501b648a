//! `inspect` on bases and finished images.

use crate::base::SMALL;
use crate::judge;
use crate::workplace::Workplace;

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
    assert_eq!(seen["trust"], serde_json::Value::Null);
    assert_eq!(seen["partitions"][0]["start"], 16384);
    let shown = place.run(["inspect", SMALL.raw().to_str().unwrap()]).exits(0);
    assert!(shown.stdout.contains("2026-10-06"), "{}", shown.stdout);
    assert!(shown.stdout.contains("vouched by: nothing"), "{}", shown.stdout);
    place.run(["inspect", "out/pi4-2.img", "no/such/file"]).exits(2);
    let folder = place
        .run(["inspect", "out/pi4-2.img", "mkimage/"])
        .exits(0)
        .stdout;
    assert!(
        folder.contains("settings") && !folder.contains("cmdline.txt"),
        "{folder}"
    );
    let both = place.run(["inspect", "--json", "out/pi4-2.img", "cmdline.txt"]);
    both.exits(2).says(&["remove `--json`"]);
}
