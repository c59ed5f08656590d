//! The journal as its users hold it.

use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::oneshot;

use super::entry::{About, Appended, Entry};
use super::error::{Cause, JournalError, OpenError, ReadError};
use super::event::{Asked, Event};
use super::once::Begun;
use super::options::Options;
use super::reader::Reader;
use super::writer::{Job, Kept, Reply, To};

/// How many rows may wait to be written.
const WAITING: usize = 100_000;

/// What the handle and the writer share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// How many rows wait to be written.
    pub(super) waiting: AtomicUsize,
    /// What stood in the way at the latest attempt.
    pub(super) trouble: Mutex<Option<JournalError>>,
    /// The number of the last row.
    pub(super) last: AtomicI64,
    /// How often rows were written, several of them together.
    pub(super) writes: AtomicU64,
    /// How long that took in all, in microseconds.
    pub(super) write_micros: AtomicU64,
    /// How often rows could not be written.
    pub(super) failures: AtomicU64,
}

/// How a journal is used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JournalUsage {
    /// How many rows it has.
    pub(crate) rows: i64,
    /// How many rows wait to be written.
    pub(crate) waiting: usize,
    /// How often rows were written, several of them together.
    pub(crate) writes: u64,
    /// How long that took in all.
    pub(crate) write_time: Duration,
    /// How often rows could not be written.
    pub(crate) failures: u64,
    /// Whether the latest attempt failed.
    pub(crate) is_troubled: bool,
}

