//! A call: what is decided about a request, and how it goes.

use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, request::Parts};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use sha2::{Digest as _, Sha256};
use strongroom_control::{
    link::{NoLease, SecretEntry},
    record::{Outcome, Record},
};
use strongroom_policy::{
    Asked, Auth, Decision, Method, Process, Provider, SecretAt, SecretPolicy, Way, Why, decide,
};
use strongroom_scrub::Scrubber;
use strongroom_secret::SecretBytes;

use super::{
    CAPABILITY, REASON, answer::Finish, asks, bad_gateway, caller::Caller, ended, locked,
    refresh::TokenCall, require_open, stated_length,
};
use crate::{
    approvals::Binding,
    back,
    broker::{Broker, now_ms},
    egress::{Body, Received},
    inject::{
        self, InjectError,
        sigv4::{AwsKeys, Claim, Unsigned, sign, take_claim},
    },
    leases::Lease,
    present::Presented,
    rebuild::{self, Taken, rebuild},
    refusal::{Refusal, whole},
    sessions::{Agent, End, Session},
};

/// How much of a body is kept so that a person can be told what it does, and so that it can be sent
/// again with the next credential of a pool.
const KEPT_BODY: usize = 1 << 20;
/// How much of a path is written down.
pub(super) const SHOWN_PATH: usize = 256;

/// A request of an agent that is known by name.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) broker: Arc<Broker>,
    pub(super) caller: Caller,
    pub(super) method: Method,
    pub(super) process: Option<Arc<Process>>,
    pub(super) reason: Option<String>,
    pub(super) capability: Option<String>,
    bytes: Option<u64>,
    pub(super) number: u64,
    started: Instant,
    sent: Arc<AtomicU64>,
}

/// What may go, and by which agent's terms.
#[derive(Debug)]
struct Passed {
    agent: Arc<Agent>,
    way: Way,
}

impl Call {
    pub(super) fn new(
        broker: &Arc<Broker>,
        caller: Caller,
        parts: &Parts,
        process: Option<Arc<Process>>,
    ) -> Result<Self, Refusal> {
        let method = parts.method.as_str().parse();
        let method = method.map_err(|_| Refusal::denied("method", "this method is not known"))?;
        let text = |name: &str| Some(parts.headers.get(name)?.to_str().ok()?.to_owned());
        Ok(Self {
            broker: Arc::clone(broker),
            caller,
            method,
            process,
            reason: text(REASON).filter(|reason| !reason.trim().is_empty()),
            capability: text(CAPABILITY),
            bytes: stated_length(parts),
            number: broker.next_request(),
            started: Instant::now(),
            sent: Arc::default(),
        })
    }

    /// Decides, asks a person where one is wanted, and sends.
    pub(super) async fn run(self, parts: Parts, body: Incoming) -> Result<Response<Body>, Refusal> {
        let mut body = Sending::Stream(self.counted(body));
        let mut approved = None;
        let passed = loop {
            let (agent, decision) = self.decide(approved)?;
            match decision {
                Decision::Allow(way) => break Passed { agent, way },
                Decision::Deny(denied) => return Err(self.deny(&denied.why)),
                Decision::Ask(way) => {
                    body.keep(KEPT_BODY).await?;
                    approved = Some(asks::ask(&self, &agent, &way, body.kept()).await?);
                }
            }
        };
        if passed.way.secrets.len() > 1 {
            body.keep(KEPT_BODY).await?;
        }
        self.send(passed, &parts, body).await
    }

    /// What the newest policies say. A use is noted under the same lock, so that no two requests
    /// spend the same last one.
    ///
    /// What a person's word rests on may change while the person thinks: it is decided again, and
    /// the word counts only for exactly what was shown.
    fn decide(&self, approved: Option<Binding>) -> Result<(Arc<Agent>, Decision), Refusal> {
        let session = &self.caller.session;
        let agent = self.broker.agent(session.agent).ok_or_else(|| ended(End::Agent))?;
        let now_ms = now_ms();
        let mut usage = self.broker.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let used = usage.of(session.agent, session.id);
        let policy = &agent.config.policy;
        let mut decision =
            decide(policy, &agent.secrets, &session.scope, used, &self.asked(), now_ms);
        if let Decision::Ask(way) = &decision
            && approved == Some(asks::binding(self, &agent, way))
        {
            decision = Decision::Allow(way.clone());
        }
        if let Decision::Allow(way) = &decision {
            usage.note(session.agent, session.id, policy, way, first(&agent, way), now_ms);
        }
        drop(usage);
        Ok((agent, decision))
    }

