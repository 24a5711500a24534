//! A server on a loopback port with a clock that a test moves, and plain HTTP to talk to it.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;
use serde::de::DeserializeOwned;
use strongroom_format::encoding::Codec;
use strongroom_format::event::Event;
use strongroom_format::id::OrgId;
use strongroom_format::wire::{
    B64, Challenge, ChallengeRequest, CreateAccount, ErrorAnswer, EventsAnswer, Keyset, ServerInfo,
    Session, SessionRequest, SignInKey, WriteBatch, account_message, challenge_message,
};
use strongroom_server::{Clock, Config, Rates, Running, start_on, start_with};
use strongroom_store::Store;
use tempfile::TempDir;

use crate::team::{Person, START, Team};

pub(crate) const JSON: &str = "application/json";
pub(crate) const PAGE: &str = "application/octet-stream";

#[derive(Debug)]
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The code of a refusal; `ok` if it is none.
    pub(crate) fn code(&self) -> String {
        if self.status < 300 {
            return "ok".to_owned();
        }
        let answer: ErrorAnswer = serde_json::from_slice(&self.body).expect("a refusal has a form");
        assert!(!answer.error.message.is_empty());
        answer.error.code
    }

    pub(crate) fn is(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.code().as_str()), (status, code));
        self
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        self.is(self.status, "ok");
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn page<T: Codec>(&self) -> T {
        self.is(200, "ok");
        T::decode(&self.body).unwrap()
    }
}

/// A client of one origin.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) origin: String,
    http: reqwest::Client,
}

impl Client {
    pub(crate) fn new(origin: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { origin: origin.to_owned(), http }
    }

    /// `None` if the line breaks.
    pub(crate) async fn try_post(
        &self,
        path: &str,
        credential: &str,
        page: &impl Codec,
    ) -> Option<Answer> {
        let request = self.http.post(format!("{}{path}", self.origin)).bearer_auth(credential);
        let request = request.header("content-type", PAGE).body(page.encode());
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        Some(Answer { status, body: answer.bytes().await.ok()?.to_vec() })
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.origin)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        Answer { status, body: answer.bytes().await.unwrap().to_vec() }
    }

    pub(crate) async fn get(&self, path: &str, credential: &str) -> Answer {
        let bearer = format!("Bearer {credential}");
        self.send(Method::GET, path, &[("authorization", &bearer)], Vec::new()).await
    }

    pub(crate) async fn post(&self, path: &str, credential: &str, page: &impl Codec) -> Answer {
        let bearer = format!("Bearer {credential}");
        let headers = [("authorization", bearer.as_str()), ("content-type", PAGE)];
        self.send(Method::POST, path, &headers, page.encode()).await
    }

    pub(crate) async fn post_json(&self, path: &str, json: &impl serde::Serialize) -> Answer {
        let body = serde_json::to_vec(json).unwrap();
        self.send(Method::POST, path, &[("content-type", JSON)], body).await
    }

    pub(crate) async fn post_json_as(
        &self,
        path: &str,
        credential: &str,
        json: &impl serde::Serialize,
    ) -> Answer {
        let bearer = format!("Bearer {credential}");
        let headers = [("authorization", bearer.as_str()), ("content-type", JSON)];
        self.send(Method::POST, path, &headers, serde_json::to_vec(json).unwrap()).await
    }

    pub(crate) async fn audit_vkey(&self) -> [u8; 32] {
        let info: ServerInfo = self.get("/v1/server", "").await.json();
        info.audit_vkey.0.try_into().unwrap()
    }

    pub(crate) fn account(&self, person: &Person) -> CreateAccount {
        let keyset = Keyset {
            epoch: 1,
            profile: 1,
            salt: B64(vec![1; 16]),
            login_pub: B64(person.login.verifying_key().to_bytes().to_vec()),
            isk: B64(person.keys().isk.to_vec()),
            iek: B64(person.keys().iek.to_vec()),
            blob: B64(vec![2; 201]),
        };
        let message = account_message(&self.origin, &person.user(), &keyset);
        CreateAccount {
            user_id: person.user(),
            login_sig: B64(person.sign_by_login(&message).to_vec()),
            identity_sig: B64(person.sign(&message).to_vec()),
            keyset,
        }
    }

    pub(crate) async fn challenge(&self, person: &Person) -> Challenge {
        let request = ChallengeRequest { user_id: person.user() };
        self.post_json("/v1/session/challenge", &request).await.json()
    }

    pub(crate) fn response(&self, person: &Person, challenge: &Challenge) -> SessionRequest {
        let Challenge { nonce, time_ms } = challenge;
        let message = challenge_message(&self.origin, &person.user(), &nonce.0, *time_ms);
        SessionRequest {
            user_id: person.user(),
            nonce: nonce.clone(),
            time_ms: *time_ms,
            key: SignInKey::Login,
            signature: B64(person.sign_by_login(&message).to_vec()),
        }
    }

    pub(crate) async fn sign_in(&self, person: &Person) -> String {
        let challenge = self.challenge(person).await;
        let session: Session =
            self.post_json("/v1/session", &self.response(person, &challenge)).await.json();
        session.token
    }

    /// Makes an account and signs in.
    pub(crate) async fn join(&self, person: &Person) -> String {
        self.post_json("/v1/accounts", &self.account(person)).await.is(201, "ok");
        self.sign_in(person).await
    }

    pub(crate) async fn write(&self, org: &OrgId, credential: &str, batch: &WriteBatch) -> Answer {
        self.post(&format!("/v1/orgs/{org}/write"), credential, batch).await
    }

    /// The whole audit log, as a member reads it, without the entry of this very reading.
    pub(crate) async fn log(&self, org: &OrgId, credential: &str) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let path = format!("/v1/orgs/{org}/audit/events?from={}", events.len());
            let page: EventsAnswer = self.get(&path, credential).await.json();
            events.extend(page.events.iter().map(|event| Event::decode(&event.0).unwrap()));
            if !page.more {
                events.pop();
                return events;
            }
        }
    }
}

