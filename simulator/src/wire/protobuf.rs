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

/// Reads a frame's body.
pub(crate) fn decode(body: &[u8]) -> Result<Request, RequestError> {
    let (id, payload) = body.split_first_chunk::<4>().ok_or(RequestError::NoId)?;
    let id = i32::from_be_bytes(*id);
    if id <= PROTOBUF_OFFSET {
        return Err(RequestError::NotProtobuf(id));
    }
    let id = id - PROTOBUF_OFFSET;
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
pub(crate) fn encode(reply: &Reply) -> Bytes {
    let mut body = BytesMut::new();
    body.put_i32(reply.id() + PROTOBUF_OFFSET);
    reply.encode(&mut body);
    body.freeze()
}
