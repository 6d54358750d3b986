//! The corpus of scripts, against a real Redis: what the scripts say is what Redis does.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use redstart_tests::live::Server;
use redstart_tests::script::{self, Cut, Limits, Script, ServerHost, Variant};

/// Scripts that sleep longer than this are not run in real time.
const LONGEST: Duration = Duration::from_secs(3);

/// Runs every script on a server of its own, several at a time, and panics with all differences.
fn on_redis(variants: &[Variant]) {
    let scripts = script::load_all().expect("every script parses");
    let live =
        scripts.iter().filter(|s| s.differs.is_none() && s.wait_us() <= LONGEST.as_micros() as u64);
    let queue: Mutex<VecDeque<&Script>> = Mutex::new(live.collect());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(script) = queue.lock().expect("no panic while locked").pop_front()
                    else {
                        return;
                    };
                    for variant in variants {
                        // On a busy machine real time passes in jumps: what differs must differ again.
                        let mut found = one(script, *variant);
                        for _ in 0..2 {
                            if found.is_empty() {
                                break;
                            }
                            found = one(script, *variant);
                        }
                        wrong.lock().expect("no panic while locked").extend(found);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic while locked");
    assert!(wrong.is_empty(), "{} differences\n\n{}", wrong.len(), wrong.join("\n"));
}

fn one(script: &Script, variant: Variant) -> Vec<String> {
    if script.skips(variant.name()) {
        return Vec::new();
    }
    let play = |variant| {
        let Some(server) = Server::oracle()? else { return Ok(None) };
        script::run(script, &mut ServerHost::new(&server), variant).map(Some)
    };
    let result = play(Variant::default()).and_then(|plain| {
        let Some(plain) = plain else { return Ok(Vec::new()) };
        if variant == Variant::default() {
            return Ok(script::check(script, &plain, true));
        }
        let Some(got) = play(variant)? else { return Ok(Vec::new()) };
        Ok(script::check_against(script, &got, &plain))
    });
    let found = result.unwrap_or_else(|e: String| vec![e]);
    found.into_iter().map(|difference| format!("[{variant:?}] {difference}")).collect()
}

#[test]
fn scripts_say_what_redis_does() {
    on_redis(&[Variant::default()]);
}

#[test]
fn variants_change_nothing_in_redis_either() {
    // It is the variants that are tested here: what Redis cannot keep, the engine need not.
    on_redis(&[
        Variant { cut: Cut::Every(5), ..Variant::default() },
        Variant { resp3: true, ..Variant::default() },
        Variant { multi: true, ..Variant::default() },
        Variant { limits: Some(Limits::Min), ..Variant::default() },
        Variant { limits: Some(Limits::Max), ..Variant::default() },
    ]);
}
