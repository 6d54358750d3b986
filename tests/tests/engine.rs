//! The corpus of scripts in the engine: plain, and in every variant that must change nothing.
//!
//! `REDSTART_SCRIPTS=list/ cargo test -p redstart-tests --test engine` runs those whose names start so.

use redstart_tests::live::Server;
use redstart_tests::resp::Value;
use redstart_tests::script::{
    self, Action, Cut, EngineHost, Got, Limits, Script, ServerHost, Variant, check, check_against,
};

/// Commands of a later release that scripts use already: those scripts are not run yet.
const LATER: &[(&str, &str)] = &[];

fn scripts() -> Vec<Script> {
    let prefix = std::env::var("REDSTART_SCRIPTS").unwrap_or_default();
    let all = script::load_all().expect("every script parses");
    let chosen = all.into_iter().filter(|script| script.name.starts_with(&prefix));
    let (ready, waiting): (Vec<_>, Vec<_>) = chosen.partition(|script| missing(script).is_empty());
    if !waiting.is_empty() {
        for script in &waiting {
            println!("{} waits for {}", script.name, missing(script).join(" "));
        }
        let mut missing: Vec<_> = waiting.iter().flat_map(missing).collect();
        missing.retain(|name| !LATER.iter().any(|(later, _)| later.eq_ignore_ascii_case(name)));
        assert!(
            missing.is_empty() || std::env::var_os("REDSTART_ALL_COMMANDS").is_none(),
            "every script's commands must be there: {missing:?}"
        );
    }
    ready
}

/// Commands that a script uses and the engine does not have yet.
fn missing(script: &Script) -> Vec<String> {
    let Ok(got) = play(script, Variant::default()) else {
        return lacking(&["CLIENT"]);
    };
    let steps = script.steps.iter().zip(got);
    let unknown = steps.filter_map(|(step, got)| match (&step.action, got) {
        (Action::Command(_, args), Got::Reply(Value::Error(text)))
            if text.starts_with(b"ERR unknown command")
                && !step.expected.iter().any(|line| line.contains("ERR unknown command")) =>
        {
            Some(String::from_utf8_lossy(&args[0]).into_owned())
        }
        _ => None,
    });
    unknown.collect()
}

/// Those of `names` that the engine does not have yet.
fn lacking(names: &[&str]) -> Vec<String> {
    let lacks = |name: &&&str| {
        let probe = script::parse(&format!("> {name}\n*\n")).expect("a command");
        let got = play(&probe, Variant::default()).expect("one command runs");
        matches!(&got[0], Got::Reply(Value::Error(text)) if text.starts_with(b"ERR unknown command"))
    };
    names.iter().filter(lacks).map(|name| (*name).to_string()).collect()
}

fn play(script: &Script, variant: Variant) -> Result<Vec<Got>, String> {
    script::run(script, &mut EngineHost::new(7), variant)
}

fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} differences\n\n{}", wrong.len(), wrong.join("\n"));
}

/// Runs all scripts in variants; each must give what the plain run gives.
fn all_in(variants: impl Fn(&Script) -> Vec<Variant>) {
    let mut wrong = Vec::new();
    let lacking = lacking(&["HELLO", "CONFIG", "MULTI"]);
    if !lacking.is_empty() {
        println!("variants wait for {}", lacking.join(" "));
        return;
    }
    for script in scripts() {
        let Ok(plain) = play(&script, Variant::default()) else { continue };
        for variant in variants(&script).into_iter().filter(|v| !script.skips(v.name())) {
            let found = match play(&script, variant) {
                Ok(got) => check_against(&script, &got, &plain),
                Err(e) => vec![e],
            };
            wrong.extend(found.into_iter().map(|difference| format!("[{variant:?}] {difference}")));
        }
    }
    report(&wrong);
}

