//! The layout of what TWS answers, in the text protocol; orders have a file of their own.

use super::fields::{Fields, Layout};
use super::{layouts, parts};
use crate::wire::proto;

layouts! {
    TickPrice { fixed "6", int req_id, int tick_type, double price, text size, int attr_mask }
    TickSize { fixed "6", int req_id, int tick_type, text size }
    TickString { fixed "6", int req_id, int tick_type, text value }
    TickGeneric { fixed "6", int req_id, int tick_type, double value }
    TickReqParams { int req_id, text min_tick, text bbo_exchange, int snapshot_permissions }
    TickSnapshotEnd { fixed "1", int req_id }
    MarketDataType { fixed "1", int req_id, int market_data_type }
    RealTimeBarTick {
        fixed "3", int req_id, long time, double open, double high, double low, double close,
        text volume, text wap, int count
    }
    AccountValue { fixed "2", text key, text value, text currency, text account_name }
    AccountUpdateTime { fixed "1", text time_stamp }
    AccountDataEnd { fixed "1", text account_name }
    NextValidId { fixed "1", int order_id }
    ManagedAccounts { fixed "1", text accounts_list }
    CurrentTime { fixed "1", long current_time }
    ContractDataEnd { fixed "1", int req_id }
    OpenOrdersEnd { fixed "1" }
    ExecutionDetailsEnd { fixed "1", int req_id }
    CommissionAndFeesReport {
        fixed "1", text exec_id, double commission_and_fees, text currency,
        double realized_pnl, double bond_yield, text yield_redemption_date
    }
    PositionEnd { fixed "1" }
    AccountSummary { fixed "1", int req_id, text account, text tag, text value, text currency }
    AccountSummaryEnd { fixed "1", int req_id }
    PositionMultiEnd { fixed "1", int req_id }
    AccountUpdateMulti {
        fixed "1", int req_id, text account, text model_code, text key, text value,
        text currency
    }
    AccountUpdateMultiEnd { fixed "1", int req_id }
    SecDefOptParameterEnd { int req_id }
    SoftDollarTiers { int req_id, fixed "0" }
    FamilyCodes { fixed "0" }
    MarketDepthExchanges { fixed "0" }
    SmartComponents { int req_id, fixed "0" }
    NewsProviders { fixed "0" }
    UserInfo { int req_id, text white_branding_id }
    HeadTimestamp { int req_id, text head_timestamp }
    PnL { int req_id, double daily_pnl, double unrealized_pnl, double realized_pnl }
    PnLSingle {
        int req_id, text position, double daily_pnl, double unrealized_pnl,
        double realized_pnl, double value
    }
    OrderStatus {
        int order_id, text status, text filled, text remaining, double avg_fill_price,
        long perm_id, int parent_id, double last_fill_price, int client_id, text why_held,
        double mkt_cap_price
    }
}

impl Layout for proto::ErrorMessage {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.fixed("2")?;
        f.int(&mut self.id)?;
        f.int(&mut self.error_code)?;
        f.text(&mut self.error_msg)?;
        if f.version() >= 166 {
            f.text(&mut self.advanced_order_reject_json)?;
        }
        Ok(())
    }
}

impl Layout for proto::TickOptionComputation {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.int(&mut self.req_id)?;
        f.int(&mut self.tick_type)?;
        f.int(&mut self.tick_attrib)?;
        // A volatility or price that was not computed is -1, a Greek -2.
        f.double_or(&mut self.implied_vol, -1.0)?;
        f.double_or(&mut self.delta, -2.0)?;
        f.double_or(&mut self.opt_price, -1.0)?;
        f.double_or(&mut self.pv_dividend, -1.0)?;
        f.double_or(&mut self.gamma, -2.0)?;
        f.double_or(&mut self.vega, -2.0)?;
        f.double_or(&mut self.theta, -2.0)?;
        f.double_or(&mut self.und_price, -1.0)
    }
}

