//! A Lua with Redis's sandbox, the scripts it has compiled, and what of them runs.

use super::flags::{self, Flags};
use super::library::Libraries;
use super::lua::Lua;
use super::lua::value::{Str, Value};
use super::sandbox::{self, Version};
use super::sha1::{Sha, sha1_hex};
use crate::collections::hash::{HashSeed, hash};
use crate::resp::{Reply, Request};
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use hashbrown::HashTable;

/// What one script may use, in bytes.
const MEMORY_CAP: usize = 256 << 20;

/// How many scripts are kept that EVAL brought; those of SCRIPT LOAD stay until SCRIPT FLUSH.
const EVAL_SCRIPTS: usize = 500;

/// Where the sequence of `math.random` begins, the same in every process.
const RANDOM_SEED: i32 = 0x1234_abcd;

/// A compiled script.
#[derive(Debug)]
pub struct Script {
    /// Its name.
    pub sha: Sha,
    /// Its text.
    pub text: Box<[u8]>,
    /// What its first line says.
    pub flags: Flags,
    /// The compiled function.
    pub function: Value,
    /// SCRIPT LOAD brought it, or EVALSHA used it: it stays.
    loaded: bool,
    /// When it was last used, counted in uses.
    used: u64,
    text_hash: u64,
}

/// A Lua for scripts.
pub struct Machine {
    /// The Lua.
    pub lua: Lua,
    scripts: Vec<Option<Script>>,
    by_text: HashTable<u32>,
    by_sha: HashTable<u32>,
    uses: u64,
    evals: usize,
    /// Scripts that had to go for others.
    pub evicted: u64,
    seed: HashSeed,
    keys: Str,
    argv: Str,
    /// What `redis.call` writes its commands and reads their replies in.
    pub request: Request,
    /// The replies.
    pub reply: Reply,
}

impl core::fmt::Debug for Machine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Machine").field("scripts", &self.len()).finish_non_exhaustive()
    }
}

/// The hash under which a SHA-1 is found: its first digits are as good as any.
fn sha_hash(sha: &[u8]) -> u64 {
    sha.iter().take(16).fold(0, |hash, digit| {
        let value = char::from(*digit).to_digit(16).unwrap_or(0);
        hash << 4 | u64::from(value)
    })
}

impl Machine {
    /// A machine for scripts.
    pub fn new(version: &Version, seed: HashSeed) -> Self {
        Self::with(version, seed, false)
    }

    /// A machine for libraries of functions.
    pub fn for_functions(version: &Version, seed: HashSeed) -> Self {
        Self::with(version, seed, true)
    }

    fn with(version: &Version, seed: HashSeed, functions: bool) -> Self {
        let mut lua = Lua::new(MEMORY_CAP);
        sandbox::open(&mut lua, version, functions);
        super::lua::lib::math::seed(&mut lua, RANDOM_SEED);
        let globals = lua.globals();
        let heap = lua.heap_mut();
        let (keys, argv) = (heap.string(b"KEYS"), heap.string(b"ARGV"));
        if functions {
            sandbox::open_loading(&mut lua);
        } else {
            for name in [keys, argv] {
                let empty = heap.table();
                heap.set_value(globals, Value::Str(name), Value::Table(empty));
            }
        }
        sandbox::protect(&mut lua, globals);
        Self {
            lua,
            scripts: Vec::new(),
            by_text: HashTable::new(),
            by_sha: HashTable::new(),
            uses: 0,
            evals: 0,
            evicted: 0,
            seed,
            keys,
            argv,
            request: Request::default(),
            reply: Reply::default(),
        }
    }

    /// How many scripts are compiled.
    pub fn len(&self) -> usize {
        self.by_sha.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.by_sha.is_empty()
    }

    fn script(&self, place: u32) -> Option<&Script> {
        self.scripts.get(place as usize)?.as_ref()
    }

    /// The script of this name, in either case of its digits.
    pub fn by_sha(&mut self, sha: &[u8]) -> Option<&Script> {
        let sha: Sha = sha.to_ascii_lowercase().try_into().ok()?;
        let place = *self.by_sha.find(sha_hash(&sha), |place| {
            self.script(*place).is_some_and(|script| script.sha == sha)
        })?;
        self.uses += 1;
        let script = self.scripts[place as usize].as_mut()?;
        script.used = self.uses;
        Some(script)
    }

    /// The script of this text, compiled now if it was not. `load`: it is to stay.
    pub fn compile(&mut self, text: &[u8], load: bool) -> Result<&Script, String> {
        let text_hash = hash(&self.seed, text);
        let found = self.by_text.find(text_hash, |place| {
            self.script(*place).is_some_and(|script| *script.text == *text)
        });
        let place = match found {
            Some(place) => *place,
            None => self.add(text, text_hash)?,
        };
        self.uses += 1;
        let (uses, evals) = (self.uses, &mut self.evals);
        let script = self.scripts[place as usize].as_mut().ok_or("ERR no such script")?;
        script.used = uses;
        if load && !script.loaded {
            script.loaded = true;
            *evals -= 1;
        }
        Ok(script)
    }

