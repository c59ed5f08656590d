//! Accounts that are out of reach.

use sandpit_gateway::model::{Contract, OrderOptions};

use super::*;
use crate::bindings::sandpit::broker::account::{Host, HostAccountStream};
use crate::bindings::sandpit::broker::connection;
use crate::bindings::sandpit::broker::order_book::{self, ExecutionFilter};

const BOTH: [&str; 2] = ["DU1", "DU2"];

fn filter(account: Option<&str>) -> ExecutionFilter {
    ExecutionFilter {
        account: account.map(str::to_owned),
        symbol: None,
        side: None,
        after: None,
    }
}

#[tokio::test]
async fn lists_leave_out_what_is_out_of_reach() {
    let setup = Setup::new(&BOTH).await;
    let spy = setup.stock("SPY").await;
    for account in BOTH {
        let order = model::Order {
            account: Some(account.to_owned()),
            ..limit_order("10000")
        };
        setup
            .gateway
            .place(&caller(), &spy, &order, &OrderOptions::default())
            .await
            .unwrap();
        setup.resting(&spy, account).await;
        let gone = setup.resting(&spy, account).await;
        setup.gateway.cancel(&caller(), gone).await.unwrap();
    }
    for (scope, visible) in [
        (Scope::default(), &BOTH[..]),
        (accounts(&["DU2"]), &["DU2"][..]),
        (accounts(&["DU9"]), &[][..]),
    ] {
        let mut tool = setup.tool(scope);
        let mut view = tool.view();
        assert_eq!(view.accounts().await.unwrap(), visible);
        let status = connection::Host::get_status(&mut view).await.unwrap();
        assert_eq!(status.accounts, visible);
        let endpoint = connection::Endpoint {
            host: None,
            port: None,
            client_id: None,
        };
        let connected = connection::Host::connect(&mut view, endpoint)
            .await
            .unwrap();
        assert_eq!(connected.status.accounts, visible);

        let distinct = |accounts: Vec<String>| {
            let distinct: BTreeSet<_> = accounts.into_iter().collect();
            assert!(
                distinct.iter().eq(visible.iter()),
                "{distinct:?} {visible:?}"
            );
        };
        let summary = view.summary().await.unwrap();
        distinct(summary.into_iter().map(|one| one.account).collect());
        let positions = view.positions().await.unwrap();
        distinct(positions.into_iter().map(|one| one.account).collect());
        let orders = order_book::Host::open_orders(&mut view).await.unwrap();
        distinct(
            orders
                .into_iter()
                .filter_map(|one| one.order.account)
                .collect(),
        );
        let orders = order_book::Host::completed_orders(&mut view).await.unwrap();
        distinct(
            orders
                .into_iter()
                .filter_map(|one| one.order.account)
                .collect(),
        );
        let executions = order_book::Host::executions(&mut view, filter(None)).await;
        let executions = executions.unwrap();
        distinct(executions.into_iter().map(|one| one.account).collect());
    }
    setup.end().await;
}

#[tokio::test]
async fn an_account_out_of_reach_reads_as_one_that_does_not_exist() {
    let setup = Setup::new(&BOTH).await;
    let mut tool = setup.tool(accounts(&["DU2"]));
    let mut view = tool.view();
    let mut sentences = Vec::new();
    for account in ["DU1", "DU9"] {
        let named = || Some(account.to_owned());
        for text in [
            forbidden(view.pnl(named())).await,
            forbidden(view.pnl_single(named(), 265_598)).await,
            forbidden(view.subscribe(named())).await,
            forbidden(order_book::Host::executions(
                &mut view,
                filter(Some(account)),
            ))
            .await,
        ] {
            sentences.push(text.replace(account, "it"));
        }
    }
    // Of both accounts the same is said, whatever was asked.
    sentences.dedup();
    assert_eq!(sentences.len(), 1, "{sentences:?}");
    view.pnl(Some("DU2".to_owned())).await.unwrap();
    setup.end().await;
}

#[tokio::test]
async fn an_absent_account_means_the_only_one_in_reach() {
    let setup = Setup::new(&["DU1", "DU2", "DU3"]).await;
    let mut one = setup.tool(accounts(&["DU2"]));
    one.view().pnl(None).await.unwrap();
    let asked = setup.simulator.received();
    let asked = asked.iter().rfind(|of| of.name == "PnLRequest").unwrap();
    assert_eq!(asked.fields.get("account").map(String::as_str), Some("DU2"));

    let mut two = setup.tool(accounts(&["DU1", "DU2"]));
    for refused in [
        refused(two.view().pnl(None)).await,
        refused(two.view().subscribe(None)).await,
        refused(two.view().pnl_single(None, 265_598)).await,
    ] {
        let Error::InvalidRequest(text) = refused else {
            panic!("it is not clear which account is meant: {refused:?}")
        };
        assert!(text.contains("DU1, DU2") && !text.contains("DU3"), "{text}");
    }
    let mut none = setup.tool(accounts(&["DU9"]));
    forbidden(none.view().pnl(None)).await;
    // One that the policy names and the connection has not.
    let Error::InvalidRequest(text) = refused(none.view().pnl(Some("DU9".to_owned()))).await else {
        panic!("there is no such account")
    };
    assert!(!text.contains("DU1"), "{text}");
    setup.end().await;
}

