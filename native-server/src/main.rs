//! The program: the allocator, and the way into the library.

use std::process::ExitCode;

#[global_allocator]
static MEMORY: redstart_server::memory::Memory = redstart_server::memory::Memory;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    redstart_server::main(&args)
}
