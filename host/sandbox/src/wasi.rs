//! WASI 0.2, inert: a clock and randomness, and nothing to reach.
//!
//! The interfaces are there because the standard libraries of guest languages
//! import them, whether the tool uses them or not. There are no files, no
//! addresses that a socket may reach, no name lookup, no environment, no
//! arguments; standard input is empty, and what is written goes to the tool's
//! log.

use std::sync::Arc;

use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use crate::call::Level;
use crate::log::{LogPipe, ToolLog};

/// How many random bytes a guest may ask for at once.
const RANDOM_BYTES: u64 = 1 << 20;

/// The interfaces that are linked, without their versions.
const INTERFACES: [&str; 27] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Whether the interface (without its version) is one of WASI's that the host
/// links.
pub(crate) fn offers(interface: &str) -> bool {
    INTERFACES.contains(&interface)
}

/// What a guest finds behind the interfaces.
pub(crate) fn context(log: &Arc<ToolLog>) -> WasiCtx {
    WasiCtxBuilder::new()
        .stdout(LogPipe::new(Arc::clone(log), Level::Info))
        .stderr(LogPipe::new(Arc::clone(log), Level::Info))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(RANDOM_BYTES)
        .build()
}
