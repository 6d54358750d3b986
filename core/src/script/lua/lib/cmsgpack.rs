//! `cmsgpack`: MessagePack, as the library that Redis has.

use crate::script::lua::Lua;
use crate::script::lua::native::{Call, Flow, Raised};
use crate::script::lua::number::{from_outside, portable};
use crate::script::lua::value::{TableId, Value, to_integer};
use alloc::vec::Vec;

/// Makes `cmsgpack` a global.
pub fn open(lua: &mut Lua) {
    let library = lua.library(
        "cmsgpack",
        &[
            ("pack", pack),
            ("unpack", unpack),
            ("unpack_limit", unpack_limit),
            ("unpack_one", unpack_one),
        ],
    );
    for (name, text) in [
        ("_NAME", "cmsgpack"),
        ("_VERSION", "lua-cmsgpack 0.4.0"),
        ("_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo"),
        ("_DESCRIPTION", "MessagePack C implementation for Lua"),
    ] {
        let text = lua.heap_mut().string(text.as_bytes());
        lua.heap_mut().set_field(library, name.as_bytes(), Value::Str(text));
    }
}

/// Tables inside tables: those deeper than this are packed as nil.
const NESTING: usize = 16;
/// Tables inside tables when reading; each takes two slots of PUC's C stack of 8000.
const READ_NESTING: usize = 3990;

fn pack(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let count = call.len();
    if count == 0 {
        return Err(call.arg_error(0, "MessagePack pack needs input."));
    }
    let mut out = call.take_buffer();
    for n in 1..=count {
        let value = call.arg(n);
        write(call, value, &mut out)?;
    }
    let text = call.string(&out);
    call.return_buffer(out);
    call.give(text?)
}

/// A table that is being written.
enum Open {
    List { table: TableId, at: usize, len: usize },
    Map { table: TableId, key: Value, has_value: bool },
}

fn write(call: &mut Call<'_>, value: Value, out: &mut Vec<u8>) -> Result<(), Raised> {
    let mut open: Vec<Open> = Vec::new();
    let mut next = Some(value);
    loop {
        if let Some(value) = next.take() {
            if let Value::Table(table) = value
                && open.len() < NESTING
            {
                open.push(begin(call, table, out));
            } else {
                scalar(call, value, out);
            }
            call.pay(1);
            if out.len() > 1 << 16 {
                call.reserve(out.len())?;
            }
        }
        match open.last_mut() {
            None => return Ok(()),
            Some(Open::List { table, at, len }) => {
                if at < len {
                    *at += 1;
                    let key = Value::Num(*at as f64);
                    next = Some(call.heap().get(*table, key));
                } else {
                    open.pop();
                }
            }
            Some(Open::Map { table, key, has_value }) => {
                if core::mem::take(has_value) {
                    next = Some(call.heap().get(*table, *key));
                    continue;
                }
                match call.heap().table_at(*table).next(*key) {
                    Ok(Some((following, _))) => {
                        *key = following;
                        *has_value = true;
                        next = Some(following);
                    }
                    _ => {
                        open.pop();
                    }
                }
            }
        }
    }
}

/// Writes how many elements a table has, and begins with it.
fn begin(call: &mut Call<'_>, table: TableId, out: &mut Vec<u8>) -> Open {
    let (mut count, mut most, mut is_list) = (0usize, 0.0, true);
    let mut key = Value::Nil;
    while let Ok(Some((following, _))) = call.heap().table_at(table).next(key) {
        key = following;
        count += 1;
        match key {
            Value::Num(number) if number > 0.0 && number == f64::from(number as i32) => {
                most = f64::max(most, number);
            }
            _ => is_list = false,
        }
    }
    call.pay(count);
    if is_list && most == count as f64 {
        head(count, 0x90, 15, 0xdc, out);
        Open::List { table, at: 0, len: count }
    } else {
        head(count, 0x80, 15, 0xde, out);
        Open::Map { table, key: Value::Nil, has_value: false }
    }
}

/// `count` in the byte itself if it is small, else in two or four after it.
fn head(count: usize, small: u8, most: usize, large: u8, out: &mut Vec<u8>) {
    if count <= most {
        out.push(small | count as u8);
    } else if count <= 0xffff {
        out.push(large);
        out.extend_from_slice(&(count as u16).to_be_bytes());
    } else {
        out.push(large + 1);
        out.extend_from_slice(&(count as u32).to_be_bytes());
    }
}

fn scalar(call: &Call<'_>, value: Value, out: &mut Vec<u8>) {
    match value {
        Value::Str(text) => {
            let bytes = call.bytes(text);
            if (32..=0xff).contains(&bytes.len()) {
                out.extend_from_slice(&[0xd9, bytes.len() as u8]);
            } else {
                head(bytes.len(), 0xa0, 31, 0xda, out);
            }
            out.extend_from_slice(bytes);
        }
        Value::Bool(truth) => out.push(if truth { 0xc3 } else { 0xc2 }),
        Value::Num(number) => write_number(number, out),
        _ => out.push(0xc0),
    }
}