/// A running server and its data.
pub(crate) struct Server {
    running: Option<Running>,
    pub(crate) dir: TempDir,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) client: Client,
}

pub(crate) fn config(dir: &Path) -> Config {
    let often = NonZeroU32::new(1_000_000).unwrap();
    let limits = Rates {
        sign_in_per_minute: often,
        sign_in_per_account: often,
        requests_per_second: often,
        acts_per_minute: often,
    };
    Config { limits, ..Config::embedded(dir) }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), START + 60_000).await
    }

    async fn start_in(dir: TempDir, now_ms: u64) -> Self {
        let clock = Arc::new(TestClock(AtomicU64::new(now_ms)));
        let running = start_with(config(&dir.path().join("data")), clock.clone()).await.unwrap();
        Self { client: Client::new(running.origin()), running: Some(running), dir, clock }
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_at(START + 60_000, change).await
    }

    pub(crate) async fn start_at(now_ms: u64, change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock(AtomicU64::new(now_ms)));
        let mut config = config(&dir.path().join("data"));
        change(&mut config);
        let running = start_with(config, clock.clone()).await.unwrap();
        Self { client: Client::new(running.origin()), running: Some(running), dir, clock }
    }

    pub(crate) async fn start_on(store: Arc<dyn Store>) -> Self {
        Self::start_on_with(store, |_| {}).await
    }

    pub(crate) async fn start_on_with(
        store: Arc<dyn Store>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock(AtomicU64::new(START + 60_000)));
        let mut config = config(&dir.path().join("data"));
        change(&mut config);
        let running = start_on(config, clock.clone(), store).await.unwrap();
        Self { client: Client::new(running.origin()), running: Some(running), dir, clock }
    }

    pub(crate) async fn stop(&mut self) {
        self.running.take().unwrap().shut_down().await;
    }

    /// Waits until it says that its storage failed.
    pub(crate) async fn failed(&self) {
        self.running.as_ref().unwrap().failed().await;
    }

    /// Ends it in order and starts it again on the same data; the port is another one.
    pub(crate) async fn restart(self) -> Self {
        self.restart_on(|_| {}).await
    }

    /// The same, with a change of its data directory meanwhile.
    pub(crate) async fn restart_on(mut self, change: impl FnOnce(&Path)) -> Self {
        self.stop().await;
        change(&self.dir.path().join("data"));
        let now_ms = self.clock.now_ms();
        Self::start_in(self.dir, now_ms).await
    }

    /// A team whose founder has an account, and the founder's session.
    pub(crate) async fn team(&self) -> (Team, String) {
        let mut team = Team::found(self.client.audit_vkey().await);
        let session = self.client.join(&team.owner).await;
        let batch = team.take_batch();
        self.client.post("/v1/orgs", &session, &batch).await.is(201, "ok");
        (team, session)
    }
}
