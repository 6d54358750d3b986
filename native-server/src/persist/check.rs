//! The two tools that look at files without a server: `--check-rdb` and `--check-aof`.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::check_aof::{self, Repair};
use super::check_rdb;
use crate::settings::reason;

/// `--check-rdb`, with its arguments.
pub(crate) fn rdb(args: &[OsString]) -> ExitCode {
    let [path] = args else {
        eprintln!("Usage: redis-check-rdb <rdb-file-name>");
        return ExitCode::FAILURE;
    };
    match check_rdb::check_file(Path::new(path), &mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("Cannot open file {}: {}", path.display(), reason(&error));
            ExitCode::FAILURE
        }
    }
}

/// `--check-aof`, with its arguments.
pub(crate) fn aof(args: &[OsString]) -> ExitCode {
    let (repair, path) = match args {
        [path] => (Repair::None, path),
        [option, path] if option == "--fix" => (Repair::Fix, path),
        [option, time, path] if option == "--truncate-to-timestamp" => {
            let Some(time) = time.to_str().and_then(|digits| digits.parse().ok()) else {
                println!("Invalid timestamp, aborting...");
                return ExitCode::FAILURE;
            };
            (Repair::Until(time), path)
        }
        _ => {
            println!(
                "Usage: redis-check-aof [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>"
            );
            return ExitCode::FAILURE;
        }
    };
    let (mut ask, mut out) = (io::stdin().lock(), io::stdout().lock());
    if check_aof::check(Path::new(path), repair, &mut ask, &mut out) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
