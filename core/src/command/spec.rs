//! A command, declared once: its name, its function, and every fact that other parts derive from.

use super::{Args, Ctx, Flow, KeySpec};
pub use crate::acl::Category as Acl;
use crate::error::Error;
use alloc::string::String;
use bitflags::bitflags;

/// The function of a command.
///
/// What it can rely on, and must keep to: all arguments are parsed before the store is touched; when
/// it returns `Err`, whatever it wrote to the reply is dropped; when it returns [`Flow::Block`] it has
/// changed and written nothing and is run again from the start when one of its keys is signalled.
pub type Handler = fn(&mut Ctx<'_>, Args<'_>) -> Result<Flow, Error>;

bitflags! {
    /// Redis's command flags.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// May change a key.
        const WRITE = 1;
        /// Reads keys and changes none.
        const READONLY = 1 << 1;
        /// Is refused when memory is over `maxmemory` and nothing can be evicted.
        const DENYOOM = 1 << 2;
        /// For administrators.
        const ADMIN = 1 << 3;
        /// Has to do with pub/sub.
        const PUBSUB = 1 << 4;
        /// May not be called from a script.
        const NOSCRIPT = 1 << 5;
        /// May block its client.
        const BLOCKING = 1 << 6;
        /// Runs while the data set is being loaded.
        const LOADING = 1 << 7;
        /// Runs on a replica that has lost its primary.
        const STALE = 1 << 8;
        /// Is not shown to MONITOR.
        const SKIP_MONITOR = 1 << 9;
        /// Is not kept in the slow log.
        const SKIP_SLOWLOG = 1 << 10;
        /// Takes constant or logarithmic time.
        const FAST = 1 << 11;
        /// Needs no authentication.
        const NO_AUTH = 1 << 12;
        /// May send something to replicas although it is no write.
        const MAY_REPLICATE = 1 << 13;
        /// Has key arguments, but may be called without any.
        const NO_MANDATORY_KEYS = 1 << 14;
        /// Is behind a setting such as `enable-debug-command`.
        const PROTECTED = 1 << 15;
        /// May not be used in a transaction.
        const NO_MULTI = 1 << 16;
        /// Is not run while a data set is loaded beside the live one.
        const NO_ASYNC_LOADING = 1 << 17;
        /// Runs while a script keeps the server busy.
        const ALLOW_BUSY = 1 << 18;
        /// Touches keys that are not among its arguments.
        const TOUCHES_ARBITRARY_KEYS = 1 << 19;
        /// Is let through to a slot that is being imported.
        const ASKING = 1 << 20;
        /// Is known to Sentinel as well.
        const SENTINEL = 1 << 21;
    }
}

/// The group a command is documented in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Group {
    Generic,
    String,
    List,
    Set,
    SortedSet,
    Hash,
    Pubsub,
    Transactions,
    Connection,
    Server,
    Scripting,
    HyperLogLog,
    Cluster,
    Geo,
    Stream,
    Bitmap,
}

impl Group {
    /// The name as COMMAND DOCS gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::SortedSet => "sorted-set",
            Self::Hash => "hash",
            Self::Pubsub => "pubsub",
            Self::Transactions => "transactions",
            Self::Connection => "connection",
            Self::Server => "server",
            Self::Scripting => "scripting",
            Self::HyperLogLog => "hyperloglog",
            Self::Cluster => "cluster",
            Self::Geo => "geo",
            Self::Stream => "stream",
            Self::Bitmap => "bitmap",
        }
    }
}

/// A command or subcommand. Made once, as a constant beside its function.
#[derive(Debug)]
pub struct Command {
    /// The name in lower case; of a subcommand, without its container's.
    pub name: &'static str,
    /// The number of arguments with the name; negative: at least that many.
    pub arity: i16,
    /// The function.
    pub run: Handler,
    /// The flags.
    pub flags: Flags,
    /// The ACL categories that do not follow from the flags.
    pub acl: Acl,
    /// The group in the documentation.
    pub group: Group,
    /// The version of Redis that brought it.
    pub since: &'static str,
    /// Where its keys are.
    pub keys: &'static [KeySpec],
    /// Its subcommands, where it has any.
    pub subcommands: &'static [&'static Self],
    /// Its arguments, in the notation of [`super::syntax`].
    pub syntax: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Its complexity.
    pub complexity: &'static str,
    /// Redis's hints for clients, as COMMAND INFO gives them.
    pub tips: &'static [&'static str],
    /// The version that deprecated it and what to use instead.
    pub deprecated: Option<(&'static str, &'static str)>,
}

