//! Tables: an array part and nodes.
//!
//! Where a key goes is PUC Lua's algorithm, step by step, because scripts see its outcome in the
//! order of `pairs` and in the border that `#` finds. Keys 1..=n with more than half of the places
//! in use live in the array. The others are chained scatter with Brent's variation: a node that
//! collides with one that is not in its main position takes that place, else it goes to the last
//! free node. When no node is free, both parts get the sizes that fit all keys.

use super::heap::{Mark, cost};
use super::value::{
    FunctionId, Str, TableId, ThreadId, UserId,
    Value::{self, Nil},
    exact_i32,
};
use alloc::{boxed::Box, vec, vec::Vec};

const NONE: u32 = u32::MAX;
/// The array has at most two to this many places.
const MAX_BITS: usize = 26;
/// What a table costs besides its parts.
pub(super) const OVERHEAD: usize = cost::TABLE + 8;

#[derive(Clone, Copy)]
pub(super) struct Node {
    pub(super) key: Value,
    pub(super) value: Value,
    next: u32,
}

const EMPTY: Node = Node { key: Nil, value: Nil, next: NONE };

/// An associative array, the only structure that Lua has.
pub struct Table {
    pub(super) array: Box<[Value]>,
    /// Two to some power, or none.
    pub(super) nodes: Box<[Node]>,
    pub(super) meta: Option<TableId>,
    /// No node from here on is free.
    last_free: u32,
    pub(super) mark: Mark,
    /// A bit for each metamethod that this table, as a metatable, is known to lack.
    pub(super) absent: u8,
    /// Set by a host: the table refuses writes.
    pub(super) read_only: bool,
}

/// Why a key was not inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// `nil` is no key.
    NilKey,
    /// NaN is no key.
    NanKey,
    /// The table would outgrow the memory that is left.
    Memory,
}

/// The key given to `next` is not in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadKey;

impl Default for Table {
    fn default() -> Self {
        Self {
            array: Box::default(),
            nodes: Box::default(),
            meta: None,
            last_free: 0,
            mark: Mark::Free,
            absent: 0,
            read_only: false,
        }
    }
}

impl Table {
    /// Whether scripts cannot change it.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Memory that the parts take.
    pub(super) fn parts_size(&self) -> usize {
        self.array.len() * size_of::<Value>() + self.nodes.len() * size_of::<Node>()
    }

    /// What `key` stands for, without metamethods.
    #[inline]
    #[must_use]
    pub fn get(&self, key: Value) -> Value {
        *match key {
            Value::Str(key) => self.at_str(key),
            Value::Num(number) => self.at_number(number),
            Nil => &Nil,
            _ => self.at(key),
        }
    }

    /// As [`get`](Self::get) for what is no string; without a copy, for the interpreter.
    pub(super) fn at(&self, key: Value) -> &Value {
        self.find(key).map_or(&Nil, |at| &self.nodes[at].value)
    }

    /// As [`at`](Self::at) for any number.
    #[inline(always)]
    pub(super) fn at_number(&self, number: f64) -> &Value {
        match exact_i32(number) {
            Some(int) => self.at_int(int),
            None => self.at(Value::Num(number)),
        }
    }

    /// As [`get`](Self::get) for a string.
    #[inline(always)]
    #[must_use]
    pub fn get_str(&self, key: Str) -> Value {
        *self.at_str(key)
    }

    /// As [`at`](Self::at) for a string.
    #[inline(always)]
    pub(super) fn at_str(&self, key: Str) -> &Value {
        let mut at = key.hash as usize & self.nodes.len().wrapping_sub(1);
        while let Some(node) = self.nodes.get(at) {
            if let Value::Str(found) = node.key
                && found.id == key.id
            {
                return &node.value;
            }
            at = node.next as usize;
        }
        &Nil
    }

    /// The place of a string that is a key already.
    #[inline(always)]
    pub(super) fn slot_str(&mut self, key: Str) -> Option<&mut Value> {
        let mut at = key.hash as usize & self.nodes.len().wrapping_sub(1);
        while let Some(node) = self.nodes.get(at) {
            if let Value::Str(found) = node.key
                && found.id == key.id
            {
                return Some(&mut self.nodes[at].value);
            }
            at = node.next as usize;
        }
        None
    }

    /// As [`get`](Self::get) for a whole number.
    #[inline(always)]
    #[must_use]
    pub fn get_int(&self, key: i32) -> Value {
        *self.at_int(key)
    }

    /// As [`at`](Self::at) for a whole number.
    #[inline(always)]
    pub(super) fn at_int(&self, key: i32) -> &Value {
        match self.array.get((key as u32).wrapping_sub(1) as usize) {
            Some(value) => value,
            None if self.nodes.is_empty() => &Nil,
            None => self.at(Value::Num(f64::from(key))),
        }
    }

