//! One file for each command.

mod call;
mod check;
mod demo;
mod halt;
mod health;
mod inspect;
mod journal;
mod policy;
mod record;
mod replay;
mod schema;
pub mod serve;
mod simulate;
mod status;
mod token;
mod tools;

use std::process::ExitCode;

use anyhow::Context;

use crate::cli::{Cli, Command};

/// After how many tasks a thread looks at the network and the clock. A tool
/// that spins is a task that lasts until the sandbox interrupts it: with the
/// usual 61, tools that spin on all threads would hold every answer up for the
/// better part of a second.
const TASKS_BEFORE_EVENTS: u32 = 4;

/// Runs the command that the command line names, for the exit code.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .event_interval(TASKS_BEFORE_EVENTS)
        .enable_all()
        .build()
        .context("cannot start the threads of the host")?;
    let result = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Simulate(args) => simulate::run(args).await,
            Command::Record(args) => record::run(args).await,
            Command::Replay(args) => replay::run(args).await,
            Command::Health(args) => health::run(args).await,
            Command::Tools(args) => tools::run(args).await,
            Command::Status(args) => return status::run(args).await,
            Command::Inspect(args) => inspect::run(args).await,
            Command::Check(args) => return check::run(args).await,
            Command::Grant(args) => policy::grant(args).await,
            Command::Revoke(args) => policy::revoke(args).await,
            Command::Enable(args) => policy::switch(args, true).await,
            Command::Disable(args) => policy::switch(args, false).await,
            Command::Pin(args) => policy::pin(args).await,
            Command::Call(args) => call::run(args).await,
            Command::Halt(args) => return halt::halt(args).await,
            Command::Resume(args) => return halt::resume(args).await,
            Command::Journal(args) => return journal::run(args),
            Command::Token(args) => token::run(args),
            Command::Schema => {
                schema::run();
                Ok(())
            }
        }?;
        Ok(ExitCode::SUCCESS)
    });
    // A component that is being compiled must not hold up the end.
    runtime.shutdown_background();
    result
}
