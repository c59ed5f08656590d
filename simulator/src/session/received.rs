//! The record of what clients asked, for tests to look at.

use std::collections::BTreeMap;

use serde::Serialize;
use time::OffsetDateTime;

use crate::wire::message::{Request, WireMessage};
use crate::wire::proto;

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Received {
    /// When it was read.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The connection it came on.
    pub connection: u64,
    /// The client's id; `None` before the session was started.
    pub client_id: Option<i32>,
    /// The message's name, such as `PlaceOrderRequest`.
    pub name: &'static str,
    /// The request's or the order's id.
    pub id: Option<i32>,
    /// Its most telling fields that were there, by TWS's names: `symbol`, `conId`, `action`,
    /// `totalQuantity`, `orderType`, `lmtPrice`, `transmit`, `account`, …
    pub fields: BTreeMap<&'static str, String>,
}

impl Received {
    /// The record of a request.
    pub(crate) fn new(connection: u64, client_id: Option<i32>, request: &Request) -> Self {
        let mut fields = Fields::default();
        let id = fields.read(request);
        Self {
            at: OffsetDateTime::now_utc(),
            connection,
            client_id,
            name: request.name(),
            id,
            fields: fields.0,
        }
    }

    /// The record of a request that is not offered here.
    pub(crate) fn unoffered(
        connection: u64,
        client_id: Option<i32>,
        name: &'static str,
        id: Option<i32>,
    ) -> Self {
        Self {
            at: OffsetDateTime::now_utc(),
            connection,
            client_id,
            name,
            id,
            fields: BTreeMap::new(),
        }
    }
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Fields {
    fn add<T: ToString>(&mut self, name: &'static str, value: &Option<T>) {
        if let Some(value) = value {
            self.0.insert(name, value.to_string());
        }
    }

    fn contract(&mut self, contract: Option<&proto::Contract>) {
        if let Some(contract) = contract {
            self.add("conId", &contract.con_id);
            self.add("symbol", &contract.symbol);
            self.add("secType", &contract.sec_type);
            self.add("exchange", &contract.exchange);
            self.add("currency", &contract.currency);
            self.add(
                "lastTradeDateOrContractMonth",
                &contract.last_trade_date_or_contract_month,
            );
            self.add("strike", &contract.strike);
            self.add("right", &contract.right);
        }
    }

    fn order(&mut self, order: Option<&proto::Order>) {
        if let Some(order) = order {
            self.add("action", &order.action);
            self.add("totalQuantity", &order.total_quantity);
            self.add("orderType", &order.order_type);
            self.add("lmtPrice", &order.lmt_price);
            self.add("auxPrice", &order.aux_price);
            self.add("tif", &order.tif);
            self.add("account", &order.account);
            self.add("parentId", &order.parent_id);
            self.add("ocaGroup", &order.oca_group);
            self.add("orderRef", &order.order_ref);
            self.add("whatIf", &order.what_if);
            // A false boolean is not sent.
            self.add("transmit", &Some(order.transmit.unwrap_or_default()));
        }
    }

    /// Takes the fields of a request and returns its id.
    fn read(&mut self, request: &Request) -> Option<i32> {
        match request {
            Request::MarketDataRequest(request) => {
                self.contract(request.contract.as_ref());
                self.add("snapshot", &request.snapshot);
                self.add("genericTickList", &request.generic_tick_list);
                request.req_id
            }
            Request::PlaceOrderRequest(request) => {
                self.contract(request.contract.as_ref());
                self.order(request.order.as_ref());
                request.order_id
            }
            Request::ExerciseOptionsRequest(request) => {
                self.contract(request.contract.as_ref());
                self.add("exerciseAction", &request.exercise_action);
                self.add("exerciseQuantity", &request.exercise_quantity);
                self.add("account", &request.account);
                request.order_id
            }
            Request::ContractDataRequest(request) => {
                self.contract(request.contract.as_ref());
                request.req_id
            }
            Request::HistoricalDataRequest(request) => {
                self.contract(request.contract.as_ref());
                self.add("endDateTime", &request.end_date_time);
                self.add("durationStr", &request.duration);
                self.add("barSizeSetting", &request.bar_size_setting);
                self.add("whatToShow", &request.what_to_show);
                self.add("useRTH", &request.use_rth);
                request.req_id
            }
            Request::RealTimeBarsRequest(request) => {
                self.contract(request.contract.as_ref());
                request.req_id
            }
            Request::HeadTimestampRequest(request) => {
                self.contract(request.contract.as_ref());
                request.req_id
            }
            Request::AccountDataRequest(request) => {
                self.add("account", &request.acct_code);
                self.add("subscribe", &Some(request.subscribe.unwrap_or_default()));
                None
            }
            Request::AccountSummaryRequest(request) => {
                self.add("group", &request.group);
                self.add("tags", &request.tags);
                request.req_id
            }
            Request::PnLRequest(request) => {
                self.add("account", &request.account);
                request.req_id
            }
            Request::PnLSingleRequest(request) => {
                self.add("account", &request.account);
                self.add("conId", &request.con_id);
                request.req_id
            }
            Request::PositionsMultiRequest(request) => {
                self.add("account", &request.account);
                request.req_id
            }
            Request::AccountUpdatesMultiRequest(request) => {
                self.add("account", &request.account);
                request.req_id
            }
            Request::MarketDataTypeRequest(request) => {
                self.add("marketDataType", &request.market_data_type);
                None
            }
            Request::StartApiRequest(request) => {
                self.add("clientId", &request.client_id);
                None
            }
            Request::MatchingSymbolsRequest(request) => {
                self.add("pattern", &request.pattern);
                request.req_id
            }
            Request::CancelOrderRequest(request) => request.order_id,
            Request::CancelMarketData(request) => request.req_id,
            Request::ExecutionRequest(request) => request.req_id,
            Request::CancelContractData(request) => request.req_id,
            Request::CancelHistoricalData(request) => request.req_id,
            Request::CancelRealTimeBars(request) => request.req_id,
            Request::CancelAccountSummary(request) => request.req_id,
            Request::CancelPositionsMulti(request) => request.req_id,
            Request::CancelAccountUpdatesMulti(request) => request.req_id,
            Request::SecDefOptParamsRequest(request) => request.req_id,
            Request::CancelHeadTimestamp(request) => request.req_id,
            Request::CancelPnL(request) => request.req_id,
            Request::CancelPnLSingle(request) => request.req_id,
            Request::SoftDollarTiersRequest(request) => request.req_id,
            Request::SmartComponentsRequest(request) => request.req_id,
            Request::UserInfoRequest(request) => request.req_id,
            Request::OpenOrdersRequest(_)
            | Request::IdsRequest(_)
            | Request::SetServerLogLevelRequest(_)
            | Request::AutoOpenOrdersRequest(_)
            | Request::AllOpenOrdersRequest(_)
            | Request::ManagedAccountsRequest(_)
            | Request::CurrentTimeRequest(_)
            | Request::GlobalCancelRequest(_)
            | Request::PositionsRequest(_)
            | Request::CancelPositions(_)
            | Request::MarketRuleRequest(_)
            | Request::FamilyCodesRequest(_)
            | Request::MarketDepthExchangesRequest(_)
            | Request::NewsProvidersRequest(_)
            | Request::CompletedOrdersRequest(_)
            | Request::CurrentTimeInMillisRequest(_) => None,
        }
    }
}
