//! Replies: decoding RESP2 and RESP3, and writing a reply down as text.
//!
//! [`decode`] takes one whole reply off the front of a buffer.
//! [`Value::lines`] writes it the way `redis-cli` shows it on a terminal, [`Value::compact`] on one line:
//!
//! ```text
//! 1) "a"                    ["a", 1, (nil)]
//! 2) (integer) 1
//! 3) (nil)
//! ```

use crate::quote;

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `+OK`
    Status(Vec<u8>),
    /// `-ERR text`, and RESP3's bulk errors.
    Error(Vec<u8>),
    /// `:1`
    Int(i64),
    /// `$1\r\na`
    Bulk(Vec<u8>),
    /// `$-1`, `*-1` and RESP3's `_`.
    Nil,
    /// `*1`
    Array(Vec<Self>),
    /// `%1`
    Map(Vec<(Self, Self)>),
    /// `~1`
    Set(Vec<Self>),
    /// `>1`
    Push(Vec<Self>),
    /// `,1.5`; the text, because the printing of doubles is part of what is tested.
    Double(Vec<u8>),
    /// `#t`
    Bool(bool),
    /// `(123`
    BigNumber(Vec<u8>),
    /// `=7\r\ntxt:abc`: its text without the format.
    Verbatim(Vec<u8>),
}

/// Why bytes are no reply.
pub type Malformed = String;

/// Takes one reply off the front of `bytes`; `None` when it is not all there yet.
pub fn decode(bytes: &[u8]) -> Result<Option<(Value, usize)>, Malformed> {
    let mut at = 0;
    Ok(value(bytes, &mut at)?.map(|v| (v, at)))
}

/// All replies in `bytes`, which must end with the last one.
pub fn decode_all(bytes: &[u8]) -> Result<Vec<Value>, Malformed> {
    let mut replies = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((value, used)) = decode(rest)? else {
            return Err(format!("half a reply: {}", quote::repr(rest)));
        };
        replies.push(value);
        rest = &rest[used..];
    }
    Ok(replies)
}

fn value(bytes: &[u8], at: &mut usize) -> Result<Option<Value>, Malformed> {
    let Some((kind, line)) = header(bytes, at)? else { return Ok(None) };
    Ok(Some(match kind {
        b'+' => Value::Status(line.to_vec()),
        b'-' => Value::Error(line.to_vec()),
        b':' => Value::Int(number(line)?),
        b',' => Value::Double(line.to_vec()),
        b'(' => Value::BigNumber(line.to_vec()),
        b'_' => Value::Nil,
        b'#' => Value::Bool(line == b"t"),
        b'$' | b'=' | b'!' => {
            let len = number(line)?;
            if len < 0 {
                return Ok(Some(Value::Nil));
            }
            let Some(text) = body(bytes, at, len)? else { return Ok(None) };
            match kind {
                b'$' => Value::Bulk(text.to_vec()),
                b'=' => Value::Verbatim(
                    text.get(4..).ok_or("a verbatim string without format")?.to_vec(),
                ),
                _ => Value::Error(text.to_vec()),
            }
        }
        b'*' | b'~' | b'>' => {
            let len = number(line)?;
            if len < 0 {
                return Ok(Some(Value::Nil));
            }
            let Some(items) = values(bytes, at, len)? else { return Ok(None) };
            match kind {
                b'*' => Value::Array(items),
                b'~' => Value::Set(items),
                _ => Value::Push(items),
            }
        }
        b'%' | b'|' => {
            let Some(items) = values(bytes, at, number(line)? * 2)? else { return Ok(None) };
            if kind == b'|' {
                // An attribute says something about the reply behind it; the reply is what counts here.
                return value(bytes, at);
            }
            let mut items = items.into_iter();
            let mut pairs = Vec::new();
            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                pairs.push((key, value));
            }
            Value::Map(pairs)
        }
        other => return Err(format!("unknown reply type {}", quote::repr(&[other]))),
    }))
}

fn values(bytes: &[u8], at: &mut usize, len: i64) -> Result<Option<Vec<Value>>, Malformed> {
    let mut items = Vec::new();
    for _ in 0..len {
        let Some(item) = value(bytes, at)? else { return Ok(None) };
        items.push(item);
    }
    Ok(Some(items))
}

