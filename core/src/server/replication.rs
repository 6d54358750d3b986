//! Those who get the data set through their connections: the state behind SYNC, ROLE and INFO replication.
//!
//! `engine::replication` moves the bytes.

use super::hooks::Spool;
use super::{Effect, Level, Server};
use crate::client::replica::Stage;
use crate::client::{Client, ConnId};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::take;

/// Where the snapshot goes that is being written for replicas.
#[derive(Debug)]
pub enum Sink {
    /// To all that receive, as they take it; the mark is its end.
    Sockets(String),
    /// To where the host keeps it until its length is known, so many bytes so far.
    Spool(Arc<dyn Spool>, u64),
}

/// Who replicates, and how far all is.
#[derive(Debug, Default)]
pub struct Replication {
    /// The connections that have asked for the data set.
    pub replicas: Vec<ConnId>,
    /// Where the snapshot goes that is being written for them.
    pub sink: Option<Sink>,
    /// The bytes of the stream of changes so far.
    pub offset: u64,
    /// When replicas are to hear that all is well, on the monotonic clock.
    pub next_tick_us: u64,
    /// Ticks so far.
    pub ticks: u64,
}

impl Server {
    /// The replicas that are at this stage.
    pub fn replicas_at(&self, stage: Stage) -> Vec<ConnId> {
        let all = self.replication.replicas.iter().copied();
        all.filter(|conn| self.stage(*conn) == Some(stage)).collect()
    }

    /// How far a replica is; `None`: it is none.
    pub fn stage(&self, conn: ConnId) -> Option<Stage> {
        self.clients.get(conn)?.replica.as_ref().map(|replica| replica.stage)
    }

    /// A snapshot for replicas is over. Those that have not got all of it are closed.
    pub fn end_feeding(&mut self) {
        self.persistence.feeding = None;
        self.replication.sink = None;
        for conn in self.replicas_at(Stage::Receiving) {
            self.drop_replica(conn);
        }
    }

    /// Closes the connection of a replica, whatever it was not sent yet.
    pub fn drop_replica(&mut self, conn: ConnId) {
        if let Some(client) = self.clients.get_mut(conn) {
            client.killed = true;
            self.clients.told.push(conn);
        }
    }

    /// More of the stream of changes: those who are online are sent it, the others find it behind their
    /// snapshot.
    pub fn send_to_replicas(&mut self, bytes: &[u8]) {
        self.replication.offset += bytes.len() as u64;
        let limit = self.clients.limits.classes[1].hard;
        let replicas = take(&mut self.replication.replicas);
        for &conn in &replicas {
            let client = self.clients.get_mut(conn);
            let replica = client.and_then(|client| client.replica.as_deref_mut());
            let Some(replica) = replica.filter(|replica| !replica.rdb_only) else { continue };
            match replica.stage {
                Stage::Online => self.clients.tell_line(conn, bytes),
                Stage::Receiving | Stage::Reading => {
                    replica.behind.extend_from_slice(bytes);
                    if limit > 0 && replica.behind.len() as u64 >= limit {
                        self.log(
                            Level::Warning,
                            "A replica is given up that falls behind while it gets its snapshot.",
                        );
                        self.drop_replica(conn);
                    }
                }
                Stage::None | Stage::Waiting => {}
            }
        }
        self.replication.replicas = replicas;
    }

    /// A line of the log.
    pub fn log(&mut self, level: Level, line: impl Into<String>) {
        self.effects.push_back(Effect::Log(level, line.into()));
    }

    /// The connection of a replica is gone.
    pub fn leave_replication(&mut self, client: &mut Client) {
        client.replica = None;
        self.replication.replicas.retain(|&conn| conn != client.conn);
    }
}
