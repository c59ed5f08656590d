//! `sandpit call`: one call of a tool, through the host's REST side.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, bail};
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::serve::Host;
use super::simulate;
use crate::cli::operator::CallArgs;
use crate::cli::{StartArgs, Ways};
use crate::client::{self, Client};
use crate::component::while_waiting;
use crate::config::{Config, LogSection};
use crate::output::plain;
use crate::{logging, shutdown};

/// The largest event of a stream that is taken.
const EVENT: usize = 16 << 20;

/// Calls once.
pub async fn run(args: CallArgs) -> anyhow::Result<()> {
    let arguments = arguments(args.arguments.as_deref())?;
    if !is_name(&args.tool) {
        bail!(
            "{:?} is not the name of a tool; names have 1 to 64 of a-z, 0-9 and _",
            plain(&args.tool)
        );
    }
    let mut sources = args.folder.sources();
    if args.demo {
        sources = sources.for_demo();
    }
    let config = sources.read()?;
    let stop = shutdown::on_signal()?;
    if args.demo {
        return demo(&args.tool, arguments, config, stop).await;
    }
    let mut client = Client::new(args.url.as_ref(), &config)?;
    // An empty variable counts as unset, as compose files write it.
    if let Some(token) = args.token.filter(|token| !token.reveal().trim().is_empty()) {
        client = client.with_token(token);
    }
    call(&client, &args.tool, arguments, &stop).await
}

/// The arguments as they are sent: a JSON object.
fn arguments(given: Option<&str>) -> anyhow::Result<String> {
    let text = match given {
        None => "{}".to_owned(),
        Some("-") => {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.context("the arguments cannot be read from standard input")?;
            text
        }
        Some(text) => text.to_owned(),
    };
    match serde_json::from_str(&text) {
        // The text itself is sent: its decimals stay as they were written.
        Ok(Value::Object(_)) => Ok(text),
        Ok(_) => bail!("the arguments must be a JSON object, such as '{{\"symbol\": \"SPY\"}}'"),
        Err(error) => Err(error).context(
            "the arguments are not JSON; write an object in quotes, such as '{\"symbol\": \"SPY\"}'",
        ),
    }
}

/// What can be a tool's name, and so stands in a path as it is.
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// A host of its own for one call, on a simulated TWS, both on free ports.
async fn demo(
    tool: &str,
    arguments: String,
    mut config: Config,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    // The answer is what the caller wants to see.
    logging::start(
        &LogSection {
            level: "warn".to_owned(),
            ..config.log.clone()
        },
        None,
    )?;
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let start = StartArgs {
        seed: 1,
        fixture: None,
    };
    let simulator = simulate::start(any, &start).await?;
    config.gateway.host = simulator.address().ip().to_string();
    config.gateway.port = simulator.address().port();
    config.gateway.connect_on_start = true;
    config.server.listen = any.ip();
    config.server.port = 0;
    let folder = tempfile::tempdir().context("there is no place for the demo's journal")?;
    // Nobody but this process knows where it listens.
    let host = while_waiting(
        || "starting a host, which compiles its tools once".to_owned(),
        Host::start(&config, Ways::HTTP, folder.path().join("journal.db"), None),
    )
    .await;
    let host = match host {
        Ok(host) => host,
        Err(error) => {
            simulator.shutdown().await;
            return Err(error);
        }
    };
    config.server.port = host.address()?.port();
    let client = Client::new(None, &config)?;
    let end = CancellationToken::new();
    let serving = tokio::spawn(host.serve(end.clone()));
    let called = call(&client, tool, arguments, &stop).await;
    end.cancel();
    let served = serving.await;
    simulator.shutdown().await;
    called?;
    served.context("the host failed")?
}

/// Calls, and prints what comes until the end or until `stop`.
async fn call(
    client: &Client,
    tool: &str,
    arguments: String,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let answered = while_waiting(
        || format!("waiting for {tool}"),
        client.call(tool, arguments),
    );
    let response = tokio::select! {
        () = stop.cancelled() => bail!("stopped before {tool} answered"),
        response = answered => response?,
    };
    let status = response.status();
    let streams = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    if status == StatusCode::OK && streams {
        return tokio::select! {
            // Leaving ends the call, and Ctrl-C is how a stream is ended.
            () = stop.cancelled() => Ok(()),
            printed = print_events(client.base(), response) => printed,
        };
    }
    let text = tokio::select! {
        () = stop.cancelled() => bail!("stopped before {tool} answered"),
        text = client::text(response) => text?,
    };
    if !status.is_success() {
        bail!("{}", client::problem(client.base(), status, &text));
    }
    print(&text)
}

