//! The tool's log: where its log lines, its standard output and its error
//! output end up, cut to what it may write.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::call::Level;
use crate::config::Rate;
use crate::limits::Allowance;

/// The longest line, in bytes. What is longer is cut, or continues on the next
/// line if it came through standard output.
const LINE: usize = 8 << 10;

/// What is announced as writable at once to standard output.
const WRITE_PERMIT: usize = 64 << 10;

/// The log of one call.
pub(crate) struct ToolLog {
    tool: Arc<str>,
    call: String,
    allowance: Mutex<Remaining>,
}

struct Remaining {
    bytes: Allowance,
    ended: bool,
}

impl ToolLog {
    pub(crate) fn new(tool: Arc<str>, call: String, bytes: Rate) -> Self {
        Self {
            tool,
            call,
            allowance: Mutex::new(Remaining {
                bytes: Allowance::new(bytes),
                ended: false,
            }),
        }
    }

    /// Writes a line. Answers the line as it was written, or nothing if the
    /// tool has written too much.
    pub(crate) fn write(&self, level: Level, message: &str) -> Option<String> {
        if !self.admit(message.len().min(LINE)) {
            return None;
        }
        let line = printable(message);
        let (tool, call) = (&*self.tool, self.call.as_str());
        match level {
            Level::Debug => tracing::debug!(target: "sandpit::tool", tool, call, "{line}"),
            Level::Info => tracing::info!(target: "sandpit::tool", tool, call, "{line}"),
            Level::Warning => tracing::warn!(target: "sandpit::tool", tool, call, "{line}"),
            Level::Error => tracing::error!(target: "sandpit::tool", tool, call, "{line}"),
        }
        Some(line)
    }

    fn admit(&self, bytes: usize) -> bool {
        let mut remaining = self
            .allowance
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // An empty line costs as well, so that there is no end to it either.
        let admitted = remaining.bytes.take(bytes.max(16) as u64);
        if !admitted && !remaining.ended {
            tracing::warn!(
                target: "sandpit::tool",
                tool = &*self.tool,
                call = self.call.as_str(),
                "the tool writes more to its log than it may; the rest is left out"
            );
        }
        remaining.ended = !admitted;
        admitted
    }
}

/// The text without what could forge a log line or steer a terminal, and at
/// most [`LINE`] bytes of it.
fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LINE));
    for c in text.chars() {
        if line.len() + c.len_utf8() > LINE {
            line.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if c.is_control() => line.push('\u{fffd}'),
            c => line.push(c),
        }
    }
    line
}

/// Standard output or error output of a guest. Every finished line goes to the
/// log. A panic of the guest arrives here, so it is seen in the log and never
/// by the caller.
#[derive(Clone)]
pub(crate) struct LogPipe {
    lines: Arc<Lines>,
}

struct Lines {
    log: Arc<ToolLog>,
    level: Level,
    unfinished: Mutex<Vec<u8>>,
}

impl LogPipe {
    pub(crate) fn new(log: Arc<ToolLog>, level: Level) -> Self {
        Self {
            lines: Arc::new(Lines {
                log,
                level,
                unfinished: Mutex::new(Vec::new()),
            }),
        }
    }
}

impl Lines {
    fn write(&self, mut bytes: &[u8]) {
        let mut unfinished = self
            .unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while !bytes.is_empty() {
            let room = LINE - unfinished.len();
            let (chunk, rest) = bytes.split_at(bytes.len().min(room));
            if let Some(end) = chunk.iter().position(|byte| *byte == b'\n') {
                let (line, _) = bytes.split_at(end);
                let (_, after) = bytes.split_at(end + 1);
                unfinished.extend_from_slice(line);
                bytes = after;
            } else {
                unfinished.extend_from_slice(chunk);
                bytes = rest;
                if unfinished.len() < LINE {
                    continue;
                }
            }
            self.finish(&mut unfinished);
        }
    }

    fn finish(&self, line: &mut Vec<u8>) {
        if !line.is_empty() {
            self.log.write(self.level, &String::from_utf8_lossy(line));
            line.clear();
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let mut line = std::mem::take(
            self.unfinished
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.finish(&mut line);
    }
}

impl IsTerminal for LogPipe {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogPipe {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for LogPipe {
    async fn ready(&mut self) {}
}

impl OutputStream for LogPipe {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.lines.write(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_PERMIT)
    }
}

impl AsyncWrite for LogPipe {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.lines.write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(bytes: u64) -> Arc<ToolLog> {
        Arc::new(ToolLog::new(
            "tool".into(),
            "call".to_owned(),
            Rate {
                at_once: bytes,
                per_second: 0,
            },
        ))
    }

    #[test]
    fn lines_cannot_be_forged() {
        let line = log(1000).write(Level::Info, "a\nb\u{1b}[31m");
        assert_eq!(line.as_deref(), Some("a b\u{fffd}[31m"));
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let line = printable(&"é".repeat(LINE));
        assert_eq!(line.len(), LINE + '…'.len_utf8());
    }

    #[test]
    fn a_tool_cannot_write_for_ever() {
        let log = log(100);
        assert!(log.write(Level::Info, &"x".repeat(90)).is_some());
        assert!(log.write(Level::Info, &"x".repeat(90)).is_none());
        let empty = (0..100).filter(|_| log.write(Level::Info, "").is_some());
        assert_eq!(empty.count(), 0);
    }

    #[test]
    fn output_is_cut_into_lines() {
        let log = log(1 << 20);
        let pipe = LogPipe::new(Arc::clone(&log), Level::Debug);
        pipe.lines.write(b"one\ntwo");
        pipe.lines.write(b" more\n\n");
        pipe.lines.write(&[b'x'; LINE + 3]);
        let unfinished = pipe
            .lines
            .unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        assert_eq!(*unfinished, b"xxx");
    }
}
