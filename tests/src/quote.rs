//! The quoting of `redis-cli`: how a line becomes arguments, and how bytes become a line.

/// Splits a line into arguments: spaces separate, `"…"` knows `\n \r \t \a \b \\ \" \xHH`, `'…'` knows `\'`.
pub fn split(line: &str) -> Result<Vec<Vec<u8>>, String> {
    let bytes = line.as_bytes();
    let mut args = Vec::new();
    let mut at = 0;
    loop {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        match bytes.get(at) {
            None => return Ok(args),
            Some(b'"') => args.push(double_quoted(bytes, &mut at)?),
            Some(b'\'') => args.push(single_quoted(bytes, &mut at)?),
            Some(_) => {
                let start = at;
                while bytes.get(at).is_some_and(|b| !b.is_ascii_whitespace()) {
                    at += 1;
                }
                args.push(bytes[start..at].to_vec());
                continue;
            }
        }
        if bytes.get(at).is_some_and(|b| !b.is_ascii_whitespace()) {
            return Err(format!("no space after a closing quote: {line}"));
        }
    }
}

/// The content of a `"…"` that starts at `at`; leaves `at` behind it.
fn double_quoted(bytes: &[u8], at: &mut usize) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    *at += 1;
    loop {
        let rest = bytes.get(*at..).unwrap_or_default();
        match rest {
            [] => return Err("a quote that does not close".into()),
            [b'"', ..] => {
                *at += 1;
                return Ok(out);
            }
            [b'\\', b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |b: u8| (b as char).to_digit(16).unwrap_or_default() as u8;
                out.push(digit(*high) << 4 | digit(*low));
                *at += 4;
            }
            [b'\\', escaped, ..] => {
                out.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'a' => 7,
                    b'b' => 8,
                    other => *other,
                });
                *at += 2;
            }
            [plain, ..] => {
                out.push(*plain);
                *at += 1;
            }
        }
    }
}

fn single_quoted(bytes: &[u8], at: &mut usize) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    *at += 1;
    loop {
        match bytes.get(*at..).unwrap_or_default() {
            [] => return Err("a quote that does not close".into()),
            [b'\'', ..] => {
                *at += 1;
                return Ok(out);
            }
            [b'\\', b'\'', ..] => {
                out.push(b'\'');
                *at += 2;
            }
            [plain, ..] => {
                out.push(*plain);
                *at += 1;
            }
        }
    }
}

/// Bytes in quotes, everything that is not printable ASCII escaped.
pub fn repr(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for &b in bytes {
        match b {
            b'\\' | b'"' => out.extend(['\\', b as char]),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            7 => out.push_str("\\a"),
            8 => out.push_str("\\b"),
            b' '..=b'~' => out.push(b as char),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_split_the_way_redis_cli_does() {
        let args = split(r#"SET  k "a b\x00\n" 'it\'s' """#).expect("well formed");
        let expected: [&[u8]; 5] = [b"SET", b"k", b"a b\0\n", b"it's", b""];
        assert_eq!(args, expected);
    }

    #[test]
    fn a_quote_must_close_and_be_followed_by_a_space() {
        assert!(split("SET k \"a").is_err());
        assert!(split("SET k \"a\"b").is_err());
    }

    #[test]
    fn what_repr_writes_split_reads() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(split(&repr(&bytes)), Ok(vec![bytes]));
    }
}
