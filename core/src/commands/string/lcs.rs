//! LCS: the longest common subsequence of two strings.
//!
//! The table of lengths of all pairs of prefixes is filled row by row; a walk back from its last cell
//! finds one of the longest subsequences, the same one as Redis: it takes equal bytes whenever it meets
//! them, and otherwise drops a byte of the second string unless dropping one of the first keeps more.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Entry;
use alloc::vec::Vec;

/// LCS key1 key2: the longest common subsequence, its length or where it lies.
pub const LCS: Command = Command::new("lcs", -3, lcs)
    .readonly()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("7.0.0")
    .keys(&[KeySpec::range(1, 1, 1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key1:key key2:key [LEN] [IDX] [MINMATCHLEN min-match-len:integer] [WITHMATCHLEN]",
        "Returns the longest common subsequence of two strings.",
        "O(n * m) with n and m the lengths of the strings",
    );

fn lcs(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    // Redis looks at the keys before it looks at the options.
    let a = text(ctx, &args[1])?;
    let b = text(ctx, &args[2])?;
    let options = Options::parse(args)?;
    let table = Table::new(&a, &b, ctx.server.config.proto_max_bulk_len)?;
    if options.idx {
        let matches = table.matches();
        let wanted: Vec<_> = matches.iter().filter(|m| m.len as i64 >= options.min_len).collect();
        ctx.reply.map(2);
        ctx.reply.bulk(b"matches");
        ctx.reply.array(wanted.len());
        for found in wanted {
            ctx.reply.array(if options.with_len { 3 } else { 2 });
            for start in [found.a, found.b] {
                ctx.reply.array(2);
                ctx.reply.len(start);
                ctx.reply.len(start + found.len - 1);
            }
            if options.with_len {
                ctx.reply.len(found.len);
            }
        }
        ctx.reply.bulk(b"len");
        ctx.reply.len(table.total());
    } else if options.len {
        ctx.reply.len(table.total());
    } else {
        let mut result = Vec::with_capacity(table.total());
        for found in table.matches().iter().rev() {
            result.extend_from_slice(&a[found.a..found.a + found.len]);
        }
        ctx.reply.bulk(&result);
    }
    Ok(Flow::Done)
}

fn text(ctx: &mut Ctx<'_>, key: &[u8]) -> Result<Vec<u8>, Error> {
    match ctx.db.read(key).map(Entry::as_str) {
        None => Ok(Vec::new()),
        Some(Some(value)) => Ok(value.to_vec()),
        Some(None) => Err(Error::Text("ERR The specified keys must contain string values")),
    }
}

struct Options {
    len: bool,
    idx: bool,
    with_len: bool,
    min_len: i64,
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Self, Error> {
        let mut options = Self { len: false, idx: false, with_len: false, min_len: 0 };
        let mut at = 3;
        while at < args.len() {
            if args.is(at, "IDX") {
                options.idx = true;
            } else if args.is(at, "LEN") {
                options.len = true;
            } else if args.is(at, "WITHMATCHLEN") {
                options.with_len = true;
            } else if args.is(at, "MINMATCHLEN") && at + 1 < args.len() {
                options.min_len = args.int(at + 1)?;
                at += 1;
            } else {
                return Err(Error::Syntax);
            }
            at += 1;
        }
        if options.idx && options.len {
            return Err(Error::Text(
                "ERR If you want both the length and indexes, please just use IDX.",
            ));
        }
        Ok(options)
    }
}

/// A stretch of bytes that both strings have: where it starts in each, and its length.
struct Match {
    a: usize,
    b: usize,
    len: usize,
}

/// The lengths of the longest common subsequences of all pairs of prefixes.
struct Table<'a> {
    a: &'a [u8],
    b: &'a [u8],
    cells: Vec<u32>,
}

impl<'a> Table<'a> {
    fn new(a: &'a [u8], b: &'a [u8], bytes_max: u64) -> Result<Self, Error> {
        let most = u32::MAX as usize - 1;
        if a.len() >= most || b.len() >= most {
            return Err(Error::Text("ERR String too long for LCS"));
        }
        let count = (a.len() as u128 + 1) * (b.len() as u128 + 1);
        if count * 4 > u128::from(bytes_max) {
            return Err(Error::Text(
                "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
            ));
        }
        let mut cells = Vec::new();
        if cells.try_reserve_exact(count as usize).is_err() {
            return Err(Error::Text(
                "ERR Insufficient memory, failed allocating transient memory for LCS",
            ));
        }
        cells.resize(count as usize, 0u32);
        let width = b.len() + 1;
        for (i, &byte) in a.iter().enumerate() {
            let (above, row) = cells[i * width..(i + 2) * width].split_at_mut(width);
            for (j, &other) in b.iter().enumerate() {
                row[j + 1] = if byte == other { above[j] + 1 } else { above[j + 1].max(row[j]) };
            }
        }
        Ok(Self { a, b, cells })
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * (self.b.len() + 1) + j]
    }

    fn total(&self) -> usize {
        self.at(self.a.len(), self.b.len()) as usize
    }

    /// The stretches that make up the subsequence, the last one first.
    fn matches(&self) -> Vec<Match> {
        let mut matches: Vec<Match> = Vec::new();
        let (mut i, mut j) = (self.a.len(), self.b.len());
        while i > 0 && j > 0 {
            if self.a[i - 1] == self.b[j - 1] {
                match matches.last_mut() {
                    Some(last) if last.a == i && last.b == j => {
                        *last = Match { a: i - 1, b: j - 1, len: last.len + 1 };
                    }
                    _ => matches.push(Match { a: i - 1, b: j - 1, len: 1 }),
                }
                (i, j) = (i - 1, j - 1);
            } else if self.at(i - 1, j) > self.at(i, j - 1) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        matches
    }
}
