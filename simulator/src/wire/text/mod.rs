//! Messages as text: fields that each end in a zero byte, the message's id first. This is what
//! clients speak whose newest version is below the protobuf ones.

pub(crate) mod fields;
mod order_parts;
mod orders;
mod parts;
pub(crate) mod replies;
mod requests;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::fields::{Layout, Reader, Writer};
use super::dialect::{RequestError, not_answered};
use super::message::{Request, WireMessage};

/// Lays out messages that are a plain row of fields.
macro_rules! layouts {
    (@field $f:ident, $message:ident, fixed $text:literal) => {
        $f.fixed($text)?;
    };
    (@field $f:ident, $message:ident, $kind:ident $field:ident) => {
        $f.$kind(&mut $message.$field)?;
    };
    ($($name:ident { $($kind:ident $what:tt),+ })*) => {
        $(impl Layout for proto::$name {
            fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
                $($crate::wire::text::layouts!(@field f, self, $kind $what);)+
                Ok(())
            }
        })*
    };
}
use layouts;

/// Messages of which there is nothing to say but that they are.
macro_rules! bare {
    ($($name:ident,)*) => {
        $(impl Layout for super::proto::$name {
            fn layout<F: fields::Fields>(&mut self, _: &mut F) -> Result<(), F::Error> {
                Ok(())
            }
        })*
    };
}

bare! {
    CompletedOrdersEnd,
    FamilyCodesRequest,
    MarketDepthExchangesRequest,
    NewsProvidersRequest,
}

/// Messages that the text protocol does not have, at least not on their own.
macro_rules! not_in_text {
    ($($name:ident,)*) => {
        $(impl Layout for super::proto::$name {
            const HAS_TEXT: bool = false;

            fn layout<F: fields::Fields>(&mut self, _: &mut F) -> Result<(), F::Error> {
                Ok(())
            }
        })*
    };
}

not_in_text! {
    CancelContractData,
    CurrentTimeInMillisRequest,
    CurrentTimeInMillis,
    // Both are one message in text, which the encoder puts together.
    HistoricalData,
    HistoricalDataEnd,
}

/// Reads a frame's body.
pub(super) fn decode(version: i32, body: &[u8]) -> Result<Request, RequestError> {
    let mut reader = Reader::new(version, body);
    let id = id(&mut reader)?;
    let mut request = Request::blank(id)
        .filter(Request::has_text)
        .ok_or_else(|| not_answered(id, |what| request_id(&mut reader, what.place?)))?;
    request
        .layout(&mut reader)
        .map_err(|error| RequestError::Unreadable(id, error))?;
    Ok(request)
}

/// The id of the message in a frame's body.
pub(super) fn message_id(body: &[u8]) -> Result<i32, RequestError> {
    id(&mut Reader::new(0, body))
}

fn id(reader: &mut Reader<'_>) -> Result<i32, RequestError> {
    let field = reader.next().map_err(|_| RequestError::NoId)?;
    std::str::from_utf8(field)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(RequestError::NoId)
}

/// The request id at this place after the message's id.
fn request_id(reader: &mut Reader<'_>, place: usize) -> Option<i32> {
    let mut id = None;
    for _ in 0..place {
        id = reader.next().ok();
    }
    std::str::from_utf8(id?).ok()?.parse().ok()
}

/// Writes a message's body.
pub(super) fn encode<M: WireMessage>(version: i32, mut message: M) -> Bytes {
    let mut writer = Writer::new(version, message.id());
    let Ok(()) = message.layout(&mut writer);
    writer.finish()
}

/// Writes the body of something that is a message in text alone.
pub(super) fn encode_as(version: i32, id: i32, message: &mut impl Layout) -> Bytes {
    let mut writer = Writer::new(version, id);
    let Ok(()) = message.layout(&mut writer);
    writer.finish()
}
