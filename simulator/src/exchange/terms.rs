//! An order's terms, read from the client's message and checked as TWS checks them.

use rust_decimal::Decimal;
use rust_decimal::dec;
use time::OffsetDateTime;

use super::instrument::{Instrument, SecType};
use super::quote::Side;
use super::search::Refusal;
use crate::clock;
use crate::number;
use crate::wire::proto;

/// How an order wants to be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Market,
    Limit,
    Stop,
    StopLimit,
    Trail,
    TrailLimit,
    MarketOnClose,
    LimitOnClose,
    MarketIfTouched,
    LimitIfTouched,
    Relative,
    Midprice,
    PeggedToMidpoint,
}

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "MKT" => Self::Market,
            "LMT" => Self::Limit,
            "STP" => Self::Stop,
            "STP LMT" | "STPLMT" => Self::StopLimit,
            "TRAIL" => Self::Trail,
            "TRAIL LIMIT" | "TRAILLMT" => Self::TrailLimit,
            "MOC" => Self::MarketOnClose,
            "LOC" => Self::LimitOnClose,
            "MIT" => Self::MarketIfTouched,
            "LIT" => Self::LimitIfTouched,
            "REL" => Self::Relative,
            "MIDPRICE" => Self::Midprice,
            "PEG MID" | "PEGMID" => Self::PeggedToMidpoint,
            _ => return None,
        })
    }

    /// Whether it waits until a price is reached.
    pub(crate) fn waits_for_trigger(self) -> bool {
        matches!(
            self,
            Self::Stop
                | Self::StopLimit
                | Self::Trail
                | Self::TrailLimit
                | Self::MarketIfTouched
                | Self::LimitIfTouched
        )
    }

    /// Whether it trails the market.
    pub(crate) fn trails(self) -> bool {
        matches!(self, Self::Trail | Self::TrailLimit)
    }

    /// Whether it is for the closing auction.
    pub(crate) fn is_on_close(self) -> bool {
        matches!(self, Self::MarketOnClose | Self::LimitOnClose)
    }

    fn needs_limit(self) -> bool {
        matches!(
            self,
            Self::Limit | Self::StopLimit | Self::LimitOnClose | Self::LimitIfTouched
        )
    }

    fn needs_trigger_price(self) -> bool {
        matches!(
            self,
            Self::Stop | Self::StopLimit | Self::MarketIfTouched | Self::LimitIfTouched
        )
    }
}

/// How long an order stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeInForce {
    Day,
    GoodTillCancelled,
    ImmediateOrCancel,
    FillOrKill,
    GoodTill(OffsetDateTime),
    Opening,
}

/// What the other orders of a one-cancels-all group suffer when one fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OcaEffect {
    /// Type 1: they are cancelled.
    Cancel,
    /// Types 2 and 3: their quantity shrinks in proportion. The two differ in whether several
    /// may be at an exchange at once, which here they never are.
    Reduce,
}

/// An order's terms.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Terms {
    pub(crate) side: Side,
    pub(crate) quantity: Decimal,
    pub(crate) kind: Kind,
    pub(crate) limit: Option<Decimal>,
    /// Trigger price, trailing amount or offset, whichever the kind takes.
    pub(crate) aux: Option<Decimal>,
    pub(crate) trailing_percent: Option<Decimal>,
    pub(crate) trail_stop: Option<Decimal>,
    pub(crate) limit_offset: Option<Decimal>,
    pub(crate) tif: TimeInForce,
    pub(crate) outside_rth: bool,
    pub(crate) all_or_none: bool,
    pub(crate) good_after: Option<OffsetDateTime>,
    pub(crate) oca: Option<(String, OcaEffect)>,
    pub(crate) parent_id: Option<i32>,
    pub(crate) transmit: bool,
}

/// No order in this simulator is larger.
const MAX_QUANTITY: Decimal = dec!(1_000_000_000);
/// No price in this simulator is higher.
const MAX_PRICE: Decimal = dec!(10_000_000);
const ALGORITHMS: [&str; 13] = [
    "Adaptive",
    "ArrivalPx",
    "ClosePx",
    "DarkIce",
    "AD",
    "PctVol",
    "PctVolPx",
    "PctVolSz",
    "PctVolTm",
    "Twap",
    "Vwap",
    "BalanceImpactRisk",
    "MinImpact",
];

