//! A plain HTTP client for the REST side.

use futures::StreamExt;
use reqwest::Method;
use serde_json::Value;
use tokio::time::timeout;

use super::{Host, PATIENCE};

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Media type.
    pub content_type: String,
    /// The body as JSON; null if it is not JSON.
    pub json: Value,
}

impl Answer {
    /// The body of a success; fails on anything else.
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.json);
        self.json
    }

    /// The sentence of a problem (RFC 9457) with this status.
    pub fn problem(self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.json);
        assert_eq!(self.content_type, "application/problem+json");
        assert_eq!(self.json["status"], status);
        assert!(self.json["title"].is_string(), "{}", self.json);
        self.json["detail"].as_str().expect("a detail").to_owned()
    }
}

impl Host {
    /// GET below `/api/v1/`.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, None).await
    }

    /// POST of JSON below `/api/v1/`.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.request(Method::POST, path, Some(body.to_string()))
            .await
    }

    /// Any request below `/api/v1/`, with a body that claims to be JSON.
    pub async fn request(&self, method: Method, path: &str, body: Option<String>) -> Answer {
        let mut request = reqwest::Client::new().request(method, format!("{}/{path}", self.base));
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let response = timeout(PATIENCE, request.send())
            .await
            .expect("an answer")
            .unwrap();
        let status = response.status().as_u16();
        let content_type = response
            .headers()
            .get("content-type")
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default();
        let text = response.text().await.unwrap();
        Answer {
            status,
            content_type,
            json: serde_json::from_str(&text).unwrap_or_default(),
        }
    }

    /// Opens an event stream below `/api/v1/`.
    pub async fn events(&self, path: &str) -> Events {
        let response = reqwest::Client::new()
            .get(format!("{}/{path}", self.base))
            .header("accept", "text/event-stream")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        Events::of(response)
    }
}

/// An open event stream. Dropping it closes the connection.
pub struct Events {
    body: futures::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    buffer: String,
}

/// One server-sent event.
#[derive(Debug)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Value,
}

impl Events {
    /// The events of an answer, which must be some.
    pub fn of(response: reqwest::Response) -> Self {
        let kind = response.headers()["content-type"].to_str().unwrap();
        assert!(kind.starts_with("text/event-stream"), "{kind}");
        Self {
            body: response.bytes_stream().boxed(),
            buffer: String::new(),
        }
    }

    /// The next event; none at the end of the stream.
    pub async fn next(&mut self) -> Option<Event> {
        timeout(PATIENCE, async {
            loop {
                if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                    let event = parse(block);
                    self.buffer = rest.to_owned();
                    if event.is_some() {
                        return event;
                    }
                    continue;
                }
                let chunk = self.body.next().await?.ok()?;
                self.buffer
                    .push_str(&String::from_utf8_lossy(&chunk).replace('\r', ""));
            }
        })
        .await
        .expect("an event in time")
    }

    /// The next event of this name, whatever comes before it.
    pub async fn next_named(&mut self, name: &str) -> Option<Event> {
        loop {
            let event = self.next().await?;
            if event.name == name {
                return Some(event);
            }
        }
    }
}

/// A block of lines; none for a comment.
fn parse(block: &str) -> Option<Event> {
    let mut name = "message".to_owned();
    let mut data = String::new();
    for line in block.lines() {
        if let Some(value) = line.strip_prefix("event:") {
            name = value.trim().to_owned();
        } else if let Some(value) = line.strip_prefix("data:") {
            data.push_str(value.trim());
        }
    }
    let data = serde_json::from_str(&data).ok()?;
    Some(Event { name, data })
}
