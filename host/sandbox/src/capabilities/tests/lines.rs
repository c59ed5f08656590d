//! The market-data lines of a tool.

use super::*;
use crate::bindings::sandpit::broker::market_data::{Host, HostQuoteStream};

fn quotes(setup: &Setup) -> usize {
    let connections = setup.simulator.connections();
    connections.iter().map(|one| one.subscriptions.len()).sum()
}

/// Waits until TWS has this many subscriptions.
async fn until(setup: &Setup, count: usize) {
    let patience = async {
        while quotes(setup) != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), patience)
        .await
        .unwrap();
}

#[tokio::test]
async fn lines_are_counted_over_all_calls_and_given_back() {
    let setup = Setup::new(&["DU1"]).await;
    let lines = Lines::new(2);
    let mut first = setup.tool_with(Scope::default(), lines.clone());
    let mut second = setup.tool_with(Scope::default(), lines.clone());
    let held = first.view().subscribe(stock("SPY")).await.unwrap();
    second.view().subscribe(stock("AAPL")).await.unwrap();
    let Error::Pacing(text) = refused(second.view().subscribe(stock("TLT"))).await else {
        panic!("the lines are used up")
    };
    assert!(text.contains("2 market-data lines"), "{text}");
    until(&setup, 2).await;

    // A stream that is closed gives its line back, here and in TWS.
    HostQuoteStream::drop(&mut first.view(), held)
        .await
        .unwrap();
    assert_eq!(lines.in_use(), 1);
    until(&setup, 1).await;
    first.view().subscribe(stock("TLT")).await.unwrap();

    // And so does a call that ends with its streams open.
    drop(second);
    assert_eq!(lines.in_use(), 1);
    drop(first);
    assert_eq!(lines.in_use(), 0);
    until(&setup, 0).await;
    setup.end().await;
}

#[tokio::test]
async fn a_refused_stream_costs_no_line() {
    let setup = Setup::new(&["DU1"]).await;
    let lines = Lines::new(1);
    let mut tool = setup.tool_with(symbols(&["SPY"]), lines.clone());
    forbidden(tool.view().subscribe(stock("AAPL"))).await;
    refused(tool.view().subscribe(stock("NOPE"))).await;
    assert_eq!(lines.in_use(), 0);
    tool.view().subscribe(stock("SPY")).await.unwrap();
    setup.end().await;
}

#[tokio::test]
async fn a_call_holds_a_bounded_number_of_streams() {
    let setup = Setup::new(&["DU1"]).await;
    let mut tool = setup.tool(Scope::default());
    tool.table.set_max_capacity(2);
    for _ in 0..2 {
        tool.view().subscribe(stock("SPY")).await.unwrap();
    }
    let Error::Pacing(text) = refused(tool.view().subscribe(stock("SPY"))).await else {
        panic!("the table is full")
    };
    assert!(text.contains("open streams"), "{text}");
    // What found no place is closed again.
    assert_eq!(tool.broker.lines.in_use(), 2);
    // The two that are open share one subscription of TWS.
    until(&setup, 1).await;
    setup.end().await;
}
