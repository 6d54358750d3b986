//! `cargo verify`: every check there is, in order from the quick to the slow.
//!
//! A step that fails does not stop the ones behind it; the end says which failed and how long each took.
//! `--long` gives what searches at random a minute each, where otherwise it has seconds.

use std::time::Instant;

use crate::shell::Run;
use crate::{conformance, smoke, tools};

struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&Options) -> Result<(), String>,
}

struct Options {
    /// How long each random search goes on.
    seconds: u32,
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
        about: "fuzz targets, the comparisons with Redis and Lua, the simulator",
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
    let (long, names): (Vec<_>, Vec<_>) = args.iter().partition(|arg| *arg == "--long");
    let options = Options { seconds: if long.is_empty() { 10 } else { 60 } };
    if let Some(unknown) = names.iter().find(|arg| !STEPS.iter().any(|step| step.name == ***arg)) {
        return Err(format!("verify has no step {unknown:?}; cargo verify --list shows them"));
    }
    let chosen =
        STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|name| *name == step.name));
    let mut summary = Vec::new();
    for step in chosen {
        println!("\n==== {}: {}", step.name, step.about);
        let start = Instant::now();
        let result = (step.run)(&options);
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

fn fmt(_: &Options) -> Result<(), String> {
    Run::new("cargo fmt --all --check").ok()
}

fn clippy(_: &Options) -> Result<(), String> {
    Run::new("cargo clippy --quiet --workspace --all-targets -- -D warnings").ok()
}

fn setup(_: &Options) -> Result<(), String> {
    tools::system_packages()?;
    tools::redis_py()?;
    tools::npm("tests/clients")?;
    tools::wasm_env()?;
    tools::wasm_tools()?;
    tools::newer_node()?;
    tools::npm("npm")?;
    tools::npm("demo")
}

fn test(_: &Options) -> Result<(), String> {
    Run::new("cargo test --workspace --no-fail-fast")
        .env("REDSTART_REQUIRE_ORACLE", "1")
        .env("REDSTART_ALL_COMMANDS", "1")
        .ok()
}

fn server(_: &Options) -> Result<(), String> {
    smoke::run()
}

/// The tests of the bindings, by wasm-bindgen's own runner: in Node, then in a browser.
fn wasm(_: &Options) -> Result<(), String> {
    let env = tools::wasm_env()?;
    tools::wasm_tools()?;
    let driver = redstart_tests::live::find("chromedriver")
        .ok_or("chromedriver is missing: cargo verify setup")?;
    let test = || {
        Run::new(&format!("cargo test -p redstart-wasm --target {}", tools::WASM))
            .envs(&env)
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
    };
    test().ok()?;
    test().env("WASM_BINDGEN_USE_BROWSER", "1").env("CHROMEDRIVER", driver).ok()
}

fn npm(_: &Options) -> Result<(), String> {
    let env = tools::wasm_env()?;
    Run::new("npm run build").dir("npm").envs(&env).ok()?;
    Run::new("npm test").dir("npm").envs(&env).ok()
}

fn tcl_suite(_: &Options) -> Result<(), String> {
    conformance::run(&[])
}

fn fuzz(options: &Options) -> Result<(), String> {
    // With the checks of a debug build: overflow and broken invariants are what is looked for.
    Run::new(
        "cargo test -p redstart-tests --test fuzz --test differential --test lua --test lua_libraries -- --nocapture",
    )
    .env("REDSTART_FUZZ_SECONDS", options.seconds.to_string())
    .env("REDSTART_REQUIRE_ORACLE", "1")
    .ok()?;
    crate::sim::run(&[format!("{}s", options.seconds)])
}

fn demo(_: &Options) -> Result<(), String> {
    let env = tools::wasm_env()?;
    Run::new("npm run build").dir("demo").envs(&env).ok()?;
    Run::new("npm test").dir("demo").envs(&env).ok()
}
