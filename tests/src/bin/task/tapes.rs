//! `cargo run … task tapes FILE`: what every script sends and gets, byte for byte, for the engine in
//! WebAssembly to do the same (npm/test/scripts.test.mjs). After them come Lua's checks and programs from seeds.

use redstart_core::Config;
use redstart_tests::script::{self, EngineHost, Got, Host, Variant};
use redstart_tests::{lua, resp, root};

/// Any will do: it is given to the other engine as well.
pub(crate) const SEED: u8 = 7;

/// Programs that scripts run.
const PROGRAMS: u64 = 400;

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let [path] = args else { return Err("usage: task tapes FILE".into()) };
    let mut text = String::new();
    for script in script::load_all()? {
        let mut host = EngineHost::new(SEED).recording();
        // A script that fails says so elsewhere; up to there both engines must agree all the same.
        let _ = script::run(&script, &mut host, Variant::default());
        text.push_str(&format!("script {}\n{}", script.name, host.tape()));
    }
    let checks = root().join("tests/lua/checks.lua");
    let checks =
        std::fs::read_to_string(&checks).map_err(|e| format!("{}: {e}", checks.display()))?;
    let checks: Vec<String> =
        lua::parts(&checks, "--@ ").into_iter().map(|(_, text)| text).collect();
    text.push_str(&format!("script lua/checks\n{}", evaluate(&checks)?));
    let programs: Vec<String> =
        (0..PROGRAMS).map(|seed| lua::program(&mut lua::Choices::of(seed))).collect();
    text.push_str(&format!("script lua/programs\n{}", evaluate(&programs)?));
    std::fs::write(path, text).map_err(|e| format!("{path}: {e}"))
}

/// The tape of an engine whose scripts run these, and that is asked for a PING after each.
fn evaluate(programs: &[String]) -> Result<String, String> {
    // The programs have environments of their own.
    const OLD: &str = "lua-enable-deprecated-api";
    let mut config = Config::default();
    config.set(OLD, b"yes").map_err(|e| format!("{OLD}: {e:?}"))?;
    let mut host = EngineHost::of(SEED, config).recording();
    host.connect("a")?;
    let script = lua::as_script();
    for program in programs {
        host.send("a", &resp::command(&[b"EVAL", script.as_bytes(), b"0", program.as_bytes()]))?;
        while let Got::Nothing = host.receive("a", false)? {
            host.wait(1000)?;
        }
        host.send("a", &resp::command(&[b"PING"]))?;
        host.receive("a", false)?;
    }
    Ok(format!("config {OLD} yes\n{}", host.tape()))
}
