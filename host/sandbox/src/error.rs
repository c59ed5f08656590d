//! What can go wrong, in sentences that may be shown to a person.

use std::time::Duration;

use crate::capability::Capability;

/// The sandbox could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// wasmtime refused the settings, or the machine cannot run it.
    #[error("the WebAssembly engine cannot be set up on this machine: {0}")]
    Engine(String),
    /// The thread that bounds the running time of tools did not start.
    #[error("the thread that bounds the running time of tools did not start: {0}")]
    Thread(String),
}

impl SandboxError {
    pub(crate) fn engine(error: &wasmtime::Error) -> Self {
        Self::Engine(reason(error))
    }
}

/// A component cannot be used as a tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// It is larger than the host accepts.
    #[error(
        "The component has {size} bytes; at most {limit} are accepted. \
         Build it with size optimization and without debug information."
    )]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The bound in bytes.
        limit: usize,
    },
    /// It is a WebAssembly module that was not made into a component.
    #[error(
        "This is a core WebAssembly module, not a component. \
         Build it for the target wasm32-wasip2, or convert it with wasm-tools component new."
    )]
    CoreModule,
    /// It is something else altogether.
    #[error("This is not a WebAssembly component.")]
    NotWebAssembly,
    /// It cannot be compiled.
    #[error("The component is damaged, or uses what this host does not support: {0}")]
    Invalid(String),
    /// It exports neither what a tool exports nor what a prompt does.
    #[error(
        "The component exports neither sandpit:tool/plugin@0.1.0 nor sandpit:tool/prompt@0.1.0, \
         so it is no tool and no prompt that this host can run. Build it against the world \
         sandpit:tool/tool or sandpit:tool/prompt-component of the host's WIT files."
    )]
    NotATool,
    /// It exports what a tool exports and what a prompt does.
    #[error(
        "The component exports both sandpit:tool/plugin and sandpit:tool/prompt. A component is \
         one tool or one prompt: make two of it."
    )]
    TwoKinds,
    /// It is a prompt that asks for the capability `trading`.
    #[error(
        "The component is a prompt and imports sandpit:broker/trading. A prompt changes nothing: \
         let it name the tool that trades."
    )]
    PromptTrades,
    /// It imports something that the host does not have.
    #[error(
        "The component imports {import}, which this host does not offer. A tool may import \
         sandpit:tool/context, the interfaces of sandpit:broker, and WASI 0.2 without HTTP."
    )]
    UnknownImport {
        /// The import, as the component names it.
        import: String,
    },
    /// It imports another version of an interface.
    #[error(
        "The component imports {import}; this host offers version {offered}. \
         Build the component against the host's WIT files."
    )]
    WrongVersion {
        /// The import, as the component names it.
        import: String,
        /// The version that the host offers.
        offered: &'static str,
    },
    /// It imports capabilities that are not granted.
    #[error(
        "The component asks for {}, which it is not granted. \
         Grant it, or use a tool that does not need it.", names(.missing)
    )]
    NotGranted {
        /// All that it imports and may not have, in a fixed order.
        missing: Vec<Capability>,
    },
    /// Its imports or exports have other types than the contract says.
    #[error("The component does not fit the host's WIT files: {0}")]
    Mismatch(String),
    /// It failed when it was asked to describe itself.
    #[error("The component failed to describe itself: {0}")]
    Describe(CallError),
    /// What it says of itself is not acceptable.
    #[error("The component describes itself wrongly: {}", .0.join("; "))]
    Descriptor(Vec<String>),
    /// The host could not do its part.
    #[error("The host could not load the component: {0}")]
    Host(String),
}

/// A call gave no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// All instances are taken, and the queue did not move in time.
    #[error(
        "The host runs as many tools as it may at a time ({max_instances}). Try again in a moment."
    )]
    Busy {
        /// How many instances may exist at the same time.
        max_instances: u32,
    },
    /// The host is about to end.
    #[error("The host is shutting down and takes no more calls.")]
    ShuttingDown,
    /// It took longer than it may.
    #[error("The tool did not answer within {} and was ended.", seconds(.deadline))]
    DeadlineExceeded {
        /// How long it might have taken.
        deadline: Duration,
    },
    /// The caller no longer wanted the answer, and the tool did not end by
    /// itself.
    #[error("The call was cancelled.")]
    Cancelled,
    /// It wanted more memory than it may have.
    #[error("The tool needed more than its {} MiB of memory and was ended.", .limit >> 20)]
    OutOfMemory {
        /// How much it may have, in bytes.
        limit: usize,
    },
    /// It trapped: a panic or another fault of its code. The details are in
    /// the tool's log.
    #[error("The tool failed. Its log says more.")]
    Trapped,
    /// Its outcome is larger than it may be.
    #[error(
        "The tool's answer is larger than the {limit} bytes it may have. Ask for less at once."
    )]
    TooLarge {
        /// How large it may be, in bytes.
        limit: usize,
    },
    /// It went beyond a limit of the call that ends the call.
    #[error("The tool sent more than the {limit} {what} that one call may send, and was ended.")]
    LimitExceeded {
        /// What it sent too much of, for example `bytes of stream events`.
        what: &'static str,
        /// How much it may send, by the time that it was ended.
        limit: u64,
    },
    /// It did, or answered, what no tool may.
    #[error("The tool broke its contract: {0}.")]
    BrokenContract(String),
    /// The host could not start an instance.
    #[error("The host could not start the tool. The host's log says more.")]
    NotStarted,
    /// The call ended badly after it had asked for an order to be placed,
    /// modified or cancelled.
    #[error(
        "{cause} It had already sent an order request, whose fate is not known: \
         look at the open orders and executions before you send it again."
    )]
    OrdersUncertain {
        /// How it ended.
        cause: Box<CallError>,
    },
}

/// The innermost message of a wasmtime error, in one line of a bounded length,
/// without what could steer a terminal: it may quote names from the component.
/// What surrounds it is wasmtime's own bookkeeping and, for a trap, a
/// backtrace.
pub(crate) fn reason(error: &wasmtime::Error) -> String {
    let text = error.root_cause().to_string();
    let line = text.lines().next().unwrap_or_default();
    let printable = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    line.chars().take(300).map(printable).collect()
}

/// `account`, `account and trading`, `account, history and trading`.
fn names(capabilities: &[Capability]) -> String {
    let names: Vec<_> = capabilities.iter().map(|of| of.name()).collect();
    match names.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        names => names.concat(),
    }
}

fn seconds(duration: &Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_cannot_steer_a_terminal() {
        let error = wasmtime::format_err!("no export named `\u{1b}[31m`\nand more");
        assert_eq!(reason(&error), "no export named `\u{fffd}[31m`");
    }
}
