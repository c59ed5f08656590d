//! What each request of the control port does.

use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Port;
use crate::chaos::{Chaos, Fault, Profile, Script};
use crate::error::ControlError;

/// A request that was not answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("there is no {0} {1}; GET / names the requests there are")]
    Unknown(Method, String),
    #[error("the method {0} is not used here; GET / names the requests there are")]
    Method(Method),
    #[error("the content type has to be application/json")]
    NotJson,
    #[error("the request is longer than {0} bytes")]
    TooLong(usize),
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl Failure {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Unknown(..) => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_) | Self::Control(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// One thing to do, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Faults {
    Several(Vec<Value>),
    One(Value),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    steps: u32,
}

/// No more steps are taken at one request: they are taken before it is answered.
const MAX_STEPS: u32 = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seeded {
    seed: u64,
    profile: Name,
    steps: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Name {
    Everything,
    Trading,
    Nights,
}

/// The longest script that is made from a seed.
const MAX_LENGTH: u64 = 10_000_000;

/// Answers a request.
pub(super) fn answer(
    port: &Port,
    method: &Method,
    path: &str,
    query: &str,
    body: &[u8],
) -> Result<Value, Failure> {
    let control = &port.control;
    match (method.as_str(), path) {
        ("GET", "/") => Ok(json!({ "requests": [
            "GET /state", "GET /books", "GET /received?after=N", "GET /changes?after=N",
            "GET /happened?after=N", "GET /price?symbol=SYMBOL", "POST /do", "POST /step", "POST /script", "POST /chaos",
            "DELETE /script",
        ] })),
        ("GET", "/state") => Ok(json!({
            "address": port.simulator,
            "steps": control.steps(),
            "totals": control.connection_totals(),
            "connections": control.connections(),
        })),
        ("GET", "/books") => {
            let books = control.books();
            let problem = books.check().err().map(|error| error.to_string());
            Ok(json!({ "books": books, "addUp": problem.is_none(), "problem": problem }))
        }
        ("GET", "/received") => Ok(json!(rest(control.received(), query)?)),
        ("GET", "/changes") => Ok(json!(rest(control.order_changes(), query)?)),
        ("GET", "/happened") => Ok(json!(rest(control.happened(), query)?)),
        ("GET", "/price") => {
            let symbol = parameter(query, "symbol").ok_or_else(|| {
                Failure::Invalid(String::from("expected ?symbol=, a local symbol"))
            })?;
            Ok(json!({
                "symbol": symbol,
                "price": control.price(&symbol)?,
                "conId": control.con_id(&symbol)?,
            }))
        }
        ("POST", "/do") => {
            let wanted = match read(body)? {
                Faults::Several(faults) => faults,
                Faults::One(fault) => vec![fault],
            };
            // All are read before the first is done.
            let faults: Vec<Fault> = wanted
                .into_iter()
                .map(|fault| serde_json::from_value(fault).map_err(invalid))
                .collect::<Result<_, _>>()?;
            let done = faults.len();
            for fault in faults {
                control.act(fault)?;
            }
            Ok(json!({ "done": done }))
        }
        ("POST", "/step") => {
            let Steps { steps } = read(body)?;
            if steps > MAX_STEPS {
                return Err(Failure::Invalid(format!(
                    "{steps} steps are more than {MAX_STEPS}, the most at once"
                )));
            }
            control.step(steps);
            Ok(json!({ "steps": control.steps() }))
        }
        ("POST", "/script") => {
            let script: Script = read(body)?;
            let planned = script.events.len();
            control.play(script);
            Ok(json!({ "planned": planned }))
        }
        ("POST", "/chaos") => {
            let Seeded {
                seed,
                profile,
                steps,
            } = read(body)?;
            if steps > MAX_LENGTH {
                return Err(Failure::Invalid(format!(
                    "{steps} steps are more than {MAX_LENGTH}, the longest script"
                )));
            }
            let profile = match profile {
                Name::Everything => Profile::everything(steps),
                Name::Trading => Profile::trading(steps),
                Name::Nights => Profile::nights(steps, (steps / 10).max(1)),
            };
            let script = Chaos::seeded(seed, &profile);
            control.play(script.clone());
            Ok(json!(script))
        }
        ("DELETE", "/script") => {
            control.stop_scripts();
            Ok(json!({}))
        }
        ("GET" | "POST" | "DELETE", _) => Err(Failure::Unknown(method.clone(), path.to_owned())),
        _ => Err(Failure::Method(method.clone())),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(invalid)
}

fn invalid(error: serde_json::Error) -> Failure {
    Failure::Invalid(format!("the body is not what was expected: {error}"))
}

fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// A list without its first entries.
fn rest<T>(list: Vec<T>, query: &str) -> Result<Vec<T>, Failure> {
    let after = match parameter(query, "after") {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            Failure::Invalid(format!(
                "after={text} is not a number of entries to leave out"
            ))
        })?,
    };
    Ok(list.into_iter().skip(after).collect())
}
