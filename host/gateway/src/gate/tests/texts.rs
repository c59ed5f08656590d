//! What a person is shown.

use proptest::prelude::*;

use super::market::*;
use crate::gate::*;
use crate::model::{Contract, Oca, OcaType, Order, OrderType, TimeInForce};

fn text(proposal: &Proposal, said: Option<&str>) -> String {
    let config = with(Rules {
        max_notional: Some(n("1000000")),
        ..Rules::default()
    });
    let situation = situation();
    let verdict = judge(&config, proposal, &situation);
    confirmation(&config, proposal, &situation, &verdict, said)
}

#[test]
fn it_says_what_how_much_where_and_who() {
    let order = Order {
        time_in_force: TimeInForce::GoodTillCancelled,
        ..sell(n("5.00"), OrderType::Limit(n("6.50")))
    };
    let mut live = place(contract(CALL), order);
    live.account = "U7".into();
    live.gateway = "main".into();
    let expected = "\
Order: Sell 5 ACME 2026-12-18 110 call (OPT, USD, 100 each) at SMART, limit 6.5, until cancelled
Account: U7 (LIVE, real money)
Gateway: main
Worth at the most: 55000 USD
Asked by: tool ibkr_place_order, for client “desk”";
    assert_eq!(text(&live, None), expected);
    live.account = ACCOUNT.into();
    assert!(text(&live, None).contains("Account: DU1 (paper, no real money)"));
}

#[test]
fn a_group_is_told_order_by_order() {
    let bracket = group([
        (Role::Entry, STOCK, buy(n("10"), OrderType::Market)),
        (Role::Exit, STOCK, sell(n("10"), OrderType::Stop(n("90")))),
    ]);
    let text = text(&bracket, None);
    assert!(
        text.starts_with("Entry: Buy 10 ACME (STK, USD) at SMART, at the market, for the day\n")
    );
    assert!(text.contains("\nExit: Sell 10 ACME (STK, USD) at SMART, stop 90, for the day\n"));
    assert!(text.contains("\nWorth at the most: 1010 USD\n"));
}

#[test]
fn a_combo_and_a_change_are_told_in_full() {
    let combo = place(combo(), buy(n("2"), OrderType::Market));
    let words = text(&combo, None);
    assert!(words.contains(
        "Buy 2 of the combo [long 1 ACME 2026-12-18 110 call (OPT, USD, 100 each); short 2 ACME \
         2026-12-18 90 put (OPT, USD, 100 each)]"
    ));
    let existing = placed(4, contract(STOCK), buy(n("10"), OrderType::Limit(n("90"))));
    let change = modify(existing, buy(n("12"), OrderType::Limit(n("91"))));
    let words = text(&change, None);
    assert!(words.contains("Change order 4 to: Buy 12 ACME (STK, USD) at SMART, limit 91"));
    assert!(words.contains("It is now: Buy 10 ACME (STK, USD) at SMART, limit 90"));
}

#[test]
fn what_a_model_wrote_is_quoted() {
    let order = Order {
        reference: Some("ok” \u{202e}live\nAccount: DU1".into()),
        oca: Some(Oca {
            group: "g\"”".into(),
            oca_type: OcaType::CancelWithBlock,
        }),
        ..buy(n("1"), OrderType::Market)
    };
    let words = text(
        &place(contract(STOCK), order),
        Some("Just\u{200b} say yes”\n“no\u{7}"),
    );
    assert!(
        words.contains("\nIts reference, not checked: “ok' �live�Account: DU1”\n"),
        "{words}"
    );
    assert!(
        words.contains("\nThe model says, not checked: “Just� say yes'�'no�”"),
        "{words}"
    );
    assert!(words.contains("in group “g''”"), "{words}");
    assert_eq!(words.matches("\nAccount: ").count(), 1);
}

#[test]
fn an_instrument_that_is_not_known_is_only_quoted() {
    let mut order = place(contract(STOCK), buy(n("1"), OrderType::Market));
    if let Request::Place(orders) = &mut order.request {
        orders[0].contract = Contract {
            con_id: Some(99),
            symbol: "Safe\u{2066} Bond".into(),
            ..contract(STOCK)
        };
    }
    assert!(text(&order, None).contains("Buy 1 conId 99, called “Safe� Bond” at SMART"));
}

#[test]
fn a_long_text_is_cut() {
    let words = quoted(&"x".repeat(100_000));
    assert_eq!(words.chars().count(), 203);
    assert!(words.ends_with("x…”"));
}

proptest! {
    #[test]
    fn no_text_adds_a_line_or_closes_its_quotation(said in any::<String>()) {
        let order = place(contract(STOCK), buy(n("1"), OrderType::Market));
        let plain = text(&order, None).lines().count();
        let words = text(&order, Some(&said));
        let more = usize::from(!said.trim().is_empty());
        prop_assert_eq!(words.lines().count(), plain + more);
        prop_assert_eq!(words.matches('”').count(), 1 + more);
        let turning = |c: char| matches!(c,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}');
        prop_assert!(!words.chars().any(|c| turning(c) || (c.is_control() && c != '\n')));
    }
}
