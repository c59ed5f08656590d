//! The layout of orders in the text protocol: placed, open and completed. Each lists much the
//! same fields in an order of its own.

use super::fields::{Fields, Layout};
use super::parts::{self, is_filled};
use crate::wire::proto;

impl Layout for proto::PlaceOrderRequest {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.int(&mut self.order_id)?;
        parts::asked(f, &mut self.contract)?;
        let is_combo = parts::is_combo(&self.contract);
        let contract = self.contract.get_or_insert_default();
        let order = self.order.get_or_insert_default();
        f.text(&mut contract.sec_id_type)?;
        f.text(&mut contract.sec_id)?;
        head(f, order)?;
        f.text(&mut order.order_ref)?;
        f.flag(&mut order.transmit)?;
        f.int(&mut order.parent_id)?;
        f.flag(&mut order.block_order)?;
        f.flag(&mut order.sweep_to_fill)?;
        f.int(&mut order.display_size)?;
        f.int(&mut order.trigger_method)?;
        f.flag(&mut order.outside_rth)?;
        f.flag(&mut order.hidden)?;
        if is_combo {
            parts::full_legs(f, contract)?;
            f.tags(&mut order.smart_combo_routing_params)?;
        }
        f.fixed("")?;
        f.double(&mut order.discretionary_amt)?;
        f.text(&mut order.good_after_time)?;
        f.text(&mut order.good_till_date)?;
        adviser(f, order)?;
        f.text(&mut order.model_code)?;
        short_sale(f, order)?;
        f.int(&mut order.oca_type)?;
        f.text(&mut order.rule80_a)?;
        f.text(&mut order.settling_firm)?;
        f.flag(&mut order.all_or_none)?;
        f.int(&mut order.min_qty)?;
        f.double(&mut order.percent_offset)?;
        // Electronic trading only, firm quotes only, NBBO price cap, auction strategy: gone.
        for gone in ["0", "0", "", "0"] {
            f.fixed(gone)?;
        }
        reference_prices(f, order)?;
        f.flag(&mut order.override_percentage_constraints)?;
        volatility(f, order)?;
        if is_filled(&order.delta_neutral_order_type) {
            hedge_account(f, order)?;
        }
        trailing(f, order)?;
        scale(f, order)?;
        f.text(&mut order.scale_table)?;
        f.text(&mut order.active_start_time)?;
        f.text(&mut order.active_stop_time)?;
        hedge(f, order)?;
        f.flag(&mut order.opt_out_smart_routing)?;
        clearing(f, order)?;
        parts::delta_neutral(f, contract)?;
        algorithm(f, order)?;
        f.text(&mut order.algo_id)?;
        f.flag(&mut order.what_if)?;
        f.options(&mut order.order_misc_options)?;
        f.flag(&mut order.solicited)?;
        randomize(f, order)?;
        benchmark(f, order)?;
        parts::conditions(f, order)?;
        f.text(&mut order.adjusted_order_type)?;
        f.double(&mut order.trigger_price)?;
        adjusted(f, order)?;
        f.text(&mut order.ext_operator)?;
        f.part(&mut order.soft_dollar_tier, |f, tier| {
            f.text(&mut tier.name)?;
            f.text(&mut tier.value)
        })?;
        f.double(&mut order.cash_qty)?;
        f.text(&mut order.mifid2_decision_maker)?;
        f.text(&mut order.mifid2_decision_algo)?;
        f.text(&mut order.mifid2_execution_trader)?;
        f.text(&mut order.mifid2_execution_algo)?;
        automatic(f, order)?;
        if f.version() >= 158 {
            f.int(&mut order.duration)?;
        }
        if f.version() >= 160 {
            f.int(&mut order.post_to_ats)?;
        }
        if f.version() >= 162 {
            f.flag(&mut order.auto_cancel_parent)?;
        }
        if f.version() >= 166 {
            f.text(&mut order.advanced_error_override)?;
        }
        if f.version() >= 169 {
            f.text(&mut order.manual_order_time)?;
        }
        if f.version() >= 170 {
            pegged(f, contract, order)?;
        }
        Ok(())
    }
}

