//! `struct`: numbers and strings as C lays them out in memory.

use super::format::{to_long, to_unsigned_long};
use crate::script::lua::Lua;
use crate::script::lua::native::{Call, Flow, Raised};
use crate::script::lua::number::{from_outside, parse_number, portable};
use crate::script::lua::value::{Str, Value};
use alloc::vec::Vec;

/// Makes `struct` a global.
pub fn open(lua: &mut Lua) {
    lua.library("struct", &[("pack", pack), ("size", size), ("unpack", unpack)]);
}

/// The widest integer.
const WIDEST: usize = 32;
/// What `!` alone aligns to.
const ALIGNMENT: usize = 8;
/// C's `INT_MAX`.
const INT_MAX: usize = i32::MAX as usize;

/// A format that is being read.
struct Format {
    text: Str,
    at: usize,
    big_endian: bool,
    align: usize,
}

/// One item of it.
struct Item {
    letter: u8,
    size: usize,
}

impl Format {
    fn new(text: Str) -> Self {
        Self { text, at: 0, big_endian: false, align: 1 }
    }

    /// The next item; the letters that are none change how others are read.
    fn next(&mut self, call: &mut Call<'_>) -> Result<Option<Item>, Raised> {
        let Some(&letter) = call.bytes(self.text).get(self.at) else { return Ok(None) };
        if letter == 0 {
            return Ok(None);
        }
        self.at += 1;
        let size = match letter {
            b'b' | b'B' | b'x' => 1,
            b'h' | b'H' => 2,
            b'f' => 4,
            b'l' | b'L' | b'T' | b'd' => 8,
            b'c' => self.number(call, 1)?,
            b'i' | b'I' => {
                let size = self.number(call, 4)?;
                if size > WIDEST {
                    let (size, most) = (decimal(size), decimal(WIDEST));
                    return Err(call.error_parts(&[
                        b"integral size ",
                        &size,
                        b" is larger than limit of ",
                        &most,
                    ]));
                }
                size
            }
            _ => 0,
        };
        Ok(Some(Item { letter, size }))
    }

    fn number(&mut self, call: &mut Call<'_>, default: usize) -> Result<usize, Raised> {
        let digits = call.bytes(self.text)[self.at..].iter().take_while(|b| b.is_ascii_digit());
        let mut value = None;
        for &digit in digits {
            self.at += 1;
            let digit = usize::from(digit - b'0');
            let so_far: usize = value.unwrap_or(0);
            if so_far > INT_MAX / 10 || so_far * 10 > INT_MAX - digit {
                return Err(call.error("integral size overflow"));
            }
            value = Some(so_far * 10 + digit);
        }
        Ok(value.unwrap_or(default))
    }

    /// How many bytes go before an item that comes at `at`.
    fn padding(&self, at: usize, item: &Item) -> usize {
        if item.size == 0 || item.letter == b'c' {
            return 0;
        }
        // As C has it, where a size that is no power of 2 leaves odd gaps.
        let size = item.size.min(self.align);
        size.wrapping_sub(at & (size - 1)) & (size - 1)
    }

    /// A letter that is no item.
    fn control(&mut self, call: &mut Call<'_>, letter: u8) -> Result<(), Raised> {
        match letter {
            b' ' => {}
            b'>' => self.big_endian = true,
            b'<' => self.big_endian = false,
            b'!' => {
                let align = self.number(call, ALIGNMENT)?;
                if !align.is_power_of_two() {
                    let align = decimal(align);
                    return Err(call.error_parts(&[
                        b"alignment ",
                        &align,
                        b" is not a power of 2",
                    ]));
                }
                self.align = align;
            }
            _ => {
                return Err(call.arg_error_parts(1, &[b"invalid format option '", &[letter], b"'"]));
            }
        }
        Ok(())
    }
}

fn decimal(value: usize) -> Vec<u8> {
    let mut text = Vec::new();
    crate::script::lua::number::write_number(value as f64, &mut text);
    text
}

