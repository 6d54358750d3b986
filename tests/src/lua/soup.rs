//! Texts that are nearly programs: tokens in any order, and programs with damage.

use super::Choices;

/// Lua's tokens, and some that are none.
const TOKENS: &[&str] = &[
    "x",
    "and",
    "break",
    "do",
    "else",
    "elseif",
    "end",
    "false",
    "for",
    "function",
    "if",
    "in",
    "local",
    "nil",
    "not",
    "or",
    "repeat",
    "return",
    "then",
    "true",
    "until",
    "while",
    "a",
    "b",
    "_G",
    "1",
    "0x1f",
    "1e5",
    "3..2",
    "1e",
    "'s'",
    "\"t\"",
    "[[u]]",
    "[==[v",
    "'w",
    "--c",
    "--[[d]]",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "#",
    "==",
    "~=",
    "<=",
    ">=",
    "<",
    ">",
    "=",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ";",
    ":",
    ",",
    ".",
    "..",
    "...",
    "~",
    "!",
    "@",
    "$",
    "\\",
    "&",
    "|",
    "?",
    "\n",
    "\0",
    "\u{7f}",
    "é",
    "=",
    "(",
    ")",
    ",",
    ".x",
    ":m()",
    "=1",
    "function() end",
    "{}",
    "do end",
    "for i=1,2 do",
    "if x then",
    "while x do",
    "repeat",
    "end",
    "end",
    "return",
    "local a",
];

/// So many tokens, at most.
pub(super) fn soup(choices: &mut Choices, most: usize) -> String {
    let count = 1 + choices.below(most);
    let tokens: Vec<&str> = (0..count).map(|_| choices.pick(TOKENS)).collect();
    tokens.join(" ")
}

/// A program with one to three pieces lost, doubled or replaced.
pub(super) fn damage(program: &str, choices: &mut Choices) -> String {
    let mut pieces: Vec<&str> = program.split_inclusive([' ', '\n', '(', ',', '=']).collect();
    for _ in 0..1 + choices.below(3) {
        if pieces.is_empty() {
            break;
        }
        let at = choices.below(pieces.len());
        match choices.below(4) {
            0 => {
                pieces.remove(at);
            }
            1 => pieces.insert(at, pieces[at]),
            2 => pieces[at] = choices.pick(TOKENS),
            _ => {
                let to = choices.below(pieces.len());
                pieces.swap(at, to);
            }
        }
    }
    pieces.concat()
}
