//! Web pages that should not be there, and names that are not the host's.

use super::{Fortress, request, status};

/// Of each kind of route one.
const ROUTES: [(&str, &str); 6] = [
    ("GET", "/healthz"),
    ("GET", "/api/v1/tools"),
    ("GET", "/api/v1/get_positions"),
    ("POST", "/api/v1/mcp"),
    ("GET", "/operator/status"),
    ("OPTIONS", "/api/v1/mcp"),
];

#[tokio::test]
async fn a_page_of_elsewhere_gets_nothing() {
    let fortress = Fortress::impatient().await;
    for (method, path) in ROUTES {
        for origin in [
            "https://evil.example",
            "null",
            "http://localhost.evil.example",
            "http://127.0.0.1@evil.example",
            "http://localhost:80:80",
            "file://",
            "",
        ] {
            let text = fortress
                .exchange(request(method, path, &format!("Origin: {origin}\r\n")))
                .await;
            assert_eq!(status(&text), Some(403), "{method} {path} {origin}: {text}");
            let text = text.to_ascii_lowercase();
            assert!(!text.contains("access-control-allow"), "{text}");
        }
        let twice = "Origin: http://localhost\r\nOrigin: https://evil.example\r\n";
        let text = fortress.exchange(request(method, path, twice)).await;
        assert_eq!(status(&text), Some(403), "{text}");
    }
    fortress.stands().await;
}

#[tokio::test]
async fn a_rebound_name_is_not_answered_to() {
    let fortress = Fortress::impatient().await;
    for (method, path) in ROUTES {
        for host in [
            "Host: evil.example",
            "Host: 127.0.0.1.evil.example",
            "Host: localhost.",
            "Host: evil.example:8000",
            "Host: 0.0.0.0",
            "Host: localhost\r\nHost: evil.example",
            "Host: localhost, evil.example",
            "Host:",
            "X-Forwarded-Host: localhost",
        ] {
            let head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n{host}\r\n\r\n");
            let text = fortress.exchange(head).await;
            assert_eq!(status(&text), Some(403), "{method} {path} {host}: {text}");
        }
        // The name in the request line and that in the header must both be ours.
        for (line, header) in [("evil.example", "localhost"), ("localhost", "evil.example")] {
            let head = format!(
                "{method} http://{line}{path} HTTP/1.1\r\nHost: {header}\r\nConnection: close\r\n\r\n"
            );
            let text = fortress.exchange(head).await;
            assert_eq!(status(&text), Some(403), "{line} {header}: {text}");
        }
    }
    fortress.stands().await;
}

#[tokio::test]
async fn a_page_that_the_operator_names_may_call() {
    let fortress = Fortress::with(&[
        ("SERVER__ALLOWED_ORIGINS", r#"["https://app.example.com"]"#),
        ("SERVER__REQUEST_TIMEOUT_SECONDS", "2"),
    ])
    .await;
    let ours = "Origin: https://app.example.com\r\n";
    let preflight = format!(
        "{ours}Access-Control-Request-Method: POST\r\n\
         Access-Control-Request-Headers: authorization, content-type, mcp-session-id\r\n"
    );
    let text = fortress
        .exchange(request("OPTIONS", "/api/v1/mcp", &preflight))
        .await;
    assert_eq!(status(&text), Some(204), "{text}");
    let text = text.to_ascii_lowercase();
    for line in [
        "access-control-allow-origin: https://app.example.com\r\n",
        "access-control-allow-methods: get, post, delete, options\r\n",
        "access-control-max-age: ",
        "vary: origin\r\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    for header in ["authorization", "mcp-session-id", "mcp-protocol-version"] {
        assert!(text.contains(header), "{header}: {text}");
    }
    // Nothing here is done by cookies.
    assert!(!text.contains("access-control-allow-credentials"), "{text}");

    for (path, expected) in [("/api/v1/get_positions", 200), ("/api/v1/nothing", 404)] {
        let text = fortress.exchange(request("GET", path, ours)).await;
        assert_eq!(status(&text), Some(expected), "{text}");
        let text = text.to_ascii_lowercase();
        assert!(
            text.contains("access-control-allow-origin: https://app.example.com\r\n"),
            "{text}"
        );
        let exposed = text
            .lines()
            .find(|line| line.starts_with("access-control-expose-headers:"))
            .unwrap();
        for header in ["mcp-session-id", "sandpit-call-id", "retry-after"] {
            assert!(exposed.contains(header), "{exposed}");
        }
    }
    for other in ["http://app.example.com", "https://app.example.com:8443"] {
        let text = fortress
            .exchange(request("GET", "/healthz", &format!("Origin: {other}\r\n")))
            .await;
        assert_eq!(status(&text), Some(403), "{text}");
    }
    // The operator's paths are for no page, also not for this one.
    let text = fortress
        .exchange(request("GET", "/operator/status", ours))
        .await;
    let text = text.to_ascii_lowercase();
    assert!(!text.contains("access-control-allow-origin"), "{text}");
    fortress.stands().await;
}
