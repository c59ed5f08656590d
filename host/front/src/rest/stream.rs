//! The calls of streaming tools as server-sent events.
//!
//! Every event of the tool is an event of its own name; its log lines and its
//! progress are `log` and `progress`; the last event is `summary` with the
//! answer, or `error` with a problem. A call that fails before it sent anything
//! is answered with the problem itself, and its status.
//!
//! The caller holds the call: when it leaves, the call is cancelled. When it
//! reads too slowly, the tool waits for it, and when it stops to read, the
//! call is cancelled too.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use sandpit_tools::{CallRequest, Event, Level, Outcome, ToolError};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::call;
use crate::problem::Problem;
use crate::reply::{self, Body};
use crate::router::App;

/// How many events may wait for the tool's side and for the caller's side.
const WAITING: usize = 64;

/// How long the head of the response waits for a call that fails at once.
const EARLY: Duration = Duration::from_secs(1);

/// The id of the last event. A browser's `EventSource` connects again when a
/// stream ends, and so would start the call again: it sends this id back, and
/// is told with 204 that there is no more.
const END: &str = "end";

/// Starts the call and answers with its events.
pub(super) async fn answer(
    app: &App,
    name: String,
    mut request: CallRequest,
    headers: &HeaderMap,
) -> Result<Response<Body>, Problem> {
    if headers
        .get("last-event-id")
        .is_some_and(|id| id.as_bytes() == END.as_bytes())
    {
        return Ok(reply::empty(StatusCode::NO_CONTENT));
    }
    let cancel = app.streams.child_token();
    let cancelled_if_dropped = cancel.clone().drop_guard();
    let (events, received) = mpsc::channel(WAITING);
    let (frames, body) = mpsc::channel(WAITING);
    let (early, verdict) = oneshot::channel();
    let writer = Writer {
        frames,
        call_id: request.call_id.clone(),
        cancel: cancel.clone(),
        early: Some(early),
        slow_reader: app.config.limits.write_time,
        keep_alive: app.config.stream_keep_alive,
    };
    request.events = Some(events);
    request.cancel = cancel;
    let tools = app.tools.clone();
    let writing = async move {
        let call = call::run(&tools, &name, request);
        writer.run(call, received).await;
    };
    tokio::spawn(writing.in_current_span());
    if let Ok(Ok(problem)) = tokio::time::timeout(EARLY, verdict).await {
        return Err(*problem);
    }
    // From here on the caller's end of the body holds the call.
    cancelled_if_dropped.disarm();
    let body = ReceiverStream::new(body).map(|frame| Ok(Frame::data(frame)));
    let mut response = Response::new(Body::new(StreamBody::new(body)));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies of the nginx kind collect responses unless told not to.
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok(response)
}

/// The caller takes no more.
struct Gone;

/// Writes the events of one call to its caller.
struct Writer {
    frames: mpsc::Sender<Bytes>,
    call_id: String,
    cancel: CancellationToken,
    /// Taken with the first thing that is written.
    early: Option<oneshot::Sender<Box<Problem>>>,
    slow_reader: Duration,
    keep_alive: Duration,
}

impl Writer {
    async fn run(
        mut self,
        call: impl Future<Output = Result<Outcome, ToolError>>,
        events: mpsc::Receiver<Event>,
    ) {
        if self.write(call, events).await.is_err() {
            tracing::debug!(call_id = self.call_id, "the reader of the stream is gone");
            self.cancel.cancel();
        }
    }

    async fn write(
        &mut self,
        call: impl Future<Output = Result<Outcome, ToolError>>,
        mut events: mpsc::Receiver<Event>,
    ) -> Result<(), Gone> {
        let mut call = pin!(call);
        let mut open = true;
        let outcome = loop {
            tokio::select! {
                biased;
                () = self.frames.closed() => return Err(Gone),
                event = events.recv(), if open => match event {
                    Some(event) => self.send(frame(event)).await?,
                    None => open = false,
                },
                outcome = &mut call => break outcome,
                () = tokio::time::sleep(self.keep_alive) => {
                    self.send(Bytes::from_static(b": still here\n\n")).await?;
                }
            }
        };
        while let Ok(event) = events.try_recv() {
            self.send(frame(event)).await?;
        }
        match super::answer(outcome) {
            Ok(summary) => self.send(event("summary", &summary, Some(END))).await,
            Err(problem) => self.fail(problem).await,
        }
    }

    async fn fail(&mut self, problem: Problem) -> Result<(), Gone> {
        let problem = match self.early.take() {
            None => problem,
            Some(early) => match early.send(Box::new(problem)) {
                Ok(()) => return Ok(()),
                // The head of the response has just been sent.
                Err(problem) => *problem,
            },
        };
        let problem = problem.json(&self.call_id).to_string();
        self.send(event("error", &problem, Some(END))).await
    }

