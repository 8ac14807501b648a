//! Checks the test bases themselves, because a wrong test image would prove nothing.

use crate::base::{ERAS, FIRST_CLOUD_INIT, FULL, Mechanism, SMALL};
use crate::judge;

#[test]
fn the_test_bases_are_undamaged() {
    for era in ERAS.iter().copied().chain([&FIRST_CLOUD_INIT, &SMALL, &FULL]) {
        judge::assert_valid_fat(&era.raw(), &era.boot());
        let tree = judge::tree_by_mtools(&era.raw(), &era.boot());
        assert!(
            tree.keys().filter(|path| path.starts_with("overlays/")).count() > 200,
            "{era:?}"
        );
        assert!(tree.contains_key("cmdline.txt"), "{era:?}");
        assert_eq!(
            tree.contains_key("user-data"),
            era.mechanism == Mechanism::CloudInit,
            "{era:?}"
        );
        let config = String::from_utf8(tree["config.txt"].clone()).unwrap();
        assert!(config.contains("\n[all]\n"), "{era:?}");
    }
}

#[test]
fn both_fat_readers_read_the_whole_base() {
    let era = &SMALL;
    assert_eq!(
        judge::tree_by_mtools(&era.raw(), &era.boot()),
        judge::tree_by_hadris(&era.raw(), &era.boot())
    );
}
