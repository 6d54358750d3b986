//! Listpacks against a model and against bytes that Redis 7.0 wrote.

use alloc::vec;
use alloc::vec::Vec;

use super::*;

/// Numbers for tests, the same every time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound
    }

    /// Text of every kind a listpack tells apart.
    pub(crate) fn text(&mut self, longest: usize) -> Vec<u8> {
        match self.below(4) {
            0 => {
                let shift = self.below(64);
                alloc::format!("{}", self.next() as i64 >> shift).into_bytes()
            }
            1 => alloc::format!("{}", self.below(20)).into_bytes(),
            2 => {
                let len = self.below(longest + 1);
                vec![b'a' + self.below(26) as u8; len]
            }
            _ => {
                let len = self.below(20);
                (0..len).map(|_| self.next() as u8).collect()
            }
        }
    }
}

const ROUNDS: usize = if cfg!(miri) { 30 } else { 3000 };

pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex digits"))
        .collect()
}

fn texts<S: Storage>(pack: &Pack<S>) -> Vec<Vec<u8>> {
    pack.iter().map(Element::to_vec).collect()
}

#[test]
fn every_encoding_is_byte_for_byte_that_of_redis() {
    // HSET of these as fields and values, DUMP, without the RDB wrapping.
    let elements = [
        "0",
        "127",
        "128",
        "-1",
        "4095",
        "-4096",
        "4096",
        "-4097",
        "32767",
        "-32768",
        "32768",
        "-32769",
        "8388607",
        "-8388608",
        "8388608",
        "-8388609",
        "2147483647",
        "-2147483648",
        "2147483648",
        "-2147483649",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "01",
        "-0",
        "",
        "12345678901234567890",
        "hello",
    ];
    let dump = unhex(concat!(
        "b70000001c0000017f01c08002dfff02cfff02d00002f1001003f1ffef03f1ff7f03f1008003f200800004f2ff7fff04f2",
        "ffff7f04f200008004f30000800005f3ffff7fff05f3ffffff7f05f30000008005f4000000800000000009f4ffffff7fff",
        "ffffff09f4ffffffffffffff7f09f400000000000000800993393232333337323033363835343737353830381482303103",
        "822d30038001943132333435363738393031323334353637383930158568656c6c6f06ff",
    ));
    let pack: Listpack = elements.iter().map(|text| text.as_bytes()).collect();
    assert_eq!(pack.as_bytes(), dump);
    let pack = RoomyListpack::from_bytes(&dump).expect("Redis wrote it");
    assert_eq!(texts(&pack), elements.map(|text| text.as_bytes().to_vec()));
    assert_eq!(pack.len(), 28);
}

#[test]
fn heads_and_backlens_of_long_strings_are_those_of_redis() {
    for (len, before, after) in [
        (62, "4a0000000200816602be", "3fff"),
        (63, "4b0000000200816602bf", "40ff"),
        (64, "4d0000000200816602e040", "42ff"),
        (125, "8a0000000200816602e07d", "7fff"),
        (126, "8c0000000200816602e07e", "0180ff"),
        (4095, "0d1000000200816602efff", "2081ff"),
        (4096, "111000000200816602f000100000", "2085ff"),
        (16376, "094000000200816602f0f83f0000", "7ffdff"),
        (16377, "0a4000000200816602f0f93f0000", "7ffeff"),
        (16378, "0c4000000200816602f0fa3f0000", "00ffffff"),
        (16379, "0d4000000200816602f0fb3f0000", "018080ff"),
    ] {
        let text = vec![b'x'; len];
        let pack: Listpack = [b"f", &text[..]].into_iter().collect();
        let expected = [unhex(before), text.clone(), unhex(after)].concat();
        assert!(pack.as_bytes() == expected, "string of {len} bytes");
        pack.check();
        assert!(pack.get(-1).is_some_and(|element| element.eq_bytes(&text)));
        assert_eq!(pack.view().prev(pack.last().expect("two elements")), pack.first());
    }
}

