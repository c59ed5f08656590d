//! Account summary, account updates, positions, and their forms for several accounts.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::values::{self, AccountTag};
use super::{Client, NO_REQUEST};
use crate::books::ledger::{Ledger, Position};
use crate::clock;
use crate::exchange::Exchange;
use crate::exchange::market::Market;
use crate::exchange::search::Refusal;
use crate::number;
use crate::wire::message::Reply;
use crate::wire::proto;

/// TWS allows no more summaries than this at once.
const MAX_SUMMARIES: usize = 2;

/// What was sent last, by account, tag and currency.
#[derive(Debug, Default)]
struct Shown(BTreeMap<(String, String, String), String>);

impl Shown {
    /// The values that differ from what was sent last.
    fn changes(&mut self, account: &str, values: Vec<AccountTag>) -> Vec<AccountTag> {
        values
            .into_iter()
            .filter(|value| {
                let key = (
                    account.to_owned(),
                    value.tag.clone(),
                    value.currency.clone(),
                );
                self.0.insert(key, value.value.clone()).as_ref() != Some(&value.value)
            })
            .collect()
    }
}

/// A subscription to an account summary.
#[derive(Debug)]
pub(crate) struct Summary {
    tags: Vec<String>,
    shown: Shown,
}

/// The subscription to one account's updates.
#[derive(Debug)]
pub(crate) struct AccountSubscription {
    pub(crate) account: String,
    shown: Shown,
    portfolio: BTreeMap<i32, proto::PortfolioValue>,
}

/// A subscription to account values by request id.
#[derive(Debug)]
pub(crate) struct AccountMulti {
    pub(crate) account: String,
    model: Option<String>,
    ledger_only: bool,
    shown: Shown,
}

/// A subscription to positions by request id.
#[derive(Debug)]
pub(crate) struct PositionsMulti {
    pub(crate) account: String,
    model: Option<String>,
}

/// Account summary (62): the values, then the end, then what changes.
pub(super) fn summary(
    client: &mut Client,
    exchange: &Exchange,
    request: &proto::AccountSummaryRequest,
) -> Result<(), Refusal> {
    let id = request.req_id.unwrap_or_default();
    if client.subscriptions.summaries.contains_key(&id) {
        return Err(Refusal::processing("Duplicate ticker id"));
    }
    if client.subscriptions.summaries.len() >= MAX_SUMMARIES {
        return Err(Refusal::processing(
            "Maximum number of account summary requests exceeded; desubscribe some of the existing before requesting additional account summary",
        ));
    }
    let group = request.group.as_deref().unwrap_or_default();
    if group != "All" {
        return Err(Refusal::validation(format!(
            "Unknown account group {group:?}; this TWS has the group All"
        )));
    }
    let tags: Vec<String> = request
        .tags
        .as_deref()
        .unwrap_or_default()
        .split(',')
        .map(|tag| tag.trim().to_owned())
        .filter(|tag| !tag.is_empty())
        .collect();
    if tags.is_empty() {
        return Err(Refusal::validation(
            "Tags are required for an account summary",
        ));
    }
    let mut summary = Summary {
        tags,
        shown: Shown::default(),
    };
    summary.publish(client, exchange, id);
    client.subscriptions.summaries.insert(id, summary);
    client.send(proto::AccountSummaryEnd { req_id: Some(id) });
    Ok(())
}

impl Summary {
    fn publish(&mut self, client: &Client, exchange: &Exchange, id: i32) {
        for ledger in &exchange.ledgers {
            let mut wanted = values::summary(ledger, &exchange.market);
            wanted.retain(|value| self.tags.contains(&value.tag));
            for currency in self
                .tags
                .iter()
                .filter_map(|tag| tag.strip_prefix("$LEDGER"))
            {
                // $LEDGER is the base currency, $LEDGER:EUR one currency, $LEDGER:ALL every one.
                let currency = currency.strip_prefix(':').unwrap_or("BASE");
                let mut ledger = values::ledger_values(ledger, &exchange.market);
                ledger.retain(|value| currency == "ALL" || value.currency == currency);
                wanted.extend(ledger);
            }
            for value in self.shown.changes(&ledger.account, wanted) {
                client.send(proto::AccountSummary {
                    req_id: Some(id),
                    account: Some(ledger.account.clone()),
                    tag: Some(value.tag),
                    value: Some(value.value),
                    currency: Some(value.currency),
                });
            }
        }
    }
}

