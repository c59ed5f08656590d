//! docs/oauth.md, followed to the letter: its piece of configuration is the
//! host's, and every command of the page is run in order. Only the two
//! addresses on it are others: those of a small provider and of the host.

use serde_json::{Value, json};

use super::{House, ask};
use crate::auth_issuer::{Issuer, Key, now};
use crate::guide::{Step, steps};
use crate::support::{Host, eventually, simulator};

const PAGE: &str = include_str!("../../../docs/oauth.md");
/// What the page calls the provider, and what comes after its address here.
const ISSUER: &str = "https://login.example.com/realms/home";
const REALM: &str = "/realms/home";
/// What the page calls the host.
const SANDPIT: &str = "https://sandpit.example.com";
/// The secret of the page's client.
const SECRET: &str = "the-secret-of-research";

/// What a token of the page's client says, with this scope.
fn claims(issuer: &str, scope: &str) -> Value {
    json!({
        "iss": issuer,
        "aud": format!("{SANDPIT}/api/v1/mcp"),
        "sub": "service-account-research",
        "azp": "research",
        "scope": scope,
        "exp": now() + 300,
    })
}

/// A provider that has done what the page says, and signs with this key.
async fn provider(key: Key) -> Issuer {
    let issuer = Issuer::start_at(REALM, &[&key]).await;
    let url = issuer.url();
    issuer.give_tokens(move |form| {
        let asked = ["client_credentials", "client_id=research", SECRET, "ibkr"];
        let good = asked.iter().all(|words| form.contains(words));
        good.then(|| key.sign(&claims(&url, "ibkr:read")))
    });
    issuer
}

/// What a command of the page prints.
fn words(line: &str, issuer: &Issuer) -> Vec<String> {
    let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let of = |part: &str| line.contains(part);
    if of("openid-configuration") {
        vec![
            format!("\"issuer\":\"{}\"", issuer.url()),
            "jwks_uri".to_owned(),
        ]
    } else if of("oauth-protected-resource") {
        let resource = format!("\"resource\":\"{SANDPIT}/api/v1/mcp\"");
        vec![resource, issuer.url(), "ibkr:trade".to_owned()]
    } else if of("openid-connect/token") {
        Vec::new()
    } else if of("cancel_all_orders") {
        text(&["403", "insufficient_scope", "scope=\"ibkr:trade\""])
    } else if of("Bearer") {
        text(&["ibkr_get_positions", "ibkr_stream_market_data"])
    } else if of("/api/v1/tools") {
        text(&[
            "401",
            "resource_metadata=",
            "/.well-known/oauth-protected-resource",
        ])
    } else {
        panic!("the page has a step that this test does not know: {line}")
    }
}

/// The page's configuration, for this provider.
fn settings(issuer: &Issuer) -> String {
    let toml = steps(PAGE).into_iter().find_map(|step| match step {
        Step::Write(toml) => Some(toml),
        Step::Run(_) => None,
    });
    let toml = toml.expect("the page has its configuration");
    assert!(toml.contains(ISSUER), "{toml}");
    toml.replace(ISSUER, &issuer.url())
}

#[tokio::test]
async fn the_page_leads_to_callers_of_the_provider() {
    let simulator = simulator().await;
    let issuer = provider(Key::rsa("first")).await;
    let house = House::new(&settings(&issuer));
    let mut host = house.host(simulator.address()).await;
    let mut ran = 0;
    for step in steps(PAGE) {
        let Step::Run(line) = step else { continue };
        let words = words(&line, &issuer);
        let origin = host.base.trim_end_matches("/api/v1");
        let mut shell = tokio::process::Command::new("sh");
        shell
            .args([
                "-ec",
                &line.replace(ISSUER, &issuer.url()).replace(SANDPIT, origin),
            ])
            .current_dir(house.folder.path())
            .env("SECRET", SECRET);
        let printed = crate::support::process::Done::of(&mut shell).await.ok();
        assert!(
            words.iter().all(|word| printed.contains(word)),
            "{line}\n{printed}"
        );
        assert!(
            !printed.contains("\"ibkr_place_order\""),
            "{line}\n{printed}"
        );
        ran += 1;
    }
    assert_eq!(ran, 6, "every command of the page was run");
    // What the page got is good for a call, and the log names the caller.
    let token = std::fs::read_to_string(house.folder.path().join("token")).unwrap();
    let called = ask(&host, "get_positions", None, token.trim()).await;
    assert_eq!(called.status(), 200);
    host.stop().await;
    assert!(
        host.log().contains("oauth:service-account-research"),
        "{}",
        host.log()
    );
}

/// The status of a request with this token.
async fn status(host: &Host, token: &str) -> u16 {
    ask(host, "tools", None, token).await.status().as_u16()
}

#[tokio::test]
async fn tokens_end_and_keys_change_as_the_page_says() {
    let simulator = simulator().await;
    let (first, second) = (Key::ed("first"), Key::ec("second"));
    let issuer = Issuer::start_at(REALM, &[&first]).await;
    let house = House::new(&settings(&issuer));
    let host = house.host(simulator.address()).await;
    let with = |name: &str, value: Value| {
        let mut claims = claims(&issuer.url(), "ibkr:read");
        claims[name] = value;
        claims
    };
    let good = claims(&issuer.url(), "ibkr:read");
    assert_eq!(status(&host, &first.sign(&good)).await, 200);
    for (claims, why) in [
        (
            with("iss", json!(format!("{}/", issuer.url()))),
            "it is of another issuer",
        ),
        (
            with("aud", json!("https://other.example.com")),
            "it is for somebody else",
        ),
        (with("exp", json!(now() - 120)), "it has expired"),
        (with("nbf", json!(now() + 120)), "its time has not come"),
    ] {
        assert_eq!(status(&host, &first.sign(&claims)).await, 401, "{why}");
        eventually(why, async || host.log().contains(why)).await;
        assert!(PAGE.contains(&format!("| `{why}` |")), "{why}");
    }
    let elsewhere = with("scope", json!("openid profile"));
    assert_eq!(status(&host, &first.sign(&elsewhere)).await, 403);

    // A scope with grants has no tool that uses others; one without has all.
    let order = json!({"symbol": "SPY", "action": "BUY", "quantity": 1, "orderType": "MKT"});
    let call = async |scope: &str| {
        let token = first.sign(&claims(&issuer.url(), scope));
        let answer = ask(&host, "preview_order", Some(&order), &token).await;
        answer.status().as_u16()
    };
    assert_eq!(call("ibkr:read").await, 403);
    assert_eq!(call("openid ibkr:trade").await, 200);

    // The provider signs with another key, and later withdraws the first.
    issuer.set_keys(&[&second]);
    let renewed = second.sign(&good);
    eventually("the new key counts", async || {
        status(&host, &renewed).await == 200
    })
    .await;
    assert_eq!(status(&host, &first.sign(&good)).await, 401);
}
