//! The wasmtime engine: its settings, the probe of the pooling allocator, and
//! the thread that ticks its epochs.

use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::config::SandboxConfig;
use crate::error::SandboxError;
use crate::limits::{CORE_INSTANCES, MEMORIES, TABLE_ELEMENTS, TABLES};
use crate::slots::DESCRIBING;

/// How often a running guest is interrupted, to let others run.
const TICK: Duration = Duration::from_millis(10);

/// How much of an instance's memory stays resident for the next one of the
/// same component, in bytes. Most calls touch less, and then nothing has to be
/// mapped again.
const MEMORY_KEPT: usize = 2 << 20;
/// The same for each table.
const TABLE_KEPT: usize = 512 << 10;

/// Builds the engine and starts its ticker.
///
/// The pooling allocator reserves address space for all instances at once
/// (about 2 TiB by default, of which none is used). Where that is not to be
/// had, instances are allocated one by one: slower, and equally bounded.
pub(crate) fn build(config: &SandboxConfig) -> Result<Engine, SandboxError> {
    let mut pooled = base();
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
    let engine = match Engine::new(&pooled) {
        Ok(engine) => engine,
        Err(error) => {
            tracing::warn!(
                reason = %error.root_cause(),
                "the pooling allocator is not available here; instances are allocated one by one"
            );
            Engine::new(&base()).map_err(|error| SandboxError::engine(&error))?
        }
    };
    tick(&engine)?;
    Ok(engine)
}

/// The settings that do not depend on how instances are allocated.
fn base() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Every function of the contract is synchronous to the guest. Without
        // the machinery for concurrent guests each call is faster, and a
        // component that asks for it is refused when it is compiled.
        .concurrency_support(false)
        .epoch_interruption(true)
        .memory_init_cow(true)
        // Tables that only a debugger of the host's own process would read. A
        // backtrace still names the guest's functions. Windows cannot do
        // without the second.
        .generate_address_map(false)
        .native_unwind_info(cfg!(windows));
    config
}

/// Room for `max_instances` calls and what describes itself beside them, each as large as the limits allow.
fn pool(config: &SandboxConfig) -> PoolingAllocationConfig {
    let count = config.max_instances.saturating_add(DESCRIBING);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(count)
        .total_core_instances(count.saturating_mul(CORE_INSTANCES))
        .max_core_instances_per_component(CORE_INSTANCES)
        .total_memories(count.saturating_mul(MEMORIES))
        .max_memories_per_component(MEMORIES)
        .max_memories_per_module(MEMORIES)
        .max_memory_size(config.memory_limit)
        .total_tables(count.saturating_mul(TABLES))
        .max_tables_per_component(TABLES)
        .max_tables_per_module(TABLES)
        .table_elements(TABLE_ELEMENTS)
        .total_stacks(count)
        .linear_memory_keep_resident(MEMORY_KEPT)
        .table_keep_resident(TABLE_KEPT)
        // Resets only the pages that were touched, where the kernel can tell
        // (Linux 6.7 and later).
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Advances the engine's epoch until the engine is gone. A plain thread, since
/// a task would not run while guests keep all workers of the runtime busy.
fn tick(engine: &Engine) -> Result<(), SandboxError> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("sandbox-ticker".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        })
        .map_err(|error| SandboxError::Thread(error.to_string()))?;
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn is_pooled(max_instances: u32) -> bool {
        let config = SandboxConfig {
            max_instances,
            ..SandboxConfig::default()
        };
        let engine = build(&config).unwrap();
        engine.pooling_allocator_metrics().is_some()
    }

    #[test]
    fn the_pool_is_used_where_there_is_room_for_it() {
        assert!(is_pooled(4));
        // More address space than a process has.
        assert!(!is_pooled(1_000_000));
    }
}
