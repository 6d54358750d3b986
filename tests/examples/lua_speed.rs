//! How fast the engine's Lua is next to `lua5.1`: `cargo run --release -p redstart-tests --example lua_speed`.
//!
//! Each row is one piece of work, the best of three in milliseconds of each side, and the ratio.

use std::process::Command;
use std::time::Instant;

use redstart_core::script::lua::{Lua, Step, lib};

const ROWS: &[(&str, &str)] = &[
    ("integer loop 1e7", "local n = 0 for i = 1, 1e7 do n = n + i % 7 end"),
    ("float loop 1e7", "local x = 0.5 for i = 1, 1e7 do x = x * 1.0000001 + 0.1 / i end"),
    (
        "fib(27)",
        "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end fib(27)",
    ),
    ("table.insert 1e6", "local t = {} for i = 1, 1e6 do table.insert(t, i) end"),
    (
        "hash 5e5",
        "local t = {} for i = 1, 5e5 do t['k' .. i] = i end local n = 0 for k, v in pairs(t) do n = n + v end",
    ),
    (
        "table.concat 3e5",
        "local t = {} for i = 1, 3e5 do t[#t + 1] = 'item' .. i end local s = table.concat(t, ',')",
    ),
    (
        "string find/format 2e5",
        "for i = 1, 2e5 do local s = string.format('%d:%s', i, 'name') local a = s:find('(%d+):') end",
    ),
    (
        "sort 1e5",
        "local t, x = {}, 1 for i = 1, 1e5 do x = x * 16807 % 2147483647 t[i] = x end table.sort(t)",
    ),
    ("pcall 1e6", "local f = function(a) return a end for i = 1, 1e6 do pcall(f, i) end"),
    (
        "methods 2e6",
        "local C = {} C.__index = C function C:add(n) self.v = self.v + n end
         local o = setmetatable({v = 0}, C) for i = 1, 2e6 do o:add(i) end",
    ),
    (
        "compile 1e4 functions",
        "local f = 'local a, b = 1, 2 if a < b then return function(x) return x.y + a * b end end '
         for i = 1, 1e4 do assert(loadstring(f)) end",
    ),
    (
        "compile 1000 lines, 50 x",
        r"local line = 'do local a, b = 1, 2 if a < b then c = function(x) return x.y + a * b end end end\n'
         local f = line:rep(1000) for i = 1, 50 do assert(loadstring(f)) end",
    ),
];

fn main() {
    let Some(reference) = redstart_tests::lua::reference() else {
        eprintln!("lua5.1 is missing (Debian: apt-get install lua5.1)");
        return;
    };
    println!("{:<24} {:>9} {:>9} {:>6}", "ms", "here", "lua5.1", "ratio");
    let mut product = 1.0;
    for (name, source) in ROWS {
        let here = best(|| {
            let mut lua = Lua::new(1 << 30);
            lib::open_all(&mut lua);
            let function = lua.load(b"=work", source.as_bytes()).expect("it compiles");
            let start = Instant::now();
            lua.start(function, &[]);
            while matches!(lua.run(1_000_000), Step::Suspended) {}
            start.elapsed().as_secs_f64() * 1000.0
        });
        let timed =
            format!("local start = os.clock() do {source} end print((os.clock() - start) * 1000)");
        let there = best(|| {
            let output = Command::new(&reference).args(["-e", &timed]).output().expect("it runs");
            String::from_utf8_lossy(&output.stdout).trim().parse().expect("a time")
        });
        println!("{name:<24} {here:>9.1} {there:>9.1} {:>6.2}", here / there);
        product *= here / there;
    }
    println!("{:<44} {:>6.2}", "geometric mean", f64::powf(product, 1.0 / ROWS.len() as f64));
}

fn best(mut run: impl FnMut() -> f64) -> f64 {
    (0..3).map(|_| run()).fold(f64::INFINITY, f64::min)
}
