#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taskwire::fuzzing::run("cursor", bytes));
