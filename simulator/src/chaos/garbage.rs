//! Frames that cannot be read.

use bytes::{BufMut, Bytes, BytesMut};

use super::fault::Garbage;
use crate::wire::dialect::Dialect;

/// The id of order statuses.
const ORDER_STATUS: i32 = 3;
/// An id that no message has.
const NOBODYS: i32 = 190;

/// The bytes of such a frame, with its length before it.
pub(super) fn bytes(kind: Garbage, dialect: Dialect) -> Bytes {
    let id = |id: i32| match dialect {
        Dialect::Protobuf => Bytes::copy_from_slice(&(id + 200).to_be_bytes()),
        Dialect::Text(_) => Bytes::from(format!("{id}\0")),
    };
    match kind {
        Garbage::Noise => {
            // Every byte that is not a digit, so that it is nobody's message id.
            let noise: Vec<u8> = (b':'..=u8::MAX).collect();
            frame(&[&noise])
        }
        Garbage::UnknownMessage => frame(&[&id(NOBODYS), b"?\0"]),
        Garbage::Truncated => match dialect {
            // Field 2 announces nine bytes of text, and two follow.
            Dialect::Protobuf => frame(&[&id(ORDER_STATUS), &[8, 1, 18, 9, b'S', b'u']]),
            Dialect::Text(_) => frame(&[&id(ORDER_STATUS), b"1\0Su\0"]),
        },
        Garbage::Length => Bytes::from_static(&[0xff, 0xff, 0xff, 0xff]),
    }
}

fn frame(parts: &[&[u8]]) -> Bytes {
    let mut frame = BytesMut::new();
    let length: usize = parts.iter().map(|part| part.len()).sum();
    frame.put_u32(u32::try_from(length).unwrap_or_default());
    for part in parts {
        frame.extend_from_slice(part);
    }
    frame.freeze()
}
