//! Quotes as they change: one subscription for all who watch an instrument.

mod lines;
mod merge;

use std::sync::Arc;
use std::time::Duration;

use ibapi::subscriptions::SubscriptionItem;
use time::OffsetDateTime;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::codes;
use crate::connection::Gateway;
use crate::convert::{self, contract::describe};
use crate::farms::FarmState;
use crate::gate::QuoteSeen;
use crate::model::{Contract, Error, Quote, QuoteBatch, Result};
use crate::pacing;
use crate::session::Session;
use crate::shared::{Hub, Line, Reader, Source, before_cancel, pump};
use crate::validate;
use merge::Ticker;

/// Who holds a line for the host itself, in sentences.
const HOST: &str = "the host's risk gate";

/// How long the rest of a quote may take once its first price has come.
const REST_FOLLOWS: Duration = Duration::from_millis(500);

/// How often to look whether that time has passed.
const LOOK: Duration = Duration::from_millis(100);

/// The market data lines of a gateway.
pub(crate) type QuoteHub = Hub<Contract, Quotes>;

/// The quotes of one instrument.
pub(crate) struct Quotes {
    contract: Contract,
    /// Whether an order waits for them.
    is_urgent: bool,
}

/// A reader of an instrument's quotes. Dropping it ends its part; the
/// subscription of TWS ends a short time after that of the last one.
pub struct QuoteStream {
    reader: Reader<Ticker>,
}

impl std::fmt::Debug for QuoteStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QuoteStream").finish_non_exhaustive()
    }
}

impl QuoteStream {
    /// Waits for a change, at most `timeout`, and takes everything that has
    /// come since; a batch without ticks when the time passed quietly. The
    /// first batch has what was known before. A connection that breaks does not
    /// end the stream: the quote is stale until it is back, and then the batch
    /// says how long the gap was. `None` after the end was told.
    ///
    /// # Errors
    /// Why the stream ended, once: `NoPermission` where the account may not
    /// have the quotes, `NotConnected` when the connection was closed on
    /// request.
    pub async fn next(&mut self, timeout: Duration) -> Result<Option<QuoteBatch>> {
        self.reader.next(timeout).await
    }
}

impl Gateway {
    /// Watches the quotes of an instrument (TWS `reqMktData`), which must be
    /// qualified. All who watch the same one share one market data line.
    /// `holder` names who watches, for those who find no line free.
    ///
    /// # Errors
    /// `NotConnected`, `InvalidRequest`; `Pacing`, naming who holds them, when
    /// no line is free. What TWS has against it comes from the stream.
    #[tracing::instrument(level = "debug", name = "gateway.subscribe_quotes", skip_all, fields(gateway = self.name()))]
    pub async fn subscribe_quotes(&self, holder: &str, contract: &Contract) -> Result<QuoteStream> {
        validate::contract(contract)?;
        let session = self.session()?;
        let contract = self.complete(contract).await?;
        let source = || Quotes {
            contract: contract.clone(),
            is_urgent: pacing::is_urgent(),
        };
        let key = contract.clone();
        let full = |lines: &[Arc<Line<Quotes>>]| lines::no_line(&describe(&contract), lines);
        let joining = self
            .data()
            .quotes
            .join(key, holder, self.sessions(), source, full);
        let limit = session.config.request_timeout;
        let reader = tokio::time::timeout(limit, joining).await;
        let reader = reader.unwrap_or_else(|_| {
            Err(Error::Pacing(
                "A market data line did not become free in time. Try again.".to_owned(),
            ))
        })?;
        Ok(QuoteStream { reader })
    }

