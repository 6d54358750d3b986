//! Real clients against the release server: `redis-cli`, `redis-benchmark`, ioredis, node-redis and redis-py.

use std::path::PathBuf;

use redstart_tests::live::Server;

use crate::shell::{Run, has};
use crate::tools;

/// Builds the release server and says where it is.
pub(crate) fn release_server() -> Result<PathBuf, String> {
    Run::new("cargo build --quiet --release -p redstart-server").ok()?;
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| redstart_tests::root().join("target"), PathBuf::from);
    let binary = target.join("release/redstart-server");
    if binary.is_file() {
        Ok(binary)
    } else {
        Err(format!("{} was built and is not there", binary.display()))
    }
}

pub(crate) fn run() -> Result<(), String> {
    for program in ["redis-cli", "redis-benchmark", "node", "python3"] {
        if !has(program) {
            return Err(format!("{program} is missing: cargo verify setup"));
        }
    }
    let server = Server::start(&release_server()?, &[])?;
    let mut wrong = Vec::new();
    for (name, check) in CHECKS {
        let result = check(server.port());
        println!("test server::{name} ... {}", if result.is_ok() { "ok" } else { "FAILED" });
        if let Err(e) = result {
            println!("{e}");
            wrong.push(*name);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("server: {} failed", wrong.join(", "))) }
}

type Check = fn(u16) -> Result<(), String>;

const CHECKS: &[(&str, Check)] = &[
    ("redis_cli_runs_commands", redis_cli),
    ("redis_cli_pipe_loads_keys", pipe),
    ("redis_cli_bigkeys_scans_them", bigkeys),
    ("redis_cli_stat_reports", stat),
    ("redis_cli_latency_measures", latency),
    ("redis_benchmark_runs_its_default_list", benchmark),
    ("ioredis_runs_its_example", |port| example("node tests/clients/ioredis.mjs", port)),
    ("node_redis_runs_its_example", |port| example("node tests/clients/node-redis.mjs", port)),
    ("redis_py_runs_its_example", |port| example("python3 tests/clients/redis_py.py", port)),
];

fn redis_cli(port: u16) -> Result<(), String> {
    let cli = |words: &str| Run::new(&format!("redis-cli -p {port} {words}")).output();
    expect(&cli("PING")?, "PONG")?;
    expect(&cli("SET greeting hello")?, "OK")?;
    expect(&cli("GET greeting")?, "hello")?;
    expect(&cli("-3 HSET h f v")?, "1")?;
    expect(&cli("-3 HGETALL h")?, "f v")
}

fn pipe(port: u16) -> Result<(), String> {
    let mut input = Vec::new();
    for i in 0..10_000 {
        input.extend(redstart_tests::resp::command(&[
            "SET".to_string(),
            format!("pipe:{i}"),
            i.to_string(),
        ]));
    }
    let file = std::env::temp_dir().join(format!("redstart-pipe-{}", std::process::id()));
    std::fs::write(&file, input).map_err(|e| e.to_string())?;
    let output = Run::new("bash -c")
        .arg(format!("redis-cli -p {port} --pipe < '{}'", file.display()))
        .output();
    let _ = std::fs::remove_file(&file);
    expect(&output?, "errors: 0, replies: 10000")
}

fn bigkeys(port: u16) -> Result<(), String> {
    let output = Run::new(&format!("redis-cli -p {port} --bigkeys")).output()?;
    expect(&output, "Biggest string found")?;
    expect(&output, "Biggest   hash found")
}

fn stat(port: u16) -> Result<(), String> {
    // It never ends by itself.
    let output = Run::new("bash -c")
        .arg(format!("timeout 2 stdbuf -oL redis-cli -p {port} -i 0.2 --stat || [ $? = 124 ]"))
        .output()?;
    expect(&output, "keys")?;
    expect(&output, "100")
}

fn latency(port: u16) -> Result<(), String> {
    let output = Run::new("bash -c")
        .arg(format!("timeout 5 redis-cli -p {port} --raw --latency"))
        .output()?;
    let fields: Vec<f64> =
        output.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    if fields.len() == 4 && fields[3] > 0.0 {
        Ok(())
    } else {
        Err(format!("unexpected output: {output}"))
    }
}

fn benchmark(port: u16) -> Result<(), String> {
    let output = Run::new(&format!("redis-benchmark -p {port} -q -n 10000 -P 4")).output()?;
    let output = output.replace('\r', "\n");
    if output.to_lowercase().contains("error") {
        return Err(output);
    }
    for name in ["PING_INLINE", "SET", "LPUSH", "LRANGE_600", "MSET (10 keys)"] {
        let done = |line: &str| line.starts_with(name) && line.contains("requests per second");
        if !output.lines().any(done) {
            return Err(format!("no result for {name}:\n{output}"));
        }
    }
    Ok(())
}

fn example(program: &str, port: u16) -> Result<(), String> {
    let output = Run::new(program)
        .env("PORT", port.to_string())
        .env("PYTHONPATH", tools::redis_py()?)
        .output()?;
    expect(&output, "all as expected")
}

fn expect(output: &str, text: &str) -> Result<(), String> {
    let flat = output.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.contains(&wanted) { Ok(()) } else { Err(format!("no {text:?} in:\n{output}")) }
}
