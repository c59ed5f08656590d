//! Frames: a big-endian length and that many bytes.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

/// The longest body that TWS and its clients accept.
const MAX_BODY: usize = 0x00FF_FFFF;

/// Splits the byte stream into frame bodies and puts the length before outgoing ones.
#[derive(Debug, Default)]
pub(crate) struct FrameCodec {
    /// A first frame that is not one: the four letters before the client's hello.
    greeted: bool,
}

impl FrameCodec {
    /// Splits what TWS sends, which begins with a frame at once.
    pub(crate) fn without_greeting() -> Self {
        Self { greeted: true }
    }
}

impl Decoder for FrameCodec {
    type Item = Bytes;
    type Error = io::Error;

    fn decode(&mut self, source: &mut BytesMut) -> io::Result<Option<Bytes>> {
        if !self.greeted {
            match source.get(..4) {
                None => return Ok(None),
                Some(b"API\0") => source.advance(4),
                Some(other) => {
                    return Err(malformed(format!(
                        "a connection begins with API, this one with {other:02x?}"
                    )));
                }
            }
            self.greeted = true;
        }
        let Some(&prefix) = source.first_chunk::<4>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
        if length == 0 || length > MAX_BODY {
            return Err(malformed(format!(
                "a frame of {length} bytes, expected 1 to {MAX_BODY}"
            )));
        }
        if source.len() < 4 + length {
            // No more than is already there is reserved ahead: the length is the client's word.
            return Ok(None);
        }
        source.advance(4);
        Ok(Some(source.split_to(length).freeze()))
    }
}

impl Encoder<Bytes> for FrameCodec {
    type Error = io::Error;

    fn encode(&mut self, body: Bytes, target: &mut BytesMut) -> io::Result<()> {
        let length = u32::try_from(body.len())
            .ok()
            .filter(|_| body.len() <= MAX_BODY)
            .ok_or_else(|| malformed(format!("an answer of {} bytes is too long", body.len())))?;
        target.extend_from_slice(&length.to_be_bytes());
        target.extend_from_slice(&body);
        Ok(())
    }
}

fn malformed(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn frames_are_split_wherever_the_bytes_break() {
        let mut codec = FrameCodec::default();
        let mut bytes = BytesMut::new();
        let mut frames = Vec::new();
        for byte in b"API\0\0\0\0\x03abc\0\0\0\x01d" {
            bytes.extend_from_slice(&[*byte]);
            frames.extend(codec.decode(&mut bytes).unwrap());
        }
        assert_eq!(
            frames,
            [Bytes::from_static(b"abc"), Bytes::from_static(b"d")]
        );
    }

    #[test]
    fn garbage_is_an_error() {
        for garbage in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"API\0\xff\xff\xff\xff",
            b"API\0\0\0\0\0",
        ] {
            assert!(
                FrameCodec::default()
                    .decode(&mut BytesMut::from(garbage))
                    .is_err()
            );
        }
    }
}
