#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mkimage::fuzzing::run("cluster_file", data));
