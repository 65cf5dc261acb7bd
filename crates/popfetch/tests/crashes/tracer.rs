//! A process whose system calls are counted. At one of them it is killed, or some of them fail.
//!
//! Calls are counted over all threads in the order in which they are made, which strace's own
//! counters, one for each thread and name, are not.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::{fs, thread};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{self, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// The file that its first argument is a handle of.
    Handle,
    /// A name in a directory.
    Name,
    /// A name, which it makes only if its third argument says so.
    NameToOpen,
}

/// The calls that touch disk or network.
const CALLS: &[(libc::c_long, &str, Takes)] = &[
    (libc::SYS_connect, "connect", Takes::Handle),
    (libc::SYS_sendto, "sendto", Takes::Handle),
    (libc::SYS_recvfrom, "recvfrom", Takes::Handle),
    (libc::SYS_sendmsg, "sendmsg", Takes::Handle),
    (libc::SYS_recvmsg, "recvmsg", Takes::Handle),
    (libc::SYS_shutdown, "shutdown", Takes::Handle),
    (libc::SYS_read, "read", Takes::Handle),
    (libc::SYS_readv, "readv", Takes::Handle),
    (libc::SYS_pread64, "pread64", Takes::Handle),
    (libc::SYS_write, "write", Takes::Handle),
    (libc::SYS_writev, "writev", Takes::Handle),
    (libc::SYS_pwrite64, "pwrite64", Takes::Handle),
    (libc::SYS_fsync, "fsync", Takes::Handle),
    (libc::SYS_fdatasync, "fdatasync", Takes::Handle),
    (libc::SYS_syncfs, "syncfs", Takes::Handle),
    (libc::SYS_ftruncate, "ftruncate", Takes::Handle),
    (libc::SYS_fallocate, "fallocate", Takes::Handle),
    (libc::SYS_fcntl, "fcntl", Takes::Handle),
    (libc::SYS_flock, "flock", Takes::Handle),
    (libc::SYS_getdents64, "getdents64", Takes::Handle),
    (libc::SYS_open, "open", Takes::Name),
    (libc::SYS_openat, "openat", Takes::NameToOpen),
    (libc::SYS_mkdir, "mkdir", Takes::Name),
    (libc::SYS_rename, "rename", Takes::Name),
    (libc::SYS_renameat2, "renameat2", Takes::Name),
    (libc::SYS_link, "link", Takes::Name),
    (libc::SYS_linkat, "linkat", Takes::Name),
    (libc::SYS_unlink, "unlink", Takes::Name),
    (libc::SYS_unlinkat, "unlinkat", Takes::Name),
];

/// A system call that touches disk or network.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    /// What the handle that it takes is of: a path, or as proc(5) has it.
    pub(crate) of: Option<PathBuf>,
    /// Whether it may make a name.
    pub(crate) makes_name: bool,
}

impl Call {
    /// What this call is, if it is one of those. Its number and the first three arguments.
    fn entered(thread: Pid, number: u64, first: u64, third: u64) -> Option<Self> {
        let known = |call: &&(libc::c_long, _, _)| u64::try_from(call.0) == Ok(number);
        let &(_, name, takes) = CALLS.iter().find(known)?;
        let of = match takes {
            Takes::Handle => fs::read_link(format!("/proc/{thread}/fd/{first}")).ok(),
            Takes::Name | Takes::NameToOpen => None,
        };
        let makes_name = match takes {
            Takes::Handle => false,
            Takes::Name => !name.starts_with("unlink"),
            Takes::NameToOpen => third & libc::O_CREAT.unsigned_abs() as u64 != 0,
        };
        Some(Self {
            name,
            of,
            makes_name,
        })
    }

    /// Whether it takes a file whose path ends so.
    pub(crate) fn is_of(&self, end: &str) -> bool {
        let of = self.of.as_ref();
        of.is_some_and(|of| of.to_string_lossy().ends_with(end))
    }

    /// Whether it takes a file on the disk, or a directory.
    pub(crate) fn is_on_disk(&self) -> bool {
        let of = self.of.as_ref();
        of.is_some_and(|of| {
            of.starts_with("/") && !of.starts_with("/dev") && !of.starts_with("/proc")
        })
    }
}

/// What befalls the process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// Nothing.
    Undisturbed,
    /// It is killed when it makes the call of this number, counted from 1.
    KilledAt(usize),
    /// The call of this number fails, and so do those that follow up to the last.
    Failing {
        from: usize,
        to: usize,
        error: Errno,
    },
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Traced {
    /// `None` if it was killed.
    pub(crate) status: Option<i32>,
    pub(crate) err: String,
    /// The calls that counted.
    pub(crate) calls: Vec<Call>,
}

