//! `table`: lists.

use super::super::Lua;
use super::super::native::{Answer, Call, Flow, NativeFn, Raised, Results};
use super::super::number::write_number;
use super::super::value::{TableId, Value};

const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("concat", concat),
    ("foreach", foreach),
    ("foreachi", foreachi),
    ("getn", getn),
    ("insert", insert),
    ("maxn", maxn),
    ("remove", remove),
    ("setn", setn),
    ("sort", sort),
];

/// Puts the library into the globals.
pub fn open(lua: &mut Lua) {
    lua.library("table", FUNCTIONS);
}

fn border(call: &Call<'_>, table: TableId) -> i64 {
    call.heap().table_at(table).border() as i64
}

fn item(call: &Call<'_>, table: TableId, index: i64) -> Value {
    call.raw_get(table, index as f64)
}

fn set_item(call: &mut Call<'_>, table: TableId, index: i64, value: Value) -> Result<(), Raised> {
    call.raw_set(table, index as f64, value)
}

fn concat(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let separator = call.opt_str(2)?;
    let table = call.check_table(1)?;
    let first = i64::from(call.opt_integer(3, 1)? as i32);
    let last = if call.is_none_or_nil(4) {
        border(call, table)
    } else {
        i64::from(call.check_integer(4)? as i32)
    };
    let room = call.heap().room();
    let mut buffer = call.take_buffer();
    for index in first..=last {
        match item(call, table, index) {
            Value::Str(text) => buffer.extend_from_slice(call.bytes(text)),
            Value::Num(number) => write_number(number, &mut buffer),
            other => {
                call.return_buffer(buffer);
                let mut number = alloc::vec::Vec::new();
                write_number(index as f64, &mut number);
                let kind = other.type_name().as_bytes();
                return Err(call.error_parts(&[
                    b"invalid value (",
                    kind,
                    b") at index ",
                    &number,
                    b" in table for 'concat'",
                ]));
            }
        }
        if let Some(separator) = separator
            && index != last
        {
            buffer.extend_from_slice(call.bytes(separator));
        }
        if buffer.len() > room {
            return Err(call
                .reserve(usize::MAX)
                .err()
                .unwrap_or_else(|| call.error("not enough memory")));
        }
    }
    call.pay((last - first).max(0) as usize / 2);
    let text = call.string(&buffer)?;
    call.return_buffer(buffer);
    call.give(text)
}

/// Slots: the table, the function, the key. `next` goes on from the key.
fn foreach(call: &mut Call<'_>) -> Result<Flow, Raised> {
    if call.state() == 0 {
        call.check_table(1)?;
        call.check_function(2)?;
        call.set_len(3);
        call.set(3, Value::Nil);
    } else {
        let answer = call.pop();
        if !answer.is_nil() {
            return call.give(answer);
        }
    }
    let (table, function, key) = (call.check_table(1)?, call.arg(2), call.arg(3));
    match call.lua.heap.tables[table.0].next(key) {
        Ok(Some((key, value))) => {
            call.set(3, key);
            call.push(function);
            call.push(key);
            call.push(value);
            Ok(call.call(2, Results::Exactly(1), 1))
        }
        Ok(None) => call.give_nothing(),
        Err(_) => {
            let text = call.string(b"invalid key to 'next'")?;
            Err(call.raise(text))
        }
    }
}

/// Slots: the table, the function, the index, the length.
fn foreachi(call: &mut Call<'_>) -> Result<Flow, Raised> {
    if call.state() == 0 {
        let table = call.check_table(1)?;
        let len = border(call, table);
        call.check_function(2)?;
        call.set_len(2);
        call.push(0.0);
        call.push(len as f64);
    } else {
        let answer = call.pop();
        if !answer.is_nil() {
            return call.give(answer);
        }
    }
    let (table, function) = (call.check_table(1)?, call.arg(2));
    let (Value::Num(index), Value::Num(len)) = (call.arg(3), call.arg(4)) else {
        return call.give_nothing();
    };
    let index = index + 1.0;
    if index > len {
        return call.give_nothing();
    }
    call.set(3, Value::Num(index));
    let value = call.raw_get(table, index);
    call.push(function);
    call.push(index);
    call.push(value);
    Ok(call.call(2, Results::Exactly(1), 1))
}

fn getn(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let table = call.check_table(1)?;
    let len = border(call, table);
    call.give(len as f64)
}

fn setn(call: &mut Call<'_>) -> Result<Flow, Raised> {
    call.check_table(1)?;
    Err(call.error("'setn' is obsolete"))
}

