//! Which bars are asked for.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::fields::{self, Field, Fields, flag, text};
use super::{invalid, one_of};
use crate::Failure;
use crate::broker::history::{BarSize, BarsRequest, Duration, DurationUnit, WhatToShow};
use crate::broker::types::SecurityType;

/// The arguments of TWS `reqHistoricalData` beside the contract.
const BARS: &[Field] = &[
    text(
        "durationStr",
        "How far back: a number and S, D, W, M or Y; default 30 D",
    ),
    text(
        "barSizeSetting",
        "1/5/10/15/30 secs, 1 min, 2/3/5/10/15/20/30 mins, 1 hour, 2/3/4/8 hours, \
         1 day (default), 1 week, 1 month",
    ),
    text(
        "whatToShow",
        "TRADES (default), MIDPOINT (default for CASH), BID, ASK, BID_ASK, ADJUSTED_LAST, \
         HISTORICAL_VOLATILITY, OPTION_IMPLIED_VOLATILITY",
    ),
    flag("useRTH", "Regular trading hours only; default true"),
    text(
        "endDateTime",
        "With time zone, e.g. 2026-12-18T15:00:00Z; default now",
    ),
];

/// Which bars are asked for, among the arguments of a tool.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct BarsArgument(Map<String, Value>);

impl JsonSchema for BarsArgument {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "BarsArgument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        fields::schema(BARS)
    }
}

impl BarsArgument {
    /// What is to be fetched for a contract of this type.
    ///
    /// # Errors
    /// If TWS would refuse it.
    pub fn request(&self, security_type: &SecurityType) -> Result<BarsRequest, Failure> {
        let fields = Fields::new(&self.0);
        let what_to_show = what_to_show(fields.one_of("whatToShow", WHAT_TO_SHOW)?, security_type)?;
        let end = fields.instant("endDateTime")?;
        if what_to_show == WhatToShow::AdjustedLast && end.is_some() {
            return invalid("ADJUSTED_LAST always ends now: leave endDateTime out");
        }
        let bar_size_setting = fields.text("barSizeSetting")?;
        Ok(BarsRequest {
            duration: duration(fields.text("durationStr")?.as_deref().unwrap_or("30 D"))?,
            bar_size: bar_size(bar_size_setting.as_deref().unwrap_or("1 day"))?,
            what_to_show,
            regular_trading_hours: fields.flag("useRTH")?.unwrap_or(true),
            end,
        })
    }
}

fn duration(text: &str) -> Result<Duration, Failure> {
    let invalid = |reason: &str| invalid(format!("durationStr {text:?} {reason}"));
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (amount, unit) = text.split_at(digits);
    let unit = match unit.trim().to_ascii_uppercase().as_str() {
        "S" => DurationUnit::Seconds,
        "D" => DurationUnit::Days,
        "W" => DurationUnit::Weeks,
        "M" => DurationUnit::Months,
        "Y" => DurationUnit::Years,
        _ => {
            return invalid(
                "is not a duration: write a whole number and one of S, D, W, M, Y, \
                 for example \"30 D\"",
            );
        }
    };
    match (amount.parse(), unit) {
        (Err(_) | Ok(0), _) => invalid("must begin with a whole number of at least 1"),
        (Ok(86_401..), DurationUnit::Seconds) => {
            invalid("is longer than 86400 S: write it in days, for example \"2 D\"")
        }
        (Ok(366..), DurationUnit::Days) => {
            invalid("is longer than 365 D: write it in years, for example \"1 Y\"")
        }
        (Ok(amount), unit) => Ok(Duration { amount, unit }),
    }
}

