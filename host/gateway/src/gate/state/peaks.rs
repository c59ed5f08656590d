//! The best that an account's profit and loss was today.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

use crate::gate::config::local;

/// The best profit and loss of today by account, in the currency in which it
/// is observed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Peaks(BTreeMap<String, (Date, Decimal)>);

impl Peaks {
    /// Takes in the profit and loss of an account since the last daily reset.
    /// Answers the best of today, at least 0: what a day begins with.
    pub fn observe(
        &mut self,
        account: &str,
        daily: Decimal,
        zone: &str,
        now: OffsetDateTime,
    ) -> Decimal {
        let today = local(now, zone).unwrap_or(now).date();
        let (day, peak) = self
            .0
            .entry(account.to_owned())
            .or_insert((today, Decimal::ZERO));
        if *day < today {
            (*day, *peak) = (today, Decimal::ZERO);
        }
        *peak = daily.max(*peak);
        *peak
    }
}
