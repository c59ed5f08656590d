//! The interface `context`: what a tool may know and say of its own call. It
//! gives no power over anything outside.

use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use wasmtime::component::{HasData, Linker};

use super::Exceeded;
use crate::bindings::sandpit::tool::context::{self, Host, Level as WitLevel};
use crate::bindings::sandpit::tool::types;
use crate::call::{Event, Level};
use crate::state::{Context, Ending, State};

/// The longest name of an event.
const EVENT_NAME: usize = 64;
/// The largest data of an event, in bytes.
const EVENT_DATA: usize = 256 << 10;
/// The longest text of a progress message, in characters.
const PROGRESS_MESSAGE: usize = 500;

/// The shortest time that a tool is held back: what the runtime's timer knows.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// What the interface sees of an instance's state.
pub(crate) struct ContextView<'a> {
    context: &'a mut Context,
    ending: &'a Ending,
}

/// Tells the linker which view the interface works on.
struct HasContext;

impl HasData for HasContext {
    type Data<'a> = ContextView<'a>;
}

/// Links the interface, and the types that a tool exports.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<State, HasContext>(linker, view)?;
    context::add_to_linker::<State, HasContext>(linker, view)
}

fn view(state: &mut State) -> ContextView<'_> {
    ContextView {
        context: &mut state.context,
        ending: &state.ending,
    }
}

impl ContextView<'_> {
    /// Sends an event to a caller who keeps up with them. Log lines and
    /// progress are not worth waiting for. Answers whether it was left out.
    fn send(&mut self, event: Event) -> bool {
        let Some(events) = &self.context.events else {
            return false;
        };
        if !self.context.allowance.take(1) {
            return true;
        }
        match events.try_send(event) {
            Ok(()) => false,
            Err(TrySendError::Full(_)) => true,
            Err(TrySendError::Closed(_)) => {
                self.context.events = None;
                false
            }
        }
    }

    /// Takes one event from what the call may send, and waits until there is
    /// one. Answers whether there was, before the call had to end and before
    /// its listener left.
    async fn pace(&mut self, events: &mpsc::Sender<Event>) -> bool {
        while !self.context.allowance.take(1) {
            // Without an end to the wait, the call waits for its own.
            let wait = self.context.allowance.wait(1).unwrap_or(Duration::MAX);
            tokio::select! {
                biased;
                _ = self.ending.reached() => return false,
                () = events.closed() => return false,
                () = tokio::time::sleep(wait.max(SHORTEST_WAIT)) => {}
            }
        }
        true
    }

    fn warn(&self, message: &str) {
        self.context.log.write(Level::Warning, message);
    }
}

impl types::Host for ContextView<'_> {}

impl Host for ContextView<'_> {
    fn log(&mut self, level: WitLevel, message: String) -> wasmtime::Result<()> {
        let level = match level {
            WitLevel::Debug => Level::Debug,
            WitLevel::Info => Level::Info,
            WitLevel::Warning => Level::Warning,
            WitLevel::Error => Level::Error,
        };
        let left_out = match self.context.log.write(level, &message) {
            Some(message) => self.send(Event::Log { level, message }),
            None => true,
        };
        if left_out {
            self.context.cut.log();
        }
        self.context.tell_of_cut();
        Ok(())
    }

    fn progress(
        &mut self,
        done: f64,
        total: Option<f64>,
        message: Option<String>,
    ) -> wasmtime::Result<()> {
        // MCP wants progress to grow; what does not is no news.
        let news = self.context.progress.is_none_or(|before| done > before);
        if !done.is_finite() || !news {
            return Ok(());
        }
        self.context.progress = Some(done);
        self.send(Event::Progress {
            done,
            total: total.filter(|total| total.is_finite()),
            message: message.map(|text| text.chars().take(PROGRESS_MESSAGE).collect()),
        });
        Ok(())
    }

    async fn emit(&mut self, event: String, data: String) -> wasmtime::Result<()> {
        let data = match stream_event(&event, data) {
            Ok(data) => data,
            Err(reason) => {
                self.warn(&reason);
                return Ok(());
            }
        };
        let Some(events) = self.context.events.clone() else {
            return Ok(());
        };
        let bytes = event.len().saturating_add(data.get().len());
        let stream_bytes = &mut self.context.stream_bytes;
        if !stream_bytes.take(u64::try_from(bytes).unwrap_or(u64::MAX)) {
            return Err(wasmtime::Error::new(Exceeded {
                what: "bytes of stream events",
                limit: stream_bytes.granted(),
            }));
        }
        self.context.tell_of_cut();
        if !self.pace(&events).await {
            return Ok(());
        }
        // Stream events are what the caller came for: a slow caller slows the
        // tool down, and the gateway merges what happens meanwhile.
        tokio::select! {
            biased;
            sent = events.send(Event::Emitted { event, data }) => {
                if sent.is_err() {
                    self.context.events = None;
                }
            }
            _ = self.ending.reached() => {}
        }
        Ok(())
    }

    fn remaining_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(u64::try_from(self.ending.remaining().as_millis()).unwrap_or(u64::MAX))
    }

    fn cancelled(&mut self) -> wasmtime::Result<bool> {
        Ok(self.ending.is_reached())
    }

    fn open_ended(&mut self) -> wasmtime::Result<bool> {
        Ok(self.context.open_ended)
    }
}

/// Checks a stream event: its name goes into a line of a server-sent event,
/// and its data is one JSON value.
fn stream_event(event: &str, data: String) -> Result<Box<RawValue>, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if event.is_empty() || event.len() > EVENT_NAME || !event.chars().all(allowed) {
        return Err(format!(
            "an event is left out: its name is not 1 to {EVENT_NAME} letters, digits, _, - and ."
        ));
    }
    if data.len() > EVENT_DATA {
        return Err(format!(
            "the event {event} is left out: it has {} bytes, more than {EVENT_DATA}",
            data.len()
        ));
    }
    let not_json = |error| format!("the event {event} is left out: its data is not JSON ({error})");
    if data.contains(['\n', '\r']) {
        // Line breaks between tokens would end the line of a server-sent
        // event; within strings JSON does not allow them.
        let raw: &RawValue = serde_json::from_str(&data).map_err(not_json)?;
        let line = raw.get().replace(['\n', '\r'], " ");
        return RawValue::from_string(line).map_err(not_json);
    }
    RawValue::from_string(data).map_err(not_json)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn events_are_json_in_one_line() {
        let data = stream_event("quote", "{\n\"a\": 1.50\r\n}".to_owned()).unwrap();
        assert_eq!(data.get(), "{ \"a\": 1.50  }");
    }

    #[test]
    fn bad_events_are_named() {
        for (event, data) in [
            ("", "1"),
            ("a\nb", "1"),
            ("quote", "{"),
            ("quote", "\"a\nb\""),
        ] {
            assert!(stream_event(event, data.to_owned()).is_err(), "{event:?}");
        }
        assert!(stream_event("quote", format!("\"{}\"", "x".repeat(EVENT_DATA))).is_err());
    }
}
