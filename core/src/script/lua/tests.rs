//! The language as a whole: programs in, output out; and what hostile or broken sources do.

extern crate std;

use super::value::Value;
use super::{Lua, Step, lib};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

fn state(memory: usize) -> Lua {
    let mut lua = Lua::new(memory);
    lib::open_all(&mut lua);
    lib::base::open_print(&mut lua);
    lua
}

fn text_of(lua: &Lua, value: Value) -> String {
    match value {
        Value::Str(text) => String::from_utf8_lossy(lua.heap().bytes(text)).to_string(),
        other => format!("({})", other.type_name()),
    }
}

/// What a program prints, and its error; `between` happens whenever a slice ends.
fn run_sliced(
    lua: &mut Lua,
    source: &[u8],
    slice: u64,
    slices: u32,
    between: fn(&mut Lua),
) -> String {
    let function = match lua.load(b"=test", source) {
        Ok(function) => function,
        Err(error) => return text_of(lua, error),
    };
    lua.start(function, &[]);
    for _ in 0..slices {
        let step = lua.run(slice);
        let error = match step {
            Step::Done(_) => String::new(),
            Step::Error(error) => text_of(lua, error),
            Step::Suspended => {
                between(lua);
                continue;
            }
            Step::Host(_) => unreachable!("no native here asks the host"),
        };
        let mut printed = String::from_utf8_lossy(&lua.take_printed()).to_string();
        printed.push_str(&error);
        return printed;
    }
    lua.take_printed();
    "stopped".to_string()
}

fn run(source: &str) -> String {
    run_sliced(&mut state(1 << 26), source.as_bytes(), 1_000_000, 100, |_| {})
}

