//! CLUSTER and what belongs to it: there is no cluster mode, and every one of them says so, as a Redis does
//! whose cluster mode is off.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::error::Error;

fn disabled(_ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    Err(Error::Text("ERR This instance has cluster support disabled"))
}

/// ASKING: the next command may be about a slot that is being imported.
pub const ASKING: Command = Command::new("asking", 1, disabled)
    .fast()
    .acl(Acl::CONNECTION)
    .group(Group::Cluster)
    .since("3.0.0")
    .docs("", "Lets the next command into a slot that is being imported.", "O(1)");

/// READONLY: a replica may answer what only reads.
pub const READONLY: Command =
    mode("readonly").docs("", "Lets a replica in a cluster answer what only reads.", "O(1)");

/// READWRITE: takes READONLY back.
pub const READWRITE: Command = mode("readwrite").docs("", "Takes READONLY back.", "O(1)");

const fn mode(name: &'static str) -> Command {
    Command::new(name, 1, disabled)
        .fast()
        .loading()
        .stale()
        .acl(Acl::CONNECTION)
        .group(Group::Cluster)
        .since("3.0.0")
}

/// CLUSTER: the container.
pub const CLUSTER: Command = Command::new("cluster", -2, disabled)
    .group(Group::Cluster)
    .since("3.0.0")
    .subcommands(&[
        &ADDSLOTS,
        &ADDSLOTSRANGE,
        &BUMPEPOCH,
        &COUNT_FAILURE_REPORTS,
        &COUNTKEYSINSLOT,
        &DELSLOTS,
        &DELSLOTSRANGE,
        &FAILOVER,
        &FLUSHSLOTS,
        &FORGET,
        &GETKEYSINSLOT,
        &HELP,
        &INFO,
        &KEYSLOT,
        &LINKS,
        &MEET,
        &MYID,
        &NODES,
        &REPLICAS,
        &REPLICATE,
        &RESET,
        &SAVECONFIG,
        &SET_CONFIG_EPOCH,
        &SETSLOT,
        &SHARDS,
        &SLAVES,
        &SLOTS,
    ])
    .docs("", "A container for commands about the cluster.", "Depends on the subcommand.");

const VARIES: &[&str] = &["nondeterministic_output"];

/// Asks something of the cluster.
const fn ask(name: &'static str, arity: i16, since: &'static str) -> Command {
    Command::new(name, arity, disabled).stale().group(Group::Cluster).since(since)
}

/// Asks something that is for administrators.
const fn admin(name: &'static str, arity: i16, since: &'static str) -> Command {
    ask(name, arity, since).admin()
}

/// Changes the cluster.
const fn change(name: &'static str, arity: i16, since: &'static str) -> Command {
    admin(name, arity, since).no_async_loading()
}

const fn reset(name: &'static str, arity: i16, since: &'static str) -> Command {
    admin(name, arity, since).noscript()
}

const fn help(name: &'static str, arity: i16, since: &'static str) -> Command {
    ask(name, arity, since).loading()
}

const ADDSLOTS: Command = change("addslots", -3, "3.0.0").docs(
    "slot:integer [slot:integer ...]",
    "Makes slots this node's.",
    "O(1)",
);
const ADDSLOTSRANGE: Command = change("addslotsrange", -4, "7.0.0").docs(
    "start-slot:integer end-slot:integer [start-slot:integer end-slot:integer ...]",
    "Makes ranges of slots this node's.",
    "O(1)",
);
const BUMPEPOCH: Command = change("bumpepoch", 2, "3.0.0").tips(VARIES).docs(
    "",
    "Takes a higher configuration epoch.",
    "O(1)",
);
const COUNT_FAILURE_REPORTS: Command = admin("count-failure-reports", 3, "3.0.0")
    .tips(VARIES)
    .docs("node-id:string", "Counts the reports that a node fails.", "O(1)");
const COUNTKEYSINSLOT: Command =
    ask("countkeysinslot", 3, "3.0.0").docs("slot:integer", "Counts the keys in a slot.", "O(1)");
