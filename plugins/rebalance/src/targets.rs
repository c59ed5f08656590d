//! Target weights as a person writes them: `VTI=60 TLT=40`.

use std::collections::BTreeSet;

use sandpit_sdk::{Decimal, Failure};

/// A weight is kept in hundredths of a percent.
const WHOLE: i64 = 100 * 100;

/// A symbol and its weight in hundredths of a percent.
type Target = (String, i64);

/// Reads weights, in the order in which they are written.
pub fn parse(text: &str) -> Result<Vec<Target>, Failure> {
    let words = text.split([' ', ',', ';']).filter(|word| !word.is_empty());
    let targets: Vec<_> = words.map(target).collect::<Result<_, _>>()?;
    if targets.is_empty() {
        return Err(wrong("there is none"));
    }
    let symbols: BTreeSet<_> = targets.iter().map(|(symbol, _)| symbol).collect();
    if symbols.len() < targets.len() {
        return Err(wrong("a symbol is named twice"));
    }
    let sum: i64 = targets.iter().map(|(_, weight)| weight).sum();
    if sum > WHOLE {
        return Err(wrong(&format!("they sum up to {} %", percent(sum))));
    }
    Ok(targets)
}

/// The weights in words, and what stays cash.
pub fn shown(targets: &[Target]) -> String {
    let mut words: Vec<_> = targets
        .iter()
        .map(|(symbol, weight)| format!("{symbol} {} %", percent(*weight)))
        .collect();
    let cash = WHOLE - targets.iter().map(|(_, weight)| weight).sum::<i64>();
    if cash > 0 {
        words.push(format!("cash {} %", percent(cash)));
    }
    words.join(", ")
}

fn target(word: &str) -> Result<Target, Failure> {
    let (symbol, weight) = word
        .split_once(['=', ':'])
        .ok_or_else(|| wrong(&format!("{word:?} has no weight")))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    if symbol.is_empty() || symbol.len() > 20 || !symbol.chars().all(plain) {
        return Err(wrong(&format!("{symbol:?} is no symbol")));
    }
    let number = weight.strip_suffix('%').unwrap_or(weight);
    let hundredths = number.parse().ok().and_then(hundredths);
    match hundredths.filter(|hundredths| (0..=WHOLE).contains(hundredths)) {
        Some(hundredths) => Ok((symbol.to_ascii_uppercase(), hundredths)),
        None => Err(wrong(&format!(
            "{weight:?} is no percentage from 0 to 100 with two decimals at most"
        ))),
    }
}

fn hundredths(decimal: Decimal) -> Option<i64> {
    let missing = 2_u32.checked_sub(u32::from(decimal.scale))?;
    decimal.coefficient.checked_mul(10_i64.pow(missing))
}

fn percent(hundredths: i64) -> Decimal {
    let scale = match hundredths {
        whole if whole % 100 == 0 => 0,
        tenths if tenths % 10 == 0 => 1,
        _ => 2,
    };
    Decimal {
        coefficient: hundredths / [100, 10, 1].get(usize::from(scale)).copied().unwrap_or(1),
        scale,
    }
}

fn wrong(what: &str) -> Failure {
    Failure::invalid_arguments(format!(
        "The targets cannot be used: {what}. Write symbols with percent, 100 at most in all, such \
         as VTI=60 TLT=40"
    ))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn weights_are_exact_and_the_rest_is_cash() {
        for (text, words) in [
            ("VTI=60 TLT=40", "VTI 60 %, TLT 40 %"),
            (
                "vti=33.33%, TLT:33.3;GLD=0",
                "VTI 33.33 %, TLT 33.3 %, GLD 0 %, cash 33.37 %",
            ),
            ("BRK.B=100.0", "BRK.B 100 %"),
        ] {
            assert_eq!(shown(&parse(text).unwrap()), words);
        }
    }

    #[test]
    fn what_makes_no_portfolio_is_refused() {
        for text in [
            "",
            " , ",
            "VTI",
            "VTI=",
            "=60",
            "VTI=sixty",
            "VTI=-1",
            "VTI=100.001",
            "VTI=101",
            "VTI=60 TLT=41",
            "VTI=10 vti=20",
            "V\u{1b}I=10",
            "VTI=1e99",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