/// The order journal of one host, open for writing. Clones are the same
/// journal. It is closed by [`close`](Self::close), or with the last clone.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    /// The number of the last row when it was opened.
    opened_at: i64,
    shared: Arc<Shared>,
    writer: Mutex<Option<(Sender<Job>, JoinHandle<()>)>>,
    /// A connection that reads, kept for the next question.
    reader: Mutex<Option<Reader>>,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Inner {
    /// Waits until everything is written and the file is closed.
    fn stop(&self) {
        let writer = lock(&self.writer).take();
        lock(&self.reader).take();
        if let Some((jobs, thread)) = writer {
            drop(jobs);
            if thread.join().is_err() {
                tracing::error!("The thread that writes the order journal failed");
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds a lock leaves it half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// Opens the journal, or begins it, and locks it against other hosts. It
    /// reads and writes files: in an asynchronous program call it where
    /// blocking is allowed.
    ///
    /// # Errors
    /// See [`OpenError`]; each text says what to do.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        super::options::open(path.as_ref(), &options)
    }

    pub(super) fn new(
        path: PathBuf,
        opened_at: i64,
        shared: Arc<Shared>,
        jobs: Sender<Job>,
        thread: JoinHandle<()>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                path,
                opened_at,
                shared,
                writer: Mutex::new(Some((jobs, thread))),
                reader: Mutex::default(),
            }),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The number of the last row when it was opened: what stands up to it was
    /// written by hosts that have ended.
    #[must_use]
    pub fn opened_at(&self) -> i64 {
        self.inner.opened_at
    }

    /// Begins a request: writes what was asked, and gives the order its key. A
    /// new order gets a new one; a change or a cancel that names its
    /// `client_id` in `about` and its order id in `asked` gets the order's own.
    /// The rows that follow are about what it answers.
    ///
    /// # Errors
    /// The answer is an error if the row is not durable: then nothing may be
    /// sent.
    pub fn begin(&self, time: OffsetDateTime, about: About, asked: Asked) -> Pending<Begun> {
        let entry = Box::new(Entry::new(time, about, Event::Asked(asked)));
        self.ask(1, |reply| Job::Begin(entry, reply))
    }

    /// Writes a row. It is durable once the answer is there; the order of rows
    /// is the order of calls, whether or not their answers are waited for.
    ///
    /// # Errors
    /// The answer is an error if the row is not durable: then nothing may be
    /// sent.
    pub fn append(&self, time: OffsetDateTime, about: About, event: Event) -> Pending<Appended> {
        let entry = Entry::new(time, about, event);
        self.ask(1, |reply| Job::Append(vec![entry], None, To::One(reply)))
    }

    /// Writes several rows, all or none of them, and waits for the disk once.
    ///
    /// # Errors
    /// As for [`append`](Self::append).
    pub fn append_all(&self, entries: Vec<Entry>) -> Pending<Vec<Appended>> {
        let rows = entries.len();
        self.ask(rows, |reply| Job::Append(entries, None, To::All(reply)))
    }

    /// Writes rows, and keeps what the gate of a gateway remembers with them,
    /// all or nothing of it. What it kept before is replaced. Without rows, it
    /// only keeps.
    ///
    /// # Errors
    /// As for [`append`](Self::append).
    pub fn append_and_keep(
        &self,
        entries: Vec<Entry>,
        gateway: &str,
        state: String,
    ) -> Pending<Vec<Appended>> {
        let rows = entries.len();
        let kept = Kept {
            gateway: gateway.to_owned(),
            state,
        };
        self.ask(rows, |reply| {
            Job::Append(entries, Some(kept), To::All(reply))
        })
    }

    fn ask<T>(&self, rows: usize, job: impl FnOnce(Reply<T>) -> Job) -> Pending<T> {
        let (reply, answer) = oneshot::channel();
        let pending = Pending { answer };
        let waiting = &self.inner.shared.waiting;
        let writer = lock(&self.inner.writer);
        let Some((jobs, _)) = writer.as_ref() else {
            // Without a reply the answer is that it is closed.
            return pending;
        };
        if waiting.fetch_add(rows, Ordering::Relaxed) + rows > WAITING {
            waiting.fetch_sub(rows, Ordering::Relaxed);
            let error = JournalError::because(Cause::Overloaded);
            drop(reply.send(Err(error)));
            return pending;
        }
        // It fails only if the thread is gone, and then the reply goes too.
        drop(jobs.send(job(reply)));
        pending
    }

    /// What stood in the way when it was last written, if anything did.
    #[must_use]
    pub fn trouble(&self) -> Option<JournalError> {
        lock(&self.inner.shared.trouble).clone()
    }

    /// What the writer has done until now.
    pub(crate) fn usage(&self) -> JournalUsage {
        let shared = &self.inner.shared;
        JournalUsage {
            rows: shared.last.load(Ordering::Relaxed),
            waiting: shared.waiting.load(Ordering::Relaxed),
            writes: shared.writes.load(Ordering::Relaxed),
            write_time: Duration::from_micros(shared.write_micros.load(Ordering::Relaxed)),
            failures: shared.failures.load(Ordering::Relaxed),
            is_troubled: lock(&shared.trouble).is_some(),
        }
    }

    /// A connection that reads, for as long as it is needed. It blocks: in an
    /// asynchronous program use [`read`](Self::read).
    ///
    /// # Errors
    /// `File` if it cannot be opened.
    pub fn reader(&self) -> Result<Reader, ReadError> {
        Reader::open(&self.inner.path).map_err(|error| ReadError::File(error.to_string()))
    }

    /// Asks the journal something, where blocking is allowed.
    ///
    /// # Errors
    /// As `question` answers, or `File` if the journal cannot be opened.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let journal = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let kept = lock(&journal.inner.reader).take();
            let reader = match kept {
                Some(reader) => reader,
                None => journal.reader()?,
            };
            let answer = question(&reader)?;
            // After an error the next question gets a new connection.
            *lock(&journal.inner.reader) = Some(reader);
            Ok(answer)
        });
        work.await.unwrap_or_else(|_| {
            Err(ReadError::File(
                "the question ended by a defect of the host".to_owned(),
            ))
        })
    }

    /// Writes what still waits, closes the file and unlocks it. What is asked
    /// later fails.
    pub async fn close(&self) {
        let journal = self.clone();
        let work = tokio::task::spawn_blocking(move || journal.inner.stop());
        if work.await.is_err() {
            tracing::error!("Closing the order journal failed");
        }
    }
}

/// What the writer will answer. The row is written whether or not anybody
/// waits for it.
#[must_use = "a row is durable once its answer is there"]
#[derive(Debug)]
pub struct Pending<T> {
    answer: oneshot::Receiver<Result<T, JournalError>>,
}

impl<T> Pending<T> {
    /// Lets the row be written without waiting for it. What goes wrong is in
    /// the log, and in [`Journal::trouble`]. For what is told and changes
    /// nothing any more; never for a row that must stand before something is
    /// sent.
    pub fn detach(self) {}

    /// Waits for the answer, where blocking is allowed.
    ///
    /// # Errors
    /// As the call that made it.
    pub fn wait(self) -> Result<T, JournalError> {
        self.answer.blocking_recv().unwrap_or_else(|_| closed())
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, JournalError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer)
            .poll(context)
            .map(|answer| answer.unwrap_or_else(|_| closed()))
    }
}

fn closed<T>() -> Result<T, JournalError> {
    Err(JournalError::because(Cause::Closed))
}