    /// The next credential of a pool is used too.
    fn note_next(&self, agent: &Agent, next: Option<&SecretAt>) {
        let Some((at, secret)) = next.and_then(|at| agent.secrets.get_key_value(at)) else {
            return;
        };
        let mut usage = self.broker.usage.lock().unwrap_or_else(PoisonError::into_inner);
        usage.note_secret(*at, secret, now_ms());
    }

    /// The body, whose bytes count as they pass.
    fn counted(&self, body: Incoming) -> Body {
        let (session, sent) = (Arc::clone(&self.caller.session), Arc::clone(&self.sent));
        rebuild::body(body, move |bytes| {
            session.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            sent.fetch_add(bytes as u64, Ordering::Relaxed);
        })
    }

    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            target: &self.caller.target,
            method: &self.method,
            path: &self.caller.path,
            provider: self.caller.provider.as_ref().map(|one| one.id.as_str()),
            capability: self.capability.as_deref(),
            process: self.process.as_deref(),
            reason: self.reason.as_deref(),
            bytes: self.bytes,
        }
    }

    fn deny(&self, why: &Why) -> Refusal {
        let mut record = self.record(Outcome::Denied);
        record.why = why.to_string();
        record.status = StatusCode::FORBIDDEN.as_u16();
        if let Err(error) = self.broker.journal().write(record) {
            tracing::warn!(%error, "a refusal could not be written down");
        }
        if self.caller.presented.is_none() && self.is_at_a_provider() {
            let message = "no fake token in the request; send the one that the session's \
                           variables hold";
            return Refusal::token("no-token", message);
        }
        Refusal::denied(why.code(), why.to_string())
    }

    /// Whether the target is a provider's, so that a token would have helped. Git sends one only
    /// after it was asked for it.
    fn is_at_a_provider(&self) -> bool {
        let policy = &self.caller.agent.config.policy;
        let mut named = policy.rules.iter().filter_map(|rule| policy.provider(&rule.provider));
        named.any(|provider| provider.is_at(&self.caller.target))
    }

    /// Sends it, with each credential of the pool in turn while the provider says "too many".
    async fn send(
        self,
        passed: Passed,
        parts: &Parts,
        mut body: Sending,
    ) -> Result<Response<Body>, Refusal> {
        let Passed { agent, way } = &passed;
        let mut pool = way.secrets.iter().peekable();
        loop {
            let at = pool.next();
            let is_last = pool.peek().is_none() || !body.is_whole();
            let entry = at.map(|at| entry_of(agent, *at)).transpose()?;
            let lease = match entry {
                Some(entry) => Some(self.lease(entry).await?),
                None => None,
            };
            if matches!(entry, Some(entry) if signs_body(&entry.policy.auth)) {
                body.keep(KEPT_BODY).await?;
            }
            let outgoing = self.outgoing(parts, entry, lease.as_deref(), &mut body).await?;
            let Outgoing { request, scrubber } = outgoing;
            // From here on something may leave: the session must still be open, and it is written
            // down first.
            require_open(&self.caller.session)?;
            let finish = self.begin(lease.as_deref(), way.rule)?;
            let policy = entry.map(|entry| &entry.policy);
            let (private, ca) = (way.private, policy.and_then(|policy| policy.ca.as_deref()));
            let egress = &self.caller.session.egress;
            let answered = egress.send(&self.caller.target, private, ca, request).await;
            let response = match answered {
                Ok(response) => response,
                Err(error) => return Err(finish.failed(&error)),
            };
            if response.status() == StatusCode::TOO_MANY_REQUESTS && !is_last {
                finish.ended(StatusCode::TOO_MANY_REQUESTS);
                self.note_next(agent, pool.peek().copied());
                continue;
            }
            return back(response, scrubber, finish).await;
        }
    }

    async fn lease(&self, entry: &SecretEntry) -> Result<Arc<Lease>, Refusal> {
        let session = &self.caller.session;
        let (broker, owner) = (&self.broker, self.broker.owner.as_ref());
        let lease =
            broker.leases.get(owner, session.id, session.agent, entry.at, entry.version).await;
        lease.map_err(|why| no_lease(&why))
    }

    /// The request as it leaves.
    async fn outgoing(
        &self,
        parts: &Parts,
        entry: Option<&SecretEntry>,
        lease: Option<&Lease>,
        body: &mut Sending,
    ) -> Result<Outgoing, Refusal> {
        let Caller { presented, provider, came: path, target, .. } = &self.caller;
        let auth = entry.map(|entry| &entry.policy.auth);
        let mut came = parts.clone();
        came.headers.remove(REASON);
        came.headers.remove(CAPABILITY);
        let mut to = presented
            .as_ref()
            .map_or_else(|| path.raw().to_owned(), |presented| presented.without_query(path));
        let mut claim = None;
        if let Some(Auth::SigV4 { .. }) = auth {
            let taken = take_claim(&mut came.headers, &to, now_ms());
            let (claimed, rest) = taken.map_err(|error| unfit(&error))?;
            (claim, to) = (Some(claimed), rest);
        }
        let fake = presented.as_ref().map(Presented::headers).unwrap_or_default();
        let injected = auth.map(inject::headers_of).unwrap_or_default();
        let taken = Taken { fake: &fake, injected: &injected };
        let mut head = rebuild(&came, target, &to, &taken)?;
        let mut scrubber = None;
        if let (Some(entry), Some(lease)) = (entry, lease) {
            let fake = presented.as_ref().map_or("", |presented| presented.text.as_str());
            let policy = &entry.policy;
            let auth = match (presented, provider) {
                (Some(presented), Some(provider)) => presented.writes_as(&policy.auth, provider),
                _ => policy.auth.clone(),
            };
            let with = With { policy, auth: &auth, lease, fake, claim: claim.as_ref() };
            scrubber = Some(self.inject(&mut head, &to, with, body).await?);
        }
        Ok(Outgoing { request: Request::from_parts(head, body.next()), scrubber })
    }

    /// Writes the credential into the request; answers what finds it on the way back.
    async fn inject(
        &self,
        head: &mut Parts,
        to: &str,
        with: With<'_>,
        body: &Sending,
    ) -> Result<Arc<Scrubber>, Refusal> {
        let With { policy, auth, lease, fake, claim } = with;
        match auth {
            Auth::Bearer | Auth::Header { .. } | Auth::Basic { .. } => {
                inject::into_header(auth, &lease.value, &mut head.headers)
                    .map_err(|e| unfit(&e))?;
            }
            Auth::Path => {
                let path = inject::into_path(&lease.value, to).map_err(|e| unfit(&e))?;
                head.uri = parse_uri(&path)?;
            }
            Auth::SigV4 { .. } => {
                let claim = claim.ok_or_else(|| unfit(&InjectError::Template))?;
                let unsigned = Unsigned {
                    method: &head.method,
                    host: &self.caller.target.authority(),
                    path_and_query: to,
                    headers: &mut head.headers,
                    body: body.kept().map(|bytes| Sha256::digest(bytes).into()),
                };
                let signed = AwsKeys::parse(&lease.value)
                    .and_then(|keys| sign(auth, &keys, claim, unsigned, now_ms()));
                let signed = signed.map_err(|error| unfit(&error))?;
                head.uri = parse_uri(&signed.path_and_query)?;
                // Whoever gets the signature back could send this request again, past the broker.
                let signature = SecretBytes::from_vec(signed.signature.into_bytes());
                return scrubber_of(auth, lease, Some(&signature), fake);
            }
            Auth::OAuth2 { token_url, scopes } => {
                let access = self.refreshed(lease, token_url, scopes, policy).await?;
                let written = inject::into_header(&Auth::Bearer, &access, &mut head.headers);
                written.map_err(|error| unfit(&error))?;
                return scrubber_of(auth, lease, Some(&access), fake);
            }
        }
        lease_scrubber(auth, lease, fake)
    }

    async fn refreshed(
        &self,
        lease: &Lease,
        token_url: &str,
        scopes: &[String],
        policy: &SecretPolicy,
    ) -> Result<Arc<SecretBytes>, Refusal> {
        let (broker, record) = (&self.broker, self.record(Outcome::Sent));
        // A refresh token may leave: the session must still be open.
        require_open(&self.caller.session)?;
        let endpoint = TokenCall::new(broker, lease, token_url, policy, record);
        let endpoint = endpoint.map_err(|error| unfit(&error))?;
        let (of, now) = ((lease.at, lease.version), Instant::now());
        let access = broker.refreshed.access(of, &lease.value, scopes, endpoint, now);
        access.await.map_err(|error| unfit(&error))
    }

    /// Writes down that a credential, or a request without one, is about to leave.
    fn begin(&self, lease: Option<&Lease>, rule: usize) -> Result<Finish, Refusal> {
        let mut record = self.record(Outcome::Sent);
        record.secret = lease.map(|lease| (lease.at, lease.version));
        self.caller.session.calls.fetch_add(1, Ordering::Relaxed);
        self.broker.session_changed();
        let (broker, session) = (&self.broker, &self.caller.session);
        let sent = Arc::clone(&self.sent);
        let finish = Finish::new(broker, session, record, rule, (self.started, sent));
        match self.broker.journal().write(finish.record().clone()) {
            Ok(()) => Ok(finish),
            Err(error) => {
                finish.forget();
                Err(Refusal::unavailable("cannot-record", error.to_string()))
            }
        }
    }

    /// What is written down about it.
    pub(super) fn record(&self, outcome: Outcome) -> Record {
        let mut record = self.caller.session.record(outcome);
        record.request = self.number;
        record.token = self.caller.token;
        self.method.as_str().clone_into(&mut record.method);
        record.host = self.caller.target.authority();
        record.path = self.shown_path(self.caller.path.raw_path());
        record.process = self.process.as_ref().map_or_else(String::new, |one| one.path.clone());
        record
    }

    /// A path as people see it: short, and without the fake token.
    pub(super) fn shown_path(&self, path: &str) -> String {
        let fake = self.caller.presented.as_ref().map(|presented| presented.text.as_str());
        let path = fake.map_or_else(|| path.to_owned(), |fake| path.replace(fake, "…"));
        path.chars().take(SHOWN_PATH).collect()
    }

    pub(super) fn provider(&self) -> Option<&Provider> {
        self.caller.provider.as_ref()
    }
}

