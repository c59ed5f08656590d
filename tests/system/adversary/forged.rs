//! Tokens that look like those of the authorization server.

use ring::hmac;
use serde_json::{Value, json};

use super::{Fortress, request, status};
use crate::auth_issuer::{Issuer, Key, encoded, now, unsigned};

const RESOURCE: &str = "https://sandpit.example.com";

/// What a good token says.
fn claims(issuer: &Issuer) -> Value {
    json!({
        "iss": issuer.url(),
        "aud": RESOURCE,
        "sub": "alice",
        "scope": "read",
        "exp": now() + 3600,
    })
}

#[tokio::test]
async fn only_tokens_of_the_issuer_for_this_host_count() {
    let key = Key::rsa("first");
    let issuer = Issuer::start(&[&key]).await;
    let fortress = Fortress::with(&[
        ("AUTH__OAUTH__ISSUER", &issuer.url()),
        ("AUTH__OAUTH__RESOURCE", RESOURCE),
        ("AUTH__OAUTH__SCOPES__READ", r#"["ibkr_get_*"]"#),
        ("SERVER__REQUEST_TIMEOUT_SECONDS", "2"),
    ])
    .await;
    let ask = async |token: &str| {
        let bearer = format!("Authorization: Bearer {token}\r\n");
        fortress
            .exchange(request("GET", "/api/v1/get_positions", &bearer))
            .await
    };
    let with = |name: &str, value: Value| {
        let mut claims = claims(&issuer);
        claims[name] = value;
        claims
    };
    let good = key.sign(&claims(&issuer));
    let text = ask(&good).await;
    assert_eq!(status(&text), Some(200), "{text}");

    let header = |algorithm: &str| json!({ "alg": algorithm, "kid": "first", "typ": "at+jwt" });
    // The public key, which everybody knows, taken for a shared secret.
    let public = key.public().to_string();
    let hmac = {
        let message = unsigned(&header("HS256"), &claims(&issuer));
        let secret = hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes());
        let signature = hmac::sign(&secret, message.as_bytes());
        format!("{message}.{}", encoded(signature.as_ref()))
    };
    let none = unsigned(&header("none"), &claims(&issuer));
    let (start, signature) = good.rsplit_once('.').unwrap();
    let others = unsigned(&header("RS256"), &with("sub", json!("mallory")));
    for (name, token) in [
        ("expired", key.sign(&with("exp", json!(now() - 3600)))),
        ("not yet", key.sign(&with("nbf", json!(now() + 3600)))),
        (
            "for another host",
            key.sign(&with("aud", json!("https://other.example.com"))),
        ),
        ("for nobody", key.sign(&with("aud", Value::Null))),
        (
            "of another issuer",
            key.sign(&with("iss", json!("https://evil.example"))),
        ),
        ("of another key", Key::ed("first").sign(&claims(&issuer))),
        (
            "of an unknown key",
            Key::ec("second").sign(&claims(&issuer)),
        ),
        ("unsigned", format!("{none}.")),
        ("unsigned, with a signature", format!("{none}.{signature}")),
        ("signed with the public key", hmac),
        ("with others' claims", format!("{others}.{signature}")),
        ("without its signature", format!("{start}.")),
        ("of three dots", "...".to_owned()),
    ] {
        let text = ask(&token).await;
        assert_eq!(status(&text), Some(401), "{name}: {text}");
        assert!(text.contains("/problems/invalid-token"), "{name}: {text}");
        let log = fortress.host.log();
        assert!(!log.contains(&token), "{name} is in the log");
    }
    let text = ask(&good).await;
    assert_eq!(status(&text), Some(200), "{text}");
    fortress.stands().await;
}
