//! The other way to run a tool: one instance that is kept from call to call,
//! on bare wasmtime, without a bound, a log or a fresh start. The host does not
//! do this; it is what a fresh instance is measured against.

use sandpit_gateway::{Gateway, model};
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use bindings::Tool;
use bindings::sandpit::broker::{connection, types};
use bindings::sandpit::tool::types::{Askable, Outcome, Request};

mod bindings {
    wasmtime::component::bindgen!({
        path: ["../wit/broker", "../wit/tool"],
        world: "sandpit:tool/tool",
        exports: { default: async },
    });
}

/// What stands behind the instance.
struct State {
    gateway: Gateway,
    wasi: WasiCtx,
    table: ResourceTable,
}

/// An instance of `ibkr_get_status`.
pub struct Kept {
    store: Store<State>,
    tool: Tool,
}

impl Kept {
    /// Compiles the component and starts the one instance.
    pub async fn start(component: &[u8], gateway: Gateway) -> Self {
        let mut config = Config::new();
        config.concurrency_support(false);
        let engine = Engine::new(&config).expect("an engine");
        let component = Component::from_binary(&engine, component).expect("it compiles");
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI");
        types::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state).expect("types");
        connection::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)
            .expect("the connection");
        linker
            .define_unknown_imports_as_traps(&component)
            .expect("the rest");
        let state = State {
            gateway,
            wasi: WasiCtx::builder().build(),
            table: ResourceTable::new(),
        };
        let mut store = Store::new(&engine, state);
        let tool = Tool::instantiate_async(&mut store, &component, &linker)
            .await
            .expect("an instance");
        Self { store, tool }
    }

    /// One call, for the JSON text of its answer.
    pub async fn call(&mut self) -> String {
        let request = Request {
            arguments: "{}".to_owned(),
            resume: None,
            askable: Askable::empty(),
        };
        let plugin = self.tool.sandpit_tool_plugin();
        match plugin.call_call(&mut self.store, &request).await {
            Ok(Outcome::Answer(answer)) => answer.structured.expect("a structured answer"),
            other => unreachable!("{other:?}"),
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl types::Host for State {}

impl connection::Host for State {
    fn connect(
        &mut self,
        _endpoint: connection::Endpoint,
    ) -> Result<connection::ConnectResult, types::Error> {
        unreachable!("the tool only asks for the status")
    }

    fn disconnect(&mut self) -> Result<bool, types::Error> {
        unreachable!("the tool only asks for the status")
    }

    fn get_status(&mut self) -> connection::Status {
        let status = self.gateway.status();
        connection::Status {
            gateway: status.gateway,
            connected: status.connected,
            state: if status.connected {
                connection::ConnectionState::Connected
            } else {
                connection::ConnectionState::Closed
            },
            read_only: status.read_only,
            host: status.host,
            port: status.port,
            client_id: status.client_id,
            server_version: status.server_version,
            accounts: status.accounts,
            account_kind: match status.account_kind {
                model::AccountKind::Paper => connection::AccountKind::Paper,
                model::AccountKind::Live => connection::AccountKind::Live,
                model::AccountKind::Unknown => connection::AccountKind::Unknown,
            },
            since: status
                .since
                .and_then(|since| i64::try_from(since.unix_timestamp_nanos() / 1_000_000).ok()),
            time_zone: status.time_zone,
            reason: status.reason,
            notices: status.notices,
        }
    }

    fn gateways(&mut self) -> Vec<String> {
        vec![self.gateway.name().to_owned()]
    }
}