    async fn send(&mut self, frame: Bytes) -> Result<(), Gone> {
        self.early = None;
        match tokio::time::timeout(self.slow_reader, self.frames.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}

/// An event of a tool, as it is written.
fn frame(event: Event) -> Bytes {
    match event {
        Event::Emitted { event, data } => self::event(&event, data.get(), None),
        Event::Log { level, message } => {
            let level = level_name(level);
            let log = json!({ "level": level, "message": message });
            self::event("log", &log.to_string(), None)
        }
        Event::Progress {
            done,
            total,
            message,
        } => {
            let mut progress = json!({ "done": done });
            if let Some(progress) = progress.as_object_mut() {
                let total = total.map(Value::from);
                let message = message.map(Value::from);
                for (name, value) in [("total", total), ("message", message)] {
                    progress.extend(value.map(|value| (name.to_owned(), value)));
                }
            }
            self::event("progress", &progress.to_string(), None)
        }
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

/// A server-sent event. Data of several lines takes several fields.
fn event(name: &str, data: &str, id: Option<&str>) -> Bytes {
    let mut text = format!("event: {name}\n");
    for line in data.split(['\r', '\n']) {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    if let Some(id) = id {
        text.push_str("id: ");
        text.push_str(id);
        text.push('\n');
    }
    text.push('\n');
    text.into()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn events_are_written_as_the_standard_says() {
        assert_eq!(
            event("summary", "{\n \"a\": 1}", Some("end")),
            "event: summary\ndata: {\ndata:  \"a\": 1}\nid: end\n\n"
        );
    }

    #[test]
    fn data_keeps_the_text_of_the_tool() {
        let data = RawValue::from_string("{\"bid\":1.10}".to_owned()).unwrap();
        let tick = Event::Emitted {
            event: "tick".to_owned(),
            data,
        };
        assert_eq!(frame(tick), "event: tick\ndata: {\"bid\":1.10}\n\n");
    }

    /// A writer for a reader who takes `room` frames and no more.
    fn writer(
        room: usize,
    ) -> (
        Writer,
        mpsc::Receiver<Bytes>,
        oneshot::Receiver<Box<Problem>>,
    ) {
        let (frames, body) = mpsc::channel(room);
        let (early, verdict) = oneshot::channel();
        let writer = Writer {
            frames,
            call_id: "1".to_owned(),
            cancel: CancellationToken::new(),
            early: Some(early),
            slow_reader: Duration::from_millis(20),
            keep_alive: Duration::from_secs(3600),
        };
        (writer, body, verdict)
    }

    fn log(message: &str) -> Event {
        Event::Log {
            level: Level::Info,
            message: message.to_owned(),
        }
    }

    fn failed() -> Result<Outcome, ToolError> {
        let kind = sandpit_tools::FailureKind::NotFound;
        let failure = sandpit_tools::Failure::new(kind, "Not there.");
        Ok(Outcome::Failure(failure))
    }

    #[tokio::test]
    async fn a_reader_that_stops_reading_loses_its_call() {
        let (writer, _body, _verdict) = writer(1);
        let cancel = writer.cancel.clone();
        let (events, received) = mpsc::channel(8);
        for _ in 0..2 {
            events.send(log("more")).await.unwrap();
        }
        writer.run(std::future::pending(), received).await;
        assert!(cancel.is_cancelled());
    }

    #[tokio::test]
    async fn a_reader_that_leaves_loses_its_call() {
        let (writer, body, _verdict) = writer(1);
        let cancel = writer.cancel.clone();
        let (_events, received) = mpsc::channel(8);
        drop(body);
        writer.run(std::future::pending(), received).await;
        assert!(cancel.is_cancelled());
    }

    #[tokio::test]
    async fn a_failure_before_anything_else_is_the_answer() {
        let (writer, mut body, verdict) = writer(8);
        let (events, received) = mpsc::channel(8);
        drop(events);
        writer.run(async { failed() }, received).await;
        let problem = verdict.await.unwrap().json("1");
        assert_eq!(problem.get("status"), Some(&json!(404)));
        assert_eq!(body.recv().await, None);
    }

    #[tokio::test]
    async fn a_failure_after_events_is_the_last_of_them() {
        let (writer, mut body, verdict) = writer(8);
        let (events, received) = mpsc::channel(8);
        events.send(log("begun")).await.unwrap();
        writer.run(async { failed() }, received).await;
        assert!(verdict.await.is_err());
        let first = body.recv().await.unwrap();
        assert!(first.starts_with(b"event: log\n"));
        let last = String::from_utf8(body.recv().await.unwrap().to_vec()).unwrap();
        assert!(last.starts_with("event: error\ndata: {"), "{last}");
        assert!(last.ends_with("\nid: end\n\n"), "{last}");
        assert_eq!(body.recv().await, None);
    }

    #[test]
    fn what_is_not_known_is_not_there() {
        let progress = |total, message| {
            frame(Event::Progress {
                done: 2.0,
                total,
                message,
            })
        };
        assert_eq!(
            progress(None, None),
            "event: progress\ndata: {\"done\":2.0}\n\n"
        );
        assert_eq!(
            progress(Some(4.0), Some("half".to_owned())),
            "event: progress\ndata: {\"done\":2.0,\"message\":\"half\",\"total\":4.0}\n\n"
        );
    }
}