fn maxn(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let table = call.check_table(1)?;
    let table = call.heap().table_at(table);
    let mut max = 0.0;
    let listed = table.array.iter().rposition(|value| !value.is_nil());
    if let Some(index) = listed {
        max = (index + 1) as f64;
    }
    for node in &table.nodes {
        if let Value::Num(key) = node.key
            && !node.value.is_nil()
            && key > max
        {
            max = key;
        }
    }
    let cost = (table.array.len() + table.nodes.len()) / 8;
    call.pay(cost);
    call.give(max)
}

fn insert(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let table = call.check_table(1)?;
    let mut end = border(call, table) + 1;
    if call.lua.heap.tables[table.0].read_only {
        return Err(call.error("Attempt to modify a readonly table"));
    }
    let position = match call.len() {
        2 => end,
        3 => {
            let position = i64::from(call.check_integer(2)? as i32);
            end = end.max(position);
            // One call may move a long list; it is paid for.
            call.pay((end - position).max(0) as usize / 2);
            let mut index = end;
            while index > position {
                let value = item(call, table, index - 1);
                set_item(call, table, index, value)?;
                index -= 1;
            }
            position
        }
        _ => return Err(call.error("wrong number of arguments to 'insert'")),
    };
    let value = call.last();
    set_item(call, table, position, value)?;
    call.give_nothing()
}

fn remove(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let table = call.check_table(1)?;
    let end = border(call, table);
    if call.lua.heap.tables[table.0].read_only {
        return Err(call.error("Attempt to modify a readonly table"));
    }
    let position = i64::from(call.opt_integer(2, end)? as i32);
    if !(1..=end).contains(&position) {
        return call.give_nothing();
    }
    let removed = item(call, table, position);
    call.pay((end - position) as usize / 2);
    for index in position..end {
        let value = item(call, table, index + 1);
        set_item(call, table, index, value)?;
    }
    set_item(call, table, end, Value::Nil)?;
    call.give(removed)
}

/// Where a sort is. The parts still to be sorted wait in a list of their own.
struct Sort {
    /// The part in work.
    low: i64,
    high: i64,
    /// The scan from below and the scan from above.
    up: i64,
    down: i64,
    stage: Stage,
    waiting: alloc::vec::Vec<(i64, i64)>,
}

/// What the next comparison is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    /// Is the last less than the first?
    Ends,
    /// Is the middle less than the first?
    Middle,
    /// Is the last less than the middle?
    Last,
    /// Is the next from below less than the pivot?
    Up,
    /// Is the pivot less than the next from above?
    Down,
}

const TABLE: usize = 1;
const LESS: usize = 2;
const PIVOT: usize = 3;
/// The two values that are being compared.
const ONE: usize = 4;
const TWO: usize = 5;

/// Quicksort with the median of three; every comparison in PUC Lua's order, since functions that
/// compare see it, and what they do not tell apart ends where it ends there.
///
/// A comparison by a function leaves this native and comes back.
fn sort(call: &mut Call<'_>) -> Result<Flow, Raised> {
    const COMPARED: u32 = 1;
    const PAUSED: u32 = 2;
    let mut answer = None;
    let mut sort = match call.state() {
        0 => {
            let table = call.check_table(1)?;
            let len = border(call, table);
            if !call.is_none_or_nil(2) {
                call.check_function(2)?;
            }
            call.set_len(2);
            call.set_len(TWO);
            alloc::boxed::Box::new(Sort {
                low: 1,
                high: len,
                up: 0,
                down: 0,
                stage: Stage::Begin,
                waiting: alloc::vec::Vec::new(),
            })
        }
        state => {
            if state == COMPARED {
                answer = Some(call.pop().is_true());
            }
            let Some(sort) = call.take_kept::<Sort>() else { return call.give_nothing() };
            sort
        }
    };
    let table = call.check_table(TABLE)?;
    let function = call.arg(LESS);
    loop {
        if sort.stage == Stage::Begin {
            if sort.low >= sort.high {
                let Some((low, high)) = sort.waiting.pop() else { return call.give_nothing() };
                (sort.low, sort.high) = (low, high);
                continue;
            }
            read(call, table, sort.low, sort.high);
            sort.stage = Stage::Ends;
        }
        let Some(less) = answer.take() else {
            // ONE < TWO for the second stage and the scan from below, else TWO < ONE.
            let (one, two) = (call.arg(ONE), call.arg(TWO));
            let swapped = !matches!(sort.stage, Stage::Middle | Stage::Up);
            let (one, two) = if swapped { (two, one) } else { (one, two) };
            // Asked before it pays, so that every slice makes some way.
            if !call.pay(0) {
                call.keep_boxed(sort);
                return Ok(Flow::Pause(PAUSED));
            }
            call.pay(2);
            let (handler, one, two) = if function.is_nil() {
                match call.less(one, two)? {
                    Answer::Known(less) => {
                        answer = Some(less);
                        continue;
                    }
                    Answer::Call(handler, one, two) => (handler, one, two),
                }
            } else {
                (function, one, two)
            };
            call.keep_boxed(sort);
            call.push(handler);
            call.push(one);
            call.push(two);
            return Ok(call.call(2, Results::Exactly(1), COMPARED));
        };
        advance(call, table, &mut sort, less)?;
    }
}