fn agrees_with_a_vec<S: Storage>() {
    let mut dice = Dice::new(7);
    let mut pack = Pack::<S>::new();
    let mut model: Vec<Vec<u8>> = Vec::new();
    for round in 0..ROUNDS {
        let text = dice.text(if round % 50 == 0 { 5000 } else { 80 });
        let index = dice.below(model.len().max(1));
        let growing = round / 200 % 2 == 0;
        match (dice.below(if growing { 7 } else { 12 }), pack.seek(index as i64)) {
            (0 | 1, _) => {
                pack.push_back(&text);
                model.push(text);
            }
            (2, _) => {
                pack.push_front(&text);
                model.insert(0, text);
            }
            (3, Some(pos)) => {
                let placed = pack.insert(pos, &text, Side::Before);
                assert_eq!(pack.at(placed), Some(Element::from_text(&text)));
                model.insert(index, text);
            }
            (4, Some(pos)) => {
                let placed = pack.insert(pos, &text, Side::After);
                assert_eq!(pack.at(placed), Some(Element::from_text(&text)));
                model.insert(index + 1, text);
            }
            (5, Some(pos)) => {
                pack.replace(pos, &text);
                model[index] = text;
            }
            (6, Some(pos)) => {
                let value = dice.next() as i64;
                pack.replace_int(pos, value);
                pack.push_back_int(value);
                model[index] = alloc::format!("{value}").into_bytes();
                model.push(model[index].clone());
            }
            (7 | 8, Some(pos)) => {
                let next = pack.remove(pos);
                model.remove(index);
                assert_eq!(
                    next.and_then(|next| pack.at(next)).map(Element::to_vec).as_ref(),
                    model.get(index)
                );
            }
            (9, Some(_)) => {
                let count = dice.below(6);
                let end = (index + count).min(model.len());
                assert_eq!(pack.remove_range(index as i64, count as u32) as usize, end - index);
                model.drain(index..end);
            }
            (10, Some(_)) => {
                let tail = pack.split_off(index as u32);
                tail.check();
                assert_eq!(texts(&tail), model[index..]);
                let head = core::mem::replace(&mut pack, tail);
                pack.concat(head.view());
                model.rotate_left(index);
            }
            (11, Some(_)) => {
                let more: Vec<Vec<u8>> = (0..dice.below(4)).map(|_| dice.text(100)).collect();
                pack.extend(more.iter().map(Vec::as_slice));
                model.extend(more);
            }
            _ => {}
        }
        pack.check();
        assert_eq!(texts(&pack), model);
        let mut backward: Vec<_> = pack.iter().rev().map(Element::to_vec).collect();
        backward.reverse();
        assert_eq!(backward, model);
        if !model.is_empty() {
            let index = dice.below(model.len());
            let found = pack.find(&model[index], 0).expect("it is there");
            let first = model.iter().position(|text| *text == model[index]);
            assert_eq!(Some(found), first.and_then(|first| pack.seek(first as i64)));
            let from_back = pack.get(index as i64 - model.len() as i64).expect("it is there");
            assert!(from_back.eq_bytes(&model[index]) && from_back.len() == model[index].len());
        }
        assert_eq!(pack.clone().as_bytes(), pack.as_bytes());
    }
}

#[test]
fn a_tight_listpack_agrees_with_a_vec() {
    agrees_with_a_vec::<Thin>();
}

#[test]
fn a_roomy_listpack_agrees_with_a_vec() {
    agrees_with_a_vec::<Roomy>();
}

#[test]
fn find_with_skip_looks_at_fields_only() {
    let pack: Listpack =
        [b"a", b"b", b"b", b"7", b"7", b"x"].map(|text: &[u8; 1]| &text[..]).into_iter().collect();
    assert_eq!(pack.find(b"b", 1), pack.seek(2));
    assert_eq!(pack.find(b"7", 1), pack.seek(4));
    assert_eq!(pack.find(b"x", 1), None);
    assert_eq!(pack.find(b"x", 0), pack.seek(5));
    assert_eq!(Listpack::new().find(b"x", 0), None);
}

#[test]
fn numbers_that_redis_would_not_have_stored_as_text_are_found_by_their_bytes() {
    // "7" as a string, which no canonical listpack holds, as an old dump might.
    let pack = Listpack::from_bytes(&[10, 0, 0, 0, 1, 0, 0x81, b'7', 2, END]).expect("sound");
    assert_eq!(pack.find(b"7", 0), pack.first());
}

#[test]
fn past_65534_elements_the_count_is_counted() {
    if cfg!(miri) {
        return;
    }
    let mut pack = Listpack::new();
    for _ in 0..65_600 {
        pack.push_back(b"1");
    }
    assert_eq!(pack.as_bytes()[4..6], [0xFF, 0xFF]);
    pack.check();
    assert_eq!(pack.len(), 65_600);
    assert_eq!(pack.seek(-65_600), pack.first());
    assert_eq!(pack.seek(-65_601), None);
    assert_eq!(pack.seek(65_599), pack.last());
    assert_eq!(pack.seek(65_600), None);
    assert_eq!(pack.remove_range(0, 600), 600);
    assert_eq!(pack.len(), 65_000);
    let roomy = RoomyListpack::from_view(pack.view());
    roomy.check();
    assert_eq!(roomy.len(), 65_000);
}

