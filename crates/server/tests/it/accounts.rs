//! Accounts, challenges and sessions.

use reqwest::Method;
use strongroom_format::event::EventKind;
use strongroom_format::wire::{AccountAnswer, B64, Challenge, OrgList, SessionRequest, SignInKey};
use strongroom_server::Registration;

use crate::server::{JSON, Server};
use crate::team::{Person, START, Team, bearer};

#[tokio::test]
async fn an_account_is_made_once_and_gives_its_keyset_back_to_its_owner_alone() {
    let server = Server::start().await;
    let (mara, other) = (Person::new(1), Person::new(2));
    let session = server.client.join(&mara).await;
    let request = server.client.account(&mara);
    server.client.post_json("/v1/accounts", &request).await.is(409, "account-exists");
    let answer: AccountAnswer = server.client.get("/v1/account", &session).await.json();
    assert_eq!((answer.user_id, answer.keyset), (mara.user(), request.keyset));
    let session = server.client.join(&other).await;
    let answer: AccountAnswer = server.client.get("/v1/account", &session).await.json();
    let keyset = server.client.account(&other).keyset;
    assert_eq!((answer.user_id, answer.keyset), (other.user(), keyset));
}

#[tokio::test]
async fn keys_that_do_not_sign_for_themselves_make_no_account() {
    let server = Server::start().await;
    let mara = Person::new(1);
    let good = server.client.account(&mara);
    let changed = |change: &dyn Fn(&mut strongroom_format::wire::CreateAccount)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    for (bad, status, code) in [
        (changed(&|r| r.login_sig = r.identity_sig.clone()), 403, "bad-signature"),
        (changed(&|r| r.identity_sig = r.login_sig.clone()), 403, "bad-signature"),
        (changed(&|r| r.keyset.blob = B64(vec![3; 201])), 403, "bad-signature"),
        (changed(&|r| r.user_id = Person::new(9).user()), 403, "bad-signature"),
        (changed(&|r| r.keyset.isk = B64(vec![0; 32])), 422, "bad-keyset"),
        (changed(&|r| r.keyset.iek = B64(vec![0; 32])), 422, "bad-keyset"),
        (changed(&|r| r.keyset.epoch = 0), 422, "bad-keyset"),
        (changed(&|r| r.keyset.blob = B64(vec![0; 1025])), 422, "bad-keyset"),
        (changed(&|r| r.keyset.salt = B64(vec![0; 15])), 400, "malformed"),
        (changed(&|r| r.login_sig = B64(vec![0; 63])), 400, "malformed"),
    ] {
        server.client.post_json("/v1/accounts", &bad).await.is(status, code);
    }
    server.client.post_json("/v1/accounts", &good).await.is(201, "ok");
}

#[tokio::test]
async fn a_closed_server_takes_no_accounts() {
    let server = Server::start_with(|c| c.registration = Registration::Closed).await;
    let request = server.client.account(&Person::new(1));
    server.client.post_json("/v1/accounts", &request).await.is(403, "registration-closed");
}

#[tokio::test]
async fn a_place_in_an_organisation_cannot_be_taken_by_an_account_with_other_keys() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let invited = Person::new(2);
    team.admit(&invited, strongroom_format::statement::Role::Member);
    server.client.write(&team.org(), &session, &team.take_batch()).await.is(200, "ok");

    let mut squatter = Person::new(3);
    squatter.who = invited.who;
    let request = server.client.account(&squatter);
    server.client.post_json("/v1/accounts", &request).await.is(409, "account-exists");
    server.client.join(&invited).await;
}

#[tokio::test]
async fn an_account_of_nobody_s_organisation_cannot_be_replaced_by_whoever_knows_its_id() {
    let server = Server::start().await;
    let mara = Person::new(1);
    server.client.join(&mara).await;
    let thief = crate::joins::with_other_keys(&mara, 3);
    let request = server.client.account(&thief);
    server.client.post_json("/v1/accounts", &request).await.is(409, "account-exists");
    server.client.sign_in(&mara).await;
}

#[tokio::test]
async fn a_challenge_works_once_for_its_person_and_not_for_long() {
    let server = Server::start().await;
    let (mara, other) = (Person::new(1), Person::new(2));
    server.client.join(&mara).await;
    server.client.join(&other).await;
    let refused = |request: SessionRequest| {
        let client = server.client.clone();
        async move {
            client.post_json("/v1/session", &request).await.is(403, "sign-in-refused");
        }
    };
    let challenge = server.client.challenge(&mara).await;
    refused(server.client.response(&other, &challenge)).await;
    let good = server.client.response(&mara, &challenge);
    refused(SessionRequest { key: SignInKey::Identity, ..good.clone() }).await;
    refused(SessionRequest { signature: B64(vec![0; 64]), ..good.clone() }).await;
    refused(SessionRequest { time_ms: good.time_ms + 1, ..good.clone() }).await;
    refused(SessionRequest { nonce: B64(vec![0; 32]), ..good.clone() }).await;
    refused(SessionRequest { nonce: B64(vec![0; 5]), ..good.clone() }).await;
    server.client.post_json("/v1/session", &good).await.is(200, "ok");
    refused(good).await;

    let late = server.client.challenge(&mara).await;
    server.clock.advance(2 * 60 * 1000 + 1);
    refused(server.client.response(&mara, &late)).await;
}