    /// As [`slot`](Self::slot) for a number.
    #[inline(always)]
    pub(super) fn slot_number(&mut self, number: f64) -> Option<&mut Value> {
        if let Some(int) = exact_i32(number)
            && let index = (int as u32).wrapping_sub(1) as usize
            && index < self.array.len()
        {
            return Some(&mut self.array[index]);
        }
        self.find(Value::Num(number)).map(|at| &mut self.nodes[at].value)
    }

    /// The place of a key that is there already; its value may be `nil`.
    pub(super) fn slot(&mut self, key: Value) -> Option<&mut Value> {
        if let Value::Num(number) = key
            && let Some(int) = exact_i32(number)
            && let index = (int as u32).wrapping_sub(1) as usize
            && index < self.array.len()
        {
            return Some(&mut self.array[index]);
        }
        self.find(key).map(|at| &mut self.nodes[at].value)
    }

    /// The node of a key that is not in the array.
    #[inline(never)]
    fn find(&self, key: Value) -> Option<usize> {
        if self.nodes.is_empty() {
            return None;
        }
        let mut at = self.main_position(key);
        while let Some(node) = self.nodes.get(at) {
            if node.key.raw_equals(key) {
                return Some(at);
            }
            at = node.next as usize;
        }
        None
    }

    /// The node in which a key belongs. There must be nodes.
    fn main_position(&self, key: Value) -> usize {
        let size = self.nodes.len() as u32;
        let odd = (size - 1) | 1;
        (match key {
            Value::Str(key) => key.hash & (size - 1),
            Value::Num(0.0) => 0,
            Value::Num(number) => {
                let bits = number.to_bits();
                (bits as u32).wrapping_add((bits >> 32) as u32) % odd
            }
            Value::Bool(key) => u32::from(key) & (size - 1),
            Value::Table(TableId(id))
            | Value::Function(FunctionId(id))
            | Value::Thread(ThreadId(id))
            | Value::User(UserId(id))
            | Value::Light(id) => id.wrapping_mul(16) % odd,
            Nil | Value::Dead(_) => 0,
        }) as usize
    }

    /// Stores under a key without metamethods; `room` is how much memory the parts may grow by.
    ///
    /// The caller accounts for growth and for the barrier of the collector.
    pub(super) fn set(&mut self, key: Value, value: Value, room: usize) -> Result<(), Refused> {
        match self.slot(key) {
            Some(slot) => {
                *slot = value;
                Ok(())
            }
            None => self.insert(key, value, room),
        }
    }

    /// Adds a key that is not there. A `nil` value makes a place, too, as it does in PUC Lua.
    #[inline(never)]
    pub(super) fn insert(&mut self, key: Value, value: Value, room: usize) -> Result<(), Refused> {
        match key {
            Nil => return Err(Refused::NilKey),
            Value::Num(number) if number.is_nan() => return Err(Refused::NanKey),
            _ => {}
        }
        if !self.place(key, value) {
            self.rehash(key, room)?;
            match self.slot(key) {
                Some(slot) => *slot = value,
                None => {
                    let placed = self.place(key, value);
                    debug_assert!(placed, "a rehash leaves a free node for the key");
                }
            }
        }
        Ok(())
    }

    /// Puts a new key into a node, if one is free.
    #[inline(never)]
    fn place(&mut self, key: Value, value: Value) -> bool {
        if self.nodes.is_empty() {
            return false;
        }
        let main = self.main_position(key);
        if self.nodes[main].value.is_nil() {
            let node = &mut self.nodes[main];
            node.key = key;
            node.value = value;
            return true;
        }
        let Some(free) = self.free_node() else { return false };
        let mut other = self.main_position(self.nodes[main].key);
        if other == main {
            self.nodes[free] = Node { key, value, next: self.nodes[main].next };
            self.nodes[main].next = free as u32;
            return true;
        }
        // The one here is not in its own place: it moves, and what points to it follows.
        while self.nodes[other].next as usize != main {
            other = self.nodes[other].next as usize;
        }
        self.nodes[other].next = free as u32;
        self.nodes[free] = self.nodes[main];
        self.nodes[main] = Node { key, value, next: NONE };
        true
    }

    fn free_node(&mut self) -> Option<usize> {
        while self.last_free > 0 {
            self.last_free -= 1;
            if self.nodes[self.last_free as usize].key.is_nil() {
                return Some(self.last_free as usize);
            }
        }
        None
    }

    /// Gives both parts the sizes that suit the keys there are and `extra`.
    #[cold]
    fn rehash(&mut self, extra: Value, room: usize) -> Result<(), Refused> {
        let mut slices = [0usize; MAX_BITS + 1];
        let mut integers = self.count_array(&mut slices);
        let mut total = integers;
        for node in &self.nodes {
            if !node.value.is_nil() {
                integers += count_key(node.key, &mut slices);
                total += 1;
            }
        }
        integers += count_key(extra, &mut slices);
        total += 1;
        let (array, in_array) = array_size(&slices, integers);
        self.resize(array, total - in_array, room)
    }

