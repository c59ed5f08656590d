//! What the gate has to know at the moment of an order, fetched from TWS. What
//! cannot be fetched stays absent: then the rule that needs it refuses, and
//! says what was missing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use ibapi::accounts::AccountUpdateMulti;
use ibapi::accounts::types::AccountId;
use ibapi::subscriptions::SubscriptionItem;
use rust_decimal::Decimal;
use time::OffsetDateTime;

use crate::codes;
use crate::connection::Gateway;
use crate::convert;
use crate::gate::state::Peaks;
use crate::gate::{
    AmountSeen, Connection, GateConfig, Instrument, Needs, PnlSeen, Proposal, QuoteSeen, Rate,
    Request, Situation,
};
use crate::model::{AccountPnl, AccountValue, Contract, Result, SecurityType, Value};

/// How long what TWS says of an instrument is believed: its trading hours
/// change from day to day.
const INSTRUMENT_HOLDS: time::Duration = time::Duration::hours(1);

/// How many instruments are remembered before it starts anew.
const INSTRUMENTS: usize = 4_096;

/// How long a quote may take to come.
const QUOTE_PATIENCE: Duration = Duration::from_secs(5);

/// How long the values of an account may take to come.
const ACCOUNT_PATIENCE: Duration = Duration::from_secs(10);

/// What was fetched and holds for a while.
#[derive(Default)]
pub(super) struct Cache {
    instruments: Mutex<HashMap<i32, (OffsetDateTime, Instrument)>>,
    worth: Mutex<HashMap<String, Worth>>,
}

/// What an account is worth, and what its currencies are.
#[derive(Clone, Debug)]
struct Worth {
    fetched: OffsetDateTime,
    net: AmountSeen,
    /// How much of the account's own currency one unit of a currency is.
    rates: BTreeMap<String, Decimal>,
}

impl Cache {
    fn instruments(&self) -> MutexGuard<'_, HashMap<i32, (OffsetDateTime, Instrument)>> {
        self.instruments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn worth(&self) -> MutexGuard<'_, HashMap<String, Worth>> {
        self.worth.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What takes a moment, and is fetched before the turn to send is taken. Answers
/// the account's profit and loss too, which the gate takes in when it judges.
pub(super) async fn fetch(
    gateway: &Gateway,
    config: &GateConfig,
    proposal: &Proposal,
    needs: &Needs,
) -> (Situation, Option<Pnl>) {
    let mut situation = Situation::at(OffsetDateTime::now_utc());
    let contracts = contracts(proposal);
    let instruments = join_all(needs.instruments.iter().map(|con_id| async {
        let contract = contracts.get(con_id).cloned();
        let found = gateway.instrument(*con_id, contract).await;
        (*con_id, found)
    }))
    .await;
    for (con_id, instrument) in instruments {
        match instrument {
            Ok(instrument) => drop(situation.instruments.insert(con_id, instrument)),
            Err(error) => tracing::warn!(con_id, "What an order trades is not known: {error}"),
        }
    }
    let quotes = join_all(needs.quotes.iter().map(|con_id| async {
        let contract = contracts.get(con_id).cloned();
        let contract = contract.unwrap_or_else(|| numbered(*con_id, None));
        (*con_id, gateway.quote_seen(&contract).await)
    }))
    .await;
    for (con_id, quote) in quotes {
        situation.quotes.extend(quote.map(|quote| (con_id, quote)));
    }
    if needs.combo_quote
        && let Some(combo) = combo(proposal)
    {
        situation.combo_quote = gateway.quote_seen(combo).await;
    }
    let account = &proposal.account;
    let mut pnl = None;
    if needs.net_liquidation || needs.pnl || needs.rates {
        match gateway.worth(config, account).await {
            Ok(worth) => {
                if needs.pnl {
                    pnl = Pnl::fetch(gateway, account, &worth.net.currency).await;
                }
                situation.rates = rates(&worth, &config.base_currency);
                situation.net_liquidation.insert(account.clone(), worth.net);
            }
            Err(error) => tracing::warn!(account, "What an account is worth is not known: {error}"),
        }
    }
    (situation, pnl)
}

/// What has to be looked at under the turn to send. Open orders come before
/// positions: what fills in between is counted twice, never missed.
pub(super) async fn fetch_last(gateway: &Gateway, needs: &Needs, situation: &mut Situation) {
    if needs.open_orders {
        match gateway.open_orders().await {
            Ok(orders) => situation.open_orders = Some(orders),
            Err(error) => tracing::warn!("Which orders are open is not known: {error}"),
        }
    }
    if needs.positions {
        match gateway.positions().await {
            Ok(positions) => situation.positions = Some(positions),
            Err(error) => tracing::warn!("What the accounts hold is not known: {error}"),
        }
    }
    let status = gateway.status();
    situation.connection = Connection {
        connected: status.connected,
        read_only: status.read_only,
        accounts: status.accounts,
        client_id: status.client_id,
    };
    situation.now = OffsetDateTime::now_utc();
}

/// The profit and loss of an account.
pub(super) struct Pnl {
    account: String,
    daily: Decimal,
    currency: String,
    as_of: OffsetDateTime,
}

impl Pnl {
    async fn fetch(gateway: &Gateway, account: &str, currency: &str) -> Option<Self> {
        let seen = tokio::time::timeout(ACCOUNT_PATIENCE, gateway.pnl(Some(account))).await;
        match seen {
            Ok(Ok(AccountPnl {
                daily: Some(daily),
                as_of,
                ..
            })) => Some(Self {
                account: account.to_owned(),
                daily,
                currency: currency.to_owned(),
                as_of,
            }),
            Ok(Err(error)) => {
                tracing::warn!(account, "Profit and loss is not known: {error}");
                None
            }
            Ok(Ok(_)) | Err(_) => {
                tracing::warn!(account, "Profit and loss is not known");
                None
            }
        }
    }

