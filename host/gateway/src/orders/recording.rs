//! What TWS tells, on its way into the journal: whoever hears it never waits
//! for the disk, and a row that cannot be written is tried again.

use std::sync::OnceLock;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};

use crate::journal::{About, Cause, Entry, Event, Journal, JournalError};

/// How many rows are handed to the journal at once.
const TOGETHER: usize = 100;

/// How long to wait before a row is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// How long to wait for what is on its way.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is on its way.
enum Job {
    Row(Box<Entry>),
    /// Tell when all before it is written.
    Tell(oneshot::Sender<()>),
}

/// Writes what TWS tells of the orders of one gateway.
pub(super) struct Recorder {
    pub(super) journal: Journal,
    /// The configured name of the gateway.
    pub(super) gateway: String,
    jobs: OnceLock<mpsc::UnboundedSender<Job>>,
}

impl Recorder {
    pub(super) fn new(gateway: String, journal: Journal) -> Self {
        Self {
            journal,
            gateway,
            jobs: OnceLock::new(),
        }
    }

    /// Has a row written. The gateway is added to what it is about.
    pub(super) fn record(&self, about: About, event: Event) {
        let about = About {
            gateway: Some(self.gateway.clone()),
            ..about
        };
        let entry = Entry::new(OffsetDateTime::now_utc(), about, event);
        self.send(Job::Row(Box::new(entry)));
    }

    /// Waits until all that was recorded is written, as far as it can be.
    pub(super) async fn settled(&self) {
        let (told, written) = oneshot::channel();
        self.send(Job::Tell(told));
        if !matches!(tokio::time::timeout(PATIENCE, written).await, Ok(Ok(()))) {
            tracing::error!("What TWS told of the orders is not in the journal yet");
        }
    }

    fn send(&self, job: Job) {
        let jobs = self.jobs.get_or_init(|| {
            let (jobs, waiting) = mpsc::unbounded_channel();
            tokio::spawn(write(self.journal.clone(), waiting));
            jobs
        });
        // It fails only once the journal is closed, which is in the log then.
        let _ = jobs.send(job);
    }
}

/// Writes until nobody can record any more.
async fn write(journal: Journal, mut waiting: mpsc::UnboundedReceiver<Job>) {
    let mut jobs = Vec::new();
    while waiting.recv_many(&mut jobs, TOGETHER).await > 0 {
        let mut rows = Vec::new();
        let mut tell = Vec::new();
        for job in jobs.drain(..) {
            match job {
                Job::Row(row) => rows.push(*row),
                Job::Tell(who) => tell.push(who),
            }
        }
        if !keep(&journal, rows).await {
            return;
        }
        for who in tell {
            // Who waited may have gone.
            let _ = who.send(());
        }
    }
}

/// Writes rows, however long it takes. False once it never will.
async fn keep(journal: &Journal, rows: Vec<Entry>) -> bool {
    if rows.is_empty() {
        return true;
    }
    loop {
        match journal.append_all(rows.clone()).await {
            Ok(_) => return true,
            Err(JournalError::BadRow(_)) => return one_by_one(journal, rows).await,
            Err(error) if is_closed(&error) => {
                let lost = rows.len();
                tracing::error!("{lost} rows about orders came after the journal was closed");
                return false;
            }
            // The journal says in the log what stands in the way.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// One row that cannot be does not keep the others out.
async fn one_by_one(journal: &Journal, rows: Vec<Entry>) -> bool {
    for row in rows {
        loop {
            let (time, about, event) = (row.time, row.about.clone(), row.event.clone());
            match journal.append(time, about, event).await {
                Ok(_) => break,
                Err(error @ JournalError::BadRow(_)) => {
                    tracing::error!(about = ?row.about, "{error}");
                    break;
                }
                Err(error) if is_closed(&error) => return false,
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
    true
}

fn is_closed(error: &JournalError) -> bool {
    matches!(
        error,
        JournalError::Unwritable {
            cause: Cause::Closed,
            ..
        }
    )
}
