//! What rmcp asks of a server, answered from the live tools.
//!
//! Only tools and logging are declared, so the rest of the protocol is answered
//! with "method not found" instead of rmcp's empty lists.

#![expect(
    deprecated,
    reason = "logging is deprecated in 2026-07-28, and what older clients know"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use http::request::Parts;
use rmcp::ErrorData;
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestMethod, CompleteRequestParams,
    CompleteResult, Implementation, ListPromptsRequestMethod, ListPromptsResult,
    ListResourceTemplatesRequestMethod, ListResourceTemplatesResult, ListResourcesRequestMethod,
    ListResourcesResult, ListToolsResult, LoggingLevel, PaginatedRequestParams, ServerCapabilities,
    ServerConfig, SetLevelRequestMethod, SetLevelRequestParams, SubscriptionFilter, Tool,
};
use rmcp::service::{NotificationContext, RequestContext, RoleServer, SubscriptionContext};
use sandpit_tools::Tools;
use tokio_util::sync::CancellationToken;

use super::calls;
use super::catalog::Catalog;
use super::changes::ListChanges;
use super::seal::Seal;
use super::sessions::{Ledger, session_of};
use crate::auth::Identity;
use crate::config::FrontConfig;
use crate::trace::Spans;

/// What all sessions and requests share.
pub(super) struct Shared {
    /// The live tools.
    pub(super) tools: Tools,
    /// The same, as MCP lists them.
    pub(super) catalog: Catalog,
    /// Seals the state of questions.
    pub(super) seal: Seal,
    /// How long a person may think about a question.
    pub(super) question_timeout: Duration,
    /// Cancelled when streams shall end.
    pub(super) streams: CancellationToken,
    /// Whose sessions there are, and which are in use.
    pub(super) ledger: Ledger,
    /// How long the calls of a session run on whose client has left.
    pub(super) session_left: Duration,
    changes: ListChanges,
}

impl Shared {
    /// What is shared, for these tools.
    pub(super) fn new(
        tools: Tools,
        config: &FrontConfig,
        streams: CancellationToken,
        changes: ListChanges,
        ledger: Ledger,
    ) -> Self {
        Self {
            catalog: Catalog::new(tools.clone()),
            tools,
            seal: Seal::new(config.question_timeout),
            question_timeout: config.question_timeout,
            streams,
            ledger,
            session_left: config.limits.session_left,
            changes,
        }
    }
}

/// Answers the requests of one session, or one request without a session.
pub(super) struct Handler {
    /// What all share.
    pub(super) shared: Arc<Shared>,
    /// The least important log line that the session wants, as a
    /// [`LoggingLevel`]. Until it says so: `Info`.
    level: AtomicU8,
}

impl Handler {
    /// For a new session or request.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            level: AtomicU8::new(LoggingLevel::Info as u8),
        }
    }

    /// The least important log line that the caller wants. A client of
    /// 2026-07-28 says it with every request, or wants none.
    pub(super) fn level(&self, context: &RequestContext<RoleServer>) -> Option<u8> {
        if is_modern(context) {
            context.meta.log_level().map(|level| level as u8)
        } else {
            Some(self.level.load(Ordering::Relaxed))
        }
    }
}

/// Who calls. The endpoint has put it there.
pub(super) fn identity(context: &RequestContext<RoleServer>) -> Result<&Identity, ErrorData> {
    let parts = context.extensions.get::<Parts>();
    let identity = parts.and_then(|parts| parts.extensions.get::<Identity>());
    identity.ok_or_else(|| ErrorData::internal_error("the host lost sight of who calls", None))
}

/// Waits until the client of a request has left its session for so long that
/// nobody will take the answer. A request without a session is cancelled with
/// its connection, by rmcp.
pub(super) async fn left(shared: &Shared, context: &RequestContext<RoleServer>) {
    let parts = context.extensions.get::<Parts>();
    match parts.and_then(|parts| session_of(&parts.headers)) {
        Some(session) => shared.ledger.left(session, shared.session_left).await,
        None => std::future::pending().await,
    }
}

/// Whether a request is of 2026-07-28 or later.
pub(super) fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| !version.has_initialize())
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_logging()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        let name = Implementation::new("sandpit", env!("CARGO_PKG_VERSION")).with_title("Sandpit");
        ServerConfig::new(capabilities).with_server_info(name)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        // All tools fit on one page, so that no cursor was ever given out.
        if request.is_some_and(|request| request.cursor.is_some()) {
            return Err(ErrorData::invalid_params("unknown cursor", None));
        }
        let identity = identity(&context)?;
        let tools = self.shared.catalog.list(identity.rights());
        Ok(ListToolsResult::with_all_items(tools))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.shared.catalog.get(name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let spans = Spans::of_mcp(&request.name, &context);
        let call = calls::call(self, request, &context);
        spans.around(call).await
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if is_modern(&context) {
            return Err(ErrorData::method_not_found::<SetLevelRequestMethod>());
        }
        self.level.store(request.level as u8, Ordering::Relaxed);
        Ok(())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.shared.changes.add(context.peer);
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        let mut accepted = SubscriptionFilter::new();
        accepted.tools_list_changed = requested.tools_list_changed;
        Some(accepted)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.shared.tools.changes();
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                () = self.shared.streams.cancelled() => return Ok(()),
                changed = changes.changed() => if changed.is_err() { return Ok(()) },
            }
            let wanted = context.accepted().tools_list_changed == Some(true);
            if wanted && context.sink().notify_tool_list_changed().await.is_err() {
                return Ok(());
            }
        }
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListPromptsRequestMethod>())
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListResourcesRequestMethod>())
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Err(ErrorData::method_not_found::<
            ListResourceTemplatesRequestMethod,
        >())
    }

    async fn complete(
        &self,
        _request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Err(ErrorData::method_not_found::<CompleteRequestMethod>())
    }
}
