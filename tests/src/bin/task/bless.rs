//! `cargo bless`: writes the committed files that are computed, and the scripts' replies from a real Redis.

use redstart_tests::generated;
use redstart_tests::live::Server;
use redstart_tests::script::{self, ServerHost, Variant};

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    match args.first().map(String::as_str) {
        None | Some("generated") => bless_generated(),
        Some("scripts") => bless_scripts(&args[1..]),
        Some(other) => Err(format!("bless knows `generated` and `scripts`, not {other:?}")),
    }
}

fn bless_generated() -> Result<(), String> {
    for file in generated::FILES {
        let path = redstart_tests::root().join(file.path);
        let text = (file.text)();
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
        println!("wrote {}", file.path);
    }
    Ok(())
}

/// Rewrites the scripts whose names start with one of `prefixes` (none: all).
///
/// Where `REDSTART_ORACLE` names a newer Redis, what is marked `# redis: since …` is asked of it too.
fn bless_scripts(prefixes: &[String]) -> Result<(), String> {
    let mut scripts = script::load_all()?;
    if std::env::var_os("REDSTART_ORACLE").is_some() {
        for script in &mut scripts {
            let newer = |reason: &mut String| reason.starts_with("since ");
            script.differs.take_if(newer);
            script.steps.iter_mut().for_each(|step| drop(step.differs.take_if(newer)));
        }
    }
    let wanted = |name: &str| {
        prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    };
    let mut wrong = Vec::new();
    for script in scripts.iter().filter(|script| wanted(&script.name)) {
        let server = Server::oracle()?.ok_or("redis-server is missing")?;
        let mut host = ServerHost::new(&server);
        let got = match script::run(script, &mut host, Variant::default()) {
            Ok(got) => got,
            Err(e) => {
                wrong.push(e);
                continue;
            }
        };
        let old = std::fs::read_to_string(&script.path).map_err(|e| e.to_string())?;
        let new = script::rewrite(script, &old, &got);
        if new != old {
            std::fs::write(&script.path, new).map_err(|e| e.to_string())?;
            println!("wrote tests/scripts/{}.test", script.name);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}