    /// Takes it into the best of today, and into a situation.
    pub(super) fn observe(self, peaks: &mut Peaks, zone: &str, situation: &mut Situation) {
        let peak = peaks.observe(&self.account, self.daily, zone, self.as_of);
        situation.pnl.insert(
            self.account,
            PnlSeen {
                daily: self.daily,
                peak,
                currency: self.currency,
                as_of: self.as_of,
            },
        );
    }
}

/// What is needed to judge the losses of an account between orders.
pub(super) async fn fetch_losses(
    gateway: &Gateway,
    config: &GateConfig,
    account: &str,
) -> Option<(Situation, Pnl)> {
    let worth = gateway.worth(config, account).await.ok()?;
    let pnl = Pnl::fetch(gateway, account, &worth.net.currency).await?;
    let mut situation = Situation::at(OffsetDateTime::now_utc());
    situation.rates = rates(&worth, &config.base_currency);
    Some((situation, pnl))
}

impl Gateway {
    /// What an instrument is, by TWS's word.
    async fn instrument(&self, con_id: i32, contract: Option<Contract>) -> Result<Instrument> {
        let now = OffsetDateTime::now_utc();
        let cache = &self.trade().cache;
        let known = cache.instruments().get(&con_id).cloned();
        if let Some((fetched, instrument)) = known
            && now - fetched < INSTRUMENT_HOLDS
        {
            return Ok(instrument);
        }
        let exchange = contract.and_then(|contract| contract.exchange);
        let found = self.details(&numbered(con_id, exchange)).await?;
        let own =
            |details: &&crate::model::ContractDetails| details.contract.con_id == Some(con_id);
        let instrument = found.iter().find(own).map(Instrument::from);
        let instrument = instrument.ok_or_else(|| {
            crate::model::Error::NotFound(format!("TWS does not know conId {con_id}."))
        })?;
        let mut instruments = cache.instruments();
        if instruments.len() >= INSTRUMENTS {
            instruments.clear();
        }
        instruments.insert(con_id, (now, instrument.clone()));
        Ok(instrument)
    }

    /// A quote of now, if one comes.
    async fn quote_seen(&self, contract: &Contract) -> Option<QuoteSeen> {
        match self.quote_now(contract, QUOTE_PATIENCE).await {
            Ok(seen) => Some(seen),
            Err(error) => {
                let name = convert::contract::describe(contract);
                tracing::warn!("There is no quote of {name}: {error}");
                None
            }
        }
    }

    /// What an account is worth, and the exchange rates that TWS keeps for it.
    async fn worth(&self, config: &GateConfig, account: &str) -> Result<Worth> {
        let now = OffsetDateTime::now_utc();
        let holds = time::Duration::seconds(i64::from(config.account_seconds / 10));
        let cache = &self.trade().cache;
        let known = cache.worth().get(account).cloned();
        if let Some(worth) = known
            && now - worth.fetched < holds
        {
            return Ok(worth);
        }
        let summary = self.summary().await?;
        let net = summary.iter().find_map(|value| match value {
            AccountValue {
                account: of,
                tag,
                value: Value::Number(amount),
                currency: Some(currency),
            } if of == account && tag == "NetLiquidation" => Some(AmountSeen {
                amount: *amount,
                currency: currency.clone(),
                as_of: now,
            }),
            _ => None,
        });
        let net = net.ok_or_else(|| {
            crate::model::Error::NoData(format!("TWS gives no value of account {account}."))
        })?;
        let worth = Worth {
            fetched: now,
            net,
            rates: self.account_rates(account).await?,
        };
        cache.worth().insert(account.to_owned(), worth.clone());
        Ok(worth)
    }

