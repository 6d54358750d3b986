//! Where all objects live: one arena for each kind, and the account of memory.
//!
//! Objects refer to each other by index, so a cycle is nothing special and nothing here needs
//! `unsafe`. The collector ([`gc`](super::gc)) frees slots; a freed slot is used again.
//!
//! No function here collects. Collection happens only between instructions, where every value in
//! use is in a register or on a stack; a native may hold values in variables as long as it runs.

use super::gc::Gc;
use super::native::NativeFn;
use super::proto::Proto;
use super::strings::Strings;
use super::table::{self, Refused, Table};
use super::thread::Thread;
use super::value::{FunctionId, ProtoId, Str, TableId, ThreadId, UpvalueId, UserId, Value};
use alloc::{boxed::Box, vec::Vec};
use core::ops::{Index, IndexMut};

/// What things cost without their parts: the same on every host. When garbage is looked for, and with that
/// which addresses a script can print, must not depend on the size of a pointer.
pub(super) mod cost {
    pub(in crate::script::lua) const FUNCTION: usize = 56;
    pub(in crate::script::lua) const PROTO: usize = 144;
    pub(in crate::script::lua) const TABLE: usize = 48;
    pub(in crate::script::lua) const THREAD: usize = 120;
    pub(in crate::script::lua) const UPVALUE: usize = 24;
    pub(in crate::script::lua) const USER: usize = 16;
}

const _: () = assert!(
    size_of::<Function>() <= cost::FUNCTION
        && size_of::<Proto>() <= cost::PROTO
        && size_of::<Table>() <= cost::TABLE
        && size_of::<Thread>() <= cost::THREAD
        && size_of::<Upvalue>() <= cost::UPVALUE
        && size_of::<User>() <= cost::USER,
    "something became larger than what it costs"
);

/// What the collector knows of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mark {
    /// Not reached, or new; the two whites change roles when a sweep begins.
    White0,
    /// The other white.
    White1,
    /// Reached; what it refers to is not marked yet.
    Gray,
    /// Reached, with all that it refers to.
    Black,
    /// No object: the slot is free.
    #[default]
    Free,
}

/// What an arena holds.
pub(super) trait Object: Default {
    fn mark(&self) -> Mark;
    fn set_mark(&mut self, mark: Mark);
}

/// Objects of one kind, named by index.
pub(super) struct Arena<T> {
    slots: Vec<T>,
    free: Vec<u32>,
}

impl<T: Object> Arena<T> {
    const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    fn add(&mut self, mut object: T, mark: Mark) -> u32 {
        object.set_mark(mark);
        if let Some(id) = self.free.pop() {
            self.slots[id as usize] = object;
            return id;
        }
        self.slots.push(object);
        self.slots.len() as u32 - 1
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Empties the slot and hands out what was in it.
    pub(super) fn remove(&mut self, index: usize) -> T {
        let object = core::mem::take(&mut self.slots[index]);
        self.slots[index].set_mark(Mark::Free);
        self.free.push(index as u32);
        object
    }
}

impl<T> Index<u32> for Arena<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, id: u32) -> &T {
        &self.slots[id as usize]
    }
}

impl<T> IndexMut<u32> for Arena<T> {
    #[inline(always)]
    fn index_mut(&mut self, id: u32) -> &mut T {
        &mut self.slots[id as usize]
    }
}

/// What a function does when called.
#[derive(Clone, Copy, Default)]
pub(super) enum Code {
    Lua(ProtoId),
    Native(NativeFn),
    #[default]
    Free,
}

/// A function with what it captured.
#[derive(Default)]
pub(super) struct Function {
    pub(super) code: Code,
    /// Its globals.
    pub(super) env: TableId,
    pub(super) mark: Mark,
    /// Variables of a Lua function.
    pub(super) upvalues: Box<[UpvalueId]>,
    /// Values of a native.
    pub(super) values: Box<[Value]>,
}

/// A variable that outlives, or may outlive, its block.
#[derive(Clone, Copy)]
pub(super) enum Variable {
    /// Still in a register.
    Open {
        thread: ThreadId,
        index: u32,
    },
    Closed(Value),
}

