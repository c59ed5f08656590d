//! The rows of fields that the three layouts of an order share.

use super::fields::Fields;
use super::parts::{self, is_filled};
use crate::wire::proto;

pub(super) fn head<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
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

pub(super) fn adviser<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.text(&mut order.fa_group)?;
    f.text(&mut order.fa_method)?;
    f.text(&mut order.fa_percentage)?;
    // The profile that advisers once had.
    if f.version() < 177 {
        f.fixed("")?;
    }
    Ok(())
}

pub(super) fn short_sale<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.int(&mut order.short_sale_slot)?;
    f.text(&mut order.designated_location)?;
    f.int(&mut order.exempt_code)
}

pub(super) fn settlement<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.text(&mut order.model_code)?;
    f.text(&mut order.good_till_date)?;
    f.text(&mut order.rule80_a)?;
    f.double(&mut order.percent_offset)?;
    f.text(&mut order.settling_firm)?;
    short_sale(f, order)
}

pub(super) fn reference_prices<F: Fields>(
    f: &mut F,
    order: &mut proto::Order,
) -> Result<(), F::Error> {
    f.double(&mut order.starting_price)?;
    f.double(&mut order.stock_ref_price)?;
    f.double(&mut order.delta)?;
    f.double(&mut order.stock_range_lower)?;
    f.double(&mut order.stock_range_upper)
}

pub(super) fn volatility<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.double(&mut order.volatility)?;
    f.int(&mut order.volatility_type)?;
    f.text(&mut order.delta_neutral_order_type)?;
    f.double(&mut order.delta_neutral_aux_price)
}

pub(super) fn hedge_account<F: Fields>(
    f: &mut F,
    order: &mut proto::Order,
) -> Result<(), F::Error> {
    f.int(&mut order.delta_neutral_con_id)?;
    f.text(&mut order.delta_neutral_settling_firm)?;
    f.text(&mut order.delta_neutral_clearing_account)?;
    f.text(&mut order.delta_neutral_clearing_intent)?;
    f.text(&mut order.delta_neutral_open_close)?;
    hedge_sale(f, order)
}

pub(super) fn hedge_sale<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.flag(&mut order.delta_neutral_short_sale)?;
    f.int(&mut order.delta_neutral_short_sale_slot)?;
    f.text(&mut order.delta_neutral_designated_location)
}

pub(super) fn trailing<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.flag(&mut order.continuous_update)?;
    f.int(&mut order.reference_price_type)?;
    f.double(&mut order.trail_stop_price)?;
    f.double(&mut order.trailing_percent)
}

pub(super) fn combo<F: Fields>(
    f: &mut F,
    contract: &mut proto::Contract,
    order: &mut proto::Order,
) -> Result<(), F::Error> {
    f.text(&mut contract.combo_legs_descrip)?;
    parts::full_legs(f, contract)?;
    f.tags(&mut order.smart_combo_routing_params)
}

pub(super) fn scale<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
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

pub(super) fn hedge<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.text(&mut order.hedge_type)?;
    if is_filled(&order.hedge_type) {
        f.text(&mut order.hedge_param)?;
    }
    Ok(())
}

pub(super) fn clearing<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.text(&mut order.clearing_account)?;
    f.text(&mut order.clearing_intent)?;
    f.flag(&mut order.not_held)
}

pub(super) fn algorithm<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.text(&mut order.algo_strategy)?;
    if is_filled(&order.algo_strategy) {
        f.tags(&mut order.algo_params)?;
    }
    Ok(())
}

pub(super) fn what_if<F: Fields>(f: &mut F, state: &mut proto::OrderState) -> Result<(), F::Error> {
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

pub(super) fn randomize<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.flag(&mut order.randomize_size)?;
    f.flag(&mut order.randomize_price)
}

pub(super) fn benchmark<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    if matches!(order.order_type.as_deref(), Some("PEG BENCH" | "PEGBENCH")) {
        f.int(&mut order.reference_contract_id)?;
        f.flag(&mut order.is_pegged_change_amount_decrease)?;
        f.double(&mut order.pegged_change_amount)?;
        f.double(&mut order.reference_change_amount)?;
        f.text(&mut order.reference_exchange_id)?;
    }
    Ok(())
}

pub(super) fn adjusted<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.double(&mut order.lmt_price_offset)?;
    f.double(&mut order.adjusted_stop_price)?;
    f.double(&mut order.adjusted_stop_limit_price)?;
    f.double(&mut order.adjusted_trailing_amount)?;
    f.int(&mut order.adjustable_trailing_unit)
}

pub(super) fn automatic<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.flag(&mut order.dont_use_auto_price_for_hedge)?;
    f.flag(&mut order.is_oms_container)?;
    f.flag(&mut order.discretionary_up_to_limit_price)?;
    f.int(&mut order.use_price_mgmt_algo)
}

/// What a pegged order asks for: only what its kind and exchange take.
pub(super) fn pegged<F: Fields>(
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

pub(super) fn all_pegged<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.int(&mut order.min_trade_qty)?;
    f.int(&mut order.min_compete_size)?;
    f.double(&mut order.compete_against_best_offset)?;
    f.double(&mut order.mid_offset_at_whole)?;
    f.double(&mut order.mid_offset_at_half)
}