impl Terms {
    /// Reads the terms, or says what TWS would refuse.
    pub(crate) fn read(
        order: &proto::Order,
        instrument: &Instrument,
        now: OffsetDateTime,
    ) -> Result<Self, Refusal> {
        if !instrument.is_tradable() {
            return Err(Refusal::new(
                201,
                "Order rejected - reason:An index cannot be traded",
            ));
        }
        let side = match order.action.as_deref() {
            Some("BUY") => Side::Buy,
            Some("SELL" | "SSHORT") => Side::Sell,
            other => {
                return Err(Refusal::validation(format!(
                    "Invalid order side: {}",
                    other.unwrap_or("none")
                )));
            }
        };
        let quantity = quantity(order, instrument)?;
        let kind = order
            .order_type
            .as_deref()
            .and_then(Kind::parse)
            .ok_or_else(|| Refusal::validation("Invalid order type was entered"))?;
        if instrument.is_combo() && !matches!(kind, Kind::Market | Kind::Limit) {
            return Err(Refusal::new(
                387,
                "Unsupported order type for this exchange and security type.",
            ));
        }
        let price = |value: Option<f64>| price(value, instrument);
        // A zero price field is how some clients send "none".
        let limit = match kind {
            Kind::Relative | Kind::Midprice | Kind::PeggedToMidpoint => {
                price(order.lmt_price.filter(|&limit| limit != 0.0))?
            }
            Kind::TrailLimit => price(order.lmt_price.filter(|&limit| limit != 0.0))?,
            _ if kind.needs_limit() => price(order.lmt_price)?,
            _ => None,
        };
        if kind.needs_limit() && limit.is_none() {
            return Err(Refusal::validation(
                "The limit price of the order is missing",
            ));
        }
        let aux = if kind.needs_trigger_price() {
            price(order.aux_price)?
        } else {
            amount(order.aux_price)?
        };
        if kind.needs_trigger_price() && aux.is_none() {
            return Err(Refusal::validation(
                "The trigger price of the order is missing",
            ));
        }
        let trailing_percent = amount(order.trailing_percent)?.filter(|percent| !percent.is_zero());
        let trail_stop = price(order.trail_stop_price.filter(|&stop| stop != 0.0))?;
        let limit_offset = amount(order.lmt_price_offset)?;
        if kind.trails() {
            if aux.is_none_or(|amount| amount.is_zero()) && trailing_percent.is_none() {
                return Err(Refusal::validation(
                    "The trailing amount or percentage of the order is missing",
                ));
            }
            if trailing_percent.is_some_and(|percent| percent >= dec!(100)) {
                return Err(Refusal::validation(
                    "The trailing percentage must be below 100",
                ));
            }
        }
        if kind == Kind::TrailLimit && limit.is_none() && limit_offset.is_none() {
            return Err(Refusal::validation(
                "A trailing limit order needs a limit price or a limit offset",
            ));
        }
        if let Some(algorithm) = order
            .algo_strategy
            .as_deref()
            .filter(|name| !name.is_empty())
            && !ALGORITHMS.contains(&algorithm)
        {
            return Err(Refusal::new(
                439,
                format!("The algorithm definition not found:{algorithm}"),
            ));
        }
        Ok(Self {
            side,
            quantity,
            kind,
            limit,
            aux,
            trailing_percent,
            trail_stop,
            limit_offset,
            tif: time_in_force(order, now)?,
            outside_rth: order.outside_rth.unwrap_or_default(),
            all_or_none: order.all_or_none.unwrap_or_default(),
            good_after: time(order.good_after_time.as_deref(), "goodAfterTime")?,
            oca: oca(order)?,
            parent_id: order.parent_id.filter(|&id| id != 0),
            transmit: order.transmit.unwrap_or_default(),
        })
    }

    /// Whether anything less than the whole is unacceptable.
    pub(crate) fn is_all_or_nothing(&self) -> bool {
        self.all_or_none || self.tif == TimeInForce::FillOrKill
    }

