//! The token of a request: `Authorization: Bearer TOKEN` (RFC 6750, 2.1).
//!
//! It is read from this header alone: a token in a query or a body ends up in
//! logs and histories, and is no token here.

use http::header::{AUTHORIZATION, HeaderMap};

/// What a request offers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Offered<'a> {
    /// No header at all.
    Nothing,
    /// A token.
    Token(&'a [u8]),
    /// A header of another scheme, or none that can be read.
    Other,
    /// More than one header: which of them counts is a matter of opinion, and
    /// a proxy may have another one than the host.
    Several,
}

/// Reads it.
pub(crate) fn offered(headers: &HeaderMap) -> Offered<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Offered::Nothing,
        (Some(_), Some(_)) => Offered::Several,
        (Some(value), None) => token(value.as_bytes()).map_or(Offered::Other, Offered::Token),
    }
}

fn token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    let token = token.trim_ascii();
    let word = !token.is_empty() && token.iter().all(u8::is_ascii_graphic);
    // A comma would be the border of two headers that were folded into one.
    (scheme.eq_ignore_ascii_case(b"bearer ") && word && !token.contains(&b',')).then_some(token)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let values = values
            .iter()
            .map(|value| (AUTHORIZATION, value.parse().unwrap()));
        values.collect()
    }

    #[test]
    fn one_header_is_one_token() {
        for right in ["Bearer abc", "bearer   abc ", "BEARER abc"] {
            assert_eq!(
                offered(&headers(&[right])),
                Offered::Token(b"abc"),
                "{right}"
            );
        }
        for other in [
            "",
            "Bearer",
            "Bearer ",
            "Basic abc",
            "abc",
            "Bearerabc",
            "Bearer a b",
            "Bearer abc, Bearer def",
        ] {
            assert_eq!(offered(&headers(&[other])), Offered::Other, "{other:?}");
        }
        assert_eq!(offered(&headers(&[])), Offered::Nothing);
    }

    #[test]
    fn two_headers_are_none() {
        let mut twice = HeaderMap::new();
        twice.append(AUTHORIZATION, "Bearer abc".parse().unwrap());
        twice.append(AUTHORIZATION, "Bearer abc".parse().unwrap());
        assert_eq!(offered(&twice), Offered::Several);
    }
}
