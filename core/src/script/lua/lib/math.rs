//! `math`, with the random numbers that Redis gives scripts.

use crate::script::lua::Lua;
use crate::script::lua::native::{Call, Flow, Raised};
use crate::script::lua::number::{absolute, nan};
use crate::script::lua::value::{TableId, Value};

/// The field of the registry with the table that holds the generator's state.
const RANDOM: &[u8] = b"random";

/// Makes `math` a global.
pub fn open(lua: &mut Lua) {
    let library = lua.library(
        "math",
        &[
            ("abs", |call| {
                let number = call.check_number(1)?;
                call.give(absolute(number))
            }),
            ("acos", |call| one(call, |x| plus(libm::acos(x)))),
            ("asin", |call| one(call, |x| plus(libm::asin(x)))),
            ("atan", |call| one(call, libm::atan)),
            ("atan2", |call| two(call, libm::atan2)),
            ("ceil", |call| one(call, libm::ceil)),
            ("cos", |call| one(call, libm::cos)),
            ("cosh", |call| one(call, libm::cosh)),
            ("deg", |call| one(call, |x| x / RADIANS)),
            ("exp", |call| one(call, libm::exp)),
            ("floor", |call| one(call, libm::floor)),
            ("fmod", |call| two(call, libm::fmod)),
            ("frexp", frexp),
            ("ldexp", ldexp),
            ("log", |call| one(call, libm::log)),
            ("log10", |call| one(call, |x| plus(libm::log10(x)))),
            ("max", |call| most(call, |a, b| a > b)),
            ("min", |call| most(call, |a, b| a < b)),
            ("mod", |call| two(call, libm::fmod)),
            ("modf", modf),
            ("pow", |call| two(call, libm::pow)),
            ("rad", |call| one(call, |x| x * RADIANS)),
            ("random", random),
            ("randomseed", randomseed),
            ("sin", |call| one(call, libm::sin)),
            ("sinh", |call| one(call, libm::sinh)),
            ("sqrt", |call| one(call, libm::sqrt)),
            ("tan", |call| one(call, libm::tan)),
            ("tanh", |call| one(call, libm::tanh)),
        ],
    );
    let heap = lua.heap_mut();
    heap.set_field(library, b"pi", Value::Num(core::f64::consts::PI));
    heap.set_field(library, b"huge", Value::Num(f64::INFINITY));
    let state = heap.table();
    let registry = lua.registry();
    lua.heap_mut().set_field(registry, RANDOM, Value::Table(state));
    seed(lua, 0);
}

/// What a degree is in radians.
const RADIANS: f64 = core::f64::consts::PI / 180.0;

/// Sets where the sequence of `math.random` begins, as `math.randomseed` does.
pub fn seed(lua: &mut Lua, seed: i32) {
    let registry = lua.registry();
    let key = lua.heap_mut().string(RANDOM);
    if let Value::Table(state) = lua.heap().get(registry, Value::Str(key)) {
        lua.heap_mut().set_field(state, b"x", Value::Num(start(seed) as f64));
    }
}

/// `srand48`: the state after a seed, 48 bits.
fn start(seed: i32) -> u64 {
    (u64::from(seed as u32) << 16) | 0x330e
}

fn one(call: &mut Call<'_>, function: fn(f64) -> f64) -> Result<Flow, Raised> {
    let number = call.check_number(1)?;
    call.give(if number.is_nan() { number } else { function(number) })
}

/// A NaN of these functions has no minus sign in glibc.
fn plus(number: f64) -> f64 {
    if number.is_nan() { nan(false) } else { number }
}

fn two(call: &mut Call<'_>, function: fn(f64, f64) -> f64) -> Result<Flow, Raised> {
    // The second is checked first, as it comes out of C's compilers.
    let b = call.check_number(2)?;
    let a = call.check_number(1)?;
    let result = function(a, b);
    let given = if a.is_nan() { a } else { b };
    call.give(if result.is_nan() && given.is_nan() { given } else { result })
}

fn most(call: &mut Call<'_>, better: fn(f64, f64) -> bool) -> Result<Flow, Raised> {
    let count = call.len();
    let mut best = call.check_number(1)?;
    for n in 2..=count {
        let number = call.check_number(n)?;
        if better(number, best) {
            best = number;
        }
    }
    call.give(best)
}

fn frexp(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let (fraction, exponent) = libm::frexp(call.check_number(1)?);
    call.push(fraction);
    call.push(f64::from(exponent));
    call.give_last(2)
}

fn ldexp(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let exponent = call.check_integer(2)? as i32;
    let number = call.check_number(1)?;
    call.give(libm::ldexp(number, exponent))
}

fn modf(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let number = call.check_number(1)?;
    let whole = libm::trunc(number);
    // Of an infinity nothing is left, with its sign.
    let rest = if number.is_infinite() {
        0.0f64.copysign(number)
    } else {
        (number - whole).copysign(number)
    };
    call.push(whole);
    call.push(rest);
    call.give_last(2)
}

/// The largest number of `lrand48`, by which Redis divides.
const LARGEST: u64 = 0x7fff_ffff;

/// The next number of `lrand48`: 31 bits.
fn next(call: &mut Call<'_>, state: TableId) -> Result<u64, Raised> {
    let key = call.string(b"x")?;
    let x = match call.raw_get(state, key) {
        Value::Num(x) => x as u64,
        _ => start(0),
    };
    let x = x.wrapping_mul(0x5_deec_e66d).wrapping_add(0xb) & 0xffff_ffff_ffff;
    call.raw_set(state, key, x as f64)?;
    Ok(x >> 17)
}

fn generator(call: &mut Call<'_>) -> Result<Option<TableId>, Raised> {
    let key = call.string(RANDOM)?;
    let registry = call.lua().registry();
    Ok(match call.raw_get(registry, key) {
        Value::Table(state) => Some(state),
        _ => None,
    })
}

fn random(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let count = call.len();
    let Some(state) = generator(call)? else { return call.give(0.0) };
    let r = (next(call, state)? % LARGEST) as f64 / LARGEST as f64;
    match count {
        0 => call.give(r),
        1 => {
            let upper = call.check_integer(1)? as i32;
            if upper < 1 {
                return Err(call.arg_error(1, "interval is empty"));
            }
            call.give(libm::floor(r * f64::from(upper)) + 1.0)
        }
        2 => {
            let lower = call.check_integer(1)? as i32;
            let upper = call.check_integer(2)? as i32;
            if lower > upper {
                return Err(call.arg_error(2, "interval is empty"));
            }
            let width = upper.wrapping_sub(lower).wrapping_add(1);
            call.give(libm::floor(r * f64::from(width)) + f64::from(lower))
        }
        _ => Err(call.error("wrong number of arguments")),
    }
}

fn randomseed(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let seed = call.check_integer(1)? as i32;
    if let Some(state) = generator(call)? {
        let key = call.string(b"x")?;
        call.raw_set(state, key, start(seed) as f64)?;
    }
    call.give_nothing()
}