    /// Counts the array's values by the powers of two between which their keys lie.
    fn count_array(&self, slices: &mut [usize; MAX_BITS + 1]) -> usize {
        let mut total = 0;
        let mut start = 0;
        for (power, slice) in slices.iter_mut().enumerate() {
            let end = (1 << power).min(self.array.len());
            if start >= end {
                break;
            }
            let used = self.array[start..end].iter().filter(|value| !value.is_nil()).count();
            *slice += used;
            total += used;
            start = end;
        }
        total
    }

    /// Sets the sizes of the parts; `nodes` is rounded up to a power of two.
    #[inline(never)]
    pub(super) fn resize(
        &mut self,
        array: usize,
        nodes: usize,
        room: usize,
    ) -> Result<(), Refused> {
        let nodes = if nodes == 0 {
            0
        } else {
            nodes.checked_next_power_of_two().ok_or(Refused::Memory)?
        };
        let size = array
            .saturating_mul(size_of::<Value>())
            .saturating_add(nodes.saturating_mul(size_of::<Node>()));
        if size > self.parts_size().saturating_add(room) || nodes > 1 << 30 {
            return Err(Refused::Memory);
        }
        if array > self.array.len() {
            self.resize_array(array);
        }
        let old = core::mem::replace(&mut self.nodes, vec![EMPTY; nodes].into_boxed_slice());
        self.last_free = nodes as u32;
        if array < self.array.len() {
            // The values past the new end go to the nodes, where room was counted for them.
            let tail: Vec<Value> = self.array[array..].to_vec();
            self.resize_array(array);
            for (i, value) in tail.into_iter().enumerate() {
                if !value.is_nil() {
                    self.reinsert(Value::Num((array + i + 1) as f64), value);
                }
            }
        }
        for node in old.iter().rev() {
            if !node.value.is_nil() {
                self.reinsert(node.key, node.value);
            }
        }
        Ok(())
    }

    fn resize_array(&mut self, size: usize) {
        let mut array = core::mem::take(&mut self.array).into_vec();
        array.reserve_exact(size.saturating_sub(array.len()));
        array.resize(size, Nil);
        self.array = array.into_boxed_slice();
    }

    fn reinsert(&mut self, key: Value, value: Value) {
        if let Some(slot) = self.slot(key) {
            *slot = value;
            return;
        }
        if !self.place(key, value) {
            // Only a caller that asked for too few nodes comes here; the key must not be lost.
            let _ = self.insert(key, value, usize::MAX / 4);
        }
    }

    /// Enlarges the array to hold a list of which the length is known.
    pub(super) fn reserve_array(&mut self, array: usize, room: usize) -> Result<(), Refused> {
        if array <= self.array.len() {
            return Ok(());
        }
        if (array - self.array.len()).saturating_mul(size_of::<Value>()) > room {
            return Err(Refused::Memory);
        }
        // The nodes stay as many as they are, but integer keys among them must move.
        let nodes = self.nodes.len();
        self.resize(array, nodes, room)
    }

    /// A border: a key with a value such that the next whole number has none.
    #[must_use]
    #[inline(never)]
    pub fn border(&self) -> usize {
        let len = self.array.len();
        if len > 0 && self.array[len - 1].is_nil() {
            let (mut low, mut high) = (0, len);
            while high - low > 1 {
                let middle = (low + high) / 2;
                if self.array[middle - 1].is_nil() { high = middle } else { low = middle }
            }
            return low;
        }
        if self.nodes.is_empty() { len } else { self.border_among_nodes(len) }
    }

    fn border_among_nodes(&self, len: usize) -> usize {
        let filled = |key: usize| !self.get(Value::Num(key as f64)).is_nil();
        let (mut low, mut high) = (len, len + 1);
        while filled(high) {
            low = high;
            high *= 2;
            if high > i32::MAX as usize {
                // Someone set keys on purpose to get here; one after the other, then.
                let mut key = 1;
                while filled(key) {
                    key += 1;
                }
                return key - 1;
            }
        }
        while high - low > 1 {
            let middle = (low + high) / 2;
            if filled(middle) { low = middle } else { high = middle }
        }
        low
    }

    /// The key and value after `key` in the order of `pairs`; `nil` asks for the first.
    #[inline(never)]
    pub(super) fn next(&self, key: Value) -> Result<Option<(Value, Value)>, BadKey> {
        let start = self.position(key)?;
        for index in start..self.array.len() {
            let value = self.array[index];
            if !value.is_nil() {
                return Ok(Some((Value::Num((index + 1) as f64), value)));
            }
        }
        for node in &self.nodes[start.saturating_sub(self.array.len())..] {
            if !node.value.is_nil() {
                return Ok(Some((node.key, node.value)));
            }
        }
        Ok(None)
    }

