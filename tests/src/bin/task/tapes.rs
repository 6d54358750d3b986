//! `cargo run … task tapes FILE`: what every script sends and gets, byte for byte, for the engine in
//! WebAssembly to do the same (npm/test/scripts.test.mjs).

use redstart_tests::script::{self, EngineHost, Variant};

/// Any will do: it is given to the other engine as well.
pub(crate) const SEED: u8 = 7;

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let [path] = args else { return Err("usage: task tapes FILE".into()) };
    let mut text = String::new();
    for script in script::load_all()? {
        let mut host = EngineHost::new(SEED).recording();
        // A script that fails says so elsewhere; up to there both engines must agree all the same.
        let _ = script::run(&script, &mut host, Variant::default());
        text.push_str(&format!("script {}\n{}", script.name, host.tape()));
    }
    std::fs::write(path, text).map_err(|e| format!("{path}: {e}"))
}