/// Programs that between them use every part of the machine.
const PROGRAMS: &[(&str, &str)] = &[
    ("print(1, 1.5, 'x', nil, true, 2^53, -0)", "1\t1.5\tx\tnil\ttrue\t9.007199254741e+15\t-0\n"),
    (
        "local function fib(n) if n < 2 then return n end return fib(n-1) + fib(n-2) end print(fib(15))",
        "610\n",
    ),
    (
        "local t = {} for i = 1, 100 do t[#t+1] = 'v' .. i end local s = 0
         for i, v in ipairs(t) do s = s + #v end for k in pairs(t) do s = s + k end print(s, #t)",
        "5342\t100\n",
    ),
    (
        "local C = {} C.__index = C function C.new(v) return setmetatable({v = v}, C) end
         function C:add(n) self.v = self.v + n return self end print(C.new(1):add(2):add(3).v)",
        "6\n",
    ),
    (
        "local mt = {__add = function(a, b) return 'add' end, __concat = function() return 'cat' end,
           __lt = function() return true end, __eq = function() return true end,
           __call = function(self, x) return x end, __index = function(t, k) return k end,
           __newindex = function(t, k, v) rawset(t, k, v .. '!') end, __unm = function() return 'neg' end}
         local a, b = setmetatable({}, mt), setmetatable({}, mt)
         a.z = 'set'
         print(a + 1, 1 .. a, 'x' .. 'y' .. a .. 'z', a < b, a <= b, a == b, a(7), a.q, a.z, -a)",
        "add\tcat\txycat\ttrue\tfalse\ttrue\t7\tq\tset!\tneg\n",
    ),
    (
        "local fs = {} for i = 1, 3 do local j = i fs[i] = function() j = j + 1 return i, j end end
         fs[1]() print(fs[1]()) print(fs[2]())",
        "1\t3\n2\t3\n",
    ),
    (
        "local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i, {i}) end end) end
         local s = 0 for v, t in gen(50) do s = s + v + t[1] end print(s)",
        "2550\n",
    ),
    (
        "print(pcall(error, {1}) == false, select(2, pcall(error, 'x')))
         print(select(2, pcall(function() local t = nil; return t.x end)))
         print(select(2, pcall(function() return undefined.x end)))
         print(select(2, pcall(function() local t = {} t.a.b = 1 end)))
         print(xpcall(function() error('deep') end, function(e) return 'handled: ' .. e end))",
        "true\tx\ntest:2: attempt to index local 't' (a nil value)\n\
         test:3: attempt to index global 'undefined' (a nil value)\n\
         test:4: attempt to index field 'a' (a nil value)\nfalse\thandled: test:5: deep\n",
    ),
    (
        "local t = {} for i = 1, 200 do t[i] = (i * 7919) % 211 end
         table.sort(t, function(a, b) return a > b end) local ok = true
         for i = 2, #t do ok = ok and t[i-1] >= t[i] end print(ok, t[1], t[200])",
        "true\t210\t1\n",
    ),
    (
        "local n = 0 local co co = coroutine.create(function(a)
           while true do n = n + a a = coroutine.yield(n) if a == 0 then error('end') end end end)
         print(coroutine.resume(co, 5)) print(coroutine.resume(co, 6)) print(coroutine.resume(co, 0))
         print(coroutine.status(co), coroutine.resume(co))",
        "true\t5\ntrue\t11\nfalse\ttest:2: end\ndead\tfalse\tcannot resume dead coroutine\n",
    ),
    (
        "local s = ('abc'):gsub('%w', function(c) return c .. ({c})[1] end) print(s)
         local function f(...) return select('#', ...), ... end print(f(nil, 2)) print((f(1)))
         print(#{f(1, 2, 3)}, loadstring('return ...')(4, 5))",
        "aabbcc\n2\tnil\t2\n1\n4\t4\t5\n",
    ),
    (
        "local parts = {'return ', '1', ' + 2', nil} local i = 0
         print(load(function() i = i + 1 return parts[i] end)()) local x = 0
         repeat local y = x x = x + 1 until y >= 3 print(x) local w = setmetatable({}, {__mode = 'k'})
         for i = 10, 1, -3 do w[i] = i end print(w[10], w[1], w[2])",
        "3\n4\n10\t1\tnil\n",
    ),
    (
        "local t = {} for i = 1, 300 do t['k' .. i] = {i} end for i = 1, 300, 2 do t['k' .. i] = nil end
         local n = 0 for k, v in pairs(t) do n = n + v[1] end print(n)
         local c = {} for i = 1, 20 do c = {c} end local d = 0 while c[1] do c = c[1] d = d + 1 end print(d)",
        "22650\n20\n",
    ),
];

#[test]
fn programs_print_what_they_should() {
    for (source, expected) in PROGRAMS {
        assert_eq!(run(source), *expected, "{source}");
    }
}

#[test]
fn stopping_anywhere_changes_nothing() {
    for (source, expected) in PROGRAMS {
        let got = run_sliced(&mut state(1 << 26), source.as_bytes(), 1, 1_000_000, |_| {});
        assert_eq!(got, *expected, "{source}");
    }
}

#[test]
fn collecting_anywhere_changes_nothing() {
    for (source, expected) in PROGRAMS {
        let got = run_sliced(&mut state(1 << 26), source.as_bytes(), 1, 1_000_000, |lua| {
            lua.collect();
            lua.budget = 0;
        });
        assert_eq!(got, *expected, "{source}");
    }
}

#[test]
fn steps_of_the_collector_in_between_change_nothing() {
    for (source, expected) in PROGRAMS {
        for slice in [1, 3, 20] {
            let step = |lua: &mut Lua| {
                lua.step(400);
                lua.budget = 0;
            };
            let got = run_sliced(&mut state(1 << 26), source.as_bytes(), slice, 1_000_000, step);
            assert_eq!(got, *expected, "{source}");
        }
    }
}

#[test]
fn garbage_goes_and_what_is_used_stays() {
    let mut lua = state(1 << 26);
    let source = "kept = {} for i = 1, 50000 do local t = {i, 'text' .. i} kept[i % 100] = t end
        collectgarbage() local n = 0 for k, v in pairs(kept) do n = n + #v[2] end print(n)";
    assert_eq!(run_sliced(&mut lua, source.as_bytes(), 1 << 40, 1, |_| {}), "900\n");
    assert!(lua.heap().used() < 1 << 20, "{}", lua.heap().used());
}

