//! The live set of tools.

use std::sync::{Arc, PoisonError, RwLock};

use sandpit_sandbox::{Outcome, Sandbox};
use tokio::sync::watch;

use crate::call::{self, CallRequest};
use crate::config::ToolsConfig;
use crate::error::{Refusal, ToolError, ToolsError};
use crate::set::ToolSet;
use crate::tool::Tool;

/// The longest name that an error repeats, in characters.
const NAME: usize = 100;

/// The live set of tools. A cheap handle: clones share one set.
#[derive(Clone)]
pub struct Tools {
    inner: Arc<Inner>,
}

struct Inner {
    config: ToolsConfig,
    sandbox: Sandbox,
    set: RwLock<Arc<ToolSet>>,
    generation: watch::Sender<u64>,
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
    /// If the folder cannot be read. A file that cannot be loaded is no error:
    /// see [`Tools::refused`].
    pub async fn open(config: ToolsConfig, sandbox: Sandbox) -> Result<Self, ToolsError> {
        let set = ToolSet::load(&config.folder, &sandbox, &config.grants).await?;
        let tools = Self {
            inner: Arc::new(Inner {
                config,
                sandbox,
                set: RwLock::default(),
                generation: watch::Sender::new(0),
            }),
        };
        tools.replace(set);
        Ok(tools)
    }

    /// All tools, by name.
    pub fn list(&self) -> Arc<[Arc<Tool>]> {
        self.set().list()
    }

    /// The tool of that name.
    pub fn get(&self, name: &str) -> Option<Arc<Tool>> {
        self.set().get(name)
    }

    /// The files of the folder that are not served, with their reasons, by
    /// file name.
    pub fn refused(&self) -> Arc<[Refusal]> {
        self.set().refused()
    }

    /// Tells when the set has changed: the value grows by one each time.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.generation.subscribe()
    }

    /// Calls a tool by name.
    ///
    /// Dropping the future ends the call at once; cancelling its token gives
    /// the tool time to end in good order.
    ///
    /// # Errors
    ///
    /// If there is no such tool. Everything else that can go wrong, beginning
    /// with arguments that do not fit the schema, is a failure in the outcome.
    pub async fn call(&self, name: &str, request: CallRequest) -> Result<Outcome, ToolError> {
        let tool = self.get(name).ok_or_else(|| ToolError::UnknownTool {
            name: name.chars().take(NAME).collect(),
        })?;
        Ok(call::call(&tool, request, &self.inner.config).await)
    }

    /// Whether there is something to call, and a broker to ask.
    pub fn readiness(&self) -> Readiness {
        let set = self.set();
        Readiness {
            tools: set.list().len(),
            refused: set.refused().len(),
            connected: self.inner.sandbox.is_connected(),
        }
    }

    /// Ends everything below: cancels the calls that run and closes the
    /// connection to TWS.
    pub async fn shutdown(&self) {
        self.inner.sandbox.shutdown().await;
    }

    fn set(&self) -> Arc<ToolSet> {
        Arc::clone(
            &self
                .inner
                .set
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// The one place where the set changes. Calls that run keep the tool that
    /// they began with.
    fn replace(&self, set: ToolSet) {
        tracing::info!(
            tools = set.list().len(),
            refused = set.refused().len(),
            "the tools are loaded"
        );
        *self
            .inner
            .set
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
        self.inner.generation.send_modify(|number| *number += 1);
    }
}
