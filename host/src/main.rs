//! `sandpit`: a native host for Interactive Brokers trading tools.
//!
//! This crate is the command line, the configuration and the wiring. The work
//! is done in the rooms below it, top to bottom: `sandpit-front`,
//! `sandpit-tools`, `sandpit-sandbox`, `sandpit-gateway`.

mod broker;
mod cli;
mod client;
mod commands;
mod component;
mod config;
mod descriptors;
mod logging;
mod metrics;
mod operator;
mod output;
mod policy_file;
mod shutdown;
mod telemetry;
mod trust;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sandpit: {error:#}");
            ExitCode::FAILURE
        }
    }
}
