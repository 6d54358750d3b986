//! Lua patterns: matching bytes without recursion, every step paid for.
//!
//! What remains to be tried lies on a stack of its own: each item of a pattern is on it once at most, so it
//! never grows past the pattern. When the budget is used up the search stops where it is, and goes on from
//! there when it is called again. Texts of errors, and the order in which they are found, are those of Lua
//! 5.1, where a pattern ends at its first zero byte.

use alloc::vec::Vec;

/// The most captures of one pattern.
pub(crate) const MAX_CAPTURES: usize = 32;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatternError {
    /// The pattern is wrong, in Lua's words.
    Malformed(&'static str),
    /// The budget is used up: call [`Matcher::find`] again with more.
    Budget,
}

use PatternError::{Budget, Malformed};

/// What one capture caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capture {
    /// Bytes from here to there.
    Span(usize, usize),
    /// `()`: a place, counted from 0.
    Position(usize),
}

/// Where a capture begins, and how long it is or one of the two marks below.
type Packed = (u32, u32);
const OPEN: u32 = u32::MAX;
const POSITION: u32 = u32::MAX - 1;

/// What matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    /// Where it begins.
    pub(crate) start: usize,
    /// Where it ends.
    pub(crate) end: usize,
    captures: [Packed; MAX_CAPTURES],
    level: usize,
}

impl Match {
    /// How many values the match gives: its captures, or the whole of it if there are none.
    pub(crate) fn count(&self) -> usize {
        self.level.max(1)
    }

    /// How many captures there are.
    pub(crate) fn captures(&self) -> usize {
        self.level
    }

    /// Capture `index`, from 0; the whole match where there are no captures.
    pub(crate) fn capture(&self, index: usize) -> Result<Capture, PatternError> {
        match self.captures[..self.level].get(index) {
            Some((_, OPEN)) => Err(Malformed("unfinished capture")),
            Some((start, POSITION)) => Ok(Capture::Position(*start as usize)),
            Some((start, len)) => Ok(Capture::Span(*start as usize, (*start + *len) as usize)),
            None if index == 0 => Ok(Capture::Span(self.start, self.end)),
            None => Err(Malformed("invalid capture index")),
        }
    }
}

/// Something to try when the present way has failed, or to take back.
enum Choice {
    /// Go on with the pattern from `pattern` at `at`: an optional item is left out.
    Skip { at: usize, pattern: usize },
    /// A greedy item matched up to `at`, and may give back as far as `least`.
    Less { at: usize, least: usize, pattern: usize },
    /// A lazy item `pattern..end` may take one more byte at `at`.
    More { at: usize, pattern: usize, end: usize },
    /// A capture was opened.
    Opened,
    /// A capture was closed.
    Closed { index: usize },
}

/// A search, which can stop and go on.
pub(crate) struct Matcher {
    anchored: bool,
    /// Where the match begins that is being tried.
    start: usize,
    /// Where it is in the text and in the pattern; `None` before each start.
    place: Option<(usize, usize)>,
    captures: [Packed; MAX_CAPTURES],
    level: usize,
    choices: Vec<Choice>,
}

/// A text, and what is looked for in it.
#[derive(Clone, Copy)]
struct Texts<'a> {
    text: &'a [u8],
    pattern: &'a [u8],
}

impl Matcher {
    /// Looks for a match that begins at `from` or, unless `anchored`, later.
    pub(crate) const fn new(from: usize, anchored: bool) -> Self {
        Self {
            anchored,
            start: from,
            place: None,
            captures: [(0, 0); MAX_CAPTURES],
            level: 0,
            choices: Vec::new(),
        }
    }

    /// Begins anew, at `from`.
    pub(crate) fn restart(&mut self, from: usize) {
        self.start = from;
        self.place = None;
    }