fn write_number(number: f64, out: &mut Vec<u8>) {
    let int = to_integer(number);
    if int as f64 != number {
        let short = number as f32;
        if f64::from(short) == number {
            out.push(0xca);
            out.extend_from_slice(&short.to_be_bytes());
        } else {
            out.push(0xcb);
            out.extend_from_slice(&portable(number).to_be_bytes());
        }
        return;
    }
    let bytes = int.to_be_bytes();
    let (mark, width) = match int {
        -32..=0x7f => return out.push(int as u8),
        0x80..=0xff => (0xcc, 1),
        0x100..=0xffff => (0xcd, 2),
        0x1_0000..=0xffff_ffff => (0xce, 4),
        0x1_0000_0000.. => (0xcf, 8),
        -0x80..=-33 => (0xd0, 1),
        -0x8000..=-0x81 => (0xd1, 2),
        -0x8000_0000..=-0x8001 => (0xd2, 4),
        _ => (0xd3, 8),
    };
    out.push(mark);
    out.extend_from_slice(&bytes[8 - width..]);
}

/// Why a text cannot be read.
enum Bad {
    Missing,
    Format,
    Raised(Raised),
}

impl From<Raised> for Bad {
    fn from(raised: Raised) -> Self {
        Self::Raised(raised)
    }
}

/// A text that is being read: a copy, since making values may move what is in the heap.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What comes next: a value, or a table with so many elements or pairs to come.
enum Piece {
    Value(Value),
    List(usize),
    Map(usize),
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Bad> {
        let end = self.at.checked_add(count).ok_or(Bad::Missing)?;
        let taken = self.bytes.get(self.at..end).ok_or(Bad::Missing)?;
        self.at = end;
        Ok(taken)
    }

