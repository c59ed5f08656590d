//! The curl cases that the users of the predecessor know.

use std::net::TcpListener;
use std::path::Path;

use tokio::process::Command;

use crate::support::Host;
use crate::support::host::{command, plugins};

/// A port that was free a moment ago, for what cannot say which one it took.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[tokio::test]
async fn the_seeds_curl_cases_pass_against_the_demo() {
    let gateway = free_port();
    let mut demo = command();
    demo.args(["demo", "--port", "0", "--gateway"])
        .arg(format!("127.0.0.1:{gateway}"))
        .arg("--tools")
        .arg(plugins());
    let host = Host::start(demo).await;

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/seed-curl.sh");
    let output = Command::new("bash")
        .arg(script)
        .env("HOST", format!("http://{}", host.address()))
        .env("TWS_PORT", gateway.to_string())
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        host.log()
    );
}