fn header<'a>(bytes: &'a [u8], at: &mut usize) -> Result<Option<(u8, &'a [u8])>, Malformed> {
    let rest = &bytes[*at..];
    let Some(end) = rest.iter().position(|&b| b == b'\n') else { return Ok(None) };
    if end < 2 || rest[end - 1] != b'\r' {
        return Err(format!("a reply line without CRLF: {}", quote::repr(&rest[..end])));
    }
    *at += end + 1;
    Ok(Some((rest[0], &rest[1..end - 1])))
}

fn body<'a>(bytes: &'a [u8], at: &mut usize, len: i64) -> Result<Option<&'a [u8]>, Malformed> {
    let len = usize::try_from(len).map_err(|_| "a length too large for this machine")?;
    let rest = &bytes[*at..];
    if rest.len() < len + 2 {
        return Ok(None);
    }
    if &rest[len..len + 2] != b"\r\n" {
        return Err("a bulk string that does not end with CRLF".into());
    }
    *at += len + 2;
    Ok(Some(&rest[..len]))
}

fn number(line: &[u8]) -> Result<i64, Malformed> {
    let text = std::str::from_utf8(line).map_err(|e| e.to_string())?;
    text.parse().map_err(|_| format!("not a number: {text:?}"))
}

impl Value {
    /// The reply as `redis-cli` shows it, line by line.
    pub fn lines(&self) -> Vec<String> {
        self.tty("").split('\n').map(String::from).collect()
    }

    fn tty(&self, prefix: &str) -> String {
        match self {
            Self::Int(n) => format!("(integer) {n}"),
            Self::Double(text) => format!("(double) {}", String::from_utf8_lossy(text)),
            Self::Bool(yes) => (if *yes { "(true)" } else { "(false)" }).to_string(),
            Self::Array(items) => list(items, prefix, ")", "(empty array)"),
            Self::Set(items) => list(items, prefix, "~", "(empty set)"),
            Self::Push(items) => list(items, prefix, ">", "(empty push)"),
            Self::Map(pairs) if pairs.is_empty() => "(empty hash)".into(),
            Self::Map(pairs) => {
                let width = pairs.len().to_string().len();
                let inner = format!("{prefix}{}", " ".repeat(width + 2));
                let rows = pairs.iter().enumerate().map(|(i, (key, value))| {
                    let indent = if i == 0 { "" } else { prefix };
                    format!(
                        "{indent}{:>width$}# {} => {}",
                        i + 1,
                        key.tty(&inner),
                        value.tty(&inner)
                    )
                });
                rows.collect::<Vec<_>>().join("\n")
            }
            plain => plain.compact(),
        }
    }

