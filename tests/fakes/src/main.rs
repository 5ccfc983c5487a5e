//! The fake CRMs behind http://localhost:8788, for `make dev`.

fn main() {}
