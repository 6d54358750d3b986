//! What is true of all who write a cut.

use super::aof;
use super::rdb::background::Background;
use super::rdb::save::Format;
use super::rdb::snapshot::{Options, Origin};
use crate::collections::hash::HashSeed;
use crate::collections::ordered::steps;
use crate::store::cut::{CutDb, Scribe};
use crate::store::{Entry, access::AccessClock};
use crate::value::stream::Id;
use crate::value::{Stream, Tuning};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

const SEED: HashSeed = HashSeed::new([1, 2, 3, 4]);

fn scribes() -> [Box<dyn Scribe>; 2] {
    let format = Format::of_version(10, &Tuning::new(SEED));
    let options = Options { format, compress: false, checksum: true, access: false };
    let origin =
        Origin { redis_version: "7.0.15", unix_s: 1_700_000_000, used_memory: 1, aof_base: false };
    let beginning = aof::Beginning { seed: SEED, stamp_s: None, libraries: &[] };
    [Box::new(Background::new(options, origin, &[])), aof::scribe(&beginning)]
}

/// A stream of `many` groups with a consumer each, and of one with as many consumers, of whom each has got
/// an entry.
fn stream(many: u64) -> Stream {
    let mut stream = Stream::default();
    for number in 0..many {
        let name = format!("group{number}");
        let group = stream.groups_mut().create(name.as_bytes(), Id::MIN, None);
        group.expect("it is new").create_consumer(b"me", 1);
    }
    let crowd = stream.groups_mut().create(b"crowd", Id::MIN, None).expect("it is new");
    for number in 0..many {
        let name = format!("consumer{number}");
        let consumer = crowd.create_consumer(name.as_bytes(), 1).expect("it is new");
        crowd.deliver(Id::new(number + 1, 0), consumer, 1);
    }
    stream
}

#[test]
fn a_stream_of_many_groups_and_consumers_is_written_in_as_many_steps() {
    let many = if cfg!(miri) { 50 } else { 3000 };
    let entry = Entry::object(b"stream", stream(many));
    let db = CutDb { index: 0, keys: 1, volatile: 0 };
    for mut scribe in scribes() {
        let (before, mut parts) = (steps::taken(), 0);
        while !scribe.part(&db, &entry, &AccessClock::default(), 100) {
            parts += 1;
        }
        assert!(parts > many / 2, "{parts} parts");
        let taken = steps::taken() - before;
        assert!(taken < 20 * many, "{taken} steps for {many} groups and as many consumers");
        let mut file = Vec::new();
        scribe.hand_out(&mut file, usize::MAX);
        let times = |text: &str| file.windows(text.len()).filter(|w| *w == text.as_bytes()).count();
        assert!(times("consumer") as u64 >= many, "all of them are there");
    }
}
