//! Numbers and times: the only types that differ between the two sides.

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::Convert;
use crate::bindings::sandpit::broker::types::{Decimal as WitDecimal, Error};

/// The most digits behind the decimal point that the contract knows.
const MAX_SCALE: u8 = 18;

impl Convert<Decimal> for WitDecimal {
    fn convert(self) -> Result<Decimal, Error> {
        if self.scale > MAX_SCALE {
            return Err(Error::InvalidRequest(format!(
                "A decimal number has {} digits behind the point; at most {MAX_SCALE} are allowed.",
                self.scale
            )));
        }
        Ok(Decimal::new(self.coefficient, self.scale.into()))
    }
}

impl Convert<WitDecimal> for Decimal {
    /// Exact where the contract can hold all digits (18 significant ones and
    /// some of 19). Of a longer number the last digits behind the point are
    /// rounded away.
    fn convert(self) -> Result<WitDecimal, Error> {
        let mut number = self;
        if number.scale() > u32::from(MAX_SCALE) {
            number = number.round_dp(MAX_SCALE.into());
        }
        loop {
            if let (Ok(coefficient), Ok(scale)) = (
                i64::try_from(number.mantissa()),
                u8::try_from(number.scale()),
            ) {
                return Ok(WitDecimal { coefficient, scale });
            }
            let normal = number.normalize();
            number = if normal.scale() < number.scale() {
                normal
            } else if let Some(digits) = number.scale().checked_sub(1) {
                number.round_dp(digits)
            } else {
                return Err(Error::Other(format!(
                    "TWS gave the number {self}, which is larger than a tool can take."
                )));
            };
        }
    }
}

impl Convert<OffsetDateTime> for i64 {
    fn convert(self) -> Result<OffsetDateTime, Error> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self) * 1_000_000).map_err(|_| {
            Error::InvalidRequest(format!(
                "The time {self} (milliseconds since 1970) is out of range."
            ))
        })
    }
}

impl Convert<i64> for OffsetDateTime {
    fn convert(self) -> Result<i64, Error> {
        let milliseconds = self.unix_timestamp_nanos().div_euclid(1_000_000);
        i64::try_from(milliseconds)
            .map_err(|_| Error::Other(format!("TWS gave the time {self}, which is out of range.")))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn there_and_back(text: &str) -> String {
        let decimal: Decimal = text.parse().unwrap();
        let wit: WitDecimal = decimal.convert().unwrap();
        let back: Decimal = wit.convert().unwrap();
        back.to_string()
    }

    #[test]
    fn decimals_stay_exact() {
        for text in ["0", "123.45", "-0.10", "1.0000", "9223372036854775807"] {
            assert_eq!(there_and_back(text), text);
        }
    }

    #[test]
    fn long_decimals_are_rounded() {
        assert_eq!(
            there_and_back("1234.5678901234567890123"),
            "1234.567890123456789"
        );
        assert_eq!(
            there_and_back("0.0000000000000000001234"),
            "0.000000000000000000"
        );
        assert_eq!(
            there_and_back("9223372036854775807.000"),
            "9223372036854775807"
        );
    }

    #[test]
    fn impossible_numbers_are_errors() {
        let huge: Result<WitDecimal, _> = Decimal::MAX.convert();
        assert!(matches!(huge, Err(Error::Other(_))));
        let fine: Result<Decimal, _> = WitDecimal {
            coefficient: 1,
            scale: 19,
        }
        .convert();
        assert!(matches!(fine, Err(Error::InvalidRequest(_))));
    }

    #[test]
    fn times_keep_their_milliseconds() {
        for milliseconds in [0, 1_700_000_000_123, -1] {
            let time: OffsetDateTime = milliseconds.convert().unwrap();
            let back: i64 = time.convert().unwrap();
            assert_eq!(back, milliseconds);
        }
        let far: Result<OffsetDateTime, _> = i64::MAX.convert();
        assert!(far.is_err());
    }
}
