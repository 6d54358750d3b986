//! Glob patterns, as KEYS, SCAN, PSUBSCRIBE and CONFIG GET take them.
//!
//! `*` any bytes, `?` one byte, `[a-z]`, `[^x]` one byte of (not of) a class, `\x` the byte itself.
//! Bytes, not characters. A pattern is never refused: a class that does not end goes on to the end, a
//! range may be written backwards.
//!
//! A pattern with more than [`STARS_MAX`] stars before its last element matches nothing: Redis gives up at
//! that depth, and its own tests hold a server to it.
//!
//! Only the last `*` that was passed is ever tried again, so the work is bounded by the product of
//! both lengths: no pattern of a client's can hang the engine.

/// Runs of stars that have something behind them, beyond which nothing matches.
const STARS_MAX: usize = 1000;

/// Whether the letters of a pattern stand for both cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// A letter stands for itself.
    Exact,
    /// A letter (of ASCII) stands for its other case too.
    Ignored,
}

/// Whether `text` matches `pattern`, letters standing for themselves.
#[inline]
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    matches_in(pattern, text, Case::Exact)
}

/// Whether `text` matches `pattern`.
pub fn matches_in(pattern: &[u8], text: &[u8], case: Case) -> bool {
    // Redis looks at no pattern where there is no text: not even `*` matches the empty string.
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut p, mut t) = (0, 0);
    // Behind the last star, and where in the text what follows it was tried.
    let mut star = None;
    let mut stars = 0;
    loop {
        if t == text.len() {
            return pattern[p..].iter().all(|&byte| byte == b'*');
        }
        match pattern.get(p) {
            Some(b'*') => {
                p += pattern[p..].iter().take_while(|&&byte| byte == b'*').count();
                if p == pattern.len() {
                    return true;
                }
                stars += 1;
                if stars > STARS_MAX {
                    return false;
                }
                star = Some((p, t));
                continue;
            }
            Some(_) => {
                if let Some(next) = step(pattern, p, text[t], case) {
                    p = next;
                    t += 1;
                    continue;
                }
            }
            None => {}
        }
        let Some((behind, tried)) = star else { return false };
        star = Some((behind, tried + 1));
        p = behind;
        t = tried + 1;
    }
}

/// Whether a pattern can match only the text that it is itself.
pub fn is_literal(pattern: &[u8]) -> bool {
    !pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

/// The place behind the element at `p`, which is no star, if it matches `byte`.
#[inline]
fn step(pattern: &[u8], p: usize, byte: u8, case: Case) -> Option<usize> {
    match pattern[p] {
        b'?' => Some(p + 1),
        b'[' => class(pattern, p + 1, byte, case),
        b'\\' if p + 1 < pattern.len() => same(pattern[p + 1], byte, case).then_some(p + 2),
        own => same(own, byte, case).then_some(p + 1),
    }
}

fn class(pattern: &[u8], mut p: usize, byte: u8, case: Case) -> Option<usize> {
    let negated = pattern.get(p) == Some(&b'^');
    p += usize::from(negated);
    let byte = fold(byte, case);
    let mut found = false;
    loop {
        match pattern[p..] {
            [b'\\', own, ..] => {
                found |= same(own, byte, case);
                p += 2;
            }
            [b']', ..] => {
                p += 1;
                break;
            }
            [] => break,
            [from, b'-', to, ..] => {
                let (from, to) = (from.min(to), from.max(to));
                found |= (fold(from, case)..=fold(to, case)).contains(&byte);
                p += 3;
            }
            [own, ..] => {
                found |= same(own, byte, case);
                p += 1;
            }
        }
    }
    (found != negated).then_some(p)
}

#[inline]
fn same(a: u8, b: u8, case: Case) -> bool {
    fold(a, case) == fold(b, case)
}

#[inline]
fn fold(byte: u8, case: Case) -> u8 {
    match case {
        Case::Exact => byte,
        Case::Ignored => byte.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn yes(pattern: &str, text: &str) {
        assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} matches {text}");
    }

    fn no(pattern: &str, text: &str) {
        assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} does not match {text}");
    }

    #[test]
    fn stars_take_any_bytes() {
        yes("*", "a");
        yes("h**o", "ho");
        yes("h*o*", "hello");
        yes("*a*b*c", "xaybzc");
        yes("a**", "a");
        no("*a*b*c", "xaybz");
        no("a*?", "a");
        no("h*", "xh");
    }

    #[test]
    fn nothing_but_the_empty_pattern_matches_the_empty_string() {
        yes("", "");
        no("*", "");
        no("", "a");
    }

    #[test]
    fn a_class_has_ranges_escapes_and_a_negation() {
        yes("h[ae]llo", "hello");
        no("h[ae]llo", "hillo");
        yes("h[^e]llo", "hallo");
        no("h[^e]llo", "hello");
        yes("[z-a]", "m");
        yes("[\\]]", "]");
        // The bracket is the end of a range here, and the class ends with the pattern.
        yes("[a-]", "^");
        no("[a-]", "-");
        yes("[a\\-z]", "-");
        no("[a\\-z]", "b");
    }

    #[test]
    fn a_class_that_does_not_end_goes_on_to_the_end() {
        yes("a[bc", "ac");
        no("a[bc", "a[");
        no("[", "[");
        no("[^", "");
        yes("[^", "x");
        yes("[\\", "\\");
    }

    #[test]
    fn an_escape_takes_the_special_meaning_away() {
        yes("\\*", "*");
        no("\\*", "a");
        yes("a\\", "a\\");
    }

    #[test]
    fn case_counts_unless_it_is_ignored() {
        no("ABC", "abc");
        assert!(matches_in(b"AB[X-Z]", b"aby", Case::Ignored));
        assert!(matches_in(b"a\\Bc", b"ABC", Case::Ignored));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = b"a*".repeat(STARS_MAX);
        let mut pattern_end = pattern.clone();
        pattern_end.push(b'b');
        let text = vec![b'a'; 4000];
        assert!(matches(&pattern, &text));
        assert!(!matches(&pattern_end, &text));
    }

    #[test]
    fn literal_patterns_are_told_from_others() {
        assert!(is_literal(b"maxmemory"));
        assert!(["a*", "a?", "[a]", "\\a"].iter().all(|p| !is_literal(p.as_bytes())));
    }

    #[test]
    fn a_pattern_of_too_many_stars_matches_nothing() {
        let text = [b'a'; 3000];
        assert!(matches(&b"*?".repeat(1000), &text));
        assert!(matches(&[&b"*?".repeat(1000)[..], b"*"].concat(), &text));
        assert!(!matches(&b"*?".repeat(1001), &text));
        assert!(!matches(&b"*?".repeat(50_000), &text));
    }
}
