#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mkimage::fuzzing::run("user_data", data));
