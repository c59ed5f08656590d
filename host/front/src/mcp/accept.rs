//! Whether a client would rather have an answer as an event stream
//! (RFC 9110, section 12.5.1).
//!
//! MCP clients accept both kinds. The host answers with a JSON body unless
//! something comes before the answer, or the client weighs an event stream
//! higher.

use http::header::{ACCEPT, HeaderMap};

/// Whether `text/event-stream` weighs more than `application/json`.
pub(super) fn prefers_event_stream(headers: &HeaderMap) -> bool {
    weight(headers, "text/event-stream") > weight(headers, "application/json")
}

/// The weight that a media type was given, in thousandths: 1000 if it is named
/// without one, 0 if it is not named. What cannot be read weighs nothing.
fn weight(headers: &HeaderMap, wanted: &str) -> u16 {
    let values = headers.get_all(ACCEPT).into_iter();
    let entries = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let weights = entries.filter_map(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let named = parts.next()?.eq_ignore_ascii_case(wanted);
        named.then(|| {
            let mut parameters = parts.filter_map(|part| part.split_once('='));
            let quality = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
            quality.map_or(1000, |(_, quality)| thousandths(quality.trim()))
        })
    });
    weights.max().unwrap_or(0)
}

/// A weight like `0.5`, `1` or `0.125` in thousandths.
fn thousandths(quality: &str) -> u16 {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let digits = fraction.bytes().all(|digit| digit.is_ascii_digit());
    match whole {
        "1" => 1000,
        "0" if digits && fraction.len() <= 3 => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn prefers(values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT, value.parse().unwrap());
        }
        prefers_event_stream(&headers)
    }

    #[test]
    fn json_is_the_ordinary_answer() {
        assert!(!prefers(&[]));
        assert!(!prefers(&["application/json, text/event-stream"]));
        assert!(!prefers(&["text/event-stream, application/json"]));
        assert!(!prefers(&[
            "text/event-stream;q=0.5, application/json;q=0.5"
        ]));
        assert!(!prefers(&["application/json", "text/event-stream"]));
    }

    #[test]
    fn who_weighs_a_stream_higher_gets_one() {
        assert!(prefers(&["text/event-stream, application/json;q=0.9"]));
        assert!(prefers(&[
            "application/json; q=0.125, Text/Event-Stream; Q=0.2"
        ]));
        assert!(prefers(&[
            "application/json;q=0",
            "text/event-stream;q=0.001"
        ]));
    }

    #[test]
    fn nonsense_weighs_nothing() {
        for quality in ["", "2", "-1", "0.1234", "0.x", ".5", "1e3"] {
            let accept = format!("text/event-stream;q={quality}, application/json;q=0.001");
            assert!(!prefers(&[&accept]), "{accept}");
        }
    }
}