    fn unsigned(&mut self, width: usize) -> Result<u64, Bad> {
        Ok(self.take(width)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn signed(&mut self, width: usize) -> Result<Piece, Bad> {
        let shift = 64 - 8 * width as u32;
        let value = (self.unsigned(width)? << shift) as i64 >> shift;
        Ok(Piece::Value(Value::Num(value as f64)))
    }

    fn text(&mut self, call: &mut Call<'_>, len: usize) -> Result<Piece, Bad> {
        let text = call.string(self.take(len)?)?;
        Ok(Piece::Value(Value::Str(text)))
    }

    fn piece(&mut self, call: &mut Call<'_>) -> Result<Piece, Bad> {
        let number = |value: u64| Ok(Piece::Value(Value::Num(value as f64)));
        let mark = self.take(1)?[0];
        // A mark whose bytes are not there is not taken either.
        match mark {
            0..=0x7f => number(u64::from(mark)),
            0xe0..=0xff => Ok(Piece::Value(Value::Num(f64::from(mark as i8)))),
            0x80..=0x8f => Ok(Piece::Map(usize::from(mark & 15))),
            0x90..=0x9f => Ok(Piece::List(usize::from(mark & 15))),
            0xa0..=0xbf => self.text(call, usize::from(mark & 31)),
            0xc0 => Ok(Piece::Value(Value::Nil)),
            0xc2 => Ok(Piece::Value(Value::Bool(false))),
            0xc3 => Ok(Piece::Value(Value::Bool(true))),
            0xca => {
                let bits = self.unsigned(4)? as u32;
                Ok(Piece::Value(Value::Num(from_outside(f64::from(f32::from_bits(bits))))))
            }
            0xcb => {
                let bits = self.unsigned(8)?;
                Ok(Piece::Value(Value::Num(from_outside(f64::from_bits(bits)))))
            }
            0xcc => number(self.unsigned(1)?),
            0xcd => number(self.unsigned(2)?),
            0xce => number(self.unsigned(4)?),
            // Read as signed, as the library does.
            0xcf | 0xd3 => self.signed(8),
            0xd0 => self.signed(1),
            0xd1 => self.signed(2),
            0xd2 => self.signed(4),
            0xd9..=0xdb => {
                let len = self.unsigned(1 << (mark - 0xd9))? as usize;
                self.text(call, len)
            }
            0xdc | 0xdd => Ok(Piece::List(self.unsigned(2 << (mark - 0xdc))? as usize)),
            0xde | 0xdf => Ok(Piece::Map(self.unsigned(2 << (mark - 0xde))? as usize)),
            _ => Err(Bad::Format),
        }
    }

    /// The next value, with all that is in it.
    fn value(&mut self, call: &mut Call<'_>) -> Result<Value, Bad> {
        struct Open {
            table: TableId,
            left: usize,
            at: usize,
            is_map: bool,
            key: Option<Value>,
        }
        let mut open: Vec<Open> = Vec::new();
        loop {
            call.pay(1);
            let (is_map, left) = match self.piece(call)? {
                Piece::Value(value) => {
                    let mut value = value;
                    // Puts it where it belongs, and what that completes, too.
                    loop {
                        let Some(around) = open.last_mut() else { return Ok(value) };
                        if around.is_map && around.key.is_none() {
                            around.key = Some(value);
                        } else {
                            around.at += 1;
                            around.left -= 1;
                            let key = around.key.take().unwrap_or(Value::Num(around.at as f64));
                            put(call, around.table, key, value)?;
                        }
                        if around.left > 0 {
                            break;
                        }
                        value = Value::Table(around.table);
                        open.pop();
                    }
                    continue;
                }
                Piece::List(len) => (false, len),
                Piece::Map(len) => (true, len),
            };
            let table = call.heap_mut().table();
            if open.len() >= READ_NESTING {
                return Err(Bad::Raised(
                    call.error("stack overflow (in function mp_decode_to_lua_array)"),
                ));
            }
            open.push(Open { table, left, at: 0, is_map, key: None });
            while let Some(around) = open.last()
                && around.left == 0
            {
                let value = Value::Table(around.table);
                open.pop();
                let Some(around) = open.last_mut() else { return Ok(value) };
                if around.is_map && around.key.is_none() {
                    around.key = Some(value);
                } else {
                    around.at += 1;
                    around.left -= 1;
                    let key = around.key.take().unwrap_or(Value::Num(around.at as f64));
                    put(call, around.table, key, value)?;
                }
            }
        }
    }
}

/// Sets a field; a key that no table takes is refused without a position, as by the library.
fn put(call: &mut Call<'_>, table: TableId, key: Value, value: Value) -> Result<(), Raised> {
    let refused = match key {
        Value::Nil => b"table index is nil".as_slice(),
        Value::Num(number) if number.is_nan() => b"table index is NaN",
        _ => return call.raw_set(table, key, value),
    };
    let text = call.string(refused)?;
    Err(call.raise(text))
}

fn unpack(call: &mut Call<'_>) -> Result<Flow, Raised> {
    read(call, 0, 0)
}

fn unpack_one(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let offset = call.opt_integer(2, 0)?;
    // The offset goes; the text alone stays.
    read(call, 1, offset)
}

fn unpack_limit(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let limit = call.check_integer(2)?;
    let offset = call.opt_integer(3, 0)?;
    read(call, limit, offset)
}

/// Reads `limit` values from `offset` on; all, if both are 0.
fn read(call: &mut Call<'_>, limit: i64, offset: i64) -> Result<Flow, Raised> {
    let text = call.check_str(1)?;
    let all = limit == 0 && offset == 0;
    let len = call.bytes(text).len();
    if limit < 0 || offset < 0 {
        // The library tells the length for the limit, and of both the low half.
        let (offset, len) = (signed(offset as i32), signed(len as i32));
        return Err(call.error_parts(&[
            b"Invalid request to unpack with offset of ",
            &offset,
            b" and limit of ",
            &len,
            b".",
        ]));
    }
    // What does not fit is more than there is.
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let from = usize::try_from(offset).unwrap_or(usize::MAX);
    if from > len {
        let (from, len) = (signed(offset as i32), signed(len as i32));
        return Err(call.error_parts(&[
            b"Start offset ",
            &from,
            b" greater than input length ",
            &len,
            b".",
        ]));
    }
    let mut buffer = call.take_buffer();
    buffer.extend_from_slice(call.bytes(text));
    let mut reader = Reader { bytes: &buffer, at: from };
    let most = if all { usize::MAX } else { most };
    let mut count = 0;
    let place = call.len() + 1;
    if !all {
        call.push(Value::Nil);
    }
    let mut result = Ok(());
    while reader.at < len && count < most {
        match reader.value(call) {
            Ok(value) => call.push(value),
            Err(bad) => {
                result = Err(bad);
                break;
            }
        }
        count += 1;
        if !call.has_room_for(1) {
            let text = "stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)";
            result = Err(Bad::Raised(call.error(text)));
            break;
        }
    }
    let at = reader.at;
    call.return_buffer(buffer);
    match result {
        Ok(()) => {}
        Err(Bad::Missing) => return Err(call.error("Missing bytes in input.")),
        Err(Bad::Format) => return Err(call.error("Bad data format in input.")),
        Err(Bad::Raised(raised)) => return Err(raised),
    }
    if all {
        return call.give_last(count);
    }
    call.set(place, Value::Num(if at == len { -1.0 } else { at as f64 }));
    call.give_last(count + 1)
}

fn signed(value: i32) -> Vec<u8> {
    let mut text = Vec::new();
    crate::script::lua::number::write_number(f64::from(value), &mut text);
    text
}
