//! Leads: the first byte chooses a form, the rest is a urlencoded body.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| formcourier_fuzz::mapping(input));
