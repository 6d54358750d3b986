//! The rules: what they say reads back as the same, and they let nothing through that the plainest
//! reading of them denies.

use super::user::DEFAULT;
use super::{Catalog, Category, Found, KeyAccess, RuleError, Rules, User, file};
use crate::rng::Rng;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

/// Name, categories, subcommands.
type Declared = (&'static str, Category, &'static [(&'static str, Category)]);

const COMMANDS: &[Declared] = &[
    ("get", Category::READ.union(Category::STRING).union(Category::FAST), &[]),
    ("set", Category::WRITE.union(Category::STRING).union(Category::SLOW), &[]),
    ("del", Category::WRITE.union(Category::KEYSPACE).union(Category::SLOW), &[]),
    ("keys", Category::READ.union(Category::KEYSPACE).union(Category::DANGEROUS), &[]),
    ("debug", Category::ADMIN.union(Category::DANGEROUS).union(Category::SLOW), &[]),
    ("monitor", Category::ADMIN.union(Category::DANGEROUS).union(Category::SLOW), &[]),
    ("shutdown", Category::ADMIN.union(Category::DANGEROUS).union(Category::SLOW), &[]),
    ("ping", Category::CONNECTION.union(Category::FAST), &[]),
    ("echo", Category::CONNECTION.union(Category::FAST), &[]),
    ("select", Category::CONNECTION.union(Category::FAST), &[]),
    (
        "config",
        Category::SLOW,
        &[
            ("get", Category::ADMIN.union(Category::DANGEROUS).union(Category::SLOW)),
            ("set", Category::ADMIN.union(Category::DANGEROUS).union(Category::SLOW)),
            ("help", Category::SLOW),
        ],
    ),
    ("sadd", Category::WRITE.union(Category::SET).union(Category::FAST), &[]),
    ("publish", Category::PUBSUB.union(Category::FAST), &[]),
];

struct Few;

impl Few {
    fn all() -> Vec<(String, Category, bool, Range<usize>)> {
        let mut from = COMMANDS.len();
        let (mut all, mut subs) = (Vec::new(), Vec::new());
        for (name, category, own) in COMMANDS {
            all.push((name.to_string(), *category, false, from..from + own.len()));
            from += own.len();
            for (sub, category) in *own {
                subs.push((alloc::format!("{name}|{sub}"), *category, true, 0..0));
            }
        }
        all.extend(subs);
        all
    }
}

impl Catalog for Few {
    fn count(&self) -> usize {
        Self::all().len()
    }

    fn top(&self) -> usize {
        COMMANDS.len()
    }

    fn find(&self, name: &[u8]) -> Option<Found> {
        let all = Self::all();
        let id = all.iter().position(|c| c.0.as_bytes().eq_ignore_ascii_case(name))?;
        Some(Found { id, is_sub: all[id].2, has_subs: !all[id].3.is_empty() })
    }

    fn name(&self, id: usize) -> String {
        Self::all()[id].0.clone()
    }

    fn categories(&self, id: usize) -> Category {
        Self::all()[id].1
    }

    fn subcommands(&self, id: usize) -> Range<usize> {
        Self::all()[id].3.clone()
    }
}

const RULES: Rules<'static> = Rules { catalog: &Few, all_channels: false };

fn user(rules: &[&str]) -> User {
    let mut user = RULES.new_user(b"u");
    for rule in rules {
        RULES.apply(&mut user, rule.as_bytes()).expect("the rule is right");
    }
    user
}

fn described(rules: &[&str]) -> String {
    String::from_utf8(user(rules).describe(&Few)).expect("text")
}

fn refused(rule: &str) -> Option<RuleError> {
    RULES.apply(&mut user(&[]), rule.as_bytes()).err()
}

#[test]
fn a_new_user_may_do_nothing_and_the_default_user_everything() {
    assert_eq!(described(&[]), "off resetchannels -@all");
    assert_eq!(described(&["reset"]), "off sanitize-payload resetchannels -@all");
    let default = User::default_user(&Few);
    assert_eq!(default.describe(&Few), b"on nopass ~* &* +@all");
    assert!(default.is_unrestricted() && default.is_open() && *default.name == *DEFAULT);
}

#[test]
fn commands_are_told_by_categories_and_what_differs() {
    for (rules, told) in [
        (&["+get", "+set", "-get"][..], "-@all +set"),
        (&["+@all", "-get", "+get"], "+@all"),
        (&["+@string", "-get"], "-@all +set"),
        (&["+config", "+config|get"], "-@all +config"),
        (&["+config|get", "-config|get"], "-@all"),
        (&["+config", "-config|get"], "-@all +config -config|get"),
        (&["+@all", "-config|get"], "+@all -config|get"),
        (&["+@all", "-@dangerous"], "+@all -@dangerous"),
        (&["+select|0", "+SELECT|1", "+select|0"], "-@all +select|0 +select|1"),
        (&["+select|0", "+select"], "-@all +select"),
        (&["+select|0", "-select"], "-@all"),
        (&["+select|0", "+@all"], "+@all"),
        (&["allcommands", "NoCommands"], "-@all"),
    ] {
        assert_eq!(described(rules).strip_prefix("off resetchannels "), Some(told), "{rules:?}");
    }
}

#[test]
fn keys_channels_passwords_and_selectors_are_told_in_order() {
    assert_eq!(
        described(&[
            "on",
            ">x",
            "%R~r",
            "%W~w",
            "~a",
            "%r~a",
            "%RW~b",
            "&c",
            "&c",
            "(+get ~k)",
            "()"
        ]),
        "on #2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 %R~r %W~w ~a ~b \
         resetchannels &c -@all (~k resetchannels -@all +get) (resetchannels -@all)"
    );
    assert_eq!(described(&["%R~x", "%W~x"]), "off ~x resetchannels -@all");
    assert_eq!(described(&[">x", "nopass"]), "off nopass resetchannels -@all");
    assert_eq!(described(&["nopass", ">x", "<x"]), "off resetchannels -@all");
    assert_eq!(described(&["(~a)", "(~b)", "clearselectors"]), "off resetchannels -@all");
}

#[test]
fn what_is_no_rule_is_refused_for_its_reason() {
    use RuleError::{FirstArgOfSubcommand, Hash, NoSuchPassword, Syntax, Unknown};
    for (rule, error) in [
        ("+nosuch", Unknown),
        ("+@nosuch", Unknown),
        ("-get|x", Unknown),
        ("+config|nosuch", Unknown),
        ("+get|a|b", Unknown),
        ("+|", Unknown),
        ("+get|", Syntax),
        ("+config|", Syntax),
        ("+config|get|x", FirstArgOfSubcommand),
        ("%", Syntax),
        ("%~x", Syntax),
        ("%RR~x", Syntax),
        ("%Q~x", Syntax),
        ("~a b", Syntax),
        ("&a b", Syntax),
        ("#abc", Hash),
        ("!abc", Hash),
        ("<x", NoSuchPassword),
        ("(on)", Syntax),
        ("(>x)", Syntax),
        ("((+get))", Syntax),
        ("on off", Syntax),
    ] {
        assert_eq!(refused(rule), Some(error), "{rule}");
    }
    let mut all = user(&["allkeys", "allchannels"]);
    assert_eq!(RULES.apply(&mut all, b"%R~x"), Err(RuleError::KeysAfterAll));
    assert_eq!(RULES.apply(&mut all, b"&x"), Err(RuleError::ChannelsAfterAll));
    assert_eq!(RULES.apply(&mut all, b"~*"), Ok(()));
}

#[test]
fn passwords_are_kept_as_hashes() {
    let one =
        user(&["on", ">x", "#a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa"]);
    assert!(one.accepts(b"x") && one.accepts(b"y") && !one.accepts(b"z"));
    assert!(!user(&[">x"]).accepts(b"x"));
    assert!(user(&["on", "nopass"]).accepts(b"anything"));
    assert!(!user(&["on"]).accepts(b""));
}

#[test]
fn a_file_with_errors_gives_none_of_its_users() {
    let text = b"user alice on nopass ~* +@all\n# no comments here\nuser bob (+get\n\
        user carl +foo\nuser dan #abc\nuser \"e\nuser alice off\nuser \"e e\" on";
    let errors = file::read(&RULES, "f", text).expect_err("there are errors");
    assert_eq!(
        errors,
        "f:2 should start with user keyword followed by the username. \
         f:3: Unmatched parenthesis in selector definition.\
         f:4: Error in applying operation '+foo': Unknown command or category name in ACL. \
         f:5: The password hash must be exactly 64 characters and contain only lowercase hexadecimal \
         characters. f:6: unbalanced quotes in acl line. \
         WARNING: Duplicate user 'alice' found on line 7. \
         'f:8: username 'e e' contains invalid characters. \
         WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
    );
    let users =
        file::read(&RULES, "f", b"\n user a on (+get\t~x y)\r\n").expect_err("y is no rule");
    assert!(users.starts_with("f:2: Syntax error. "));
}

/// A rule, most of them right.
fn random_rule(rng: &mut Rng) -> String {
    const WORDS: &[&str] = &[
        "on",
        "off",
        "nopass",
        "reset",
        "resetpass",
        "allkeys",
        "resetkeys",
        "allchannels",
        "resetchannels",
        "allcommands",
        "nocommands",
        "clearselectors",
        "~a*",
        "%R~b",
        "%W~b",
        "%W~a*",
        "%RW~c?",
        "&ch*",
        "&x",
        "+@read",
        "-@read",
        "+@write",
        "-@write",
        "+@slow",
        "-@slow",
        "+@admin",
        "-@admin",
        "-@dangerous",
        "+@string",
        "+get",
        "-get",
        "+set",
        "-set",
        "+config",
        "-config",
        "+config|get",
        "-config|get",
        "+config|help",
        "+select|0",
        "-select",
        "+select",
        "+publish",
        "-publish",
        ">pw",
        "<pw",
        "+del",
        "sanitize-payload",
        "+nosuch",
        "%Z~a",
    ];
    let mut word = || WORDS[rng.below(WORDS.len() as u64) as usize];
    let first = word();
    if first == "resetpass" {
        alloc::format!("({} {} {})", word(), word(), word())
    } else {
        first.into()
    }
}

/// The plainest reading of a selector's rules: the last one that speaks of a command counts.
#[derive(Default, Clone)]
struct Plain {
    rules: Vec<String>,
}

impl Plain {
    fn allows_command(&self, id: usize, first_arg: &str) -> bool {
        let (name, category, is_sub, _) = Few::all()[id].clone();
        let container = name.split('|').next().filter(|_| is_sub).unwrap_or("");
        let container_category = COMMANDS.iter().find(|c| c.0 == container).map(|c| c.1);
        let mut allowed = false;
        for rule in &self.rules {
            let speaks = match rule.get(1..) {
                Some("@all") => true,
                Some(rest) if rest.starts_with('@') => {
                    let own = Category::of_name(&rest.as_bytes()[1..]);
                    own.is_some_and(|own| {
                        category.intersects(own)
                            || container_category.is_some_and(|c| c.intersects(own))
                    })
                }
                Some(rest) => {
                    rest == name
                        || (is_sub && rest == container)
                        || (!is_sub
                            && name == "select"
                            && rest == alloc::format!("{name}|{first_arg}"))
                }
                None => false,
            };
            match rule.as_bytes().first() {
                Some(b'+') if speaks => allowed = true,
                Some(b'-') if speaks => allowed = false,
                _ => {}
            }
        }
        allowed
    }

    /// The rules behind the last one that forgets them.
    fn since(&self, forget: &[&str], of: impl Fn(&str) -> bool) -> Vec<&str> {
        let mut kept: Vec<&str> = Vec::new();
        for rule in &self.rules {
            if forget.contains(&rule.as_str()) {
                kept.clear();
            }
            if of(rule) {
                kept.push(rule);
            }
        }
        kept
    }

    fn allows_key(&self, key: &str, access: KeyAccess) -> bool {
        let rules = self.since(&["resetkeys"], |r| r.starts_with(['~', '%']) || r == "allkeys");
        let matches = |pattern: &str| match pattern {
            "a*" => key.starts_with('a'),
            "c?" => key.len() == 2 && key.starts_with('c'),
            other => other == key,
        };
        let patterns: Vec<(&str, &str)> =
            rules.iter().filter_map(|r| r.trim_start_matches('%').split_once('~')).collect();
        rules.contains(&"allkeys")
            || patterns.iter().any(|(_, pattern)| {
                // Rules about the same pattern add up; others do not.
                let same = patterns.iter().filter(|(_, other)| other == pattern);
                let letters: String = same
                    .map(|(letters, _)| if letters.is_empty() { "RW" } else { letters })
                    .collect();
                matches(pattern)
                    && (!access.contains(KeyAccess::READ) || letters.contains('R'))
                    && (!access.contains(KeyAccess::WRITE) || letters.contains('W'))
            })
    }
}

#[test]
fn what_is_described_makes_the_same_user_again() {
    let mut rng = Rng::new(7);
    for _ in 0..300 {
        let mut one = RULES.new_user(b"u");
        for _ in 0..rng.below(12) {
            // Rules that are refused change nothing.
            let _ = RULES.apply(&mut one, random_rule(&mut rng).as_bytes());
        }
        let line = one.line(&Few);
        let mut again = file::read(&RULES, "f", &line).expect("it was written by us");
        let again = again.pop().expect("one line is one user");
        assert_eq!(
            String::from_utf8_lossy(&again.line(&Few)),
            String::from_utf8_lossy(&line),
            "the text is the same"
        );
        for id in 0..Few.count() {
            let open = |user: &User| user.selectors[0].commands.allows(id, Some(b"0"));
            assert_eq!(open(&one), open(&again));
        }
    }
}

#[test]
fn nothing_passes_that_the_plainest_reading_denies() {
    let mut rng = Rng::new(8);
    for _ in 0..800 {
        let mut real = RULES.new_user(b"u");
        let mut plain = [Plain::default()].to_vec();
        for _ in 0..rng.below(16) {
            let rule = random_rule(&mut rng);
            if RULES.apply(&mut real, rule.as_bytes()).is_err() {
                continue;
            }
            match &*rule {
                "reset" => plain = [Plain::default()].to_vec(),
                "clearselectors" => plain.truncate(1),
                _ if rule.starts_with('(') => {
                    let words = rule.trim_matches(['(', ')']).split(' ');
                    plain.push(Plain { rules: words.map(canonical).collect() });
                }
                _ => plain[0].rules.push(canonical(&rule)),
            }
        }
        assert_eq!(real.selectors.len(), plain.len());
        for (real, plain) in real.selectors.iter().zip(&plain) {
            for id in 0..Few.count() {
                for arg in ["0", "1"] {
                    assert_eq!(
                        real.commands.allows(id, Some(arg.as_bytes())),
                        plain.allows_command(id, arg),
                        "{} {arg}: {:?}",
                        Few.name(id),
                        plain.rules
                    );
                }
            }
            for key in ["a", "ab", "b", "c", "c1", "d"] {
                for access in [KeyAccess::READ, KeyAccess::WRITE, KeyAccess::all()] {
                    assert_eq!(
                        real.allows_key(key.as_bytes(), access),
                        plain.allows_key(key, access),
                        "{key} {access:?}: {:?}",
                        plain.rules
                    );
                }
            }
        }
    }
}

fn canonical(rule: &str) -> String {
    match rule {
        "allcommands" => "+@all".into(),
        "nocommands" => "-@all".into(),
        other => other.into(),
    }
}
