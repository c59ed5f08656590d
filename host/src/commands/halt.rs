//! `sandpit halt` and `resume`: the brake, on a running host or for the next.

use std::process::ExitCode;

use anyhow::{Context, bail};
use sandpit_front::{HaltWish, ResumeWish, Trading};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::broker::Broker;
use crate::cli::operator::{HaltArgs, ResumeArgs};
use crate::client::{self, AskError};
use crate::config::{Config, Sources};
use crate::output::plain;

/// What a host answers, or what was done in its place.
#[derive(Debug, Deserialize)]
struct Answer {
    gateways: Vec<Halted>,
}

/// How one gateway stands.
#[derive(Debug, Deserialize)]
struct Halted {
    name: String,
    halt: Option<Halt>,
    #[serde(default)]
    cancelled: Option<Vec<Cancelled>>,
    #[serde(default)]
    lifted: Vec<Halt>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Halt {
    who: String,
    why: String,
    since: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cancelled {
    order_id: i32,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

/// `sandpit halt`.
pub async fn halt(args: HaltArgs) -> anyhow::Result<ExitCode> {
    let wish = json!({
        "gateway": args.gateway,
        "reason": args.reason,
        "by": person(),
        "cancelOrders": args.cancel_orders,
    });
    let sources = args.host.config.sources();
    let (config, fault) = sources.read_to_ask()?;
    let asked = ask(args.host.url.as_ref(), &config, "/operator/halt", &wish).await;
    let answer = match asked {
        Ok(answer) => answer,
        Err(AskError::NotRunning { base }) if args.host.url.is_none() => {
            if let Some(fault) = fault {
                return Err(fault.context(format!("no host answers at {base}")));
            }
            println!("No host answers at {base}; what is halted now is halted when one starts.");
            if args.cancel_orders {
                println!("Orders that are open stay open: only a running host can cancel them.");
            }
            let wish = HaltWish {
                cancel_orders: false,
                ..serde_json::from_value(wish)?
            };
            match on_the_journal(&sources, &config).await {
                Ok(broker) => {
                    let answer = broker.halt(wish).await;
                    broker.close().await;
                    answer?
                }
                Err(error) => return halt_file(&config, &args, &error),
            }
        }
        Err(error) => return Err(error.into()),
    };
    report(answer, |gateway| match &gateway.halt {
        Some(halt) => format!("trading is halted, {}", words(halt)),
        None => "trading is not halted".to_owned(),
    })
}

/// `sandpit resume`.
pub async fn resume(args: ResumeArgs) -> anyhow::Result<ExitCode> {
    let wish = json!({ "gateway": args.gateway, "by": person() });
    let sources = args.host.config.sources();
    let (config, fault) = sources.read_to_ask()?;
    let asked = ask(args.host.url.as_ref(), &config, "/operator/resume", &wish).await;
    let answer = match asked {
        Ok(answer) => answer,
        Err(AskError::NotRunning { base }) if args.host.url.is_none() => {
            if let Some(fault) = fault {
                return Err(fault.context(format!("no host answers at {base}")));
            }
            println!("No host answers at {base}; the next one that starts trades again.");
            let wish: ResumeWish = serde_json::from_value(wish)?;
            let broker = on_the_journal(&sources, &config).await?;
            let answer = broker.resume(wish).await;
            broker.close().await;
            answer?
        }
        Err(error) => return Err(error.into()),
    };
    report(answer, |gateway| {
        match (&gateway.halt, gateway.lifted.as_slice()) {
            (Some(halt), _) => format!("trading is halted again, {}", words(halt)),
            (None, []) => "trading was not halted".to_owned(),
            (None, lifted) => {
                let lifted: Vec<_> = lifted.iter().map(words).collect();
                format!("orders pass again; it was halted {}", lifted.join(", and "))
            }
        }
    })
}

/// Who sits here, as the machine calls them.
fn person() -> Option<String> {
    let named = |name| std::env::var(name).ok().filter(|name| !name.is_empty());
    named("USER").or_else(|| named("LOGNAME"))
}

async fn ask(
    url: Option<&http::Uri>,
    config: &Config,
    path: &str,
    wish: &Value,
) -> Result<Value, AskError> {
    let (client, token) = client::as_operator(url, config).await?;
    let text = client.order(&token, path, wish.to_string()).await?;
    let answer = serde_json::from_str(&text);
    Ok(answer.with_context(|| format!("{} answered with something else", client.base()))?)
}

/// The gateways as a host would have them, none of them connected.
async fn on_the_journal(sources: &Sources, config: &Config) -> anyhow::Result<Broker> {
    let file = sources.journal_file(config);
    let broker = Broker::open(config, file).await?;
    match &broker.journal {
        Ok(_) => Ok(broker),
        Err(reason) => bail!("{reason}"),
    }
}

/// Where the journal cannot say it, the file that stands for a halt does.
fn halt_file(config: &Config, args: &HaltArgs, error: &anyhow::Error) -> anyhow::Result<ExitCode> {
    let reason = args.reason.as_deref().unwrap_or_default();
    let mut written = Vec::new();
    for (name, section) in config.gateways() {
        if args.gateway.as_deref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let Some(file) = config.gate_of(section).halt_file else {
            bail!(
                "{error:#} And gateway {name} has no halt_file in its [gate] that could stand for \
                 the halt. Nothing is halted; if a host runs elsewhere, name it with --url."
            );
        };
        if !written.contains(&file) {
            std::fs::write(&file, format!("{reason}\n"))
                .with_context(|| format!("{} cannot be written", file.display()))?;
            println!("{error:#}");
            println!(
                "{} is there now, which halts trading until it is removed.",
                file.display()
            );
            written.push(file);
        }
    }
    if written.is_empty() {
        bail!(
            "there is no gateway {:?}",
            plain(args.gateway.as_deref().unwrap_or_default())
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn words(halt: &Halt) -> String {
    let why = match halt.why.trim() {
        "" => String::new(),
        why => format!(": {}", plain(why)),
    };
    let since = halt.since.as_deref().unwrap_or("an unknown time");
    format!("since {} by {}{why}", plain(since), plain(&halt.who))
}

/// Says how each gateway stands, and what became of its orders.
fn report(answer: Value, stands: impl Fn(&Halted) -> String) -> anyhow::Result<ExitCode> {
    let answer: Answer =
        serde_json::from_value(answer).context("the host answered with something else")?;
    let mut code = ExitCode::SUCCESS;
    for gateway in &answer.gateways {
        println!("{}: {}.", plain(&gateway.name), stands(gateway));
        for order in gateway.cancelled.iter().flatten() {
            match (&order.status, &order.error) {
                (_, Some(error)) => {
                    println!(
                        "  order {} may still be open: {}",
                        order.order_id,
                        plain(error)
                    );
                    code = ExitCode::FAILURE;
                }
                (status, None) => {
                    let status = status.as_deref().unwrap_or("asked to be cancelled");
                    println!("  order {}: {}", order.order_id, plain(status));
                }
            }
        }
        if let Some(error) = &gateway.error {
            println!("  {}", plain(error));
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
