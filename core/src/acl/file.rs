//! ACL files: a line for each user, read all or not at all.

use super::rules::{is_user_name, merge_selectors};
use super::{Catalog, RuleError, Rules, User, Users};
use crate::error::printable;
use crate::resp::parse::split_words;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The users that a file makes, or everything that is wrong with it.
pub fn read(rules: &Rules<'_>, name: &str, text: &[u8]) -> Result<Vec<User>, String> {
    let mut users: Vec<User> = Vec::new();
    let mut errors = String::new();
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let number = index + 1;
        let mut refuse = |text: String| errors.push_str(&text);
        let Some(words) = split_words(line) else {
            refuse(format!("{name}:{number}: unbalanced quotes in acl line. "));
            continue;
        };
        let (user_name, rest) = match &*words {
            [] => continue,
            [first, user_name, rest @ ..] if first == b"user" => (user_name, rest),
            _ => {
                refuse(format!(
                    "{name}:{number} should start with user keyword followed by the username. "
                ));
                continue;
            }
        };
        let shown = printable(user_name, 128);
        if !is_user_name(user_name) {
            refuse(format!("'{name}:{number}: username '{shown}' contains invalid characters. "));
            continue;
        }
        if users.iter().any(|user| *user.name == **user_name) {
            refuse(format!("WARNING: Duplicate user '{shown}' found on line {number}. "));
            continue;
        }
        let mut user = rules.new_user(user_name);
        match merge_selectors(rest.iter().map(Vec::as_slice)) {
            Err(_) => {
                refuse(format!("{name}:{number}: Unmatched parenthesis in selector definition."));
            }
            Ok(merged) => {
                for word in merged {
                    let word = word.trim_ascii();
                    if let Err(error) = rules.apply(&mut user, word) {
                        let text = error.text();
                        refuse(match error {
                            RuleError::Unknown => format!(
                                "{name}:{number}: Error in applying operation '{}': {text}. ",
                                printable(word, 128)
                            ),
                            _ => format!("{name}:{number}: {text}. "),
                        });
                        break;
                    }
                }
            }
        }
        users.push(user);
    }
    if errors.is_empty() {
        return Ok(users);
    }
    errors.push_str(
        "WARNING: ACL errors detected, no change to the previously active ACL rules was performed",
    );
    Err(errors)
}

/// The file that makes these users.
pub fn write(users: &Users, catalog: &dyn Catalog) -> Vec<u8> {
    let mut text = Vec::new();
    for user in users.iter() {
        text.extend_from_slice(&user.line(catalog));
        text.push(b'\n');
    }
    text
}
