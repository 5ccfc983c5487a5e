//! Templates: the first line is the template, the rest is a urlencoded body.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| formcourier_fuzz::template(input));
