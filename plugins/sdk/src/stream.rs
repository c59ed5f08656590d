//! Running a subscription to its end.

use std::borrow::Cow;
use std::thread::sleep;
use std::time::{Duration, Instant};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::broker::account::{AccountBatch, AccountStream};
use crate::broker::market_data::{QuoteBatch, QuoteStream};
use crate::broker::types::Error;
use crate::{Context, Failure};

/// The least time between two events, so that a fast market does not drown a
/// reader: four a second.
const PACE: Duration = Duration::from_millis(250);

/// How long to wait for a change before looking whether the caller is there.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is kept back of the call's time for the answer.
const RESERVE: Duration = Duration::from_secs(1);

/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(1);

const DEFAULT_SECONDS: u32 = 60;
const MAX_SECONDS: u32 = 86_400;

/// How long to stream, among the arguments of a tool.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub struct DurationArgument {
    /// Seconds to stream
    #[schemars(range(min = 1, max = 86_400), extend("default" = 60))]
    duration_seconds: Option<u32>,
}

impl DurationArgument {
    /// When to stop; never by itself if nothing was said and the caller holds
    /// the stream open.
    fn duration(self, open_ended: bool) -> Result<Option<Duration>, Failure> {
        match self.duration_seconds {
            None if open_ended => Ok(None),
            None => Ok(Some(Duration::from_secs(DEFAULT_SECONDS.into()))),
            Some(seconds @ 1..=MAX_SECONDS) => Ok(Some(Duration::from_secs(seconds.into()))),
            Some(other) => Err(Failure::invalid_arguments(format!(
                "duration_seconds must be between 1 and {MAX_SECONDS}; got {other}"
            ))),
        }
    }
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// Its duration is over.
    Duration,
    /// The caller left or cancelled.
    Cancelled,
    /// The host's time limit for a call is near.
    Limit,
}

impl JsonSchema for Ended {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Ended".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["duration", "cancelled", "limit"] })
    }
}

/// A subscription. Dropping it ends it.
pub trait Source {
    /// What has changed since the last time.
    type Batch;

    /// Waits for a change, or until the time-out has passed. `None` at the end.
    ///
    /// # Errors
    /// What the broker says.
    fn next(&self, timeout_ms: u32) -> Result<Option<Self::Batch>, Error>;
}

impl Source for QuoteStream {
    type Batch = QuoteBatch;

    fn next(&self, timeout_ms: u32) -> Result<Option<QuoteBatch>, Error> {
        Self::next(self, timeout_ms)
    }
}

impl Source for AccountStream {
    type Batch = AccountBatch;

    fn next(&self, timeout_ms: u32) -> Result<Option<AccountBatch>, Error> {
        Self::next(self, timeout_ms)
    }
}

/// Subscribes, and follows the subscription until its time is over or the
/// caller has left. `on_batch` answers whether it has told the caller
/// something new.
///
/// # Errors
/// A duration that is out of range, or what the broker says.
pub fn follow<S: Source>(
    context: &Context,
    duration: DurationArgument,
    subscribe: impl FnOnce() -> Result<S, Failure>,
    mut on_batch: impl FnMut(S::Batch) -> bool,
) -> Result<Ended, Failure> {
    let duration = duration.duration(context.open_ended())?;
    let source = subscribe()?;
    let start = Instant::now();
    let mut progress_told = start;
    loop {
        let mut timeout = PATIENCE;
        if let Some(duration) = duration {
            let left = duration.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(Ended::Duration);
            }
            timeout = timeout.min(left);
        }
        let remaining = context.remaining().saturating_sub(RESERVE);
        if remaining.is_zero() {
            return Ok(Ended::Limit);
        }
        timeout = timeout.min(remaining);
        if context.cancelled() {
            return Ok(Ended::Cancelled);
        }

        let timeout_ms = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        let Some(batch) = source.next(timeout_ms.max(1))? else {
            return Ok(Ended::Cancelled);
        };
        let told = on_batch(batch);
        if progress_told.elapsed() >= PROGRESS {
            progress_told = Instant::now();
            context.progress(
                start.elapsed().as_secs_f64(),
                duration.map(|duration| duration.as_secs_f64()),
                None,
            );
        }
        if told {
            // Meanwhile the host collects, and the next batch has it all.
            let left = duration.map_or(PACE, |duration| duration.saturating_sub(start.elapsed()));
            sleep(PACE.min(left));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duration(seconds: Option<u32>, open_ended: bool) -> Result<Option<Duration>, Failure> {
        DurationArgument {
            duration_seconds: seconds,
        }
        .duration(open_ended)
    }

    #[test]
    fn a_minute_unless_something_else_is_said() {
        assert_eq!(duration(None, false), Ok(Some(Duration::from_secs(60))));
        assert_eq!(duration(None, true), Ok(None));
        assert_eq!(duration(Some(5), true), Ok(Some(Duration::from_secs(5))));
        assert_eq!(
            duration(Some(86_400), false),
            Ok(Some(Duration::from_secs(86_400)))
        );
    }

    #[test]
    fn a_duration_out_of_range_is_refused_in_words() {
        for seconds in [0, 86_401] {
            let expected = format!("duration_seconds must be between 1 and 86400; got {seconds}");
            assert_eq!(
                duration(Some(seconds), false).map_err(|failure| failure.message),
                Err(expected)
            );
        }
    }
}