const BAR_SIZES: &[(&str, BarSize)] = &[
    ("1 secs", BarSize::Sec1),
    ("5 secs", BarSize::Sec5),
    ("10 secs", BarSize::Sec10),
    ("15 secs", BarSize::Sec15),
    ("30 secs", BarSize::Sec30),
    ("1 min", BarSize::Min1),
    ("2 mins", BarSize::Min2),
    ("3 mins", BarSize::Min3),
    ("5 mins", BarSize::Min5),
    ("10 mins", BarSize::Min10),
    ("15 mins", BarSize::Min15),
    ("20 mins", BarSize::Min20),
    ("30 mins", BarSize::Min30),
    ("1 hour", BarSize::Hour1),
    ("2 hours", BarSize::Hour2),
    ("3 hours", BarSize::Hour3),
    ("4 hours", BarSize::Hour4),
    ("8 hours", BarSize::Hour8),
    ("1 day", BarSize::Day1),
    ("1 week", BarSize::Week1),
    ("1 month", BarSize::Month1),
];

fn bar_size(text: &str) -> Result<BarSize, Failure> {
    // One or many: TWS writes `1 secs`, people write `1 sec` and `5 min`.
    let singular = |text: &str| text.trim().trim_end_matches(['s', 'S']).to_owned();
    let asked = singular(text);
    BAR_SIZES
        .iter()
        .find(|(code, _)| singular(code).eq_ignore_ascii_case(&asked))
        .map_or_else(
            || one_of("barSizeSetting", text, BAR_SIZES),
            |(_, size)| Ok(*size),
        )
}

const WHAT_TO_SHOW: &[(&str, WhatToShow)] = &[
    ("TRADES", WhatToShow::Trades),
    ("MIDPOINT", WhatToShow::Midpoint),
    ("BID", WhatToShow::Bid),
    ("ASK", WhatToShow::Ask),
    ("BID_ASK", WhatToShow::BidAsk),
    ("ADJUSTED_LAST", WhatToShow::AdjustedLast),
    ("HISTORICAL_VOLATILITY", WhatToShow::HistoricalVolatility),
    (
        "OPTION_IMPLIED_VOLATILITY",
        WhatToShow::OptionImpliedVolatility,
    ),
];

