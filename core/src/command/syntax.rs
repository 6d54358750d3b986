//! The notation in which a command's arguments are declared, and what is read from it.
//!
//! It is the one of the command pages: `key value [NX|XX] [GET] [EX seconds|PX milliseconds|KEEPTTL]`.
//! Upper case is a token, lower case a value, `[…]` optional, `a|b` one of, `(…)` groups without a meaning
//! of its own, `x [x …]` or `x...` one or more. The type of a value follows from its name (`key`, `count`,
//! `score`, `pattern`, …); `name:type` says it where the name does not.
//! COMMAND DOCS, the TypeScript methods, the demo's completion and the fuzzers' grammars read this.