    /// How many places come before the one after `key`.
    fn position(&self, key: Value) -> Result<usize, BadKey> {
        match key {
            Nil => return Ok(0),
            Value::Num(number) => {
                if let Some(int) = exact_i32(number)
                    && (int as u32).wrapping_sub(1) < self.array.len() as u32
                {
                    return Ok(int as usize);
                }
            }
            _ => {}
        }
        if self.nodes.is_empty() {
            return Err(BadKey);
        }
        let mut at = self.main_position(key);
        while let Some(node) = self.nodes.get(at) {
            let same = match node.key {
                // The collector took the object while the loop's variable still named it.
                Value::Dead(id) => object_id(key) == Some(id),
                found => found.raw_equals(key),
            };
            if same {
                return Ok(self.array.len() + at + 1);
            }
            at = node.next as usize;
        }
        Err(BadKey)
    }

    /// Marks as dead the keys without value whose objects are about to go.
    pub(super) fn bury(node: &mut Node) {
        if let Some(id) = object_id(node.key) {
            node.key = Value::Dead(id);
        }
    }
}

/// The index of a collectable object.
fn object_id(value: Value) -> Option<u32> {
    match value {
        Value::Str(Str { id, .. })
        | Value::Table(TableId(id))
        | Value::Function(FunctionId(id))
        | Value::Thread(ThreadId(id))
        | Value::User(UserId(id)) => Some(id),
        _ => None,
    }
}

/// Counts a key that may belong into an array; 1 if it does.
fn count_key(key: Value, slices: &mut [usize; MAX_BITS + 1]) -> usize {
    if let Value::Num(number) = key
        && let Some(int) = exact_i32(number)
        && (1..=1 << MAX_BITS).contains(&int)
    {
        // The slice of 2^(p-1)+1 ..= 2^p is p.
        let power = 32 - (int as u32 - 1).leading_zeros();
        slices[power as usize] += 1;
        return 1;
    }
    0
}

/// The largest n, a power of two, such that more than half of 1..=n are in use; and how many are.
fn array_size(slices: &[usize; MAX_BITS + 1], integers: usize) -> (usize, usize) {
    let mut best = (0, 0);
    let mut seen = 0;
    for (power, &used) in slices.iter().enumerate() {
        let size = 1usize << power;
        if size / 2 >= integers {
            break;
        }
        if used > 0 {
            seen += used;
            if seen > size / 2 {
                best = (size, seen);
            }
        }
        if seen == integers {
            break;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(key: f64) -> Value {
        Value::Num(key)
    }

    fn with(keys: &[f64]) -> Table {
        let mut table = Table::default();
        for &key in keys {
            table.set(number(key), number(key * 10.0), usize::MAX / 8).expect("there is room");
        }
        table
    }

    #[test]
    fn a_list_lives_in_the_array() {
        let table = with(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(table.array.len(), 8);
        assert!(table.nodes.is_empty());
        assert_eq!(table.border(), 5);
    }

    #[test]
    fn keys_with_gaps_live_in_nodes() {
        let table = with(&[1.0, 1000.0, 0.5, -1.0, 2e9, 1e300]);
        for key in [1.0, 1000.0, 0.5, -1.0, 2e9, 1e300] {
            assert!(table.get(number(key)).raw_equals(number(key * 10.0)), "{key}");
        }
        assert!(table.get(number(7.0)).is_nil());
    }

    #[test]
    fn next_visits_every_key_once() {
        let mut keys: Vec<f64> = (1..100).map(f64::from).collect();
        keys.extend([0.5, -3.0, 1e10, 4096.0]);
        let table = with(&keys);
        let mut seen = Vec::new();
        let mut key = Nil;
        while let Some((next, value)) = table.next(key).expect("the key is in the table") {
            let (Value::Num(k), Value::Num(v)) = (next, value) else { panic!("only numbers") };
            assert_eq!(v, k * 10.0);
            seen.push(k);
            key = next;
        }
        seen.sort_by(f64::total_cmp);
        keys.sort_by(f64::total_cmp);
        assert_eq!(seen, keys);
        assert_eq!(table.next(number(0.25)).err(), Some(BadKey));
    }

    #[test]
    fn nil_and_nan_are_no_keys() {
        let mut table = Table::default();
        assert_eq!(table.set(Nil, number(1.0), 1000), Err(Refused::NilKey));
        assert_eq!(table.set(number(f64::NAN), number(1.0), 1000), Err(Refused::NanKey));
        assert_eq!(table.set(number(1.0), number(1.0), 10), Err(Refused::Memory));
    }
}
