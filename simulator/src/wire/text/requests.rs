//! The layout of what a client asks, in the text protocol.

use super::fields::{Fields, Layout};
use super::{layouts, parts};
use crate::wire::proto;

layouts! {
    CancelMarketData { fixed "2", int req_id }
    OpenOrdersRequest { fixed "1" }
    AccountDataRequest { fixed "2", flag subscribe, text acct_code }
    IdsRequest { fixed "1", int num_ids }
    SetServerLogLevelRequest { fixed "1", int log_level }
    AutoOpenOrdersRequest { fixed "1", flag auto_bind }
    AllOpenOrdersRequest { fixed "1" }
    ManagedAccountsRequest { fixed "1" }
    CancelHistoricalData { fixed "1", int req_id }
    CurrentTimeRequest { fixed "1" }
    CancelRealTimeBars { fixed "1", int req_id }
    GlobalCancelRequest { fixed "1" }
    MarketDataTypeRequest { fixed "1", int market_data_type }
    PositionsRequest { fixed "1" }
    AccountSummaryRequest { fixed "1", int req_id, text group, text tags }
    CancelAccountSummary { fixed "1", int req_id }
    CancelPositions { fixed "1" }
    StartApiRequest { fixed "2", int client_id, text optional_capabilities }
    PositionsMultiRequest { fixed "1", int req_id, text account, text model_code }
    CancelPositionsMulti { fixed "1", int req_id }
    AccountUpdatesMultiRequest {
        fixed "1", int req_id, text account, text model_code, flag ledger_and_nlv
    }
    CancelAccountUpdatesMulti { fixed "1", int req_id }
    SecDefOptParamsRequest {
        int req_id, text underlying_symbol, text fut_fop_exchange, text underlying_sec_type,
        int underlying_con_id
    }
    SoftDollarTiersRequest { int req_id }
    SmartComponentsRequest { int req_id, text bbo_exchange }
    UserInfoRequest { int req_id }
    MatchingSymbolsRequest { int req_id, text pattern }
    CancelHeadTimestamp { int req_id }
    MarketRuleRequest { int market_rule_id }
    PnLRequest { int req_id, text account, text model_code }
    CancelPnL { int req_id }
    PnLSingleRequest { int req_id, text account, text model_code, int con_id }
    CancelPnLSingle { int req_id }
    CompletedOrdersRequest { flag api_only }
}

impl Layout for proto::MarketDataRequest {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.fixed("11")?;
        f.int(&mut self.req_id)?;
        parts::asked(f, &mut self.contract)?;
        parts::short_legs(f, &mut self.contract)?;
        f.part(&mut self.contract, parts::delta_neutral)?;
        f.text(&mut self.generic_tick_list)?;
        f.flag(&mut self.snapshot)?;
        f.flag(&mut self.regulatory_snapshot)?;
        f.options(&mut self.market_data_options)
    }
}

impl Layout for proto::CancelOrderRequest {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.fixed("1")?;
        f.int(&mut self.order_id)?;
        if f.version() >= 169 {
            f.part(&mut self.order_cancel, |f, cancel| {
                f.text(&mut cancel.manual_order_cancel_time)
            })?;
        }
        Ok(())
    }
}

impl Layout for proto::ExerciseOptionsRequest {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.fixed("2")?;
        f.int(&mut self.order_id)?;
        parts::told(f, &mut self.contract)?;
        f.int(&mut self.exercise_action)?;
        f.int(&mut self.exercise_quantity)?;
        f.text(&mut self.account)?;
        f.flag(&mut self.r#override)
    }
}

impl Layout for proto::ExecutionRequest {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.fixed("3")?;
        f.int(&mut self.req_id)?;
        f.part(&mut self.execution_filter, |f, filter| {
            f.int(&mut filter.client_id)?;
            f.text(&mut filter.acct_code)?;
            f.text(&mut filter.time)?;
            f.text(&mut filter.symbol)?;
            f.text(&mut filter.sec_type)?;
            f.text(&mut filter.exchange)?;
            f.text(&mut filter.side)
        })
    }
}

impl Layout for proto::ContractDataRequest {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.fixed("8")?;
        f.int(&mut self.req_id)?;
        parts::asked(f, &mut self.contract)?;
        parts::include_expired(f, &mut self.contract)?;
        f.part(&mut self.contract, |f, contract| {
            f.text(&mut contract.sec_id_type)?;
            f.text(&mut contract.sec_id)?;
            if f.version() >= 176 {
                f.text(&mut contract.issuer_id)?;
            }
            Ok(())
        })
    }
}

impl Layout for proto::HistoricalDataRequest {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.int(&mut self.req_id)?;
        parts::asked(f, &mut self.contract)?;
        parts::include_expired(f, &mut self.contract)?;
        f.text(&mut self.end_date_time)?;
        f.text(&mut self.bar_size_setting)?;
        f.text(&mut self.duration)?;
        f.flag(&mut self.use_rth)?;
        f.text(&mut self.what_to_show)?;
        f.int(&mut self.format_date)?;
        parts::short_legs(f, &mut self.contract)?;
        f.flag(&mut self.keep_up_to_date)?;
        f.options(&mut self.chart_options)
    }
}

impl Layout for proto::RealTimeBarsRequest {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.fixed("3")?;
        f.int(&mut self.req_id)?;
        parts::asked(f, &mut self.contract)?;
        f.int(&mut self.bar_size)?;
        f.text(&mut self.what_to_show)?;
        f.flag(&mut self.use_rth)?;
        f.options(&mut self.real_time_bars_options)
    }
}

impl Layout for proto::HeadTimestampRequest {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.int(&mut self.req_id)?;
        parts::asked(f, &mut self.contract)?;
        parts::include_expired(f, &mut self.contract)?;
        f.flag(&mut self.use_rth)?;
        f.text(&mut self.what_to_show)?;
        f.int(&mut self.format_date)
    }
}