/// A credential, and how it is written.
struct With<'a> {
    policy: &'a SecretPolicy,
    auth: &'a Auth,
    lease: &'a Lease,
    fake: &'a str,
    claim: Option<&'a Claim>,
}

struct Outgoing {
    request: Request<Body>,
    scrubber: Option<Arc<Scrubber>>,
}

/// A body on its way out: as it comes, or kept so that it can go again.
enum Sending {
    Stream(Body),
    Whole(Bytes),
    /// Longer than what is kept: its beginning, and the rest.
    Begun(Bytes, Body),
    Sent,
}

impl Sending {
    /// Keeps it, if it is not longer than `max` bytes.
    async fn keep(&mut self, max: usize) -> Result<(), Refusal> {
        let mut body = match std::mem::replace(self, Self::Sent) {
            Self::Stream(body) => body,
            kept => {
                *self = kept;
                return Ok(());
            }
        };
        let mut kept = Vec::new();
        *self = loop {
            match body.frame().await {
                None => break Self::Whole(kept.into()),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        kept.extend_from_slice(&data);
                    }
                }
                Some(Err(_)) => {
                    let message = "the body of the request broke off";
                    return Err(Refusal::new(StatusCode::BAD_REQUEST, "body", message));
                }
            }
            if kept.len() > max {
                break Self::Begun(kept.into(), body);
            }
        };
        Ok(())
    }

    fn kept(&self) -> Option<&[u8]> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::Stream(_) | Self::Begun(..) | Self::Sent => None,
        }
    }

    fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }

    /// The body of the next try.
    fn next(&mut self) -> Body {
        match std::mem::replace(self, Self::Sent) {
            Self::Stream(body) => body,
            Self::Begun(begun, rest) => back::joined(begun, rest),
            Self::Whole(bytes) => {
                *self = Self::Whole(bytes.clone());
                whole(bytes)
            }
            Self::Sent => whole(Bytes::new()),
        }
    }
}