impl Layout for proto::PortfolioValue {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.fixed("8")?;
        parts::held(f, &mut self.contract)?;
        f.text(&mut self.position)?;
        f.double(&mut self.market_price)?;
        f.double(&mut self.market_value)?;
        f.double(&mut self.average_cost)?;
        f.double(&mut self.unrealized_pnl)?;
        f.double(&mut self.realized_pnl)?;
        f.text(&mut self.account_name)
    }
}

impl Layout for proto::Position {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.fixed("3")?;
        f.text(&mut self.account)?;
        parts::told(f, &mut self.contract)?;
        f.text(&mut self.position)?;
        f.double(&mut self.avg_cost)
    }
}

impl Layout for proto::PositionMulti {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.fixed("1")?;
        f.int(&mut self.req_id)?;
        f.text(&mut self.account)?;
        parts::told(f, &mut self.contract)?;
        f.text(&mut self.position)?;
        f.double(&mut self.avg_cost)?;
        f.text(&mut self.model_code)
    }
}

impl Layout for proto::ContractData {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        // Version 164 brought fractional sizes, and took two old fields away.
        let has_old_fields = f.version() < 164;
        if has_old_fields {
            f.fixed("8")?;
        }
        f.int(&mut self.req_id)?;
        let contract = self.contract.get_or_insert_default();
        let details = self.contract_details.get_or_insert_default();
        f.text(&mut contract.symbol)?;
        f.text(&mut contract.sec_type)?;
        f.text(&mut contract.last_trade_date_or_contract_month)?;
        f.double(&mut contract.strike)?;
        f.text(&mut contract.right)?;
        f.text(&mut contract.exchange)?;
        f.text(&mut contract.currency)?;
        f.text(&mut contract.local_symbol)?;
        f.text(&mut details.market_name)?;
        f.text(&mut contract.trading_class)?;
        f.int(&mut contract.con_id)?;
        f.text(&mut details.min_tick)?;
        if has_old_fields {
            f.fixed("100")?;
        }
        f.double(&mut contract.multiplier)?;
        f.text(&mut details.order_types)?;
        f.text(&mut details.valid_exchanges)?;
        f.int(&mut details.price_magnifier)?;
        f.int(&mut details.under_con_id)?;
        f.text(&mut details.long_name)?;
        f.text(&mut contract.primary_exch)?;
        f.text(&mut details.contract_month)?;
        f.text(&mut details.industry)?;
        f.text(&mut details.category)?;
        f.text(&mut details.subcategory)?;
        f.text(&mut details.time_zone_id)?;
        f.text(&mut details.trading_hours)?;
        f.text(&mut details.liquid_hours)?;
        f.text(&mut details.ev_rule)?;
        f.double(&mut details.ev_multiplier)?;
        f.tags(&mut details.sec_id_list)?;
        f.int(&mut details.agg_group)?;
        f.text(&mut details.under_symbol)?;
        f.text(&mut details.under_sec_type)?;
        f.text(&mut details.market_rule_ids)?;
        f.text(&mut details.real_expiration_date)?;
        f.text(&mut details.stock_type)?;
        match f.version() {
            ..=162 => Ok(()),
            163 => f.text(&mut details.suggested_size_increment),
            _ => {
                f.text(&mut details.min_size)?;
                f.text(&mut details.size_increment)?;
                f.text(&mut details.suggested_size_increment)
            }
        }
    }
}