/// One line to standard output. Whoever reads it may leave.
fn print(line: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{}", line.trim_end())
        .and_then(|()| output.flush())
        .context("the answer cannot be written")
}

/// Prints each event of a stream as a line of JSON.
async fn print_events(base: &str, response: Response<Incoming>) -> anyhow::Result<()> {
    let mut body = response.into_body();
    let mut events = Events::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.context("the stream broke off")?;
        for (name, data) in events.take(frame.data_ref().map_or(&[], |data| data))? {
            if name == "error" {
                bail!("{}", client::problem(base, StatusCode::OK, &data));
            }
            print(&line(&name, &data))?;
        }
    }
    Ok(())
}

/// An event as a line: the data in the tool's own text if it is JSON.
fn line(name: &str, data: &str) -> String {
    let name = json!(name);
    match serde_json::from_str::<&serde_json::value::RawValue>(data) {
        Ok(_) => {
            let data = data.replace(['\n', '\r'], " ");
            format!("{{\"event\":{name},\"data\":{data}}}")
        }
        Err(_) => format!("{{\"event\":{name},\"data\":{}}}", json!(data)),
    }
}

/// Server-sent events, put together from what comes in pieces.
#[derive(Default)]
struct Events {
    bytes: Vec<u8>,
    name: String,
    data: String,
}

impl Events {
    /// The events that are complete with these bytes.
    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<Vec<(String, String)>> {
        self.bytes.extend_from_slice(bytes);
        let mut complete = Vec::new();
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let rest = self.bytes.split_off(end + 1);
            let line = std::mem::replace(&mut self.bytes, rest);
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                let name = std::mem::take(&mut self.name);
                let data = std::mem::take(&mut self.data);
                if !data.is_empty() {
                    complete.push((name, data));
                }
            } else if let Some(name) = line.strip_prefix("event:") {
                self.name = name.trim_start().to_owned();
            } else if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            }
        }
        if self.bytes.len() + self.data.len() > EVENT {
            bail!("an event of the stream is larger than {EVENT} bytes");
        }
        Ok(complete)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn arguments_are_an_object_in_their_own_text() {
        assert_eq!(arguments(None).unwrap(), "{}");
        assert_eq!(arguments(Some("{\"a\": 1.10}")).unwrap(), "{\"a\": 1.10}");
        for wrong in ["[1]", "symbol=SPY", "", "{"] {
            let error = format!("{:#}", arguments(Some(wrong)).unwrap_err());
            assert!(error.contains("object"), "{error}");
        }
    }

    #[test]
    fn names_stand_in_a_path() {
        assert!(is_name("ibkr_get_positions") && is_name("x2"));
        for wrong in ["", "../healthz", "a/b", "A", "a b", &"x".repeat(65)] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }

    #[test]
    fn events_come_in_pieces() {
        let text = ": hello\n\nevent: quote\r\ndata: {\"bid\":1.10,\ndata: \"ask\":2}\n\n\
                    data: x\nid: end\n\n";
        let whole = Events::default().take(text.as_bytes()).unwrap();
        let mut events = Events::default();
        let mut pieces = Vec::new();
        for byte in text.bytes() {
            pieces.extend(events.take(&[byte]).unwrap());
        }
        assert_eq!(whole, pieces);
        let lines: Vec<_> = whole.iter().map(|(name, data)| line(name, data)).collect();
        assert_eq!(
            lines,
            [
                "{\"event\":\"quote\",\"data\":{\"bid\":1.10, \"ask\":2}}",
                "{\"event\":\"\",\"data\":\"x\"}"
            ]
        );
    }

    #[test]
    fn an_event_has_a_limit() {
        let mut events = Events::default();
        let block = vec![b'x'; EVENT / 2 + 1];
        assert!(events.take(&block).is_ok());
        assert!(events.take(&block).is_err());
    }
}
