//! Puts the library that shows volumes into the binary, if `npm ci` was run in `web/`. A build
//! without it is whole but for that view.

use std::path::Path;
use std::{env, fs};

const LIBRARY: &str = "node_modules/@niivue/niivue/dist/index.js";

fn main() {
    let folder = env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    let out = env::var("OUT_DIR").expect("cargo says where to write");
    let web = Path::new(&folder).join("../../web");
    let library = web.join(LIBRARY);
    // The folder, which is always there: a path that is missing would build anew each time.
    println!("cargo::rerun-if-changed={}", web.display());
    let given = match library.canonicalize() {
        Ok(path) => format!("Some(include_bytes!({:?}))", path.display().to_string()),
        Err(_) => "None".to_owned(),
    };
    let line = format!("const VOLUME_VIEW: Option<&'static [u8]> = {given};\n");
    fs::write(Path::new(&out).join("volume_view.rs"), line).expect("the build folder takes a file");
}
