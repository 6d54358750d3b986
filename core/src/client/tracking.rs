//! Clients that cache what they read (CLIENT TRACKING), and how they hear that it is stale.
//!
//! Their state stands beside the table of clients and not in it, so that it can be found while the
//! client's own command runs.

use super::{Client, ConnId};
use crate::collections::ordered;
use crate::resp::Reply;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The channel of invalidation messages to subscribers that speak RESP2.
const CHANNEL: &[u8] = b"__redis__:invalidate";

/// What one client wants to hear.
#[derive(Debug, Clone, Default)]
pub struct Tracker {
    /// Its handle.
    pub conn: ConnId,
    /// The number of the client that gets its messages; 0: itself.
    pub redirect: u64,
    /// That client was gone when there was a message for it.
    pub broken: bool,
    /// BCAST: it hears of all keys with its prefixes, whoever has read them.
    pub bcast: bool,
    /// OPTIN: what it reads is remembered only if it says so.
    pub optin: bool,
    /// OPTOUT: what it reads is remembered unless it says otherwise.
    pub optout: bool,
    /// NOLOOP: it does not hear of its own changes.
    pub noloop: bool,
    /// CLIENT CACHING: it said so, or otherwise, for the next command.
    pub caching: bool,
    /// Whether it speaks RESP3.
    pub resp3: bool,
    /// The prefixes of BCAST.
    pub prefixes: ordered::Set<Box<[u8]>>,
}

impl Tracker {
    /// Whether what it reads now is to be remembered.
    pub const fn remembers(&self) -> bool {
        let said_yes = !self.optin || self.caching;
        let said_no = self.optout && self.caching;
        !self.bcast && said_yes && !said_no
    }
}

/// What a connection is told besides its replies.
#[derive(Debug)]
pub enum Push {
    /// A frame made for RESP2, which differs from RESP3's in its first byte.
    Frame(Vec<u8>),
    /// A frame of RESP3, which is not for RESP2.
    Resp3(Vec<u8>),
    /// Keys are stale: an array of them, or null for all.
    Stale {
        /// The keys are another client's, which wants them sent here.
        redirected: bool,
        /// The array or null.
        keys: Vec<u8>,
    },
}

impl Push {
    /// That messages to client `redirect` can no longer be sent.
    pub fn broken(redirect: u64) -> Self {
        let mut reply = Reply::default();
        reply.push(2);
        reply.bulk(b"tracking-redir-broken");
        reply.int(redirect as i64);
        Self::Resp3(reply.out)
    }

    /// Appends it to what is sent to `client`, whose output is in `reply`.
    pub fn write(&self, client: &Client, reply: &mut Reply) {
        match self {
            Self::Frame(frame) => reply.frame(frame),
            Self::Resp3(frame) => {
                if reply.is_resp3() {
                    reply.frame(frame);
                }
            }
            Self::Stale { redirected, keys } => {
                if reply.is_resp3() {
                    reply.push(2);
                    reply.bulk(b"invalidate");
                } else if *redirected && client.is_subscriber() {
                    reply.push(3);
                    reply.bulk(b"message");
                    reply.bulk(CHANNEL);
                } else {
                    // RESP2 knows no pushes.
                    return;
                }
                reply.out.extend_from_slice(keys);
            }
        }
    }
}