#[test]
fn every_script_gives_the_expected_replies() {
    let mut wrong = Vec::new();
    for script in scripts() {
        match play(&script, Variant::default()) {
            Ok(got) => wrong.extend(check(&script, &got, false)),
            Err(e) => wrong.push(e),
        }
    }
    report(&wrong);
}

#[test]
fn commands_of_a_later_release_are_not_there_yet() {
    let names: Vec<_> = LATER.iter().map(|(name, _)| *name).collect();
    assert_eq!(lacking(&names), names, "take it out of LATER: its scripts run now");
}

#[test]
fn inputs_cut_at_every_byte_give_the_same_replies() {
    all_in(|script| {
        let longest = script.steps.iter().map(script::Step::input_len).max().unwrap_or_default();
        let cuts = (1..longest.min(64)).map(Cut::At).chain([1, 2, 3, 7].map(Cut::Every));
        cuts.map(|cut| Variant { cut, ..Variant::default() }).collect()
    });
}

#[test]
fn resp3_gives_the_same_replies_in_other_types() {
    all_in(|_| vec![Variant { resp3: true, ..Variant::default() }]);
}

#[test]
fn transactions_give_the_same_replies() {
    all_in(|_| vec![Variant { multi: true, ..Variant::default() }]);
}

#[test]
fn small_and_large_encodings_give_the_same_replies() {
    all_in(|_| {
        let limits = [Limits::Min, Limits::Max];
        limits.map(|limits| Variant { limits: Some(limits), ..Variant::default() }).to_vec()
    });
}

#[test]
fn a_data_set_that_was_saved_and_loaded_gives_the_same_replies() {
    let watches = |script: &Script| {
        script.steps.iter().any(|step| {
            matches!(&step.action, Action::Command(_, args) if args[0].eq_ignore_ascii_case(b"WATCH"))
        })
    };
    let plain = Variant { reload: true, ..Variant::default() };
    let small = Variant { limits: Some(Limits::Min), ..plain };
    all_in(|script| match (watches(script), script.skips("limits")) {
        (true, _) => Vec::new(),
        (false, true) => vec![plain],
        (false, false) => vec![plain, small],
    });
}

#[test]
fn the_same_seed_gives_the_same_replies() {
    let mut wrong = Vec::new();
    for script in scripts() {
        if play(&script, Variant::default()) != play(&script, Variant::default()) {
            wrong.push(script.name);
        }
    }
    report(&wrong);
}

/// Replies of RESP3 have types that the scripts do not write down: here they are compared with Redis's own.
#[test]
fn resp3_types_are_those_of_redis() {
    let mut wrong = Vec::new();
    if !lacking(&["HELLO"]).is_empty() {
        return;
    }
    for script in scripts() {
        if script.differs.is_some() || script.wait_us() > 1_000_000 || script.skips("resp3") {
            continue;
        }
        // On a busy machine real time passes in jumps: what differs must differ again.
        let mut found = typed_differences(&script);
        for _ in 0..2 {
            if found.is_empty() {
                break;
            }
            found = typed_differences(&script);
        }
        wrong.extend(found);
    }
    report(&wrong);
}

fn typed_differences(script: &Script) -> Vec<String> {
    let variant = Variant { resp3: true, typed: true, ..Variant::default() };
    let Some(server) = Server::oracle().expect("the oracle is there") else { return Vec::new() };
    let theirs = script::run(script, &mut ServerHost::new(&server), variant);
    let (ours, theirs) = match (play(script, variant), theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(e), _) | (_, Err(e)) => return vec![e],
    };
    let judged = script.steps.iter().zip(ours).zip(theirs);
    judged
        .filter(|((step, ours), theirs)| {
            let same = step.compare.sorted(ours) == step.compare.sorted(theirs);
            !same && !step.compare.glob && step.differs.is_none()
        })
        .map(|((step, ours), theirs)| {
            format!("{}.test:{}: ours {ours:?}, Redis's {theirs:?}", script.name, step.line)
        })
        .collect()
}
