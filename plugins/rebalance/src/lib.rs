//! `ibkr_rebalance`: the prompt that guides through a rebalancing.

mod targets;

use sandpit_sdk::broker::account;
use sandpit_sdk::json::{AccountValue, Position};
use sandpit_sdk::prelude::*;
use sandpit_sdk::prompt::{self, Argument, Conversation, Prompt, Reply};
use sandpit_sdk::time::Timestamp;
use sandpit_sdk::{Role, Suggestions};
use serde::{Deserialize, Serialize};

/// The prompt.
pub struct Rebalance;

/// What a person fills in.
#[derive(Deserialize)]
pub struct Input {
    targets: String,
    account: Option<String>,
}

/// What is so when the conversation begins.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    as_of: Timestamp,
    account: String,
    summary: Vec<AccountValue>,
    positions: Vec<Position>,
}

impl Prompt for Rebalance {
    const NAME: &'static str = "ibkr_rebalance";
    const TITLE: &'static str = "Rebalance a portfolio";
    const DESCRIPTION: &'static str = "Brings an account to the weights that you name, step by \
        step: facts, plan, preview, your word, orders, proof.";
    type Input = Input;

    fn arguments() -> Vec<Argument> {
        vec![
            Argument::required(
                "targets",
                "Target weights",
                "Symbols with percent of the net liquidation value, such as VTI=60 TLT=40. What \
                 is left of 100 stays cash",
            ),
            Argument::optional(
                "account",
                "Account",
                "Which account; the only one if left out",
            )
            .suggesting(Suggestions::Accounts),
        ]
    }

    fn get(_context: &Context, input: Input) -> Result<Reply, Failure> {
        let targets = targets::parse(&input.targets)?;
        let account = prompt::account(input.account)?;
        let of_account = |owner: &str| owner == account;
        let summary = account::summary()?.into_iter();
        let positions = account::positions()?.into_iter();
        let facts = Facts {
            as_of: Timestamp::now(),
            summary: summary
                .filter(|value| of_account(&value.account))
                .map(AccountValue::from)
                .collect(),
            positions: positions
                .filter(|position| of_account(&position.account))
                .map(Position::from)
                .collect(),
            account: account.clone(),
        };
        let text = workflow(&account, &targets::shown(&targets), facts.as_of);
        Ok(Conversation::new()
            .about(format!(
                "Rebalancing {account} to {}",
                targets::shown(&targets)
            ))
            .user(text)
            .says(
                Role::User,
                prompt::facts("ibkr://prompts/rebalance/facts", &facts),
            )
            .into())
    }
}

fn workflow(account: &str, targets: &str, as_of: Timestamp) -> String {
    format!(
        "Rebalance account {account} to these weights of its net liquidation value: {targets}.\n\
         The message below has its summary and positions as of {as_of}. Every amount is in the \
         currency beside it; do not add amounts of different currencies.\n\
         \n\
         Go in this order:\n\
         1. Check. ibkr_get_status: is TWS connected, is it the paper or the live account, is \
         trading halted? ibkr_get_open_orders: an open order in one of the symbols changes the \
         plan. Stop and tell me if anything is in the way.\n\
         2. Price. For each symbol ibkr_get_contract_details, then ibkr_get_quote. \
         Use the middle of bid and ask. If a quote is missing, delayed or stale, say so and do not \
         guess a price.\n\
         3. Plan. Target shares = weight x net liquidation value / price, rounded down. Trade the \
         difference to what is held. Leave positions alone that have no weight, and ask me about \
         them. Show a table: symbol, held, target, action, quantity, price, amount, weight after; \
         and the cash that is left.\n\
         4. Preview. ibkr_preview_order for each order, sells first: margin, commission and the \
         risk gate's verdict rule by rule. A refusal is final: change the plan, never split an \
         order to get below a limit.\n\
         5. Ask. Show me the plan with the previews and wait for my yes. Without it, send \
         nothing.\n\
         6. Trade. ibkr_place_order for the sells, each with its previewToken and with an \
         idempotencyKey of its own. ibkr_get_order_status until they are filled, then the buys. \
         If the fate of an order is not known, look at ibkr_get_open_orders and \
         ibkr_get_executions before anything else: do not send it again.\n\
         7. Prove. ibkr_get_executions, ibkr_get_positions and ibkr_get_account_summary: show \
         fills, commissions, and weights before and after, and what differs from the plan."
    )
}

sandpit_sdk::export_prompt!(Rebalance);