    /// The first match of `pattern`, without the `^` before it. Takes from `budget` what it costs; texts and
    /// pattern must be the same when it is called again to go on.
    pub(crate) fn find(
        &mut self,
        text: &[u8],
        pattern: &[u8],
        budget: &mut u64,
    ) -> Result<Option<Match>, PatternError> {
        let end = pattern.iter().position(|&b| b == 0).unwrap_or(pattern.len());
        let texts = Texts { text, pattern: &pattern[..end] };
        while self.start <= text.len() {
            if let Some(end) = self.match_here(texts, budget)? {
                let (start, captures, level) = (self.start, self.captures, self.level);
                return Ok(Some(Match { start, end, captures, level }));
            }
            self.start += 1;
            self.place = None;
            if self.anchored {
                break;
            }
        }
        Ok(None)
    }

    /// The end of a match that begins at `start`.
    fn match_here(
        &mut self,
        texts: Texts<'_>,
        budget: &mut u64,
    ) -> Result<Option<usize>, PatternError> {
        if self.place.is_none() {
            self.level = 0;
            self.choices.clear();
        }
        let (mut at, mut p) = self.place.take().unwrap_or((self.start, 0));
        loop {
            // Scans of the text are charged for when they are done, so that each makes some way.
            if *budget == 0 {
                self.place = Some((at, p));
                return Err(Budget);
            }
            *budget -= 1;
            match self.step(texts, at, p, budget)? {
                Step::Go(next_at, next_p) => (at, p) = (next_at, next_p),
                Step::Found => return Ok(Some(at)),
                Step::Fail => match self.retry(texts, budget) {
                    Some(next) => (at, p) = next,
                    None => return Ok(None),
                },
            }
        }
    }

    /// Matches one item of the pattern at `p` with the text at `at`.
    fn step(
        &mut self,
        texts: Texts<'_>,
        at: usize,
        p: usize,
        budget: &mut u64,
    ) -> Result<Step, PatternError> {
        let Texts { text, pattern } = texts;
        let Some(&item) = pattern.get(p) else { return Ok(Step::Found) };
        match item {
            b'(' => {
                let position = pattern.get(p + 1) == Some(&b')');
                let (length, next) = if position { (POSITION, p + 2) } else { (OPEN, p + 1) };
                if self.level >= MAX_CAPTURES {
                    return Err(Malformed("too many captures"));
                }
                self.captures[self.level] = (at as u32, length);
                self.level += 1;
                self.choices.push(Choice::Opened);
                return Ok(Step::Go(at, next));
            }
            b')' => {
                let open = self.captures[..self.level].iter().rposition(|(_, len)| *len == OPEN);
                let index = open.ok_or(Malformed("invalid pattern capture"))?;
                let (start, len) = &mut self.captures[index];
                *len = at as u32 - *start;
                self.choices.push(Choice::Closed { index });
                return Ok(Step::Go(at, p + 1));
            }
            b'$' if p + 1 == pattern.len() => {
                return Ok(if at == text.len() { Step::Found } else { Step::Fail });
            }
            b'%' => match pattern.get(p + 1) {
                Some(b'b') => {
                    return Ok(match texts.balance(at, p + 2, budget)? {
                        Some(end) => Step::Go(end, p + 4),
                        None => Step::Fail,
                    });
                }
                Some(b'f') => {
                    if pattern.get(p + 2) != Some(&b'[') {
                        return Err(Malformed("missing '[' after '%f' in pattern"));
                    }
                    let end = texts.class_end(p + 2)?;
                    let before = if at == 0 { 0 } else { text[at - 1] };
                    let here = text.get(at).copied().unwrap_or(0);
                    let set = &pattern[p + 2..end];
                    let is_frontier = !in_set(before, set) && in_set(here, set);
                    return Ok(if is_frontier { Step::Go(at, end) } else { Step::Fail });
                }
                Some(digit @ b'0'..=b'9') => {
                    return Ok(match self.back_reference(text, at, *digit, budget)? {
                        Some(end) => Step::Go(end, p + 2),
                        None => Step::Fail,
                    });
                }
                _ => {}
            },
            _ => {}
        }
        let end = texts.class_end(p)?;
        let here = texts.single(at, p, end);
        match pattern.get(end) {
            Some(b'?') => {
                if !here {
                    return Ok(Step::Go(at, end + 1));
                }
                self.choices.push(Choice::Skip { at, pattern: end + 1 });
                Ok(Step::Go(at + 1, end + 1))
            }
            Some(b'+') if !here => Ok(Step::Fail),
            Some(repeat @ (b'*' | b'+')) => {
                let least = at + usize::from(*repeat == b'+');
                let mut most = least;
                while texts.single(most, p, end) {
                    most += 1;
                }
                *budget = budget.saturating_sub((most - least) as u64 / 4);
                if most > least {
                    self.choices.push(Choice::Less { at: most, least, pattern: end + 1 });
                }
                Ok(Step::Go(most, end + 1))
            }
            Some(b'-') => {
                self.choices.push(Choice::More { at, pattern: p, end });
                Ok(Step::Go(at, end + 1))
            }
            _ if here => Ok(Step::Go(at + 1, end)),
            _ => Ok(Step::Fail),
        }
    }

