//! Publishing and subscribing: messages, and keyspace notifications, which are messages too.

mod introspection;
mod publish;
mod subscribe;

pub use introspection::{
    PUBSUB, PUBSUB_CHANNELS, PUBSUB_HELP, PUBSUB_NUMPAT, PUBSUB_NUMSUB, PUBSUB_SHARDCHANNELS,
    PUBSUB_SHARDNUMSUB,
};
pub use publish::{PUBLISH, SPUBLISH, publish, publish_events};
pub use subscribe::{
    PSUBSCRIBE, PUNSUBSCRIBE, SSUBSCRIBE, SUBSCRIBE, SUNSUBSCRIBE, UNSUBSCRIBE, leave_all,
};
