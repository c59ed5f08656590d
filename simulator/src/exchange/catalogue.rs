//! The built-in instruments: stocks, funds, indices, forex, futures and option chains.
//!
//! Expiries are computed from the day the simulator starts. Contract ids are this
//! simulator's own and stay the same from run to run.

use rust_decimal::Decimal;
use rust_decimal::dec;
use time::{Date, Duration, Month, Weekday};

use super::instrument::{Instrument, OptionTerms, Right, SecType};

const STOCK_EXCHANGES: &str =
    "SMART,AMEX,NYSE,CBOE,PHLX,ISE,CHX,ARCA,NASDAQ,DRCTEDGE,BEX,BATS,EDGEA,BYX,IEX,OVERNIGHT";
const OPTION_EXCHANGES: &str = "SMART,AMEX,CBOE,PHLX,PSE,ISE,BOX,BATS,NASDAQOM,CBOE2,MIAX";

/// con id, symbol, primary exchange, long name, industry, category, subcategory, price, volatility
type StockRow = (
    i32,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Decimal,
    f64,
);

// One instrument a line.
#[rustfmt::skip]
const SHARES: &[StockRow] = &[
    (265_598, "AAPL", "NASDAQ", "APPLE INC", "Technology", "Computers", "Computers", dec!(268.40), 0.28),
    (272_093, "MSFT", "NASDAQ", "MICROSOFT CORP", "Technology", "Software", "Applications Software", dec!(498.20), 0.24),
    (4_815_747, "NVDA", "NASDAQ", "NVIDIA CORP", "Technology", "Semiconductors", "Electronic Compo-Semicon", dec!(186.60), 0.45),
    (3_691_937, "AMZN", "NASDAQ", "AMAZON.COM INC", "Communications", "Internet", "E-Commerce/Products", dec!(232.10), 0.32),
    (208_813_719, "GOOGL", "NASDAQ", "ALPHABET INC-CL A", "Communications", "Internet", "Web Portals/ISP", dec!(286.30), 0.30),
    (107_113_386, "META", "NASDAQ", "META PLATFORMS INC-CLASS A", "Communications", "Internet", "Internet Content-Entmnt", dec!(612.50), 0.36),
    (76_792_991, "TSLA", "NASDAQ", "TESLA INC", "Consumer, Cyclical", "Auto Manufacturers", "Auto-Cars/Light Trucks", dec!(402.30), 0.55),
    (1_520_593, "JPM", "NYSE", "JPMORGAN CHASE & CO", "Financial", "Banks", "Diversified Banking Inst", dec!(304.70), 0.22),
    (49_462_172, "V", "NYSE", "VISA INC-CLASS A SHARES", "Financial", "Diversified Finan Serv", "Finance-Credit Card", dec!(334.90), 0.20),
    (8_719, "JNJ", "NYSE", "JOHNSON & JOHNSON", "Consumer, Non-cyclical", "Pharmaceuticals", "Medical-Drugs", dec!(201.80), 0.17),
    (8_894, "KO", "NYSE", "COCA-COLA CO/THE", "Consumer, Non-cyclical", "Beverages", "Beverages-Non-alcoholic", dec!(71.25), 0.15),
    (8_314, "IBM", "NYSE", "INTL BUSINESS MACHINES CORP", "Technology", "Computers", "Computer Services", dec!(304.10), 0.25),
    (72_063_691, "BRK B", "NYSE", "BERKSHIRE HATHAWAY INC-CL B", "Financial", "Insurance", "Reinsurance", dec!(508.40), 0.17),
];