    /// The next thing to try after a failure: where in the text, where in the pattern.
    fn retry(&mut self, texts: Texts<'_>, budget: &mut u64) -> Option<(usize, usize)> {
        while let Some(choice) = self.choices.pop() {
            match choice {
                Choice::Skip { at, pattern } => return Some((at, pattern)),
                Choice::Less { at, least, pattern } => {
                    if at - 1 > least {
                        self.choices.push(Choice::Less { at: at - 1, least, pattern });
                    }
                    return Some((at - 1, pattern));
                }
                Choice::More { at, pattern, end } => {
                    *budget = budget.saturating_sub(1);
                    if texts.single(at, pattern, end) {
                        self.choices.push(Choice::More { at: at + 1, pattern, end });
                        return Some((at + 1, end + 1));
                    }
                }
                Choice::Opened => self.level -= 1,
                Choice::Closed { index } => self.captures[index].1 = OPEN,
            }
        }
        None
    }

    /// `%1` at `at`: the end of the same bytes that the capture caught.
    fn back_reference(
        &self,
        text: &[u8],
        at: usize,
        digit: u8,
        budget: &mut u64,
    ) -> Result<Option<usize>, PatternError> {
        let index = usize::from(digit).wrapping_sub(usize::from(b'1'));
        let (start, len) = match self.captures[..self.level].get(index) {
            None | Some((_, OPEN)) => return Err(Malformed("invalid capture index")),
            // A place is no text: it matches nothing.
            Some((_, POSITION)) => return Ok(None),
            Some((start, len)) => (*start as usize, *len as usize),
        };
        *budget = budget.saturating_sub(len as u64 / 8);
        Ok(text[at..].starts_with(&text[start..start + len]).then(|| at + len))
    }
}

