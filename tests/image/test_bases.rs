//! The judges' verdict on the bases themselves: a test image that is wrong would prove nothing.

use crate::base::{ERAS, FIRST_CLOUD_INIT, FULL, Mechanism, SMALL};
use crate::judge;

#[test]
fn a_base_that_is_damaged_already_would_hide_what_the_tool_damages() {
    for era in ERAS.iter().copied().chain([&FIRST_CLOUD_INIT, &SMALL, &FULL]) {
        judge::assert_sound_fat(&era.raw(), &era.boot());
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
fn a_second_reader_that_reads_less_than_the_first_would_be_no_judge() {
    let era = &SMALL;
    assert_eq!(
        judge::tree_by_mtools(&era.raw(), &era.boot()),
        judge::tree_by_hadris(&era.raw(), &era.boot())
    );
}
