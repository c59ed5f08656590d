//! One file for each command.

mod demo;
mod health;
mod serve;
mod simulate;

use anyhow::Context;

use crate::cli::{Cli, Command};

/// Runs the command that the command line names.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the threads of the host")?;
    let result = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Simulate(args) => simulate::run(args).await,
            Command::Health(args) => health::run(args).await,
        }
    });
    // A component that is being compiled must not hold up the end.
    runtime.shutdown_background();
    result
}
