//! The handshake: the client's range of versions, and the one that is chosen.

use bytes::Bytes;
use time::OffsetDateTime;

use crate::clock;

/// The newest protocol the simulator speaks.
const NEWEST: i32 = 226;
/// From this version on, every message is protobuf.
pub(crate) const PROTOBUF: i32 = 213;
/// The newest version whose messages are all text, and the oldest. What lies between it and
/// [`PROTOBUF`] mixes the two forms, and no client stops there.
const NEWEST_TEXT: i32 = 178;
const OLDEST_TEXT: i32 = 157;

/// A hello that cannot be answered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum HelloError {
    #[error("the client's hello is {0:?}, expected v<min>..<max>")]
    Malformed(String),
    #[error(
        "the client speaks versions {min} to {max}, the simulator {OLDEST_TEXT} to {NEWEST_TEXT} and {PROTOBUF} to {NEWEST}: use another client"
    )]
    Version { min: i32, max: i32 },
}

/// Reads `v<min>..<max>[ options]` and chooses the version to speak.
pub(crate) fn choose_version(hello: &[u8]) -> Result<i32, HelloError> {
    let text = String::from_utf8_lossy(hello);
    let malformed = || HelloError::Malformed(text.chars().take(60).collect());
    let range = text
        .strip_prefix('v')
        .and_then(|rest| rest.split(' ').next())
        .ok_or_else(malformed)?;
    let (min, max) = range.split_once("..").unwrap_or((range, range));
    let min: i32 = min.parse().map_err(|_| malformed())?;
    let max: i32 = max.parse().map_err(|_| malformed())?;
    let version = match max.min(NEWEST) {
        protobuf @ PROTOBUF.. => protobuf,
        text => text.min(NEWEST_TEXT),
    };
    if version < OLDEST_TEXT || version < min {
        return Err(HelloError::Version { min, max });
    }
    Ok(version)
}

/// The answer to a hello: the version and the time of the connection, always text.
pub(crate) fn answer(version: i32, now: OffsetDateTime) -> Bytes {
    Bytes::from(format!("{version}\0{}\0", clock::handshake(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_is_chosen() {
        assert_eq!(choose_version(b"v213..226"), Ok(226));
        assert_eq!(choose_version(b"v100..226 +PACEAPI"), Ok(226));
        assert_eq!(choose_version(b"v100..220"), Ok(220));
        assert_eq!(choose_version(b"v100..300"), Ok(226));
    }

    #[test]
    fn a_client_from_before_protobuf_speaks_text() {
        assert_eq!(choose_version(b"v157..178"), Ok(178));
        assert_eq!(choose_version(b"v100..193"), Ok(178));
        assert_eq!(choose_version(b"v100..163"), Ok(163));
        assert_eq!(choose_version(b"v100..212"), Ok(178));
    }

    #[test]
    fn a_client_that_is_too_old_or_talks_nonsense_is_refused() {
        assert_eq!(
            choose_version(b"v100..151"),
            Err(HelloError::Version { min: 100, max: 151 })
        );
        assert_eq!(
            choose_version(b"v200..212"),
            Err(HelloError::Version { min: 200, max: 212 })
        );
        assert_eq!(
            choose_version(b"v300..310"),
            Err(HelloError::Version { min: 300, max: 310 })
        );
        assert!(matches!(
            choose_version(b"hello"),
            Err(HelloError::Malformed(_))
        ));
        assert!(matches!(
            choose_version(b"v1..x"),
            Err(HelloError::Malformed(_))
        ));
    }
}
