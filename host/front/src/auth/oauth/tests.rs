//! Tests of what needs no issuer: the configuration and the claims.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;

/// What makes a configuration wrong.
type Change<'a> = &'a dyn Fn(&mut OAuthConfig);

fn config() -> OAuthConfig {
    let mut config = OAuthConfig::new("https://login.example.com", "https://sandpit.example.com/");
    for (scope, pattern) in [("read", "ibkr_get_*"), ("trade", "ibkr_*")] {
        let right = Right::to(vec![pattern.parse().unwrap()]);
        config.scopes.insert(scope.to_owned(), right);
    }
    config
}

#[test]
fn what_cannot_be_used_is_named() {
    assert!(OAuth::new(config()).is_ok());
    let text = |text: &str| text.to_owned();
    let wrong: [(&str, Change<'_>); 10] = [
        ("issuer", &|config| {
            config.issuer = text("login.example.com")
        }),
        ("issuer", &|config| {
            config.issuer = text("http://login.example.com")
        }),
        ("issuer", &|config| {
            config.issuer = text("https://login.example.com?a=b")
        }),
        ("jwks_url", &|config| {
            config.jwks_url = Some(text("ftp://x"))
        }),
        ("resource", &|config| {
            config.resource = text("http://sandpit.example.com")
        }),
        ("resource", &|config| {
            config.resource = text("https://example.com/sandpit")
        }),
        ("resource", &|config| config.resource = String::new()),
        ("algorithms", &|config| config.algorithms.clear()),
        ("scopes", &|config| config.scopes.clear()),
        ("scopes", &|config| {
            config.scopes.insert(text("a \"b"), Right::to(Vec::new()));
        }),
    ];
    for (key, change) in wrong {
        let mut config = config();
        change(&mut config);
        let error = OAuth::new(config).err().unwrap().to_string();
        assert!(error.starts_with(&format!("auth.oauth.{key}: ")), "{error}");
    }
}

#[test]
fn a_tool_has_the_scopes_whose_patterns_and_grants_fit() {
    let mut config = config();
    let reading = config.scopes.get_mut("read").unwrap();
    reading.grants = Some([Capability::Account].into());
    let oauth = OAuth::new(config).ok().unwrap();
    let account = [Capability::Account];
    assert_eq!(oauth.scopes_for("ibkr_get_pnl", &account), "read trade");
    let trading = [Capability::Account, Capability::Trading];
    assert_eq!(oauth.scopes_for("ibkr_get_pnl", &trading), "trade");
    assert_eq!(oauth.scopes_for("ibkr_place_order", &trading), "trade");
    assert_eq!(oauth.scopes_for("other", &[]), "");
}

#[test]
fn the_resource_is_the_same_with_and_without_a_slash() {
    let oauth = OAuth::new(config()).ok().unwrap();
    let now = OffsetDateTime::now_utc();
    for aud in [
        "https://sandpit.example.com",
        "https://sandpit.example.com/",
        "https://sandpit.example.com/api/v1",
        "https://sandpit.example.com/api/v1/mcp",
    ] {
        let claims = json!({
            "iss": "https://login.example.com",
            "aud": aud,
            "exp": now.unix_timestamp() + 60,
            "client_id": "desk",
            "scp": "read",
        });
        let claims = serde_json::from_value(claims).unwrap();
        let judged = oauth.judge_claims(&claims, now).unwrap();
        let Judged::Identity(identity) = judged else {
            unreachable!("{judged:?}");
        };
        assert_eq!(identity.name(), "oauth:desk");
        let rights = identity.rights();
        assert!(
            rights.allow_use("ibkr_get_pnl", &[]) && !rights.allow_use("ibkr_place_order", &[])
        );
    }
}