impl Texts<'_> {
    /// Whether the byte at `at` is one that the item `p..end` means.
    #[inline]
    fn single(self, at: usize, p: usize, end: usize) -> bool {
        let Some(&byte) = self.text.get(at) else { return false };
        match self.pattern[p] {
            b'.' => true,
            b'%' => in_class(byte, self.pattern[p + 1]),
            b'[' => in_set(byte, &self.pattern[p..end]),
            literal => byte == literal,
        }
    }

    /// Where the single-character item that begins at `p` ends.
    fn class_end(self, p: usize) -> Result<usize, PatternError> {
        match self.pattern[p] {
            b'%' if p + 1 == self.pattern.len() => {
                Err(Malformed("malformed pattern (ends with '%')"))
            }
            b'%' => Ok(p + 2),
            b'[' => {
                let missing = Malformed("malformed pattern (missing ']')");
                let mut at = p + 1 + usize::from(self.pattern.get(p + 1) == Some(&b'^'));
                // The first byte is taken whatever it is: `[]]` is the set of one bracket.
                loop {
                    let byte = *self.pattern.get(at).ok_or(missing)?;
                    at += 1 + usize::from(byte == b'%' && at + 1 < self.pattern.len());
                    if self.pattern.get(at) == Some(&b']') {
                        return Ok(at + 1);
                    }
                }
            }
            _ => Ok(p + 1),
        }
    }

    /// `%bxy` at `at`, with `x` at `p`: the end of the balanced text.
    fn balance(
        &self,
        at: usize,
        p: usize,
        budget: &mut u64,
    ) -> Result<Option<usize>, PatternError> {
        let (Some(&open), Some(&close)) = (self.pattern.get(p), self.pattern.get(p + 1)) else {
            return Err(Malformed("unbalanced pattern"));
        };
        if self.text.get(at) != Some(&open) {
            return Ok(None);
        }
        let mut depth = 1usize;
        let mut end = None;
        for (offset, &byte) in self.text[at + 1..].iter().enumerate() {
            if byte == close {
                depth -= 1;
                if depth == 0 {
                    end = Some(at + offset + 2);
                    break;
                }
            } else if byte == open {
                depth += 1;
            }
        }
        *budget = budget.saturating_sub((end.unwrap_or(self.text.len()) - at) as u64 / 2);
        Ok(end)
    }
}

enum Step {
    Go(usize, usize),
    Found,
    Fail,
}

/// Whether `byte` is in the class `%class`; a class that is no letter of Lua's is the byte itself.
#[inline]
fn in_class(byte: u8, class: u8) -> bool {
    let is_in = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        // Unlike Rust's, C's white space has the vertical tab.
        b's' => matches!(byte, b' ' | b'\t'..=b'\r'),
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return byte == class,
    };
    is_in != class.is_ascii_uppercase()
}