fn what_to_show(
    asked: Option<WhatToShow>,
    security_type: &SecurityType,
) -> Result<WhatToShow, Failure> {
    match (asked, security_type) {
        (None, SecurityType::Forex) => Ok(WhatToShow::Midpoint),
        (None, _) => Ok(WhatToShow::Trades),
        (Some(WhatToShow::Trades | WhatToShow::AdjustedLast), SecurityType::Forex) => invalid(
            "CASH has quotes but no trades: \
             whatToShow must be one of MIDPOINT, BID, ASK, BID_ASK",
        ),
        (Some(asked), _) => Ok(asked),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn read(json: &str, security_type: &SecurityType) -> Result<BarsRequest, Failure> {
        serde_json::from_str::<BarsArgument>(json)
            .unwrap()
            .request(security_type)
    }

    #[test]
    fn nothing_said_is_a_month_of_days() {
        let request = read("{}", &SecurityType::Stock).unwrap();
        assert_eq!(
            request,
            BarsRequest {
                duration: Duration {
                    amount: 30,
                    unit: DurationUnit::Days
                },
                bar_size: BarSize::Day1,
                what_to_show: WhatToShow::Trades,
                regular_trading_hours: true,
                end: None,
            }
        );
        let request = read("{}", &SecurityType::Forex).unwrap();
        assert_eq!(request.what_to_show, WhatToShow::Midpoint);
    }

    #[test]
    fn every_argument_is_read() {
        let request = read(
            r#"{"durationStr":"2 W","barSizeSetting":"5 mins","whatToShow":"bid_ask","useRTH":false,"endDateTime":"2026-12-18T15:00:00Z"}"#,
            &SecurityType::Stock,
        )
        .unwrap();
        assert_eq!(
            request,
            BarsRequest {
                duration: Duration {
                    amount: 2,
                    unit: DurationUnit::Weeks
                },
                bar_size: BarSize::Min5,
                what_to_show: WhatToShow::BidAsk,
                regular_trading_hours: false,
                end: Some(1_797_606_000_000),
            }
        );
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        let cases = [
            ("30 D", 30, DurationUnit::Days),
            ("3600S", 3600, DurationUnit::Seconds),
            ("1 w", 1, DurationUnit::Weeks),
            ("6 M", 6, DurationUnit::Months),
            ("5 Y", 5, DurationUnit::Years),
            ("365 D", 365, DurationUnit::Days),
        ];
        for (text, amount, unit) in cases {
            assert_eq!(duration(text), Ok(Duration { amount, unit }), "{text}");
        }
    }

    #[test]
    fn every_bar_size_is_read_in_both_numbers() {
        for (code, size) in BAR_SIZES {
            assert_eq!(bar_size(code), Ok(*size));
            assert_eq!(bar_size(code.trim_end_matches('s')), Ok(*size));
            assert_eq!(bar_size(&format!("{code}s").to_uppercase()), Ok(*size));
        }
    }

    #[test]
    fn what_tws_would_refuse_is_refused_in_words() {
        let stock = SecurityType::Stock;
        let not_a_duration = "is not a duration: write a whole number and one of S, D, W, M, Y, for example \"30 D\"";
        let cases = [
            (r#"{"durationStr":"a month"}"#, &stock, format!("durationStr \"a month\" {not_a_duration}")),
            (r#"{"durationStr":"30 days"}"#, &stock, format!("durationStr \"30 days\" {not_a_duration}")),
            (r#"{"durationStr":"0 D"}"#, &stock, "durationStr \"0 D\" must begin with a whole number of at least 1".to_owned()),
            (r#"{"durationStr":"D"}"#, &stock, "durationStr \"D\" must begin with a whole number of at least 1".to_owned()),
            (r#"{"durationStr":"99999999999 D"}"#, &stock, "durationStr \"99999999999 D\" must begin with a whole number of at least 1".to_owned()),
            (r#"{"durationStr":"90000 S"}"#, &stock, "durationStr \"90000 S\" is longer than 86400 S: write it in days, for example \"2 D\"".to_owned()),
            (r#"{"durationStr":"366 D"}"#, &stock, "durationStr \"366 D\" is longer than 365 D: write it in years, for example \"1 Y\"".to_owned()),
            (
                r#"{"barSizeSetting":"7 mins"}"#,
                &stock,
                "barSizeSetting must be one of 1 secs, 5 secs, 10 secs, 15 secs, 30 secs, 1 min, 2 mins, 3 mins, 5 mins, 10 mins, 15 mins, 20 mins, 30 mins, 1 hour, 2 hours, 3 hours, 4 hours, 8 hours, 1 day, 1 week, 1 month; got \"7 mins\"".to_owned(),
            ),
            (
                r#"{"whatToShow":"CANDLES"}"#,
                &stock,
                "whatToShow must be one of TRADES, MIDPOINT, BID, ASK, BID_ASK, ADJUSTED_LAST, HISTORICAL_VOLATILITY, OPTION_IMPLIED_VOLATILITY; got \"CANDLES\"".to_owned(),
            ),
            (
                r#"{"whatToShow":"TRADES"}"#,
                &SecurityType::Forex,
                "CASH has quotes but no trades: whatToShow must be one of MIDPOINT, BID, ASK, BID_ASK".to_owned(),
            ),
            (
                r#"{"whatToShow":"ADJUSTED_LAST","endDateTime":"2026-12-18T15:00:00Z"}"#,
                &stock,
                "ADJUSTED_LAST always ends now: leave endDateTime out".to_owned(),
            ),
            (
                r#"{"endDateTime":"yesterday"}"#,
                &stock,
                "endDateTime \"yesterday\" is not a time: write it with its time zone, for example \"2026-12-18T15:00:00Z\"".to_owned(),
            ),
        ];
        for (json, security_type, expected) in cases {
            assert_eq!(read(json, security_type).unwrap_err().message, expected);
        }
    }
}
