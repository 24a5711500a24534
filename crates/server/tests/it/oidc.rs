//! Signing in with a token of another issuer: who is let in by it, and every way to be somebody else.

use serde_json::json;
use strongroom_format::event::EventKind;
use strongroom_format::wire::{AccountAnswer, BindIdentity, ServerInfo};
use strongroom_server::Algorithm;

use crate::issuer::{CLIENT, Issuer, NOW, Signer, header};
use crate::server::Server;
use crate::team::{Person, Team};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// An issuer with one key `k1`, a server that takes its tokens, and Mara's account bound to the
/// subject `mara`.
pub(crate) struct Scene {
    pub(crate) signer: Signer,
    pub(crate) issuer: Issuer,
    pub(crate) server: Server,
}

impl Scene {
    pub(crate) async fn new(signer: Signer) -> Self {
        let issuer = Issuer::start(&[signer.jwk("k1")]).await;
        let server = issuer.server(signer.algorithm()).await;
        let scene = Self { signer, issuer, server };
        let request = scene.server.client.account(&Person::new(1));
        let token = scene.token("mara");
        let answer = scene.server.client.post_json_as("/v1/accounts", &token, &request).await;
        answer.is(201, "ok");
        scene
    }

    pub(crate) fn header(&self) -> String {
        header(self.signer.algorithm(), "k1")
    }

    pub(crate) fn token(&self, subject: &str) -> String {
        self.signer.token(&self.header(), &self.issuer.claims(subject).to_string())
    }

    pub(crate) async fn code(&self, token: &str) -> String {
        self.server.client.get("/v1/account", token).await.code()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_each_algorithm_names_its_account_until_it_ends() {
    for signer in [Signer::ed(1), Signer::ec(), Signer::rsa()] {
        let scene = Scene::new(signer).await;
        let token = scene.token("mara");
        let answer: AccountAnswer = scene.server.client.get("/v1/account", &token).await.json();
        assert_eq!(answer.user_id, Person::new(1).user());
        scene.server.clock.advance(HOUR + MINUTE - 1_000);
        assert_eq!(scene.code(&token).await, "ok");
        scene.server.clock.advance(2_000);
        assert_eq!(scene.code(&token).await, "sign-in-required");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_issuer_and_subject_and_nothing_else() {
    let scene = Scene::new(Signer::ed(1)).await;
    let client = &scene.server.client;
    // Two subjects, one address (H10); and what is nearly the same is another.
    for subject in ["mara2", "Mara", "mara ", "MARA"] {
        let mut claims = scene.issuer.claims(subject);
        claims["email"] = json!("mara@example.org");
        claims["email_verified"] = json!(true);
        let token = scene.signer.token(&scene.header(), &claims.to_string());
        client.get("/v1/account", &token).await.is(401, "unknown-identity");
        client.get("/v1/orgs", &token).await.is(401, "unknown-identity");
    }
    // One subject, two issuers.
    let other = Issuer::start(&[Signer::ed(9).jwk("k1")]).await;
    let token = Signer::ed(9).token(&scene.header(), &other.claims("mara").to_string());
    assert_eq!(scene.code(&token).await, "sign-in-required");
    assert_eq!(other.fetches(), 0, "nobody asks whom a token names");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_bound_once_and_a_signed_in_person_may_bind_another() {
    let scene = Scene::new(Signer::ed(1)).await;
    let client = &scene.server.client;
    let bob = client.account(&Person::new(2));
    let taken = scene.token("mara");
    client.post_json_as("/v1/accounts", &taken, &bob).await.is(409, "identity-bound");
    client.post_json_as("/v1/accounts", &scene.token("bob"), &bob).await.is(201, "ok");
    assert_eq!(scene.code(&scene.token("bob")).await, "ok");

    let session = client.sign_in(&Person::new(1)).await;
    let bind = |token: String| BindIdentity { id_token: token };
    let path = "/v1/account/identity";
    let second = scene.token("mara-at-home");
    assert_eq!(scene.code(&second).await, "unknown-identity");
    client.post_json_as(path, &session, &bind(scene.token("bob"))).await.is(409, "identity-bound");
    client.post_json_as(path, &session, &bind("x".to_owned())).await.is(422, "bad-token");
    client.post_json_as(path, &session, &bind(session.clone())).await.is(422, "bad-token");
    client.post_json_as(path, &second, &bind(second.clone())).await.is(401, "unknown-identity");
    client.post_json_as(path, &session, &bind(second.clone())).await.is(200, "ok");
    client.post_json_as(path, &session, &bind(second.clone())).await.is(200, "ok");
    let answer: AccountAnswer = client.get("/v1/account", &second).await.json();
    assert_eq!(answer.user_id, Person::new(1).user());
    for n in 0..14 {
        let token = scene.token(&format!("more-{n}"));
        client.post_json_as(path, &session, &bind(token)).await.is(200, "ok");
    }
    let one_more = bind(scene.token("one-more"));
    client.post_json_as(path, &session, &one_more).await.is(422, "too-many-identities");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_admits_only_where_the_operator_says_so() {
    let signer = Signer::ed(1);
    let issuer = Issuer::start(&[signer.jwk("k1")]).await;
    let mut config = issuer.config(Algorithm::EdDsa);
    config.admit = false;
    let server = Server::start_with(|c| {
        c.registration = strongroom_server::Registration::Invited;
        c.issuers = vec![config];
    })
    .await;
    let token = signer.token(&header(Algorithm::EdDsa, "k1"), &issuer.claims("mara").to_string());
    let request = server.client.account(&Person::new(1));
    let answer = server.client.post_json_as("/v1/accounts", &token, &request).await;
    answer.is(403, "invitation-needed");
    server.client.get("/v1/account", &token).await.is(401, "unknown-identity");
    let info: ServerInfo = server.client.get("/v1/server", "").await.json();
    let shown = &info.issuers[0];
    assert_eq!((shown.issuer.as_str(), shown.client_id.as_str()), (issuer.url.as_str(), CLIENT));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_request_with_a_token_is_the_sign_in_in_the_log() {
    let scene = Scene::new(Signer::ed(1)).await;
    let (client, token) = (&scene.server.client, scene.token("mara"));
    let mut team = Team::found(client.audit_vkey().await);
    client.post("/v1/orgs", &token, &team.take_batch()).await.is(201, "ok");
    let fresh = scene.signer.token(
        &scene.header(),
        &{
            let mut claims = scene.issuer.claims("mara");
            claims["exp"] = json!(NOW + 1800);
            claims
        }
        .to_string(),
    );
    for _ in 0..3 {
        client.get("/v1/orgs", &fresh).await.is(200, "ok");
    }
    let bind = BindIdentity { id_token: scene.token("mara-at-home") };
    client.post_json_as("/v1/account/identity", &fresh, &bind).await.is(200, "ok");
    let log = client.log(&team.org(), &fresh).await;
    let bound = log.iter().filter(|event| event.act.kind == EventKind::IdentityBound).count();
    assert_eq!(bound, 1);
    let signed_in = log.iter().filter(|event| event.act.kind == EventKind::SignedIn).count();
    assert_eq!(signed_in, 1, "the token before was seen before there was an organisation");
}