pub(super) struct Upvalue {
    pub(super) variable: Variable,
    pub(super) mark: Mark,
}

impl Default for Upvalue {
    fn default() -> Self {
        Self { variable: Variable::Closed(Value::Nil), mark: Mark::Free }
    }
}

/// A userdata: nothing but a metatable and an environment.
#[derive(Default)]
pub(super) struct User {
    pub(super) meta: Option<TableId>,
    pub(super) env: TableId,
    pub(super) mark: Mark,
}

macro_rules! objects {
    ($($type:ty),*) => {
        $(impl Object for $type {
            fn mark(&self) -> Mark {
                self.mark
            }
            fn set_mark(&mut self, mark: Mark) {
                self.mark = mark;
            }
        })*
    };
}

objects!(Table, Function, Upvalue, User, Thread, Proto);

/// All objects of one Lua.
pub struct Heap {
    pub(super) strings: Strings,
    pub(super) tables: Arena<Table>,
    pub(super) functions: Arena<Function>,
    pub(super) upvalues: Arena<Upvalue>,
    pub(super) threads: Arena<Thread>,
    pub(super) protos: Arena<Proto>,
    pub(super) users: Arena<User>,
    pub(super) gc: Gc,
}

impl Heap {
    pub(super) fn new(cap: usize) -> Self {
        Self {
            strings: Strings::new(),
            tables: Arena::new(),
            functions: Arena::new(),
            upvalues: Arena::new(),
            threads: Arena::new(),
            protos: Arena::new(),
            users: Arena::new(),
            gc: Gc::new(cap),
        }
    }

    /// Memory in use, as far as scripts can make it grow.
    #[must_use]
    pub fn used(&self) -> usize {
        self.gc.used
    }

    /// How much more may be taken before the next collection has to find some.
    ///
    /// Between two collections a script may use its cap twice over, because nothing is collected
    /// while a native runs.
    #[must_use]
    pub fn room(&self) -> usize {
        self.gc.hard_cap.saturating_sub(self.gc.used)
    }

    /// The string of these bytes.
    #[inline(never)]
    pub fn string(&mut self, bytes: &[u8]) -> Str {
        let (string, cost) = self.strings.intern(bytes, self.gc.white, self.gc.dead());
        self.gc.used += cost;
        string
    }

    /// A part of a string.
    ///
    /// # Panics
    ///
    /// If the string has no bytes `start..end`.
    pub fn substring(&mut self, string: Str, start: usize, end: usize) -> Str {
        let (white, dead) = (self.gc.white, self.gc.dead());
        let (part, cost) = self.strings.intern_part(string.id, start, end, white, dead);
        self.gc.used += cost;
        part
    }

    /// The bytes of a string.
    #[inline]
    #[must_use]
    pub fn bytes(&self, string: Str) -> &[u8] {
        self.strings.bytes(string.id)
    }

    /// A new empty table.
    pub fn table(&mut self) -> TableId {
        self.table_with(0, 0)
    }

    /// A new table with room for a list and for fields; without the room if memory is short.
    #[inline(never)]
    pub fn table_with(&mut self, list: usize, fields: usize) -> TableId {
        alloc_table(&mut self.tables, &mut self.gc, list, fields)
    }

    /// Reads a table.
    #[inline(always)]
    #[must_use]
    pub fn table_at(&self, id: TableId) -> &Table {
        &self.tables[id.0]
    }

    /// What `table[key]` is, without metamethods.
    #[inline]
    #[must_use]
    pub fn get(&self, table: TableId, key: Value) -> Value {
        self.tables[table.0].get(key)
    }

    /// Sets `table[key]` without metamethods.
    #[inline(never)]
    pub(super) fn set(&mut self, id: TableId, key: Value, value: Value) -> Result<(), Refused> {
        set_table(&mut self.tables, &mut self.gc, id, key, value)
    }

    /// Sets a field of a table that a host or library builds.
    ///
    /// # Panics
    ///
    /// Never: a string is a key that every table takes; without memory the field stays unset.
    #[inline(never)]
    pub fn set_field(&mut self, table: TableId, name: &[u8], value: Value) {
        let key = self.string(name);
        let _ = self.set(table, Value::Str(key), value);
    }

