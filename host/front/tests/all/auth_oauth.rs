//! Tokens of an authorization server.

use std::time::Duration;

use sandpit_front::{AuthConfig, LoopbackAccess, OAuthConfig};
use sandpit_tools::Right;
use serde_json::{Value, json};

use super::auth_issuer::{Issuer, Key, encoded, now, unsigned};
use super::legacy::Session;
use super::modern::Request;
use super::{
    FrontConfig, GatewayConfig, Reply, Server, built, fixture_call, nothing, read_until, send,
    serve,
};

/// The metadata that a client of MCP is told of.
const METADATA: &str =
    "resource_metadata=\"https://sandpit.example.com/.well-known/oauth-protected-resource";

fn config(issuer: &Issuer) -> FrontConfig {
    let mut oauth = OAuthConfig::new(issuer.url(), "https://sandpit.example.com");
    for (scope, pattern) in [
        ("ibkr:fixture", "fixture_*"),
        ("ibkr:report", "portfolio_*"),
        ("ibkr:all", "*"),
    ] {
        let right = Right::to(vec![pattern.parse().unwrap()]);
        oauth.scopes.insert(scope.to_owned(), right);
    }
    // Tests change keys faster than anybody.
    oauth.refetch_pause = Duration::ZERO;
    FrontConfig {
        auth: AuthConfig {
            loopback: LoopbackAccess::Closed("of a test".to_owned()),
            oauth: Some(oauth),
            ..AuthConfig::default()
        },
        ..FrontConfig::default()
    }
}

async fn with_tools(config: FrontConfig) -> Server {
    let folder = built("test-components", "test-components");
    serve(&folder, GatewayConfig::default(), config).await
}

async fn ask(server: &Server, token: &str) -> Reply {
    send(server.get("/api/v1/tools").bearer_auth(token)).await
}