#[rustfmt::skip]
const FUNDS: &[StockRow] = &[
    (12_340_039, "VTI", "ARCA", "VANGUARD TOTAL STOCK MKT ETF", "Funds", "Equity Fund", "Growth&Income-Broad Market", dec!(328.50), 0.16),
    (15_547_841, "TLT", "NASDAQ", "ISHARES 20+ YEAR TREASURY BD", "Funds", "Debt Fund", "Government/Agency-Long", dec!(89.40), 0.13),
    (756_733, "SPY", "ARCA", "STATE STREET SPDR S&P 500 ETF", "Funds", "Equity Fund", "Growth-Large Cap", dec!(668.20), 0.16),
    (320_227_571, "QQQ", "NASDAQ", "INVESCO QQQ TRUST SERIES 1", "Funds", "Equity Fund", "Growth-Large Cap", dec!(608.10), 0.21),
    (43_645_828, "BND", "NASDAQ", "VANGUARD TOTAL BOND MARKET", "Funds", "Debt Fund", "Corporate/Preferred-Inv Grade", dec!(74.35), 0.05),
    (51_529_211, "GLD", "ARCA", "SPDR GOLD SHARES", "Funds", "Commodity Fund", "Gold", dec!(376.90), 0.18),
    (136_155_102, "VOO", "ARCA", "VANGUARD S&P 500 ETF", "Funds", "Equity Fund", "Growth-Large Cap", dec!(614.30), 0.16),
    (8_991_352, "IVV", "ARCA", "ISHARES CORE S&P 500 ETF", "Funds", "Equity Fund", "Growth-Large Cap", dec!(671.40), 0.16),
    (45_380_519, "VEA", "ARCA", "VANGUARD FTSE DEVELOPED ETF", "Funds", "Equity Fund", "International Equity", dec!(61.20), 0.15),
    (27_684_070, "VWO", "ARCA", "VANGUARD FTSE EMERGING MARKE", "Funds", "Equity Fund", "Emerging Market-Equity", dec!(54.15), 0.17),
    (43_645_865, "AGG", "ARCA", "ISHARES CORE U.S. AGGREGATE", "Funds", "Debt Fund", "Corporate/Preferred-Inv Grade", dec!(100.25), 0.05),
    (15_547_844, "IEF", "NASDAQ", "ISHARES 7-10 YEAR TREASURY B", "Funds", "Debt Fund", "Government/Agency-Intermed", dec!(96.80), 0.07),
    (15_547_816, "SHY", "NASDAQ", "ISHARES 1-3 YEAR TREASURY BO", "Funds", "Debt Fund", "Government/Agency-Short", dec!(82.90), 0.02),
    (9_579_970, "IWM", "ARCA", "ISHARES RUSSELL 2000 ETF", "Funds", "Equity Fund", "Growth-Small Cap", dec!(238.70), 0.22),
    (10_753_248, "EFA", "ARCA", "ISHARES MSCI EAFE ETF", "Funds", "Equity Fund", "International Equity", dec!(94.60), 0.15),
    (13_002_510, "EEM", "ARCA", "ISHARES MSCI EMERGING MARKET", "Funds", "Equity Fund", "Emerging Market-Equity", dec!(54.90), 0.18),
    (73_128_548, "DIA", "ARCA", "SPDR DJIA TRUST", "Funds", "Equity Fund", "Growth-Large Cap", dec!(470.20), 0.14),
    (30_202_258, "VNQ", "ARCA", "VANGUARD REAL ESTATE ETF", "Funds", "Equity Fund", "Sector Fund-Real Estate", dec!(90.15), 0.17),
    (4_215_230, "XLK", "ARCA", "TECHNOLOGY SELECT SECT SPDR", "Funds", "Equity Fund", "Sector Fund-Technology", dec!(284.40), 0.22),
    (4_215_220, "XLF", "ARCA", "FINANCIAL SELECT SECTOR SPDR", "Funds", "Equity Fund", "Sector Fund-Financial Serv", dec!(52.60), 0.17),
    (4_215_217, "XLE", "ARCA", "ENERGY SELECT SECTOR SPDR", "Funds", "Equity Fund", "Sector Fund-Energy", dec!(90.30), 0.23),
];

/// Every built-in instrument, as of `today`.
pub(crate) fn built_in(today: Date) -> Vec<Instrument> {
    let mut all: Vec<Instrument> = Vec::new();
    all.extend(SHARES.iter().map(|row| stock(row, "COMMON")));
    all.extend(FUNDS.iter().map(|row| stock(row, "ETF")));
    all.push(index(
        416_904,
        "SPX",
        "S&P 500 Stock Index",
        dec!(6702.40),
        0.16,
    ));
    all.push(index(
        13_455_763,
        "VIX",
        "CBOE Volatility Index",
        dec!(17.85),
        0.80,
    ));
    all.push(forex(
        12_087_792,
        "EUR",
        "European Monetary Union Euro",
        dec!(1.15840),
    ));
    all.push(forex(12_087_797, "GBP", "British pound", dec!(1.31250)));
    let quarters = quarterly_expiries(today, 3);
    all.extend(futures(
        ("ES", "E-mini S&P 500", 416_904),
        495_512_000,
        dec!(6712.50),
        dec!(50),
        &quarters,
    ));
    all.extend(futures(
        ("MES", "Micro E-Mini S&P 500 Stock Price Index", 416_904),
        362_687_000,
        dec!(6712.50),
        dec!(5),
        &quarters,
    ));
    let expiries = option_expiries(today);
    let chains: Vec<Instrument> = all
        .iter()
        .filter_map(|underlying| match underlying.symbol.as_str() {
            "AAPL" => Some((underlying, 700_000_000, dec!(5))),
            "SPY" => Some((underlying, 800_000_000, dec!(10))),
            _ => None,
        })
        .flat_map(|(underlying, base, step)| option_chain(underlying, base, step, &expiries))
        .collect();
    all.extend(chains);
    all
}

