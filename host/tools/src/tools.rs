//! The live set of tools and prompts.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Instant, SystemTime};

use sandpit_sandbox::{
    Capability, Confirmation, Failure, News, Outcome, PromptAnswer, Sandbox, Suggestions,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::call::{self, CallRequest};
use crate::candidate::Found;
use crate::config::ToolsConfig;
use crate::error::{Refusal, ToolError, ToolsError};
use crate::files::{Look, Stamp};
use crate::folder::{Due, Folder};
use crate::live::LiveCalls;
use crate::metrics::CallMetrics;
use crate::policy::{Policy, PolicyError};
use crate::runtime::Running;
use crate::set::ToolSet;
use crate::status::{Kind, LiveCall, Status};
use crate::tool::Tool;

/// The live set of tools. A cheap handle: clones share one set.
#[derive(Clone)]
pub struct Tools {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: ToolsConfig,
    pub(crate) sandbox: Sandbox,
    /// What is served. Calls begin under its lock, so that a change of the
    /// policy meets every call either before it has begun or in flight.
    set: RwLock<Arc<ToolSet>>,
    /// What the set is made of. Locked before `set` wherever both are.
    folder: Mutex<Folder>,
    faults: Mutex<Faults>,
    generation: watch::Sender<u64>,
    metrics: CallMetrics,
    live: LiveCalls,
    prompt_generation: watch::Sender<u64>,
}

/// What the operator has to know beside the tools.
#[derive(Default)]
struct Faults {
    policy: Option<String>,
    folder: Option<String>,
}

/// What a readiness check wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// How many tools can be called.
    pub tools: usize,
    /// How many files in the tool folder are refused.
    pub refused: usize,
    /// Whether TWS can be asked right now.
    pub connected: bool,
}

impl Tools {
    /// Loads the tools of the folder.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read, or if the policy makes no sense. A file
    /// that cannot be loaded is no error: see [`Tools::status`].
    pub async fn open(config: ToolsConfig, sandbox: Sandbox) -> Result<Self, ToolsError> {
        config.policy.check()?;
        let metrics = CallMetrics::new()?;
        let folder = Folder::new(config.policy.clone(), metrics.clone());
        let inner = Arc::new(Inner {
            config,
            sandbox,
            set: RwLock::default(),
            folder: Mutex::new(folder),
            faults: Mutex::default(),
            generation: watch::Sender::new(0),
            metrics,
            live: LiveCalls::default(),
            prompt_generation: watch::Sender::new(0),
        });
        inner.load().await.map_err(|source| ToolsError::Folder {
            folder: inner.config.folder.clone(),
            source,
        })?;
        Ok(Self { inner })
    }

