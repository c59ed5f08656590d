//! The baseline of the front: rmcp on plain hyper with one tool that answers
//! at once, and nothing else. Below `/stream` it answers by event streams.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
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

/// Serves on a free port until the process is killed. What the tool answers is
/// the program's last argument, so that it can be what the measured tool
/// answers.
pub async fn serve() {
    let answer = std::env::args().next_back().expect("an answer");
    let echo = Echo {
        answer: serde_json::from_str(&answer).expect("a JSON object"),
    };
    let service = |json_response| {
        let echo = echo.clone();
        let mut config = StreamableHttpServerConfig::default();
        config.json_response = json_response;
        // Without sessions where JSON is wanted: a session answers by streams.
        config.legacy_session_mode = !json_response;
        StreamableHttpService::new(
            move || Ok(echo.clone()),
            Arc::new(LocalSessionManager::default()),
            config,
        )
    };
    let (json, stream) = (service(true), service(false));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("http://{}", listener.local_addr().expect("an address"));
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let _ = socket.set_nodelay(true);
        let (json, stream) = (json.clone(), stream.clone());
        tokio::spawn(async move {
            let handle = service_fn(move |request: Request<Incoming>| {
                let service = if request.uri().path() == "/stream" {
                    stream.clone()
                } else {
                    json.clone()
                };
                async move { Ok::<_, Infallible>(service.handle(request).await) }
            });
            let _ = Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(socket), handle)
                .await;
        });
    }
}
