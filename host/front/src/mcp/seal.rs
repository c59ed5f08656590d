//! The state of a question on its way through a client and back (MCP
//! 2026-07-28, `requestState`).
//!
//! What comes back decides how a call goes on, and may be an order's approval.
//! So it is signed with a key of this process, bound to the caller, the tool
//! and the very arguments, ends after a while, and counts once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rmcp::model::{JsonObject, RequestStateCodec, SealOptions};
use serde::{Deserialize, Serialize};

use super::asked::Asked;
use crate::call;

/// How many used states are remembered at most. When so many are used within
/// their lifetime, further ones are refused.
const REMEMBERED: usize = 10_000;

/// Seals questions and opens what comes back.
pub(super) struct Seal {
    codec: RequestStateCodec,
    lifetime: Duration,
    used: Mutex<HashMap<String, Instant>>,
}

/// Which request a state belongs to.
pub(super) struct Bound<'a> {
    /// Its method.
    pub(super) method: &'a str,
    /// Who calls.
    pub(super) caller: &'a str,
    /// What of: the tool's name.
    pub(super) name: &'a str,
    /// The arguments.
    pub(super) arguments: &'a JsonObject,
}

/// Questions that came back with the responses.
#[derive(Debug)]
pub(super) struct Opened {
    /// How often the request has asked by now.
    pub(super) round: u32,
    /// The questions.
    pub(super) asked: Asked,
    id: String,
}

/// The state is not one that was given out for this call, or its time is over.
/// Which of them it is, is nobody's business but ours.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "requestState is not valid here: it was changed, belongs to another call, was used before, or \
     has expired. Call the tool again without it."
)]
pub(super) struct InvalidState;

#[derive(Serialize, Deserialize)]
struct Payload {
    id: String,
    round: u32,
    asked: Asked,
}

impl Seal {
    /// With a key that nobody else has.
    pub(super) fn new(lifetime: Duration) -> Self {
        let key: [u8; 32] = rand::random();
        Self {
            codec: RequestStateCodec::new_unchecked(key),
            lifetime,
            used: Mutex::default(),
        }
    }

    /// Seals the question of a call.
    pub(super) fn close(&self, bound: &Bound<'_>, round: u32, asked: &Asked) -> Option<String> {
        let payload = Payload {
            id: call::new_id(),
            round,
            asked: asked.clone(),
        };
        let bound = bound.bytes();
        let options = SealOptions::new()
            .associated_data(&bound)
            .ttl(self.lifetime);
        self.codec.seal_json_with(&payload, &options).ok()
    }

    /// Opens what came back with a call.
    pub(super) fn open(&self, bound: &Bound<'_>, sealed: &str) -> Result<Opened, InvalidState> {
        let name = bound.name;
        let bound = bound.bytes();
        let payload: Payload = self.codec.open_json_with(sealed, &bound).map_err(|error| {
            tracing::debug!(name, %error, "a request state was refused");
            InvalidState
        })?;
        Ok(Opened {
            round: payload.round,
            asked: payload.asked,
            id: payload.id,
        })
    }

    /// Uses an opened state, which can be done once.
    pub(super) fn spend(&self, opened: &Opened) -> Result<(), InvalidState> {
        let now = Instant::now();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.contains_key(&opened.id) {
            return Err(InvalidState);
        }
        if used.len() >= REMEMBERED {
            // Whatever is older than the lifetime is refused by the codec.
            used.retain(|_, since| now.duration_since(*since) <= self.lifetime);
            if used.len() >= REMEMBERED {
                return Err(InvalidState);
            }
        }
        used.insert(opened.id.clone(), now);
        Ok(())
    }
}

