//! Quotes as they change.

mod merge;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use ibapi::subscriptions::SubscriptionItem;
use time::OffsetDateTime;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::codes;
use crate::connection::Gateway;
use crate::convert::{self, contract::describe};
use crate::feed::Feed;
use crate::model::{Contract, QuoteBatch, Result};
use crate::session::Session;
use crate::validate;
use merge::Ticker;

/// A running market data subscription. Dropping it ends the subscription.
pub struct QuoteStream {
    feed: Arc<Feed<Ticker>>,
    _cancels: DropGuard,
}

impl std::fmt::Debug for QuoteStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QuoteStream").finish_non_exhaustive()
    }
}

impl QuoteStream {
    /// Waits for a change, at most `timeout`, and takes everything that has
    /// come since; a batch without ticks when the time passed quietly. `None`
    /// after the end was told.
    ///
    /// # Errors
    /// Why the stream ended, once: `NoPermission` where the account may not
    /// have the quotes, `NotConnected` when the connection broke.
    pub async fn next(&mut self, timeout: Duration) -> Result<Option<QuoteBatch>> {
        self.feed.next(timeout).await
    }
}

impl Gateway {
    /// Subscribes to an instrument (TWS `reqMktData`), which must be
    /// qualified. Uses one market data line until the stream is dropped.
    ///
    /// # Errors
    /// `NotConnected`, `InvalidRequest`. What TWS has against it comes from
    /// the stream.
    pub async fn subscribe_quotes(&self, contract: &Contract) -> Result<QuoteStream> {
        validate::contract(contract)?;
        let session = self.session()?;
        let question = convert::contract::to_tws(&self.complete(contract).await?);
        let what = format!("the quotes of {}", describe(contract));
        let work = {
            let (session, what) = (session.clone(), what.clone());
            async move { subscribe(&session, question, what).await }
        };
        session
            .run(&what, session.config.request_timeout, work)
            .await
    }
}

async fn subscribe(
    session: &Arc<Session>,
    question: ibapi::contracts::Contract,
    what: String,
) -> Result<QuoteStream> {
    let mut ticks = session
        .client
        .market_data(&question)
        .subscribe()
        .await
        .map_err(|error| codes::client_error(&error, &what))?;
    let feed = Arc::new(Feed::<Ticker>::default());
    let dropped = CancellationToken::new();
    let stream = QuoteStream {
        feed: Arc::clone(&feed),
        _cancels: dropped.clone().drop_guard(),
    };
    let closing = session.closing.clone();
    session.tasks.spawn(async move {
        loop {
            let item = tokio::select! {
                () = dropped.cancelled() => break,
                () = closing.cancelled() => {
                    feed.end(codes::client_error(&ibapi::Error::Shutdown, &what));
                    break;
                }
                item = ticks.next() => item,
            };
            match item {
                Some(Ok(SubscriptionItem::Data(tick))) => {
                    let now = OffsetDateTime::now_utc();
                    feed.update(|ticker| ticker.add(&tick, now));
                }
                Some(Ok(SubscriptionItem::Notice(notice))) => {
                    if notice.code == ibapi::SUBSCRIPTION_LAG_CODE {
                        feed.update(|ticker| ticker.lose(dropped_frames(&notice.message)));
                    } else {
                        tracing::info!(code = notice.code, "TWS, on {what}: {}", notice.message);
                    }
                }
                Some(Err(error)) => {
                    feed.end(codes::client_error(&error, &what));
                    break;
                }
                None => {
                    feed.end(codes::client_error(
                        &ibapi::Error::UnexpectedEndOfStream,
                        &what,
                    ));
                    break;
                }
            }
        }
        ticks.cancel().await;
    });
    Ok(stream)
}

/// How many frames the client library says it dropped.
fn dropped_frames(message: &str) -> u32 {
    message
        .split_whitespace()
        .find_map(|word| word.parse().ok())
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_dropped_frames_is_read() {
        assert_eq!(
            dropped_frames("subscription fell behind; 17 frames dropped"),
            17
        );
        assert_eq!(dropped_frames("some"), 1);
    }
}
