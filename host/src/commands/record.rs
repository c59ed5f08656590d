//! `sandpit record`: a tape of what goes between a client and a real TWS.

use std::io::Write;

use anyhow::bail;
use sandpit_simulator::tape::{Masking, Recorder, RecorderConfig};

use crate::cli::tape::RecordArgs;
use crate::config::LogSection;
use crate::{logging, shutdown};

/// Records until the process is asked to stop.
pub async fn run(args: RecordArgs) -> anyhow::Result<()> {
    logging::start(
        &LogSection {
            level: args.log,
            ..LogSection::default()
        },
        None,
    )?;
    if args.tape.exists() && !args.force {
        bail!(
            "{} is there already; name another file, or write over it with --force",
            args.tape.display()
        );
    }
    let stop = shutdown::on_signal()?;
    let mut masking = if args.keep_accounts {
        Masking::nothing()
    } else {
        Masking::default()
    };
    for word in &args.hide {
        if word.len() < SHORTEST {
            bail!(
                "--hide {word}: a word that is hidden has at least {SHORTEST} bytes, because \
                 shorter ones are in messages by chance"
            );
        }
    }
    masking.words = args.hide;
    let recorder = Recorder::start(RecorderConfig {
        listen: args.listen,
        target: args.to.clone(),
        tape: args.tape.clone(),
        masking,
    })
    .await?;
    let text = format!(
        "Connect the client to {}; what it says to {} and hears from it is written to {}\n",
        recorder.address(),
        args.to,
        args.tape.display()
    );
    // Standard output may be closed; the recorder runs all the same.
    let _ = std::io::stdout().write_all(text.as_bytes());
    stop.cancelled().await;
    recorder.shutdown().await;
    Ok(())
}

/// The shortest word that can be hidden, in bytes.
const SHORTEST: usize = 4;
