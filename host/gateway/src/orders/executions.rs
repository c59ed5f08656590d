//! Reading executions from TWS.

use std::collections::HashMap;

use ibapi::orders::{self as ib, Executions};
use time_tz::Tz;

use super::book::Book;
use super::entry::take_key;
use super::feeding::commission;
use super::reading::collect;
use super::recovery::Ids;
use crate::codes;
use crate::connection::Gateway;
use crate::convert::{self, decimal, text, time};
use crate::journal::{About, Correction, Event, FillRecord, OrderKey};
use crate::model::{Execution, ExecutionFilter, Result, Side};
use crate::session::Session;

impl Book {
    /// Takes in executions and commissions that TWS was asked for.
    pub(super) async fn hear(&self, rows: &[Executions]) {
        for row in rows {
            match row {
                Executions::ExecutionData(data) => self.on_execution(data),
                Executions::CommissionReport(report) => self.on_commission(report),
            }
        }
        self.introduce().await;
    }
}

impl Gateway {
    /// Executions since midnight, with their commissions (TWS
    /// `reqExecutions`), oldest first. Of an execution that was corrected,
    /// only the latest correction.
    ///
    /// # Errors
    /// `NotConnected`, `TimedOut`.
    #[tracing::instrument(level = "debug", name = "gateway.executions", skip_all, fields(gateway = self.name()))]
    pub async fn executions(&self, filter: &ExecutionFilter) -> Result<Vec<Execution>> {
        let session = self.session()?;
        let what = "the executions";
        let question = ib::ExecutionFilter {
            account_code: filter.account.clone().unwrap_or_default(),
            symbol: filter.symbol.clone().unwrap_or_default(),
            side: filter.side.map(|side| match side {
                Side::Bought => ib::ExecutionFilterSide::Buy,
                Side::Sold => ib::ExecutionFilterSide::Sell,
            }),
            time: filter.after.map(time::stamp).unwrap_or_default(),
            ..ib::ExecutionFilter::default()
        };
        let work = {
            let session = session.clone();
            async move {
                let failed = |error: ibapi::Error| codes::client_error(&error, what);
                let rows = session.client.executions(question).await.map_err(failed)?;
                let rows = collect(rows, what).await?;
                session.book.hear(&rows).await;
                Ok(merge_executions(&session, &rows))
            }
        };
        let mut executions = session.ask(what, work).await?;
        executions.retain(|execution| matches_filter(execution, filter));
        Ok(executions)
    }
}

/// An execution as TWS told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) execution: Execution,
    /// The journal's name of its order, where that travelled with it.
    pub(super) key: Option<OrderKey>,
    /// What rows about it are about, once its order has a name.
    pub(super) about: Option<About>,
}

impl Told {
    /// Whether it tells the same as another.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        let (one, other) = (&self.execution, &other.execution);
        (one.side, one.quantity, one.price) == (other.side, other.quantity, other.price)
    }

    /// What names its order.
    pub(super) fn ids(&self) -> Ids {
        Ids {
            client_id: self.execution.client_id,
            order_id: self.execution.order_id,
            perm_id: self.execution.perm_id,
            key: self.key.clone(),
        }
    }

    /// Whether it is of the order with these ids.
    pub(super) fn is_of(&self, ids: &Ids) -> bool {
        match (self.execution.perm_id, ids.perm_id) {
            (Some(own), Some(other)) => own == other,
            _ => self.execution.order_id == ids.order_id,
        }
    }

    /// What the journal writes of it. An id that ends in more than 1 is the
    /// correction of an earlier execution, and one of nothing takes it back.
    pub(super) fn event(&self) -> Event {
        let exec_id = self.execution.exec_id.clone();
        let last = exec_id.rsplit_once('.').map(|(_, last)| last);
        let is_correction = last
            .and_then(|last| last.parse::<u32>().ok())
            .is_some_and(|number| number > 1);
        let fill = FillRecord {
            order_ref: self.order_ref(),
            ..FillRecord::from(&self.execution)
        };
        if !is_correction {
            return Event::Fill(fill);
        }
        Event::Correction(Correction {
            exec_id,
            fill: (!fill.shares.is_zero()).then_some(fill),
        })
    }

    fn order_ref(&self) -> Option<String> {
        let key = self.key.as_ref().map(ToString::to_string);
        key.or_else(|| self.execution.reference.clone())
    }
}

/// An execution of TWS. `None` if it has no readable size, price or time.
pub(super) fn told(data: &ib::ExecutionData, zone: Option<&Tz>) -> Option<Told> {
    let mut execution = execution(data, zone)?;
    let key = take_key(&mut execution.reference);
    Some(Told {
        execution,
        key,
        about: None,
    })
}

