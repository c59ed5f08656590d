//! The two ways of writing the same messages, and which of them a connection speaks.

use bytes::Bytes;

use super::handshake::PROTOBUF;
use super::message::{Reply, Request, WireMessage};
use super::text::fields::FieldError;
use super::text::replies::BoundedHistory;
use super::unoffered::{self, Unoffered};
use super::{proto, protobuf, text};

/// A frame that is not a request the simulator answers.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("a frame has no message id")]
    NoId,
    #[error("a frame with id {0} is not protobuf, which version 213 and later always is")]
    NotProtobuf(i32),
    #[error("no message has the id {0}")]
    UnknownId(i32),
    #[error("message {0} cannot be decoded: {1}")]
    Malformed(i32, prost::DecodeError),
    /// A text message with a field that is not what belongs there.
    #[error("message {0}: {1}")]
    Unreadable(i32, FieldError),
    /// A request of TWS that this one does not offer.
    #[error("{} is not offered", .what.name)]
    Unoffered {
        what: &'static Unoffered,
        /// The request's id, where it has one.
        request: Option<i32>,
    },
}

/// How messages look as bytes on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Protobuf,
    /// Text, with the version that says which fields there are.
    Text(i32),
}

impl Dialect {
    /// What is spoken at a protocol version.
    pub(crate) fn of(version: i32) -> Self {
        if version >= PROTOBUF {
            Self::Protobuf
        } else {
            Self::Text(version)
        }
    }

    /// The id of the message in a frame's body.
    pub(crate) fn message_id(self, body: &[u8]) -> Option<i32> {
        match self {
            Self::Protobuf => protobuf::message_id(body).ok(),
            Self::Text(_) => text::message_id(body).ok(),
        }
    }

    /// The name of the request with this id.
    pub(crate) fn request_name(id: i32) -> Option<&'static str> {
        Request::blank(id)
            .map(|request| request.name())
            .or_else(|| unoffered::find(id).map(|unoffered| unoffered.name))
    }

    /// The name of the answer with this id.
    pub(crate) fn reply_name(id: i32) -> Option<&'static str> {
        Reply::blank(id).map(|reply| reply.name())
    }

    /// Reads a frame's body.
    pub(crate) fn decode(self, body: &[u8]) -> Result<Request, RequestError> {
        match self {
            Self::Protobuf => protobuf::decode(body),
            Self::Text(version) => text::decode(version, body),
        }
    }
}

/// The error for a request that is not among those with an answer.
pub(super) fn not_answered(
    id: i32,
    request: impl FnOnce(&Unoffered) -> Option<i32>,
) -> RequestError {
    match unoffered::find(id) {
        Some(what) => RequestError::Unoffered {
            what,
            request: request(what),
        },
        None => RequestError::UnknownId(id),
    }
}

/// Writes what a connection is sent.
#[derive(Debug)]
pub(crate) struct Encoder {
    dialect: Dialect,
    /// Bars whose bounds are yet to come: text has both in one message.
    bars: Option<Box<proto::HistoricalData>>,
}

impl Encoder {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            bars: None,
        }
    }

    /// A frame's body; `None` for what the dialect does not have, or has only with what follows.
    pub(crate) fn encode(&mut self, reply: Reply) -> Option<Bytes> {
        let version = match self.dialect {
            Dialect::Protobuf => return Some(protobuf::encode(&reply)),
            Dialect::Text(version) => version,
        };
        match reply {
            Reply::HistoricalData(bars) => {
                self.bars = Some(bars);
                None
            }
            Reply::HistoricalDataEnd(end) => {
                let bars = self.bars.take().filter(|bars| bars.req_id == end.req_id);
                let mut history = BoundedHistory {
                    end: *end,
                    bars: bars
                        .map(|bars| bars.historical_data_bars)
                        .unwrap_or_default(),
                };
                Some(text::encode_as(version, HISTORICAL_DATA, &mut history))
            }
            reply if reply.has_text() => Some(text::encode(version, reply)),
            _ => None,
        }
    }
}

/// The id of historical data.
const HISTORICAL_DATA: i32 = 17;
