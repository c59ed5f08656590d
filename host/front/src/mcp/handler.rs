//! What rmcp asks of a server, answered from the live tools.
//!
//! What is not declared is answered with "method not found" instead of rmcp's
//! empty lists.

#![expect(
    deprecated,
    reason = "what 2026-07-28 deprecates is what older clients know"
)]

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::request::Parts;
use rmcp::ErrorData;
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
    GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, LoggingLevel,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    ServerConfig, SetLevelRequestMethod, SetLevelRequestParams, SubscribeRequestMethod,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestMethod,
    UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, RequestContext, RoleServer, SubscriptionContext};
use sandpit_tools::{News, Tools};
use tokio_util::sync::CancellationToken;

use super::calls;
use super::catalog::Catalog;
use super::changes::ListChanges;
use super::prompts;
use super::resources;
use super::seal::Seal;
use super::sessions::{Ledger, session_of};
use super::subscriptions::{self, Subscriptions};
use crate::auth::Identity;
use crate::config::FrontConfig;
use crate::resources::watching::Watchers;
use crate::trace::CallSpan;

/// What all sessions and requests share.
pub(super) struct Shared {
    /// The live tools.
    pub(super) tools: Tools,
    /// The same, as MCP lists them.
    pub(super) catalog: Catalog,
    /// The resources that are watched.
    pub(super) watchers: Watchers,
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
            watchers: Watchers::new(tools.clone(), config.resources.clone()),
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
    /// The resources that the session has subscribed to.
    pub(super) subscriptions: Subscriptions,
    /// Follows the news since before a stream of 2026-07-28 was accepted.
    before: Mutex<Option<News>>,
}

impl Handler {
    /// For a new session or request.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            level: AtomicU8::new(LoggingLevel::Info as u8),
            subscriptions: Subscriptions::default(),
            before: Mutex::default(),
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

/// Who calls. The endpoint has put it there, or [`super::stdio`].
pub(super) fn identity(context: &RequestContext<RoleServer>) -> Result<&Identity, ErrorData> {
    let over_http = context.extensions.get::<Parts>();
    let identity = over_http
        .and_then(|parts| parts.extensions.get::<Identity>())
        .or_else(|| context.extensions.get::<Identity>());
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
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .enable_completions()
            .enable_prompts()
            .enable_prompts_list_changed()
            .build();
        let name = Implementation::new("sandpit", env!("CARGO_PKG_VERSION")).with_title("Sandpit");
        ServerConfig::new(capabilities).with_server_info(name)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        one_page(request)?;
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
        let span = CallSpan::of_mcp(&request.name, &context);
        let call = calls::call(self, request, &context);
        span.around(call).await
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
        accepted.resources_list_changed = requested.resources_list_changed;
        accepted.resource_subscriptions = subscriptions::accepted(self, requested);
        if accepted.resource_subscriptions.is_some() {
            let news = self.shared.watchers.news();
            *self.before.lock().unwrap_or_else(PoisonError::into_inner) = Some(news);
        }
        accepted.prompts_list_changed = requested.prompts_list_changed;
        Some(accepted)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.shared.tools.changes();
        let identity = identity(context.request_context())?;
        let before = self.before.lock();
        let before = before.unwrap_or_else(PoisonError::into_inner).take();
        // It ends with this stream.
        let _following = subscriptions::follow(self, &context, identity, before);
        let mut prompt_changes = self.shared.tools.prompt_changes();
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                () = self.shared.streams.cancelled() => return Ok(()),
                changed = changes.changed() => if changed.is_err() { return Ok(()) },
                changed = prompt_changes.changed() => {
                    let wanted = context.accepted().prompts_list_changed == Some(true);
                    let told = !wanted || context.sink().notify_prompt_list_changed().await.is_ok();
                    if changed.is_err() || !told {
                        return Ok(());
                    }
                    continue;
                }
            }
            let (accepted, sink) = (context.accepted(), context.sink());
            let wanted = accepted.tools_list_changed == Some(true);
            if wanted && sink.notify_tool_list_changed().await.is_err() {
                return Ok(());
            }
            // Resources come and go with their tools.
            let wanted = accepted.resources_list_changed == Some(true);
            if wanted && sink.notify_resource_list_changed().await.is_err() {
                return Ok(());
            }
        }
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        one_page(request)?;
        let prompts = prompts::list(self, identity(&context)?);
        Ok(ListPromptsResult::with_all_items(prompts))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let span = CallSpan::of_mcp(&request.name, &context);
        let got = prompts::get(self, request, &context);
        span.around(got).await
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        one_page(request)?;
        let resources = resources::list(self, identity(&context)?);
        Ok(ListResourcesResult::with_all_items(resources))
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        one_page(request)?;
        let templates = resources::templates(self, identity(&context)?);
        Ok(ListResourceTemplatesResult::with_all_items(templates))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Ok(resources::read(self, request, &context).await?.into())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if is_modern(&context) {
            return Err(ErrorData::method_not_found::<SubscribeRequestMethod>());
        }
        subscriptions::subscribe(self, request.uri, &context).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if is_modern(&context) {
            return Err(ErrorData::method_not_found::<UnsubscribeRequestMethod>());
        }
        self.subscriptions.remove(&request.uri);
        Ok(())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        resources::completion(self, request, &context).await
    }
}

/// All of everything fits on one page, so that no cursor was ever given out.
fn one_page(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match request.and_then(|request| request.cursor) {
        None => Ok(()),
        Some(_) => Err(ErrorData::invalid_params("unknown cursor", None)),
    }
}
