//! The keys of a request, with what happens to them: from the key specs, and from the few commands whose
//! specs cannot say it all.

use super::keys::{KeyFlags, KeySpec};
use super::{Args, Command};
use alloc::vec::Vec;

/// The places of the keys among `args`; `None` if the arguments do not fit.
pub fn keys(command: &Command, args: Args<'_>) -> Option<Vec<(usize, KeyFlags)>> {
    match command.name {
        "set" => return Some([(1, set_flags(args))].into()),
        "bitfield" => return Some([(1, bitfield_flags(args))].into()),
        "sort" | "sort_ro" => return Some(sort_keys(args)),
        _ => {}
    }
    let mut found = Vec::new();
    for spec in command.keys {
        let mut places = Vec::new();
        if !spec.places(args, &mut places) {
            // EVAL and its like may well have no keys.
            return no_keys_given(spec, args).then(Vec::new);
        }
        found.extend(places.into_iter().map(|place| (place, spec.flags)));
    }
    Some(found)
}

fn no_keys_given(spec: &KeySpec, args: Args<'_>) -> bool {
    use super::keys::{Begin, Find};
    match (spec.begin, spec.find) {
        (Begin::Index(index), Find::KeyNum { number, .. }) => {
            args.int((index + number) as usize).is_ok_and(|count| count == 0)
        }
        _ => false,
    }
}

fn set_flags(args: Args<'_>) -> KeyFlags {
    // With GET the old value is told, and a condition tells something of it.
    const READERS: [&str; 5] = ["get", "ifeq", "ifne", "ifdeq", "ifdne"];
    if (3..args.len()).any(|index| READERS.iter().any(|word| args.is(index, word))) {
        KeyFlags::RW | KeyFlags::ACCESS | KeyFlags::UPDATE
    } else {
        KeyFlags::OW | KeyFlags::UPDATE
    }
}

fn bitfield_flags(args: Args<'_>) -> KeyFlags {
    if (2..args.len()).any(|index| args.is(index, "set") || args.is(index, "incrby")) {
        KeyFlags::RW | KeyFlags::ACCESS | KeyFlags::UPDATE
    } else {
        KeyFlags::RO | KeyFlags::ACCESS
    }
}

/// The key, and the last of those behind STORE.
fn sort_keys(args: Args<'_>) -> Vec<(usize, KeyFlags)> {
    let mut store = None;
    let mut index = 2;
    while index < args.len() {
        if args.is(index, "limit") {
            index += 2;
        } else if args.is(index, "get") || args.is(index, "by") {
            index += 1;
        } else if args.is(index, "store") && index + 1 < args.len() {
            index += 1;
            store = Some((index, KeyFlags::OW | KeyFlags::UPDATE));
        }
        index += 1;
    }
    let key = (1, KeyFlags::RO | KeyFlags::ACCESS);
    core::iter::once(key).chain(store).collect()
}
