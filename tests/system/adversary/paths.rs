//! Paths and methods that try to lead elsewhere.

use super::{Fortress, request, status};

#[tokio::test]
async fn no_path_leads_around_the_routes() {
    let fortress = Fortress::impatient().await;
    for path in [
        "/api/v1/../operator/status",
        "/api/v1/..%2foperator%2fstatus",
        "/api/v1/%2e%2e/%2e%2e/etc/passwd",
        "/api/v1/....//....//etc/passwd",
        "/../../../../etc/passwd",
        "/api/v1/get_positions/../place_order",
        "/api/v1/get_positions%00",
        "/api/v1/get_positions%0d%0aX:1",
        "/api/v1/get_positions;jsessionid=1",
        "/api/v1//get_positions",
        "/api/v1/\\..\\operator",
        "/API/V1/get_positions",
        "/api/v1/%ff%fe",
        "/api/v1/%",
        "/api/v1/%zz",
        "/api/v1/ibkr_get_positions/1/2/3",
        "//healthz",
        "/healthz/..",
        "/.git/config",
        "/.well-known/oauth-protected-resource/../../operator/status",
        "*",
        "localhost:80",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let text = fortress.exchange(request(method, path, "")).await;
            let status = status(&text);
            assert!(
                status.is_none_or(|status| (400..500).contains(&status)),
                "{method} {path}: {text}"
            );
            assert!(!text.contains("root:"), "{text}");
        }
    }
    let long = format!("/api/v1/{}", "a/".repeat(14_000));
    let text = fortress.exchange(request("GET", &long, "")).await;
    assert_eq!(status(&text), Some(404));
    assert!(text.len() < 64_000);
    fortress.stands().await;
}

#[tokio::test]
async fn other_methods_do_nothing() {
    let fortress = Fortress::impatient().await;
    for path in [
        "/healthz",
        "/api/v1/mcp",
        "/api/v1/get_positions",
        "/operator/halt",
    ] {
        for method in ["PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "QQ"] {
            let secret = "Authorization: Bearer a-secret-that-is-not-echoed\r\n";
            let text = fortress.exchange(request(method, path, secret)).await;
            let status = status(&text);
            assert!(
                status.is_none_or(|status| (400..500).contains(&status)),
                "{method} {path}: {text}"
            );
            assert!(!text.contains("not-echoed"), "{text}");
        }
    }
    for upgrade in ["websocket", "h2c"] {
        let headers = format!("Upgrade: {upgrade}\r\nConnection: Upgrade\r\n");
        let text = fortress
            .exchange(request("GET", "/healthz", &headers))
            .await;
        assert_eq!(status(&text), Some(200), "{text}");
    }
    fortress.stands().await;
}