async fn back(
    response: Response<Received>,
    scrubber: Option<Arc<Scrubber>>,
    finish: Finish,
) -> Result<Response<Body>, Refusal> {
    let status = response.status();
    match back::scrubbed(response, scrubber).await {
        Ok(response) => Ok(finish.follow(response)),
        Err(error) => {
            finish.broken(status);
            Err(bad_gateway(error.code(), error.to_string()))
        }
    }
}

/// What finds a value in answers, made once for each fake token.
fn lease_scrubber(auth: &Auth, lease: &Lease, fake: &str) -> Result<Arc<Scrubber>, Refusal> {
    let key = strongroom_format::hash::h("scrub", &[fake.as_bytes()]);
    let mut all = lease.scrubbers.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(scrubber) = all.get(&key) {
        return Ok(Arc::clone(scrubber));
    }
    let scrubber = scrubber_of(auth, lease, None, fake)?;
    all.insert(key, Arc::clone(&scrubber));
    Ok(scrubber)
}

/// What finds a value in answers, and what was made from it for one request.
fn scrubber_of(
    auth: &Auth,
    lease: &Lease,
    made: Option<&SecretBytes>,
    fake: &str,
) -> Result<Arc<Scrubber>, Refusal> {
    let parts = inject::hidden(auth, &lease.value).map_err(|error| unfit(&error))?;
    let secrets: Vec<_> = parts.iter().chain(made).map(|part| (part, fake)).collect();
    scrub_for(&secrets).map(Arc::new)
}

