//! Messages as protobuf: a big-endian id, offset by 200, and the encoded message.

use bytes::{BufMut, Bytes, BytesMut};

use prost::Message;

use super::dialect::{RequestError, not_answered};
use super::message::{Reply, Request, WireMessage};

/// Added to a message's id to say that protobuf follows.
const PROTOBUF_OFFSET: i32 = 200;

/// What most requests begin with.
#[derive(Clone, PartialEq, Message)]
struct Head {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
}

/// The id of the message in a frame's body.
pub(super) fn message_id(body: &[u8]) -> Result<i32, RequestError> {
    let id = body.first_chunk::<4>().ok_or(RequestError::NoId)?;
    match i32::from_be_bytes(*id) {
        id if id > PROTOBUF_OFFSET => Ok(id - PROTOBUF_OFFSET),
        id => Err(RequestError::NotProtobuf(id)),
    }
}

/// Reads a frame's body.
pub(super) fn decode(body: &[u8]) -> Result<Request, RequestError> {
    let id = message_id(body)?;
    let payload = body.get(4..).unwrap_or_default();
    Request::decode(id, payload)
        .map_err(|error| RequestError::Malformed(id, error))?
        .ok_or_else(|| {
            not_answered(id, |what| {
                what.place?;
                Head::decode(payload).ok()?.req_id
            })
        })
}

/// Writes a frame's body.
pub(super) fn encode(reply: &Reply) -> Bytes {
    let mut body = BytesMut::new();
    body.put_i32(reply.id() + PROTOBUF_OFFSET);
    reply.encode(&mut body);
    body.freeze()
}
