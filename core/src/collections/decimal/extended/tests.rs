//! Sums as redis-server 7.0.15 on x86-64 calculates them; each line was asked of one.

use super::*;
use alloc::format;
use alloc::string::String;

fn sum(a: &str, b: &str) -> Option<String> {
    let sum = Extended::parse(a.as_bytes())? + Extended::parse(b.as_bytes())?;
    let mut out = Vec::new();
    sum.is_finite().then(|| sum.write(&mut out))?;
    Some(String::from_utf8(out).expect("ASCII"))
}

#[test]
fn sums_are_those_of_redis() {
    for (a, b, expected) in [
        ("1", "0.1", "1.1"),
        ("10.50", "0.1", "10.6"),
        ("5.0e3", "2.0e2", "5200"),
        ("0x10", "1", "17"),
        ("-1", "1", "0"),
        ("-0.0", "-0.0", "0"),
        ("1e-20", "-2e-20", "0"),
        ("-1e-17", "0", "-0.00000000000000001"),
        ("-1e-18", "0", "0"),
        ("0.000000000000000005", "0", "0"),
        ("0.000000000000000015", "0", "0.00000000000000002"),
        ("1.23456789012345678", "0", "1.23456789012345678"),
        ("17179869184.1", "1", "17179869185.09999999962747097"),
        ("9007199254740993", "0.5", "9007199254740993.5"),
        ("9223372036854775807.75", "0.25", "9223372036854775808"),
        ("9223372036854775808.5", "0", "9223372036854775808"),
        ("0x1p63", "0x1.8p0", "9223372036854775810"),
        ("18446744073709551615", "1", "18446744073709551616"),
        ("18446744073709551616", "1", "18446744073709551616"),
        ("1e18", "0.3", "1000000000000000000.3125"),
        ("1.1", "1e30", "1000000000000000000024696061952"),
    ] {
        assert_eq!(sum(a, b).as_deref(), Some(expected), "{a} + {b}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "thousands of texts, no unsafe code")]
fn short_texts_are_what_they_are_with_an_exponent() {
    let mut state = 7u64;
    for round in 0..20_000 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let digits = format!("{state:022}");
        let len = 1 + round % 21;
        let mut text = String::from(&digits[22 - len..]);
        if round % 3 > 0 {
            text.insert((state >> 40) as usize % (len + 1), '.');
        }
        let short = Extended::parse(text.as_bytes());
        assert!(short.is_some(), "{text}");
        assert_eq!(short, Extended::parse(format!("{text}e0").as_bytes()), "{text}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "thousands of digits, no unsafe code")]
fn a_huge_value_is_printed_in_full() {
    let expected = "99999999999999999997904043907270645545604272645899965746656576352121110809696550\
        17925174550823434258325494910828926450555529786412288666712035321066334680552378134843164227\
        24561045193170016657966730021027251956206046435122461706622608293299577609486216631770757249\
        2155736078549281254514611348362009291784192";
    assert_eq!(sum("1e307", "1").as_deref(), Some(expected));
    assert_eq!(sum("1e4931", "1e4931").expect("finite").len(), 4932);
}

#[test]
#[cfg_attr(miri, ignore = "thousands of digits, no unsafe code")]
fn the_range_ends_where_the_x87_does() {
    assert_eq!(sum("1.18973149535723176502e4932", "0").expect("finite").len(), 4933);
    assert_eq!(sum("1.18973149535723176509e4932", "0"), None);
    assert_eq!(sum("1e4932", "1e4932"), None);
    assert_eq!(sum("1.9e-4951", "0").as_deref(), Some("0"));
    assert_eq!(sum("1.8e-4951", "0"), None);
    assert_eq!(sum("0e99999999999999999999", "0").as_deref(), Some("0"));
    assert_eq!(sum("1e99999999999999999999", "0"), None);
}

#[test]
fn infinity_is_read_but_is_no_sum() {
    for (a, b) in [("inf", "1"), ("1", "-INFINITY"), ("inf", "-inf"), ("0", "inf")] {
        assert!(Extended::parse(a.as_bytes()).is_some());
        assert_eq!(sum(a, b), None);
    }
}

#[test]
#[cfg_attr(miri, ignore = "thousands of digits, no unsafe code")]
fn texts_of_5_kib_are_refused() {
    assert_eq!(sum(&format!("{:0>5119}", 1), "1").as_deref(), Some("2"));
    assert_eq!(sum(&format!("{:0>5120}", 1), "1"), None);
    assert_eq!(sum(&format!("0.{:0>5001}e5001", 1), "1").as_deref(), Some("2"));
}

#[test]
fn refuses_what_redis_refuses() {
    for text in
        ["", " 1", "1 ", "nan", ".", "e5", "1e", "1e+", "0x", "0x.p1", "+-1", "1\0", "1.2.3"]
    {
        assert_eq!(Extended::parse(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "thousands of digits, no unsafe code")]
fn a_double_is_the_same_long_double() {
    for value in [0.0, 1.5, -3.1, 5e-324, f64::MAX, f64::MIN_POSITIVE] {
        // 800 digits are the exact value.
        let text = format!("{value:.800e}");
        assert_eq!(Extended::parse(text.as_bytes()), Some(Extended::from(value)), "{value}");
    }
}

#[test]
fn numbers_are_ordered_by_sign_and_size() {
    let texts = ["-inf", "-2", "-1.5", "-1e-30", "0", "1e-30", "1.5", "2", "1e300", "inf"];
    let numbers = texts.map(|text| Extended::parse(text.as_bytes()).expect("a number"));
    for (i, a) in numbers.iter().enumerate() {
        for (j, b) in numbers.iter().enumerate() {
            assert_eq!(a.order(*b), i.cmp(&j));
        }
    }
    assert_eq!((-Extended::ZERO).order(Extended::ZERO), Ordering::Equal);
    assert!(Extended::MAX.is_finite() && !(Extended::MAX + Extended::MAX).is_finite());
}