/// Executions with their commissions, each once, oldest first.
fn merge_executions(session: &Session, rows: &[Executions]) -> Vec<Execution> {
    let mut commissions = HashMap::new();
    for row in rows {
        if let Executions::CommissionReport(report) = row {
            commissions.insert(report.execution_id.as_str(), report);
        }
    }
    let mut latest: HashMap<&str, Execution> = HashMap::new();
    for row in rows {
        let Executions::ExecutionData(data) = row else {
            continue;
        };
        let id = data.execution.execution_id.as_str();
        let Some(Told { mut execution, .. }) = told(data, session.book.zone()) else {
            tracing::warn!("TWS sent execution {id:?} without a readable size, price or time");
            continue;
        };
        execution.commission = commissions
            .get(id)
            .and_then(|report| commission(report))
            .or_else(|| session.book.commission(id));
        let original = id.rsplit_once('.').map_or(id, |(original, _)| original);
        let newer = latest
            .get(original)
            .is_none_or(|known| known.exec_id < execution.exec_id);
        if newer {
            latest.insert(original, execution);
        }
    }
    let mut executions: Vec<_> = latest.into_values().collect();
    executions.sort_by(|a, b| (a.time, &a.exec_id).cmp(&(b.time, &b.exec_id)));
    executions
}

fn execution(data: &ib::ExecutionData, zone: Option<&Tz>) -> Option<Execution> {
    let execution = &data.execution;
    Some(Execution {
        exec_id: execution.execution_id.clone(),
        order_id: execution.order_id,
        perm_id: (execution.perm_id != 0).then_some(execution.perm_id),
        client_id: execution.client_id,
        account: execution.account_number.clone(),
        contract: convert::contract::from_tws(&data.contract),
        side: match execution.side {
            ib::ExecutionSide::Bought => Side::Bought,
            ib::ExecutionSide::Sold => Side::Sold,
        },
        quantity: decimal::decimal(execution.shares)?,
        price: decimal::decimal(execution.price)?,
        time: time::moment(&execution.time, zone)?,
        exchange: execution.exchange.clone(),
        cumulative_quantity: decimal::decimal(execution.cumulative_quantity)?,
        average_price: decimal::non_zero(execution.average_price),
        reference: text(&execution.order_reference),
        commission: None,
    })
}

/// TWS filters too; this keeps what it lets through to what was asked.
fn matches_filter(execution: &Execution, filter: &ExecutionFilter) -> bool {
    let wants = |wanted: &Option<String>, is: &str| {
        wanted
            .as_ref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(is))
    };
    wants(&filter.account, &execution.account)
        && wants(&filter.symbol, &execution.contract.symbol)
        && filter.side.is_none_or(|side| side == execution.side)
        && filter.after.is_none_or(|after| execution.time > after)
}

#[cfg(test)]
mod tests {
    use ::time::macros::datetime;

    use super::*;

    #[test]
    fn an_execution_without_a_time_is_none() {
        let mut data = ib::ExecutionData {
            execution: ib::Execution {
                execution_id: "a.01".into(),
                time: "20261122 14:03:02 US/Eastern".into(),
                shares: 5.0,
                price: 12.5,
                cumulative_quantity: 5.0,
                ..ib::Execution::default()
            },
            ..ib::ExecutionData::default()
        };
        let read = execution(&data, None);
        assert_eq!(
            read.as_ref().map(|execution| execution.time),
            Some(datetime!(2026-11-22 19:03:02 UTC))
        );
        let later = ExecutionFilter {
            after: Some(datetime!(2026-11-22 19:03:02 UTC)),
            ..ExecutionFilter::default()
        };
        assert!(read.is_some_and(|execution| {
            matches_filter(&execution, &ExecutionFilter::default())
                && !matches_filter(&execution, &later)
        }));
        data.execution.time = "soon".into();
        assert_eq!(execution(&data, None), None);
    }

    #[test]
    fn a_correction_and_a_bust_are_told_by_their_id() {
        let mut data = ib::ExecutionData {
            execution: ib::Execution {
                execution_id: "0000e0d5.0001.01.01".into(),
                time: "20261122 14:03:02 US/Eastern".into(),
                shares: 5.0,
                price: 12.5,
                cumulative_quantity: 5.0,
                order_reference: OrderKey::random().to_string(),
                ..ib::Execution::default()
            },
            ..ib::ExecutionData::default()
        };
        let event = |data: &ib::ExecutionData| told(data, None).map(|told| told.event());
        assert!(matches!(event(&data), Some(Event::Fill(fill)) if fill.order_ref.is_some()));
        let read = told(&data, None);
        assert_eq!(read.and_then(|told| told.execution.reference), None);
        data.execution.execution_id = "0000e0d5.0001.01.02".into();
        assert!(matches!(
            event(&data),
            Some(Event::Correction(Correction { fill: Some(_), .. }))
        ));
        data.execution.shares = 0.0;
        assert!(matches!(
            event(&data),
            Some(Event::Correction(Correction { fill: None, .. }))
        ));
    }
}
