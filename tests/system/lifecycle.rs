//! Starting, stopping, dying and starting again.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpStream;

use crate::support::host::{command, plugins};
use crate::support::{Host, eventually, simulator};

#[tokio::test]
async fn connect_and_disconnect_open_and_close_the_one_socket() {
    let simulator = simulator().await;
    let host = Host::idle(&simulator).await;
    assert_eq!(simulator.connections().len(), 0);
    let answer = host.post("connect", json!({})).await.ok();
    assert_eq!(answer["status"], "connected");
    assert_eq!(answer["port"], simulator.address().port());
    assert_eq!(simulator.connections().len(), 1);
    eventually("the log says so", async || {
        host.log()
            .contains(&format!("Connected to TWS at {}", simulator.address()))
    })
    .await;
    let status = host.get("get_status").await.ok();
    assert_eq!(status["connected"], true);
    host.post("disconnect", json!({})).await.ok();
    eventually("TWS sees it", async || simulator.connections().is_empty()).await;
    assert_eq!(host.get("get_status").await.ok()["connected"], false);
}

#[tokio::test]
async fn stopping_closes_subscriptions_and_the_socket() {
    let simulator = simulator().await;
    let mut host = Host::connected(&simulator).await;
    let mut events = host.events("stream_market_data?symbol=SPY").await;
    events.next_named("quote").await.expect("a quote");
    let status = host.stop().await;
    assert!(status.success(), "{status:?}\n{}", host.log());
    eventually("TWS sees the disconnect", async || {
        simulator.connections().is_empty()
    })
    .await;
    // It said goodbye to its subscription before it left.
    let received = simulator.received();
    assert!(
        received
            .iter()
            .any(|request| request.name == "CancelMarketData"),
        "{received:?}"
    );
}

#[tokio::test]
async fn a_host_that_is_killed_starts_again() {
    let simulator = simulator().await;
    for _ in 0..3 {
        let mut host = Host::connected(&simulator).await;
        let mut events = host.events("stream_account_updates").await;
        events.next_named("account").await.expect("an update");
        let order = json!({"symbol": "AAPL", "action": "BUY", "quantity": 1, "orderType": "LMT", "limitPrice": 1});
        host.post("place_order", order).await.ok();
        host.kill().await;
        // The same client id is free again, and TWS holds no dead connection.
        eventually("TWS lets go", async || simulator.connections().is_empty()).await;
    }
    let host = Host::connected(&simulator).await;
    // The orders outlived the host, as they do at a broker.
    let orders = host.get("get_open_orders").await.ok();
    assert_eq!(
        orders["orders"].as_array().map(Vec::len),
        Some(3),
        "{orders}"
    );
    assert_eq!(simulator.books().check(), Ok(()));
}

#[tokio::test]
async fn health_and_readiness_are_told_apart() {
    let simulator = simulator().await;
    let host = Host::idle(&simulator).await;
    let root = format!("http://{}", host.address());
    let health = reqwest::get(format!("{root}/healthz")).await.unwrap();
    assert_eq!(health.status(), 200);
    let ready = reqwest::get(format!("{root}/readyz")).await.unwrap();
    assert_eq!(ready.status(), 200);
    let ready: serde_json::Value = ready.json().await.unwrap();
    assert_eq!(ready["tools"], 23, "{ready}");
    assert_eq!(ready["tws"]["connected"], false, "{ready}");

    let asks = |url: String| async move {
        command()
            .args(["health", "--url", &url])
            .output()
            .await
            .unwrap()
            .status
            .success()
    };
    assert!(asks(format!("{root}/healthz")).await);
    assert!(!asks("http://127.0.0.1:1/healthz".to_owned()).await);
}

#[tokio::test]
async fn an_empty_folder_is_not_ready() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut command = command();
    command
        .args(["serve", "--port", "0", "--tools"])
        .arg(folder.path());
    let host = Host::start(command).await;
    let ready = reqwest::get(format!("http://{}/readyz", host.address()))
        .await
        .unwrap();
    assert_eq!(ready.status(), 503);
}

#[tokio::test]
async fn a_component_that_does_not_load_leaves_the_others_serving() {
    let folder = tempfile::TempDir::new().unwrap();
    for name in ["ibkr_get_status.wasm", "ibkr_connect.wasm"] {
        std::fs::copy(plugins().join(name), folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("broken.wasm"), b"not a component").unwrap();
    let mut command = command();
    command
        .args(["serve", "--port", "0", "--tools"])
        .arg(folder.path());
    let host = Host::start(command).await;
    host.get("get_status").await.ok();
    let log = host.log();
    assert!(log.contains("broken.wasm"), "{log}");
    // The operator reads there what each tool may do.
    assert!(log.contains("tool=\"ibkr_connect\""), "{log}");
    assert!(log.contains("grants=\"connection\""), "{log}");
}

#[tokio::test]
async fn wrong_settings_are_said_before_anything_starts() {
    let fails = async |arguments: &[&str], variables: &[(&str, &str)]| {
        let output = command()
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        assert!(!output.status.success(), "{arguments:?} {variables:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = fails(&["serve"], &[("TWS_PORT", "abc")]).await;
    assert!(said.contains("TWS_PORT") && said.contains("abc"), "{said}");
    let said = fails(&["serve"], &[("PORT", "80000")]).await;
    assert!(said.contains("PORT") && said.contains("80000"), "{said}");
    let said = fails(&["serve", "--port", "eighty"], &[]).await;
    assert!(said.contains("eighty") && said.contains("--port"), "{said}");
    let said = fails(&["serve", "--config", "/nowhere/x.toml"], &[]).await;
    assert!(said.contains("/nowhere/x.toml"), "{said}");
    let said = fails(&["serve", "--log", "loud=="], &[]).await;
    assert!(said.contains("loud=="), "{said}");

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[gateway]\nprot = 7497\n").unwrap();
    let said = fails(&["serve", "--config", file.path().to_str().unwrap()], &[]).await;
    assert!(said.contains("prot"), "{said}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let tools = plugins();
    let said = fails(
        &["serve", "--port", &port, "--tools", tools.to_str().unwrap()],
        &[],
    )
    .await;
    assert!(said.contains(&port), "{said}");
}

#[tokio::test]
async fn a_dotenv_file_counts_as_environment() {
    let simulator = simulator().await;
    let folder = tempfile::TempDir::new().unwrap();
    let port = simulator.address().port();
    let text = format!("TWS_PORT={port}\nSANDPIT_GATEWAY__CONNECT_ON_START=true\nPORT=0\n");
    std::fs::write(folder.path().join(".env"), text).unwrap();
    let mut command = command();
    command.args(["serve", "--tools"]).arg(plugins());
    let host = Host::start_in(command, folder).await;
    eventually("it connects", async || simulator.connections().len() == 1).await;
    assert_eq!(host.get("get_status").await.ok()["port"], port);
}

#[tokio::test]
async fn the_simulator_runs_alone() {
    let mut child = command()
        .args(["simulate", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stdout.take().unwrap()));
    let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line())
        .await
        .unwrap()
        .unwrap()
        .expect("it says where it listens");
    let address = line.rsplit(' ').next().unwrap();
    TcpStream::connect(address).await.expect("it listens");
    child.kill().await.unwrap();
}
