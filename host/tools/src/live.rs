//! The calls that have not ended: who calls what, and since when.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use crate::call::CallRequest;
use crate::status::{CallState, LiveCall};

/// The calls that have not ended. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct LiveCalls {
    calls: Arc<Mutex<Calls>>,
}

#[derive(Debug, Default)]
struct Calls {
    next: u64,
    live: BTreeMap<u64, LiveCall>,
}

impl LiveCalls {
    /// Notes a call that begins. It is forgotten when what this answers is
    /// dropped.
    pub(crate) fn begin(&self, tool: &str, request: &CallRequest) -> Live {
        let call = LiveCall {
            id: request.call_id.clone(),
            tool: tool.to_owned(),
            client: request.client.clone(),
            since: OffsetDateTime::now_utc(),
            state: CallState::Waiting,
            stream: request.open_ended,
        };
        let mut calls = self.lock();
        let number = calls.next;
        calls.next += 1;
        calls.live.insert(number, call);
        drop(calls);
        Live {
            calls: self.clone(),
            number,
        }
    }

    /// All of them, in the order in which they began.
    pub(crate) fn list(&self) -> Vec<LiveCall> {
        self.lock().live.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        // Nothing that holds the lock leaves it half changed.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that has not ended.
#[derive(Debug)]
pub(crate) struct Live {
    calls: LiveCalls,
    number: u64,
}

impl Live {
    /// Its turn has come.
    pub(crate) fn runs(&self) {
        if let Some(call) = self.calls.lock().live.get_mut(&self.number) {
            call.state = CallState::Running;
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.calls.lock().live.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: &str) -> CallRequest {
        CallRequest::new(serde_json::Map::new(), "rest curl", id)
    }

    #[test]
    fn a_call_is_listed_until_it_is_dropped() {
        let calls = LiveCalls::default();
        let told = || -> Vec<_> {
            let list = calls.list().into_iter();
            list.map(|call| (call.id, call.tool, call.state)).collect()
        };
        let first = calls.begin("b", &request("1"));
        let second = calls.begin("a", &request("2"));
        second.runs();
        let (first_told, second_told) = (
            ("1".to_owned(), "b".to_owned(), CallState::Waiting),
            ("2".to_owned(), "a".to_owned(), CallState::Running),
        );
        assert_eq!(told(), [first_told, second_told.clone()]);
        drop(first);
        assert_eq!(told(), [second_told]);
        drop(second);
        assert!(told().is_empty());
    }
}
