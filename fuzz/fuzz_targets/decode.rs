//! Bodies: the first line is the content type, the rest is the body.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| formcourier_fuzz::decode(input));