impl Layout for proto::OpenOrder {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        f.int(&mut self.order_id)?;
        parts::told(f, &mut self.contract)?;
        let contract = self.contract.get_or_insert_default();
        let order = self.order.get_or_insert_default();
        let state = self.order_state.get_or_insert_default();
        head(f, order)?;
        f.text(&mut order.order_ref)?;
        f.int(&mut order.client_id)?;
        f.long(&mut order.perm_id)?;
        f.flag(&mut order.outside_rth)?;
        f.flag(&mut order.hidden)?;
        f.double(&mut order.discretionary_amt)?;
        f.text(&mut order.good_after_time)?;
        f.fixed("")?;
        adviser(f, order)?;
        settlement(f, order)?;
        f.fixed("0")?;
        reference_prices(f, order)?;
        f.int(&mut order.display_size)?;
        f.flag(&mut order.block_order)?;
        f.flag(&mut order.sweep_to_fill)?;
        f.flag(&mut order.all_or_none)?;
        f.int(&mut order.min_qty)?;
        f.int(&mut order.oca_type)?;
        for gone in ["0", "0", ""] {
            f.fixed(gone)?;
        }
        f.int(&mut order.parent_id)?;
        f.int(&mut order.trigger_method)?;
        volatility(f, order)?;
        if is_filled(&order.delta_neutral_order_type) {
            hedge_account(f, order)?;
        }
        trailing(f, order)?;
        // Basis points of an EFP, and their type.
        f.fixed("")?;
        f.fixed("")?;
        combo(f, contract, order)?;
        scale(f, order)?;
        hedge(f, order)?;
        f.flag(&mut order.opt_out_smart_routing)?;
        clearing(f, order)?;
        parts::delta_neutral(f, contract)?;
        algorithm(f, order)?;
        f.flag(&mut order.solicited)?;
        f.flag(&mut order.what_if)?;
        what_if(f, state)?;
        randomize(f, order)?;
        benchmark(f, order)?;
        parts::conditions(f, order)?;
        f.text(&mut order.adjusted_order_type)?;
        f.double(&mut order.trigger_price)?;
        f.double(&mut order.trail_stop_price)?;
        adjusted(f, order)?;
        f.part(&mut order.soft_dollar_tier, |f, tier| {
            f.text(&mut tier.name)?;
            f.text(&mut tier.value)?;
            f.text(&mut tier.display_name)
        })?;
        f.double(&mut order.cash_qty)?;
        automatic(f, order)?;
        if f.version() >= 159 {
            f.int(&mut order.duration)?;
        }
        if f.version() >= 160 {
            f.int(&mut order.post_to_ats)?;
        }
        if f.version() >= 162 {
            f.flag(&mut order.auto_cancel_parent)?;
        }
        if f.version() >= 170 {
            all_pegged(f, order)?;
        }
        Ok(())
    }
}

impl Layout for proto::CompletedOrder {
    fn layout<F: Fields>(&mut self, f: &mut F) -> Result<(), F::Error> {
        parts::told(f, &mut self.contract)?;
        let contract = self.contract.get_or_insert_default();
        let order = self.order.get_or_insert_default();
        let state = self.order_state.get_or_insert_default();
        head(f, order)?;
        f.text(&mut order.order_ref)?;
        f.long(&mut order.perm_id)?;
        f.flag(&mut order.outside_rth)?;
        f.flag(&mut order.hidden)?;
        f.double(&mut order.discretionary_amt)?;
        f.text(&mut order.good_after_time)?;
        adviser(f, order)?;
        settlement(f, order)?;
        reference_prices(f, order)?;
        f.int(&mut order.display_size)?;
        f.flag(&mut order.sweep_to_fill)?;
        f.flag(&mut order.all_or_none)?;
        f.int(&mut order.min_qty)?;
        f.int(&mut order.oca_type)?;
        f.int(&mut order.trigger_method)?;
        volatility(f, order)?;
        if is_filled(&order.delta_neutral_order_type) {
            f.int(&mut order.delta_neutral_con_id)?;
            hedge_sale(f, order)?;
        }
        trailing(f, order)?;
        combo(f, contract, order)?;
        scale(f, order)?;
        hedge(f, order)?;
        clearing(f, order)?;
        parts::delta_neutral(f, contract)?;
        algorithm(f, order)?;
        f.flag(&mut order.solicited)?;
        f.text(&mut state.status)?;
        randomize(f, order)?;
        benchmark(f, order)?;
        parts::conditions(f, order)?;
        f.double(&mut order.trail_stop_price)?;
        f.double(&mut order.lmt_price_offset)?;
        f.double(&mut order.cash_qty)?;
        f.flag(&mut order.dont_use_auto_price_for_hedge)?;
        f.flag(&mut order.is_oms_container)?;
        f.text(&mut order.auto_cancel_date)?;
        f.text(&mut order.filled_quantity)?;
        f.int(&mut order.ref_futures_con_id)?;
        f.flag(&mut order.auto_cancel_parent)?;
        f.text(&mut order.shareholder)?;
        f.flag(&mut order.imbalance_only)?;
        f.int(&mut order.route_marketable_to_bbo)?;
        f.long(&mut order.parent_perm_id)?;
        f.text(&mut state.completed_time)?;
        f.text(&mut state.completed_status)?;
        if f.version() >= 170 {
            all_pegged(f, order)?;
        }
        Ok(())
    }
}