macro_rules! flag_setters {
    ($($(#[$doc:meta])* $method:ident = $flag:ident;)*) => {$(
        #[doc = concat!("Sets the flag `", stringify!($flag), "`.")]
        #[must_use]
        pub const fn $method(self) -> Self {
            self.with(Flags::$flag)
        }
    )*};
}

impl Command {
    /// A command of this name, arity (with the name; negative: at least) and function.
    pub const fn new(name: &'static str, arity: i16, run: Handler) -> Self {
        Self {
            name,
            arity,
            run,
            flags: Flags::empty(),
            acl: Acl::empty(),
            group: Group::Generic,
            since: "1.0.0",
            keys: &[],
            subcommands: &[],
            syntax: "",
            summary: "",
            complexity: "",
            tips: &[],
            deprecated: None,
        }
    }

    const fn with(mut self, flag: Flags) -> Self {
        self.flags = self.flags.union(flag);
        self
    }

    flag_setters! {
        write = WRITE;
        readonly = READONLY;
        denyoom = DENYOOM;
        admin = ADMIN;
        pubsub = PUBSUB;
        noscript = NOSCRIPT;
        blocking = BLOCKING;
        loading = LOADING;
        stale = STALE;
        skip_monitor = SKIP_MONITOR;
        skip_slowlog = SKIP_SLOWLOG;
        fast = FAST;
        no_auth = NO_AUTH;
        may_replicate = MAY_REPLICATE;
        no_mandatory_keys = NO_MANDATORY_KEYS;
        protected = PROTECTED;
        no_multi = NO_MULTI;
        no_async_loading = NO_ASYNC_LOADING;
        allow_busy = ALLOW_BUSY;
        touches_arbitrary_keys = TOUCHES_ARBITRARY_KEYS;
        asking = ASKING;
        sentinel = SENTINEL;
    }

    /// Sets the ACL categories that do not follow from the flags.
    #[must_use]
    pub const fn acl(mut self, acl: Acl) -> Self {
        self.acl = acl;
        self
    }

    /// Sets the group.
    #[must_use]
    pub const fn group(mut self, group: Group) -> Self {
        self.group = group;
        self
    }

    /// Sets the version of Redis that brought the command.
    #[must_use]
    pub const fn since(mut self, version: &'static str) -> Self {
        self.since = version;
        self
    }

    /// Sets where the keys are.
    #[must_use]
    pub const fn keys(mut self, keys: &'static [KeySpec]) -> Self {
        self.keys = keys;
        self
    }

    /// Sets the subcommands.
    #[must_use]
    pub const fn subcommands(mut self, subcommands: &'static [&'static Self]) -> Self {
        self.subcommands = subcommands;
        self
    }

    /// Sets what people read: the arguments in the notation of [`super::syntax`], one sentence, the complexity.
    #[must_use]
    pub const fn docs(
        mut self,
        syntax: &'static str,
        summary: &'static str,
        complexity: &'static str,
    ) -> Self {
        self.syntax = syntax;
        self.summary = summary;
        self.complexity = complexity;
        self
    }

    /// Sets Redis's hints for clients.
    #[must_use]
    pub const fn tips(mut self, tips: &'static [&'static str]) -> Self {
        self.tips = tips;
        self
    }

    /// Marks the command as deprecated since a version, with what to use instead.
    #[must_use]
    pub const fn deprecated(mut self, since: &'static str, instead: &'static str) -> Self {
        self.deprecated = Some((since, instead));
        self
    }

    /// The name; of a subcommand, behind its container's: `config|get`.
    pub fn full_name(&self, container: &str) -> String {
        if container.is_empty() {
            self.name.into()
        } else {
            alloc::format!("{container}|{}", self.name)
        }
    }

    /// Whether `count` arguments, the name included, fit the arity.
    #[inline]
    pub const fn takes(&self, count: usize) -> bool {
        if self.arity >= 0 {
            count == self.arity as usize
        } else {
            count >= self.arity.unsigned_abs() as usize
        }
    }

    /// All ACL categories: the declared ones and those that follow from the flags.
    pub fn categories(&self) -> Acl {
        let mut acl = self.acl;
        let flags = self.flags;
        acl.set(Acl::WRITE, acl.contains(Acl::WRITE) || flags.contains(Flags::WRITE));
        // Scripts may read and write, so a read-only script command is not in @read.
        if flags.contains(Flags::READONLY) && !acl.contains(Acl::SCRIPTING) {
            acl |= Acl::READ;
        }
        if flags.contains(Flags::ADMIN) {
            acl |= Acl::ADMIN | Acl::DANGEROUS;
        }
        if flags.contains(Flags::PUBSUB) {
            acl |= Acl::PUBSUB;
        }
        if flags.contains(Flags::BLOCKING) {
            acl |= Acl::BLOCKING;
        }
        acl | if flags.contains(Flags::FAST) { Acl::FAST } else { Acl::SLOW }
    }
}