    /// Whether what cannot be filled at once is cancelled.
    pub(crate) fn is_immediate(&self) -> bool {
        matches!(
            self.tif,
            TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill
        )
    }
}

fn quantity(order: &proto::Order, instrument: &Instrument) -> Result<Decimal, Refusal> {
    let quantity = match order
        .total_quantity
        .as_deref()
        .filter(|text| !text.is_empty())
    {
        None => Decimal::ZERO,
        Some(text) => text.parse().map_err(|_| {
            Refusal::validation(format!(
                "Invalid order quantity: {}",
                text.chars().take(40).collect::<String>()
            ))
        })?,
    };
    if quantity.is_zero() {
        return Err(Refusal::new(434, "The order size cannot be zero."));
    }
    if quantity.is_sign_negative() || quantity > MAX_QUANTITY {
        return Err(Refusal::validation(format!(
            "Invalid order quantity: {quantity}"
        )));
    }
    if !quantity.fract().is_zero() && instrument.sec_type != SecType::Forex {
        return Err(Refusal::new(
            10243,
            "Fractional-sized order cannot be placed via API. Please use desktop version to place this order.",
        ));
    }
    Ok(quantity.round_dp(2))
}

fn amount(value: Option<f64>) -> Result<Option<Decimal>, Refusal> {
    let amount = number::from_double(value);
    match amount {
        Some(amount) if amount.is_sign_negative() || amount > MAX_PRICE => Err(
            Refusal::validation(format!("Invalid price or offset: {amount}")),
        ),
        _ => Ok(amount.map(|amount| amount.round_dp(8))),
    }
}

fn price(value: Option<f64>, instrument: &Instrument) -> Result<Option<Decimal>, Refusal> {
    let price = if instrument.is_combo() {
        // A combination can cost nothing, or bring something in.
        let size = amount(value.map(f64::abs))?;
        let is_negative = value.is_some_and(f64::is_sign_negative);
        size.map(|size| if is_negative { -size } else { size })
    } else {
        amount(value)?
    };
    match price {
        Some(price) if price.is_zero() && !instrument.is_combo() => Err(Refusal::validation(
            "A price of zero is not valid for this order",
        )),
        Some(price) if !(price % instrument.min_tick).is_zero() => Err(Refusal::new(
            110,
            "The price does not conform to the minimum price variation for this contract.",
        )),
        price => Ok(price),
    }
}

fn time_in_force(order: &proto::Order, now: OffsetDateTime) -> Result<TimeInForce, Refusal> {
    Ok(match order.tif.as_deref().unwrap_or_default() {
        "" | "DAY" => TimeInForce::Day,
        "GTC" => TimeInForce::GoodTillCancelled,
        "IOC" => TimeInForce::ImmediateOrCancel,
        "FOK" => TimeInForce::FillOrKill,
        "OPG" => TimeInForce::Opening,
        "GTD" => {
            let until = time(order.good_till_date.as_deref(), "goodTillDate")?
                .ok_or_else(|| Refusal::validation("Please enter a good-till date"))?;
            if until <= now {
                return Err(Refusal::validation("The good-till date has passed"));
            }
            TimeInForce::GoodTill(until)
        }
        other => {
            return Err(Refusal::validation(format!(
                "Invalid time in force: {other}"
            )));
        }
    })
}

fn time(text: Option<&str>, field: &str) -> Result<Option<OffsetDateTime>, Refusal> {
    match text.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => clock::parse(text)
            .map(Some)
            .ok_or_else(|| Refusal::new(391, format!("The {field} is not a valid date and time: expected YYYYMMDD HH:MM:SS and a time zone"))),
    }
}

fn oca(order: &proto::Order) -> Result<Option<(String, OcaEffect)>, Refusal> {
    let Some(group) = order.oca_group.as_deref().filter(|group| !group.is_empty()) else {
        return Ok(None);
    };
    let effect = match order.oca_type.unwrap_or_default() {
        1 => OcaEffect::Cancel,
        0 | 2 | 3 => OcaEffect::Reduce,
        other => return Err(Refusal::validation(format!("Invalid OCA type: {other}"))),
    };
    Ok(Some((group.to_owned(), effect)))
}
