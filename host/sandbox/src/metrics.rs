//! What the operator's monitoring sees of the sandbox.

use prometheus::{Gauge, Registry, Result};

use crate::sandbox::Sandbox;

/// The metrics of a sandbox.
pub struct SandboxMetrics {
    sandbox: Sandbox,
    instances: Gauge,
    max_instances: Gauge,
    waiting: Gauge,
    memory: Gauge,
}

impl SandboxMetrics {
    /// Registers the metrics of this sandbox.
    ///
    /// # Errors
    ///
    /// If a sandbox has registered its own already.
    pub fn register(sandbox: &Sandbox, registry: &Registry) -> Result<Self> {
        let gauge = |name: &str, help: &str| {
            let gauge = Gauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let metrics = Self {
            sandbox: sandbox.clone(),
            instances: gauge(
                "sandpit_sandbox_instances",
                "Instances of tools that run now.",
            )?,
            max_instances: gauge(
                "sandpit_sandbox_instances_limit",
                "How many instances may run at the same time.",
            )?,
            waiting: gauge(
                "sandpit_sandbox_waiting",
                "Calls that wait for a place among the instances.",
            )?,
            memory: gauge(
                "sandpit_sandbox_memory_bytes",
                "Linear memory of all instances that run now.",
            )?,
        };
        metrics.update();
        Ok(metrics)
    }

    /// Takes in how the sandbox stands now.
    pub fn update(&self) {
        self.instances.set(self.sandbox.instances().into());
        self.max_instances.set(self.sandbox.max_instances().into());
        self.waiting.set(self.sandbox.waiting() as f64);
        self.memory.set(self.sandbox.memory_in_use() as f64);
    }
}
