//! Prices that follow from another instrument's: options and futures.

use rust_decimal::Decimal;
use time::{Date, OffsetDateTime};

use super::instrument::{Instrument, OptionTerms, Right};
use crate::number;

/// The yearly interest rate that options and futures carry.
const RATE: f64 = 0.04;

/// An option's model values. Vega is for one point of volatility, theta for one day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OptionModel {
    pub(crate) price: f64,
    pub(crate) delta: f64,
    pub(crate) gamma: f64,
    pub(crate) vega: f64,
    pub(crate) theta: f64,
}

/// The price that follows from the underlying's.
pub(crate) fn price(instrument: &Instrument, underlying: Decimal, now: OffsetDateTime) -> Decimal {
    let years = years_until(instrument.last_trade_date, now);
    let spot = number::to_double(underlying);
    let value = match instrument.option {
        Some(terms) => model(terms, spot, years, instrument.volatility).price,
        None => spot * (RATE * years).exp(),
    };
    number::round_to(
        number::from_double(Some(value)).unwrap_or(underlying),
        instrument.min_tick,
    )
}

/// The model values of an option instrument; `None` for anything else.
pub(crate) fn option_model(
    instrument: &Instrument,
    underlying: Decimal,
    now: OffsetDateTime,
) -> Option<OptionModel> {
    let years = years_until(instrument.last_trade_date, now);
    Some(model(
        instrument.option?,
        number::to_double(underlying),
        years,
        instrument.volatility,
    ))
}

fn years_until(expiry: Option<Date>, now: OffsetDateTime) -> f64 {
    let days = expiry.map_or(0, |day| (day - now.date()).whole_days().max(0));
    // Expiry is at the end of its day, so the last day still counts.
    (f64::from(i32::try_from(days).unwrap_or(i32::MAX)) + 1.0) / 365.0
}

/// Black and Scholes, without dividends.
fn model(terms: OptionTerms, spot: f64, years: f64, volatility: f64) -> OptionModel {
    let strike = number::to_double(terms.strike);
    let deviation = volatility * years.sqrt();
    let d1 = ((spot / strike).ln() + (RATE + volatility * volatility / 2.0) * years) / deviation;
    let d2 = d1 - deviation;
    let discounted = strike * (-RATE * years).exp();
    let density = (-d1 * d1 / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let decay = -spot * density * volatility / (2.0 * years.sqrt());
    let (price, delta, theta) = match terms.right {
        Right::Call => (
            spot * normal(d1) - discounted * normal(d2),
            normal(d1),
            decay - RATE * discounted * normal(d2),
        ),
        Right::Put => (
            discounted * normal(-d2) - spot * normal(-d1),
            normal(d1) - 1.0,
            decay + RATE * discounted * normal(-d2),
        ),
    };
    OptionModel {
        price,
        delta,
        gamma: density / (spot * deviation),
        vega: spot * density * years.sqrt() / 100.0,
        theta: theta / 365.0,
    }
}

/// The normal distribution's cumulative probability, by Simpson's rule: exact to a
/// billionth, far below a price's smallest step.
fn normal(x: f64) -> f64 {
    const STEPS: i32 = 200;
    let x = x.clamp(-8.0, 8.0);
    let width = x / f64::from(STEPS);
    let density = |at: f64| (-at * at / 2.0).exp();
    let mut sum = density(0.0) + density(x);
    for step in 1..STEPS {
        sum += density(width * f64::from(step)) * if step % 2 == 1 { 4.0 } else { 2.0 };
    }
    0.5 + sum * width / 3.0 / (2.0 * std::f64::consts::PI).sqrt()
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    #[test]
    fn the_normal_distribution_is_the_textbook_one() {
        assert!((normal(0.0) - 0.5).abs() < 1e-9);
        assert!((normal(1.96) - 0.975_002_104_9).abs() < 1e-9);
        assert!((normal(-1.0) - 0.158_655_253_9).abs() < 1e-9);
    }

    #[test]
    fn calls_and_puts_keep_their_parity() {
        let at = |right| {
            model(
                OptionTerms {
                    strike: dec!(100),
                    right,
                },
                105.0,
                0.25,
                0.3,
            )
        };
        let forward = 105.0 - 100.0 * (-RATE * 0.25).exp();
        assert!((at(Right::Call).price - at(Right::Put).price - forward).abs() < 1e-9);
        assert!((at(Right::Call).delta - at(Right::Put).delta - 1.0).abs() < 1e-9);
    }
}