#[test]
fn no_handler_catches_the_end_of_the_budget() {
    for source in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local function f() return pcall(f) end while true do f() end",
        "local co = coroutine.wrap(function() while true do end end) co()",
        "while true do xpcall(error, function() while true do end end) end",
        "local function f() return f() end f()",
        "setmetatable({}, {__index = function(t, k) return t[k] end}) repeat until false",
        "for _ in function() return 1 end do end",
        "table.sort({3, 2, 1, 5, 4}, function() while true do end end)",
        "('x'):gsub('x', function() while true do end end)",
        "while true do local t = {} for i = 1, 100 do t[i] = {} end end",
    ] {
        let got = run_sliced(&mut state(1 << 24), source.as_bytes(), 10_000, 100, |_| {});
        assert_eq!(got, "stopped", "{source}");
    }
}

#[test]
fn memory_ends_as_an_error() {
    for source in [
        "local s = 'x' while true do s = s .. s end",
        "local t = {} local i = 0 while true do i = i + 1 t[i] = i end",
        "local t = {} local i = 0 while true do i = i + 1 t['k' .. i] = {i} end",
        "local t = {} while true do t = {t} end",
        "local f = function() end while true do local g = f f = function() return g end end",
        "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end",
        "local function f(...) return f(1, ...) end return f()",
        "local t = {} for i = 1, 7000 do t[i] = i end local function f(...) return (f(...)) end f(unpack(t))",
    ] {
        let mut lua = state(1 << 20);
        let got = run_sliced(&mut lua, source.as_bytes(), 1 << 20, 1000, |_| {});
        assert!(got.contains("not enough memory"), "{source}: {got}");
        assert!(lua.heap().used() <= 2 << 20, "{source}: {}", lua.heap().used());
    }
}

#[test]
fn pcall_catches_the_end_of_memory() {
    let source = "print(pcall(function() local s = 'x' while true do s = s .. s end end))";
    assert_eq!(
        run_sliced(&mut state(1 << 22), source.as_bytes(), 1 << 20, 1000, |_| {}),
        "false\tnot enough memory\n"
    );
}

#[test]
fn a_thrown_error_leaves_no_frames_behind() {
    let mut lua = state(1 << 24);
    for _ in 0..3 {
        let got = run_sliced(&mut lua, b"local function f() error({}) end f()", 1000, 10, |_| {});
        assert_eq!(got, "(table)");
    }
    assert_eq!(run_sliced(&mut lua, b"print(1)", 1000, 10, |_| {}), "1\n");
}

#[test]
fn deep_sources_need_little_stack() {
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(|| {
        for (open, close) in [
            ("return (", ")"),
            ("return {", "}"),
            ("return function() ", " end"),
            ("do ", " end"),
            ("if x then ", " end"),
            ("while x do ", " end"),
            ("for i = 1, 2 do ", " end"),
            ("repeat ", " until x"),
            ("local function f() ", " end"),
            ("return f(", ")"),
            ("return t[", "]"),
            ("return not ", ""),
            ("return 2 ^ ", ""),
            ("return 'a' .. ", ""),
            ("return {[", "] = 1}"),
            ("return {x = ", "}"),
            ("return f{", "}"),
            ("x.y[", "] = 1"),
        ] {
            for depth in [150, 190, 200, 300, 20_000] {
                let inner = open.strip_prefix("return ").unwrap_or(open);
                let source = format!("{open}{}1{}", inner.repeat(depth - 1), close.repeat(depth));
                let mut lua = state(1 << 26);
                let loaded = lua.load(b"=deep", source.as_bytes());
                assert!(depth < 300 || loaded.is_err(), "{open} {depth}");
            }
        }
    });
    thread.expect("a thread can be made").join().expect("the stack was enough");
}

