//! File descriptors: every connection takes one, and the usual limit of a
//! process is lower than the connections that a host may have.

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// What the host needs beside its connections: TWS, the journal, watches.
const OTHERS: u64 = 64;

/// Raises the limit of this process as far as it may be, and says so if that is
/// too low for so many connections.
#[cfg(unix)]
pub fn allow(connections: usize) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    let now = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(_) => current,
    };
    let needed = u64::try_from(connections)
        .unwrap_or(u64::MAX)
        .saturating_add(OTHERS);
    if let Some(descriptors) = now.filter(|now| *now < needed) {
        warn!(
            descriptors,
            needed,
            "the system lets this process have fewer file descriptors than \
             server.max_connections needs; further connections will wait"
        );
    }
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
pub fn allow(_connections: usize) {}
