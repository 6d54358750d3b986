//! RDB from outside: payloads and files that were sound once, with changes drawn by the bytes.
//!
//! A checksum is made anew after the changes, so that what is behind it gets looked at.

use redstart_core::persist::rdb::crc64::Crc64;
use redstart_core::persist::rdb::data_set::Loaded;
use redstart_core::persist::rdb::loader::{Item, LoadError, Loader};

use super::{Bytes, Session};
use crate::chance::Chance;
use crate::resp::{self, Value};

/// What makes keys of every type and encoding, small as they are.
const WORDS: &[&str] = &[
    "CONFIG SET hash-max-listpack-entries 6 zset-max-listpack-entries 6 set-max-intset-entries 6 \
     list-max-listpack-size 3 set-max-listpack-entries 6",
    "SET str:1 hello",
    "SET str:2 12345",
    "SET str:3 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "SET str:4 1234567890123 PX 100000",
    "RPUSH list:1 a 1 -500 some-longer-text-that-repeats-text-that-repeats 70000",
    "RPUSH list:2 a b",
    "SADD set:1 1 2 3 -70000",
    "SADD set:2 a b 3",
    "SADD set:3 a b c d e f g h",
    "HSET hash:1 f v g 12 h -3",
    "HSET hash:2 a 1 b 2 c 3 d 4 e 5 f 6 g 7",
    "HSET hash:3 f v g w h x",
    "HPEXPIRE hash:3 100000 FIELDS 2 f g",
    "HSET hash:4 a 1 b 2 c 3 d 4 e 5 f 6 g 7",
    "HPEXPIRE hash:4 100000 FIELDS 2 c d",
    "ZADD zset:1 1 a 2.5 b -inf c 1e30 d",
    "ZADD zset:2 1 a 2 b 3 c 4 d 5 e 6 f 7.25 g",
    "XADD stream:1 1-1 a 1 b 2",
    "XADD stream:1 1-5 a 3 b 4",
    "XADD stream:1 2-1 other field",
    "XDEL stream:1 1-5",
    "XGROUP CREATE stream:1 g 0",
    "XREADGROUP GROUP g alice COUNT 1 STREAMS stream:1 >",
];

/// What reads and changes every part of a value, whatever its type.
const SHAKES: &[&str] = &[
    "TYPE k",
    "OBJECT ENCODING k",
    "DUMP k",
    "MEMORY USAGE k",
    "GET k",
    "LRANGE k 0 -1",
    "LPOS k a",
    "LINSERT k BEFORE a new",
    "LSET k 0 x",
    "RPOP k",
    "LPUSH k y",
    "SMEMBERS k",
    "SADD k 5 z",
    "SREM k a 1",
    "SISMEMBER k 2",
    "HGETALL k",
    "HSET k a 9 new value",
    "HDEL k f a",
    "HPTTL k FIELDS 1 f",
    "ZRANGE k 0 -1 WITHSCORES",
    "ZADD k 2 new 3 a",
    "ZRANK k a",
    "ZREM k b",
    "ZPOPMIN k",
    "XRANGE k - +",
    "XREVRANGE k + -",
    "XINFO STREAM k FULL",
    "XADD k * f v",
    "XDEL k 1-1",
    "XTRIM k MAXLEN 1",
    "XREADGROUP GROUP g bob STREAMS k >",
    "XACK k g 1-1",
    "COPY k copy REPLACE",
    "APPEND k tail",
    "DUMP k",
];

impl Session {
    fn say(&mut self, command: &str) {
        let words: Vec<Vec<u8>> =
            command.split_whitespace().map(|word| word.as_bytes().to_vec()).collect();
        self.receive(&resp::command(&words));
    }

    /// The reply of one command.
    fn ask(&mut self, args: &[&[u8]]) -> Value {
        let before = self.replies.len();
        let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.to_vec()).collect();
        self.receive(&resp::command(&args));
        let decoded = resp::decode(&self.replies[before..]).expect("a reply is RESP");
        decoded.expect("every command has a reply").0
    }

    fn filled() -> Self {
        let mut session = Self::new();
        WORDS.iter().for_each(|command| session.say(command));
        session
    }
}

