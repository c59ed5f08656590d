//! `sandpit replay`: TWS played from a tape.

use std::io::Write;
use std::time::Duration;

use sandpit_simulator::tape::{Replayer, Tape, Timing};
use tracing::warn;

use crate::cli::tape::ReplayArgs;
use crate::config::LogSection;
use crate::{logging, shutdown};

/// How often it is looked whether the client did something else.
const LOOK: Duration = Duration::from_millis(500);

/// Plays until the process is asked to stop.
pub async fn run(args: ReplayArgs) -> anyhow::Result<()> {
    logging::start(
        &LogSection {
            level: args.log,
            ..LogSection::default()
        },
        None,
    )?;
    let stop = shutdown::on_signal()?;
    let path = args.tape;
    let tape = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || Tape::from_file(path)).await??
    };
    let connections = tape.entries.iter().map(|entry| entry.connection).max();
    let connections = connections.unwrap_or(0);
    let timing = if args.recorded_timing {
        Timing::Recorded
    } else {
        Timing::Immediate
    };
    let replayer = Replayer::start(args.listen, tape, timing).await?;
    let text = format!(
        "A TWS from the tape {} listens on {}; the tape has {connections} connections\n",
        path.display(),
        replayer.address()
    );
    // Standard output may be closed; the replay goes on all the same.
    let _ = std::io::stdout().write_all(text.as_bytes());
    let mut told = 0;
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        let divergences = replayer.divergences();
        for divergence in divergences.iter().skip(told) {
            warn!("not as on the tape: {divergence}");
        }
        told = divergences.len();
        if stopping {
            break;
        }
    }
    replayer.shutdown().await;
    let text = match told {
        0 => "The client said what is on the tape.\n".to_owned(),
        1 => "The client said something else than on the tape once.\n".to_owned(),
        many => format!("The client said something else than on the tape {many} times.\n"),
    };
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}
