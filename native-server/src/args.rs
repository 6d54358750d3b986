//! The command line: what is to be done, and the settings in it as text that is read after redis.conf.
//!
//! ```text
//! redstart-server [/path/to/redis.conf] [-] [--name value...]... [-]
//! ```
//!
//! Settings on the command line are lines of redis.conf: `--port 6380` is the line `port "6380" `. A name
//! takes what follows as its values up to the next name; a name needs at least one value, so that what
//! stands right behind it is a value even if it begins with `--`. Name and value may share one argument:
//! `"--maxmemory 700mb"`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use redstart_core::resp::parse::split_words;

/// What the program was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Version,
    Help,
    /// `--check-rdb`, or the program is called `redis-check-rdb`: with these arguments.
    CheckRdb(Vec<OsString>),
    /// `--check-aof`, or the program is called `redis-check-aof`.
    CheckAof(Vec<OsString>),
    /// A server with these settings.
    Serve(Sources),
}

/// Where settings come from, in the order in which they are read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sources {
    pub(crate) file: Option<PathBuf>,
    pub(crate) stdin: bool,
    /// Lines for the settings on the command line.
    pub(crate) lines: Vec<u8>,
}

/// Reads the arguments, without the program's name, which may say what is asked for.
pub(crate) fn read(program: &OsStr, args: &[OsString]) -> Request {
    let program = Path::new(program).file_name().unwrap_or_default().as_bytes();
    for (name, option, request) in [
        ("redis-check-rdb", "--check-rdb", Request::CheckRdb as fn(Vec<OsString>) -> Request),
        ("redis-check-aof", "--check-aof", Request::CheckAof),
    ] {
        if program.starts_with(name.as_bytes()) {
            return request(args.to_vec());
        }
        if args.first().is_some_and(|arg| arg == option) {
            return request(args[1..].to_vec());
        }
    }
    let mut args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
    match args.first() {
        Some(&b"-v" | &b"--version") => return Request::Version,
        Some(&b"-h" | &b"--help") => return Request::Help,
        _ => {}
    }
    let mut sources = Sources::default();
    if let Some(first) = args.first()
        && !first.starts_with(b"-")
    {
        sources.file = Some(std::ffi::OsStr::from_bytes(first).into());
        args.remove(0);
    }
    let has_file = sources.file.is_some();
    // Whether the name before this has a value, so that a name may come.
    let mut complete = true;
    for (at, arg) in args.iter().enumerate() {
        let at_the_edge = (at == 0 && !has_file) || at + 1 == args.len();
        if *arg == b"-" && at_the_edge {
            sources.stdin = true;
        } else if complete && let Some(name) = arg.strip_prefix(b"--") {
            if !sources.lines.is_empty() {
                sources.lines.push(b'\n');
            }
            sources.lines.extend_from_slice(name);
            sources.lines.push(b' ');
            complete = split_words(arg).is_none_or(|words| words.len() != 1);
            let next = args.get(at + 1);
            // No value at all is what a script makes of an empty list.
            if arg.eq_ignore_ascii_case(b"--save")
                && next.is_none_or(|next| next.starts_with(b"--"))
            {
                sources.lines.extend_from_slice(b"\"\"");
                complete = true;
            }
        } else {
            quote(arg, &mut sources.lines);
            sources.lines.push(b' ');
            complete = true;
        }
    }
    Request::Serve(sources)
}

/// A word in double quotes, as redis.conf reads it back.
fn quote(word: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(args: &[&str]) -> (Option<String>, bool, String) {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let Request::Serve(sources) = read("redstart-server".as_ref(), &args) else {
            panic!("a server is asked for")
        };
        let lines = String::from_utf8(sources.lines).expect("text in, text out");
        (sources.file.map(|path| path.display().to_string()), sources.stdin, lines)
    }

    fn lines(args: &[&str]) -> String {
        serve(args).2
    }

    #[test]
    fn the_first_argument_is_the_file() {
        assert_eq!(
            serve(&["a.conf", "--port", "1"]),
            (Some("a.conf".into()), false, "port \"1\" ".into())
        );
        assert_eq!(serve(&[]), (None, false, String::new()));
    }

    #[test]
    fn a_dash_at_either_end_is_standard_input() {
        assert!(serve(&["-"]).1);
        assert!(serve(&["a.conf", "--port", "1", "-"]).1);
        assert!(!serve(&["--a", "-", "--b", "x"]).1);
    }

    #[test]
    fn names_take_values_up_to_the_next_name() {
        assert_eq!(lines(&["--save", "1", "2", "--port", "3"]), "save \"1\" \"2\" \nport \"3\" ");
    }

    #[test]
    fn what_stands_right_behind_a_name_is_its_value() {
        assert_eq!(
            lines(&["--proc-title-template", "--my--title"]),
            "proc-title-template \"--my--title\" "
        );
    }

    #[test]
    fn save_without_a_value_is_an_empty_list() {
        assert_eq!(lines(&["--save", "--port", "1"]), "save \"\"\nport \"1\" ");
        assert_eq!(lines(&["--save"]), "save \"\"");
        assert_eq!(lines(&["--save", ""]), "save \"\" ");
    }

    #[test]
    fn name_and_value_may_share_an_argument() {
        assert_eq!(lines(&["--maxmemory 700mb", "--port", "1"]), "maxmemory 700mb \nport \"1\" ");
    }

    #[test]
    fn a_pair_without_dashes_continues_the_file() {
        assert_eq!(lines(&["--port", "1", "a\"b\u{1}"]), "port \"1\" \"a\\\"b\\x01\" ");
    }

    #[test]
    fn version_and_help_come_first() {
        let program = "redstart-server".as_ref();
        assert_eq!(read(program, &["--version".into()]), Request::Version);
        assert_eq!(read(program, &["-h".into(), "x".into()]), Request::Help);
    }

    #[test]
    fn files_are_checked_by_option_or_by_name() {
        let file = vec![OsString::from("dump.rdb")];
        let by_option = ["--check-rdb".into(), "dump.rdb".into()];
        assert_eq!(read("x".as_ref(), &by_option), Request::CheckRdb(file.clone()));
        assert_eq!(
            read("/usr/bin/redis-check-rdb".as_ref(), &file),
            Request::CheckRdb(file.clone())
        );
        assert_eq!(read("redis-check-aof".as_ref(), &file), Request::CheckAof(file));
    }
}
