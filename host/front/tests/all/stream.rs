//! Streaming tools as server-sent events, on a simulated TWS.

use serde_json::json;

use super::{connected, read_until, send, simulator, subscribed};

#[tokio::test]
async fn a_stream_lasts_until_its_reader_leaves() {
    let simulator = simulator().await;
    let server = connected(&simulator).await;
    let request = server.get("/api/v1/stream_market_data?symbol=SPY&secType=STK");
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    read_until(&mut response, "event: quote\n").await;
    drop(response);
    subscribed(&simulator, 0).await;
    server.end().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_stream_with_an_end_has_a_summary() {
    let simulator = simulator().await;
    let server = connected(&simulator).await;
    let path = "/api/v1/stream_market_data";
    let query = format!("{path}?symbol=SPY&duration_seconds=1");
    let by_get = send(server.get(&query)).await;
    assert_eq!(
        by_get.header("content-type"),
        "text/event-stream; charset=utf-8"
    );
    let (_, summary) = by_get.text.split_once("event: summary\ndata: ").unwrap();
    assert!(summary.ends_with("\nid: end\n\n"), "{summary}");

    let arguments = json!({"symbol": "SPY", "duration_seconds": 1});
    let posted = server.post(path, &arguments);
    let by_post = send(posted.header("accept", "text/event-stream")).await;
    assert!(
        by_post.text.contains("event: summary\n"),
        "{}",
        by_post.text
    );

    let answer = send(server.post(path, &arguments)).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(
        answer.json()["updates_count"].is_number(),
        "{}",
        answer.text
    );
    let answer = send(server.get(&query).header("accept", "application/json")).await;
    assert!(
        answer.json()["updates_count"].is_number(),
        "{}",
        answer.text
    );

    // A browser that connects again after the end is told that it is over.
    let again = send(server.get(&query).header("last-event-id", "end")).await;
    assert_eq!(again.status, 204);
    subscribed(&simulator, 0).await;
    server.end().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_stream_that_cannot_begin_is_a_problem() {
    let simulator = simulator().await;
    let server = connected(&simulator).await;
    let reply = send(server.get("/api/v1/stream_market_data?symbol=NOSUCH")).await;
    reply.problem(404, "not-found");
    let reply = send(server.get("/api/v1/stream_market_data?colour=red")).await;
    reply.problem(400, "invalid-arguments");
    server.end().await;
    simulator.shutdown().await;
}

#[tokio::test]
async fn streams_end_in_good_order_when_the_front_stops() {
    let simulator = simulator().await;
    let server = connected(&simulator).await;
    let request = server.get("/api/v1/stream_market_data?symbol=SPY");
    let mut response = request.send().await.unwrap();
    read_until(&mut response, "event: quote\n").await;
    server.stop.cancel();
    read_until(&mut response, "\nid: end\n").await;
    subscribed(&simulator, 0).await;
    server.end().await;
    simulator.shutdown().await;
}
