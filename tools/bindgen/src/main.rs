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
    // Wrangler does not know source phase imports; a plain import of a module gives the same.
    let bindings = Path::new(&folder).join("index.js");
    fs::write(&bindings, fs::read_to_string(&bindings)?.replace("import source ", "import "))?;
    Ok(())
}