/// Runs a command, in which those calls count that `counts` says.
pub(crate) fn run(command: &Command, counts: impl Fn(&Call) -> bool, fate: Fate) -> Traced {
    let (mut child, leader) = stopped(command);
    let mut tracer = Tracer {
        leader,
        counts,
        fate,
        calls: Vec::new(),
        inside: HashSet::new(),
        failing: HashMap::new(),
        has_begun: false,
    };
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(leader, options).unwrap();
    signal::kill(leader, Signal::SIGCONT).unwrap();
    // What it says fits into any pipe, but what is not read by anybody else need not.
    let mut pipe = child.stderr.take().unwrap();
    let reader = thread::spawn(move || {
        let mut err = String::new();
        pipe.read_to_string(&mut err).map(|_| err)
    });
    let status = tracer.follow();
    Traced {
        status,
        err: reader.join().unwrap().unwrap(),
        calls: tracer.calls,
    }
}

/// Starts a command, which waits for SIGCONT before it does anything.
fn stopped(command: &Command) -> (Child, Pid) {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "kill -STOP $$; exec \"$0\" \"$@\""]);
    shell.arg(command.get_program()).args(command.get_args());
    shell
        .current_dir(command.get_current_dir().unwrap())
        .env_clear();
    let variables = command.get_envs();
    shell.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    shell
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // A signal for the terminal is not for it.
    shell.process_group(0);
    let child = shell.spawn().unwrap();
    let leader = Pid::from_raw(child.id().try_into().unwrap());
    let stopped = waitpid(leader, Some(WaitPidFlag::WUNTRACED)).unwrap();
    assert_eq!(stopped, WaitStatus::Stopped(leader, Signal::SIGSTOP));
    (child, leader)
}

struct Tracer<C> {
    leader: Pid,
    counts: C,
    fate: Fate,
    calls: Vec<Call>,
    /// Threads that are in a system call.
    inside: HashSet<Pid>,
    /// Those of them whose call is going to fail, and how.
    failing: HashMap<Pid, Errno>,
    /// The command itself runs, not what starts it.
    has_begun: bool,
}

impl<C: Fn(&Call) -> bool> Tracer<C> {
    /// Follows all threads to the end of the process: its status, unless it was killed.
    fn follow(&mut self) -> Option<i32> {
        // Other threads of this process may have children of their own.
        let mine = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            let (thread, signal) = match waitpid(None, Some(mine)).unwrap() {
                WaitStatus::Exited(thread, status) if thread == self.leader => return Some(status),
                WaitStatus::Signaled(thread, ..) if thread == self.leader => return None,
                WaitStatus::PtraceSyscall(thread) => {
                    self.at_call(thread);
                    (thread, None)
                }
                WaitStatus::PtraceEvent(thread, _, event) => {
                    self.has_begun |= event == libc::PTRACE_EVENT_EXEC;
                    (thread, None)
                }
                WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
                _ => continue,
            };
            match ptrace::syscall(thread, signal) {
                // It was killed meanwhile.
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// A thread is about to make a call, or has made it.
    fn at_call(&mut self, thread: Pid) {
        // It may have been killed meanwhile.
        let Ok(mut registers) = ptrace::getregs(thread) else {
            return;
        };
        if self.inside.remove(&thread) {
            if let Some(error) = self.failing.remove(&thread) {
                registers.rax = (-i64::from(error as i32)).cast_unsigned();
                ptrace::setregs(thread, registers).unwrap();
            }
            return;
        }
        self.inside.insert(thread);
        let call = Call::entered(thread, registers.orig_rax, registers.rdi, registers.rdx);
        let Some(call) = call.filter(|call| self.has_begun && (self.counts)(call)) else {
            return;
        };
        self.calls.push(call);
        let number = self.calls.len();
        match self.fate {
            Fate::KilledAt(at) if at == number => {
                signal::kill(self.leader, Signal::SIGKILL).unwrap();
            }
            Fate::Failing { from, to, error } if (from..=to).contains(&number) => {
                // There is no such call, so nothing is done.
                registers.orig_rax = u64::MAX;
                ptrace::setregs(thread, registers).unwrap();
                self.failing.insert(thread, error);
            }
            _ => {}
        }
    }
}