    /// Watches the folder until `stop`: what is added is served, what is
    /// replaced is swapped, what is removed is gone. Calls in flight end on the
    /// version that they began with.
    pub fn watch(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + use<> {
        crate::watch::watch(Arc::clone(&self.inner), stop)
    }

    /// Applies another policy at once. Calls in flight end when it takes
    /// something away from their tool, and go on otherwise.
    ///
    /// # Errors
    ///
    /// If the policy makes no sense. The one before stays in force.
    pub async fn set_policy(&self, policy: Policy) -> Result<(), PolicyError> {
        policy.check()?;
        let inner = Arc::clone(&self.inner);
        let work = move || {
            let mut folder = inner.folder();
            folder.set_policy(policy);
            inner.refresh(&mut folder);
            folder.revoke();
            inner.faults().policy = None;
        };
        if let Err(error) = tokio::task::spawn_blocking(work).await {
            tracing::error!(%error, "the policy was not applied to the end");
        }
        Ok(())
    }

    /// Says why the policy could not be read when it changed, until it can be
    /// read again. The policy before stays in force.
    pub fn policy_fault(&self, fault: Option<String>) {
        self.inner.faults().policy = fault;
    }

    /// What is counted of the calls.
    pub(crate) fn call_metrics(&self) -> &CallMetrics {
        &self.inner.metrics
    }

    /// The tools that clients see, by name.
    pub fn list(&self) -> Arc<[Arc<Tool>]> {
        self.inner.set().visible()
    }

    /// All tools that can be called, by name: those that clients see and the
    /// hidden ones.
    pub fn callable(&self) -> Arc<[Arc<Tool>]> {
        self.inner.set().callable()
    }

    /// The tool of that name, hidden or not.
    pub fn get(&self, name: &str) -> Option<Arc<Tool>> {
        self.inner.set().get_of(Kind::Tool, name).cloned()
    }

    /// The prompts that clients see, by name.
    pub fn prompts(&self) -> Arc<[Arc<Tool>]> {
        self.inner.set().prompts()
    }

    /// The prompt of that name, hidden or not.
    pub fn prompt(&self, name: &str) -> Option<Arc<Tool>> {
        self.inner.set().get_of(Kind::Prompt, name).cloned()
    }

    /// Why the tool of that name is not served, if it is the operator who does
    /// not let it.
    pub fn not_served(&self, name: &str) -> Option<ToolError> {
        let set = self.inner.set();
        if set.get(name).is_some() {
            return None;
        }
        Some(set.missing(Kind::Tool, name))
            .filter(|error| matches!(error, ToolError::NotServed { .. }))
    }

    /// The files of the folder that cannot be tools, with their reasons, by
    /// file name.
    pub fn refused(&self) -> Arc<[Refusal]> {
        self.inner.set().refused()
    }

    /// All that the operator wants to know: what is served, what is not and
    /// why, and how it is used.
    pub fn status(&self) -> Status {
        let set = Arc::clone(&self.inner.set());
        let faults = self.inner.faults();
        Status {
            tools: set.status(),
            policy_fault: faults.policy.clone(),
            folder_fault: faults.folder.clone(),
            running: self.inner.sandbox.instances(),
            max_running: self.inner.sandbox.max_instances(),
        }
    }

    /// The calls that have not ended, the oldest first.
    pub fn calls(&self) -> Vec<LiveCall> {
        self.inner.live.list()
    }

    /// Tells when the list that clients see has changed: the value grows by
    /// one each time.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.generation.subscribe()
    }

    /// The same for the prompts.
    pub fn prompt_changes(&self) -> watch::Receiver<u64> {
        self.inner.prompt_generation.subscribe()
    }

    /// Tells when something has happened at the broker that may change what
    /// tools answer.
    pub fn news(&self) -> News {
        self.inner.sandbox.news()
    }

    /// Values that a person may mean who types an argument of a tool, within
    /// what the policy grants it and lets it reach. There are none where TWS
    /// cannot be asked.
    pub async fn suggest(
        &self,
        tool: &Tool,
        suggestions: &Suggestions,
        typed: &str,
    ) -> Vec<String> {
        let needed = match suggestions {
            Suggestions::Symbols => Some(Capability::Contracts),
            Suggestions::Accounts => Some(Capability::Account),
            Suggestions::None | Suggestions::Values(_) => None,
        };
        let grants = tool.policy().grants.as_ref();
        let granted = |needed| grants.is_some_and(|grants| grants.contains(&needed));
        if needed.is_some_and(|needed| !granted(needed)) {
            return Vec::new();
        }
        let component = tool.component();
        component.suggest(suggestions, typed, tool.scope()).await
    }

    /// Calls a tool by name, hidden or not.
    ///
    /// Dropping the future ends the call at once; cancelling its token gives
    /// the tool time to end in good order.
    ///
    /// # Errors
    ///
    /// If there is no such tool, or none for this caller, or the operator does
    /// not let it serve.
    /// Everything else that can go wrong, beginning with arguments that do not
    /// fit the schema, is a failure in the outcome.
    pub async fn call(&self, name: &str, request: CallRequest) -> Result<Outcome, ToolError> {
        let (tool, running) = self.inner.begin(Kind::Tool, name, &request)?;
        let live = self.inner.live.begin(tool.name(), &request);
        Ok(call::call(&tool, running, &live, request, &self.inner.config).await)
    }

    /// Has a prompt write its messages, by name, hidden or not.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call).
    pub async fn get_prompt(
        &self,
        name: &str,
        request: CallRequest,
    ) -> Result<Outcome<PromptAnswer>, ToolError> {
        let (prompt, running) = self.inner.begin(Kind::Prompt, name, &request)?;
        let live = self.inner.live.begin(prompt.name(), &request);
        Ok(call::get(&prompt, running, &live, request, &self.inner.config).await)
    }

