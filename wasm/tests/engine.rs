//! The bindings, in a real JavaScript engine: `cargo verify wasm` runs them in Node, and with
//! `WASM_BINDGEN_USE_BROWSER=1` in a headless Chrome. What JavaScript does with them
//! is npm/test's.

#![cfg(target_arch = "wasm32")]

use redstart_wasm::{Engine, call};
use wasm_bindgen_test::wasm_bindgen_test;

const UNIX_MS: f64 = 1_700_000_000_000.0;

fn write(engine: &mut Engine, bytes: &[u8]) {
    let at = engine.input(bytes.len());
    // SAFETY: `input` gives room for as many bytes at this address, and nothing else uses it now.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len()) };
}

fn output(engine: &Engine) -> String {
    // SAFETY: the output has so many bytes at this address until the next call.
    let bytes = unsafe { core::slice::from_raw_parts(engine.output(), engine.output_bytes()) };
    String::from_utf8_lossy(bytes).into_owned()
}

/// The number of the direct connection.
const DIRECT: u32 = u32::MAX;
/// What a call returns with the reply's length times eight.
const HAS_EVENTS: i32 = 1;
const MOVED: i32 = 2;
const HAS_DEADLINE: i32 = 4;

/// A request on a connection: what the call returns but for `MOVED`, and what is to be sent.
fn send(engine: &mut Engine, number: u32, request: &str, mono_ms: f64) -> (i32, String) {
    write(engine, request.as_bytes());
    let address = engine.address().cast();
    // SAFETY: the address is the engine's, which is there, and nothing else calls it now.
    let code = unsafe { call(address, number, request.len(), UNIX_MS + mono_ms, mono_ms, true) };
    (code & !MOVED, output(engine))
}

fn run(engine: &mut Engine, request: &str, mono_ms: f64) -> (i32, String) {
    let (code, reply) = send(engine, DIRECT, request, mono_ms);
    (code & !HAS_DEADLINE, reply)
}

fn engine() -> Engine {
    Engine::new(&[7; 32], "", UNIX_MS, 1.0).expect("no settings are good settings")
}

#[wasm_bindgen_test]
fn a_direct_call_replies_in_place() {
    let mut engine = engine();
    assert_eq!(run(&mut engine, "SET k v\r\n", 1.0), (8 * 5, "+OK\r\n".into()));
    assert_eq!(run(&mut engine, "GET k\r\n", 1.0), (8 * 7, "$1\r\nv\r\n".into()));
    assert_eq!(run(&mut engine, "GET none\r\n", 1.0).1, "_\r\n", "direct calls speak RESP3");
}

#[wasm_bindgen_test]
fn keys_expire_by_the_clock_that_is_given() {
    let mut engine = engine();
    run(&mut engine, "SET k v PX 100\r\n", 1.0);
    assert!(engine.deadline() >= 0.0);
    assert_eq!(run(&mut engine, "EXISTS k\r\n", 100.0).1, ":1\r\n");
    assert_eq!(run(&mut engine, "EXISTS k\r\n", 102.0).1, ":0\r\n");
}

#[wasm_bindgen_test]
fn a_connection_gets_its_replies_and_then_its_end() {
    let mut engine = engine();
    let number = engine.connect("here:1".into(), UNIX_MS, 1.0);
    let replies = "+PONG\r\n+OK\r\n";
    let sent = send(&mut engine, number, "PING\r\nQUIT\r\n", 1.0);
    assert_eq!(sent, (8 * replies.len() as i32 + HAS_EVENTS, replies.into()));
    assert_eq!(engine.poll(UNIX_MS, 1.0), 1, "then it is to be closed");
    engine.disconnect(number, UNIX_MS, 1.0);
    assert_eq!(engine.poll(UNIX_MS, 1.0), -1);
}