fn scrub_for(secrets: &[(&SecretBytes, &str)]) -> Result<Scrubber, Refusal> {
    // Without a scrubber nothing comes back, so nothing goes out.
    Scrubber::new(secrets).map_err(|error| Refusal::unavailable("cannot-scrub", error.to_string()))
}

fn unfit(error: &InjectError) -> Refusal {
    bad_gateway("credential", error.to_string())
}

/// Whether the body is part of what is signed: of every service of AWS but S3.
fn signs_body(auth: &Auth) -> bool {
    matches!(auth, Auth::SigV4 { service, .. } if service.as_deref() != Some("s3"))
}

fn parse_uri(path_and_query: &str) -> Result<Uri, Refusal> {
    path_and_query.parse().map_err(|_| Refusal::denied("path", "the path cannot be sent"))
}

fn entry_of(agent: &Agent, at: SecretAt) -> Result<&SecretEntry, Refusal> {
    let entry = agent.config.secrets.iter().find(|entry| entry.at == at);
    entry.ok_or_else(|| no_lease(&NoLease::Gone))
}

fn no_lease(why: &NoLease) -> Refusal {
    match why {
        NoLease::Locked => locked(),
        NoLease::Gone => Refusal::unavailable(
            "secret-changed",
            "the credential was changed or deleted just now; send the request again",
        ),
        NoLease::CannotRecord => Refusal::unavailable(
            "cannot-record",
            "the use of the credential could not be written down, so it was not used; check \
             the disk and the vault's server",
        ),
        NoLease::Unreadable => Refusal::unavailable(
            "unreadable",
            "the credential cannot be opened; look at it in Strongroom",
        ),
    }
}

fn first<'a>(agent: &'a Agent, way: &Way) -> Option<(SecretAt, &'a SecretPolicy)> {
    way.secrets.first().and_then(|at| Some((*at, agent.secrets.get(at)?)))
}

impl Session {
    /// A record that begins with what every one has.
    pub(crate) fn record(&self, outcome: Outcome) -> Record {
        Record {
            seq: 0,
            request: 0,
            time_ms: now_ms(),
            agent: self.agent,
            session: self.id,
            secret: None,
            outcome,
            method: String::new(),
            host: String::new(),
            path: String::new(),
            process: String::new(),
            status: 0,
            millis: 0,
            bytes: 0,
            why: String::new(),
            token: 0,
        }
    }
}
