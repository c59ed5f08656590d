//! MCP over standard input and output, for a client that starts the host itself.
//!
//! There is one client, and it needs no token: whoever starts the host has the
//! rights of its operator anyway. rmcp speaks both protocol eras here too, as
//! the first request says.

use std::future::Future;
use std::time::Duration;

use rmcp::model::{ClientJsonRpcMessage, GetExtensions, JsonRpcMessage, ServerJsonRpcMessage};
use rmcp::service::{RoleServer, ServerInitializeError, serve_server_with_ct};
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::{Transport, stdio_pipes};
use sandpit_tools::Tools;
use tokio_util::sync::CancellationToken;

use super::changes::ListChanges;
use super::handler::{Handler, Shared};
use super::sessions::Ledger;
use crate::auth::Identity;
use crate::call;
use crate::config::FrontConfig;
use crate::trace::CallId;

/// How long calls may take to end once the client has left, or the host is
/// asked to stop. rmcp itself waits half as long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there was nobody to serve.
#[derive(Debug, thiserror::Error)]
pub enum StdioError {
    /// The first messages did not lead to a conversation.
    #[error(
        "MCP over standard input and output did not begin: {0}. An MCP client has to start this \
         command, with pipes for both."
    )]
    NotBegun(String),
    /// The conversation ended by a defect.
    #[error("MCP over standard input and output ended by a defect of the host: {0}")]
    Defect(String),
}

/// Serves one client on standard input and output until it closes the input,
/// or until `stop`. Nothing else may write to standard output meanwhile.
///
/// # Errors
///
/// [`StdioError`] if it did not end by one of these.
pub async fn serve_stdio(
    tools: Tools,
    config: &FrontConfig,
    stop: CancellationToken,
) -> Result<(), StdioError> {
    let streams = stop.child_token();
    let changes = ListChanges::default();
    // There is no session that could be left behind: its end is the host's.
    let ledger = Ledger::default();
    let shared = Shared::new(
        tools.clone(),
        config,
        streams.clone(),
        changes.clone(),
        ledger,
    );
    let (input, output) = stdio_pipes();
    let lines = AsyncRwTransport::new(input, output).with_max_line_length(config.limits.body_bytes);
    let client = Client {
        lines,
        begun: false,
        streams: streams.clone(),
    };
    let announcing = changes.announce(tools, streams.clone());
    let serving = async {
        let handler = Handler::new(shared.into());
        let ended = match serve_server_with_ct(handler, client, stop.child_token()).await {
            Ok(running) => running.waiting().await,
            // It left before it said anything, or the host was stopped.
            Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => {
                return Ok(());
            }
            Err(error) => return Err(StdioError::NotBegun(error.to_string())),
        };
        match ended {
            Ok(reason) => {
                tracing::debug!(?reason, "the client on standard input has left");
                Ok(())
            }
            Err(error) => Err(StdioError::Defect(error.to_string())),
        }
    };
    let too_late = async {
        streams.cancelled().await;
        tokio::time::sleep(PATIENCE).await;
        tracing::warn!("calls were still running and are cut off");
        Ok(())
    };
    tokio::select! {
        ended = serving => ended,
        ended = too_late => ended,
        // It never ends before the two others.
        () = async { announcing.await; std::future::pending().await } => Ok(()),
    }
}

/// The client's lines, each with who sent it.
struct Client<T> {
    lines: T,
    /// Whether it has asked for anything.
    begun: bool,
    /// Cancelled when it leaves, so that nothing goes on streaming to nobody.
    streams: CancellationToken,
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Client<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.lines.send(message)
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            let Some(mut message) = self.lines.receive().await else {
                self.streams.cancel();
                return None;
            };
            if let JsonRpcMessage::Request(request) = &mut message {
                // The handler finds it there, as that of a request over HTTP.
                let extensions = request.request.extensions_mut();
                extensions.insert(Identity::stdio());
                extensions.insert(CallId(call::new_id()));
                self.begun = true;
            }
            // What comes before the first request belongs to nothing.
            if self.begun {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.lines.close().await
    }
}