#[tokio::test]
async fn unknown_people_get_a_challenge_and_the_same_refusal() {
    let server = Server::start().await;
    let (mara, nobody) = (Person::new(1), Person::new(9));
    server.client.join(&mara).await;
    let Challenge { nonce, .. } = server.client.challenge(&nobody).await;
    assert_eq!(nonce.0.len(), 32);
    let challenge = server.client.challenge(&nobody).await;
    let unknown =
        server.client.post_json("/v1/session", &server.client.response(&nobody, &challenge)).await;
    let challenge = server.client.challenge(&mara).await;
    let mut wrong = server.client.response(&mara, &challenge);
    wrong.signature = B64(vec![1; 64]);
    let wrong = server.client.post_json("/v1/session", &wrong).await;
    assert_eq!((unknown.status, unknown.body), (wrong.status, wrong.body));
}

#[tokio::test]
async fn a_refused_sign_in_is_in_the_log_and_names_nobody_as_its_actor() {
    let server = Server::start().await;
    let (team, session) = server.team().await;
    let challenge = server.client.challenge(&team.owner).await;
    let mut wrong = server.client.response(&team.owner, &challenge);
    wrong.signature = B64(vec![1; 64]);
    server.client.post_json("/v1/session", &wrong).await.is(403, "sign-in-refused");
    let log = server.client.log(&team.org(), &session).await;
    let refused: Vec<_> = log.iter().filter(|e| e.act.kind == EventKind::Refused).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].act.actor, refused[0].act.detail.status), (None, 403));
}

#[tokio::test]
async fn only_a_session_of_this_server_that_has_not_ended_is_one() {
    let server = Server::start().await;
    let other = Server::start().await;
    let mara = Person::new(1);
    let session = server.client.join(&mara).await;
    let foreign = other.client.join(&mara).await;
    let (start, signature) = session.rsplit_once('.').unwrap();
    let (header, claims) = start.split_once('.').unwrap();
    let none = data_encoding::BASE64URL_NOPAD.encode(br#"{"typ":"JWT","alg":"none"}"#);
    for bad in [
        String::new(),
        "garbage".to_owned(),
        foreign,
        start.to_owned(),
        format!("{start}."),
        format!("{session}A"),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{header}.{}.{signature}", claims.replacen('e', "f", 1)),
        session.to_uppercase(),
        "A".repeat(5_000),
    ] {
        server.client.get("/v1/orgs", &bad).await.is(401, "sign-in-required");
    }
    let basic = [("authorization", "Basic bWFyYTp4")];
    let answer = server.client.send(Method::GET, "/v1/orgs", &basic, Vec::new()).await;
    answer.is(401, "sign-in-required");

    let list: OrgList = server.client.get("/v1/orgs", &session).await.json();
    assert!(list.orgs.is_empty());
    server.clock.advance(60 * 60 * 1000 + 62_000);
    server.client.get("/v1/orgs", &session).await.is(401, "sign-in-required");
}

#[tokio::test]
async fn exactly_one_credential_is_taken_and_the_development_header_is_none() {
    let server = Server::start().await;
    let mara = Person::new(1);
    let session = format!("Bearer {}", server.client.join(&mara).await);
    let user = mara.user().to_string();
    let get = async |headers: &[(&str, &str)]| {
        server.client.send(Method::GET, "/v1/orgs", headers, Vec::new()).await
    };
    let two = [("authorization", session.as_str()), ("authorization", session.as_str())];
    get(&two).await.is(400, "two-credentials");
    let mixed = [("authorization", session.as_str()), ("x-strongroom-dev-user", user.as_str())];
    get(&mixed).await.is(400, "two-credentials");
    get(&[("x-strongroom-dev-user", user.as_str())]).await.is(401, "sign-in-required");
    get(&[("cookie", &format!("session={session}"))]).await.is(401, "sign-in-required");
    get(&[("authorization", session.as_str())]).await.is(200, "ok");
}

#[tokio::test]
async fn whoever_guesses_bearers_is_stopped() {
    let server = Server::start().await;
    let guess = bearer(strongroom_format::id::TokenId([1; 16]), &[1; 32]);
    let mut codes = Vec::new();
    for _ in 0..61 {
        codes.push(server.client.get("/v1/orgs", &guess).await.code());
    }
    assert!(codes[..60].iter().all(|code| code == "sign-in-required"));
    assert_eq!(codes[60], "rate-limited");
}

#[tokio::test]
async fn a_founder_signs_with_the_audit_key_of_the_server_and_as_itself() {
    let server = Server::start().await;
    let (team, session) = server.team().await;
    let mut wrong = Team::found_by(Person::new(1), Person::new(8).keys().isk);
    server.client.post("/v1/orgs", &session, &wrong.take_batch()).await.is(422, "wrong-audit-key");
    let vkey = server.client.audit_vkey().await;
    let mut stranger = Team::found_by(Person::new(7), vkey);
    server
        .client
        .post("/v1/orgs", &session, &stranger.take_batch())
        .await
        .is(403, "not-the-author");
    let mut again = Team::found(vkey);
    server.client.post("/v1/orgs", &session, &again.take_batch()).await.is(409, "exists");
    let list: OrgList = server.client.get("/v1/orgs", &session).await.json();
    assert_eq!((list.orgs, team.now > START), (vec![team.org()], true));
    let headers = [("authorization", "Bearer x"), ("content-type", JSON)];
    let answer = server.client.send(Method::POST, "/v1/orgs", &headers, vec![0; 100]).await;
    answer.is(401, "sign-in-required");
}