/// Account updates (6), on and off: values, portfolio, time, end; then what changes.
pub(super) fn updates(
    client: &mut Client,
    exchange: &Exchange,
    request: &proto::AccountDataRequest,
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    if !request.subscribe.unwrap_or_default() {
        client.subscriptions.account = None;
        return Ok(());
    }
    let name = request.acct_code.as_deref().filter(|name| !name.is_empty());
    let ledger = match name {
        // Without a name it is the first account.
        None => exchange.ledgers.first(),
        Some(name) => exchange.ledger(name),
    };
    let ledger = ledger.ok_or_else(|| Refusal::validation("Invalid account code"))?;
    let account = ledger.account.clone();
    let mut subscription = AccountSubscription {
        account: account.clone(),
        shown: Shown::default(),
        portfolio: BTreeMap::new(),
    };
    subscription.publish(client, ledger, &exchange.market, now);
    client.subscriptions.account = Some(subscription);
    client.send(proto::AccountDataEnd {
        account_name: Some(account),
    });
    Ok(())
}

impl AccountSubscription {
    fn publish(&mut self, client: &Client, ledger: &Ledger, market: &Market, now: OffsetDateTime) {
        let mut replies: Vec<Reply> = Vec::new();
        for value in self
            .shown
            .changes(&ledger.account, values::all(ledger, market))
        {
            replies.push(
                proto::AccountValue {
                    key: Some(value.tag),
                    value: Some(value.value),
                    currency: Some(value.currency),
                    account_name: Some(ledger.account.clone()),
                }
                .into(),
            );
        }
        for (&con_id, position) in &ledger.positions {
            // A position that was closed is shown once more, as zero.
            let known = self.portfolio.get(&con_id);
            if position.quantity.is_zero() && known.is_none() {
                continue;
            }
            if let Some(line) = portfolio_value(ledger, market, con_id, position)
                && known != Some(&line)
            {
                replies.push(line.clone().into());
                self.portfolio.insert(con_id, line);
            }
        }
        if !replies.is_empty() {
            replies.push(
                proto::AccountUpdateTime {
                    time_stamp: Some(clock::hour_minute(now)),
                }
                .into(),
            );
        }
        for reply in replies {
            client.send(reply);
        }
    }
}

fn portfolio_value(
    ledger: &Ledger,
    market: &Market,
    con_id: i32,
    position: &Position,
) -> Option<proto::PortfolioValue> {
    let instrument = market.instrument(con_id)?;
    let mark = market.mark(con_id);
    Some(proto::PortfolioValue {
        contract: Some(held(market, con_id)?),
        position: Some(number::to_text(position.quantity)),
        market_price: Some(number::to_double(mark)),
        market_value: Some(number::to_double(position.market_value(instrument, mark))),
        average_cost: Some(number::to_double(position.average_cost())),
        unrealized_pnl: Some(number::to_double(position.unrealized(instrument, mark))),
        realized_pnl: Some(number::to_double(position.realized)),
        account_name: Some(ledger.account.clone()),
    })
}

/// The contract of a position: TWS leaves out where to trade it.
fn held(market: &Market, con_id: i32) -> Option<proto::Contract> {
    let contract = market.instrument(con_id)?.contract();
    Some(proto::Contract {
        exchange: None,
        ..contract
    })
}

/// Account updates by request id (76): the values, then the end, then what changes.
pub(super) fn updates_multi(
    client: &mut Client,
    exchange: &Exchange,
    request: &proto::AccountUpdatesMultiRequest,
) -> Result<(), Refusal> {
    let id = request.req_id.unwrap_or_default();
    if client.subscriptions.account_multi.contains_key(&id) {
        return Err(Refusal::processing("Duplicate ticker id"));
    }
    let account = multi_account(exchange, request.account.as_deref())?;
    let mut subscription = AccountMulti {
        account,
        model: request.model_code.clone(),
        ledger_only: request.ledger_and_nlv.unwrap_or_default(),
        shown: Shown::default(),
    };
    subscription.publish(client, exchange, id);
    client.subscriptions.account_multi.insert(id, subscription);
    client.send(proto::AccountUpdateMultiEnd { req_id: Some(id) });
    Ok(())
}

impl AccountMulti {
    fn publish(&mut self, client: &Client, exchange: &Exchange, id: i32) {
        let Some(ledger) = exchange.ledger(&self.account) else {
            return;
        };
        let mut values = values::all(ledger, &exchange.market);
        if self.ledger_only {
            values = values::ledger_values(ledger, &exchange.market);
            values.extend(
                values::summary(ledger, &exchange.market)
                    .into_iter()
                    .filter(|value| value.tag == "NetLiquidation"),
            );
        }
        for value in self.shown.changes(&ledger.account, values) {
            client.send(proto::AccountUpdateMulti {
                req_id: Some(id),
                account: Some(ledger.account.clone()),
                model_code: self.model.clone(),
                key: Some(value.tag),
                value: Some(value.value),
                currency: Some(value.currency),
            });
        }
    }
}