impl Bound<'_> {
    /// The keys of a `JsonObject` are sorted, so that the same arguments give
    /// the same bytes.
    fn bytes(&self) -> Vec<u8> {
        // A name may hold any sign; its length says where it ends.
        let (length, caller) = (self.caller.len(), self.caller);
        let (method, name) = (self.method, self.name);
        let mut bytes = format!("{method}\n{length} {caller}\n{name}\n").into_bytes();
        bytes.extend(serde_json::to_vec(self.arguments).unwrap_or_default());
        bytes
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use sandpit_tools::{
        Confirmation, Elicitation, InputRequest, InputResponse, Question, Questions, Response,
        Resume,
    };
    use serde_json::json;

    use super::*;

    fn arguments(json: serde_json::Value) -> JsonObject {
        json.as_object().unwrap().clone()
    }

    fn bound<'a>(tool: &'a str, arguments: &'a JsonObject) -> Bound<'a> {
        Bound {
            method: "tools/call",
            caller: "local",
            name: tool,
            arguments,
        }
    }

    fn question() -> Asked {
        Asked::Tool(Questions {
            questions: vec![Question {
                name: "sure".to_owned(),
                request: InputRequest::Elicitation(Elicitation {
                    message: "Buy 100 SPY?".to_owned(),
                    schema: arguments(json!({"type": "object"})),
                }),
            }],
            state: vec![0, 255, 7],
        })
    }

    #[test]
    fn a_state_comes_back_for_the_same_call() {
        let seal = Seal::new(Duration::from_secs(60));
        let there = arguments(json!({"a": 1, "b": {"x": 1, "y": 2}}));
        let back = arguments(serde_json::from_str(r#"{"b":{"y":2,"x":1},"a":1}"#).unwrap());
        let sealed = seal.close(&bound("t", &there), 3, &question()).unwrap();
        let opened = seal.open(&bound("t", &back), &sealed).unwrap();
        assert_eq!(opened.round, 3);
        assert_eq!(opened.asked, question());
    }

    #[test]
    fn a_confirmation_comes_back_with_what_its_run_began_with() {
        let approval = json!({"gateway": "paper", "order": "ab".repeat(32), "nonce": "n"});
        let confirmation = json!({"message": "Buy 100 SPY", "approval": approval});
        let confirmation: Confirmation = serde_json::from_value(confirmation).unwrap();
        let seal = Seal::new(Duration::from_secs(60));
        let these = JsonObject::new();
        for response in [
            None,
            Some(InputResponse::Accept("{\"a\":1}".to_owned())),
            Some(InputResponse::Decline),
            Some(InputResponse::Cancel),
            Some(InputResponse::Roots(Vec::new())),
        ] {
            let asked = Asked::Host {
                confirmation: confirmation.clone(),
                resume: response.map(|response| Resume {
                    state: vec![0, 255, 7],
                    responses: vec![Response {
                        name: "sure".to_owned(),
                        response,
                    }],
                }),
            };
            let sealed = seal.close(&bound("t", &these), 1, &asked).unwrap();
            assert_eq!(
                seal.open(&bound("t", &these), &sealed).unwrap().asked,
                asked
            );
        }
    }

    #[test]
    fn a_state_of_another_call_is_refused() {
        let seal = Seal::new(Duration::from_secs(60));
        let these = arguments(json!({"quantity": 1}));
        let others = arguments(json!({"quantity": 100}));
        let sealed = seal.close(&bound("t", &these), 1, &question()).unwrap();
        assert!(seal.open(&bound("t", &others), &sealed).is_err());
        assert!(seal.open(&bound("u", &these), &sealed).is_err());
        assert!(seal.open(&bound("t", &these), "nonsense").is_err());
        let anothers = Bound {
            caller: "token:other",
            ..bound("t", &these)
        };
        assert!(seal.open(&anothers, &sealed).is_err());
        let of_another_kind = Bound {
            method: "prompts/get",
            ..bound("t", &these)
        };
        assert!(seal.open(&of_another_kind, &sealed).is_err());
        let elsewhere = Seal::new(Duration::from_secs(60));
        assert!(elsewhere.open(&bound("t", &these), &sealed).is_err());
    }

    #[test]
    fn a_changed_state_is_refused() {
        let seal = Seal::new(Duration::from_secs(60));
        let these = JsonObject::new();
        let sealed = seal.close(&bound("t", &these), 1, &question()).unwrap();
        for index in [6, sealed.len() / 2, sealed.len() - 1] {
            let mut changed = sealed.clone().into_bytes();
            let byte = changed.get_mut(index).unwrap();
            *byte = if *byte == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(seal.open(&bound("t", &these), &changed).is_err(), "{index}");
        }
    }

    #[test]
    fn a_state_ends() {
        let seal = Seal::new(Duration::ZERO);
        let sealed = seal
            .close(&bound("t", &JsonObject::new()), 1, &question())
            .unwrap();
        std::thread::sleep(Duration::from_millis(5));
        assert!(seal.open(&bound("t", &JsonObject::new()), &sealed).is_err());
    }

    #[test]
    fn a_state_counts_once() {
        let seal = Seal::new(Duration::from_secs(60));
        let sealed = seal
            .close(&bound("t", &JsonObject::new()), 1, &question())
            .unwrap();
        let opened = seal.open(&bound("t", &JsonObject::new()), &sealed).unwrap();
        assert_eq!(seal.spend(&opened), Ok(()));
        let again = seal.open(&bound("t", &JsonObject::new()), &sealed).unwrap();
        assert_eq!(seal.spend(&again), Err(InvalidState));
    }
}