#[test]
fn any_bytes_are_refused_or_read_without_a_panic() {
    let mut dice = Dice::new(3);
    let mut sound = Listpack::new();
    for _ in 0..12 {
        sound.push_back(&dice.text(200));
    }
    let (mut refused, mut taken) = (0, 0);
    for round in 0..if cfg!(miri) { 40 } else { 30_000 } {
        let mut bytes = if round % 4 == 0 {
            (0..dice.below(40)).map(|_| dice.next() as u8).collect()
        } else {
            sound.as_bytes().to_vec()
        };
        for _ in 0..dice.below(3) + 1 {
            if bytes.len() > 7 {
                let at = dice.below(bytes.len());
                bytes[at] = dice.next() as u8;
            }
        }
        if round % 3 == 0 {
            bytes.truncate(dice.below(bytes.len() + 1));
            let total = (bytes.len() as u32).to_le_bytes();
            if let Some(stated) = bytes.first_chunk_mut() {
                *stated = total;
            }
        }
        match Listpack::from_bytes(&bytes) {
            Err(_) => refused += 1,
            Ok(pack) => {
                taken += 1;
                pack.check();
                assert_eq!(pack.iter().count(), pack.iter().rev().count());
                assert_eq!(pack.find(b"no such text", 0), None);
            }
        }
        // Reading what was never checked may find nonsense, but never panics.
        if bytes.len() > HEADER && bytes.last() == Some(&END) {
            let view = View::trusted(&bytes);
            let _ =
                (view.iter().count(), view.iter().rev().count(), view.len(), view.find(b"a", 1));
            let _ = (view.get(3), view.get(-3), view.last().and_then(|pos| view.prev(pos)));
            for at in 0..bytes.len() as u32 + 3 {
                let _ = (view.at(Pos(at)), view.next(Pos(at)), view.prev(Pos(at)));
            }
        }
    }
    assert!(refused > 0 && taken > 0);
}

#[test]
fn a_lying_length_is_refused() {
    // A string that says it has 4 GB, with a head that would wrap a 32-bit address.
    for bytes in [
        &[13, 0, 0, 0, 1, 0, 0xF0, 0xFF, 0xFF, 0xFF, 0xFF, 9, END][..],
        &[7, 0, 0, 0, 1, 0, END],
        &[8, 0, 0, 0, 0, 0, END],
        &[9, 0, 0, 0, 1, 0, 5, 2, END],
        &[9, 0, 0, 0, 1, 0, 0xF5, 1, END],
        &[8, 0, 0, 0, 0, 0, END, END],
        &[7, 0, 0, 0, 0, 0, 0],
        &[],
    ] {
        assert!(Listpack::from_bytes(bytes).is_err(), "{bytes:?}");
    }
    assert!(Listpack::from_bytes(&[7, 0, 0, 0, 0, 0, END]).is_ok());
    assert!(Listpack::from_bytes(&[7, 0, 0, 0, 0xFF, 0xFF, END]).is_ok_and(|pack| pack.is_empty()));
}

#[test]
fn pushes_and_pops_at_the_front_of_a_roomy_listpack_keep_its_spare_room_bounded() {
    let rounds = if cfg!(miri) { 100 } else { 5000 };
    let mut pack = RoomyListpack::new();
    for _ in 0..rounds {
        pack.push_front(b"element:000000");
        assert!(pack.heap_bytes() < 2 * pack.bytes_len() + 1100);
    }
    for _ in 0..rounds {
        pack.remove(HEADER_POS);
        assert!(pack.heap_bytes() <= 2 * pack.bytes_len() + 1024);
    }
    assert_eq!(pack.as_bytes(), EMPTY);
    pack.push_back(b"x");
    pack.tighten();
    assert_eq!(pack.heap_bytes(), pack.bytes_len());
}

const HEADER_POS: Pos = Pos(HEADER as u32);

#[test]
fn handles_are_small() {
    assert_eq!(size_of::<Option<Listpack>>(), size_of::<usize>());
    assert!(size_of::<RoomyListpack>() <= 32);
}