    fn add(&mut self, text: &[u8], text_hash: u64) -> Result<u32, String> {
        let (flags, start) = flags::of_script(text)?;
        let function = self.lua.load(b"@user_script", &text[start..]).map_err(|error| {
            let error = super::convert::text_of(&self.lua, error);
            let error = String::from_utf8_lossy(&error).into_owned();
            "ERR Error compiling script (new function): ".to_owned() + &error
        })?;
        while self.evals >= EVAL_SCRIPTS {
            self.evict();
        }
        let sha = sha1_hex(text);
        self.keep(&sha, function);
        self.evals += 1;
        let script =
            Script { sha, text: text.into(), flags, function, loaded: false, used: 0, text_hash };
        let place = match self.scripts.iter().position(Option::is_none) {
            Some(free) => {
                self.scripts[free] = Some(script);
                free as u32
            }
            None => {
                self.scripts.push(Some(script));
                self.scripts.len() as u32 - 1
            }
        };
        let scripts = &self.scripts;
        let of = |place: &u32| scripts[*place as usize].as_ref();
        self.by_text.insert_unique(text_hash, place, |place| {
            of(place).map_or(0, |script| script.text_hash)
        });
        self.by_sha.insert_unique(sha_hash(&sha), place, |place| {
            of(place).map_or(0, |script| sha_hash(&script.sha))
        });
        Ok(place)
    }

    /// Keeps a function from the collector, or lets it go.
    fn keep(&mut self, sha: &Sha, function: Value) {
        let registry = self.lua.registry();
        self.lua.heap_mut().set_field(registry, sha, function);
    }

    /// Forgets the script that EVAL brought and nobody has used for longest.
    fn evict(&mut self) {
        let evals = self.scripts.iter().enumerate().filter_map(|(place, script)| {
            script.as_ref().filter(|script| !script.loaded).map(|script| (script.used, place))
        });
        let Some((_, place)) = evals.min() else {
            self.evals = 0;
            return;
        };
        self.remove(place as u32);
        self.evicted += 1;
    }

    fn remove(&mut self, place: u32) {
        let Some(script) = self.scripts[place as usize].take() else { return };
        self.keep(&script.sha, Value::Nil);
        self.evals -= usize::from(!script.loaded);
        if let Ok(found) = self.by_text.find_entry(script.text_hash, |at| *at == place) {
            found.remove();
        }
        if let Ok(found) = self.by_sha.find_entry(sha_hash(&script.sha), |at| *at == place) {
            found.remove();
        }
    }

    /// SCRIPT FLUSH.
    pub fn flush(&mut self) {
        for place in 0..self.scripts.len() {
            self.remove(place as u32);
        }
        self.scripts.clear();
    }

    /// Bytes of the scripts' texts and what is known of them.
    pub fn script_memory(&self) -> usize {
        let of = |script: &Script| script.text.len() + size_of::<Script>();
        self.scripts.iter().flatten().map(of).sum()
    }

    /// Bytes that scripts take, and Lua with them.
    pub fn memory(&self) -> usize {
        self.lua.heap().used()
    }

    /// Makes ready to run a script with these keys and arguments.
    pub fn start<'k>(
        &mut self,
        function: Value,
        keys: impl ExactSizeIterator<Item = &'k [u8]>,
        argv: impl ExactSizeIterator<Item = &'k [u8]>,
    ) {
        let globals = self.lua.globals();
        let keys = self.list(keys);
        let argv = self.list(argv);
        let heap = self.lua.heap_mut();
        heap.set_value(globals, Value::Str(self.keys), keys);
        heap.set_value(globals, Value::Str(self.argv), argv);
        self.lua.start(function, &[]);
    }

    /// Makes ready to call a function with these keys and arguments.
    pub fn start_function<'k>(
        &mut self,
        function: Value,
        keys: impl ExactSizeIterator<Item = &'k [u8]>,
        argv: impl ExactSizeIterator<Item = &'k [u8]>,
    ) {
        let arguments = [self.list(keys), self.list(argv)];
        self.lua.start(function, &arguments);
    }

    /// A Lua list of these texts.
    pub fn list<'k>(&mut self, texts: impl ExactSizeIterator<Item = &'k [u8]>) -> Value {
        let heap = self.lua.heap_mut();
        let table = heap.table_with(texts.len(), 0);
        for (index, text) in texts.enumerate() {
            let text = heap.string(text);
            heap.set_index(table, index + 1, Value::Str(text));
        }
        Value::Table(table)
    }
}

/// What of scripts an engine has: the machine, made when the first script comes, and the script that runs.
#[derive(Debug, Default)]
pub struct Scripting {
    /// The machine; while a script runs its runner has it.
    pub machine: Option<Box<Machine>>,
    /// The machine of functions, likewise.
    pub function_machine: Option<Box<Machine>>,
    /// Libraries of functions.
    pub libraries: Libraries,
    /// The script that was stopped in the middle, so that others are heard.
    pub run: Option<Box<Run>>,
    /// A command runs that a script has called.
    pub calling: bool,
    /// A function or a script is being killed: it ends instead of going on.
    pub killed: bool,
}

/// A script that runs.
#[derive(Debug)]
pub struct Run {
    /// What errors call it: its SHA-1, or the function's name.
    pub name: Vec<u8>,
    /// The command that runs it.
    pub called_by: &'static str,
    /// Whether it is a function: FUNCTION KILL ends it, not SCRIPT KILL.
    pub is_function: bool,
    /// What it said of itself.
    pub flags: Flags,
    /// It may write nothing.
    pub read_only: bool,
    /// It has written: it cannot be killed any more.
    pub wrote: bool,
    /// What its commands do is not written to the journal.
    pub muted: bool,
    /// Memory was over its limit when it began.
    pub oom: bool,
    /// `redis.setresp(3)`
    pub resp3: bool,
    /// The database of its client.
    pub db: usize,
    /// Its client.
    pub client: u64,
    /// When it began, on the monotonic clock.
    pub since_us: u64,
    /// Instructions so far.
    pub spent: u64,
    /// The command as it came, for FUNCTION STATS.
    pub command: Request,
}
