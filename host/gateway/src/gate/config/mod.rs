//! The gate's configuration, as it stands in `sandpit.toml`: `[gate]` and
//! `[gate.rules]`, for all gateways or for one of them.

mod faults;
mod lists;
mod rules;
mod times;

use std::collections::BTreeSet;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use faults::GateConfigError;
pub use lists::Allowance;
pub use rules::{Hours, Rules};
pub use times::Blackout;
pub(crate) use times::local;

use crate::convert::time::zone;
use faults::Faults;

/// Which accounts orders may reach at all. Judged by the ids of the accounts
/// of the connection at the moment of the order, never by its port: the ids of
/// paper accounts begin with D.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// No orders at all. What is open can still be cancelled.
    Off,
    /// Orders only while every account of the connection is a paper account.
    #[default]
    Paper,
    /// Orders on live accounts too: real money.
    Live,
}

/// For which orders something is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Demand {
    /// For none.
    Never,
    /// For orders on live accounts.
    Live,
    /// For all orders.
    All,
}

impl Demand {
    /// Whether it is demanded of an order on a live, or not a live, account.
    pub fn applies(self, live: bool) -> bool {
        match self {
            Self::Never => false,
            Self::Live => live,
            Self::All => true,
        }
    }
}

/// What the gate asks of every place, modify and exercise, from whichever
/// tool. Cancels pass whatever is said here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GateConfig {
    /// `off`, `paper` or `live`: which accounts orders may reach. Default:
    /// paper.
    pub mode: Mode,
    /// The accounts that orders may name. Default: all of the connection. An
    /// empty list allows none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<BTreeSet<String>>,
    /// The currency of every amount of money in the rules, by its ISO 4217
    /// code. Default: USD.
    #[schemars(regex(pattern = r"^[A-Z]{3}$"))]
    pub base_currency: String,
    /// The time zone in which a day begins and ends for the rules, by its IANA
    /// name. Default: America/New_York.
    pub time_zone: String,
    /// How old a quote may be, in seconds, that an order is valued by.
    /// Default: 5.
    #[schemars(range(min = 1, max = 3_600))]
    pub quote_seconds: u32,
    /// Whether an order may be valued by delayed or frozen quotes, which can be
    /// 20 minutes late whenever they come. Default: false.
    pub delayed_quotes: bool,
    /// How old values of the account (net liquidation, profit and loss, exchange
    /// rates) may be, in seconds. TWS sends them every three minutes. Default:
    /// 300.
    #[schemars(range(min = 1, max = 86_400))]
    pub account_seconds: u32,
    /// Which orders need a preview first, whose token they bring along: `never`,
    /// `live` or `all`. An exercise has no preview: a person confirms it then.
    /// Default: never.
    pub preview: Demand,
    /// How long the token of a preview can be used, in seconds. Default: 120.
    #[schemars(range(min = 1, max = 86_400))]
    pub preview_seconds: u32,
    /// Which orders a person has to confirm: `never`, `live` or `all`. Default:
    /// live.
    pub confirmation: Demand,
    /// How long a confirmation can be used, in seconds. Default: 300.
    #[schemars(range(min = 1, max = 86_400))]
    pub confirmation_seconds: u32,
    /// While this file exists, there are no new orders. Its removal alone does
    /// not lift the halt: `sandpit resume` does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt_file: Option<PathBuf>,
    /// The limits. What is left out is not limited.
    pub rules: Rules,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            accounts: None,
            base_currency: "USD".to_owned(),
            time_zone: "America/New_York".to_owned(),
            quote_seconds: 5,
            delayed_quotes: false,
            account_seconds: 300,
            preview: Demand::Never,
            preview_seconds: 120,
            confirmation: Demand::Live,
            confirmation_seconds: 300,
            halt_file: None,
            rules: Rules::default(),
        }
    }
}

