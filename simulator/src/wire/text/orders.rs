//! The layout of orders in the text protocol: placed, open and completed. Each lists much the
//! same fields in an order of its own.

use super::fields::{Fields, Layout};
use super::parts::is_filled;
use super::{order_parts, parts};
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
        order_parts::head(f, order)?;
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
        order_parts::adviser(f, order)?;
        f.text(&mut order.model_code)?;
        order_parts::short_sale(f, order)?;
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
        order_parts::reference_prices(f, order)?;
        f.flag(&mut order.override_percentage_constraints)?;
        order_parts::volatility(f, order)?;
        if is_filled(&order.delta_neutral_order_type) {
            order_parts::hedge_account(f, order)?;
        }
        order_parts::trailing(f, order)?;
        order_parts::scale(f, order)?;
        f.text(&mut order.scale_table)?;
        f.text(&mut order.active_start_time)?;
        f.text(&mut order.active_stop_time)?;
        order_parts::hedge(f, order)?;
        f.flag(&mut order.opt_out_smart_routing)?;
        order_parts::clearing(f, order)?;
        parts::delta_neutral(f, contract)?;
        order_parts::algorithm(f, order)?;
        f.text(&mut order.algo_id)?;
        f.flag(&mut order.what_if)?;
        f.options(&mut order.order_misc_options)?;
        f.flag(&mut order.solicited)?;
        order_parts::randomize(f, order)?;
        order_parts::benchmark(f, order)?;
        parts::conditions(f, order)?;
        f.text(&mut order.adjusted_order_type)?;
        f.double(&mut order.trigger_price)?;
        order_parts::adjusted(f, order)?;
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
        order_parts::automatic(f, order)?;
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
            order_parts::pegged(f, contract, order)?;
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
        order_parts::head(f, order)?;
        f.text(&mut order.order_ref)?;
        f.int(&mut order.client_id)?;
        f.long(&mut order.perm_id)?;
        f.flag(&mut order.outside_rth)?;
        f.flag(&mut order.hidden)?;
        f.double(&mut order.discretionary_amt)?;
        f.text(&mut order.good_after_time)?;
        f.fixed("")?;
        order_parts::adviser(f, order)?;
        order_parts::settlement(f, order)?;
        f.fixed("0")?;
        order_parts::reference_prices(f, order)?;
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
        order_parts::volatility(f, order)?;
        if is_filled(&order.delta_neutral_order_type) {
            order_parts::hedge_account(f, order)?;
        }
        order_parts::trailing(f, order)?;
        // Basis points of an EFP, and their type.
        f.fixed("")?;
        f.fixed("")?;
        order_parts::combo(f, contract, order)?;
        order_parts::scale(f, order)?;
        order_parts::hedge(f, order)?;
        f.flag(&mut order.opt_out_smart_routing)?;
        order_parts::clearing(f, order)?;
        parts::delta_neutral(f, contract)?;
        order_parts::algorithm(f, order)?;
        f.flag(&mut order.solicited)?;
        f.flag(&mut order.what_if)?;
        order_parts::what_if(f, state)?;
        order_parts::randomize(f, order)?;
        order_parts::benchmark(f, order)?;
        parts::conditions(f, order)?;
        f.text(&mut order.adjusted_order_type)?;
        f.double(&mut order.trigger_price)?;
        f.double(&mut order.trail_stop_price)?;
        order_parts::adjusted(f, order)?;
        f.part(&mut order.soft_dollar_tier, |f, tier| {
            f.text(&mut tier.name)?;
            f.text(&mut tier.value)?;
            f.text(&mut tier.display_name)
        })?;
        f.double(&mut order.cash_qty)?;
        order_parts::automatic(f, order)?;
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
            order_parts::all_pegged(f, order)?;
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
        order_parts::head(f, order)?;
        f.text(&mut order.order_ref)?;
        f.long(&mut order.perm_id)?;
        f.flag(&mut order.outside_rth)?;
        f.flag(&mut order.hidden)?;
        f.double(&mut order.discretionary_amt)?;
        f.text(&mut order.good_after_time)?;
        order_parts::adviser(f, order)?;
        order_parts::settlement(f, order)?;
        order_parts::reference_prices(f, order)?;
        f.int(&mut order.display_size)?;
        f.flag(&mut order.sweep_to_fill)?;
        f.flag(&mut order.all_or_none)?;
        f.int(&mut order.min_qty)?;
        f.int(&mut order.oca_type)?;
        f.int(&mut order.trigger_method)?;
        order_parts::volatility(f, order)?;
        if is_filled(&order.delta_neutral_order_type) {
            f.int(&mut order.delta_neutral_con_id)?;
            order_parts::hedge_sale(f, order)?;
        }
        order_parts::trailing(f, order)?;
        order_parts::combo(f, contract, order)?;
        order_parts::scale(f, order)?;
        order_parts::hedge(f, order)?;
        order_parts::clearing(f, order)?;
        parts::delta_neutral(f, contract)?;
        order_parts::algorithm(f, order)?;
        f.flag(&mut order.solicited)?;
        f.text(&mut state.status)?;
        order_parts::randomize(f, order)?;
        order_parts::benchmark(f, order)?;
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
            order_parts::all_pegged(f, order)?;
        }
        Ok(())
    }
}
