//! A host without defences, for controls: what an attack does where nothing
//! stands in its way. It is wasmtime as it comes, without any bound on time,
//! memory, stack or answers, and its WASI is as open as a control makes it.
//! There is no broker behind it.

use std::sync::{Arc, Mutex};

use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use bindings::Bare as Tool;
use bindings::sandpit::tool::context;

pub use bindings::exports::sandpit::tool::plugin::{Descriptor, Outcome, Request};
use bindings::sandpit::tool::types::Askable;
pub use bindings::sandpit::tool::types::Content;

mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package sandpit:bare;
            world bare {
                import sandpit:tool/context@0.1.0;
                export sandpit:tool/plugin@0.1.0;
            }
        ",
        path: ["../wit/broker", "../wit/tool"],
        world: "sandpit:bare/bare",
    });
}

/// How much stack a component has here: far more than any machine gives by
/// itself.
const STACK: usize = 64 << 20;

/// One instance, which lives for as many calls as one likes.
pub struct Bare {
    store: Store<State>,
    tool: Tool,
    printed: MemoryOutputPipe,
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    heard: Arc<Mutex<Heard>>,
}

/// What the tool said to its host, as it said it.
#[derive(Debug, Default)]
pub struct Heard {
    /// Log lines.
    pub log: Vec<String>,
    /// Data of events.
    pub events: Vec<String>,
}

/// A way to set a host without defences up.
pub struct Setup {
    wasi: WasiCtxBuilder,
    fuel: Option<u64>,
}

impl Setup {
    /// Nothing within reach yet.
    pub fn new() -> Self {
        Self {
            wasi: WasiCtxBuilder::new(),
            fuel: None,
        }
    }

    /// Opens WASI.
    pub fn wasi(mut self, open: impl FnOnce(&mut WasiCtxBuilder)) -> Self {
        open(&mut self.wasi);
        self
    }

    /// Ends the instance with [`wasmtime::Trap::OutOfFuel`] after about as
    /// many instructions: what runs out of any amount runs for ever.
    pub fn fuel(mut self, fuel: u64) -> Self {
        self.fuel = Some(fuel);
        self
    }

    /// An instance of the component.
    pub fn start(mut self, component: &[u8]) -> wasmtime::Result<Bare> {
        let mut config = Config::new();
        config
            .concurrency_support(false)
            .consume_fuel(self.fuel.is_some())
            .async_stack_size(2 * STACK)
            .max_wasm_stack(STACK);
        let engine = Engine::new(&config)?;
        let component = Component::from_binary(&engine, component)?;
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
        context::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;

        let printed = MemoryOutputPipe::new(usize::MAX);
        let wasi = self
            .wasi
            .stdout(printed.clone())
            .stderr(printed.clone())
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(usize::MAX);
        let state = State {
            wasi,
            table,
            heard: Arc::default(),
        };
        let mut store = Store::new(&engine, state);
        store.set_hostcall_fuel(usize::MAX);
        if let Some(fuel) = self.fuel {
            store.set_fuel(fuel)?;
        }
        let tool = Tool::instantiate(&mut store, &component, &linker)?;
        Ok(Bare {
            store,
            tool,
            printed,
        })
    }
}

impl Bare {
    /// What the tool says of itself.
    pub fn describe(&mut self) -> wasmtime::Result<Descriptor> {
        self.tool
            .sandpit_tool_plugin()
            .call_describe(&mut self.store)
    }

    /// A call in this very instance.
    pub fn call(&mut self, arguments: &serde_json::Value) -> wasmtime::Result<Outcome> {
        let request = Request {
            arguments: arguments.to_string(),
            resume: None,
            askable: Askable::empty(),
        };
        self.tool
            .sandpit_tool_plugin()
            .call_call(&mut self.store, &request)
    }

    /// A call that ends with a structured answer.
    pub fn answer(&mut self, arguments: &serde_json::Value) -> String {
        match self.call(arguments) {
            Ok(Outcome::Answer(answer)) => answer.structured.expect("a structured answer"),
            other => panic!("not an answer: {other:?}"),
        }
    }

    /// What it wrote to standard output and error output.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed.contents()).into_owned()
    }

    /// What it said to its host.
    pub fn heard(&self) -> Arc<Mutex<Heard>> {
        Arc::clone(&self.store.data().heard)
    }
}

/// Runs a control where it has all the stack it may want, and outside of the
/// test's runtime.
pub fn control<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(2 * STACK)
            .spawn_scoped(scope, run)
            .unwrap()
            .join()
            .expect("the control holds")
    })
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl bindings::sandpit::tool::types::Host for State {}

impl context::Host for State {
    fn log(&mut self, _level: context::Level, message: String) {
        self.heard.lock().unwrap().log.push(message);
    }

    fn progress(&mut self, _done: f64, _total: Option<f64>, _message: Option<String>) {}

    fn emit(&mut self, _event: String, data: String) {
        self.heard.lock().unwrap().events.push(data);
    }

    fn remaining_ms(&mut self) -> u64 {
        u64::MAX
    }

    fn cancelled(&mut self) -> bool {
        false
    }

    fn open_ended(&mut self) -> bool {
        true
    }
}