impl GateConfig {
    /// Whether every value makes sense. `section` is where it stands, for
    /// example `gate` or `gateways.live.gate`.
    ///
    /// # Errors
    /// Every fault, in a sentence that names the key.
    pub fn check(&self, section: &str) -> Result<(), GateConfigError> {
        let mut faults = Faults::default();
        let key = |name: &str| format!("{section}.{name}");
        for account in self.accounts.iter().flatten() {
            faults.unless(
                !account.is_empty() && account.chars().all(|c| c.is_ascii_alphanumeric()),
                &key("accounts"),
                &format!("{account:?}"),
                "a list of account ids, for example DU1234567",
            );
        }
        faults.unless(
            self.base_currency.len() == 3
                && self.base_currency.chars().all(|c| c.is_ascii_uppercase()),
            &key("base_currency"),
            &format!("{:?}", self.base_currency),
            "an ISO 4217 code, for example USD",
        );
        faults.unless(
            zone(&self.time_zone).is_some(),
            &key("time_zone"),
            &format!("{:?}", self.time_zone),
            "an IANA time zone, for example America/New_York",
        );
        for (name, found, most) in [
            ("quote_seconds", self.quote_seconds, 3_600),
            ("account_seconds", self.account_seconds, 86_400),
            ("preview_seconds", self.preview_seconds, 86_400),
            ("confirmation_seconds", self.confirmation_seconds, 86_400),
        ] {
            faults.unless(
                (1..=most).contains(&found),
                &key(name),
                &found.to_string(),
                format!("a whole number from 1 to {most}"),
            );
        }
        self.rules.check(&key("rules"), &mut faults);
        faults.result()
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_default_is_paper_and_makes_sense() {
        let config = GateConfig::default();
        assert_eq!(config.mode, Mode::Paper);
        assert_eq!(config.confirmation, Demand::Live);
        assert_eq!(config.check("gate"), Ok(()));
    }

    #[test]
    fn amounts_are_numbers_or_texts_and_survive_the_way_back() {
        let written = json!({
            "mode": "live",
            "base_currency": "EUR",
            "rules": {
                "max_notional": 25_000.1,
                "max_quantity": "100.50",
                "max_position_of": { "OPT": 10 },
                "symbols": { "deny": ["GME"] },
                "hours": "regular",
                "blackout": [{ "from": "23:40", "to": "00:10", "zone": "America/New_York" }],
            },
        });
        let read: Result<GateConfig, _> = serde_json::from_value(written);
        let again = read
            .as_ref()
            .ok()
            .and_then(|config| serde_json::to_value(config).ok())
            .and_then(|value| serde_json::from_value::<GateConfig>(value).ok());
        assert!(read.is_ok(), "{read:?}");
        assert_eq!(read.as_ref().ok(), again.as_ref());
        assert_eq!(
            again.and_then(|config| config.rules.max_notional),
            Some(Decimal::new(250_001, 1))
        );
        assert!(read.is_ok_and(|config| config.check("gate").is_ok()));
    }

    #[test]
    fn unknown_keys_are_refused() {
        for wrong in [json!({ "modes": "live" }), json!({ "rules": { "max": 1 } })] {
            assert!(serde_json::from_value::<GateConfig>(wrong).is_err());
        }
    }

    #[test]
    fn every_fault_names_its_key() {
        let wrong = json!({
            "accounts": ["D U"],
            "base_currency": "usd",
            "time_zone": "Mars/Olympus",
            "quote_seconds": 0,
            "rules": {
                "max_quantity": 0,
                "max_quantity_of": { "OPTION": 1 },
                "max_notional": -1,
                "max_percent_of_net_liquidation": 0,
                "orders_per_minute": 0,
                "security_types": { "allow": ["STOCK"] },
                "order_types": { "deny": ["LIMIT"] },
                "symbols": { "allow": [""] },
                "blackout": [{ "from": "24:00", "to": "24:00", "zone": "nowhere" }],
                "rejection_pause_seconds": 0,
            },
        });
        let faults = serde_json::from_value::<GateConfig>(wrong)
            .ok()
            .and_then(|config| config.check("gate").err())
            .map(|error| error.faults)
            .unwrap_or_default();
        for key in [
            "gate.accounts",
            "gate.base_currency",
            "gate.time_zone",
            "gate.quote_seconds",
            "gate.rules.max_quantity",
            "gate.rules.max_quantity_of.OPTION",
            "gate.rules.max_notional",
            "gate.rules.max_percent_of_net_liquidation",
            "gate.rules.orders_per_minute",
            "gate.rules.security_types.allow",
            "gate.rules.order_types.deny",
            "gate.rules.symbols.allow",
            "gate.rules.blackout[0].from",
            "gate.rules.blackout[0].zone",
            "gate.rules.rejection_pause_seconds",
        ] {
            let start = format!("{key} is ");
            assert!(
                faults.iter().any(|fault| fault.starts_with(&start)),
                "{key}: {faults:#?}"
            );
        }
    }

    #[test]
    fn the_schema_describes_every_key() {
        let schema = serde_json::to_value(schemars::schema_for!(GateConfig)).unwrap_or_default();
        for (place, keys) in [("/properties", 13), ("/$defs/Rules/properties", 23)] {
            let properties = schema.pointer(place).and_then(|found| found.as_object());
            assert!(
                properties.is_some_and(|found| {
                    found.len() == keys && found.values().all(|key| key["description"].is_string())
                }),
                "{place}: {properties:#?}"
            );
        }
    }
}
