//! The owner at the other end of a socket: the desktop, which holds the vault.
//!
//! When the other end goes, so does everything here: a broker without an owner ends every session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use strongroom_control::{
    frame::{self, FrameError},
    link::{NoLease, ToBroker, ToOwner},
};
use strongroom_format::id::AgentId;
use strongroom_policy::SecretAt;
use strongroom_secret::SecretBytes;
use tokio::{
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot},
};

use crate::{
    broker::Broker,
    owner::{Lending, Lent, Owner},
};

/// How many messages may wait for the owner. More means that it hangs; then what it is told is what
/// holds, not everything that happened.
const QUEUE: usize = 4_096;
/// How many records go in one message.
const PAGE: usize = 256;

type Message = (ToOwner, Option<SecretBytes>);

/// The owner at the other end.
#[derive(Debug)]
pub struct LinkOwner {
    out: mpsc::Sender<Message>,
    asks: Mutex<Asks>,
}

#[derive(Debug, Default)]
struct Asks {
    next: u64,
    waiting: HashMap<u64, oneshot::Sender<Result<Lent, NoLease>>>,
}

/// The two halves that [`serve`] moves bytes through.
#[derive(Debug)]
pub struct Line {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
    queue: mpsc::Receiver<Message>,
}

impl LinkOwner {
    /// An owner at the other end of `stream`, and the line to it.
    pub fn new(stream: UnixStream) -> (Arc<Self>, Line) {
        let (read, write) = stream.into_split();
        let (out, queue) = mpsc::channel(QUEUE);
        (Arc::new(Self { out, asks: Mutex::default() }), Line { read, write, queue })
    }

    fn ask(&self) -> (u64, oneshot::Receiver<Result<Lent, NoLease>>) {
        let (answer, answered) = oneshot::channel();
        let mut asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
        asks.next += 1;
        let ask = asks.next;
        asks.waiting.insert(ask, answer);
        (ask, answered)
    }

    fn answer(&self, ask: u64, answer: Result<Lent, NoLease>) {
        let waiting = self.asks.lock().unwrap_or_else(PoisonError::into_inner).waiting.remove(&ask);
        if let Some(waiting) = waiting {
            // Who asked may be gone; then the value is wiped here.
            drop(waiting.send(answer));
        }
    }
}

impl Owner for LinkOwner {
    fn lend(&self, agent: AgentId, secret: SecretAt, version: u64) -> Lending<'_> {
        Box::pin(async move {
            let (ask, answered) = self.ask();
            let question = ToOwner::Ask { ask, agent, secret, version };
            self.out.send((question, None)).await.map_err(|_| NoLease::Locked)?;
            answered.await.unwrap_or(Err(NoLease::Locked))
        })
    }

    fn captured(&self, secret: SecretAt, version: u64, value: SecretBytes) {
        let out = self.out.clone();
        // It must not be lost because the line is busy.
        tokio::spawn(async move {
            let message = ToOwner::Captured { secret, version };
            out.send((message, Some(value))).await.ok();
        });
    }

    fn tell(&self, what: ToOwner) {
        self.out.try_send((what, None)).ok();
    }
}

/// Serves the line until the owner closes it. What it says is done; records go to it.
pub async fn serve(
    broker: Arc<Broker>,
    owner: Arc<LinkOwner>,
    line: Line,
) -> Result<(), FrameError> {
    let Line { mut read, mut write, mut queue } = line;
    let listen = async {
        while let Some((message, tail)) = frame::read::<ToBroker>(&mut read).await? {
            take(&broker, &owner, message, tail);
        }
        Ok(())
    };
    let speak = async {
        while let Some((message, tail)) = queue.recv().await {
            frame::write(&mut write, &message, tail.as_ref()).await?;
        }
        Ok(())
    };
    let report = async {
        let mut told = 0;
        loop {
            let records = broker.journal().after(told, PAGE).await;
            told = records.last().map_or(told, |record| record.seq);
            if owner.out.send((ToOwner::Records { records }, None)).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        ended = listen => ended,
        ended = speak => ended,
        () = report => Ok(()),
    }
}

fn take(broker: &Arc<Broker>, owner: &LinkOwner, message: ToBroker, tail: SecretBytes) {
    match message {
        ToBroker::Configure { config } => broker.configure(config),
        ToBroker::Lent { ask, version, refused } => {
            let lent = refused.map_or(Ok(Lent { version, value: tail }), Err);
            owner.answer(ask, lent);
        }
        ToBroker::Lock => broker.lock(),
        ToBroker::Unlock => broker.unlock(),
        ToBroker::Answer { held, answer } => {
            let what = broker.answer(held, answer);
            owner.tell(ToOwner::Answered { held, what });
        }
        ToBroker::Stop { agent } => broker.stop(agent),
        ToBroker::Resume { agent } => broker.resume(agent),
        ToBroker::Recorded { through } => {
            if let Err(error) = broker.journal().forget(through) {
                tracing::warn!(%error, "the journal cannot be shortened");
            }
        }
        ToBroker::OperatorCode => broker.set_operator_code(tail),
    }
}
