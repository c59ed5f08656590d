//! Every message the simulator knows, with its id.

use bytes::BytesMut;
use prost::Message;

use super::proto;
use super::text::fields::{Fields, Layout};

/// A family of messages that goes one way.
pub(crate) trait WireMessage: Sized {
    /// The id on the wire, without the protobuf offset.
    fn id(&self) -> i32;
    /// The message's name.
    fn name(&self) -> &'static str;
    /// Appends the encoded message.
    fn encode(&self, target: &mut BytesMut);
    /// The message with this id; `None` when there is none.
    fn decode(id: i32, payload: &[u8]) -> Result<Option<Self>, prost::DecodeError>;
    /// The message with this id, without a value in it; `None` when there is none.
    fn blank(id: i32) -> Option<Self>;
    /// Whether the text protocol has this message.
    fn has_text(&self) -> bool;
    /// Visits the fields of the message's text form.
    fn layout<F: Fields>(&mut self, fields: &mut F) -> Result<(), F::Error>;
}

macro_rules! messages {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $id:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) enum $name {
            $($variant(Box<proto::$variant>),)*
        }

        impl WireMessage for $name {
            fn id(&self) -> i32 {
                match self {
                    $(Self::$variant(_) => $id,)*
                }
            }

            fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($variant),)*
                }
            }

            fn encode(&self, target: &mut BytesMut) {
                match self {
                    $(Self::$variant(message) => target.extend_from_slice(&message.encode_to_vec()),)*
                }
            }

            fn decode(id: i32, payload: &[u8]) -> Result<Option<Self>, prost::DecodeError> {
                Ok(Some(match id {
                    $($id => Self::$variant(Box::new(proto::$variant::decode(payload)?)),)*
                    _ => return Ok(None),
                }))
            }

            fn blank(id: i32) -> Option<Self> {
                match id {
                    $($id => Some(Self::$variant(Box::default())),)*
                    _ => None,
                }
            }

            fn has_text(&self) -> bool {
                match self {
                    $(Self::$variant(_) => <proto::$variant as Layout>::HAS_TEXT,)*
                }
            }

            fn layout<F: Fields>(&mut self, fields: &mut F) -> Result<(), F::Error> {
                match self {
                    $(Self::$variant(message) => message.layout(fields),)*
                }
            }
        }

        $(impl From<proto::$variant> for $name {
            fn from(message: proto::$variant) -> Self {
                Self::$variant(Box::new(message))
            }
        })*
    };
}

messages! {
    /// What a client asks.
    #[expect(clippy::enum_variant_names, reason = "the messages are named so")]
    Request {
        MarketDataRequest = 1,
        CancelMarketData = 2,
        PlaceOrderRequest = 3,
        CancelOrderRequest = 4,
        OpenOrdersRequest = 5,
        AccountDataRequest = 6,
        ExecutionRequest = 7,
        IdsRequest = 8,
        ContractDataRequest = 9,
        SetServerLogLevelRequest = 14,
        AutoOpenOrdersRequest = 15,
        AllOpenOrdersRequest = 16,
        ManagedAccountsRequest = 17,
        HistoricalDataRequest = 20,
        ExerciseOptionsRequest = 21,
        CancelHistoricalData = 25,
        CurrentTimeRequest = 49,
        RealTimeBarsRequest = 50,
        CancelRealTimeBars = 51,
        GlobalCancelRequest = 58,
        MarketDataTypeRequest = 59,
        PositionsRequest = 61,
        AccountSummaryRequest = 62,
        CancelAccountSummary = 63,
        CancelPositions = 64,
        StartApiRequest = 71,
        PositionsMultiRequest = 74,
        CancelPositionsMulti = 75,
        AccountUpdatesMultiRequest = 76,
        CancelAccountUpdatesMulti = 77,
        SecDefOptParamsRequest = 78,
        SoftDollarTiersRequest = 79,
        FamilyCodesRequest = 80,
        MatchingSymbolsRequest = 81,
        MarketDepthExchangesRequest = 82,
        SmartComponentsRequest = 83,
        NewsProvidersRequest = 85,
        HeadTimestampRequest = 87,
        CancelHeadTimestamp = 90,
        MarketRuleRequest = 91,
        PnLRequest = 92,
        CancelPnL = 93,
        PnLSingleRequest = 94,
        CancelPnLSingle = 95,
        CompletedOrdersRequest = 99,
        UserInfoRequest = 104,
        CurrentTimeInMillisRequest = 105,
        CancelContractData = 106,
    }
}

messages! {
    /// What the simulator answers.
    Reply {
        TickPrice = 1,
        TickSize = 2,
        OrderStatus = 3,
        ErrorMessage = 4,
        OpenOrder = 5,
        AccountValue = 6,
        PortfolioValue = 7,
        AccountUpdateTime = 8,
        NextValidId = 9,
        ContractData = 10,
        ExecutionDetails = 11,
        ManagedAccounts = 15,
        HistoricalData = 17,
        TickOptionComputation = 21,
        TickGeneric = 45,
        TickString = 46,
        CurrentTime = 49,
        RealTimeBarTick = 50,
        ContractDataEnd = 52,
        OpenOrdersEnd = 53,
        AccountDataEnd = 54,
        ExecutionDetailsEnd = 55,
        TickSnapshotEnd = 57,
        MarketDataType = 58,
        CommissionAndFeesReport = 59,
        Position = 61,
        PositionEnd = 62,
        AccountSummary = 63,
        AccountSummaryEnd = 64,
        PositionMulti = 71,
        PositionMultiEnd = 72,
        AccountUpdateMulti = 73,
        AccountUpdateMultiEnd = 74,
        SecDefOptParameter = 75,
        SecDefOptParameterEnd = 76,
        SoftDollarTiers = 77,
        FamilyCodes = 78,
        SymbolSamples = 79,
        MarketDepthExchanges = 80,
        TickReqParams = 81,
        SmartComponents = 82,
        NewsProviders = 85,
        HeadTimestamp = 88,
        HistoricalDataUpdate = 90,
        MarketRule = 93,
        PnL = 94,
        PnLSingle = 95,
        CompletedOrder = 101,
        CompletedOrdersEnd = 102,
        HistoricalSchedule = 106,
        UserInfo = 107,
        HistoricalDataEnd = 108,
        CurrentTimeInMillis = 109,
    }
}
