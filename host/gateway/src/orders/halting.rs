//! Halting trading and resuming it: by an operator, by a file, by losses.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use super::situation;
use super::trade::Trade;
use crate::connection::{Gateway, WeakGateway};
use crate::gate::state::{Halt, HaltSource};
use crate::gate::{GateConfig, loss_halt};
use crate::journal::{self, About, Entry, Event, Resume};
use crate::model::{Caller, Error, OrderState, Result};

/// How often the halt file is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// How often profit and loss are looked at between the orders.
const LOOK_AT_LOSSES: Duration = Duration::from_secs(5);

impl Gateway {
    /// Halts trading: from now on there are no new orders and no changes, until
    /// an operator resumes it. Cancels still pass. It stays halted over a
    /// restart. If the same source has halted it already, that halt stands.
    ///
    /// # Errors
    /// `Other` if it cannot be written down. Trading is halted all the same,
    /// until the host ends.
    pub async fn halt(&self, by: &str, reason: &str, source: HaltSource) -> Result<()> {
        self.trade().halt(by, reason, source, false).await
    }

    /// As [`halt`](Self::halt), and cancels all open orders of this client.
    /// Answers what became of each, by its id.
    ///
    /// # Errors
    /// `NotConnected` if there is no connection to cancel over: trading is
    /// halted all the same. Else as for [`halt`](Self::halt).
    pub async fn halt_and_cancel(
        &self,
        by: &str,
        reason: &str,
        source: HaltSource,
    ) -> Result<Vec<(i32, Result<OrderState>)>> {
        let halted = self.trade().halt(by, reason, source, true).await;
        // An order that passed the gate before is sent by the end of its turn.
        drop(self.trade().turn.lock().await);
        let caller = Caller {
            tool: "sandpit halt".to_owned(),
            digest: String::new(),
            client: by.to_owned(),
            call_id: String::new(),
        };
        let cancelled = self.cancel_all(&caller, |_| true).await?;
        halted.map(|()| cancelled)
    }

    /// Lifts all halts, on the word of an operator. A loss that is still beyond
    /// its limit halts again at the next look. Answers what was lifted.
    ///
    /// # Errors
    /// `NoPermission` while the halt file exists; `Other` if it cannot be
    /// written down: then trading stays halted.
    pub async fn resume(&self, by: &str) -> Result<Vec<Halt>> {
        let trade = self.trade();
        let config = trade.config();
        let file = match &config.halt_file {
            Some(file) if is_there(file).await => Some(file.display().to_string()),
            _ => None,
        };
        let lifted = {
            let mut memory = trade.memory();
            let lifted = memory.gate.halts.lift(file.as_deref());
            let lifted = lifted.map_err(|error| Error::NoPermission(error.to_string()))?;
            // Who resumes trading has looked at why orders were refused.
            memory.gate.rejections.accepted();
            lifted
        };
        let now = OffsetDateTime::now_utc();
        let row = Event::Resume(Resume {
            who: by.to_owned(),
            why: String::new(),
        });
        let about = About::gateway(trade.gateway());
        if let Err(error) = trade.write(vec![Entry::new(now, about, row)]).await {
            let mut memory = trade.memory();
            for halt in lifted {
                memory.gate.halts.set(halt);
            }
            return Err(Error::Other(error.to_string()));
        }
        tracing::warn!(gateway = trade.gateway(), by, "Trading was resumed");
        Ok(lifted)
    }

    /// The halt that came first, while there is one.
    pub fn halted(&self) -> Option<Halt> {
        self.trade().halted()
    }

    /// The rules as they are now.
    pub fn gate(&self) -> GateConfig {
        GateConfig::clone(&self.trade().config())
    }

    /// Sets other rules, for every order from now on. What the gate remembers
    /// stays.
    pub fn set_gate(&self, config: GateConfig) {
        self.trade().set_config(config);
    }
}

impl Trade {
    /// Halts trading, and writes it down.
    async fn halt(
        &self,
        by: &str,
        reason: &str,
        source: HaltSource,
        cancel_all: bool,
    ) -> Result<()> {
        let halt = Halt {
            source,
            who: by.to_owned(),
            why: reason.to_owned(),
            since: OffsetDateTime::now_utc(),
        };
        let new = self.memory().gate.halts.set(halt.clone());
        if !new && !cancel_all {
            return Ok(());
        }
        tracing::warn!(gateway = self.gateway(), by, "Trading is halted: {reason}");
        let entry = self.halt_entry(&halt, cancel_all);
        self.write(vec![entry]).await.map_err(|error| {
            Error::Other(format!(
                "Trading is halted, but a restart of the host would lift it: {error}"
            ))
        })
    }

    /// The row of a halt.
    pub(super) fn halt_entry(&self, halt: &Halt, cancel_all: bool) -> Entry {
        let row = Event::Halt(journal::Halt {
            who: halt.who.clone(),
            why: halt.why.clone(),
            cancel_all,
        });
        Entry::new(halt.since, About::gateway(self.gateway()), row)
    }

    /// Halts trading if the halt file is there.
    pub(super) async fn look_for_halt_file(&self, config: &GateConfig) {
        let Some(file) = &config.halt_file else {
            return;
        };
        let known = {
            let memory = self.memory();
            let mut halts = memory.gate.halts.all();
            halts.any(|halt| halt.source == HaltSource::File)
        };
        if known || !is_there(file).await {
            return;
        }
        let name = file.display().to_string();
        let reason = format!("the file {name} is there");
        if let Err(error) = self.halt(&name, &reason, HaltSource::File, false).await {
            tracing::error!("{error}");
        }
    }
}

/// Whether a file is there, as far as it can be known: what cannot be looked at
/// may be there.
async fn is_there(file: &std::path::Path) -> bool {
    !matches!(tokio::fs::try_exists(file).await, Ok(false))
}

/// Looks for what halts trading between the orders, for as long as the gateway
/// lives.
pub(crate) async fn watch(gateway: WeakGateway) {
    let mut losses = Instant::now();
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(gateway) = gateway.upgrade() else {
            return;
        };
        let config = gateway.trade().config();
        gateway.trade().look_for_halt_file(&config).await;
        let rules = &config.rules;
        let asks = rules.max_daily_loss.is_some() || rules.max_drawdown.is_some();
        if asks && losses.elapsed() >= LOOK_AT_LOSSES {
            watch_losses(&gateway, &config).await;
            losses = Instant::now();
        }
    }
}

/// Takes in the profit and loss of every account, and halts trading where it is
/// beyond what is allowed.
async fn watch_losses(gateway: &Gateway, config: &GateConfig) {
    let status = gateway.status();
    if !status.connected {
        return;
    }
    let trade = gateway.trade();
    for account in status.accounts {
        let allowed = config.accounts.as_ref();
        if allowed.is_some_and(|allowed| !allowed.contains(&account)) {
            continue;
        }
        let Some((mut situation, pnl)) = situation::fetch_losses(gateway, config, &account).await
        else {
            continue;
        };
        let (why, rose) = {
            let peaks = &mut trade.memory().gate.peaks;
            let before = peaks.clone();
            pnl.observe(peaks, &config.time_zone, &mut situation);
            (loss_halt(config, &account, &situation), before != *peaks)
        };
        if rose {
            // The best of today is not to be lost with the host.
            trade.note(Vec::new()).await;
        }
        if let Some(why) = why {
            let who = format!("the losses of account {account}");
            if let Err(error) = trade.halt(&who, &why, HaltSource::Loss, false).await {
                tracing::error!("{error}");
            }
        }
    }
}