fn head<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.text(&mut order.action)?;
    f.text(&mut order.total_quantity)?;
    f.text(&mut order.order_type)?;
    f.double(&mut order.lmt_price)?;
    f.double(&mut order.aux_price)?;
    f.text(&mut order.tif)?;
    f.text(&mut order.oca_group)?;
    f.text(&mut order.account)?;
    f.text(&mut order.open_close)?;
    f.int(&mut order.origin)
}

fn adviser<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.text(&mut order.fa_group)?;
    f.text(&mut order.fa_method)?;
    f.text(&mut order.fa_percentage)?;
    // The profile that advisers once had.
    if f.version() < 177 {
        f.fixed("")?;
    }
    Ok(())
}

fn short_sale<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.int(&mut order.short_sale_slot)?;
    f.text(&mut order.designated_location)?;
    f.int(&mut order.exempt_code)
}

fn settlement<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.text(&mut order.model_code)?;
    f.text(&mut order.good_till_date)?;
    f.text(&mut order.rule80_a)?;
    f.double(&mut order.percent_offset)?;
    f.text(&mut order.settling_firm)?;
    short_sale(f, order)
}

fn reference_prices<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.double(&mut order.starting_price)?;
    f.double(&mut order.stock_ref_price)?;
    f.double(&mut order.delta)?;
    f.double(&mut order.stock_range_lower)?;
    f.double(&mut order.stock_range_upper)
}

fn volatility<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.double(&mut order.volatility)?;
    f.int(&mut order.volatility_type)?;
    f.text(&mut order.delta_neutral_order_type)?;
    f.double(&mut order.delta_neutral_aux_price)
}

fn hedge_account<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.int(&mut order.delta_neutral_con_id)?;
    f.text(&mut order.delta_neutral_settling_firm)?;
    f.text(&mut order.delta_neutral_clearing_account)?;
    f.text(&mut order.delta_neutral_clearing_intent)?;
    f.text(&mut order.delta_neutral_open_close)?;
    hedge_sale(f, order)
}

fn hedge_sale<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.flag(&mut order.delta_neutral_short_sale)?;
    f.int(&mut order.delta_neutral_short_sale_slot)?;
    f.text(&mut order.delta_neutral_designated_location)
}

fn trailing<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.flag(&mut order.continuous_update)?;
    f.int(&mut order.reference_price_type)?;
    f.double(&mut order.trail_stop_price)?;
    f.double(&mut order.trailing_percent)
}

fn combo<F: Fields>(
    f: &mut F,
    contract: &mut proto::Contract,
    order: &mut proto::Order,
) -> Result<(), F::Error> {
    f.text(&mut contract.combo_legs_descrip)?;
    parts::full_legs(f, contract)?;
    f.tags(&mut order.smart_combo_routing_params)
}