#[tokio::test]
async fn account_updates_are_bound_by_accounts_and_instruments() {
    let setup = Setup::new(&BOTH).await;
    let scope = Scope {
        reach: Reach {
            accounts: set(&["DU1"]),
            symbols: set(&["AAPL"]),
            security_types: None,
        },
        ..Scope::default()
    };
    let mut tool = setup.tool(scope);
    let mut view = tool.view();
    let stream = view.subscribe(None).await.unwrap();
    let (mut values, mut portfolio) = (0, Vec::new());
    loop {
        let stream = wasmtime::component::Resource::new_borrow(stream.rep());
        let batch = view.next(stream, 5_000).await.unwrap().unwrap();
        assert!(batch.values.iter().all(|value| value.account == "DU1"));
        values += batch.values.len();
        portfolio.extend(batch.portfolio);
        if batch.complete {
            break;
        }
    }
    // The totals of the account are there as they are.
    assert!(values > 0);
    let held: Vec<_> = portfolio
        .iter()
        .map(|item| item.position.contract.symbol.as_str())
        .collect();
    assert_eq!(held, ["AAPL"]);

    // While this account is watched, another tool does not learn which it is.
    let mut other = setup.tool(accounts(&["DU2"]));
    let Error::Pacing(text) = refused(other.view().subscribe(None)).await else {
        panic!("TWS streams one account at a time")
    };
    assert!(!text.contains("DU1"), "{text}");
    setup.end().await;
}

#[tokio::test]
async fn orders_go_to_accounts_in_reach() {
    let setup = Setup::new(&["DU1", "DU2", "DU3"]).await;
    let spy: wit::Contract = given(setup.stock("SPY").await);
    // Sees two accounts and trades in one.
    let mut scope = accounts(&["DU1", "DU2"]);
    scope.trade.accounts = set(&["DU2", "DU3"]);
    let mut tool = setup.tool(scope);
    let order = |account: Option<&str>| {
        given(model::Order {
            account: account.map(str::to_owned),
            ..limit_order("1")
        })
    };
    use crate::bindings::sandpit::broker::trading::Host as Trading;
    for account in ["DU1", "DU3", "DU9"] {
        let mut view = tool.view();
        forbidden(Trading::place(
            &mut view,
            spy.clone(),
            order(Some(account)),
            plain(),
        ))
        .await;
        forbidden(Trading::what_if(
            &mut view,
            spy.clone(),
            order(Some(account)),
        ))
        .await;
    }
    assert_eq!(setup.received("PlaceOrderRequest"), 0);
    assert!(!tool.broker.orders_sent);
    // An absent account is filled in.
    let mut view = tool.view();
    let placed = Trading::place(&mut view, spy.clone(), order(None), plain()).await;
    let id = placed.unwrap().order_id;
    let known = setup.gateway.order(id).await.unwrap();
    assert_eq!(known.order.account.as_deref(), Some("DU2"));
    Trading::what_if(&mut view, spy.clone(), order(None))
        .await
        .unwrap();
    Trading::modify(&mut view, id, spy.clone(), order(None), plain())
        .await
        .unwrap();

    // What it may see it may not all trade; the rest it does not see.
    let contract: Contract = spy.convert().unwrap();
    let seen = setup.resting(&contract, "DU1").await;
    let hidden = setup.resting(&contract, "DU3").await;
    forbidden(Trading::cancel(&mut view, seen)).await;
    assert_eq!(
        absent(refused(Trading::cancel(&mut view, hidden)).await, hidden),
        absent(refused(Trading::cancel(&mut view, 4_711)).await, 4_711),
    );
    Trading::cancel(&mut view, id).await.unwrap();
    setup.end().await;
}

/// The sentence of an order that there is not, without its id.
fn absent(error: Error, order_id: i32) -> String {
    match error {
        Error::NotFound(text) => text.replace(&order_id.to_string(), "ID"),
        other => panic!("it should not be found: {other:?}"),
    }
}

#[tokio::test]
async fn without_a_connection_nothing_is_told_of_accounts() {
    let setup = Setup::new(&BOTH).await;
    setup.gateway.disconnect().await.unwrap();
    let mut tool = setup.tool(accounts(&["DU2"]));
    let mut view = tool.view();
    assert!(matches!(
        refused(view.pnl(None)).await,
        Error::NotConnected(_)
    ));
    forbidden(view.pnl(Some("DU1".to_owned()))).await;
    setup.end().await;
}
