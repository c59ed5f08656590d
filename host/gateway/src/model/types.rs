//! What all families share: contracts and sides.

use rust_decimal::Decimal;
use time::OffsetDateTime;

/// What kind of instrument a contract is. TWS's code is in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecurityType {
    /// Stock or exchange-traded fund (`STK`).
    Stock,
    /// Option on a stock or an index (`OPT`).
    Option,
    /// Future (`FUT`).
    Future,
    /// Future rolled over continuously, for history only (`CONTFUT`).
    ContinuousFuture,
    /// Option on a future (`FOP`).
    FutureOption,
    /// Currency pair (`CASH`); the contract's symbol is the base currency.
    Forex,
    /// Index (`IND`); it cannot be traded.
    Index,
    /// Contract for difference (`CFD`).
    Cfd,
    /// Bond (`BOND`).
    Bond,
    /// Mutual fund (`FUND`).
    Fund,
    /// Warrant (`WAR`).
    Warrant,
    /// Commodity (`CMDTY`).
    Commodity,
    /// Cryptocurrency (`CRYPTO`).
    Crypto,
    /// Several legs traded as one (`BAG`); see [`Contract::combo_legs`].
    Combo,
    /// A type that this version does not name, by its TWS code.
    Other(String),
}

impl SecurityType {
    /// TWS's code, for example `STK`; empty where a `con_id` alone says which
    /// instrument it is.
    pub fn code(&self) -> &str {
        match self {
            Self::Stock => "STK",
            Self::Option => "OPT",
            Self::Future => "FUT",
            Self::ContinuousFuture => "CONTFUT",
            Self::FutureOption => "FOP",
            Self::Forex => "CASH",
            Self::Index => "IND",
            Self::Cfd => "CFD",
            Self::Bond => "BOND",
            Self::Fund => "FUND",
            Self::Warrant => "WAR",
            Self::Commodity => "CMDTY",
            Self::Crypto => "CRYPTO",
            Self::Combo => "BAG",
            Self::Other(code) => code,
        }
    }
}

/// Which way an option points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OptionRight {
    /// The right to buy.
    Call,
    /// The right to sell.
    Put,
}

/// A time in which a stream may have missed changes, because the connection was
/// broken or its data had stopped. What came after it is complete again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When it began.
    pub since: OffsetDateTime,
    /// When the data came back.
    pub until: OffsetDateTime,
}

/// Buying or selling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Buy.
    Buy,
    /// Sell what is held, or go short.
    Sell,
    /// Sell short, for institutions that must say so.
    SellShort,
}

/// One leg of a combo.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ComboLeg {
    /// The leg's contract.
    pub con_id: i32,
    /// How many of this leg make one of the combo.
    pub ratio: u32,
    /// The side of this leg when the combo is bought.
    pub action: Action,
    /// Where the leg is routed, for example `SMART`.
    pub exchange: String,
}

/// An instrument, fully or partly described. As a question it may leave out
/// what is not known; as an answer it carries what TWS knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contract {
    /// IBKR's unique number of the contract. Alone it is enough.
    pub con_id: Option<i32>,
    /// Ticker symbol of the instrument, or of the underlying for derivatives;
    /// the base currency for forex.
    pub symbol: String,
    /// What kind of instrument it is.
    pub security_type: SecurityType,
    /// Expiry of a derivative: a day (`2026-12-18`) or a month (`2026-12`).
    pub expiry: Option<String>,
    /// Strike price of an option.
    pub strike: Option<Decimal>,
    /// Call or put.
    pub right: Option<OptionRight>,
    /// How many units of the underlying one contract stands for.
    pub multiplier: Option<Decimal>,
    /// Where it is traded or routed, for example `SMART`, `IDEALPRO`, `CME`.
    pub exchange: Option<String>,
    /// The listing exchange, to tell apart what `SMART` cannot.
    pub primary_exchange: Option<String>,
    /// ISO 4217 code of the currency it is traded in.
    pub currency: Option<String>,
    /// The exchange's own symbol; the OCC symbol for US options.
    pub local_symbol: Option<String>,
    /// The trading class, for example `SPXW`.
    pub trading_class: Option<String>,
    /// Whether expired contracts count as matches (futures only).
    pub include_expired: bool,
    /// The legs of a combo; empty for everything else.
    pub combo_legs: Vec<ComboLeg>,
}

impl Contract {
    /// A contract of which only symbol and kind are known.
    pub fn new(symbol: impl Into<String>, security_type: SecurityType) -> Self {
        Self {
            con_id: None,
            symbol: symbol.into(),
            security_type,
            expiry: None,
            strike: None,
            right: None,
            multiplier: None,
            exchange: None,
            primary_exchange: None,
            currency: None,
            local_symbol: None,
            trading_class: None,
            include_expired: false,
            combo_legs: Vec::new(),
        }
    }

    /// A US stock or fund, routed by `SMART`, in US dollars.
    pub fn us_stock(symbol: impl Into<String>) -> Self {
        Self {
            exchange: Some("SMART".to_owned()),
            currency: Some("USD".to_owned()),
            ..Self::new(symbol, SecurityType::Stock)
        }
    }
}