fn stock(row: &StockRow, stock_type: &'static str) -> Instrument {
    let &(
        con_id,
        symbol,
        primary_exchange,
        long_name,
        industry,
        category,
        subcategory,
        start_price,
        volatility,
    ) = row;
    Instrument {
        con_id,
        symbol: symbol.to_owned(),
        sec_type: SecType::Stock,
        exchange: "SMART",
        primary_exchange,
        valid_exchanges: STOCK_EXCHANGES,
        currency: "USD",
        local_symbol: symbol.to_owned(),
        trading_class: if primary_exchange == "NASDAQ" {
            "NMS".to_owned()
        } else {
            symbol.to_owned()
        },
        multiplier: Decimal::ONE,
        last_trade_date: None,
        option: None,
        underlying: None,
        min_tick: dec!(0.01),
        long_name: long_name.to_owned(),
        industry,
        category,
        subcategory,
        stock_type,
        start_price,
        volatility,
        legs: Vec::new(),
    }
}

fn index(
    con_id: i32,
    symbol: &'static str,
    long_name: &str,
    start_price: Decimal,
    volatility: f64,
) -> Instrument {
    Instrument {
        con_id,
        symbol: symbol.to_owned(),
        sec_type: SecType::Index,
        exchange: "CBOE",
        primary_exchange: "",
        valid_exchanges: "CBOE",
        currency: "USD",
        local_symbol: symbol.to_owned(),
        trading_class: symbol.to_owned(),
        multiplier: Decimal::ONE,
        last_trade_date: None,
        option: None,
        underlying: None,
        min_tick: dec!(0.01),
        long_name: long_name.to_owned(),
        industry: "Indices",
        category: "Broad Range Equity Index",
        subcategory: "*",
        stock_type: "",
        start_price,
        volatility,
        legs: Vec::new(),
    }
}

fn forex(con_id: i32, base: &str, long_name: &str, start_price: Decimal) -> Instrument {
    Instrument {
        con_id,
        symbol: base.to_owned(),
        sec_type: SecType::Forex,
        exchange: "IDEALPRO",
        primary_exchange: "",
        valid_exchanges: "IDEALPRO",
        currency: "USD",
        local_symbol: format!("{base}.USD"),
        trading_class: format!("{base}.USD"),
        multiplier: Decimal::ONE,
        last_trade_date: None,
        option: None,
        underlying: None,
        min_tick: dec!(0.00005),
        long_name: long_name.to_owned(),
        industry: "",
        category: "",
        subcategory: "",
        stock_type: "",
        start_price,
        volatility: 0.07,
        legs: Vec::new(),
    }
}

fn futures(
    (symbol, long_name, underlying): (&str, &str, i32),
    base: i32,
    start_price: Decimal,
    multiplier: Decimal,
    expiries: &[Date],
) -> Vec<Instrument> {
    expiries
        .iter()
        .map(|&expiry| {
            let month = u8::from(expiry.month());
            Instrument {
                con_id: base + expiry.year() % 100 * 12 + i32::from(month),
                symbol: symbol.to_owned(),
                sec_type: SecType::Future,
                exchange: "CME",
                primary_exchange: "",
                valid_exchanges: "CME",
                currency: "USD",
                local_symbol: format!(
                    "{symbol}{}{}",
                    month_letter(expiry.month()),
                    expiry.year() % 10
                ),
                trading_class: symbol.to_owned(),
                multiplier,
                last_trade_date: Some(expiry),
                option: None,
                underlying: Some(underlying),
                min_tick: dec!(0.25),
                long_name: long_name.to_owned(),
                industry: "",
                category: "",
                subcategory: "",
                stock_type: "",
                start_price,
                volatility: 0.16,
                legs: Vec::new(),
            }
        })
        .collect()
}

