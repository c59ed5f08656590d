//! Requests that TWS knows and this one does not offer, with the error it answers them with.

/// One such request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unoffered {
    id: i32,
    /// The message's name.
    pub(crate) name: &'static str,
    /// Which text field after the message's id is the request's id, counted from 1.
    pub(crate) place: Option<usize>,
    /// The error's code and text; none for the cancel of something that never began.
    pub(crate) error: Option<(i32, &'static str)>,
}

const fn refused(
    id: i32,
    name: &'static str,
    place: usize,
    code: i32,
    text: &'static str,
) -> Unoffered {
    Unoffered {
        id,
        name,
        place: Some(place),
        error: Some((code, text)),
    }
}

const fn ignored(id: i32, name: &'static str) -> Unoffered {
    Unoffered {
        id,
        name,
        place: None,
        error: None,
    }
}

const NO_DEPTH: &str =
    "Deep market data is not supported for this combination of security type/exchange";
const NO_SCANNER: &str =
    "Historical Market Data Service error message:API scanner subscriptions are not available";
const NO_FUNDAMENTALS: &str = "The fundamentals data for the security specified is not available.";
const NO_CALCULATION: &str =
    "Error validating request.-'bW' : cause - Option calculations are not available";
const NO_ADVISER: &str = "FA data operations ignored for non FA customers.";
const NO_GROUPS: &str = "Error validating request.-'bW' : cause - There are no display groups";
const NO_NEWS: &str = "News feed is not allowed.";
const NO_TICKS: &str = "Failed to request tick-by-tick data:tick-by-tick data is not available";
const NO_WSH: &str = "Failed request WSH metadata.";

static ALL: &[Unoffered] = &[
    refused(10, "MarketDepthRequest", 2, 10092, NO_DEPTH),
    ignored(11, "CancelMarketDepth"),
    ignored(12, "NewsBulletinsRequest"),
    ignored(13, "CancelNewsBulletins"),
    Unoffered {
        id: 18,
        name: "FARequest",
        place: None,
        error: Some((321, NO_ADVISER)),
    },
    refused(19, "FAReplace", 4, 321, NO_ADVISER),
    refused(22, "ScannerSubscriptionRequest", 1, 162, NO_SCANNER),
    ignored(23, "CancelScannerSubscription"),
    Unoffered {
        id: 24,
        name: "ScannerParametersRequest",
        place: None,
        error: Some((162, NO_SCANNER)),
    },
    refused(52, "FundamentalsDataRequest", 2, 430, NO_FUNDAMENTALS),
    ignored(53, "CancelFundamentalsData"),
    refused(
        54,
        "CalculateImpliedVolatilityRequest",
        2,
        321,
        NO_CALCULATION,
    ),
    refused(55, "CalculateOptionPriceRequest", 2, 321, NO_CALCULATION),
    ignored(56, "CancelCalculateImpliedVolatility"),
    ignored(57, "CancelCalculateOptionPrice"),
    refused(67, "QueryDisplayGroupsRequest", 2, 321, NO_GROUPS),
    refused(68, "SubscribeToGroupEventsRequest", 2, 321, NO_GROUPS),
    refused(69, "UpdateDisplayGroupRequest", 2, 321, NO_GROUPS),
    ignored(70, "UnsubscribeFromGroupEventsRequest"),
    refused(84, "NewsArticleRequest", 1, 10276, NO_NEWS),
    refused(86, "HistoricalNewsRequest", 1, 10276, NO_NEWS),
    refused(
        88,
        "HistogramDataRequest",
        1,
        162,
        "Historical Market Data Service error message:Histogram data is not available",
    ),
    ignored(89, "CancelHistogramData"),
    refused(
        96,
        "HistoricalTicksRequest",
        1,
        10187,
        "Failed to request historical ticks:historical ticks are not available",
    ),
    refused(97, "TickByTickRequest", 1, 10189, NO_TICKS),
    ignored(98, "CancelTickByTick"),
    refused(100, "WshMetaDataRequest", 1, 10279, NO_WSH),
    ignored(101, "CancelWshMetaData"),
    refused(102, "WshEventDataRequest", 1, 10279, NO_WSH),
    ignored(103, "CancelWshEventData"),
];

/// The request with this id.
pub(crate) fn find(id: i32) -> Option<&'static Unoffered> {
    ALL.iter().find(|request| request.id == id)
}
