//! Connections that wait for their next request.
//!
//! A connection is kept under the exact target, the addresses that were admitted and the authority
//! that vouched; nothing else finds it. One of HTTP/1.1 is here only while it is unused; one of
//! HTTP/2 stays, and carries as many requests as its peer admits.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use hyper::client::conn::{http1, http2};
use strongroom_policy::target::Target;
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use super::Body;

/// So many connections without a request are kept to one target.
const IDLE_KEPT: usize = 256;
/// So many requests share a connection at most, however many more its peer admits.
const SHARED_BY: usize = 128;
/// A connection whose answer ended needs an instant to be ready; one whose request is still being
/// sent would need longer, and is closed.
const READY_WAIT: Duration = Duration::from_millis(5);

/// What two requests must have in common to use the same connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) target: Target,
    pub(super) private: bool,
    pub(super) authority: Option<Arc<str>>,
}

/// A connection, or a place on one.
#[derive(Debug)]
pub(super) enum Way {
    /// HTTP/1.1: one request at a time.
    One(http1::SendRequest<Body>),
    /// HTTP/2: a place among others.
    Many(http2::SendRequest<Body>, Place),
}

impl Way {
    pub(super) fn many(sender: http2::SendRequest<Body>, load: Arc<Load>) -> Self {
        Self::Many(sender, Place::take(load))
    }
}

/// How many requests a connection carries and may carry.
#[derive(Debug)]
pub(super) struct Load {
    open: AtomicUsize,
    admitted: AtomicUsize,
    answered: Notify,
    was_answered: AtomicBool,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            open: AtomicUsize::new(0),
            admitted: AtomicUsize::new(SHARED_BY),
            answered: Notify::new(),
            was_answered: AtomicBool::new(false),
        }
    }
}

impl Load {
    /// Waits for the first answer. The peer's settings came before it (RFC 9113, section 3.4).
    pub(super) async fn answered(&self) {
        self.answered.notified().await;
    }

    pub(super) fn admits(&self, streams: usize) {
        self.admitted.store(streams.min(SHARED_BY), Ordering::Relaxed);
    }

    fn has_room(&self) -> bool {
        self.open.load(Ordering::Relaxed) < self.admitted.load(Ordering::Relaxed)
    }
}

/// A request's place on a connection of HTTP/2; given back when dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Load>);

impl Place {
    /// Tells that an answer has begun.
    pub(super) fn answered(&self) {
        if !self.0.was_answered.swap(true, Ordering::Relaxed) {
            self.0.answered.notify_one();
        }
    }

    fn take(load: Arc<Load>) -> Self {
        load.open.fetch_add(1, Ordering::Relaxed);
        Self(load)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The connections of one [`super::Egress`].
#[derive(Debug)]
pub(super) struct Pool {
    idle: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_key: HashMap<Arc<Key>, Lane>,
    /// Whether somebody is there to close what stays unused.
    swept: bool,
}

#[derive(Debug, Default)]
struct Lane {
    free: Vec<(http1::SendRequest<Body>, Instant)>,
    shared: Vec<Shared>,
}

#[derive(Debug)]
struct Shared {
    sender: http2::SendRequest<Body>,
    load: Arc<Load>,
    used: Instant,
}

impl Pool {
    pub(super) fn new(idle: Duration) -> Arc<Self> {
        Arc::new(Self { idle, kept: Mutex::default() })
    }

    /// A connection that is ready, if there is one.
    pub(super) async fn take(&self, key: &Key) -> Option<Way> {
        loop {
            match self.newest(key)? {
                Way::One(mut sender) => {
                    if sender.is_ready() {
                        return Some(Way::One(sender));
                    }
                    if let Ok(Ok(())) = timeout(READY_WAIT, sender.ready()).await {
                        return Some(Way::One(sender));
                    }
                }
                many @ Way::Many(..) => return Some(many),
            }
        }
    }

    fn newest(&self, key: &Key) -> Option<Way> {
        let mut kept = self.lock();
        let lane = kept.by_key.get_mut(key)?;
        lane.shared.retain(|shared| !shared.sender.is_closed());
        if let Some(shared) = lane.shared.iter_mut().find(|shared| shared.load.has_room()) {
            shared.used = Instant::now();
            return Some(Way::many(shared.sender.clone(), Arc::clone(&shared.load)));
        }
        while let Some((sender, since)) = lane.free.pop() {
            if since.elapsed() > self.idle {
                lane.free.clear(); // what lies below waited longer still
            } else if !sender.is_closed() {
                return Some(Way::One(sender));
            }
        }
        None
    }

    /// Keeps a connection of HTTP/1.1 whose answer has ended.
    pub(super) fn give_back(self: &Arc<Self>, key: &Arc<Key>, sender: http1::SendRequest<Body>) {
        if sender.is_closed() {
            return;
        }
        let mut kept = self.lock();
        let free = &mut kept.by_key.entry(Arc::clone(key)).or_default().free;
        if free.len() >= IDLE_KEPT {
            free.remove(0);
        }
        free.push((sender, Instant::now()));
        self.sweep_later(&mut kept);
    }

    /// Lets others use a new connection of HTTP/2.
    pub(super) fn share(
        self: &Arc<Self>,
        key: &Arc<Key>,
        sender: http2::SendRequest<Body>,
        place: &Place,
    ) {
        let mut kept = self.lock();
        let lane = kept.by_key.entry(Arc::clone(key)).or_default();
        lane.shared.push(Shared { sender, load: Arc::clone(&place.0), used: Instant::now() });
        self.sweep_later(&mut kept);
    }

    fn sweep_later(self: &Arc<Self>, kept: &mut Kept) {
        if !kept.swept {
            kept.swept = true;
            tokio::spawn(sweep(Arc::downgrade(self), self.idle));
        }
    }

    /// Closes what was unused for too long. Whether anything is left.
    fn close_unused(&self) -> bool {
        let idle = self.idle;
        let mut kept = self.lock();
        kept.by_key.retain(|_, lane| {
            lane.free.retain(|(sender, since)| !sender.is_closed() && since.elapsed() < idle);
            lane.shared.retain_mut(|shared| {
                if shared.load.open.load(Ordering::Relaxed) > 0 {
                    shared.used = Instant::now();
                }
                !shared.sender.is_closed() && shared.used.elapsed() < idle
            });
            !lane.free.is_empty() || !lane.shared.is_empty()
        });
        kept.swept = !kept.by_key.is_empty();
        kept.swept
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sweep(pool: Weak<Pool>, idle: Duration) {
    loop {
        tokio::time::sleep(idle / 2).await;
        match pool.upgrade() {
            Some(pool) if pool.close_unused() => {}
            _ => return,
        }
    }
}
