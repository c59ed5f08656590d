//! The one thread that writes. What waits is written together, in one
//! transaction, so that one wait for the disk serves all of it.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::chain::Hash;
use super::entry::{Appended, Entry};
use super::error::{Cause, JournalError, OpenError};
use super::handle::Shared;
use super::head::{self, HeadFile};
use super::once::{self, Begun};
use super::table::Link;
use super::{append, schema, table};

/// How many requests are written in one transaction at most.
const TOGETHER: usize = 256;

/// Where an answer goes. Who asked may have gone.
pub(super) type Reply<T> = oneshot::Sender<Result<T, JournalError>>;

/// What is asked of the writer.
pub(super) enum Job {
    /// Write these rows, and keep this, all or none.
    Append(Vec<Entry>, Option<Kept>, To),
    /// Write that something was asked, unless it was asked before.
    Begin(Box<Entry>, Reply<Begun>),
}

/// What a gate remembers, to be kept beside the rows.
#[derive(Debug)]
pub(super) struct Kept {
    /// The name of the gateway.
    pub(super) gateway: String,
    /// What it remembers, in a form of its own.
    pub(super) state: String,
}

/// Where the answer about rows goes.
pub(super) enum To {
    /// One row was asked for.
    One(Reply<Appended>),
    /// Any number was.
    All(Reply<Vec<Appended>>),
}

impl To {
    fn answer(self, answer: Result<Vec<Appended>, JournalError>) {
        match self {
            Self::All(reply) => drop(reply.send(answer)),
            Self::One(reply) => {
                // Without a row the reply is dropped, which is an answer too.
                if let Some(one) = answer.map(|rows| rows.first().copied()).transpose() {
                    drop(reply.send(one));
                }
            }
        }
    }
}

/// What a job came to.
enum Answer {
    Append(Result<Vec<Appended>, JournalError>),
    Begin(Box<Result<Begun, JournalError>>),
}

impl Job {
    /// How many rows it may write.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Append(entries, ..) => entries.len(),
            Self::Begin(..) => 1,
        }
    }

    fn answer(self, answer: Answer) {
        // Who asked may have gone.
        match (self, answer) {
            (Self::Append(.., to), Answer::Append(answer)) => to.answer(answer),
            (Self::Begin(_, reply), Answer::Begin(answer)) => drop(reply.send(*answer)),
            _ => {}
        }
    }

    fn fail(self, error: JournalError) {
        match self {
            Self::Append(.., to) => to.answer(Err(error)),
            Self::Begin(_, reply) => drop(reply.send(Err(error))),
        }
    }
}

/// What the writer works with.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) max_bytes: Option<u64>,
    /// Absent after a failure, until the next attempt.
    pub(super) connection: Option<Connection>,
    pub(super) head: HeadFile,
    /// Which file the journal is.
    pub(super) identity: (u64, u64),
    /// The journal's name, and what its first row follows.
    pub(super) name: String,
    pub(super) genesis: Hash,
    /// The end of the chain.
    pub(super) last: Link,
    /// The end of the chain if the latest commit, which failed, went through
    /// after all.
    pub(super) perhaps: Option<Link>,
    pub(super) shared: Arc<Shared>,
}

impl Writer {
    /// Writes until nobody can ask any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut batch = vec![first];
            while batch.len() < TOGETHER {
                match jobs.try_recv() {
                    Ok(job) => batch.push(job),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            self.write(batch);
        }
        if let Some(connection) = self.connection.take()
            && let Err((_, error)) = connection.close()
        {
            tracing::warn!("Closing the order journal: {error}");
        }
        if let Err(error) = self.head.sync() {
            tracing::warn!("Closing the order journal's head file: {error}");
        }
    }

