//! Scripts that take more than a slice: who waits, who is told what, and what ends them.

use super::*;

/// Never ends by itself.
const LOOP: &str = "while true do end";
/// Ends after some slices.
const LONG: &str = "for i = 1, 3e6 do end";
const BUSY: &str =
    "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.|";
const KILLED: &str =
    "-ERR Error running script: Script killed by user with SCRIPT KILL... script: ";

/// EVAL of a script of one line.
fn eval(script: &str) -> String {
    format!("*3\n$4\nEVAL\n${}\n{script}\n$1\n0\n", script.len())
}

/// An engine where a script may hold others back for a second.
fn host() -> Host {
    Host::new(&[("busy-reply-threshold", "1000")])
}

impl Host {
    /// Lets the script run, a millisecond for each slice, until a client has an answer.
    fn run_until_told(&mut self, conn: ConnId) -> String {
        for _ in 0..100 {
            let told = self.hear(conn);
            if !told.is_empty() {
                return told;
            }
            self.pass(1);
        }
        String::new()
    }
}

#[test]
fn others_wait_for_a_script_and_are_answered_after_it() {
    let mut host = host();
    let (a, b) = (host.client(), host.client());
    assert_eq!(host.say(a, &eval(LONG)), "");
    assert_eq!(host.say(b, "PING\n"), "");
    assert!(host.engine.deadline().is_some_and(|at_us| at_us <= host.now.mono_us));
    // What its own client sends waits, too.
    assert_eq!(host.say(a, "INCR n\n"), "");
    assert_eq!(host.run_until_told(a), "$-1|:1|");
    assert_eq!(host.hear(b), "+PONG|");
}

#[test]
fn others_hear_that_the_server_is_busy_until_they_kill_the_script() {
    let mut host = host();
    let (a, b) = (host.client(), host.client());
    assert_eq!(host.say(a, &eval(LOOP)), "");
    assert_eq!(host.say(b, "GET k\n"), "");
    host.pass(1001);
    assert_eq!(host.hear(b), BUSY);
    assert_eq!(host.say(b, "PING\n"), BUSY);
    assert!(host.say(b, "FUNCTION KILL\n").starts_with("-BUSY"));
    assert_eq!(host.say(b, "SCRIPT KILL\n"), "+OK|");
    assert!(host.run_until_told(a).starts_with(KILLED));
    assert_eq!(host.say(b, "PING\n"), "+PONG|");
    assert!(host.say(b, "SCRIPT KILL\n").starts_with("-NOTBUSY"));
}

#[test]
fn a_script_that_has_written_cannot_be_killed() {
    let mut host = host();
    let (a, b) = (host.client(), host.client());
    let script = "redis.call('set', 'k', 'v') for i = 1, 3e7 do end return 'done'";
    assert_eq!(host.say(a, &eval(script)), "");
    host.pass(1001);
    assert!(host.say(b, "SCRIPT KILL\n").starts_with("-UNKILLABLE"));
    assert_eq!(host.run_until_told(a), "$4|done|");
    assert_eq!(host.say(b, "GET k\n"), "$1|v|");
}

#[test]
fn a_script_goes_on_after_its_client_has_left() {
    let mut host = host();
    let (a, b) = (host.client(), host.client());
    let script = "for i = 1, 3e6 do end redis.call('set', 'k', 'v')";
    assert_eq!(host.say(a, &eval(script)), "");
    host.engine.disconnect(host.now, a);
    host.drain();
    assert_eq!(host.say(b, "GET k\n"), "");
    assert_eq!(host.run_until_told(b), "$1|v|");
}

#[test]
fn a_transaction_goes_on_behind_its_script() {
    let mut host = host();
    let (a, b) = (host.client(), host.client());
    let queue = format!("MULTI\nINCR n\n{}INCR n\n", eval(LONG));
    assert_eq!(host.say(a, &queue), "+OK|+QUEUED|+QUEUED|+QUEUED|");
    assert_eq!(host.say(a, "EXEC\n"), "*3|:1|");
    assert_eq!(host.say(b, "INCR n\n"), "");
    assert_eq!(host.run_until_told(a), "$-1|:2|");
    assert_eq!(host.hear(b), ":3|");
}

#[test]
fn a_function_that_runs_is_shown_and_killed_as_one() {
    let mut host = host();
    let (a, b) = (host.client(), host.client());
    let code = "#!lua name=lib\nredis.register_function('spin', function() while true do end end)";
    let request = format!("*3|$8|FUNCTION|$4|LOAD|${}|", code.len()).replace('|', "\r\n");
    let request = format!("{request}{code}\r\n");
    host.engine.receive(host.now, a, request.as_bytes());
    host.drain();
    assert_eq!(host.hear(a), "$3|lib|");
    assert_eq!(host.say(a, "FCALL spin 0\n"), "");
    host.pass(1001);
    let stats = host.say(b, "FUNCTION STATS\n");
    assert!(
        stats.contains("spin|") && stats.contains("FCALL|") && stats.contains(":1001|"),
        "{stats}"
    );
    assert!(host.say(b, "SCRIPT KILL\n").starts_with("-BUSY"));
    assert_eq!(host.say(b, "FUNCTION KILL\n"), "+OK|");
    assert!(host.run_until_told(a).contains("FUNCTION KILL"));
    assert!(host.say(b, "FUNCTION STATS\n").starts_with("*4|$14|running_script|$-1|"));
}

#[test]
fn who_waits_for_a_key_is_served_after_a_script_of_many_slices() {
    let mut host = host();
    let (a, b) = (host.client(), host.client());
    assert_eq!(host.say(b, "BLPOP l 0\n"), "");
    let script =
        "redis.call('rpush', 'l', 'x') for i = 1, 3e6 do end redis.call('lpush', 'l', 'y')";
    assert_eq!(host.say(a, &eval(script)), "");
    assert_eq!(host.run_until_told(b), "*2|$1|l|$1|y|");
    assert_eq!(host.hear(a), "$-1|");
}

#[test]
fn what_a_script_may_not_call_is_rejected_and_an_error_in_its_reply_is_a_failure() {
    let mut host = host();
    let a = host.client();
    host.say(a, &eval("return redis.pcall('multi')"));
    host.say(a, &eval("return redis.call('get')"));
    host.say(a, &eval("return {1, redis.error_reply('X y')}"));
    host.say(a, &eval("redis.pcall('get') return 1"));
    let info = host.say(a, "INFO commandstats\n");
    for (command, counts) in [
        ("multi", "rejected_calls=1,failed_calls=0"),
        ("get", "rejected_calls=2,failed_calls=0"),
        ("eval", "rejected_calls=0,failed_calls=3"),
    ] {
        let found = info.split('|').find(|line| line.starts_with(&format!("cmdstat_{command}:")));
        assert!(found.is_some_and(|line| line.ends_with(counts)), "{command}: {found:?}");
    }
}
