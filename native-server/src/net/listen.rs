//! Listening sockets, and what a new connection gets before it is handed to the engine.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use redstart_core::Peer;
use rustix::net::{self, AddressFamily, SocketAddrAny, SocketFlags, SocketType, sockopt};

/// A socket that connections come from.
#[derive(Debug)]
pub(crate) struct Listener {
    fd: OwnedFd,
    /// The path of a Unix socket.
    unix: Option<PathBuf>,
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Listener {
    /// Listens on an address of this machine.
    pub(crate) fn tcp(ip: IpAddr, port: u16, backlog: i32) -> io::Result<Self> {
        let family = if ip.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let fd = net::socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_socket_reuseaddr(&fd, true)?;
        if ip.is_ipv6() {
            sockopt::set_ipv6_v6only(&fd, true)?;
        }
        net::bind(&fd, &SocketAddr::new(ip, port))?;
        net::listen(&fd, backlog)?;
        Ok(Self { fd, unix: None })
    }

    /// Listens on a path; `mode` as for `chmod`, 0: as the process's mask has it.
    pub(crate) fn unix(path: &Path, mode: u32, backlog: i32) -> io::Result<Self> {
        // One left behind by a process that is gone would be in the way.
        let _ = std::fs::remove_file(path);
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let fd = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        net::bind(&fd, &net::SocketAddrUnix::new(path)?)?;
        if mode != 0 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        }
        net::listen(&fd, backlog)?;
        Ok(Self { fd, unix: Some(path.to_owned()) })
    }

    /// The path of a Unix socket.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.unix.as_deref()
    }

    /// The next connection that waits.
    pub(crate) fn accept(&self, flags: SocketFlags) -> rustix::io::Result<OwnedFd> {
        net::accept_with(&self.fd, flags)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A request of io_uring may hold the socket open; nobody is to connect to it any more.
        let _ = net::shutdown(&self.fd, net::Shutdown::Both);
    }
}

/// Makes a connection ready for use and says where it comes from.
/// `keepalive`: seconds of silence before the other side is asked whether it is still there; 0: never.
pub(crate) fn prepare(fd: &OwnedFd, unix: Option<&Path>, keepalive: u32) -> Peer {
    use std::os::fd::AsRawFd;
    let number = fd.as_raw_fd();
    if let Some(path) = unix {
        let addr = format!("{}:0", path.display());
        return Peer {
            laddr: addr.clone(),
            addr,
            fd: number,
            unix: true,
            local: true,
            ..Peer::default()
        };
    }
    // A connection that refuses an option is about to break anyway.
    let _ = sockopt::set_tcp_nodelay(fd, true);
    if keepalive > 0 {
        let _ = set_keepalive(fd, keepalive);
    }
    let remote = net::getpeername(fd).ok().flatten().and_then(ip_and_port);
    let own = net::getsockname(fd).ok().and_then(ip_and_port);
    Peer {
        addr: remote.map_or_else(|| "?:0".into(), text),
        laddr: own.map_or_else(|| "?:0".into(), text),
        fd: number,
        local: remote.is_some_and(|addr| addr.ip().to_canonical().is_loopback()),
        ..Peer::default()
    }
}

fn set_keepalive(fd: &OwnedFd, seconds: u32) -> rustix::io::Result<()> {
    sockopt::set_socket_keepalive(fd, true)?;
    sockopt::set_tcp_keepidle(fd, Duration::from_secs(u64::from(seconds)))?;
    // Asked three times in the last third: dead after one interval and that.
    let between = (seconds / 3).max(1);
    sockopt::set_tcp_keepintvl(fd, Duration::from_secs(u64::from(between)))?;
    sockopt::set_tcp_keepcnt(fd, 3)
}

fn ip_and_port(addr: SocketAddrAny) -> Option<SocketAddr> {
    SocketAddr::try_from(addr).ok()
}

/// `ip:port`, an IPv6 address in brackets.
fn text(addr: SocketAddr) -> String {
    match addr.ip() {
        IpAddr::V4(ip) => format!("{ip}:{}", addr.port()),
        IpAddr::V6(ip) => format!("[{ip}]:{}", addr.port()),
    }
}

/// What a word of `bind` means: an address, or every address of one kind. `None`: no such address.
pub(crate) fn bind_address(word: &str) -> Option<IpAddr> {
    match word {
        "*" => Some(Ipv4Addr::UNSPECIFIED.into()),
        "::*" => Some(Ipv6Addr::UNSPECIFIED.into()),
        _ => match word.parse() {
            Ok(ip) => Some(ip),
            Err(_) => {
                use std::net::ToSocketAddrs;
                (word, 0).to_socket_addrs().ok()?.next().map(|addr| addr.ip())
            }
        },
    }
}
