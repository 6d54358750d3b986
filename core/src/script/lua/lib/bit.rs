//! `bit`: operations on 32 bits, as the BitOp library that Redis has.

use crate::script::lua::Lua;
use crate::script::lua::native::{Call, Flow, Raised};

/// Makes `bit` a global.
pub fn open(lua: &mut Lua) {
    lua.library(
        "bit",
        &[
            ("arshift", |call| shift(call, |bits, n| ((bits as i32) >> n) as u32)),
            ("band", |call| fold(call, |a, b| a & b)),
            ("bnot", |call| map(call, |bits| !bits)),
            ("bor", |call| fold(call, |a, b| a | b)),
            ("bswap", |call| map(call, u32::swap_bytes)),
            ("bxor", |call| fold(call, |a, b| a ^ b)),
            ("lshift", |call| shift(call, |bits, n| bits << n)),
            ("rol", |call| shift(call, u32::rotate_left)),
            ("ror", |call| shift(call, u32::rotate_right)),
            ("rshift", |call| shift(call, |bits, n| bits >> n)),
            ("tobit", |call| map(call, |bits| bits)),
            ("tohex", tohex),
        ],
    );
}

/// The low 32 bits of a number, rounded to the nearest integer.
fn bits(call: &mut Call<'_>, n: usize) -> Result<u32, Raised> {
    // 2^52 + 2^51: what is added to it has its integer part in the low bits.
    const BIAS: f64 = 6_755_399_441_055_744.0;
    Ok((call.check_number(n)? + BIAS).to_bits() as u32)
}

fn give(call: &mut Call<'_>, bits: u32) -> Result<Flow, Raised> {
    call.give(f64::from(bits as i32))
}

fn map(call: &mut Call<'_>, function: fn(u32) -> u32) -> Result<Flow, Raised> {
    let bits = bits(call, 1)?;
    give(call, function(bits))
}

fn fold(call: &mut Call<'_>, function: fn(u32, u32) -> u32) -> Result<Flow, Raised> {
    let mut all = bits(call, 1)?;
    // From the last on, which errors show.
    for n in (2..=call.len()).rev() {
        all = function(all, bits(call, n)?);
    }
    give(call, all)
}

fn shift(call: &mut Call<'_>, function: fn(u32, u32) -> u32) -> Result<Flow, Raised> {
    let value = bits(call, 1)?;
    let count = bits(call, 2)? & 31;
    give(call, function(value, count))
}

/// Hexadecimal digits: eight, or as many as asked for; in capitals if that is negative.
fn tohex(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let value = bits(call, 1)?;
    let count = if call.is_none(2) { 8 } else { bits(call, 2)? as i32 };
    let digits = if count < 0 { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let count = count.unsigned_abs().min(8) as usize;
    let mut text = [0; 8];
    for (at, digit) in text[..count].iter_mut().enumerate() {
        *digit = digits[(value >> (4 * (count - 1 - at))) as usize & 15];
    }
    let text = call.string(&text[..count])?;
    call.give(text)
}