/// Whether `byte` is in a set, given with its brackets.
fn in_set(byte: u8, set: &[u8]) -> bool {
    let last = set.len() - 1;
    let negated = set[1] == b'^';
    let mut at = 1 + usize::from(negated);
    while at < last {
        if set[at] == b'%' {
            // Of `[a%]` the bracket that ends the set is what is escaped.
            if in_class(byte, set[at + 1]) {
                return !negated;
            }
            at += 2;
        } else if set[at + 1] == b'-' && at + 2 < last {
            if (set[at]..=set[at + 2]).contains(&byte) {
                return !negated;
            }
            at += 3;
        } else {
            if set[at] == byte {
                return !negated;
            }
            at += 1;
        }
    }
    negated
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use alloc::vec;

    fn find(text: &str, pattern: &str) -> Result<Option<Vec<String>>, PatternError> {
        let (anchored, pattern) = match pattern.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        let mut matcher = Matcher::new(0, anchored);
        let found = matcher.find(text.as_bytes(), pattern.as_bytes(), &mut 100_000)?;
        let Some(found) = found else { return Ok(None) };
        let show = |index| {
            Ok(match found.capture(index)? {
                Capture::Span(start, end) => text[start..end].to_string(),
                Capture::Position(at) => (at + 1).to_string(),
            })
        };
        (0..found.count()).map(show).collect::<Result<_, _>>().map(Some)
    }

    fn caught(text: &str, pattern: &str) -> Vec<String> {
        find(text, pattern).expect("a good pattern").expect("a match")
    }

    #[test]
    fn matches_are_those_of_lua() {
        assert_eq!(caught("hello world", "o w"), ["o w"]);
        assert_eq!(caught("key = value", "(%w+)%s*=%s*(%w+)"), ["key", "value"]);
        assert_eq!(caught("THE (quick) fox", "%((%a+)%)"), ["quick"]);
        assert_eq!(caught("aaa", "a-b?$"), ["aaa"]);
        assert_eq!(caught("f(a(b)c)d", "%b()"), ["(a(b)c)"]);
        assert_eq!(caught("THE (quick) fox", "%f[%a]%a+"), ["THE"]);
        assert_eq!(caught("hello", "()ll()"), ["3", "5"]);
        assert_eq!(caught("abcabc", "(abc)%1"), ["abc"]);
        assert_eq!(caught("x]y", "[]]"), ["]"]);
        assert_eq!(caught("x-y", "[a-]"), ["-"]);
        assert_eq!(caught("a-b", "[%a-]+"), ["a-b"]);
        assert_eq!(caught("2024-01-02", "^(%d+)-(%d+)-(%d+)$"), ["2024", "01", "02"]);
        assert_eq!(caught("aXb", "((a)(X))b"), ["aX", "a", "X"]);
        assert_eq!(caught("", ".-"), [""]);
        assert_eq!(find("abc", "^b"), Ok(None));
        assert_eq!(find("abc", "b$"), Ok(None));
        assert_eq!(caught("a$c", "a$c"), ["a$c"]);
    }

    #[test]
    fn what_is_given_back_frees_its_captures() {
        assert_eq!(caught("aab", "(a*)(.)b"), ["a", "a"]);
        assert_eq!(caught("aaab", "(a-)(a?)b"), ["aa", "a"]);
        assert_eq!(find("ab", "(a)(b)?c"), Ok(None));
    }

    #[test]
    fn wrong_patterns_are_refused_in_the_words_of_lua() {
        let wrong = |pattern| match find("abc", pattern) {
            Err(Malformed(text)) => text,
            other => panic!("{pattern}: {other:?}"),
        };
        assert_eq!(wrong("%"), "malformed pattern (ends with '%')");
        assert_eq!(wrong("[a"), "malformed pattern (missing ']')");
        assert_eq!(wrong("[a%"), "malformed pattern (missing ']')");
        assert_eq!(wrong("[]"), "malformed pattern (missing ']')");
        assert_eq!(wrong("%f"), "missing '[' after '%f' in pattern");
        assert_eq!(wrong("%b"), "unbalanced pattern");
        assert_eq!(wrong("a)"), "invalid pattern capture");
        assert_eq!(wrong("%1"), "invalid capture index");
        assert_eq!(wrong("(a%1)"), "invalid capture index");
        assert_eq!(wrong("(a"), "unfinished capture");
        assert_eq!(wrong(&"()".repeat(33)), "too many captures");
    }

    #[test]
    fn a_pattern_that_would_take_for_ever_ends_with_its_budget() {
        let text = vec![b'a'; 30_000];
        let mut matcher = Matcher::new(0, false);
        assert_eq!(matcher.find(&text, b"a-a-a-a-a-a-a-b", &mut 1_000_000), Err(Budget));
    }

    #[test]
    fn a_search_in_slices_finds_the_same() {
        let text = b"aaaaaaaaaaaaaaaaaaaaaaac (x(y)z) key=value";
        for pattern in ["a-a-b", "(a+)c", "%b()", "(%w+)=(%w+)", "a*(a?)(a?)c", ".-=", "(.)%1*c"] {
            let mut whole = Matcher::new(0, false);
            let expected = whole.find(text, pattern.as_bytes(), &mut 1_000_000);
            let mut matcher = Matcher::new(0, false);
            let found = loop {
                match matcher.find(text, pattern.as_bytes(), &mut 3) {
                    Err(Budget) => {}
                    found => break found,
                }
            };
            assert_eq!(found, expected, "{pattern}");
        }
    }

    #[test]
    fn no_bytes_bring_a_match_to_panic() {
        let alphabet = b"a%[]^$().*+-?bf1]x\0";
        let mut seed = 7u64;
        let mut draw = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            alphabet[(seed >> 33) as usize % alphabet.len()]
        };
        for _ in 0..50_000 {
            let pattern: Vec<u8> = (0..8).map(|_| draw()).collect();
            let text: Vec<u8> = (0..12).map(|_| draw()).collect();
            let found = Matcher::new(0, false).find(&text, &pattern, &mut 10_000);
            if let Ok(Some(found)) = found {
                assert!(found.start <= found.end && found.end <= text.len());
            }
        }
    }
}
