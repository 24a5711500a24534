//! Signing in through a real provider that runs on this machine (tests/oidc): the code flow of a
//! native app with PKCE, its tokens here, a rollover of its keys and an outage.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use data_encoding::BASE64URL_NOPAD;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use strongroom_format::wire::{AccountAnswer, CreateAccount};
use strongroom_server::{Algorithm, Clock as _, IssuerConfig, Registration, SystemClock};

use crate::server::Server;
use crate::team::Person;

const REDIRECT: &str = "http://127.0.0.1:65000/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";

/// The provider, for as long as the test.
struct Provider {
    child: Child,
    says: Lines<BufReader<ChildStdout>>,
    hears: ChildStdin,
    issuer: String,
    client_id: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    fn start(algorithm: Algorithm) -> Self {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oidc");
        let installed = std::path::Path::new(dir).join("node_modules").is_dir();
        assert!(installed, "run `npm ci --ignore-scripts` in tests/oidc first");
        let mut child = Command::new("node")
            .arg("provider.mjs")
            .arg(algorithm.name())
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let hears = child.stdin.take().unwrap();
        let mut says = BufReader::new(child.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&says.next().unwrap().unwrap()).unwrap();
        let text = |name: &str| first[name].as_str().unwrap().to_owned();
        Self { child, says, hears, issuer: text("issuer"), client_id: text("client_id") }
    }

    fn tell(&mut self, word: &str) {
        writeln!(self.hears, "{word}").unwrap();
        assert_eq!(self.says.next().unwrap().unwrap(), "ok");
    }

    fn config(&self, algorithm: Algorithm) -> IssuerConfig {
        IssuerConfig {
            name: "Local".to_owned(),
            issuer: self.issuer.clone(),
            audiences: vec![self.client_id.clone()],
            client_id: self.client_id.clone(),
            scopes: vec!["openid".to_owned()],
            algorithm,
            jwks_url: format!("{}/jwks", self.issuer),
            admit: true,
        }
    }

    /// Signs `subject` in as a browser does, and gives the ID token.
    async fn sign_in(&self, subject: &str) -> String {
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(VERIFIER));
        let mut url = reqwest::Url::parse(&format!("{}/auth", self.issuer)).unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("response_type", "code")
            .append_pair("scope", "openid")
            .append_pair("redirect_uri", REDIRECT)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("state", "a state")
            .append_pair("nonce", "a nonce")
            .append_pair("login_hint", subject);
        let mut cookies = BTreeMap::new();
        for step in 0.. {
            if url.as_str().starts_with(REDIRECT) {
                break;
            }
            assert!(step < 10, "the provider leads in a circle, to {url}");
            let jar: Vec<String> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let answer = http.get(url.clone()).header(COOKIE, jar.join("; ")).send().await.unwrap();
            for set in answer.headers().get_all(SET_COOKIE) {
                let pair = set.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            let next = answer.headers().get(LOCATION).expect("another step").to_str().unwrap();
            url = url.join(next).unwrap();
        }
        let code = url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let mut form = reqwest::Url::parse("http://form/").unwrap();
        form.query_pairs_mut()
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", &code)
            .append_pair("redirect_uri", REDIRECT)
            .append_pair("client_id", &self.client_id)
            .append_pair("code_verifier", VERIFIER);
        let answer = http
            .post(format!("{}/token", self.issuer))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.query().unwrap().to_owned())
            .send()
            .await
            .unwrap();
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        answer["id_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }
}

/// Signs in through the provider with one algorithm, through a rollover and an outage.
async fn sign_in_through(algorithm: Algorithm) {
    let mut provider = Provider::start(algorithm);
    let config = provider.config(algorithm);
    let server = Server::start_at(SystemClock.now_ms(), |c| {
        c.registration = Registration::Invited;
        c.issuers = vec![config];
    })
    .await;
    let client = &server.client;
    let code = async |token: &str| client.get("/v1/account", token).await.code();
    let create = async |token: &str, request: &CreateAccount| {
        client.post_json_as("/v1/accounts", token, request).await
    };

    let first = provider.sign_in("mara").await;
    assert_eq!(code(&first).await, "unknown-identity");
    let mara = client.account(&Person::new(1));
    create(&first, &mara).await.is(201, "ok");
    let answer: AccountAnswer = client.get("/v1/account", &first).await.json();
    assert_eq!((answer.user_id, answer.keyset), (mara.user_id, mara.keyset));
    let bob = provider.sign_in("bob").await;
    assert_eq!(code(&bob).await, "unknown-identity", "the same address is not the same person");
    create(&bob, &client.account(&Person::new(2))).await.is(201, "ok");

    // A new key beside the old one: the first token of it makes the one fetch of this minute.
    server.clock.advance(61_000);
    provider.tell("add");
    let second = provider.sign_in("mara").await;
    assert_ne!(first.split('.').next(), second.split('.').next(), "another key");
    assert_eq!((code(&second).await, code(&first).await), ("ok".to_owned(), "ok".to_owned()));
    // Once the old key is withdrawn, what it signed counts no longer.
    provider.tell("drop");
    server.clock.advance(10 * 60_000 + 1_000);
    assert_eq!(code(&first).await, "sign-in-required");
    assert_eq!(code(&second).await, "ok");

    provider.tell("down");
    server.clock.advance(11 * 60_000);
    assert_eq!(code(&second).await, "ok", "what was published last holds");
    server.clock.advance(25 * 60 * 60_000);
    provider.tell("up");
    assert_eq!(code(&second).await, "sign-in-required", "it has ended by now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_through_a_real_provider_with_rs256() {
    sign_in_through(Algorithm::Rs256).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_through_a_real_provider_with_es256() {
    sign_in_through(Algorithm::Es256).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_through_a_real_provider_with_eddsa() {
    sign_in_through(Algorithm::EdDsa).await;
}
