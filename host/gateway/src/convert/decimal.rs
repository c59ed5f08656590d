//! TWS's floating point numbers as exact decimals.

use std::str::FromStr;

use rust_decimal::Decimal;

/// The decimal that a person would read in the number: the shortest text that
/// names it. `None` for what TWS means as absent: the largest double, infinity
/// and NaN.
pub(crate) fn decimal(value: f64) -> Option<Decimal> {
    if !value.is_finite() || value.abs() == f64::MAX {
        return None;
    }
    Decimal::from_str(&value.to_string())
        .ok()
        .map(|decimal| decimal.normalize())
}

/// As [`decimal`], for a number that may be missing.
pub(crate) fn maybe(value: Option<f64>) -> Option<Decimal> {
    value.and_then(decimal)
}

/// As [`decimal`], where zero means that there is none: TWS writes prices of
/// orders and steps of contracts so.
pub(crate) fn non_zero(value: f64) -> Option<Decimal> {
    decimal(value).filter(|decimal| !decimal.is_zero())
}

/// The double nearest to a decimal: what the wire carries.
pub(crate) fn float(value: Decimal) -> f64 {
    // A decimal's text is always a number; the fallback cannot be reached.
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// A number that TWS sends as text.
pub(crate) fn parse(text: &str) -> Option<Decimal> {
    let text = text.trim();
    Decimal::from_str(text)
        .or_else(|_| Decimal::from_scientific(text))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_a_person_sees() {
        for (value, expected) in [
            (0.1 + 0.2, "0.30000000000000004"),
            (123.45, "123.45"),
            (-0.05, "-0.05"),
            (100.0, "100"),
            (0.0, "0"),
            (1e-8, "0.00000001"),
            (1e15, "1000000000000000"),
        ] {
            assert_eq!(
                decimal(value).map(|d| d.to_string()).as_deref(),
                Some(expected)
            );
        }
    }

    #[test]
    fn absent_numbers_are_absent() {
        for value in [f64::MAX, f64::MIN, f64::INFINITY, f64::NAN, 1e300] {
            assert_eq!(decimal(value), None);
        }
        assert_eq!(non_zero(0.0), None);
        assert_eq!(maybe(None), None);
    }

    #[test]
    fn there_and_back_changes_nothing() {
        for text in ["0.1", "333.333", "-12.5", "10000000", "0.00005"] {
            let exact = parse(text);
            assert_eq!(exact.and_then(|d| decimal(float(d))), exact);
        }
    }

    #[test]
    fn words_are_not_numbers() {
        assert_eq!(parse("INDIVIDUAL"), None);
        assert_eq!(parse(""), None);
        assert_eq!(
            parse("1.5E3").map(|d| d.to_string()).as_deref(),
            Some("1500")
        );
    }
}
