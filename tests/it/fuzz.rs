//! The seeds of the fuzz targets, fed to the same checks without a fuzzer.

#[path = "../../fuzz/src/lib.rs"]
mod checks;

use std::fs;
use std::path::Path;

/// Feeds every seed of a target to its checks and names one that fails.
fn feed(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the seeds").flatten() {
        let input = fs::read(entry.path()).expect("a seed");
        println!("{}", entry.path().display());
        check(&input);
        count += 1;
    }
    assert!(count > 10, "the seeds are gone: {count}");
}

#[test]
fn every_seed_of_decode_holds() {
    feed("decode", checks::decode);
}

#[test]
fn every_seed_of_mapping_holds() {
    feed("mapping", checks::mapping);
}

#[test]
fn every_seed_of_template_holds() {
    feed("template", checks::template);
}