    /// Sets `table[index]` of a list that a host builds.
    pub fn set_index(&mut self, table: TableId, index: usize, value: Value) {
        let _ = self.set(table, Value::Num(index as f64), value);
    }

    /// Sets `table[key]` for a host; a key that no table takes is left out.
    pub fn set_value(&mut self, table: TableId, key: Value, value: Value) {
        let _ = self.set(table, key, value);
    }

    /// The key and the value that come after `key` in the order of `pairs`; the first after `nil`.
    #[must_use]
    pub fn next(&self, table: TableId, key: Value) -> Option<(Value, Value)> {
        self.tables[table.0].next(key).ok().flatten()
    }

    /// How many keys a table has.
    #[must_use]
    pub fn count(&self, table: TableId) -> usize {
        let mut key = Value::Nil;
        let mut count = 0;
        while let Some((next, _)) = self.next(table, key) {
            key = next;
            count += 1;
        }
        count
    }

    /// Makes a table one that scripts cannot change, or can.
    pub fn set_read_only(&mut self, table: TableId, read_only: bool) {
        self.tables[table.0].read_only = read_only;
    }

    /// A native function with values of its own.
    #[inline(never)]
    pub fn native(&mut self, function: NativeFn, env: TableId, values: &[Value]) -> FunctionId {
        self.gc.used += cost::FUNCTION + size_of_val(values);
        let function = Function {
            code: Code::Native(function),
            env,
            values: values.into(),
            ..Function::default()
        };
        FunctionId(self.functions.add(function, self.gc.white))
    }

    pub(super) fn closure(
        &mut self,
        proto: ProtoId,
        env: TableId,
        upvalues: Box<[UpvalueId]>,
    ) -> FunctionId {
        self.gc.used += cost::FUNCTION + size_of_val(&*upvalues);
        let function = Function { code: Code::Lua(proto), env, upvalues, ..Function::default() };
        FunctionId(self.functions.add(function, self.gc.white))
    }

    pub(super) fn upvalue(&mut self, variable: Variable) -> UpvalueId {
        self.gc.used += cost::UPVALUE;
        UpvalueId(self.upvalues.add(Upvalue { variable, mark: Mark::White0 }, self.gc.white))
    }

    pub(super) fn thread(&mut self, thread: Thread) -> ThreadId {
        self.gc.used += cost::THREAD + thread.size();
        ThreadId(self.threads.add(thread, self.gc.white))
    }

    pub(super) fn proto(&mut self, proto: Proto) -> ProtoId {
        self.gc.used += proto.size();
        ProtoId(self.protos.add(proto, self.gc.white))
    }

    pub(super) fn user(&mut self, meta: Option<TableId>, env: TableId) -> UserId {
        self.gc.used += cost::USER;
        let user = User { meta, env, mark: Mark::White0 };
        UserId(self.users.add(user, self.gc.white))
    }
}

// These two take the parts of the heap that they change, so that the interpreter can hold on to
// code and constants meanwhile.

/// A new table with room for a list and for fields; without the room if memory is short.
pub(super) fn alloc_table(
    tables: &mut Arena<Table>,
    gc: &mut Gc,
    list: usize,
    fields: usize,
) -> TableId {
    let mut table = Table::default();
    gc.used += table::OVERHEAD;
    if list + fields > 0 && table.resize(list, fields, gc.hard_cap.saturating_sub(gc.used)).is_ok()
    {
        gc.used += table.parts_size();
    }
    TableId(tables.add(table, gc.white))
}

/// Sets `table[key]` without metamethods.
#[inline(never)]
pub(super) fn set_table(
    tables: &mut Arena<Table>,
    gc: &mut Gc,
    id: TableId,
    key: Value,
    value: Value,
) -> Result<(), Refused> {
    let room = gc.hard_cap.saturating_sub(gc.used);
    let table = &mut tables[id.0];
    table.absent = 0;
    if table.mark == Mark::Black {
        gc.back(id, &mut table.mark);
    }
    match table.slot(key) {
        Some(slot) => {
            *slot = value;
            Ok(())
        }
        None => {
            let before = table.parts_size();
            let result = table.insert(key, value, room);
            gc.account(before, table.parts_size());
            result
        }
    }
}