/// Reads two items to be compared.
fn read(call: &mut Call<'_>, table: TableId, one: i64, two: i64) {
    let (one, two) = (item(call, table, one), item(call, table, two));
    call.set(ONE, one);
    call.set(TWO, two);
}

/// Stores the two items, the second in the first's place.
fn swap(call: &mut Call<'_>, table: TableId, one: i64, two: i64) -> Result<(), Raised> {
    let (first, second) = (call.arg(ONE), call.arg(TWO));
    set_item(call, table, one, second)?;
    set_item(call, table, two, first)
}

/// What follows from a comparison, up to the next one.
fn advance(call: &mut Call<'_>, table: TableId, sort: &mut Sort, less: bool) -> Result<(), Raised> {
    let middle = (sort.low + sort.high) / 2;
    match sort.stage {
        Stage::Begin => {}
        Stage::Ends => {
            if less {
                swap(call, table, sort.low, sort.high)?;
            }
            if sort.high - sort.low == 1 {
                return finish_part(sort);
            }
            read(call, table, middle, sort.low);
            sort.stage = Stage::Middle;
        }
        Stage::Middle => {
            if less {
                swap(call, table, middle, sort.low)?;
                return partition(call, table, sort);
            }
            read(call, table, middle, sort.high);
            sort.stage = Stage::Last;
        }
        Stage::Last => {
            if less {
                swap(call, table, middle, sort.high)?;
            }
            return partition(call, table, sort);
        }
        Stage::Up => {
            if less {
                if sort.up > sort.high {
                    return Err(call.error("invalid order function for sorting"));
                }
                scan_up(call, table, sort);
            } else {
                // The item from below waits in the slot of the first.
                scan_down(call, table, sort);
            }
        }
        Stage::Down => {
            if less {
                if sort.down < sort.low {
                    return Err(call.error("invalid order function for sorting"));
                }
                scan_down(call, table, sort);
            } else if sort.down < sort.up {
                read(call, table, sort.high - 1, sort.up);
                swap(call, table, sort.high - 1, sort.up)?;
                return split(sort);
            } else {
                let (from_above, from_below) = (call.arg(ONE), item(call, table, sort.up));
                set_item(call, table, sort.up, from_above)?;
                set_item(call, table, sort.down, from_below)?;
                scan_up(call, table, sort);
            }
        }
    }
    Ok(())
}

/// The three are in order: the middle one is the pivot.
fn partition(call: &mut Call<'_>, table: TableId, sort: &mut Sort) -> Result<(), Raised> {
    if sort.high - sort.low == 2 {
        return finish_part(sort);
    }
    let middle = (sort.low + sort.high) / 2;
    read(call, table, middle, sort.high - 1);
    let pivot = call.arg(ONE);
    call.set(PIVOT, pivot);
    swap(call, table, middle, sort.high - 1)?;
    (sort.up, sort.down) = (sort.low, sort.high - 1);
    scan_up(call, table, sort);
    Ok(())
}

fn scan_up(call: &mut Call<'_>, table: TableId, sort: &mut Sort) {
    sort.up += 1;
    let (value, pivot) = (item(call, table, sort.up), call.arg(PIVOT));
    call.set(ONE, value);
    call.set(TWO, pivot);
    sort.stage = Stage::Up;
}

fn scan_down(call: &mut Call<'_>, table: TableId, sort: &mut Sort) {
    sort.down -= 1;
    let (value, pivot) = (item(call, table, sort.down), call.arg(PIVOT));
    call.set(ONE, value);
    call.set(TWO, pivot);
    sort.stage = Stage::Down;
}

fn finish_part(sort: &mut Sort) -> Result<(), Raised> {
    (sort.low, sort.high) = (0, 0);
    sort.stage = Stage::Begin;
    Ok(())
}

/// The pivot is in its place: the smaller part first, the other waits.
fn split(sort: &mut Sort) -> Result<(), Raised> {
    let (low, pivot, high) = (sort.low, sort.up, sort.high);
    let (small, large) = if pivot - low < high - pivot {
        ((low, pivot - 1), (pivot + 1, high))
    } else {
        ((pivot + 1, high), (low, pivot - 1))
    };
    sort.waiting.push(large);
    (sort.low, sort.high) = small;
    sort.stage = Stage::Begin;
    Ok(())
}