/// Changes bytes as the rest of `choices` says: a bit, a byte, a cut, a copy, a length that claims much.
fn change(bytes: &mut Vec<u8>, choices: &mut Bytes<'_>) {
    while let Some(choice) = choices.next() {
        let place = usize::from(choices.next().unwrap_or_default()) << 8
            | usize::from(choices.next().unwrap_or_default());
        if bytes.is_empty() {
            return;
        }
        let at = place % bytes.len();
        let value = choices.next().unwrap_or_default();
        match choice % 8 {
            0 | 1 => bytes[at] ^= 1 << (value % 8),
            2 => bytes[at] = value,
            3 => bytes[at] = bytes[at].wrapping_add(1),
            4 => bytes.truncate(at),
            5 => {
                bytes.insert(at, value);
            }
            6 => {
                bytes.remove(at);
            }
            _ => {
                let claim: &[u8] = match value % 4 {
                    0 => &[0x80, 0x7f, 0xff, 0xff, 0xff],
                    1 => &[0x81, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff],
                    2 => &[0xff, 0xff, 0xff, 0xff],
                    _ => &[0x7f, 0xff],
                };
                bytes.splice(at..at + 1, claim.iter().copied());
            }
        }
    }
}

/// A payload with changes is refused, or is a value that every command can deal with.
pub(super) fn payload(data: &[u8]) {
    let mut choices = Bytes(data);
    let mut session = Session::filled();
    let Value::Array(mut keys) = session.ask(&[b"KEYS", b"*"]) else { panic!("KEYS gives a list") };
    keys.sort_by_key(Value::compact);
    let which = usize::from(choices.next().unwrap_or_default()) % keys.len();
    let Value::Bulk(key) = &keys[which] else { panic!("keys are texts") };
    let Value::Bulk(mut payload) = session.ask(&[b"DUMP", key]) else { panic!("the key is there") };
    payload.truncate(payload.len() - 10);
    // At times only the first byte changes: the bytes of one type read as another.
    let other = choices.next().unwrap_or_default();
    if other % 4 == 0 {
        payload[0] = (other / 4) % 27;
    }
    change(&mut payload, &mut choices);
    let version = [10, 12, 80, 6][usize::from(other >> 6)];
    payload.extend_from_slice(&[version, 0]);
    payload.extend_from_slice(&Crc64::of(&payload).to_le_bytes());
    if session.ask(&[b"RESTORE", b"k", b"0", &payload]) == Value::Status(b"OK".to_vec()) {
        let mut chance = Chance::new(u64::from(other) << 8 | data.len() as u64);
        for _ in 0..20 {
            session.say(SHAKES[chance.below(SHAKES.len())]);
        }
        session.engine.reload(session.now).expect("its own file is sound");
        assert_eq!(session.ask(&[b"PING"]), Value::Status(b"PONG".to_vec()));
    }
    session.end();
}

/// A file with changes is refused, or loaded the same however it is cut.
pub(super) fn file(data: &[u8]) {
    let mut choices = Bytes(data);
    let mut session = Session::filled();
    let mut bytes = session.engine.dump_rdb(session.now);
    bytes.truncate(bytes.len() - 8);
    let size = usize::from(choices.next().unwrap_or_default()) + 1;
    let summed = choices.next().unwrap_or_default() % 4 > 0;
    change(&mut bytes, &mut choices);
    let crc = if summed { Crc64::of(&bytes) } else { 0 };
    bytes.extend_from_slice(&crc.to_le_bytes());
    let mut whole = Session::new();
    let loaded: Result<Loaded, LoadError> = whole.engine.load_rdb(whole.now, &bytes);
    let tuning =
        redstart_core::value::Tuning::new(redstart_core::collections::hash::HashSeed::new([3; 4]));
    let mut loader = Loader::default();
    let mut keys = 0;
    let mut visit = |item: Item<'_>| {
        match item {
            Item::Key(_) => keys += 1,
            Item::Database(number) if number > 15 => return Err("too many".into()),
            _ => {}
        }
        Ok(())
    };
    let pieces = bytes.chunks(size);
    let mut pushed = Ok(false);
    for piece in pieces {
        pushed = loader.push(piece, &tuning, &mut visit);
        if !matches!(pushed, Ok(false)) {
            break;
        }
    }
    let pushed = pushed.and_then(|_| loader.finish(&tuning, &mut visit));
    match (&loaded, &pushed) {
        (Ok(loaded), Ok(())) => assert_eq!(loaded.keys + loaded.expired, keys),
        // The same key twice is what only a store knows.
        (Err(whole), Ok(())) => assert!(whole.reason.contains("twice"), "{whole}"),
        (Err(whole), Err(pieces)) => {
            assert!(whole == pieces || whole.offset <= pieces.offset, "{whole}, {pieces}");
        }
        (Ok(_), Err(pieces)) => panic!("in pieces {pieces}, as a whole nothing"),
    }
    whole.engine.reload(whole.now).expect("its own file is sound");
    whole.end();
}