impl Layout for proto::ExecutionDetails {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.int(&mut self.req_id)?;
        let execution = self.execution.get_or_insert_default();
        f.int(&mut execution.order_id)?;
        parts::told(f, &mut self.contract)?;
        f.text(&mut execution.exec_id)?;
        f.text(&mut execution.time)?;
        f.text(&mut execution.acct_number)?;
        f.text(&mut execution.exchange)?;
        f.text(&mut execution.side)?;
        f.text(&mut execution.shares)?;
        f.double(&mut execution.price)?;
        f.long(&mut execution.perm_id)?;
        f.int(&mut execution.client_id)?;
        f.flag(&mut execution.is_liquidation)?;
        f.text(&mut execution.cum_qty)?;
        f.double(&mut execution.avg_price)?;
        f.text(&mut execution.order_ref)?;
        f.text(&mut execution.ev_rule)?;
        f.double(&mut execution.ev_multiplier)?;
        f.text(&mut execution.model_code)?;
        f.int(&mut execution.last_liquidity)?;
        if f.version() >= 178 {
            f.flag(&mut execution.is_price_revision_pending)?;
        }
        Ok(())
    }
}

/// Historical data as text has it: one message with the bounds first, where protobuf has two.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct BoundedHistory {
    pub(crate) end: proto::HistoricalDataEnd,
    pub(crate) bars: Vec<proto::HistoricalDataBar>,
}

impl Layout for BoundedHistory {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.int(&mut self.end.req_id)?;
        f.text(&mut self.end.start_date_str)?;
        f.text(&mut self.end.end_date_str)?;
        f.list(&mut self.bars, |f, bar| {
            f.text(&mut bar.date)?;
            f.double(&mut bar.open)?;
            f.double(&mut bar.high)?;
            f.double(&mut bar.low)?;
            f.double(&mut bar.close)?;
            f.text(&mut bar.volume)?;
            f.text(&mut bar.wap)?;
            f.int(&mut bar.bar_count)
        })
    }
}

impl Layout for proto::HistoricalDataUpdate {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.int(&mut self.req_id)?;
        f.part(&mut self.historical_data_bar, |f, bar| {
            f.int(&mut bar.bar_count)?;
            f.text(&mut bar.date)?;
            f.double(&mut bar.open)?;
            f.double(&mut bar.close)?;
            f.double(&mut bar.high)?;
            f.double(&mut bar.low)?;
            f.text(&mut bar.wap)?;
            f.text(&mut bar.volume)
        })
    }
}

impl Layout for proto::HistoricalSchedule {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.int(&mut self.req_id)?;
        f.text(&mut self.start_date_time)?;
        f.text(&mut self.end_date_time)?;
        f.text(&mut self.time_zone)?;
        f.list(&mut self.historical_sessions, |f, session| {
            f.text(&mut session.start_date_time)?;
            f.text(&mut session.end_date_time)?;
            f.text(&mut session.ref_date)
        })
    }
}

impl Layout for proto::SecDefOptParameter {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.int(&mut self.req_id)?;
        f.text(&mut self.exchange)?;
        f.int(&mut self.underlying_con_id)?;
        f.text(&mut self.trading_class)?;
        f.text(&mut self.multiplier)?;
        f.texts(&mut self.expirations)?;
        f.list(&mut self.strikes, |f, strike| {
            let mut value = Some(*strike);
            f.double(&mut value)?;
            *strike = value.unwrap_or_default();
            Ok(())
        })
    }
}

impl Layout for proto::SymbolSamples {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.int(&mut self.req_id)?;
        f.list(&mut self.contract_descriptions, |f, found| {
            let contract = found.contract.get_or_insert_default();
            f.int(&mut contract.con_id)?;
            f.text(&mut contract.symbol)?;
            f.text(&mut contract.sec_type)?;
            f.text(&mut contract.primary_exch)?;
            f.text(&mut contract.currency)?;
            f.texts(&mut found.derivative_sec_types)?;
            if f.version() >= 176 {
                f.text(&mut contract.description)?;
                f.text(&mut contract.issuer_id)?;
            }
            Ok(())
        })
    }
}

impl Layout for proto::MarketRule {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.int(&mut self.market_rule_id)?;
        f.list(&mut self.price_increments, |f, increment| {
            f.double(&mut increment.low_edge)?;
            f.double(&mut increment.increment)
        })
    }
}
