//! `cargo verify`: every check there is, in order from the quick to the slow.
//!
//! A step that fails does not stop the ones behind it; the end says which failed and how long each took.

use std::time::Instant;

use crate::shell::{Run, exists};
use crate::{conformance, smoke, tools};

struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<(), String>,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", about: "formatting", run: fmt },
    Step { name: "clippy", about: "lints, as errors", run: clippy },
    Step { name: "setup", about: "programs and packages that the tests need", run: setup },
    Step {
        name: "test",
        about: "unit tests, scripts, tidy and budget tests, fuzz by seed",
        run: test,
    },
    Step { name: "server", about: "real clients against the release server", run: server },
    Step { name: "wasm", about: "the bindings in Node and headless Chrome", run: wasm },
    Step { name: "npm", about: "the package in every JavaScript runtime", run: npm },
    Step {
        name: "conformance",
        about: "Redis's own Tcl suite, the units that must hold",
        run: tcl_suite,
    },
    Step {
        name: "fuzz",
        about: "fuzz targets, the comparison with Redis, the simulator: a minute each",
        run: fuzz,
    },
    Step { name: "demo", about: "the demo page in a real browser", run: demo },
];

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    if args.iter().any(|arg| arg == "--list") {
        for step in STEPS {
            println!("{:<12} {}", step.name, step.about);
        }
        return Ok(());
    }
    if let Some(unknown) = args.iter().find(|arg| !STEPS.iter().any(|step| step.name == **arg)) {
        return Err(format!("verify has no step {unknown:?}; cargo verify --list shows them"));
    }
    let chosen =
        STEPS.iter().filter(|step| args.is_empty() || args.iter().any(|arg| arg == step.name));
    let mut summary = Vec::new();
    for step in chosen {
        println!("\n==== {}: {}", step.name, step.about);
        let start = Instant::now();
        let result = (step.run)();
        if let Err(message) = &result {
            println!("{message}");
        }
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        println!("==== {}: {verdict} in {:.0} s", step.name, start.elapsed().as_secs_f64());
        summary.push((step.name, start.elapsed().as_secs_f64(), result));
    }
    println!("\nverify:");
    for (name, seconds, result) in &summary {
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        println!("  {name:<12} {verdict:<7} {seconds:>5.0} s");
    }
    let failed: Vec<_> = summary.iter().filter(|(_, _, result)| result.is_err()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = failed
        .iter()
        .map(|(name, _, result)| {
            let message = result.as_ref().err().map_or("", String::as_str);
            format!("verify: {name}: {}", message.lines().last().unwrap_or_default())
        })
        .collect();
    Err(lines.join("\n"))
}

fn fmt() -> Result<(), String> {
    Run::new("cargo fmt --all --check").ok()
}

fn clippy() -> Result<(), String> {
    Run::new("cargo clippy --quiet --workspace --all-targets -- -D warnings").ok()
}

fn setup() -> Result<(), String> {
    tools::system_packages()?;
    tools::redis_py()?;
    tools::npm("tests/clients")?;
    if exists("wasm") {
        tools::wasm_env()?;
        tools::wasm_tools()?;
    }
    for dir in ["npm", "demo"] {
        if exists(&format!("{dir}/package.json")) {
            tools::npm(dir)?;
        }
    }
    Ok(())
}

fn test() -> Result<(), String> {
    Run::new("cargo test --workspace --no-fail-fast").env("REDSTART_REQUIRE_ORACLE", "1").ok()
}

fn server() -> Result<(), String> {
    if !exists("native-server") {
        return absent("native-server");
    }
    smoke::run()
}

fn wasm() -> Result<(), String> {
    if !exists("wasm") {
        return absent("wasm");
    }
    let env = tools::wasm_env()?;
    Run::new("wasm-pack test --node wasm").envs(&env).ok()?;
    Run::new("wasm-pack test --headless --chrome wasm")
        .envs(&env)
        .env("WASM_BINDGEN_USE_BROWSER", "1")
        .ok()
}

fn npm() -> Result<(), String> {
    if !exists("npm/package.json") {
        return absent("npm");
    }
    let env = tools::wasm_env()?;
    Run::new("npm run build").dir("npm").envs(&env).ok()?;
    Run::new("npm test").dir("npm").envs(&env).ok()
}

fn tcl_suite() -> Result<(), String> {
    if !exists("native-server") {
        return absent("native-server");
    }
    conformance::run(&[])
}

fn fuzz() -> Result<(), String> {
    // With the checks of a debug build: overflow and broken invariants are what is looked for.
    Run::new("cargo test -p redstart-tests --test fuzz --test differential -- --nocapture")
        .env("REDSTART_FUZZ_SECONDS", "60")
        .env("REDSTART_REQUIRE_ORACLE", "1")
        .ok()?;
    crate::sim::run(&["60s".into()])
}

fn demo() -> Result<(), String> {
    if !exists("demo/package.json") {
        return absent("demo");
    }
    let env = tools::wasm_env()?;
    Run::new("npm run build").dir("demo").envs(&env).ok()?;
    Run::new("npm test").dir("demo").envs(&env).ok()
}

/// While the project is put together a part may not be there yet; that is said, not hidden.
fn absent(part: &str) -> Result<(), String> {
    println!("{part}/ is not here yet: nothing to check");
    Ok(())
}