#[wasm_bindgen_test]
fn a_request_of_a_connection_is_replied_to_in_place() {
    let mut engine = engine();
    let number = engine.connect("here:1".into(), UNIX_MS, 1.0);
    let set = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
    assert_eq!(send(&mut engine, number, set, 1.0), (8 * 5, "+OK\r\n".into()));
    assert_eq!(engine.poll(UNIX_MS, 1.0), -1, "nothing is told twice");
    let expire = "*3\r\n$7\r\nPEXPIRE\r\n$1\r\nk\r\n$3\r\n100\r\n";
    assert_eq!(send(&mut engine, number, expire, 1.0), (8 * 4 + HAS_DEADLINE, ":1\r\n".into()));
    let half = "*1\r\n$4\r\n";
    assert_eq!(send(&mut engine, number, half, 1.0), (HAS_DEADLINE, String::new()));
    assert_eq!(
        send(&mut engine, number, "PING\r\n", 1.0),
        (8 * 7 + HAS_DEADLINE, "+PONG\r\n".into())
    );
    engine.disconnect(number, UNIX_MS, 1.0);
    assert_eq!(send(&mut engine, number, "PING\r\n", 1.0).1, "", "nobody is there");
}

#[wasm_bindgen_test]
fn what_a_connection_publishes_and_its_reply_are_told_in_turn() {
    let mut engine = engine();
    run(&mut engine, "SUBSCRIBE news\r\n", 1.0);
    let number = engine.connect("here:1".into(), UNIX_MS, 1.0);
    let publish = "*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$1\r\nx\r\n";
    assert_eq!(send(&mut engine, number, publish, 1.0), (HAS_EVENTS, String::new()));
    assert_eq!(engine.poll(UNIX_MS, 1.0), 0);
    assert_eq!(output(&engine), ":1\r\n");
    assert_eq!(engine.poll(UNIX_MS, 1.0) & 7, 2);
    assert_eq!(output(&engine), ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\nx\r\n");
}

#[wasm_bindgen_test]
fn a_direct_call_that_wakes_a_connection_says_that_there_is_more() {
    let mut engine = engine();
    let number = engine.connect("here:1".into(), UNIX_MS, 1.0);
    assert_eq!(send(&mut engine, number, "BLPOP q 0\r\n", 1.0).0 & HAS_EVENTS, 0);
    assert_eq!(engine.poll(UNIX_MS, 1.0), -1);
    assert_eq!(run(&mut engine, "RPUSH q x\r\n", 1.0), (8 * 4 + HAS_EVENTS, ":1\r\n".into()));
    assert_eq!(engine.poll(UNIX_MS, 1.0), 0);
    assert_eq!(output(&engine), "*2\r\n$1\r\nq\r\n$1\r\nx\r\n");
}

#[wasm_bindgen_test]
fn options_are_checked() {
    assert!(Engine::new(&[7; 3], "", UNIX_MS, 1.0).is_err());
    for wrong in ["no-such\01\0", "databases\0many\0"] {
        assert!(Engine::new(&[7; 32], wrong, UNIX_MS, 1.0).is_err());
    }
    let right = "databases\03\0save\0\0";
    let mut engine = Engine::new(&[7; 32], right, UNIX_MS, 1.0).expect("these are settings");
    assert!(run(&mut engine, "SELECT 3\r\n", 1.0).1.starts_with("-ERR DB index"));
}

#[wasm_bindgen_test]
fn memory_is_counted() {
    let mut engine = engine();
    let before = engine.used_memory();
    run(&mut engine, &format!("SET k {}\r\n", "x".repeat(100_000)), 1.0);
    let after = engine.used_memory();
    assert!(after - before > 100_000, "{before} {after}");
}

#[wasm_bindgen_test]
fn what_one_engine_dumps_another_loads() {
    let mut one = engine();
    let before = one.changes();
    run(&mut one, "SET k v PX 500\r\n", 1.0);
    assert!(one.changes() != before);
    let bytes = one.dump(UNIX_MS, 1.0);
    assert_eq!(bytes, one.output_bytes());
    // SAFETY: the output has so many bytes at this address until the next call.
    let file = unsafe { core::slice::from_raw_parts(one.output(), bytes) }.to_vec();
    let mut other = engine();
    write(&mut other, &file);
    assert!(other.load(bytes - 1, UNIX_MS, 1.0).is_err(), "a file that is cut off");
    let mut other = engine();
    write(&mut other, &file);
    assert!(other.load(bytes, UNIX_MS, 1.0).is_ok());
    assert_eq!(run(&mut other, "GET k\r\n", 1.0).1, "$1\r\nv\r\n");
    assert_eq!(run(&mut other, "PTTL k\r\n", 101.0).1, ":400\r\n");
}
