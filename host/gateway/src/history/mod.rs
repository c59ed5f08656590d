//! Bars of the past.

mod desk;
mod schedule;

use std::sync::Arc;

use ibapi::market_data::TradingHours;
use ibapi::market_data::historical as ibh;
use tracing::Instrument;

use crate::codes;
use crate::connection::Gateway;
use crate::convert::{self, contract::describe};
use crate::model::{
    Bar, BarSize, BarsRequest, Contract, Duration, DurationUnit, Error, Result, SecurityType,
    WhatToShow,
};
use crate::session::Session;
use crate::validate;
use desk::Answer;
pub(crate) use desk::Desk;
use schedule::Question;

impl Gateway {
    /// The bars of an instrument, oldest first (TWS `reqHistoricalData`). A
    /// request waits until IBKR's pacing rules let it go, at most for as long
    /// as a request may take. One that was answered within the last 15 seconds
    /// gets the same answer.
    ///
    /// # Errors
    /// `NoData` if there are none; `Pacing`, saying how long, if TWS must be
    /// left alone for a while; `TimedOut` if TWS stays silent; `InvalidRequest`
    /// for what TWS would refuse.
    #[tracing::instrument(level = "debug", name = "gateway.bars", skip_all, fields(gateway = self.name()))]
    pub async fn bars(&self, contract: &Contract, request: &BarsRequest) -> Result<Vec<Bar>> {
        validate::bars(contract, request)?;
        let session = self.session()?;
        let contract = self.complete(contract).await?;
        // Now that it is known what the contract is.
        validate::bars(&contract, request)?;
        let question = Question {
            contract,
            request: *request,
        };
        let desk = &self.data().history;
        let (answering, is_begun) = desk.ask(&question, || {
            fetch(Arc::clone(&session), Arc::clone(desk), question.clone())
        });
        if is_begun {
            // Who asked may go; others may share the answer.
            session.tasks.spawn(answering.clone().in_current_span());
        }
        Ok(answering.await?.to_vec())
    }
}

/// Waits for its turn, and asks TWS.
async fn fetch(session: Arc<Session>, desk: Arc<Desk>, question: Question) -> Answer {
    let Question { contract, request } = &question;
    let what = format!("the bars of {}", describe(contract));
    let patience = session.config.request_timeout;
    let (tws_contract, request) = (convert::contract::to_tws(contract), *request);
    let show = what_to_show(contract, request.what_to_show);
    let work = {
        let (session, question, what) = (Arc::clone(&session), question.clone(), what.clone());
        async move {
            let _turn = desk.turn(&question, patience, &what).await?;
            session.pacing.request().await;
            let mut fetch = session
                .client
                .historical_data(&tws_contract, bar_size(request.bar_size))
                .duration(duration(request.duration)?)
                .what_to_show(show)
                .trading_hours(TradingHours::from_use_rth(request.regular_trading_hours));
            if let Some(end) = request.end {
                fetch = fetch.ending(end);
            }
            let answer = tokio::time::timeout(patience, fetch.fetch()).await;
            let answer = answer.unwrap_or(Err(ibapi::Error::Timeout));
            answer.map_err(|error| match error {
                ibapi::Error::Timeout => silent(&session, &what),
                error => codes::client_error(&error, &what),
            })
        }
    };
    // Once for the wait, and once for the answer.
    let data = session.run(&what, patience.saturating_mul(2), work).await?;
    let mut bars: Vec<Bar> = data
        .bars
        .iter()
        .filter_map(convert::details::bar_from_tws)
        .collect();
    if bars.is_empty() {
        return Err(Error::NoData(format!(
            "There is no data for {what}: the market may have been closed, or the instrument not \
             traded. Reach further back, or set useRTH to false."
        )));
    }
    bars.shrink_to_fit();
    Ok(Arc::new(bars))
}

/// TWS stayed silent, perhaps for a reason that it has told.
fn silent(session: &Session, what: &str) -> Error {
    if session.farms.now().without_history().is_some() {
        return Error::TimedOut(format!(
            "TWS did not answer {what} in time: it has lost its connection to IBKR's farm for \
             historical data, and restores it by itself. See ibkr_get_status, and try again later."
        ));
    }
    codes::timed_out(what)
}

fn duration(duration: Duration) -> Result<ibh::Duration> {
    let amount = i32::try_from(duration.amount)
        .map_err(|_| Error::invalid("The duration is too long. Ask for less."))?;
    Ok(match duration.unit {
        DurationUnit::Seconds => ibh::Duration::seconds(amount),
        DurationUnit::Days => ibh::Duration::days(amount),
        DurationUnit::Weeks => ibh::Duration::weeks(amount),
        DurationUnit::Months => ibh::Duration::months(amount),
        DurationUnit::Years => ibh::Duration::years(amount),
    })
}

fn bar_size(size: BarSize) -> ibh::BarSize {
    match size {
        BarSize::Sec1 => ibh::BarSize::Sec,
        BarSize::Sec5 => ibh::BarSize::Sec5,
        BarSize::Sec10 => ibh::BarSize::Sec10,
        BarSize::Sec15 => ibh::BarSize::Sec15,
        BarSize::Sec30 => ibh::BarSize::Sec30,
        BarSize::Min1 => ibh::BarSize::Min,
        BarSize::Min2 => ibh::BarSize::Min2,
        BarSize::Min3 => ibh::BarSize::Min3,
        BarSize::Min5 => ibh::BarSize::Min5,
        BarSize::Min10 => ibh::BarSize::Min10,
        BarSize::Min15 => ibh::BarSize::Min15,
        BarSize::Min20 => ibh::BarSize::Min20,
        BarSize::Min30 => ibh::BarSize::Min30,
        BarSize::Hour1 => ibh::BarSize::Hour,
        BarSize::Hour2 => ibh::BarSize::Hour2,
        BarSize::Hour3 => ibh::BarSize::Hour3,
        BarSize::Hour4 => ibh::BarSize::Hour4,
        BarSize::Hour8 => ibh::BarSize::Hour8,
        BarSize::Day1 => ibh::BarSize::Day,
        BarSize::Week1 => ibh::BarSize::Week,
        BarSize::Month1 => ibh::BarSize::Month,
    }
}

fn what_to_show(contract: &Contract, show: WhatToShow) -> ibh::WhatToShow {
    match show {
        // TWS refuses trades of cryptocurrencies (code 10299): it has aggregated ones.
        WhatToShow::Trades if contract.security_type == SecurityType::Crypto => {
            ibh::WhatToShow::AggTrades
        }
        WhatToShow::Trades => ibh::WhatToShow::Trades,
        WhatToShow::Midpoint => ibh::WhatToShow::MidPoint,
        WhatToShow::Bid => ibh::WhatToShow::Bid,
        WhatToShow::Ask => ibh::WhatToShow::Ask,
        WhatToShow::BidAsk => ibh::WhatToShow::BidAsk,
        WhatToShow::AdjustedLast => ibh::WhatToShow::AdjustedLast,
        WhatToShow::HistoricalVolatility => ibh::WhatToShow::HistoricalVolatility,
        WhatToShow::OptionImpliedVolatility => ibh::WhatToShow::OptionImpliedVolatility,
    }
}