/// Thirteen strikes around the starting price, both rights, for every expiry.
fn option_chain(
    underlying: &Instrument,
    base: i32,
    step: Decimal,
    expiries: &[Date],
) -> Vec<Instrument> {
    let centre = (underlying.start_price / step).round() * step;
    let mut chain = Vec::new();
    for &expiry in expiries {
        // Days since 2020 times 40 leaves room for every strike and right of a day.
        let day = base + (expiry.to_julian_day() - 2_458_850) * 40;
        for (index, offset) in (-6..=6).enumerate() {
            let strike = centre + step * Decimal::from(offset);
            for right in [Right::Call, Right::Put] {
                let slot =
                    i32::try_from(index * 2).unwrap_or_default() + i32::from(right == Right::Put);
                chain.push(Instrument {
                    con_id: day + slot,
                    symbol: underlying.symbol.clone(),
                    sec_type: SecType::Option,
                    exchange: "SMART",
                    primary_exchange: "",
                    valid_exchanges: OPTION_EXCHANGES,
                    currency: underlying.currency,
                    local_symbol: option_symbol(&underlying.symbol, expiry, right, strike),
                    trading_class: underlying.symbol.clone(),
                    multiplier: dec!(100),
                    last_trade_date: Some(expiry),
                    option: Some(OptionTerms { strike, right }),
                    underlying: Some(underlying.con_id),
                    min_tick: dec!(0.01),
                    long_name: underlying.long_name.clone(),
                    industry: underlying.industry,
                    category: underlying.category,
                    subcategory: underlying.subcategory,
                    stock_type: "",
                    start_price: Decimal::ONE,
                    volatility: underlying.volatility,
                    legs: Vec::new(),
                });
            }
        }
    }
    chain
}

/// The option's 21-character symbol: root padded to six, date, right, strike in thousandths.
fn option_symbol(root: &str, expiry: Date, right: Right, strike: Decimal) -> String {
    let thousandths = (strike * dec!(1000)).trunc();
    format!(
        "{root:<6}{:02}{:02}{:02}{right}{thousandths:0>8}",
        expiry.year() % 100,
        u8::from(expiry.month()),
        expiry.day(),
    )
}

fn month_letter(month: Month) -> char {
    match month {
        Month::January => 'F',
        Month::February => 'G',
        Month::March => 'H',
        Month::April => 'J',
        Month::May => 'K',
        Month::June => 'M',
        Month::July => 'N',
        Month::August => 'Q',
        Month::September => 'U',
        Month::October => 'V',
        Month::November => 'X',
        Month::December => 'Z',
    }
}

fn third_friday(year: i32, month: Month) -> Option<Date> {
    let first = Date::from_calendar_date(year, month, 1).ok()?;
    let to_friday = (7 + i64::from(Weekday::Friday.number_days_from_monday())
        - i64::from(first.weekday().number_days_from_monday()))
        % 7;
    Some(first + Duration::days(to_friday + 14))
}

/// The third Fridays after `today`, in the months that pass the filter.
fn third_fridays(today: Date, count: usize, wanted: impl Fn(Month) -> bool) -> Vec<Date> {
    let mut found = Vec::new();
    let (mut year, mut month) = (today.year(), today.month());
    while found.len() < count && year < today.year() + 5 {
        if wanted(month) {
            found.extend(third_friday(year, month).filter(|&day| day > today));
        }
        month = month.next();
        if month == Month::January {
            year += 1;
        }
    }
    found
}

fn quarterly_expiries(today: Date, count: usize) -> Vec<Date> {
    third_fridays(today, count, |month| u8::from(month).is_multiple_of(3))
}

/// The next Friday and the next three monthly expiries.
fn option_expiries(today: Date) -> Vec<Date> {
    let mut days = third_fridays(today, 3, |_| true);
    let mut friday = today + Duration::days(2);
    while friday.weekday() != Weekday::Friday {
        friday += Duration::DAY;
    }
    days.push(friday);
    days.sort_unstable();
    days.dedup();
    days
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests {
    use std::collections::HashSet;

    use time::macros::date;

    use super::*;

    #[test]
    fn contract_ids_are_unique_and_expiries_lie_ahead_whatever_the_day() {
        for today in [
            date!(2026 - 11 - 22),
            date!(2026 - 12 - 18),
            date!(2027 - 02 - 28),
            date!(2031 - 06 - 19),
        ] {
            let all = built_in(today);
            let ids: HashSet<i32> = all.iter().map(|instrument| instrument.con_id).collect();
            assert_eq!(ids.len(), all.len());
            assert!(all.iter().all(|instrument| instrument.con_id > 0));
            assert!(
                all.iter()
                    .filter_map(|instrument| instrument.last_trade_date)
                    .all(|day| day > today)
            );
            assert!(
                all.iter()
                    .filter(|instrument| instrument.option.is_none())
                    .count()
                    >= 40
            );
        }
    }

    #[test]
    fn derivatives_have_their_usual_symbols() {
        let all = built_in(date!(2026 - 11 - 22));
        let future = all
            .iter()
            .find(|instrument| instrument.sec_type == SecType::Future)
            .unwrap();
        assert_eq!(future.local_symbol, "ESZ6");
        assert_eq!(future.last_trade_date, Some(date!(2026 - 12 - 18)));
        assert!(
            all.iter()
                .any(|instrument| instrument.local_symbol == "AAPL  261218C00270000")
        );
    }
}
