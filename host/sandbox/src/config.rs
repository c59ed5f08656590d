//! What can be set: of the sandbox as a whole and of one call.

use std::path::PathBuf;
use std::time::Duration;

/// How the sandbox is set up. [`Default`] is right for a desktop and for a
/// small server.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Where compiled components are kept between starts; without it each
    /// start compiles anew. What lies in that folder is run as trusted code:
    /// nobody but the host's own user may be able to write to it.
    pub cache_dir: Option<PathBuf>,
    /// The largest component that is loaded, in bytes.
    pub max_component_bytes: usize,
    /// How much linear memory one instance may have at most, in bytes. A call
    /// may ask for less, never for more.
    pub memory_limit: usize,
    /// How many instances may exist at the same time.
    pub max_instances: u32,
    /// How many calls may wait for an instance.
    pub max_queued: usize,
    /// How long a call may wait for an instance.
    pub queue_deadline: Duration,
    /// How long a component may take to describe itself.
    pub describe_deadline: Duration,
    /// How long a call goes on after it was cancelled or its deadline passed,
    /// so that the tool can end in good order.
    pub grace: Duration,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            cache_dir: None,
            max_component_bytes: 32 << 20,
            memory_limit: 64 << 20,
            max_instances: 256,
            max_queued: 1024,
            queue_deadline: Duration::from_secs(10),
            describe_deadline: Duration::from_secs(5),
            grace: Duration::from_secs(2),
        }
    }
}

/// The bounds of one call.
#[derive(Debug, Clone)]
pub struct CallLimits {
    /// How long it may take, counted from the moment that it has an instance.
    pub deadline: Duration,
    /// How much linear memory it may have, in bytes; at most
    /// [`SandboxConfig::memory_limit`].
    pub memory: usize,
    /// How large its answer may be, and how much it may hand to the host at
    /// once, in bytes.
    pub answer_bytes: usize,
    /// How many requests it may make of the broker.
    pub broker_requests: Rate,
    /// How many bytes it may write to its log.
    pub log_bytes: Rate,
    /// How many events (log lines, progress, stream events) it may send. Log
    /// lines and progress beyond it are left out; stream events beyond it make
    /// the tool wait.
    pub events: Rate,
    /// How many bytes of stream events it may send. A call that sends more is
    /// ended.
    pub stream_bytes: Rate,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            memory: 64 << 20,
            answer_bytes: 8 << 20,
            broker_requests: Rate {
                at_once: 2_000,
                per_second: 50,
            },
            log_bytes: Rate {
                at_once: 256 << 10,
                per_second: 4 << 10,
            },
            events: Rate {
                at_once: 2_000,
                per_second: 100,
            },
            stream_bytes: Rate {
                at_once: 64 << 20,
                per_second: 256 << 10,
            },
        }
    }
}

/// A bound that grows while a call lasts, so that the same numbers fit a call
/// of a second and a stream of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How much is allowed from the start.
    pub at_once: u64,
    /// How much is added with every second.
    pub per_second: u64,
}
