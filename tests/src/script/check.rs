//! Compares what the steps got with what the script expects, and writes new expectations.

use super::{Action, Compare, Got, Script, Step};
use crate::resp::Value;

/// Differences between a run and the script; with `of_redis`, steps that state a difference from Redis are
/// left out.
pub fn check(script: &Script, got: &[Got], of_redis: bool) -> Vec<String> {
    let pairs = script.steps.iter().zip(got);
    let judged = pairs.filter(|(step, _)| !(of_redis && step.differs.is_some()));
    judged
        .filter(|(step, got)| !matches(step, got))
        .map(|(step, got)| report(script, step, got))
        .collect()
}

/// Differences between a run in some variant and the plain run: a reply must be as expected, or the same as
/// there; lists may be nested differently (RESP3 has pairs where RESP2 has flat lists).
pub fn check_against(script: &Script, got: &[Got], plain: &[Got]) -> Vec<String> {
    let mut wrong = Vec::new();
    for ((step, got), plain) in script.steps.iter().zip(got).zip(plain) {
        let same = match (got, plain) {
            (Got::Reply(a), Got::Reply(b)) => leaves(a, step.compare) == leaves(b, step.compare),
            (a, b) => a == b,
        };
        if !same && !matches(step, got) {
            wrong.push(report(script, step, got));
        }
    }
    wrong
}

fn leaves(value: &Value, compare: Compare) -> Vec<Value> {
    let mut leaves = value.leaves();
    if compare.unordered_by > 0 {
        leaves.sort_by_key(Value::compact);
    }
    leaves
}

/// The script's text with the expectations that this run gives; steps compared as globs keep theirs where
/// they still match, and so do steps that state a difference.
pub fn rewrite(script: &Script, text: &str, got: &[Got]) -> String {
    let mut out = Vec::new();
    let mut steps = script.steps.iter().zip(got).peekable();
    let mut skip = 0;
    for (index, line) in text.lines().enumerate() {
        let Some((step, got)) = steps.next_if(|(step, _)| step.line == index + 1) else {
            if skip > 0 && !line.trim().is_empty() && !line.starts_with('#') {
                skip -= 1;
            } else {
                out.push(line.to_string());
            }
            continue;
        };
        if step.differs.is_some() || script.differs.is_some() || matches(step, got) {
            out.push(line.to_string());
            continue;
        }
        let compact = step.expected.first().is_some_and(|line| line.starts_with('['));
        let mut lines =
            written(got, step.compare, compact || matches!(step.action, Action::Receive(_)));
        if let Action::Receive(name) = &step.action {
            let first = if lines.is_empty() { "(nothing)".into() } else { lines.remove(0) };
            out.push(format!("{name}< {first}"));
            skip = step.expected.len() - 1;
        } else {
            out.push(line.to_string());
            skip = step.expected.len();
        }
        out.extend(lines);
    }
    out.join("\n") + "\n"
}

fn matches(step: &Step, got: &Got) -> bool {
    let ways = [written(got, step.compare, false), written(got, step.compare, true)];
    ways.iter().any(|actual| {
        actual.len() == step.expected.len()
            && actual.iter().zip(&step.expected).all(|(actual, expected)| {
                actual == expected || (step.compare.glob && glob(expected, actual))
            })
    })
}

fn written(got: &Got, compare: Compare, compact: bool) -> Vec<String> {
    match got {
        Got::Nothing => Vec::new(),
        Got::Closed => vec!["(closed)".into()],
        Got::Reply(value) => {
            let value = match compare.unordered_by {
                0 => value.clone(),
                step => value.clone().sorted(step),
            };
            let aggregate =
                matches!(value, Value::Array(_) | Value::Set(_) | Value::Map(_) | Value::Push(_));
            if compact && aggregate { vec![value.compact()] } else { value.lines() }
        }
    }
}

fn report(script: &Script, step: &Step, got: &Got) -> String {
    let input = match &step.action {
        Action::Command(name, args) => {
            let words: Vec<_> = args.iter().map(|arg| String::from_utf8_lossy(arg)).collect();
            format!("{name}> {}", words.join(" "))
        }
        other => format!("{other:?}"),
    };
    let show = |lines: &[String]| match lines {
        [] => "    (nothing)".to_string(),
        lines => lines.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n"),
    };
    format!(
        "{}.test:{}: {input}\n  expected\n{}\n  got\n{}",
        script.name,
        step.line,
        show(&step.expected),
        show(&written(got, step.compare, false)),
    )
}

/// `*` stands for anything, everything else for itself.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse;

    fn bulk(text: &str) -> Got {
        Got::Reply(Value::Bulk(text.into()))
    }

    #[test]
    fn a_star_stands_for_anything_and_only_where_globs_are_asked_for() {
        let script = parse("# match: glob\n> TIME\n\"*b*d\"\n> TIME\n\"*\"\n").expect("ok");
        assert_eq!(check(&script, &[bulk("abcd"), bulk("*")], false), [""; 0]);
        assert_eq!(check(&script, &[bulk("acd"), bulk("a")], false).len(), 2);
    }

    #[test]
    fn rewriting_replaces_only_what_differs() {
        let text = "# note\n> A\n\"old\"\n\n> B\n\"same\"\nb< \"old\"\n";
        let script = parse(text).expect("ok");
        let got = [bulk("new"), bulk("same"), bulk("new")];
        assert_eq!(
            rewrite(&script, text, &got),
            "# note\n> A\n\"new\"\n\n> B\n\"same\"\nb< \"new\"\n"
        );
    }

    #[test]
    fn a_reply_where_none_was_expected_is_a_difference() {
        let script = parse("> BLPOP q 0\n").expect("ok");
        assert_eq!(check(&script, &[bulk("x")], false).len(), 1);
        assert_eq!(check(&script, &[Got::Nothing], false).len(), 0);
    }
}