fn scale<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.int(&mut order.scale_init_level_size)?;
    f.int(&mut order.scale_subs_level_size)?;
    f.double(&mut order.scale_price_increment)?;
    if order
        .scale_price_increment
        .is_some_and(|step| step > 0.0 && step.is_finite())
    {
        f.double(&mut order.scale_price_adjust_value)?;
        f.int(&mut order.scale_price_adjust_interval)?;
        f.double(&mut order.scale_profit_offset)?;
        f.flag(&mut order.scale_auto_reset)?;
        f.int(&mut order.scale_init_position)?;
        f.int(&mut order.scale_init_fill_qty)?;
        f.flag(&mut order.scale_random_percent)?;
    }
    Ok(())
}

fn hedge<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.text(&mut order.hedge_type)?;
    if is_filled(&order.hedge_type) {
        f.text(&mut order.hedge_param)?;
    }
    Ok(())
}

fn clearing<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.text(&mut order.clearing_account)?;
    f.text(&mut order.clearing_intent)?;
    f.flag(&mut order.not_held)
}

fn algorithm<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.text(&mut order.algo_strategy)?;
    if is_filled(&order.algo_strategy) {
        f.tags(&mut order.algo_params)?;
    }
    Ok(())
}

fn what_if<F: Fields>(f: &mut F, state: &mut proto::OrderState) -> Result<(), F::Error> {
    f.text(&mut state.status)?;
    f.double(&mut state.init_margin_before)?;
    f.double(&mut state.maint_margin_before)?;
    f.double(&mut state.equity_with_loan_before)?;
    f.double(&mut state.init_margin_change)?;
    f.double(&mut state.maint_margin_change)?;
    f.double(&mut state.equity_with_loan_change)?;
    f.double(&mut state.init_margin_after)?;
    f.double(&mut state.maint_margin_after)?;
    f.double(&mut state.equity_with_loan_after)?;
    f.double(&mut state.commission_and_fees)?;
    f.double(&mut state.min_commission_and_fees)?;
    f.double(&mut state.max_commission_and_fees)?;
    f.text(&mut state.commission_and_fees_currency)?;
    f.text(&mut state.warning_text)
}

fn randomize<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.flag(&mut order.randomize_size)?;
    f.flag(&mut order.randomize_price)
}

fn benchmark<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    if matches!(order.order_type.as_deref(), Some("PEG BENCH" | "PEGBENCH")) {
        f.int(&mut order.reference_contract_id)?;
        f.flag(&mut order.is_pegged_change_amount_decrease)?;
        f.double(&mut order.pegged_change_amount)?;
        f.double(&mut order.reference_change_amount)?;
        f.text(&mut order.reference_exchange_id)?;
    }
    Ok(())
}

fn adjusted<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.double(&mut order.lmt_price_offset)?;
    f.double(&mut order.adjusted_stop_price)?;
    f.double(&mut order.adjusted_stop_limit_price)?;
    f.double(&mut order.adjusted_trailing_amount)?;
    f.int(&mut order.adjustable_trailing_unit)
}

fn automatic<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.flag(&mut order.dont_use_auto_price_for_hedge)?;
    f.flag(&mut order.is_oms_container)?;
    f.flag(&mut order.discretionary_up_to_limit_price)?;
    f.int(&mut order.use_price_mgmt_algo)
}

/// What a pegged order asks for: only what its kind and exchange take.
fn pegged<F: Fields>(
    f: &mut F,
    contract: &proto::Contract,
    order: &mut proto::Order,
) -> Result<(), F::Error> {
    if contract.exchange.as_deref() == Some("IBKRATS") {
        f.int(&mut order.min_trade_qty)?;
    }
    let has_offsets = match order.order_type.as_deref() {
        Some("PEG BEST" | "PEGBEST") => {
            f.int(&mut order.min_compete_size)?;
            f.double(&mut order.compete_against_best_offset)?;
            order.compete_against_best_offset == Some(f64::INFINITY)
        }
        Some("PEG MID" | "PEGMID") => true,
        _ => false,
    };
    if has_offsets {
        f.double(&mut order.mid_offset_at_whole)?;
        f.double(&mut order.mid_offset_at_half)?;
    }
    Ok(())
}

fn all_pegged<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.int(&mut order.min_trade_qty)?;
    f.int(&mut order.min_compete_size)?;
    f.double(&mut order.compete_against_best_offset)?;
    f.double(&mut order.mid_offset_at_whole)?;
    f.double(&mut order.mid_offset_at_half)
}