    /// The reply on one line: `["a", 1, (nil)]`.
    pub fn compact(&self) -> String {
        let join = |items: &[Self]| items.iter().map(Self::compact).collect::<Vec<_>>().join(", ");
        match self {
            Self::Status(text) => String::from_utf8_lossy(text).into_owned(),
            Self::Error(text) => format!("(error) {}", String::from_utf8_lossy(text)),
            Self::Int(n) => n.to_string(),
            Self::Double(text) => format!("(double) {}", String::from_utf8_lossy(text)),
            Self::BigNumber(text) => format!("(big number) {}", String::from_utf8_lossy(text)),
            Self::Bulk(text) | Self::Verbatim(text) => quote::repr(text),
            Self::Nil => "(nil)".into(),
            Self::Bool(yes) => (if *yes { "(true)" } else { "(false)" }).to_string(),
            Self::Array(items) => format!("[{}]", join(items)),
            Self::Set(items) => format!("~[{}]", join(items)),
            Self::Push(items) => format!(">[{}]", join(items)),
            Self::Map(pairs) => {
                let rows = pairs.iter().map(|(k, v)| format!("{}: {}", k.compact(), v.compact()));
                format!("{{{}}}", rows.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// The same reply with the types that RESP2 has.
    pub fn downgraded(self) -> Self {
        let all = |items: Vec<Self>| Self::Array(items.into_iter().map(Self::downgraded).collect());
        match self {
            Self::Array(items) | Self::Set(items) | Self::Push(items) => all(items),
            Self::Map(pairs) => all(pairs.into_iter().flat_map(|(k, v)| [k, v]).collect()),
            Self::Double(text) | Self::Verbatim(text) | Self::BigNumber(text) => Self::Bulk(text),
            Self::Bool(yes) => Self::Int(yes.into()),
            same => same,
        }
    }

    /// The leaves of the downgraded reply in order: what stays the same between RESP2's flat lists and
    /// RESP3's pairs.
    pub fn leaves(&self) -> Vec<Self> {
        fn walk(value: Value, into: &mut Vec<Value>) {
            match value {
                Value::Array(items) => items.into_iter().for_each(|item| walk(item, into)),
                leaf => into.push(leaf),
            }
        }
        let mut into = Vec::new();
        walk(self.clone().downgraded(), &mut into);
        into
    }

    /// Sorts the top level of an aggregate, by `step` elements at a time, for replies whose order means
    /// nothing. Pairs that are arrays of their own, as RESP3 has them, are single elements.
    pub fn sorted(self, step: usize) -> Self {
        let sort = |items: Vec<Self>| {
            let nested = items.iter().all(|item| matches!(item, Self::Array(_)));
            let step = if nested { 1 } else { step };
            let mut groups: Vec<Vec<Self>> = items.chunks(step).map(<[Self]>::to_vec).collect();
            groups.sort_by_key(|group| group.iter().map(Self::compact).collect::<Vec<_>>());
            groups.concat()
        };
        match self {
            Self::Array(items) => Self::Array(sort(items)),
            Self::Set(items) => Self::Set(sort(items)),
            Self::Push(items) => Self::Push(sort(items)),
            Self::Map(mut pairs) => {
                pairs.sort_by_key(|(key, _)| key.compact());
                Self::Map(pairs)
            }
            other => other,
        }
    }
}

fn list(items: &[Value], prefix: &str, mark: &str, empty: &str) -> String {
    if items.is_empty() {
        return empty.into();
    }
    let width = items.len().to_string().len();
    let inner = format!("{prefix}{}", " ".repeat(width + 2));
    let rows = items.iter().enumerate().map(|(i, item)| {
        let indent = if i == 0 { "" } else { prefix };
        format!("{indent}{:>width$}{mark} {}", i + 1, item.tty(&inner))
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// A command as RESP sends it.
pub fn command<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        let arg = arg.as_ref();
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(bytes: &[u8]) -> Value {
        let (value, used) = decode(bytes).expect("well formed").expect("whole");
        assert_eq!(used, bytes.len());
        value
    }

    #[test]
    fn every_prefix_of_a_reply_is_not_yet_a_reply() {
        let bytes = b"*3\r\n$1\r\na\r\n%1\r\n+k\r\n:1\r\n~1\r\n,1.5\r\n";
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]), Ok(None), "cut at {cut}");
        }
        assert_eq!(one(bytes).compact(), r#"["a", {k: 1}, ~[(double) 1.5]]"#);
    }

    #[test]
    fn nested_arrays_print_like_redis_cli() {
        let bytes = b"*2\r\n*2\r\n$1\r\na\r\n:1\r\n*0\r\n";
        assert_eq!(one(bytes).lines(), ["1) 1) \"a\"", "   2) (integer) 1", "2) (empty array)"]);
    }

    #[test]
    fn maps_print_like_redis_cli() {
        let bytes = b"%2\r\n+a\r\n:1\r\n+b\r\n*2\r\n:2\r\n:3\r\n";
        let lines = one(bytes).lines();
        assert_eq!(lines, ["1# a => (integer) 1", "2# b => 1) (integer) 2", "   2) (integer) 3"]);
    }

    #[test]
    fn leaves_of_resp2_pairs_and_resp3_pairs_are_equal() {
        let flat = one(b"*2\r\n$1\r\na\r\n$3\r\n1.5\r\n");
        let pairs = one(b"*1\r\n*2\r\n$1\r\na\r\n,1.5\r\n");
        assert_eq!(flat.leaves(), pairs.leaves());
    }

    #[test]
    fn a_line_without_carriage_return_is_malformed() {
        assert!(decode(b"+OK\n").is_err());
    }
}