#[test]
fn deep_calls_end_as_errors() {
    for (source, error) in [
        ("local function f() return 1 + f() end f()", "stack overflow"),
        ("local function f() pcall(f) error('x', 0) end f()", "x"),
        (
            "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end return t.x",
            "C stack overflow",
        ),
        ("local t = {} setmetatable(t, {__index = t}) return t.x", "loop in gettable"),
        ("local t = {} setmetatable(t, {__newindex = t}) t.x = 1", "loop in settable"),
        ("local function f(s) return (s:gsub('.', f)) end f('x')", "C stack overflow"),
        ("local function f() table.sort({1, 2}, f) end f()", "C stack overflow"),
        ("local function f() return coroutine.wrap(f)() end f()", "C stack overflow"),
        (
            "local mt = {} mt.__tostring = function(t) return tostring(t) end tostring(setmetatable({}, mt))",
            "C stack overflow",
        ),
    ] {
        let got = run(source);
        assert!(got.contains(error), "{source}: {got}");
    }
}

/// A generator of its own, so that a failure can be run again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }
}

/// What the programs are made of: a word, or a few, with what ends them.
fn pieces(source: &str) -> impl Iterator<Item = &str> {
    source.split_inclusive([' ', '\n', '(', ')', ',', '.'])
}

/// One of the programs with a few pieces lost, moved, or taken from others; or pieces of any of them in any order.
fn broken(chance: &mut Chance, all: &[&str]) -> String {
    if chance.below(3) == 0 {
        return (0..1 + chance.below(40)).map(|_| all[chance.below(all.len())]).collect();
    }
    let mut own: Vec<&str> = pieces(PROGRAMS[chance.below(PROGRAMS.len())].0).collect();
    for _ in 0..1 + chance.below(4) {
        let (at, other) = (chance.below(own.len()), chance.below(own.len()));
        let any = all[chance.below(all.len())];
        match chance.below(4) {
            0 if own.len() > 1 => drop(own.remove(at)),
            1 => own.insert(at, any),
            2 => own.swap(at, other),
            _ => own[at] = any,
        }
    }
    own.concat()
}

#[test]
fn no_source_makes_the_machine_panic() {
    let mut chance = Chance(7);
    let all: Vec<&str> = PROGRAMS.iter().flat_map(|(source, _)| pieces(source)).collect();
    let mut lua = state(1 << 22);
    for round in 0..4000 {
        let source = broken(&mut chance, &all);
        if round % 50 == 0 {
            lua = state(1 << 22);
        }
        let between: fn(&mut Lua) = if round % 2 == 0 {
            |_| {}
        } else {
            |lua| {
                lua.step(2000);
            }
        };
        run_sliced(&mut lua, source.as_bytes(), 200, 100, between);
    }
}

#[test]
fn hosts_answer_in_the_middle_of_a_script() {
    use super::native::{Call, Flow, Raised};
    fn ask(call: &mut Call<'_>) -> Result<Flow, Raised> {
        match call.state() {
            0 => Ok(Flow::Host(call.len() as u32, 1)),
            _ => call.give_last(call.len()),
        }
    }
    let mut lua = state(1 << 22);
    let globals = lua.globals();
    lua.register(globals, &[("ask", ask)]);
    let function = lua
        .load(b"=host", b"local a, b = ask(1, 'two') return a + b, select('#', ask())")
        .expect("it compiles");
    lua.start(function, &[]);
    let Step::Host(asked) = lua.run(1000) else { panic!("the script asks") };
    assert!(matches!(asked[..], [Value::Num(1.0), Value::Str(_)]));
    let Step::Host(asked) = lua.answer(&[Value::Num(40.0), Value::Num(2.0)], 1000) else {
        panic!("the script asks again")
    };
    assert!(asked.is_empty());
    let Step::Done(results) = lua.answer(&vec![Value::Nil; 300], 1000) else {
        panic!("the script ends")
    };
    assert!(matches!(results[..], [Value::Num(42.0), Value::Num(300.0)]), "{results:?}");
}