    /// The quote of an instrument as it is now, from the same line as everybody
    /// else's. A quote is waited for at most for `within`.
    ///
    /// # Errors
    /// As for [`subscribe_quotes`](Self::subscribe_quotes); what TWS has
    /// against it; `NoData` if no price came, or if the quote is stale.
    pub async fn quote_now(&self, contract: &Contract, within: Duration) -> Result<QuoteSeen> {
        let deadline = Instant::now() + within;
        let mut stream = self.subscribe_quotes(HOST, contract).await?;
        let mut latest = Quote::default();
        let mut first = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            // Once its first price is there, what it lacks may follow at once.
            let wait = first.map_or(left, |_| left.min(LOOK));
            if let Some(batch) = stream.next(wait).await? {
                let received = batch.ticks.iter().map(|tick| tick.received);
                first = received.chain(first).min();
                latest = batch.quote;
            }
            let is_late = Instant::now() >= deadline;
            let is_whole = latest.bid.is_some() && latest.ask.is_some() && latest.last.is_some();
            let is_settled =
                || first.is_some_and(|first| OffsetDateTime::now_utc() - first >= REST_FOLLOWS);
            if !latest.stale && has_price(&latest) && (is_whole || is_late || is_settled()) {
                return Ok(seen(latest));
            }
            if is_late {
                return Err(no_quote(&describe(contract), &latest, within));
            }
        }
    }
}

fn has_price(quote: &Quote) -> bool {
    quote.bid.is_some() || quote.ask.is_some() || quote.last.is_some()
}

fn seen(quote: Quote) -> QuoteSeen {
    let age = quote.age_ms.unwrap_or(0);
    let age = Duration::from_millis(age);
    QuoteSeen {
        as_of: OffsetDateTime::now_utc() - age,
        quote,
    }
}

fn no_quote(name: &str, latest: &Quote, within: Duration) -> Error {
    let seconds = within.as_secs_f64();
    Error::NoData(if latest.stale {
        format!(
            "The quote of {name} is stale: the connection, TWS's link to IBKR or a data farm is \
             broken. See ibkr_get_status, and try again once it is back."
        )
    } else {
        format!(
            "No price of {name} came within {seconds} seconds. The market may be closed, or the \
             account without market data for it."
        )
    })
}

impl Source for Quotes {
    type State = Ticker;

    fn what(&self) -> String {
        format!("the quotes of {}", describe(&self.contract))
    }

    async fn follow(
        line: Arc<Line<Self>>,
        session: Arc<Session>,
        stop: CancellationToken,
    ) -> Result<()> {
        let contract = &line.source.contract;
        let what = line.source.what();
        let may_be_delayed = session.config.delayed_quotes;
        let failed = |error: &ibapi::Error| match error {
            ibapi::Error::Notice(notice)
                if !may_be_delayed && codes::offers_delayed(notice.code) =>
            {
                lines::only_delayed(contract, &notice.message, notice.code)
            }
            error => codes::client_error(error, &what),
        };
        let question = convert::contract::to_tws(contract);
        let mut ticks = session
            .client
            .market_data(&question)
            .subscribe()
            .await
            .map_err(|error| failed(&error))?;
        let outcome = pump(&mut ticks, &stop, failed, |item| {
            let now = OffsetDateTime::now_utc();
            match item {
                SubscriptionItem::Data(tick) => line.tell(now, |ticker| ticker.add(&tick, now)),
                SubscriptionItem::Notice(notice) if notice.code == ibapi::SUBSCRIPTION_LAG_CODE => {
                    let lost = dropped_frames(&notice.message);
                    line.tell(now, |ticker| ticker.lose(lost));
                }
                SubscriptionItem::Notice(notice) => {
                    tracing::info!(code = notice.code, "TWS, on {what}: {}", notice.message);
                }
            }
            if !may_be_delayed && line.with_known(Ticker::is_delayed) {
                let text = "Displaying delayed market data";
                return Err(lines::only_delayed(contract, text, 10167));
            }
            Ok(())
        })
        .await;
        before_cancel(&session).await;
        ticks.cancel().await;
        outcome
    }

    fn is_urgent(&self) -> bool {
        self.is_urgent
    }

    fn begin(known: &Ticker) -> Ticker {
        known.as_news()
    }

    fn settle(known: &mut Ticker) {
        known.settle();
    }

    fn renew(known: &mut Ticker) {
        known.renew();
    }

    fn renew_pending(pending: &mut Ticker) {
        pending.renew();
    }

    fn troubled(farms: &FarmState) -> Option<OffsetDateTime> {
        [farms.cut_off, farms.without_market_data()]
            .into_iter()
            .flatten()
            .min()
    }
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