fn pack(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let mut format = Format::new(call.check_str(1)?);
    let mut out = call.take_buffer();
    let mut n = 2;
    // Past the last argument the library keeps a `nil`, which errors tell.
    call.push(Value::Nil);
    while let Some(item) = format.next(call)? {
        let padding = format.padding(out.len(), &item);
        out.resize(out.len() + padding, 0);
        match item.letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let number = call.check_number(n)?;
                n += 1;
                let value =
                    if number < 0.0 { to_long(number) as u64 } else { to_unsigned_long(number) };
                let little =
                    (0..item.size).map(|at| if at < 8 { (value >> (8 * at)) as u8 } else { 0 });
                if format.big_endian { out.extend(little.rev()) } else { out.extend(little) }
            }
            b'x' => out.push(0),
            b'f' => {
                let number = portable(call.check_number(n)?) as f32;
                n += 1;
                let bytes =
                    if format.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
                out.extend_from_slice(&bytes);
            }
            b'd' => {
                let number = portable(call.check_number(n)?);
                n += 1;
                let bytes =
                    if format.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
                out.extend_from_slice(&bytes);
            }
            letter @ (b'c' | b's') => {
                let text = call.check_str(n)?;
                n += 1;
                let len = call.bytes(text).len();
                let size = if item.size == 0 { len } else { item.size };
                if len < size {
                    return Err(call.arg_error(n, "string too short"));
                }
                call.reserve(out.len() + size)?;
                out.extend_from_slice(&call.bytes(text)[..size]);
                if letter == b's' {
                    out.push(0);
                }
            }
            letter => format.control(call, letter)?,
        }
    }
    call.pay(out.len() / 8);
    let text = call.string(&out);
    call.return_buffer(out);
    call.give(text?)
}

fn unpack(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let mut format = Format::new(call.check_str(1)?);
    let data = call.check_str(2)?;
    let len = call.bytes(data).len();
    let at = call.opt_integer(3, 1)?;
    if at < 1 {
        return Err(call.arg_error(3, "offset must be 1 or greater"));
    }
    let mut at = usize::try_from(at - 1).unwrap_or(usize::MAX);
    let mut count = 0;
    while let Some(item) = format.next(call)? {
        at = at.saturating_add(format.padding(at, &item));
        let mut size = item.size;
        if size > len || at > len - size {
            return Err(call.arg_error(2, "data string too short"));
        }
        if !call.has_room_for(2) {
            return Err(call.error("stack overflow (too many results)"));
        }
        match item.letter {
            letter @ (b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I') => {
                let bytes = &call.bytes(data)[at..at + size];
                let number = integer(bytes, format.big_endian, letter.is_ascii_lowercase());
                call.push(number);
                count += 1;
            }
            b'x' => {}
            b'f' => {
                let mut bytes = [0; 4];
                bytes.copy_from_slice(&call.bytes(data)[at..at + 4]);
                let number = if format.big_endian {
                    f32::from_be_bytes(bytes)
                } else {
                    f32::from_le_bytes(bytes)
                };
                call.push(from_outside(f64::from(number)));
                count += 1;
            }
            b'd' => {
                let mut bytes = [0; 8];
                bytes.copy_from_slice(&call.bytes(data)[at..at + 8]);
                let number = if format.big_endian {
                    f64::from_be_bytes(bytes)
                } else {
                    f64::from_le_bytes(bytes)
                };
                call.push(from_outside(number));
                count += 1;
            }
            b'c' => {
                if size == 0 {
                    // A text that stands for a number will do.
                    let given = match call.last() {
                        Value::Num(number) => Some(number),
                        Value::Str(text) => parse_number(call.bytes(text)),
                        _ => None,
                    };
                    let Some(given) = given.filter(|_| count > 0) else {
                        return Err(call.error("format 'c0' needs a previous size"));
                    };
                    call.pop();
                    count -= 1;
                    size = to_unsigned_long(given) as usize;
                    if size > len || at > len - size {
                        return Err(call.arg_error(2, "data string too short"));
                    }
                }
                let part = call.substring(data, at, at + size)?;
                call.push(part);
                count += 1;
            }
            b's' => {
                let rest = &call.bytes(data)[at..];
                let Some(end) = rest.iter().position(|b| *b == 0) else {
                    return Err(call.error("unfinished string in data"));
                };
                call.pay(end / 8);
                let part = call.substring(data, at, at + end)?;
                call.push(part);
                count += 1;
                size = end + 1;
            }
            letter => format.control(call, letter)?,
        }
        at += size;
    }
    call.push((at + 1) as f64);
    call.give_last(count + 1)
}

/// An integer of any width, of which 64 bits count.
fn integer(bytes: &[u8], big_endian: bool, signed: bool) -> f64 {
    let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    let value =
        if big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) };
    if !signed {
        return value as f64;
    }
    let sign = u64::MAX << ((bytes.len() * 8).wrapping_sub(1) & 63);
    (if value & sign == 0 { value } else { value | sign }) as i64 as f64
}

fn size(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let mut format = Format::new(call.check_str(1)?);
    let mut total = 0usize;
    while let Some(item) = format.next(call)? {
        total = total.saturating_add(format.padding(total, &item));
        match item.letter {
            b's' => return Err(call.arg_error(1, "option 's' has no fixed size")),
            b'c' if item.size == 0 => {
                return Err(call.arg_error(1, "option 'c0' has no fixed size"));
            }
            letter if !letter.is_ascii_alphanumeric() => format.control(call, letter)?,
            _ => {}
        }
        total = total.saturating_add(item.size);
    }
    call.give(total as f64)
}
