//! A real MCP client, rmcp's, in either protocol era.

#![expect(
    deprecated,
    reason = "logging, sampling and roots are on their way out of MCP, and clients still use them"
)]

use std::sync::{Arc, Mutex};

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig,
    CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult,
    ElicitationAction, ErrorData, ListRootsResult, LoggingLevel, LoggingMessageNotificationParam,
    ProgressNotificationParam, ProtocolVersion, RequestMetaObject, Role, Root, SamplingMessage,
    SamplingMessageContentBlock, SetLevelRequestParams, SubscriptionFilter, Tool,
};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt, NotificationContext, RequestContext, RoleClient,
    RunningService,
};
use rmcp::transport::{IntoTransport, StreamableHttpClientTransport};
use rmcp::{ClientHandler, ServiceError};
use serde_json::Value;
use tokio::time::timeout;

use super::{Host, PATIENCE};

/// The two ways MCP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// With `initialize` and a session: up to 2025-11-25.
    Legacy,
    /// Without: 2026-07-28.
    Modern,
}

impl Era {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Legacy, Self::Modern];
}

/// What the person in front of the client does with a question.
#[derive(Debug, Clone)]
pub enum Person {
    /// Answers with this.
    Accepts(Value),
    /// Says no.
    Declines,
    /// Is not there: the client cannot ask.
    Absent,
}

/// What the client hears beside its answers.
#[derive(Debug, Default)]
pub struct Heard {
    /// Data of log notifications.
    pub logs: Vec<Value>,
    /// Progress.
    pub progress: Vec<f64>,
    /// Questions to the person.
    pub questions: Vec<String>,
    /// How often the list of tools has changed.
    pub list_changed: usize,
}

/// The client's side of the protocol.
#[derive(Clone)]
pub struct Handler {
    heard: Arc<Mutex<Heard>>,
    person: Person,
    era: Era,
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let mut info = ClientConfig::default();
        info.capabilities = match self.person {
            Person::Absent => ClientCapabilities::default(),
            _ => ClientCapabilities::builder()
                .enable_elicitation()
                .enable_sampling()
                .enable_roots()
                .build(),
        };
        info.protocol_version = match self.era {
            Era::Legacy => ProtocolVersion::V_2025_11_25,
            Era::Modern => ProtocolVersion::V_2026_07_28,
        };
        info
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        if let ElicitRequestParams::FormElicitationParams { message, .. } = request {
            self.heard.lock().unwrap().questions.push(message);
        }
        Ok(match &self.person {
            Person::Accepts(answer) => {
                ElicitResult::new(ElicitationAction::Accept).with_content(answer.clone())
            }
            Person::Declines | Person::Absent => ElicitResult::new(ElicitationAction::Decline),
        })
    }

    async fn create_message(
        &self,
        _request: CreateMessageRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        let text = SamplingMessageContentBlock::text("A word of the model.");
        let message = SamplingMessage::new(Role::Assistant, text);
        Ok(CreateMessageResult::new(message, "a model".to_owned()))
    }

    async fn list_roots(
        &self,
        _context: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        Ok(ListRootsResult::new(vec![Root::new("file:///reports")]))
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.heard.lock().unwrap().progress.push(params.progress);
    }

    async fn on_logging_message(
        &self,
        params: LoggingMessageNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.heard.lock().unwrap().logs.push(params.data);
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.heard.lock().unwrap().list_changed += 1;
    }
}

/// A connected client.
pub struct McpClient {
    /// rmcp's own handle.
    pub service: RunningService<RoleClient, Handler>,
    heard: Arc<Mutex<Heard>>,
}

impl McpClient {
    /// Connects to `host` with nobody to ask.
    pub async fn connect(host: &Host, era: Era) -> Self {
        Self::connect_for(host, era, Person::Absent).await
    }

    /// Connects to `host` for `person`.
    pub async fn connect_for(host: &Host, era: Era, person: Person) -> Self {
        Self::try_connect(&host.base, era, person)
            .await
            .unwrap_or_else(|error| panic!("the client connects: {error}"))
    }

