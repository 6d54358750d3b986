//! The host that is a server behind a socket.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::run::{Got, Host};
use crate::live::Server;
use crate::resp;

/// Time after which an expected reply counts as lost.
const PATIENCE: Duration = Duration::from_secs(3);
/// Time after which silence counts as silence.
const SILENCE: Duration = Duration::from_millis(25);

/// Runs scripts over TCP; time passes for real.
pub struct ServerHost<'a> {
    server: &'a Server,
    connections: BTreeMap<String, (TcpStream, Vec<u8>)>,
}

impl<'a> ServerHost<'a> {
    /// Without connections yet.
    pub fn new(server: &'a Server) -> Self {
        Self { server, connections: BTreeMap::new() }
    }
}

impl Host for ServerHost<'_> {
    fn connect(&mut self, name: &str) -> Result<(), String> {
        let stream = self.server.dial().map_err(|e| e.to_string())?;
        self.connections.insert(name.to_string(), (stream, Vec::new()));
        Ok(())
    }

    fn send(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let (stream, _) = self.connections.get_mut(name).ok_or("no such connection")?;
        match stream.write_all(bytes) {
            // A server that hung up is found out by the next read.
            Err(e) if matches!(e.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                Ok(())
            }
            other => other.map_err(|e| e.to_string()),
        }
    }

    fn receive(&mut self, name: &str, patient: bool) -> Result<Got, String> {
        let (stream, buffer) = self.connections.get_mut(name).ok_or("no such connection")?;
        let end = Instant::now() + if patient { PATIENCE } else { SILENCE };
        loop {
            if let Some((value, used)) = resp::decode(buffer)? {
                buffer.drain(..used);
                return Ok(Got::Reply(value));
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Got::Nothing);
            }
            stream.set_read_timeout(Some(left)).map_err(|e| e.to_string())?;
            let mut piece = [0; 16384];
            match stream.read(&mut piece) {
                Ok(0) => return Ok(Got::Closed),
                Ok(n) => buffer.extend_from_slice(&piece[..n]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(e) if e.kind() == ErrorKind::ConnectionReset => return Ok(Got::Closed),
                Err(e) => return Err(e.to_string()),
            }
        }
    }

    fn disconnect(&mut self, name: &str) -> Result<(), String> {
        self.connections.remove(name);
        // The server notices at its next turn.
        std::thread::sleep(SILENCE);
        Ok(())
    }

    fn wait(&mut self, us: u64) -> Result<(), String> {
        std::thread::sleep(Duration::from_micros(us));
        Ok(())
    }
}
