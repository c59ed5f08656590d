//! Exact decimals: text, JSON numbers and schema.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Decimal;

/// The most digits that a decimal of this contract holds.
const MAX_DIGITS: usize = 18;

/// The most significant digits that a JSON number is sure to keep: those that
/// survive the way through a binary double.
const MAX_DOUBLE_DIGITS: u32 = 15;

/// The least coefficient with one digit more.
const MAX_DOUBLE: u64 = 10_u64.pow(MAX_DOUBLE_DIGITS);

/// Why a text or a number is not a decimal. Its text is a sentence for the
/// caller.
#[derive(Clone, Debug, PartialEq)]
pub enum DecimalError {
    /// It is not a number.
    NotANumber(String),
    /// It has more digits than are kept exactly.
    TooManyDigits(String),
}

impl fmt::Display for DecimalError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber(text) => write!(
                formatter,
                "{text:?} is not a decimal number; write it like 123.45"
            ),
            Self::TooManyDigits(text) => write!(
                formatter,
                "{text} has more digits than can be kept exactly \
                 ({MAX_DOUBLE_DIGITS} significant ones); round it"
            ),
        }
    }
}

impl std::error::Error for DecimalError {}

impl Decimal {
    /// Whether it is greater than zero.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.coefficient > 0
    }
}

/// Zero.
impl Default for Decimal {
    fn default() -> Self {
        Self {
            coefficient: 0,
            scale: 0,
        }
    }
}

impl Decimal {
    /// The decimal that a JSON number stands for, or a text that holds one.
    ///
    /// # Errors
    /// If it is neither, or has more digits than are kept exactly.
    pub fn from_json(value: &Value) -> Result<Self, DecimalError> {
        match value {
            Value::String(text) => text.trim().parse(),
            // The shortest text that reads back as the same number.
            Value::Number(number) if number.is_f64() => of_double(&number.to_string()),
            Value::Number(number) => number.to_string().parse(),
            other => Err(DecimalError::NotANumber(other.to_string())),
        }
    }
}

/// The decimal of a double's text. The zeros at its end say nothing; with more
/// digits than a double is sure to keep, neither do the last of the others.
fn of_double(text: &str) -> Result<Decimal, DecimalError> {
    let mut decimal: Decimal = text.parse()?;
    while decimal.scale > 0 && decimal.coefficient % 10 == 0 {
        decimal.coefficient /= 10;
        decimal.scale -= 1;
    }
    if decimal.coefficient.unsigned_abs() < MAX_DOUBLE {
        Ok(decimal)
    } else {
        Err(DecimalError::TooManyDigits(text.to_owned()))
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Reads `-12.340` or `1.5e-8` exactly, with the zeros at its end.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let not_a_number = || DecimalError::NotANumber(text.to_owned());
        let too_many = || DecimalError::TooManyDigits(text.to_owned());

        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (
                mantissa,
                exponent.parse::<i32>().map_err(|_| not_a_number())?,
            ),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || (fraction.is_empty() && mantissa.contains('.'))
            || !all_digits(whole)
            || !all_digits(fraction)
        {
            return Err(not_a_number());
        }

        let digits: String = whole
            .chars()
            .chain(fraction.chars())
            .skip_while(|digit| *digit == '0')
            .collect();
        if digits.len() > MAX_DIGITS {
            return Err(too_many());
        }
        let mut coefficient = if digits.is_empty() {
            0
        } else {
            digits.parse::<i64>().map_err(|_| too_many())?
        };
        let mut scale = i32::try_from(fraction.len())
            .ok()
            .and_then(|length| length.checked_sub(exponent))
            .ok_or_else(too_many)?;
        if coefficient == 0 {
            scale = scale.clamp(0, 18);
        }
        while scale < 0 {
            coefficient = coefficient.checked_mul(10).ok_or_else(too_many)?;
            scale += 1;
        }
        if negative {
            coefficient = -coefficient;
        }
        match u8::try_from(scale) {
            Ok(scale) if usize::from(scale) <= MAX_DIGITS => Ok(Self { coefficient, scale }),
            _ => Err(too_many()),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale);
        let sign = if self.coefficient < 0 { "-" } else { "" };
        let magnitude = self.coefficient.unsigned_abs();
        // At least one digit stands before the point.
        let digits = format!("{magnitude:0width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(scale));
        if fraction.is_empty() {
            write!(formatter, "{sign}{whole}")
        } else {
            write!(formatter, "{sign}{whole}.{fraction}")
        }
    }
}

/// As a JSON number with exactly its digits.
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string())
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }
}

/// From a JSON number, or from a text that holds one.
impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_json(&value).map_err(D::Error::custom)
    }
}

impl JsonSchema for Decimal {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn decimal(coefficient: i64, scale: u8) -> Decimal {
        Decimal { coefficient, scale }
    }

    #[test]
    fn text_and_decimal_are_the_same_digits() {
        let cases = [
            ("0.1", decimal(1, 1)),
            ("100.10", decimal(10010, 2)),
            ("-5", decimal(-5, 0)),
            ("0.00000001", decimal(1, 8)),
            ("-0.05", decimal(-5, 2)),
            ("0", decimal(0, 0)),
            ("0.00", decimal(0, 2)),
            ("999999999999999999", decimal(999_999_999_999_999_999, 0)),
            ("0.000000000000000001", decimal(1, 18)),
        ];
        for (text, value) in cases {
            assert_eq!(text.parse(), Ok(value), "{text}");
            assert_eq!(value.to_string(), text);
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
        }
        assert_eq!(
            decimal(i64::MIN, 18).to_string(),
            "-9.223372036854775808",
            "the least coefficient has no positive counterpart"
        );
    }

    #[test]
    fn exponents_are_read_exactly() {
        assert_eq!("1e-8".parse(), Ok(decimal(1, 8)));
        assert_eq!("1.5E3".parse(), Ok(decimal(1500, 0)));
        assert_eq!("12.5e1".parse(), Ok(decimal(125, 0)));
        assert_eq!("0e99".parse(), Ok(decimal(0, 0)));
    }

    #[test]
    fn json_numbers_are_read_exactly() {
        let cases = [
            ("0.1", decimal(1, 1)),
            ("100.10", decimal(1001, 1)),
            ("-5", decimal(-5, 0)),
            ("1e-8", decimal(1, 8)),
            ("100", decimal(100, 0)),
            ("100.0", decimal(100, 0)),
            ("1e2", decimal(100, 0)),
            ("123456789.012345", decimal(123_456_789_012_345, 6)),
            ("\"100.10\"", decimal(10010, 2)),
        ];
        for (json, value) in cases {
            assert_eq!(
                serde_json::from_str::<Decimal>(json).unwrap(),
                value,
                "{json}"
            );
        }
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let message = |json: &str| {
            let error = serde_json::from_str::<Decimal>(json).unwrap_err();
            error
                .to_string()
                .split(" at line")
                .next()
                .map(str::to_owned)
        };
        assert_eq!(
            message("0.30000000000000004").unwrap(),
            "0.30000000000000004 has more digits than can be kept exactly \
             (15 significant ones); round it"
        );
        assert_eq!(
            message("\"ten\"").unwrap(),
            "\"ten\" is not a decimal number; write it like 123.45"
        );
        for json in [
            "1e300",
            "1e-300",
            "18446744073709551615",
            "\"1.\"",
            "\".5\"",
            "\"\"",
            "\"NaN\"",
            "\"1e\"",
            "\"1e99999999999\"",
            "\"--1\"",
            "true",
        ] {
            assert!(serde_json::from_str::<Decimal>(json).is_err(), "{json}");
        }
    }
}
