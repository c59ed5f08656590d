//! The replayer: TWS's part of a tape, played to a client.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use serde::Serialize;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::codec::{Encoder, FramedRead};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::recorder::listen;
use super::{Party, Tape, TapeEntry, TapeError, TapeEvent, agreed, name};
use crate::wire::dialect::Dialect;
use crate::wire::frame::FrameCodec;

/// When what TWS sent is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timing {
    /// As soon as what came before it has happened.
    #[default]
    Immediate,
    /// Not before its time since the connection was opened.
    Recorded,
}

/// Something that the client did otherwise than on the tape. The replay goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Divergence {
    /// The connection, counted from 1.
    pub connection: u64,
    /// What the client sent on the tape.
    pub expected: String,
    /// What it sent now. The same name means that the message's content is another one.
    pub found: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connection,
            expected,
            found,
        } = self;
        if expected == found {
            write!(formatter, "connection {connection}: another {found}")
        } else {
            write!(
                formatter,
                "connection {connection}: {found} instead of {expected}"
            )
        }
    }
}

/// Plays the part of TWS from a tape: the first client that connects gets the first connection
/// of the tape, and so on. What the client sent on the tape is waited for, what TWS sent is
/// sent. Answers carry the ids that they had, so the client has to ask as it did then.
#[derive(Debug)]
pub struct Replayer {
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
    divergences: Arc<Mutex<Vec<Divergence>>>,
}

impl Replayer {
    /// Starts a replay. It must be called from within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`TapeError::Listen`] when the address is taken.
    pub async fn start(address: SocketAddr, tape: Tape, timing: Timing) -> Result<Self, TapeError> {
        let listener = listen(address).await?;
        let bound = listener
            .local_addr()
            .map_err(|source| TapeError::Listen { address, source })?;
        let replayer = Self {
            address: bound,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            divergences: Arc::default(),
        };
        let (stop, tasks) = (replayer.stop.clone(), replayer.tasks.clone());
        let divergences = replayer.divergences.clone();
        replayer.tasks.spawn(async move {
            for (number, entries) in connections(tape) {
                let (stream, _) = tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok(accepted) => accepted,
                        Err(error) => {
                            tracing::error!(%error, "the replay cannot accept a connection");
                            return;
                        }
                    },
                    () = stop.cancelled() => return,
                };
                let part = Part {
                    number,
                    timing,
                    dialect: None,
                    divergences: divergences.clone(),
                };
                let stop = stop.clone();
                tasks.spawn(async move {
                    tokio::select! {
                        () = part.play(stream, entries) => {}
                        () = stop.cancelled() => {}
                    }
                });
            }
        });
        Ok(replayer)
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What clients have done otherwise than on the tape, so far.
    pub fn divergences(&self) -> Vec<Divergence> {
        self.divergences
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends every connection, and returns when all is quiet.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Replayer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The tape's entries by connection, in the order in which these were opened.
fn connections(tape: Tape) -> Vec<(u64, Vec<TapeEntry>)> {
    let mut connections: Vec<(u64, Vec<TapeEntry>)> = Vec::new();
    for entry in tape.entries {
        let number = entry.connection;
        match connections.iter_mut().find(|(known, _)| *known == number) {
            Some((_, entries)) => entries.push(entry),
            None => connections.push((number, vec![entry])),
        }
    }
    connections
}

/// One connection of the tape.
struct Part {
    number: u64,
    timing: Timing,
    dialect: Option<Dialect>,
    divergences: Arc<Mutex<Vec<Divergence>>>,
}

impl Part {
    async fn play(mut self, stream: TcpStream, entries: Vec<TapeEntry>) {
        let (read, mut write) = stream.into_split();
        let mut frames = FramedRead::new(read, FrameCodec::default());
        let begin = Instant::now();
        let first = entries.first().map_or(0, |entry| entry.at);
        for TapeEntry {
            at, from, event, ..
        } in entries
        {
            match (from, event) {
                (_, TapeEvent::Open) => {}
                (_, TapeEvent::Close) => return,
                (Party::Client, TapeEvent::Frame { data, .. }) => {
                    let Some(Ok(found)) = frames.next().await else {
                        return;
                    };
                    self.compare(&data, &found);
                }
                // Nothing can be read after what is no frame.
                (Party::Client, TapeEvent::Bytes { .. }) => return,
                (Party::Tws, event) => {
                    if self.timing == Timing::Recorded {
                        let due = Duration::from_millis(at.saturating_sub(first));
                        tokio::time::sleep_until(begin + due).await;
                    }
                    let mut bytes = BytesMut::new();
                    let encoded = match event {
                        TapeEvent::Frame { data, .. } => {
                            if self.dialect.is_none() {
                                self.dialect = agreed(&data).map(Dialect::of);
                            }
                            FrameCodec::default().encode(data, &mut bytes)
                        }
                        TapeEvent::Bytes { data } => {
                            bytes.extend_from_slice(&data);
                            Ok(())
                        }
                        TapeEvent::Open | TapeEvent::Close => Ok(()),
                    };
                    if encoded.is_err() || write.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
            }
        }
        // The tape ends before the connection does: what else the client asks has no answer.
        while let Some(Ok(_)) = frames.next().await {}
    }

    fn compare(&self, expected: &Bytes, found: &Bytes) {
        if expected == found {
            return;
        }
        let name = |body| name(self.dialect, Party::Client, body);
        self.divergences
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Divergence {
                connection: self.number,
                expected: name(expected),
                found: name(found),
            });
    }
}