    /// A person has confirmed what [`Outcome::ConfirmationNeeded`] asks: the
    /// same call, run again, may send the order.
    ///
    /// # Errors
    ///
    /// What to tell the caller, if it is too late.
    pub async fn approve(&self, confirmation: &Confirmation) -> Result<(), Failure> {
        self.inner.sandbox.approve(confirmation).await
    }

    /// A person has not confirmed it.
    pub async fn decline(&self, confirmation: &Confirmation) {
        self.inner.sandbox.decline(confirmation).await;
    }

    /// Whether there is something to call, and a broker to ask.
    pub fn readiness(&self) -> Readiness {
        let set = Arc::clone(&self.inner.set());
        Readiness {
            tools: set.callable().len(),
            refused: set.refused().len(),
            connected: self.inner.sandbox.is_connected(),
        }
    }

    /// Ends everything below: cancels the calls that run and closes the
    /// connection to TWS.
    pub async fn shutdown(&self) {
        self.inner.sandbox.shutdown().await;
    }
}

impl Inner {
    /// Begins a call.
    fn begin(
        &self,
        kind: Kind,
        name: &str,
        request: &CallRequest,
    ) -> Result<(Arc<Tool>, Running), ToolError> {
        let set = self.set();
        let tool = match set.get_of(kind, name) {
            // This very version of the tool: another may use more.
            Some(tool) if request.rights.allow(tool) => tool,
            None if request.rights.allow_name(name) => return Err(set.missing(kind, name)),
            _ => return Err(ToolError::unknown_of(kind, name)),
        };
        let facts = &tool.candidate().facts;
        let running = tool.runtime().begin(facts, tool.scope(), &request.cancel);
        Ok((Arc::clone(tool), running))
    }

    /// Looks into every file of the folder, before anything is served.
    async fn load(self: &Arc<Self>) -> io::Result<()> {
        let look = crate::watch::look(self).await?;
        let due = self.folder().begin(&look, Instant::now());
        let found = crate::watch::inspect_all(self, due).await;
        let mut folder = self.folder();
        folder.loaded(found, Instant::now());
        folder.doubt_young_files(SystemTime::now(), Instant::now());
        self.refresh(&mut folder);
        tracing::info!(
            tools = self.set().callable().len(),
            prompts = self.set().prompts().len(),
            files = look.len(),
            "the tools are loaded"
        );
        Ok(())
    }

    /// Takes over how the folder looks. Answers what is to be inspected.
    pub(crate) fn looked(&self, look: io::Result<Look>, now: Instant) -> Vec<Due> {
        let fault = match &look {
            Ok(_) => None,
            Err(error) => Some(format!("The tool folder cannot be read: {error}.")),
        };
        {
            let mut faults = self.faults();
            if faults.folder != fault {
                if let Some(fault) = &fault {
                    tracing::warn!(folder = %self.config.folder.display(), "{fault}");
                }
                faults.folder = fault;
            }
        }
        let look = match look {
            Ok(look) => look,
            // A folder that was deleted holds no files.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Look::new(),
            Err(_) => return Vec::new(),
        };
        let mut folder = self.folder();
        folder.look(&look, now);
        self.refresh(&mut folder);
        folder.due(now)
    }

    /// Takes over what inspections found.
    pub(crate) fn inspected(&self, found: Vec<(String, Stamp, Found)>) {
        let mut folder = self.folder();
        for (file, stamp, found) in found {
            folder.inspected(&file, stamp, found, Instant::now());
        }
        self.refresh(&mut folder);
    }

    /// When it is time for another look at the folder.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.folder().wake()
    }

    /// The one place where the set changes. Calls that run keep the tool that
    /// they began with.
    fn refresh(&self, folder: &mut Folder) {
        let before = Arc::clone(&self.set());
        let Some(next) = folder.next(&before, &self.config) else {
            return;
        };
        let other_tools = !next.has_tools_of(&before);
        let other_prompts = !next.has_prompts_of(&before);
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        for (sender, changed) in [
            (&self.generation, other_tools),
            (&self.prompt_generation, other_prompts),
        ] {
            if changed {
                sender.send_modify(|number| *number += 1);
            }
        }
    }

    fn set(&self) -> RwLockReadGuard<'_, Arc<ToolSet>> {
        self.set.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self) -> MutexGuard<'_, Folder> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
