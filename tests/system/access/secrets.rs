//! No secret is in anything that the host says: not in its log, however much
//! it logs, not in its answers, and not in its files.

use std::path::Path;

use reqwest::{Client, Method};
use serde_json::json;

use super::{House, ask, request};
use crate::auth_issuer::{Issuer, Key, now};
use crate::support::simulator;

/// All that has to do with requests. The compiler of the components says too
/// much, and never sees one.
const LEVEL: &str = "info,hyper=trace,hyper_util=trace,rmcp=trace,sandpit=trace,\
                     sandpit_front=trace,sandpit_tools=trace,sandpit_gateway=trace";
const PASSWORD: &str = "a-password-that-was-sent-by-mistake";

/// All files below a folder, but those that are there to keep a secret.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if !path.ends_with("operator.token") {
            let bytes = std::fs::read(&path).unwrap();
            files.push((path.display().to_string(), bytes));
        }
    }
    files
}

#[tokio::test]
async fn a_secret_is_nowhere() {
    let simulator = simulator().await;
    let key = Key::ed("a");
    let issuer = Issuer::start(&[&key]).await;
    let house = House::new(&format!(
        "[auth.oauth]\nissuer = \"{}\"\nresource = \"https://sandpit.example.com\"\n\
         [auth.oauth.scopes]\n\"ibkr:fixture\" = [\"*\"]\n[log]\nlevel = \"{LEVEL}\"\n",
        issuer.url()
    ));
    let good = house.token("good", "*").await;
    let revoked = house.token("revoked", "*").await;
    house.run(&["token", "revoke", "revoked"]).await.ok();
    let mut expired = issuer.claims();
    expired["exp"] = json!(now() - 3600);
    let (jwt, expired) = (key.sign(&issuer.claims()), key.sign(&expired));
    let mut host = house.host(simulator.address()).await;
    let operator = std::fs::read_to_string(house.path("operator.token")).unwrap();
    let operator = operator.trim().to_owned();

    let mut said = Vec::new();
    let mut keep = async |answer: reqwest::Response| {
        let status = answer.status().as_u16();
        said.push(format!("{:?}", answer.headers()));
        said.push(answer.text().await.unwrap());
        status
    };
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let order = json!({
        "symbol": "SPY", "action": "BUY", "quantity": 1, "orderType": "LMT", "limitPrice": 10,
    });
    for (token, status) in [(&good, 200), (&jwt, 200), (&revoked, 401), (&expired, 401)] {
        for (path, arguments) in [
            ("tools", None),
            ("get_positions", None),
            ("place_order", Some(&order)),
            ("place_order", Some(&json!({"symbol": []}))),
            ("nothing", None),
        ] {
            let status_here = keep(ask(&host, path, arguments, token).await).await;
            assert_eq!(status_here == 401, status == 401, "{path}: {status_here}");
        }
        let mcp = request(&host, "mcp", Some(&ping))
            .header("accept", "application/json, text/event-stream");
        keep(mcp.bearer_auth(token).send().await.unwrap()).await;
        // In places where no token belongs.
        let url = format!("tools?access_token={token}");
        assert_eq!(
            keep(request(&host, &url, None).send().await.unwrap()).await,
            401
        );
        let twice = request(&host, "tools", None)
            .bearer_auth(token)
            .bearer_auth(token);
        assert_eq!(keep(twice.send().await.unwrap()).await, 400);
    }
    let basic = request(&host, "tools", None).basic_auth("me", Some(PASSWORD));
    assert_eq!(keep(basic.send().await.unwrap()).await, 401);
    let origin = host.base.trim_end_matches("/api/v1").to_owned();
    for (path, token) in [
        ("operator/status", &operator),
        ("operator/status", &good),
        ("metrics", &operator),
    ] {
        let request = Client::new().request(Method::GET, format!("{origin}/{path}"));
        keep(request.bearer_auth(token).send().await.unwrap()).await;
    }
    for command in [
        &["token", "list", "--json"][..],
        &["journal", "export", "--format", "json"],
        &["status", "--json", "--url", &host.base],
        &["tools", "--json", "--url", &host.base],
    ] {
        let done = house.run(command).await;
        said.extend([done.out, done.err]);
    }
    host.stop().await;
    let log = host.log();
    for words in ["a token was refused", "token:good", "oauth:alice", "TRACE"] {
        assert!(log.contains(words), "the log lacks {words:?}");
    }
    said.push(log);
    let files = files(house.folder.path());
    assert!(
        files.iter().any(|(name, _)| name.ends_with("journal.db")),
        "{files:?}"
    );

    let signature = |jwt: &str| jwt.rsplit('.').next().unwrap().to_owned();
    let (signed, once_signed) = (signature(&jwt), signature(&expired));
    let bare = |token: &str| token.trim_start_matches("sandpit_").to_owned();
    let encoded = crate::auth_issuer::encoded(format!("me:{PASSWORD}").as_bytes());
    for secret in [
        bare(&good),
        bare(&revoked),
        signed,
        once_signed,
        operator,
        PASSWORD.to_owned(),
        encoded,
    ] {
        let found = said.iter().find(|text| text.contains(&secret));
        let line = found.and_then(|text| text.lines().find(|line| line.contains(&secret)));
        assert_eq!(line, None, "{secret} was said");
        let holds = |bytes: &[u8]| {
            bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes())
        };
        let file = files.iter().find(|(_, bytes)| holds(bytes));
        assert_eq!(file.map(|(name, _)| name), None, "{secret} is in a file");
    }
}
