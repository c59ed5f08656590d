//! Tapes: what went over the wire between a client and TWS, written down and played again.
//!
//! A [`Recorder`] stands between a client and a real TWS, passes every byte on, and writes a
//! tape. A [`Replayer`] plays the part of TWS from a tape. So a user can send what their TWS
//! did, and a test can go through it.
//!
//! # The format
//!
//! A tape is a text file of JSON, one object a line. The first line says what it is:
//!
//! ```json
//! {"tape":1,"began":"2026-11-22T20:00:00Z"}
//! ```
//!
//! Every other line is one event of one connection:
//!
//! | Field | Meaning |
//! |---|---|
//! | `at` | milliseconds since the beginning |
//! | `connection` | the connection, counted from 1 |
//! | `from` | `client` or `tws` |
//! | `kind` | `open`, `frame`, `bytes` (what is no frame, such as garbage) or `close` |
//! | `name` | of a frame: the message's name, to read by; a replay does not look at it |
//! | `data` | of a frame: its body without the length; of bytes: they; in base64 |
//!
//! The four letters before a client's hello are left out. Account ids are masked by stand-ins
//! of the same length, so that frames stay what they are; see [`Masking`].

mod mask;
mod recorder;
mod replayer;

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;

pub use self::mask::Masking;
pub use self::recorder::{Recorder, RecorderConfig};
pub use self::replayer::{Divergence, Replayer, Timing};

use crate::wire::dialect::Dialect;

/// The version of the format that is written.
const VERSION: u32 = 1;

/// A tape that cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TapeError {
    /// The file cannot be read or written.
    #[error("the tape {} cannot be used: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A line is not what the format says.
    #[error("line {line} of the tape is not valid: {source}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The tape is of a version that is not known here.
    #[error(
        "the tape has version {0}, and this program reads version {VERSION}: use a newer program"
    )]
    Version(u32),
    /// The tape has no first line.
    #[error("the tape is empty; its first line says {{\"tape\":{VERSION},...}}")]
    Empty,
    /// The address to listen on is not available.
    #[error("cannot listen on {address}: {source}; choose another port, or stop what uses it")]
    Listen {
        /// The address asked for.
        address: std::net::SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
}

/// A recorded session.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Tape {
    /// When it began.
    pub began: OffsetDateTime,
    /// What happened, oldest first.
    pub entries: Vec<TapeEntry>,
}

/// One event on a tape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeEntry {
    /// Milliseconds since the beginning.
    pub at: u64,
    /// The connection, counted from 1.
    pub connection: u64,
    /// Who did it.
    pub from: Party,
    /// What it was.
    #[serde(flatten)]
    pub event: TapeEvent,
}

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// The client.
    Client,
    /// TWS.
    Tws,
}

/// What one end of a connection did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum TapeEvent {
    /// The client connected.
    Open,
    /// It sent a frame.
    Frame {
        /// The message's name.
        name: String,
        /// The body.
        #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
        data: Bytes,
    },
    /// It sent bytes that are no frame.
    Bytes {
        /// The bytes.
        #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
        data: Bytes,
    },
    /// It ended the connection.
    Close,
}

#[derive(Serialize, Deserialize)]
struct Header {
    tape: u32,
    #[serde(with = "time::serde::rfc3339")]
    began: OffsetDateTime,
}

impl Tape {
    /// Reads a tape.
    ///
    /// # Errors
    ///
    /// [`TapeError`] for a file that cannot be read or is not a tape.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, TapeError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| TapeError::File {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads a tape from its text.
    ///
    /// # Errors
    ///
    /// [`TapeError`] for what is not a tape.
    pub fn parse(text: &str) -> Result<Self, TapeError> {
        let invalid = |line| move |source| TapeError::Line { line, source };
        let mut lines = text
            .lines()
            .zip(1..)
            .filter(|(line, _)| !line.trim().is_empty());
        let (first, line) = lines.next().ok_or(TapeError::Empty)?;
        let header: Header = serde_json::from_str(first).map_err(invalid(line))?;
        if header.tape != VERSION {
            return Err(TapeError::Version(header.tape));
        }
        let entries = lines
            .map(|(text, line)| serde_json::from_str(text).map_err(invalid(line)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            began: header.began,
            entries,
        })
    }
}

fn to_base64<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD
        .decode(text)
        .map(Bytes::from)
        .map_err(serde::de::Error::custom)
}

/// The version in the answer to a hello.
fn agreed(answer: &[u8]) -> Option<i32> {
    let end = answer.iter().position(|&byte| byte == 0)?;
    std::str::from_utf8(answer.get(..end)?).ok()?.parse().ok()
}

/// The message in a frame's body, with its name.
fn name(dialect: Option<Dialect>, from: Party, body: &[u8]) -> String {
    let Some(dialect) = dialect else {
        return String::from(match from {
            Party::Client => "hello",
            Party::Tws => "answer to the hello",
        });
    };
    let Some(id) = dialect.message_id(body) else {
        return String::from("no message");
    };
    let known = match from {
        Party::Client => Dialect::request_name(id),
        Party::Tws => Dialect::reply_name(id),
    };
    known.map_or_else(|| format!("message {id}"), str::to_owned)
}