const DELSLOTS: Command = change("delslots", -3, "3.0.0").docs(
    "slot:integer [slot:integer ...]",
    "Makes slots nobody's.",
    "O(1)",
);
const DELSLOTSRANGE: Command = change("delslotsrange", -4, "7.0.0").docs(
    "start-slot:integer end-slot:integer [start-slot:integer end-slot:integer ...]",
    "Makes ranges of slots nobody's.",
    "O(1)",
);
const FAILOVER: Command = change("failover", -2, "3.0.0").docs(
    "[FORCE|TAKEOVER]",
    "Makes a replica the primary.",
    "O(1)",
);
const FLUSHSLOTS: Command =
    change("flushslots", 2, "3.0.0").docs("", "Makes all slots of this node nobody's.", "O(1)");
const FORGET: Command =
    change("forget", 3, "3.0.0").docs("node-id:string", "Forgets a node.", "O(1)");
const GETKEYSINSLOT: Command = ask("getkeysinslot", 4, "3.0.0").tips(VARIES).docs(
    "slot:integer count",
    "Returns keys in a slot.",
    "O(1)",
);
const HELP: Command = help("help", 2, "5.0.0").docs("", "Prints this help.", "O(1)");
const INFO: Command =
    ask("info", 2, "3.0.0").tips(VARIES).docs("", "Returns the state of the cluster.", "O(1)");
const KEYSLOT: Command =
    ask("keyslot", 3, "3.0.0").docs("key:string", "Returns the slot of a key.", "O(1)");
const LINKS: Command =
    ask("links", 2, "7.0.0").tips(VARIES).docs("", "Lists the connections between nodes.", "O(1)");
const MEET: Command = change("meet", -4, "3.0.0").docs(
    "ip:string port:integer [cluster-bus-port:integer]",
    "Introduces a node.",
    "O(1)",
);
const MYID: Command = ask("myid", 2, "3.0.0").docs("", "Returns the id of this node.", "O(1)");
const NODES: Command = ask("nodes", 2, "3.0.0").tips(VARIES).docs(
    "",
    "Returns the nodes as the cluster's file has them.",
    "O(1)",
);
const REPLICAS: Command = admin("replicas", 3, "5.0.0").tips(VARIES).docs(
    "node-id:string",
    "Lists the replicas of a node.",
    "O(1)",
);
const REPLICATE: Command =
    change("replicate", 3, "3.0.0").docs("node-id:string", "Makes this node a replica.", "O(1)");
const RESET: Command =
    reset("reset", -2, "3.0.0").docs("[HARD|SOFT]", "Makes this node forget the cluster.", "O(1)");
const SAVECONFIG: Command =
    change("saveconfig", 2, "3.0.0").docs("", "Saves the state of the cluster.", "O(1)");
const SET_CONFIG_EPOCH: Command = change("set-config-epoch", 3, "3.0.0").docs(
    "config-epoch:integer",
    "Sets the configuration epoch.",
    "O(1)",
);
const SETSLOT: Command = change("setslot", -4, "3.0.0").docs(
    "slot:integer (IMPORTING node-id:string|MIGRATING node-id:string|NODE node-id:string|STABLE)",
    "Moves a slot.",
    "O(1)",
);
const SHARDS: Command =
    ask("shards", 2, "7.0.0").tips(VARIES).docs("", "Returns the nodes by shard.", "O(1)");
const SLAVES: Command = admin("slaves", 3, "3.0.0")
    .tips(VARIES)
    .deprecated("5.0.0", "`CLUSTER REPLICAS`")
    .docs("node-id:string", "Lists the replicas of a node.", "O(1)");
const SLOTS: Command = ask("slots", 2, "3.0.0")
    .tips(VARIES)
    .deprecated("7.0.0", "`CLUSTER SHARDS`")
    .docs("", "Returns which nodes have which slots.", "O(1)");
