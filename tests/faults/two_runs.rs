//! Several runs at the same time, in the same folder.

use std::thread;
use std::time::Duration;

use crate::faults;
use crate::place::{NODES, Place, exits, kill, succeed};

/// The times of builds that run at the same time.
const TIMES: [u32; 3] = [1_790_000_001, 1_790_000_002, 1_790_000_003];

#[test]
fn builds_into_one_folder_give_whole_images() {
    let place = Place::new();
    for round in 0..faults().div_ceil(2) {
        place.remove("cluster.secrets");
        place.remove("out");
        let build = |time| place.fast_build(&["--all"], time);
        let mut children = TIMES.map(|time| build(time).spawn().unwrap());
        let killed = round % 2 == 1;
        if killed {
            thread::sleep(Duration::from_millis(fastrand::u64(..500)));
            kill(&mut children[0]);
        }
        for child in children.into_iter().skip(usize::from(killed)) {
            exits(&child.wait_with_output().unwrap(), &[0]);
        }
        let images = place.images();
        assert_eq!(images.len(), NODES.len());
        // The same builds, one after the other, with the keys that all of them must have used.
        let alone = TIMES.map(|time| {
            succeed(&mut build(time));
            place.images()
        });
        for (name, image) in &images {
            assert!(
                alone.iter().any(|alone| &alone[name] == image),
                "{name} is a mixture"
            );
        }
        place.assert_tidy();
    }
}
