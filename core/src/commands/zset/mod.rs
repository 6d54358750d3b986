//! Commands on sorted sets.

mod add;
mod algebra;
mod bounds;
mod pop;
mod random;
mod range;
mod read;
mod remove;

pub(in crate::commands) use add::{Members, Options, give_scores};
pub use add::{ZADD, ZINCRBY};
pub use algebra::{ZDIFF, ZDIFFSTORE, ZINTER, ZINTERCARD, ZINTERSTORE, ZUNION, ZUNIONSTORE};
pub use pop::{BZMPOP, BZPOPMAX, BZPOPMIN, ZMPOP, ZPOPMAX, ZPOPMIN};
pub use random::{ZRANDMEMBER, ZSCAN};
pub use range::{
    ZRANGE, ZRANGEBYLEX, ZRANGEBYSCORE, ZRANGESTORE, ZREVRANGE, ZREVRANGEBYLEX, ZREVRANGEBYSCORE,
};
pub use read::{ZCARD, ZCOUNT, ZLEXCOUNT, ZMSCORE, ZRANK, ZREVRANK, ZSCORE};
pub use remove::{ZREM, ZREMRANGEBYLEX, ZREMRANGEBYRANK, ZREMRANGEBYSCORE};
