//! The recorder: a TCP proxy that writes a tape.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use prost::Message;
use time::OffsetDateTime;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::codec::Decoder;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::mask::{Mask, Masking};
use super::{Header, Party, TapeEntry, TapeError, TapeEvent, VERSION, agreed, name};
use crate::wire::dialect::Dialect;
use crate::wire::frame::FrameCodec;
use crate::wire::proto;

/// How many entries may wait to be written; then the connections wait too.
const QUEUE: usize = 1024;
const CHUNK: usize = 16 * 1024;
/// The id of the message that names the accounts.
const MANAGED_ACCOUNTS: i32 = 15;

/// What a recorder does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecorderConfig {
    /// Where clients connect. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where TWS listens, as `host:port`.
    pub target: String,
    /// The tape. A file that is there is written over.
    pub tape: PathBuf,
    /// What is hidden on the tape.
    pub masking: Masking,
}

/// A TCP proxy in front of TWS that writes a tape of what goes through it.
#[derive(Debug)]
pub struct Recorder {
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What the connections share.
#[derive(Debug, Clone)]
struct Shared {
    target: String,
    began: Instant,
    mask: Arc<Mutex<Mask>>,
    entries: mpsc::Sender<TapeEntry>,
}

impl Recorder {
    /// Starts a recorder. It must be called from within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`TapeError`] when the address is taken or the tape cannot be written.
    pub async fn start(config: RecorderConfig) -> Result<Self, TapeError> {
        let path = config.tape;
        let listener = listen(config.listen).await?;
        let address = listener.local_addr().map_err(|source| TapeError::Listen {
            address: config.listen,
            source,
        })?;
        let header = Header {
            tape: VERSION,
            began: OffsetDateTime::now_utc(),
        };
        let failed = |source| TapeError::File {
            path: path.clone(),
            source,
        };
        let mut file = BufWriter::new(File::create(&path).await.map_err(failed)?);
        let first = line(&header).map_err(failed)?;
        file.write_all(&first).await.map_err(failed)?;
        file.flush().await.map_err(failed)?;

        let (entries, queue) = mpsc::channel(QUEUE);
        let shared = Shared {
            target: config.target,
            began: Instant::now(),
            mask: Arc::new(Mutex::new(Mask::new(&config.masking))),
            entries,
        };
        let recorder = Self {
            address,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        recorder.tasks.spawn(write(queue, file));
        let (stop, tasks) = (recorder.stop.clone(), recorder.tasks.clone());
        recorder.tasks.spawn(async move {
            let mut number = 0;
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = stop.cancelled() => return,
                };
                match accepted {
                    Ok((client, _)) => {
                        number += 1;
                        tasks.spawn(shared.clone().pass(number, client, stop.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the recorder cannot accept a connection");
                        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    }
                }
            }
        });
        Ok(recorder)
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection, and returns when the tape is written.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, TapeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| TapeError::Listen { address, source })
}

fn line(value: &impl serde::Serialize) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// Writes entries as they come, and what was written to the disk when none waits.
async fn write(mut queue: mpsc::Receiver<TapeEntry>, mut file: BufWriter<File>) {
    while let Some(entry) = queue.recv().await {
        let written = async {
            file.write_all(&line(&entry)?).await?;
            if queue.is_empty() {
                file.flush().await?;
            }
            Ok::<_, std::io::Error>(())
        };
        if let Err(error) = written.await {
            tracing::error!(%error, "the tape cannot be written any further");
            return;
        }
    }
    if let Err(error) = file.flush().await {
        tracing::error!(%error, "the end of the tape cannot be written");
    }
}

impl Shared {
    async fn pass(self, connection: u64, client: TcpStream, stop: CancellationToken) {
        self.note(connection, Party::Client, TapeEvent::Open).await;
        let tws = match TcpStream::connect(&self.target).await {
            Ok(tws) => tws,
            Err(error) => {
                tracing::warn!(target = self.target, %error, "TWS cannot be reached");
                self.note(connection, Party::Tws, TapeEvent::Close).await;
                return;
            }
        };
        for (socket, whose) in [(&client, "client"), (&tws, "TWS")] {
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%error, whose, "cannot send without delay");
            }
        }
        let (from_client, to_client) = client.into_split();
        let (from_tws, to_tws) = tws.into_split();
        // What TWS answers to the hello says how to read both directions.
        let dialect = Arc::new(Mutex::new(None));
        let direction = |from, codec| Direction {
            shared: self.clone(),
            connection,
            from,
            codec: Some(codec),
            waiting: BytesMut::new(),
            dialect: dialect.clone(),
        };
        let asks = direction(Party::Client, FrameCodec::default());
        let answers = direction(Party::Tws, FrameCodec::without_greeting());
        tokio::select! {
            () = asks.run(from_client, to_tws) => {
                self.note(connection, Party::Client, TapeEvent::Close).await;
            }
            () = answers.run(from_tws, to_client) => {
                self.note(connection, Party::Tws, TapeEvent::Close).await;
            }
            () = stop.cancelled() => {}
        }
    }