    /// The exchange rates of an account (TWS `reqAccountUpdatesMulti`,
    /// `ExchangeRate`).
    async fn account_rates(&self, account: &str) -> Result<BTreeMap<String, Decimal>> {
        let session = self.session()?;
        let what = format!("the exchange rates of account {account}");
        let work = {
            let (session, what) = (session.clone(), what.clone());
            let id = AccountId(account.to_owned());
            async move {
                let failed = |error: ibapi::Error| codes::client_error(&error, &what);
                let mut rows = session
                    .client
                    .account_updates_multi(Some(&id), None)
                    .await
                    .map_err(failed)?;
                let mut rates = BTreeMap::new();
                let outcome = loop {
                    match rows.next().await {
                        Some(Ok(SubscriptionItem::Data(AccountUpdateMulti::End))) => {
                            break Ok(());
                        }
                        Some(Ok(SubscriptionItem::Data(
                            AccountUpdateMulti::AccountMultiValue(row),
                        ))) => {
                            if row.key == "ExchangeRate"
                                && let Value::Number(rate) = convert::account::value(&row.value)
                                && rate > Decimal::ZERO
                            {
                                rates.insert(row.currency.to_ascii_uppercase(), rate);
                            }
                        }
                        Some(Ok(SubscriptionItem::Notice(_))) => {}
                        Some(Err(error)) => break Err(failed(error)),
                        None => break Err(failed(ibapi::Error::UnexpectedEndOfStream)),
                    }
                };
                rows.cancel().await;
                outcome.map(|()| rates)
            }
        };
        session.run(&what, ACCOUNT_PATIENCE, work).await
    }
}

/// Exchange rates into the gate's base currency.
fn rates(worth: &Worth, base: &str) -> BTreeMap<String, Rate> {
    let own = worth.net.currency.to_ascii_uppercase();
    // How much of the account's own currency one unit of the base currency is.
    let of_base = if own == base {
        Some(Decimal::ONE)
    } else {
        worth.rates.get(base).copied()
    };
    let Some(of_base) = of_base else {
        return BTreeMap::new();
    };
    let mut known = worth.rates.clone();
    known.insert(own, Decimal::ONE);
    known
        .into_iter()
        .filter_map(|(currency, rate)| {
            let rate = Rate {
                rate: rate.checked_div(of_base)?,
                as_of: worth.fetched,
            };
            Some((currency, rate))
        })
        .collect()
}

/// A contract of which the number is known.
pub(super) fn numbered(con_id: i32, exchange: Option<String>) -> Contract {
    Contract {
        con_id: Some(con_id),
        exchange,
        ..Contract::new("", SecurityType::Other(String::new()))
    }
}

/// The contracts of a proposal, but for combos, and the legs of those.
fn contracts(proposal: &Proposal) -> BTreeMap<i32, Contract> {
    let mut all = Vec::new();
    match &proposal.request {
        Request::Place(orders) => all.extend(orders.iter().map(|new| &new.contract)),
        Request::Modify(change) => all.extend([&change.existing.contract, &change.contract]),
        Request::Exercise(exercise) => {
            all.push(&exercise.contract);
            all.extend(&exercise.underlying);
        }
        Request::Cancel { .. } | Request::CancelAll => {}
    }
    let mut by_number = BTreeMap::new();
    for contract in all {
        for leg in &contract.combo_legs {
            let leg_contract = numbered(leg.con_id, Some(leg.exchange.clone()));
            by_number.entry(leg.con_id).or_insert(leg_contract);
        }
        if let Some(con_id) = contract.con_id.filter(|_| contract.combo_legs.is_empty()) {
            by_number.insert(con_id, contract.clone());
        }
    }
    by_number
}

/// The combo that is ordered, if it is one.
fn combo(proposal: &Proposal) -> Option<&Contract> {
    let is_combo = |contract: &&Contract| contract.security_type == SecurityType::Combo;
    match &proposal.request {
        Request::Place(orders) => orders.iter().map(|new| &new.contract).find(is_combo),
        Request::Modify(change) => Some(&change.contract).filter(is_combo),
        _ => None,
    }
}
