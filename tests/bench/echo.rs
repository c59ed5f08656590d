//! The baseline of the front: rmcp on plain hyper with one tool that answers
//! at once, and nothing else.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServerHandler};
use tokio::net::TcpListener;

/// What the program is started with to be the echo.
pub const ARGUMENT: &str = "--be-the-echo";

/// The name of its tool.
pub const TOOL: &str = "echo";

#[derive(Clone)]
struct Echo {
    answer: serde_json::Value,
}

impl Echo {
    fn tool() -> Tool {
        let schema = serde_json::Map::from_iter([("type".to_owned(), "object".into())]);
        Tool::new(TOOL, "Answers.", Arc::new(schema))
    }
}

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        (name == TOOL).then(Self::tool)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(vec![Self::tool()]))
    }

    async fn call_tool(
        &self,
        _request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok(CallToolResult::structured(self.answer.clone()).into())
    }
}

/// Serves on a free port until the process is killed.
pub async fn serve() {
    // About as long as what the measured tool answers.
    let answer = serde_json::json!({
        "connected": true, "host": "127.0.0.1", "port": 4002, "clientId": 1,
        "serverVersion": 226, "accounts": ["DU1234567"], "accountKind": "paper",
        "since": "2026-01-01T00:00:00Z", "timeZone": "America/New_York",
    });
    let echo = Echo { answer };
    let mut config = StreamableHttpServerConfig::default();
    config.json_response = true;
    let service = StreamableHttpService::new(
        move || Ok(echo.clone()),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("http://{}", listener.local_addr().expect("an address"));
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let _ = socket.set_nodelay(true);
        let service = service.clone();
        tokio::spawn(async move {
            let handle = service_fn(move |request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(service.handle(request).await) }
            });
            let _ = Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(socket), handle)
                .await;
        });
    }
}
