//! Account values by TWS's tags.

use rust_decimal::Decimal;

use crate::books::ledger::{Ledger, Position, rate};
use crate::books::margin::margin;
use crate::exchange::instrument::{Instrument, SecType};
use crate::exchange::market::Market;

/// One account value: the tag, its value, its currency (empty where there is none).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AccountTag {
    pub(super) tag: String,
    pub(super) value: String,
    pub(super) currency: String,
}

fn money(tag: &str, value: Decimal) -> AccountTag {
    in_currency(tag, value, "USD")
}

fn in_currency(tag: &str, value: Decimal, currency: &str) -> AccountTag {
    AccountTag {
        tag: tag.to_owned(),
        value: format!("{:.2}", value.round_dp(2)),
        currency: currency.to_owned(),
    }
}

fn plain(tag: &str, value: impl ToString) -> AccountTag {
    AccountTag {
        tag: tag.to_owned(),
        value: value.to_string(),
        currency: String::new(),
    }
}

/// The values an account summary can ask for.
pub(super) fn summary(ledger: &Ledger, market: &Market) -> Vec<AccountTag> {
    let margin = margin(ledger, market);
    let net = ledger.net_liquidation(market);
    let cash = ledger.total_cash(market);
    let gross = ledger.sum(market, |position, instrument, mark| {
        match instrument.sec_type {
            SecType::Forex => Decimal::ZERO,
            _ => position.market_value(instrument, mark).abs(),
        }
    });
    let ratio = |part: Decimal| {
        if net.is_zero() {
            Decimal::ZERO
        } else {
            (part / net).round_dp(4)
        }
    };
    let mut values = vec![
        plain("AccountType", "INDIVIDUAL"),
        plain("Cushion", ratio(margin.excess())),
        plain("DayTradesRemaining", -1),
        plain("Leverage", ratio(gross).round_dp(2)),
        plain("LookAheadNextChange", 0),
        money("AccruedCash", Decimal::ZERO),
        money("BuyingPower", margin.buying_power()),
        money("EquityWithLoanValue", margin.equity_with_loan),
        money("GrossPositionValue", gross),
        money("NetLiquidation", net),
        money("PreviousEquityWithLoanValue", ledger.start.net_liquidation),
        money("RegTEquity", margin.equity_with_loan),
        money("RegTMargin", margin.initial),
        money("SMA", margin.available()),
        money("SettledCash", cash),
        money("TotalCashValue", cash),
    ];
    for prefix in ["", "Full", "LookAhead"] {
        values.push(money(
            &format!("{prefix}AvailableFunds"),
            margin.available(),
        ));
        values.push(money(&format!("{prefix}ExcessLiquidity"), margin.excess()));
        values.push(money(&format!("{prefix}InitMarginReq"), margin.initial));
        values.push(money(
            &format!("{prefix}MaintMarginReq"),
            margin.maintenance,
        ));
    }
    values
}

/// The ledger: one set of values for each currency, and one in all (`BASE`).
pub(super) fn ledger_values(ledger: &Ledger, market: &Market) -> Vec<AccountTag> {
    let of = |wanted: SecType, value: fn(&Position, &Instrument, Decimal) -> Decimal| {
        ledger.sum(market, |position, instrument, mark| {
            if instrument.sec_type == wanted {
                value(position, instrument, mark)
            } else {
                Decimal::ZERO
            }
        })
    };
    let mut values = Vec::new();
    let dollars = ledger.cash.get("USD").copied().unwrap_or_default();
    for (currency, cash) in [("BASE", ledger.total_cash(market)), ("USD", dollars)] {
        values.push(in_currency("CashBalance", cash, currency));
        values.push(in_currency("TotalCashBalance", cash, currency));
        values.push(in_currency(
            "StockMarketValue",
            of(SecType::Stock, Position::market_value),
            currency,
        ));
        values.push(in_currency(
            "OptionMarketValue",
            of(SecType::Option, Position::market_value),
            currency,
        ));
        values.push(in_currency(
            "FuturesPNL",
            of(SecType::Future, Position::unrealized),
            currency,
        ));
        values.push(in_currency(
            "UnrealizedPnL",
            ledger.unrealized(market),
            currency,
        ));
        values.push(in_currency("RealizedPnL", ledger.realized(), currency));
        values.push(in_currency(
            "NetLiquidationByCurrency",
            cash + ledger.sum(market, Position::contribution),
            currency,
        ));
        values.push(AccountTag {
            tag: "Currency".into(),
            value: currency.into(),
            currency: currency.into(),
        });
        values.push(AccountTag {
            tag: "ExchangeRate".into(),
            value: "1.00".into(),
            currency: currency.into(),
        });
    }
    for (currency, &cash) in ledger
        .cash
        .iter()
        .filter(|(currency, _)| *currency != "USD")
    {
        values.push(in_currency("CashBalance", cash, currency));
        values.push(in_currency("TotalCashBalance", cash, currency));
        values.push(in_currency("NetLiquidationByCurrency", cash, currency));
        values.push(AccountTag {
            tag: "Currency".into(),
            value: currency.clone(),
            currency: currency.clone(),
        });
        values.push(AccountTag {
            tag: "ExchangeRate".into(),
            value: rate(market, currency).normalize().to_string(),
            currency: currency.clone(),
        });
    }
    values
}

/// Everything that account updates carry.
pub(super) fn all(ledger: &Ledger, market: &Market) -> Vec<AccountTag> {
    let mut values = vec![
        plain("AccountCode", &ledger.account),
        plain("AccountReady", "true"),
    ];
    values.extend(summary(ledger, market));
    values.extend(ledger_values(ledger, market));
    values
}
