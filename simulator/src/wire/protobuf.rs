//! Messages as protobuf: a big-endian id, offset by 200, and the encoded message.

use bytes::{BufMut, Bytes, BytesMut};

use super::message::{Reply, Request, WireMessage};

/// Added to a message's id to say that protobuf follows.
const PROTOBUF_OFFSET: i32 = 200;

/// A frame that is not a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("a frame of {0} bytes has no message id")]
    TooShort(usize),
    #[error("a frame with id {0} is not protobuf, which version 213 and later always is")]
    NotProtobuf(i32),
    #[error("no message has the id {0}")]
    UnknownId(i32),
    #[error("message {0} cannot be decoded: {1}")]
    Malformed(i32, prost::DecodeError),
}

/// Reads a frame's body.
pub(crate) fn decode(body: &[u8]) -> Result<Request, RequestError> {
    let (id, payload) = body
        .split_first_chunk::<4>()
        .ok_or(RequestError::TooShort(body.len()))?;
    let id = i32::from_be_bytes(*id);
    if id <= PROTOBUF_OFFSET {
        return Err(RequestError::NotProtobuf(id));
    }
    let id = id - PROTOBUF_OFFSET;
    Request::decode(id, payload)
        .map_err(|error| RequestError::Malformed(id, error))?
        .ok_or(RequestError::UnknownId(id))
}

/// Writes a frame's body.
pub(crate) fn encode(reply: &Reply) -> Bytes {
    let mut body = BytesMut::new();
    body.put_i32(reply.id() + PROTOBUF_OFFSET);
    reply.encode(&mut body);
    body.freeze()
}
