//! `bindgen module.wasm folder`: writes the module and its JavaScript bindings into the folder, as `index_bg.wasm` and
//! `index.js`. `wasm-bindgen-cli` does the same, and brings a test runner and an HTTP server that take minutes to build.

use std::env::args_os;
use std::fs;
use std::path::Path;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (Some(module), Some(folder)) = (args_os().nth(1), args_os().nth(2)) else {
        return Err("usage: bindgen module.wasm folder".into());
    };
    Bindgen::new()
        .module(true)?
        .input_path(module)
        .out_name("index")
        .typescript(false)
        // A panic leaves the instance unusable: the bindings replace it.
        .reset_state_function(true)
        .force_enable_abort_handler(true)
        .generate(&folder)?;
    let path = Path::new(&folder).join("index.js");
    let mut bindings = fs::read_to_string(&path)?;
    for (old, new) in [
        // Wrangler does not know source phase imports; a plain import of a module gives the same.
        ("import source ", "import "),
        // A closure checks which instance it belongs to. Replace a dead instance before that check.
        ("const real = (...args) => {\n", "const real = (...args) => {\n        __wbg_call_guard();\n"),
        // On any abort: schedule a new instance, and reset running objects. In Rust this would run in the dead instance, where
        // every import traps.
        (
            "    __wbg_called_abort = true;\n    try {",
            "    __wbg_called_abort = true;\n    __wbg_reinit_scheduled = true;\n    barkAll();\n    try {",
        ),
    ] {
        if !bindings.contains(old) {
            return Err(format!("the bindings have no {old:?}: has wasm-bindgen changed?").into());
        }
        bindings = bindings.replace(old, new);
    }
    // The bindings copy string arguments into the dead instance before they replace it. So callers renew first.
    bindings
        .push_str("\nexport { __wbg_call_guard as renew };\nimport { barkAll } from \"../../src/edge/platform.js\";\n");
    fs::write(&path, bindings)?;
    Ok(())
}
