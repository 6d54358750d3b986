//! What the log says when the server crashes: on a signal that ends it, and on a panic.
//!
//! A signal may come in the middle of anything, so its handler allocates nothing, takes no lock and reads
//! nothing of the engine: it writes what was made ready at the start, and the addresses on the stack, which
//! `addr2line -e redstart-server` turns into lines of the source. Then the signal does what it would have done.

use core::ffi::{c_int, c_void};
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering};
use std::backtrace::Backtrace;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

use rustix::fs::{Mode, OFlags};

use crate::log::Log;
use crate::{REDIS_VERSION, VERSION};

/// The signals that are reported.
const SIGNALS: [c_int; 5] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT];

/// The handler runs on a stack of its own, since the other may be full.
const STACK_BYTES: usize = 64 << 10;

/// So many callers are shown.
const DEPTH: usize = 100;

/// Where the report goes, and what it says of the server.
#[derive(Debug)]
struct Facts {
    /// `None`: standard output.
    log: Option<CString>,
    text: String,
}

static FACTS: OnceLock<Facts> = OnceLock::new();

/// `crash-log-enabled`.
static ENABLED: AtomicBool = AtomicBool::new(false);

/// A report was begun: one is enough.
static REPORTED: AtomicBool = AtomicBool::new(false);

/// Reports crashes from now on, if `enabled`. `facts` are lines about the server.
pub(crate) fn install(log: &Log, facts: String, enabled: bool) {
    let path = log.file.as_ref().and_then(|path| std::path::absolute(path).ok());
    let path = path.and_then(|path| CString::new(path.as_os_str().as_bytes()).ok());
    if FACTS.set(Facts { log: path, text: facts }).is_err() {
        return;
    }
    enable(enabled);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        if begin() {
            let mut out = Out::open();
            let _ = write!(
                out,
                "{BEGIN}------------------------------------------------\n\
                 !!! Software Failure. Press left mouse button to continue\nGuru Meditation: {panic}\n\
                 ------------------------------------------------\n\n------ STACK TRACE ------\n{}\n",
                Backtrace::force_capture()
            );
            out.end();
        }
    }));
    handlers::install();
}

/// Turns reports on or off.
pub(crate) fn enable(enabled: bool) {
    ENABLED.store(enabled, Ordering::Relaxed);
}

const BEGIN: &str = "\n\n=== REDIS BUG REPORT START: Cut & paste starting from here ===\n";

/// Whether there is to be a report.
fn begin() -> bool {
    ENABLED.load(Ordering::Relaxed) && !REPORTED.swap(true, Ordering::Relaxed)
}

/// The report about a signal, with its `code` and the address that it is about.
fn report(signal: c_int, code: c_int, address: usize) {
    let mut out = Out::open();
    let name = match signal {
        libc::SIGSEGV => "segmentation fault",
        libc::SIGBUS => "bus error",
        libc::SIGFPE => "arithmetic fault",
        libc::SIGILL => "illegal instruction",
        _ => "abort",
    };
    let _ = writeln!(
        out,
        "{BEGIN}Redis {REDIS_VERSION} crashed by signal: {signal}, si_code: {code}\n\
         Redstart {VERSION}: {name}"
    );
    if matches!(signal, libc::SIGSEGV | libc::SIGBUS) && code > 0 {
        let _ = writeln!(out, "Accessing address: {address:#x}");
    }
    let _ = writeln!(out, "\n------ STACK TRACE ------\nBacktrace:");
    let fd = out.fd();
    handlers::trace(fd);
    out.end();
}

/// The log, written to without a copy of anything.
#[derive(Debug)]
struct Out(Option<OwnedFd>);

impl Out {
    fn open() -> Self {
        let path = FACTS.get().and_then(|facts| facts.log.as_deref());
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC;
        Self(path.and_then(|path| rustix::fs::open(path, flags, Mode::from_raw_mode(0o644)).ok()))
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_ref().map_or(rustix::stdio::stdout(), AsFd::as_fd)
    }

    fn end(&mut self) {
        let facts = FACTS.get().map_or("", |facts| &facts.text);
        let _ = write!(
            self,
            "\n------ INFO OUTPUT ------\n# Server\n{facts}\n\
             === REDIS BUG REPORT END. Make sure to include from START to END. ===\n\n"
        );
    }
}

impl Write for Out {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match rustix::io::write(self.fd(), rest) {
                Ok(len) if len > 0 => rest = &rest[len..],
                Err(rustix::io::Errno::INTR) => {}
                _ => return Err(fmt::Error),
            }
        }
        Ok(())
    }
}

/// The unsafe island: the handlers, and the stack.
mod handlers {
    use super::{AsRawFd, BorrowedFd, DEPTH, SIGNALS, STACK_BYTES, begin, c_int, c_void, report};

    /// Has the signals reported.
    pub(super) fn install() {
        // The first call of it loads what it needs.
        let mut frames = [core::ptr::null_mut::<c_void>(); 1];
        // SAFETY: there is room for the one address.
        unsafe { libc::backtrace(frames.as_mut_ptr(), 1) };
        let stack = libc::stack_t {
            ss_sp: Box::leak(vec![0u8; STACK_BYTES].into_boxed_slice()).as_mut_ptr().cast(),
            ss_flags: 0,
            ss_size: STACK_BYTES,
        };
        // SAFETY: the memory is this thread's own for ever.
        unsafe { libc::sigaltstack(&raw const stack, core::ptr::null_mut()) };
        for signal in SIGNALS {
            // SAFETY: all zeros is a sigaction: no flags, an empty mask, and the default as its handler.
            let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
            action.sa_sigaction = handle as extern "C" fn(_, _, _) as libc::sighandler_t;
            action.sa_flags =
                libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESETHAND | libc::SA_NODEFER;
            // SAFETY: `handle` has the signature of a handler with SA_SIGINFO, and calls nothing that must not
            // be called in one.
            unsafe { libc::sigaction(signal, &raw const action, core::ptr::null_mut()) };
        }
    }

    extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, _context: *mut c_void) {
        // SAFETY: the kernel gives a handler with SA_SIGINFO a whole siginfo_t; all reads of its union are of
        // plain numbers.
        let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
        if begin() {
            report(signal, code, address);
        }
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }

    /// Writes the addresses of the callers, one in a line, without allocating.
    pub(super) fn trace(fd: BorrowedFd<'_>) {
        let mut frames = [core::ptr::null_mut::<c_void>(); DEPTH];
        // SAFETY: there is room for so many addresses, and no more than were written are read.
        unsafe {
            let len = libc::backtrace(frames.as_mut_ptr(), DEPTH as c_int);
            libc::backtrace_symbols_fd(frames.as_ptr(), len, fd.as_raw_fd());
        }
    }
}
