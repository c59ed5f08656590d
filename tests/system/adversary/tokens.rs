//! Guessing tokens. That an answer takes the same time for every guess is so by
//! construction: what is offered is hashed, and its digest compared with every
//! known one in constant time (`LiveTokens::find` and `TokenEntry::is` in the
//! front's module `auth`, `OperatorToken` for the operator's).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Fortress, request, status};
use crate::support::host::command;
use crate::support::process::Done;

/// The answer without what differs every time.
fn constant(text: &str) -> String {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let varies = |line: &&str| {
        let line = line.to_ascii_lowercase();
        !line.starts_with("sandpit-call-id:") && !line.starts_with("date:")
    };
    let head: Vec<_> = head.lines().filter(varies).collect();
    let mut body: Value = serde_json::from_str(body).unwrap();
    body["instance"] = Value::Null;
    format!("{}\n{body}", head.join("\n"))
}

#[tokio::test]
async fn every_guess_gets_the_same_answer() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("tokens.json");
    let made = Done::of(command().env("SANDPIT_AUTH__TOKENS_FILE", &file).args([
        "token",
        "new",
        "--name",
        "reader",
        "--tools",
        "ibkr_get_*",
    ]))
    .await;
    let made = made.ok();
    let start = made.find("sandpit_").unwrap();
    let token: String = made[start..]
        .chars()
        .take_while(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-'))
        .collect();
    let fortress = Fortress::with(&[
        ("AUTH__TOKENS_FILE", file.to_str().unwrap()),
        ("SERVER__REQUEST_TIMEOUT_SECONDS", "2"),
    ])
    .await;
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let path = "/api/v1/get_positions";
    let right = fortress
        .exchange(request("GET", path, &bearer(&token)))
        .await;
    assert_eq!(status(&right), Some(200), "{right}");

    let mut guesses = vec![
        token[..token.len() - 1].to_owned(),
        format!("{token}x"),
        token.to_uppercase(),
        token.chars().rev().collect(),
        "sandpit_".to_owned(),
        "x".to_owned(),
        "a.b.c".to_owned(),
        // `{"alg":"none"}`, `{}` and no signature.
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
        "eyJhbGciOiJIUzI1NiJ9.e30.AAAA".to_owned(),
        "x".repeat(8_000),
    ];
    for place in (0..token.len()).step_by(5) {
        let mut signs: Vec<char> = token.chars().collect();
        signs[place] = if signs[place] == 'a' { 'b' } else { 'a' };
        guesses.push(signs.into_iter().collect());
    }
    let mut answers = BTreeSet::new();
    for guess in &guesses {
        let text = fortress
            .exchange(request("GET", path, &bearer(guess)))
            .await;
        assert_eq!(status(&text), Some(401), "{guess:.60}: {text}");
        answers.insert(constant(&text));
    }
    assert_eq!(answers.len(), 1, "{answers:#?}");
    let log = fortress.host.log();
    for guess in guesses.iter().filter(|guess| guess.len() > 8) {
        assert!(!log.contains(guess.as_str()), "{guess:.60} is in the log");
    }

    // Elsewhere than in the header a token counts for nothing and harms nobody.
    for (path, headers, expected) in [
        ("/operator/status", bearer(&token), 401),
        ("/operator/status", String::new(), 401),
        (path, format!("{}{}", bearer(&token), bearer("x")), 400),
        (path, format!("Authorization: Basic {token}\r\n"), 401),
        (path, "Authorization:\r\n".to_owned(), 401),
    ] {
        let text = fortress.exchange(request("GET", path, &headers)).await;
        assert_eq!(status(&text), Some(expected), "{path} {headers}: {text}");
        assert!(!text.contains(&token), "{text}");
    }
    fortress.stands().await;
}
