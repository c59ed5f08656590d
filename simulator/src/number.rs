//! Between the wire's numbers and exact decimals.
//!
//! TWS sends prices as doubles and quantities as decimal strings, and marks "no value"
//! with the largest double. Inside, everything is a [`Decimal`].

use rust_decimal::Decimal;

/// TWS's mark for "no value" in a double field.
pub(crate) const UNSET: f64 = f64::MAX;

/// The decimal that a double was printed from; `None` for "no value", infinities and NaN.
pub(crate) fn from_double(value: Option<f64>) -> Option<Decimal> {
    let value = value.filter(|number| number.is_finite() && *number != UNSET)?;
    // The shortest text that reads back as this double is the number the client meant.
    value.to_string().parse().ok()
}

/// The nearest double.
pub(crate) fn to_double(value: Decimal) -> f64 {
    value.to_string().parse().unwrap_or_default()
}

/// A decimal string without trailing zeros.
pub(crate) fn to_text(value: Decimal) -> String {
    value.normalize().to_string()
}

/// Rounds to a multiple of `step`; a step of zero leaves the value alone.
pub(crate) fn round_to(value: Decimal, step: Decimal) -> Decimal {
    if step.is_zero() {
        return value;
    }
    ((value / step).round() * step).normalize()
}