/// The names of the tools that a token is for.
async fn listed(server: &Server, token: &str) -> Vec<String> {
    let reply = ask(server, token).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let tools = reply.json()["tools"].as_array().unwrap().clone();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

fn changed(claims: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut claims = claims.clone();
    change(&mut claims);
    claims
}

#[tokio::test]
async fn good_tokens_of_every_kind_are_taken() {
    let keys = [Key::ed("ed"), Key::ec("ec"), Key::rsa("rsa")];
    let issuer = Issuer::start(&[&keys[0], &keys[1], &keys[2]]).await;
    let server = with_tools(config(&issuer)).await;
    for key in &keys {
        assert_eq!(
            listed(&server, &key.sign(&issuer.claims())).await,
            ["fixture_tool"]
        );
    }
    let claims = issuer.claims();
    for (claims, tools) in [
        (
            changed(&claims, |claims| {
                claims["aud"] = json!(["https://other.example", "https://sandpit.example.com"])
            }),
            1,
        ),
        (
            changed(&claims, |claims| claims["nbf"] = (now() + 30).into()),
            1,
        ),
        (
            changed(&claims, |claims| claims["exp"] = (now() - 30).into()),
            1,
        ),
        (
            changed(&claims, |claims| claims["exp"] = json!(now() as f64 + 60.5)),
            1,
        ),
        (
            changed(&claims, |claims| {
                claims["scope"] = json!("ibkr:fixture ibkr:report")
            }),
            2,
        ),
        (
            changed(&claims, |claims| {
                claims["scope"] = Value::Null;
                claims["scp"] = json!(["ibkr:all"]);
            }),
            2,
        ),
    ] {
        assert_eq!(
            listed(&server, &keys[0].sign(&claims)).await.len(),
            tools,
            "{claims}"
        );
    }
    let unnamed = keys[1].sign_as(&json!({"alg": "ES256"}), &claims);
    assert_eq!(
        ask(&server, &unnamed).await.status,
        200,
        "there is one key of the kind"
    );
    server.end().await;
}

#[tokio::test]
async fn bad_tokens_are_all_answered_alike() {
    let key = Key::rsa("a");
    let stranger = Key::ed("a");
    let other = Key::ed("other");
    let issuer = Issuer::start(&[&key, &other]).await;
    let server = nothing(config(&issuer)).await;
    let good = issuer.claims();
    assert_eq!(ask(&server, &key.sign(&good)).await.status, 200);

    let header = |name: &str| json!({"alg": name, "kid": "a"});
    let none = format!("{}.", unsigned(&header("none"), &good));
    // The oldest trick: the public key as a shared secret.
    let public = key.public().to_string();
    let hmac = {
        let message = unsigned(&header("HS256"), &good);
        let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, public.as_bytes());
        let tag = ring::hmac::sign(&secret, message.as_bytes());
        format!("{message}.{}", encoded(tag.as_ref()))
    };
    let own_key = {
        let mut header = header("EdDSA");
        header["jwk"] = stranger.public();
        header["jku"] = "http://127.0.0.1:1/keys".into();
        stranger.sign_as(&header, &good)
    };
    let signed = key.sign(&good);
    let (message, signature) = signed.rsplit_once('.').unwrap();
    let (head, _) = message.split_once('.').unwrap();
    let more = changed(&good, |claims| claims["scope"] = json!("ibkr:all"));
    let payload = encoded(more.to_string().as_bytes());
    let mut bad = vec![
        ("none", none.clone()),
        ("none, with a signature", format!("{none}{signature}")),
        ("hmac", hmac),
        ("a key of its own", own_key),
        ("another key of the name", stranger.sign(&good)),
        ("an unknown key", Key::ed("unknown").sign(&good)),
        ("other claims", format!("{head}.{payload}.{signature}")),
        ("no signature", format!("{message}.")),
        (
            "a key of another kind",
            other.sign_as(&json!({"alg": "RS256", "kid": "other"}), &good),
        ),
        (
            "another kind",
            key.sign_as(&json!({"alg": "PS256", "kid": "a"}), &good),
        ),
        ("no token", "nonsense".to_owned()),
        ("dots", "..".to_owned()),
        ("a long one", "x.".repeat(10_000)),
    ];
    let claims: [(&'static str, Value, Value); 13] = [
        ("expired", "exp".into(), (now() - 120).into()),
        ("never ends", "exp".into(), Value::Null),
        ("ends as a text", "exp".into(), json!("4102444800")),
        ("ends before all time", "exp".into(), json!(-1)),
        ("ends after all time", "exp".into(), json!(1e300)),
        ("not yet", "nbf".into(), (now() + 3600).into()),
        (
            "another audience",
            "aud".into(),
            json!("https://other.example/api/v1/mcp"),
        ),
        ("no audience", "aud".into(), json!([])),
        (
            "a longer audience",
            "aud".into(),
            json!("https://sandpit.example.com.evil.example"),
        ),
        ("no audience at all", "aud".into(), Value::Null),
        (
            "another issuer",
            "iss".into(),
            json!("https://login.evil.example"),
        ),
        (
            "an issuer with a slash",
            "iss".into(),
            json!(format!("{}/", issuer.url())),
        ),
        ("nobody's", "sub".into(), Value::Null),
    ];
    for (what, name, value) in claims {
        let claims = changed(&good, |claims| claims[name.as_str().unwrap()] = value);
        bad.push((what, key.sign(&claims)));
    }
    let mut answers = Vec::new();
    for (what, token) in &bad {
        let reply = ask(&server, token).await;
        assert_eq!(reply.status, 401, "{what}: {}", reply.text);
        let mut problem = reply.problem(401, "invalid-token");
        problem["instance"] = Value::Null;
        let challenge = reply.header("www-authenticate").to_owned();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        answers.push((problem, challenge));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    server.end().await;
}

#[tokio::test]
async fn a_client_is_told_where_tokens_come_from() {
    let key = Key::ed("a");
    let issuer = Issuer::start(&[&key]).await;
    let server = nothing(config(&issuer)).await;
    for (path, metadata) in [
        ("/api/v1/mcp", "/api/v1/mcp"),
        ("/api/v1", "/api/v1"),
        ("/api/v1/tools", "/api/v1"),
    ] {
        let reply = send(server.get(path).header("origin", "http://localhost:6274")).await;
        reply.problem(401, "token-needed");
        let challenge = reply.header("www-authenticate");
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        assert!(
            challenge.contains(&format!("{METADATA}{metadata}\"")),
            "{challenge}"
        );
        assert!(!challenge.contains("error="), "{challenge}");
        // A page may read it.
        assert!(
            reply
                .header("access-control-expose-headers")
                .contains("WWW-Authenticate")
        );
    }
    for path in ["", "/api/v1", "/api/v1/mcp"] {
        let url = format!("/.well-known/oauth-protected-resource{path}");
        let reply = send(server.get(&url)).await;
        assert_eq!(
            reply.json(),
            json!({
                "resource": format!("https://sandpit.example.com{path}"),
                "authorization_servers": [issuer.url()],
                "scopes_supported": ["ibkr:all", "ibkr:fixture", "ibkr:report"],
                "bearer_methods_supported": ["header"],
                "resource_name": "Sandpit",
            })
        );
    }
    send(server.get("/.well-known/oauth-protected-resource/other"))
        .await
        .problem(404, "unknown-route");
    server.end().await;
    let without = nothing(FrontConfig::default()).await;
    send(without.get("/.well-known/oauth-protected-resource"))
        .await
        .problem(404, "unknown-route");
    without.end().await;
}

#[tokio::test]
async fn a_tool_of_another_scope_says_which() {
    let key = Key::ed("a");
    let issuer = Issuer::start(&[&key]).await;
    let server = with_tools(config(&issuer)).await;
    let token = key.sign(&issuer.claims());
    let mut legacy = fixture_call(1, "text");
    legacy["params"]["name"] = "portfolio_report".into();
    let modern = Request::new(
        "tools/call",
        json!({"name": "portfolio_report", "arguments": {}}),
    );
    for request in [
        server.post("/api/v1/portfolio_report", &json!({})),
        server.message(&legacy),
        modern.to(&server),
    ] {
        let reply = send(request.bearer_auth(&token)).await;
        reply.problem(403, "insufficient-scope");
        let challenge = reply.header("www-authenticate");
        assert!(
            challenge.contains("error=\"insufficient_scope\""),
            "{challenge}"
        );
        assert!(
            challenge.contains("scope=\"ibkr:all ibkr:report\""),
            "{challenge}"
        );
        assert!(challenge.contains(METADATA), "{challenge}");
    }
    // One that does not exist is not a matter of scopes.
    let unknown = server
        .post("/api/v1/nothing", &json!({}))
        .bearer_auth(&token);
    send(unknown).await.problem(404, "unknown-route");
    let own = server.post("/api/v1/fixture_tool", &json!({"mode": "structured"}));
    assert_eq!(send(own.bearer_auth(&token)).await.status, 200);
    for scope in [json!("openid profile"), json!(""), Value::Null] {
        let claims = changed(&issuer.claims(), |claims| claims["scope"] = scope);
        let reply = ask(&server, &key.sign(&claims)).await;
        reply.problem(403, "insufficient-scope");
        let challenge = reply.header("www-authenticate");
        assert!(
            challenge.contains("scope=\"ibkr:all ibkr:fixture ibkr:report\""),
            "{challenge}"
        );
    }
    server.end().await;
}

#[tokio::test]
async fn keys_may_change_and_old_ones_end() {
    let (old, new) = (Key::ed("old"), Key::ec("new"));
    let issuer = Issuer::start(&[&old]).await;
    let server = nothing(config(&issuer)).await;
    let claims = issuer.claims();
    assert_eq!(ask(&server, &old.sign(&claims)).await.status, 200);
    assert_eq!(ask(&server, &old.sign(&claims)).await.status, 200);
    assert_eq!(issuer.asked(), 1, "keys are kept");
    issuer.set_keys(&[&new]);
    assert_eq!(ask(&server, &new.sign(&claims)).await.status, 200);
    assert_eq!(ask(&server, &old.sign(&claims)).await.status, 401);
    server.end().await;
}

#[tokio::test]
async fn invented_keys_make_no_storm() {
    let key = Key::ed("a");
    let issuer = Issuer::start(&[&key]).await;
    let mut config = config(&issuer);
    if let Some(oauth) = &mut config.auth.oauth {
        oauth.refetch_pause = Duration::from_secs(3600);
    }
    let server = nothing(config).await;
    let claims = issuer.claims();
    let stranger = Key::ed("invented");
    let header = |number: usize| json!({"alg": "EdDSA", "kid": format!("invented-{number}")});
    let tokens = (0..50).map(|number| stranger.sign_as(&header(number), &claims));
    let asking = tokens.map(|token| {
        let request = server.get("/api/v1/tools").bearer_auth(token);
        tokio::spawn(send(request))
    });
    for reply in asking.collect::<Vec<_>>() {
        assert_eq!(reply.await.unwrap().status, 401);
    }
    assert_eq!(issuer.asked(), 1);
    assert_eq!(ask(&server, &key.sign(&claims)).await.status, 200);
    assert_eq!(issuer.asked(), 1);
    server.end().await;
}

#[tokio::test]
async fn an_issuer_that_is_down_locks_nobody_out() {
    let key = Key::ed("a");
    let issuer = Issuer::start(&[&key]).await;
    let server = nothing(config(&issuer)).await;
    let token = key.sign(&issuer.claims());
    issuer.set_down(true);
    let reply = ask(&server, &token).await;
    reply.problem(503, "issuer-unavailable");
    assert_eq!(reply.header("retry-after"), "30");
    issuer.set_down(false);
    assert_eq!(ask(&server, &token).await.status, 200);
    issuer.set_down(true);
    assert_eq!(ask(&server, &token).await.status, 200, "its keys are known");
    let unknown = Key::ed("unknown").sign(&issuer.claims());
    assert_eq!(ask(&server, &unknown).await.status, 401);
    assert_eq!(
        ask(&server, &token).await.status,
        200,
        "they are still known"
    );
    server.end().await;
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_followed() {
    let key = Key::ed("a");
    let issuer = Issuer::start(&[&key]).await;
    issuer.pretend("https://login.evil.example");
    let server = nothing(config(&issuer)).await;
    let reply = ask(&server, &key.sign(&issuer.claims())).await;
    reply.problem(503, "issuer-unavailable");
    assert_eq!(issuer.asked(), 0);
    server.end().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let key = Key::ed("a");
    let issuer = Issuer::start(&[&key]).await;
    let server = with_tools(config(&issuer)).await;
    // The clocks may be a minute apart, so that this one has a second left.
    let claims = changed(&issuer.claims(), |claims| {
        claims["exp"] = (now() - 58).into()
    });
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let listen = Request::new("subscriptions/listen", filter).to(&server);
    let mut stream = listen.bearer_auth(key.sign(&claims)).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    read_until(&mut stream, "\n\n").await;
    let rest = async { while stream.chunk().await.is_ok_and(|chunk| chunk.is_some()) {} };
    let ended = tokio::time::timeout(super::PATIENCE, rest).await;
    ended.expect("it ends");
    server.end().await;
}

#[tokio::test]
async fn a_session_belongs_to_who_opened_it() {
    let key = Key::ed("a");
    let issuer = Issuer::start(&[&key]).await;
    let server = with_tools(config(&issuer)).await;
    let alice = key.sign(&issuer.claims());
    let bob = changed(&issuer.claims(), |claims| claims["sub"] = json!("bob"));
    let bob = key.sign(&bob);
    let session = Session::open_as(&server, &alice).await;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    assert_eq!(send(session.message(&list)).await.status, 200);
    // A new token of the same person is the same person.
    let renewed = changed(&issuer.claims(), |claims| claims["jti"] = json!("2"));
    let theirs = |token: &str| {
        server
            .message(&list)
            .header("mcp-session-id", session.id())
            .bearer_auth(token)
    };
    assert_eq!(send(theirs(&key.sign(&renewed))).await.status, 200);
    send(theirs(&bob)).await.problem(404, "unknown-session");
    let stream = server
        .get("/api/v1/mcp")
        .header("accept", "text/event-stream");
    let stream = stream
        .header("mcp-session-id", session.id())
        .bearer_auth(&bob);
    send(stream).await.problem(404, "unknown-session");
    let delete = server.client.delete(server.url("/api/v1/mcp"));
    let delete = delete
        .header("mcp-session-id", session.id())
        .bearer_auth(&bob);
    send(delete).await.problem(404, "unknown-session");
    assert_eq!(send(session.message(&list)).await.status, 200);
    server.end().await;
}