    /// Writes a batch and answers all who asked.
    fn write(&mut self, batch: Vec<Job>) {
        let rows: usize = batch.iter().map(Job::rows).sum();
        let begun = Instant::now();
        let outcome = self.commit(&batch);
        self.count(begun, outcome.is_ok());
        self.shared.waiting.fetch_sub(rows, Ordering::Relaxed);
        match outcome {
            Ok(answers) => {
                if let Err(error) = self.head.write(&self.name, self.last) {
                    // The rows are safe; only a cut-off end might go unseen.
                    tracing::error!("The order journal's head file cannot be written: {error}");
                }
                self.healthy(None);
                for (job, answer) in batch.into_iter().zip(answers) {
                    job.answer(answer);
                }
            }
            Err(error) => {
                self.connection = None;
                self.healthy(Some(&error));
                for job in batch {
                    job.fail(error.clone());
                }
            }
        }
    }

    /// Counts what was written.
    fn count(&self, begun: Instant, is_written: bool) {
        if !is_written {
            self.shared.failures.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.shared.writes.fetch_add(1, Ordering::Relaxed);
        self.shared
            .write_micros
            .fetch_add(micros, Ordering::Relaxed);
        self.shared.last.store(self.last.seq, Ordering::Relaxed);
    }

    /// Keeps what stands in the way, and says in the log when that changes.
    fn healthy(&self, error: Option<&JournalError>) {
        let mut trouble = self
            .shared
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match (trouble.as_ref(), error) {
            (None, None) => return,
            (Some(_), None) => tracing::info!("The order journal can be written again"),
            (known, Some(error)) if known != Some(error) => {
                let detail = match error {
                    JournalError::Unwritable { detail, .. } => detail.as_str(),
                    JournalError::BadRow(_) => "",
                };
                tracing::error!(detail, path = %self.path.display(), "{error}");
            }
            _ => {}
        }
        *trouble = error.cloned();
    }

    /// Does all jobs in one transaction, and commits it.
    fn commit(&mut self, batch: &[Job]) -> Result<Vec<Answer>, JournalError> {
        let in_place = head::identity(&self.path).is_ok_and(|found| found == self.identity)
            && self.head.is_in_place();
        if !in_place {
            return Err(JournalError::because(Cause::Moved));
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reopen()?,
        };
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = table::last(&transaction, self.genesis)?;
        if found != self.last && Some(found) != self.perhaps {
            return Err(JournalError::because(Cause::Altered));
        }
        self.last = found;
        self.perhaps = None;
        let mut link = found;
        let mut answers = Vec::with_capacity(batch.len());
        let mut transaction = transaction;
        let mut kept_any = false;
        for job in batch {
            // What cannot be written of one does not spoil the others.
            let savepoint = transaction.savepoint()?;
            let before = link;
            let answer = match job {
                Job::Append(entries, kept, _) => {
                    if let Some(kept) = kept {
                        append::keep(&savepoint, kept)?;
                        kept_any = true;
                    }
                    Answer::Append(keep(append::all(&savepoint, &mut link, entries))?)
                }
                Job::Begin(entry, _) => {
                    let begun = once::begin(&savepoint, &mut link, entry);
                    Answer::Begin(Box::new(keep(begun)?))
                }
            };
            let refused = match &answer {
                Answer::Append(answer) => answer.is_err(),
                Answer::Begin(answer) => answer.is_err(),
            };
            if refused {
                link = before;
                drop(savepoint);
            } else {
                savepoint.commit()?;
            }
            answers.push(answer);
        }
        if link == found && !kept_any {
            transaction.rollback()?;
        } else {
            self.perhaps = Some(link);
            transaction.commit()?;
            self.perhaps = None;
            self.last = link;
        }
        self.connection = Some(connection);
        Ok(answers)
    }

    fn reopen(&self) -> Result<Connection, JournalError> {
        schema::open_to_write(&self.path, self.max_bytes).map_err(|error| {
            let cause = match &error {
                OpenError::NotAJournal { .. } | OpenError::TooNew { .. } => Cause::Damaged,
                _ => Cause::Disk,
            };
            JournalError::Unwritable {
                cause,
                detail: error.to_string(),
            }
        })
    }
}

/// A row that cannot be fails alone; anything else fails the whole batch.
fn keep<T>(outcome: Result<T, JournalError>) -> Result<Result<T, JournalError>, JournalError> {
    match outcome {
        Err(error @ JournalError::Unwritable { .. }) => Err(error),
        other => Ok(other),
    }
}
