//! `sandpit journal`: the journal of orders, also while a host writes it.

mod select;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use sandpit_gateway::journal::{
    Fault, Journal, Options, OrderKey, Reader, Row, Standing, export, line,
};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::journal::{
    ExportArgs, JournalArgs, JournalCommand, JournalFileArgs, JournalFormat, ListArgs, ShowArgs,
    VerifyArgs,
};
use crate::output::{pairs, plain, table};
use select::Selection;

/// Does what is asked, for the exit code.
pub fn run(args: JournalArgs) -> anyhow::Result<ExitCode> {
    let mut output = BufWriter::new(io::stdout().lock());
    let done = match args.command {
        JournalCommand::List(args) => list(&args, &mut output),
        JournalCommand::Show(args) => show(&args, &mut output),
        JournalCommand::Verify(args) => verify(&args, &mut output),
        JournalCommand::Export(args) => export(&args, &mut output),
        JournalCommand::Accept(args) => accept(&args, &mut output),
    };
    let done = done.and_then(|code| {
        output.flush()?;
        Ok(code)
    });
    match done {
        // Whoever reads it has read enough.
        Err(error) if is_closed(&error) => Ok(ExitCode::SUCCESS),
        other => other,
    }
}

fn is_closed(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The journal's file: the one that is named, or else the configured one.
fn file(args: &JournalFileArgs) -> anyhow::Result<PathBuf> {
    if let Some(file) = &args.file {
        return Ok(file.clone());
    }
    let sources = args.config.sources();
    let (config, fault) = sources.read_to_ask()?;
    if let Some(fault) = fault {
        eprintln!("sandpit: {fault:#}");
    }
    Ok(sources.journal_file(&config))
}

fn reader(args: &JournalFileArgs) -> anyhow::Result<Reader> {
    Ok(Reader::open(file(args)?)?)
}

fn list(args: &ListArgs, output: &mut impl Write) -> anyhow::Result<ExitCode> {
    let reader = reader(&args.journal)?;
    let selection = Selection::new(&reader, &args.select)?;
    if args.orders {
        let orders = selection.latest_orders(&reader, args.limit)?;
        write_orders(args.format, &orders, output)?;
    } else {
        let rows = selection.latest(&reader, args.limit)?;
        write_rows(args.format, rows.into_iter().map(Ok), output)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn export(args: &ExportArgs, output: &mut impl Write) -> anyhow::Result<ExitCode> {
    let reader = reader(&args.journal)?;
    let selection = Selection::new(&reader, &args.select)?;
    write_rows(args.format, selection.rows(&reader), output)?;
    Ok(ExitCode::SUCCESS)
}

fn write_rows(
    format: JournalFormat,
    rows: impl Iterator<Item = anyhow::Result<Row>>,
    output: &mut impl Write,
) -> anyhow::Result<()> {
    let format = match format {
        JournalFormat::Table => {
            let cells = rows.map(|row| Ok(export::cells(&row?).to_vec()));
            let cells: Vec<_> = cells.collect::<anyhow::Result<_>>()?;
            if cells.is_empty() {
                writeln!(output, "There are no such rows.")?;
            } else {
                let headings = export::HEADINGS.map(str::to_uppercase);
                let headings: Vec<_> = headings.iter().map(String::as_str).collect();
                writeln!(output, "{}", table(&headings, &["SEQ"], cells))?;
            }
            return Ok(());
        }
        JournalFormat::Json => export::Format::JsonLines,
        JournalFormat::Csv => export::Format::Csv,
    };
    for line in export::lines(format, rows) {
        output.write_all(line?.as_bytes())?;
    }
    Ok(())
}

fn write_orders(
    format: JournalFormat,
    orders: &[Standing],
    output: &mut impl Write,
) -> anyhow::Result<()> {
    let headings = [
        "KEY", "SINCE", "GATEWAY", "ACCOUNT", "ORDER", "WHAT", "STAGE", "FILLED",
    ];
    match format {
        JournalFormat::Json => {
            for order in orders {
                writeln!(output, "{}", serde_json::to_string(order)?)?;
            }
        }
        JournalFormat::Table if orders.is_empty() => {
            writeln!(output, "There are no such orders.")?;
        }
        JournalFormat::Table => {
            let rows = orders.iter().map(order_cells).collect();
            writeln!(output, "{}", table(&headings, &["ORDER", "FILLED"], rows))?;
        }
        JournalFormat::Csv => {
            bail!("orders are listed as a table or as JSON; as CSV there are rows: journal export")
        }
    }
    Ok(())
}

fn order_cells(order: &Standing) -> Vec<String> {
    let about = &order.about;
    vec![
        about
            .order
            .as_ref()
            .map(OrderKey::to_string)
            .unwrap_or_default(),
        stamp(order.since),
        about.gateway.clone().unwrap_or_default(),
        about.account.clone().unwrap_or_default(),
        about.order_id.map(|id| id.to_string()).unwrap_or_default(),
        what(order),
        stage(order),
        order.filled().to_string(),
    ]
}

/// What an order is for, in a few words.
fn what(order: &Standing) -> String {
    let contract = order.contract.as_ref().map(|contract| contract.words());
    let terms = order.order.as_ref().map(|order| order.words());
    let words: Vec<_> = [terms, contract].into_iter().flatten().collect();
    words.join(" ")
}

/// Its stage as JSON writes it.
fn stage(order: &Standing) -> String {
    let stage = serde_json::to_value(order.stage).ok();
    let stage = stage.as_ref().and_then(|stage| stage.as_str());
    stage.unwrap_or_default().to_owned()
}

fn stamp(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_else(|_| time.to_string())
}

fn show(args: &ShowArgs, output: &mut impl Write) -> anyhow::Result<ExitCode> {
    let reader = reader(&args.journal)?;
    let key = select::the_order(&reader, &args.order)?;
    let rows = reader.order_rows(&key)?;
    let Some(order) = Standing::of(&key, &rows) else {
        bail!("the journal has no order {key}; sandpit journal list --orders lists those it has");
    };
    if args.json {
        let document = json!({ "order": order, "rows": rows });
        writeln!(output, "{document}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let about = &order.about;
    let number = |number: Option<i64>| number.map(|it| it.to_string()).unwrap_or_default();
    let commissions = order.commissions.iter();
    let commissions = commissions.map(|(currency, amount)| format!("{} {currency}", amount.0));
    let text = pairs(&[
        ("order", key.to_string()),
        ("what", plain(&what(&order))),
        ("stage", stage(&order)),
        ("filled", order.filled().to_string()),
        (
            "commissions",
            plain(&commissions.collect::<Vec<_>>().join(", ")),
        ),
        (
            "gateway",
            plain(about.gateway.as_deref().unwrap_or_default()),
        ),
        (
            "account",
            plain(about.account.as_deref().unwrap_or_default()),
        ),
        ("client id", number(about.client_id.map(i64::from))),
        ("order id", number(about.order_id.map(i64::from))),
        ("perm id", number(about.perm_id)),
    ]);
    writeln!(output, "{text}")?;
    let cells = |row: &Row| vec![row.seq.to_string(), stamp(row.time), line(&row.event)];
    let rows = rows.iter().map(cells).collect();
    writeln!(
        output,
        "{}",
        table(&["SEQ", "TIME", "WHAT"], &["SEQ"], rows)
    )?;
    Ok(ExitCode::SUCCESS)
}

fn verify(args: &VerifyArgs, output: &mut impl Write) -> anyhow::Result<ExitCode> {
    let file = file(&args.journal)?;
    let verified = Reader::open(&file)?.verify()?;
    if args.json {
        writeln!(output, "{}", serde_json::to_string(&verified)?)?;
    } else {
        let (rows, hash) = (verified.rows, verified.hash);
        match &verified.fault {
            None => writeln!(
                output,
                "{} is whole: {rows} rows, the last with the hash {hash}.",
                file.display()
            )?,
            Some(fault) => writeln!(output, "{}", broken(fault, rows))?,
        }
    }
    Ok(if verified.is_whole() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What is wrong, and up to where all is well.
fn broken(fault: &Fault, rows: i64) -> String {
    let fault = plain(&fault.to_string());
    match rows {
        0 => format!("The journal is not as it was written. {fault} No row before it is good."),
        rows => format!("The journal is not as it was written. {fault} Rows 1 to {rows} are good."),
    }
}

fn accept(args: &JournalFileArgs, output: &mut impl Write) -> anyhow::Result<ExitCode> {
    let file = file(args)?;
    // Whoever mistypes the name must not begin a new one.
    drop(Reader::open(&file)?);
    let now = OffsetDateTime::now_utc();
    let options = Options {
        accept_tail: Some(now),
        ..Options::default()
    };
    let journal = Journal::open(&file, options)?;
    drop(journal);
    let verified = Reader::open(&file)?.verify().context("it is accepted")?;
    match &verified.fault {
        None => writeln!(
            output,
            "{} is accepted as it is, and whole from here on: {} rows.",
            file.display(),
            verified.rows
        )?,
        Some(fault) => writeln!(output, "{}", broken(fault, verified.rows))?,
    }
    Ok(if verified.is_whole() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
