//! The sandbox: the engine, what is linked to every component, and the places
//! for instances.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sandpit_gateway::{Gateways, News};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use wasmtime::component::Linker;
use wasmtime::{Engine, Store};

use crate::cache::Cache;
use crate::capabilities;
use crate::config::SandboxConfig;
use crate::error::{LoadError, SandboxError};
use crate::gateways;
use crate::inspected::Inspected;
use crate::outcome::{Confirmation, Failure};
use crate::slots::Slots;
use crate::state::State;
use crate::{engine, load};

/// Loads components and runs them. A cheap handle: clones share one engine.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

/// What all components share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) config: SandboxConfig,
    pub(crate) gateways: Gateways,
    /// What every component may import: WASI, its own call, and types.
    pub(crate) linker: Linker<State>,
    pub(crate) cache: Option<Cache>,
    pub(crate) slots: Slots,
    /// How much linear memory all instances have now, in bytes.
    pub(crate) memory: Arc<AtomicUsize>,
    /// The places for components that are compiled.
    pub(crate) compiling: Arc<Semaphore>,
    pub(crate) shutdown: CancellationToken,
}

impl Sandbox {
    /// Sets the sandbox up on these gateways.
    ///
    /// # Errors
    ///
    /// If this machine cannot run WebAssembly.
    pub fn new(config: SandboxConfig, gateways: Gateways) -> Result<Self, SandboxError> {
        let engine = engine::build(&config)?;
        let linker = linker(&engine).map_err(|error| SandboxError::engine(&error))?;
        let cache = open_cache(&config, &engine);
        let slots = Slots::new(&config);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            shared: Arc::new(Shared {
                engine,
                config,
                gateways,
                linker,
                cache,
                slots,
                memory: Arc::default(),
                compiling: Arc::new(Semaphore::new(cores)),
                shutdown: CancellationToken::new(),
            }),
        })
    }

    /// Looks at a component: compiles it, or takes the code from the cache,
    /// checks what it imports and exports, and asks it to describe itself in
    /// an instance that reaches no broker.
    ///
    /// Any number of components may be inspected at a time: as many as there
    /// are cores are compiled at once, and what describes itself has places of
    /// its own, so that neither holds up the other, nor the calls. Describing
    /// is bounded in time and memory; compiling only by the size of the
    /// component ([`SandboxConfig::max_component_bytes`]), since the compiler
    /// cannot be interrupted.
    ///
    /// # Errors
    ///
    /// A [`LoadError`] with a sentence for whoever put the component there.
    pub async fn inspect(&self, bytes: Vec<u8>) -> Result<Inspected, LoadError> {
        load::inspect(&self.shared, bytes).await
    }

    /// How many calls run now.
    pub fn instances(&self) -> u32 {
        self.shared.slots.taken()
    }

    /// How many calls may run at the same time.
    pub fn max_instances(&self) -> u32 {
        self.shared.config.max_instances
    }

    /// How many calls wait for a place among those that run.
    pub fn waiting(&self) -> usize {
        self.shared.slots.waiting()
    }

    /// How much linear memory the instances that run now have, in bytes.
    pub fn memory_in_use(&self) -> usize {
        self.shared.memory.load(Ordering::Relaxed)
    }

    /// How large a component may be, in bytes.
    pub fn max_component_bytes(&self) -> usize {
        self.shared.config.max_component_bytes
    }

    /// Whether TWS can be asked right now, at one gateway at least.
    pub fn is_connected(&self) -> bool {
        let mut gateways = self.shared.gateways.iter();
        gateways.any(|gateway| gateway.status().connected)
    }

    /// Follows what happens at the gateways, from now on.
    pub fn news(&self) -> News {
        self.shared.gateways.news()
    }

    /// A person has confirmed: the same call, run again, may send the order.
    ///
    /// # Errors
    ///
    /// What to tell the caller, if it is too late or the host knows no such
    /// order.
    pub async fn approve(&self, confirmation: &Confirmation) -> Result<(), Failure> {
        let gateway = self.shared.gateway_of(confirmation)?;
        let approved = gateway.approve(&confirmation.approval).await;
        approved.map_err(|error| gateways::failure(&error))
    }

    /// A person has said no, or nothing.
    pub async fn decline(&self, confirmation: &Confirmation) {
        let Ok(gateway) = self.shared.gateway_of(confirmation) else {
            return;
        };
        if let Err(error) = gateway.decline(&confirmation.approval).await {
            // It has the same effect: nothing was approved.
            tracing::debug!(%error, "a declined order was no longer waiting");
        }
    }

    /// Ends everything: takes no more calls, cancels those that run, gives
    /// them the grace period to end, and closes the connections to TWS.
    pub async fn shutdown(&self) {
        self.shared.slots.close();
        self.shared.shutdown.cancel();
        let patience = self.shared.config.grace + Duration::from_secs(1);
        if !self.shared.slots.ended(patience).await {
            tracing::warn!("some tools did not end before the host shut down");
        }
        self.shared.gateways.shutdown().await;
    }
}

impl Shared {
    /// A store for one instance, with all its bounds.
    pub(crate) fn store(&self, state: State, transfer_bytes: usize) -> Store<State> {
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limiter);
        // With every tick a running guest yields to the others on its thread,
        // and the clock around the call gets its turn.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store.set_hostcall_fuel(transfer_bytes);
        store
    }
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    capabilities::context::add_to_linker(&mut linker)?;
    capabilities::add_types_to_linker(&mut linker)?;
    Ok(linker)
}

/// Opens the cache, or does without: it only saves time.
fn open_cache(config: &SandboxConfig, engine: &Engine) -> Option<Cache> {
    let folder = config.cache_dir.as_deref()?;
    match Cache::open(folder, engine) {
        Ok(cache) => Some(cache),
        Err(error) => {
            tracing::warn!(
                folder = %folder.display(),
                %error,
                "compiled components are not kept"
            );
            None
        }
    }
}