    async fn note(&self, connection: u64, from: Party, event: TapeEvent) {
        let entry = TapeEntry {
            at: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            connection,
            from,
            event,
        };
        // Without a writer there is nothing to note it on; it has said why.
        let _ = self.entries.send(entry).await;
    }
}

/// One direction of a connection.
struct Direction {
    shared: Shared,
    connection: u64,
    from: Party,
    /// `None` once something came that is no frame.
    codec: Option<FrameCodec>,
    waiting: BytesMut,
    dialect: Arc<Mutex<Option<Dialect>>>,
}

impl Direction {
    async fn run(mut self, mut read: OwnedReadHalf, mut write: OwnedWriteHalf) {
        let mut chunk = vec![0; CHUNK];
        loop {
            let Ok(length) = read.read(&mut chunk).await else {
                return;
            };
            let Some(bytes) = chunk.get(..length).filter(|bytes| !bytes.is_empty()) else {
                return;
            };
            // Written down before it is passed on, or the answer could be on the tape first.
            self.waiting.extend_from_slice(bytes);
            self.record().await;
            if write.write_all(bytes).await.is_err() {
                return;
            }
        }
    }

    async fn record(&mut self) {
        while let Some(codec) = &mut self.codec {
            match codec.decode(&mut self.waiting) {
                Ok(Some(body)) => self.frame(body).await,
                Ok(None) => return,
                Err(_) => self.codec = None,
            }
        }
        let data = self.waiting.split().freeze();
        if !data.is_empty() {
            let data = self.mask(|mask| mask.hide(&data));
            self.note(TapeEvent::Bytes { data }).await;
        }
    }

    async fn frame(&mut self, body: Bytes) {
        let dialect = *self.dialect.lock().unwrap_or_else(PoisonError::into_inner);
        let name = name(dialect, self.from, &body);
        if self.from == Party::Tws {
            match dialect {
                None => {
                    *self.dialect.lock().unwrap_or_else(PoisonError::into_inner) =
                        agreed(&body).map(Dialect::of);
                }
                Some(dialect) if dialect.message_id(&body) == Some(MANAGED_ACCOUNTS) => {
                    let accounts = accounts(dialect, &body);
                    self.mask(|mask| mask.learn(&accounts));
                }
                Some(_) => {}
            }
        }
        let data = self.mask(|mask| mask.hide(&body));
        self.note(TapeEvent::Frame { name, data }).await;
    }

    fn mask<T>(&self, with: impl FnOnce(&mut Mask) -> T) -> T {
        with(
            &mut self
                .shared
                .mask
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    async fn note(&self, event: TapeEvent) {
        self.shared.note(self.connection, self.from, event).await;
    }
}

/// The accounts that the message about them names.
fn accounts(dialect: Dialect, body: &[u8]) -> String {
    match dialect {
        Dialect::Protobuf => body
            .get(4..)
            .and_then(|payload| proto::ManagedAccounts::decode(payload).ok())
            .and_then(|message| message.accounts_list)
            .unwrap_or_default(),
        // Its id, its version, the list.
        Dialect::Text(_) => body
            .split(|&byte| byte == 0)
            .nth(2)
            .map(|list| String::from_utf8_lossy(list).into_owned())
            .unwrap_or_default(),
    }
}
