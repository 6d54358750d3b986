//! The shape of the source: layers, sizes, and what the engine must not use.

use std::path::{Path, PathBuf};

/// The engine's modules, lowest first: a module may use only what stands before it.
const LAYERS: &[&str] = &[
    "error",
    "rng",
    "collections",
    "value",
    "store",
    "persist",
    "resp",
    "script",
    "acl",
    "config",
    "client",
    "server",
    "command",
    "commands",
    "engine",
];

/// Files over 800 lines before their tests, each with the reason.
const LONG: &[(&str, &str)] = &[];

const LONGEST: usize = 800;

#[test]
fn a_layer_uses_only_the_layers_below_it() {
    let mut wrong = Vec::new();
    for (path, text) in sources("core/src") {
        let Some(own) = layer_of(&path) else { continue };
        for (number, line) in code_lines(&text) {
            for used in uses(line) {
                if LAYERS.iter().position(|layer| *layer == used).is_some_and(|used| used > own) {
                    wrong.push(format!("{path}:{number}: {} uses {used}", LAYERS[own]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "layers go {}\n{}", LAYERS.join(" < "), wrong.join("\n"));
}

/// The language is usable without the engine; what scripts can do to data stands beside it.
#[test]
fn lua_knows_nothing_of_redis() {
    for (path, text) in sources("core/src/script/lua") {
        for (number, line) in code_lines(&text) {
            for used in uses(line) {
                assert!(
                    matches!(used, "collections" | "error") || line.contains("crate::script::lua"),
                    "{path}:{number}: the language uses {used}"
                );
            }
        }
    }
}

#[test]
fn the_engine_does_without_std() {
    let lib = std::fs::read_to_string(redstart_tests::root().join("core/src/lib.rs"))
        .expect("core has a lib.rs");
    assert!(lib.contains("#![no_std]"), "core/src/lib.rs says #![no_std]");
    for (path, text) in sources("core/src") {
        if is_test(&path) {
            continue;
        }
        for (number, line) in code_lines(&text) {
            let names_std = line.contains("extern crate std") || line.contains("std::");
            assert!(
                !names_std || line.contains("_std::"),
                "{path}:{number}: core does without std: {line}"
            );
        }
    }
}

#[test]
fn long_files_say_why() {
    let mut wrong = Vec::new();
    for dir in ["core/src", "wasm/src", "native-server/src", "tests", "npm/src", "demo/src"] {
        for (path, text) in sources(dir) {
            let lines = length(&text);
            let excused = LONG.iter().any(|(name, _)| *name == path);
            if lines > LONGEST && !excused {
                wrong.push(format!("{path}: {lines} lines"));
            }
        }
    }
    for (path, reason) in LONG {
        let lines = std::fs::read_to_string(redstart_tests::root().join(path))
            .map_or(0, |text| length(&text));
        if lines <= LONGEST {
            wrong.push(format!("{path} is on the list ({reason}) and has {lines} lines"));
        }
    }
    assert!(wrong.is_empty(), "over {LONGEST} lines, or wrongly listed:\n{}", wrong.join("\n"));
}

#[test]
fn source_files_start_with_what_they_are_for() {
    let mut wrong = Vec::new();
    for dir in ["core/src", "wasm/src", "native-server/src", "tests/src", "tests/tests"] {
        for (path, text) in sources(dir) {
            if path.ends_with(".rs") && !text.starts_with("//!") {
                wrong.push(path);
            }
        }
    }
    assert!(wrong.is_empty(), "no `//!` in the first line:\n{}", wrong.join("\n"));
}

#[test]
fn generated_files_are_fresh() {
    for file in redstart_tests::generated::FILES {
        let found =
            std::fs::read_to_string(redstart_tests::root().join(file.path)).unwrap_or_default();
        assert!(found == (file.text)(), "{} is stale: cargo bless", file.path);
    }
}

/// The layer that a path like `core/src/value/list.rs` belongs to; `lib.rs` belongs to none.
fn layer_of(path: &str) -> Option<usize> {
    let module = path.strip_prefix("core/src/")?.split('/').next()?.trim_end_matches(".rs");
    LAYERS.iter().position(|layer| *layer == module)
}

/// First segments of the `crate::` paths in a line, those of `use crate::{a, b}` too.
fn uses(line: &str) -> Vec<&str> {
    let word =
        |text: &'_ str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.push(&rest[..word(rest)]),
            Some(group) => {
                let mut depth = 0;
                let mut start = true;
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && !c.is_whitespace() => {
                            found.push(&group[i..i + word(&group[i..])]);
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

/// Lines that are code of the product: no comments, nothing from the test module at the end on.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    lines
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.starts_with("//"))
}

/// Lines of a file without the unit tests at its end.
fn length(text: &str) -> usize {
    let lines: Vec<_> = text.lines().collect();
    let tests =
        lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1] == "mod tests {");
    tests.unwrap_or(lines.len())
}

/// Modules that are tests as a whole.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Source files below `dir` as paths from the root, with their text.
fn sources(dir: &str) -> Vec<(String, String)> {
    let root = redstart_tests::root();
    let mut found = Vec::new();
    collect(&root.join(dir), &mut found);
    found.sort();
    let relative =
        |path: &Path| path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
    found
        .iter()
        .map(|path| (relative(path), std::fs::read_to_string(path).expect("sources are text")))
        .collect()
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if !["node_modules", "target", "dist", "pkg", "generated"]
                .iter()
                .any(|skipped| name == *skipped)
            {
                collect(&path, into);
            }
        } else if path
            .extension()
            .is_some_and(|e| e == "rs" || e == "ts" || e == "py" || e == "mjs")
        {
            into.push(path);
        }
    }
}

#[test]
fn grouped_and_single_paths_are_found() {
    assert_eq!(uses("use crate::value::Value;"), ["value"]);
    assert_eq!(uses("use crate::{engine::{Engine, Now}, error};"), ["engine", "error"]);
    assert_eq!(uses("let x = crate::store::open(crate::resp::OK);"), ["store", "resp"]);
}