    /// Connects to whatever serves at `base`, or says why that cannot be done.
    pub async fn try_connect(base: &str, era: Era, person: Person) -> Result<Self, String> {
        let transport = StreamableHttpClientTransport::from_uri(format!("{base}/mcp"));
        Self::over(transport, era, person).await
    }

    /// Connects over any transport, or says why that cannot be done.
    pub async fn over<E, A>(
        transport: impl IntoTransport<RoleClient, E, A>,
        era: Era,
        person: Person,
    ) -> Result<Self, String>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let handler = Handler {
            heard: Arc::clone(&heard),
            person,
            era,
        };
        let mode = match era {
            Era::Legacy => ClientLifecycleMode::Initialize,
            Era::Modern => ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            },
        };
        let service = timeout(PATIENCE, handler.serve_with_lifecycle(transport, mode))
            .await
            .expect("the client is answered in time")
            .map_err(|error| error.to_string())?;
        if era == Era::Modern {
            // Earlier clients are told without asking.
            let filter = SubscriptionFilter::builder().tools_list_changed().build();
            let changes = service.listen(filter).await;
            let mut changes = changes.map_err(|error| error.to_string())?;
            let heard = Arc::clone(&heard);
            tokio::spawn(async move {
                while let Ok(Some(_)) = changes.next().await {
                    heard.lock().unwrap().list_changed += 1;
                }
            });
        }
        Ok(Self { service, heard })
    }

    /// All tools.
    pub async fn tools(&self) -> Vec<Tool> {
        self.service
            .list_all_tools()
            .await
            .expect("the tools are listed")
    }

    /// Calls a tool and takes whatever comes.
    pub async fn try_call(
        &self,
        tool: &str,
        arguments: Value,
    ) -> Result<CallToolResult, ServiceError> {
        let Value::Object(arguments) = arguments else {
            panic!("arguments are an object");
        };
        self.send(CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments))
            .await
    }

    async fn send(&self, params: CallToolRequestParams) -> Result<CallToolResult, ServiceError> {
        timeout(PATIENCE, self.service.call_tool(params))
            .await
            .expect("the tool answers in time")
    }

    /// Calls a tool that must succeed, for its structured content.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        structured(
            tool,
            self.try_call(tool, arguments).await.expect("a result"),
        )
    }

    /// As [`Self::call`], with every log line asked for: once for the session
    /// in the legacy era, with the request in the modern one.
    pub async fn call_listening(&self, tool: &str, arguments: Value) -> Value {
        let Value::Object(arguments) = arguments else {
            panic!("arguments are an object");
        };
        let mut params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        match self.service.service().era {
            Era::Legacy => {
                let level = SetLevelRequestParams::new(LoggingLevel::Debug);
                self.service
                    .set_level(level)
                    .await
                    .expect("the log level is set");
            }
            Era::Modern => {
                let mut meta = RequestMetaObject::default();
                meta.set_log_level(LoggingLevel::Debug);
                params.meta = Some(meta);
            }
        }
        let result = self.send(params).await.expect("a result");
        structured(tool, result)
    }

    /// Calls a tool that must fail, for its sentence.
    pub async fn fail(&self, tool: &str, arguments: Value) -> String {
        let result = self.try_call(tool, arguments).await.expect("a result");
        assert_eq!(result.is_error, Some(true), "{tool}: {:?}", result.content);
        text(&result)
    }

    /// What it heard so far.
    pub fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap()
    }
}

/// The structured content of a success.
fn structured(tool: &str, result: CallToolResult) -> Value {
    assert_ne!(result.is_error, Some(true), "{tool}: {:?}", result.content);
    result.structured_content.expect("structured content")
}

/// The text of a result.
pub fn text(result: &CallToolResult) -> String {
    result
        .content
        .iter()
        .filter_map(|block| block.as_text().map(|text| text.text.clone()))
        .collect::<Vec<_>>()
        .join("\n")
}
