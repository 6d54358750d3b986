//! The project's tasks: `cargo verify`, `cargo demo`, `cargo conformance`, `cargo bench-peers`, `cargo bless`,
//! `cargo sim` are aliases of this binary (`.cargo/config.toml`).

mod bench;
mod bless;
mod conformance;
mod demo;
mod instructions;
mod shell;
mod sim;
mod smoke;
mod tapes;
mod tools;
mod verify;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo <task> [arguments]

  demo [--port PORT]               build everything, start the server and serve the demo page
  verify [--list] [--long] [STEP…] install what the tests need, run every test (or the steps named)
  conformance [UNIT GLOB...]       Redis 7.0's own Tcl suite against the release server
  bench-peers [--memory] [ARG...]  the release server against Redis, Valkey and a do-nothing responder
  bench-instructions [WORKLOAD...] instructions per command of the engine, counted by callgrind
  bless [generated | scripts]      refresh generated files, or the scripts' replies from a real Redis
  sim [SEED | SECONDSs]            clients, clock and cuts from a seed; every reply must come, once, in order
  tapes FILE                       what every script sends and gets, for the engine in WebAssembly to repeat
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let task = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    let result = match task.as_str() {
        "demo" => demo::run(&args),
        "verify" => verify::run(&args),
        "conformance" => conformance::run(&args),
        "bench-peers" => bench::run(&args),
        "bench-instructions" => instructions::run(&args),
        "bless" => bless::run(&args),
        "sim" => sim::run(&args),
        "tapes" => tapes::run(&args),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("no such task: {other:?}\n\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