fn multi_account(exchange: &Exchange, name: Option<&str>) -> Result<String, Refusal> {
    match name.filter(|name| !name.is_empty()) {
        None => exchange.ledgers.first(),
        Some(name) => exchange.ledger(name),
    }
    .map(|ledger| ledger.account.clone())
    .ok_or_else(|| Refusal::validation("Invalid account code"))
}

/// Positions (61): every account's, then the end, then what fills change.
pub(super) fn positions(client: &mut Client, exchange: &Exchange) {
    client.subscriptions.positions = true;
    for ledger in &exchange.ledgers {
        for (&con_id, position) in ledger
            .positions
            .iter()
            .filter(|(_, position)| !position.quantity.is_zero())
        {
            send_position(client, &exchange.market, ledger, con_id, position);
        }
    }
    client.send(proto::PositionEnd {});
}

fn send_position(
    client: &Client,
    market: &Market,
    ledger: &Ledger,
    con_id: i32,
    position: &Position,
) {
    if let Some(contract) = held(market, con_id) {
        client.send(proto::Position {
            account: Some(ledger.account.clone()),
            contract: Some(contract),
            position: Some(number::to_text(position.quantity)),
            avg_cost: Some(number::to_double(position.average_cost())),
        });
    }
}

/// Positions by request id (74).
pub(super) fn positions_multi(
    client: &mut Client,
    exchange: &Exchange,
    request: &proto::PositionsMultiRequest,
) -> Result<(), Refusal> {
    let id = request.req_id.unwrap_or_default();
    if client.subscriptions.positions_multi.contains_key(&id) {
        return Err(Refusal::processing("Duplicate ticker id"));
    }
    let account = multi_account(exchange, request.account.as_deref())?;
    let subscription = PositionsMulti {
        account,
        model: request.model_code.clone(),
    };
    if let Some(ledger) = exchange.ledger(&subscription.account) {
        for (&con_id, position) in ledger
            .positions
            .iter()
            .filter(|(_, position)| !position.quantity.is_zero())
        {
            subscription.send(client, &exchange.market, id, con_id, position);
        }
    }
    client
        .subscriptions
        .positions_multi
        .insert(id, subscription);
    client.send(proto::PositionMultiEnd { req_id: Some(id) });
    Ok(())
}

impl PositionsMulti {
    fn send(&self, client: &Client, market: &Market, id: i32, con_id: i32, position: &Position) {
        if let Some(contract) = held(market, con_id) {
            client.send(proto::PositionMulti {
                req_id: Some(id),
                account: Some(self.account.clone()),
                contract: Some(contract),
                position: Some(number::to_text(position.quantity)),
                avg_cost: Some(number::to_double(position.average_cost())),
                model_code: self.model.clone(),
            });
        }
    }
}

/// Tells a client of a position that a fill changed.
pub(super) fn position_changed(client: &Client, exchange: &Exchange, account: &str, con_id: i32) {
    let Some(ledger) = exchange.ledger(account) else {
        return;
    };
    let Some(position) = ledger.positions.get(&con_id) else {
        return;
    };
    if client.subscriptions.positions {
        send_position(client, &exchange.market, ledger, con_id, position);
    }
    for (&id, subscription) in &client.subscriptions.positions_multi {
        if subscription.account == account {
            subscription.send(client, &exchange.market, id, con_id, position);
        }
    }
}

/// Sends what changed in every account subscription.
pub(super) fn publish(client: &mut Client, exchange: &Exchange, now: OffsetDateTime) {
    let mut summaries = std::mem::take(&mut client.subscriptions.summaries);
    for (&id, summary) in &mut summaries {
        summary.publish(client, exchange, id);
    }
    client.subscriptions.summaries = summaries;
    let mut multi = std::mem::take(&mut client.subscriptions.account_multi);
    for (&id, subscription) in &mut multi {
        subscription.publish(client, exchange, id);
    }
    client.subscriptions.account_multi = multi;
    if let Some(mut subscription) = client.subscriptions.account.take() {
        if let Some(ledger) = exchange.ledger(&subscription.account) {
            subscription.publish(client, ledger, &exchange.market, now);
        }
        client.subscriptions.account = Some(subscription);
    }
}

/// Ends a subscription that may not be there, which TWS does not mind.
pub(super) fn cancel<T>(subscriptions: &mut BTreeMap<i32, T>, id: Option<i32>) {
    subscriptions.remove(&id.unwrap_or(NO_REQUEST));
}
