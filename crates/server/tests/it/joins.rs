//! From an invitation to a member: what its holder may do, what managers see, and when it ends.

use reqwest::Method;
use strongroom_format::event::EventKind;
use strongroom_format::id::{InviteId, OrgId, UserId};
use strongroom_format::statement::{Body, Link, Role, key_change_message, pop_message};
use strongroom_format::wire::{B64, ChainAnswer, JoinList, JoinRequest, MAX_JOINS, Registration};

use crate::server::{JSON, Server};
use crate::team::{Person, Team};

const HOUR: u64 = 60 * 60 * 1000;

pub(crate) fn credential(invite: InviteId, secret: &[u8; 32]) -> String {
    format!("srj.{invite}.{}", data_encoding::BASE64URL_NOPAD.encode(secret))
}

pub(crate) fn ask(org: &OrgId, invite: InviteId, who: &Person) -> JoinRequest {
    let pop = who.sign(&pop_message(org, &invite, &who.user(), &who.keys()));
    JoinRequest {
        user_id: who.user(),
        isk: B64(who.keys().isk.to_vec()),
        iek: B64(who.keys().iek.to_vec()),
        pop: B64(pop.to_vec()),
        mac: B64(vec![7; 32]),
        reset: false,
    }
}

pub(crate) fn ask_for_reset(org: &OrgId, who: &Person) -> JoinRequest {
    let pop = who.sign(&key_change_message(org, &who.user(), &who.keys()));
    JoinRequest { pop: B64(pop.to_vec()), reset: true, ..ask(org, InviteId::ZERO, who) }
}

/// The keys of `seed` in the place of `who`.
pub(crate) fn with_other_keys(who: &Person, seed: u8) -> Person {
    Person { who: who.who, ..Person::new(seed) }
}

struct Scene {
    server: Server,
    team: Team,
    session: String,
    org: OrgId,
    invite: InviteId,
    bearer: String,
}

impl Scene {
    async fn new() -> Self {
        let server = Server::start().await;
        let (mut team, session) = server.team().await;
        let invite = team.invite(50, Role::Member, team.now + HOUR);
        let org = team.org();
        server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
        let bearer = credential(invite, &Team::invite_secret(50));
        Self { server, team, session, org, invite, bearer }
    }

    async fn chain(&self, bearer: &str) -> crate::server::Answer {
        let path = format!("/v1/orgs/{}/invite/chain?from=0", self.org);
        self.server.client.get(&path, bearer).await
    }

    async fn join(&self, bearer: &str, request: &JoinRequest) -> crate::server::Answer {
        let path = format!("/v1/orgs/{}/invite/join", self.org);
        self.server.client.post_json_as(&path, bearer, request).await
    }

    async fn waiting(&self) -> JoinList {
        let path = format!("/v1/orgs/{}/joins", self.org);
        self.server.client.get(&path, &self.session).await.json()
    }

    async fn write(&mut self) {
        let batch = self.team.take_batch();
        self.server.client.write(&self.org, &self.session, &batch).await.is(200, "ok");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_holder_of_an_invitation_reads_the_chain_asks_and_is_admitted() {
    let mut scene = Scene::new().await;
    let answer: ChainAnswer = scene.chain(&scene.bearer).await.json();
    let links: Vec<Link> = answer.links.iter().map(|link| Link::parse(&link.0).unwrap()).collect();
    let state = strongroom_chain::org::verify(&links, scene.org, None).unwrap();
    assert_eq!((state.head(), answer.more), (scene.team.state.head(), false));

    let bob = Person::new(2);
    let request = ask(&scene.org, scene.invite, &bob);
    scene.join(&scene.bearer, &request).await.is(200, "ok");
    let list = scene.waiting().await;
    assert_eq!(list.joins.len(), 1);
    let join = &list.joins[0];
    assert_eq!((join.invite_id, &join.request), (scene.invite, &request));

    let bob_session = scene.server.client.join(&bob).await;
    let sync = format!("/v1/orgs/{}/sync?from=0", scene.org);
    scene.server.client.get(&sync, &bob_session).await.is(404, "not-found");
    scene.team.add(&bob, Role::Member, scene.invite);
    scene.write().await;
    scene.server.client.get(&sync, &bob_session).await.is(200, "ok");
    assert!(scene.waiting().await.joins.is_empty());

    // The code is used up: it opens nothing any more, and says why to whoever holds it.
    scene.chain(&scene.bearer).await.is(403, "invite-used");
    scene
        .join(&scene.bearer, &ask(&scene.org, scene.invite, &Person::new(3)))
        .await
        .is(403, "invite-used");

    let log = scene.server.client.log(&scene.org, &scene.session).await;
    let of = |kind| log.iter().filter(move |event| event.act.kind == kind).collect::<Vec<_>>();
    let asked = of(EventKind::JoinAsked);
    let invited = scene.team.state.invites()[&scene.invite].link;
    assert_eq!((asked.len(), asked[0].act.actor, asked[0].act.detail.number), (1, None, invited));
    assert_eq!((of(EventKind::InviteFetched).len(), of(EventKind::JoinsFetched).len()), (1, 2));
    assert_eq!(of(EventKind::Refused).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_opens_three_requests_of_its_own_organisation_and_no_other() {
    let scene = Scene::new().await;
    let (client, org) = (&scene.server.client, scene.org);
    for path in [
        "/v1/orgs".to_owned(),
        "/v1/account".to_owned(),
        format!("/v1/orgs/{org}/sync?from=0"),
        format!("/v1/orgs/{org}/joins"),
        format!("/v1/orgs/{org}/audit/events?from=0"),
    ] {
        client.get(&path, &scene.bearer).await.is(401, "sign-in-required");
    }
    client
        .write(&org, &scene.bearer, &strongroom_format::wire::WriteBatch::default())
        .await
        .is(401, "sign-in-required");
    let elsewhere = OrgId([9; 32]);
    let path = format!("/v1/orgs/{elsewhere}/invite/chain?from=0");
    client.get(&path, &scene.bearer).await.is(404, "not-found");
    scene.chain(&scene.session).await.is(401, "sign-in-required");
    let two = [("authorization", scene.bearer.as_str()), ("authorization", scene.bearer.as_str())];
    let path = format!("/v1/orgs/{org}/invite/chain?from=0");
    client.send(Method::GET, &path, &two, Vec::new()).await.is(400, "two-credentials");
    let unclear = format!("/v1/orgs/{org}/invite/chain");
    client.get(&unclear, &scene.bearer).await.is(400, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_can_check_of_a_join_it_checks() {
    let scene = Scene::new().await;
    let bob = Person::new(2);
    let good = ask(&scene.org, scene.invite, &bob);
    let changed = |change: &dyn Fn(&mut JoinRequest)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    let other = ask(&scene.org, InviteId([9; 16]), &bob);
    let elsewhere = ask(&OrgId([9; 32]), scene.invite, &bob);
    let owner = ask(&scene.org, scene.invite, &scene.team.owner);
    for (bad, status, code) in [
        (changed(&|r| r.pop = B64(vec![1; 64])), 403, "bad-signature"),
        (changed(&|r| r.user_id = UserId([9; 16])), 403, "bad-signature"),
        (changed(&|r| r.iek = B64(Person::new(9).keys().iek.to_vec())), 403, "bad-signature"),
        (changed(&|r| r.reset = true), 403, "bad-signature"),
        (other, 403, "bad-signature"),
        (elsewhere, 403, "bad-signature"),
        (changed(&|r| r.isk = B64(vec![0; 32])), 422, "bad-keys"),
        (changed(&|r| r.iek = B64(vec![0; 32])), 422, "bad-keys"),
        (changed(&|r| r.isk = B64(vec![1; 31])), 400, "malformed"),
        (changed(&|r| r.mac = B64(vec![1; 33])), 400, "malformed"),
        (changed(&|r| r.pop = B64(vec![1; 63])), 400, "malformed"),
        (owner, 409, "member-exists"),
        (ask_for_reset(&scene.org, &bob), 422, "not-a-member"),
    ] {
        scene.join(&scene.bearer, &bad).await.is(status, code);
    }
    assert!(scene.waiting().await.joins.is_empty());
    scene.join(&scene.bearer, &good).await.is(200, "ok");
    // Who asks again replaces the own request; nobody fills the list.
    let newer = JoinRequest { mac: B64(vec![8; 32]), ..good.clone() };
    scene.join(&scene.bearer, &newer).await.is(200, "ok");
    assert_eq!(scene.waiting().await.joins[0].request, newer);
    for seed in 3..3 + u8::try_from(MAX_JOINS).unwrap() - 1 {
        let request = ask(&scene.org, scene.invite, &Person::new(seed));
        scene.join(&scene.bearer, &request).await.is(200, "ok");
    }
    let one_more = ask(&scene.org, scene.invite, &Person::new(30));
    scene.join(&scene.bearer, &one_more).await.is(409, "too-many-joins");
    scene.join(&scene.bearer, &good).await.is(200, "ok");
    assert_eq!(scene.waiting().await.joins.len(), MAX_JOINS);
}

#[tokio::test(flavor = "multi_thread")]
async fn managers_alone_read_who_asks() {
    let mut scene = Scene::new().await;
    let mut sessions = Vec::new();
    for (seed, role) in [(2, Role::Admin), (3, Role::Member), (4, Role::Reviewer)] {
        let person = Person::new(seed);
        scene.team.admit(&person, role);
        sessions.push(scene.server.client.join(&person).await);
    }
    scene.write().await;
    let path = format!("/v1/orgs/{}/joins", scene.org);
    let client = &scene.server.client;
    client.get(&path, &sessions[0]).await.is(200, "ok");
    client.get(&path, &sessions[1]).await.is(403, "managers-only");
    client.get(&path, &sessions[2]).await.is(403, "managers-only");
    let stranger = client.join(&Person::new(9)).await;
    client.get(&path, &stranger).await.is(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_ends_by_its_date_and_its_joins_with_it() {
    let scene = Scene::new().await;
    let bob = ask(&scene.org, scene.invite, &Person::new(2));
    scene.join(&scene.bearer, &bob).await.is(200, "ok");
    scene.server.clock.advance(HOUR - 60_000);
    let owner = scene.server.client.sign_in(&scene.team.owner).await;
    let scene = Scene { session: owner, ..scene };
    scene.chain(&scene.bearer).await.is(200, "ok");
    assert_eq!(scene.waiting().await.joins.len(), 1);
    scene.server.clock.advance(2 * 60_000);
    scene.chain(&scene.bearer).await.is(403, "invite-ended");
    scene.join(&scene.bearer, &bob).await.is(403, "invite-ended");
    assert!(scene.waiting().await.joins.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_brings_the_bearer_of_each_of_its_invitations_and_of_no_other() {
    let scene = Scene::new().await;
    let mut team = scene.team.clone();
    let now = team.now;
    team.invite(51, Role::Member, now + HOUR);
    let good = team.take_batch();
    let upload = good.invites[0];
    for invites in [
        vec![],
        vec![upload, upload],
        vec![strongroom_format::wire::InviteUpload { invite: InviteId([52; 16]), ..upload }],
    ] {
        let batch = strongroom_format::wire::WriteBatch { invites, ..good.clone() };
        let answer = scene.server.client.write(&scene.org, &scene.session, &batch).await;
        answer.is(422, "wrong-invites");
    }
    scene.server.client.write(&scene.org, &scene.session, &good).await.is(200, "ok");
    let bearer = credential(InviteId([51; 16]), &Team::invite_secret(51));
    scene.chain(&bearer).await.is(200, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_guesses_open_no_chain_and_raise_an_alarm() {
    let scene = Scene::new().await;
    let (mut opened, mut heard) = (0, 0);
    let path = format!("/v1/orgs/{}/invite/chain?from=0", scene.org);
    for n in 0..10_000u32 {
        let mut secret = [0; 32];
        secret[..4].copy_from_slice(&n.to_be_bytes());
        let answer = scene.server.client.get(&path, &credential(scene.invite, &secret)).await;
        opened += u32::from(answer.status == 200);
        heard += u32::from(answer.status == 401);
    }
    assert_eq!((opened, heard), (0, 60), "what was heard at all in this minute");
    let log = scene.server.client.log(&scene.org, &scene.session).await;
    let of = |kind| log.iter().filter(|event| event.act.kind == kind).count();
    assert_eq!((of(EventKind::Refused), of(EventKind::RateLimited)), (60, 1));
    // Somebody else's guesses do not close the door for the next minute.
    scene.server.clock.advance(60_000);
    scene.chain(&scene.bearer).await.is(200, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_all_keys_asks_for_new_ones_and_gets_the_place_back() {
    let mut scene = Scene::new().await;
    let bob = Person::new(2);
    scene.team.admit(&bob, Role::Member);
    scene.write().await;
    let old_session = scene.server.client.join(&bob).await;

    let new = with_other_keys(&bob, 70);
    let account = scene.server.client.account(&new);
    scene.server.client.post_json("/v1/accounts", &account).await.is(409, "account-exists");
    let request = ask_for_reset(&scene.org, &new);
    scene.join(&scene.bearer, &request).await.is(200, "ok");
    assert_eq!(scene.waiting().await.joins[0].request, request);

    scene.team.say(Body::KeyReset {
        user: new.user(),
        keys: new.keys(),
        pop: request.pop.0.clone().try_into().unwrap(),
    });
    scene.write().await;
    assert!(scene.waiting().await.joins.is_empty());
    scene.chain(&scene.bearer).await.is(403, "invite-used");

    // The epoch may begin anew; the old keys are nobody's.
    scene.server.client.post_json("/v1/accounts", &account).await.is(201, "ok");
    scene.server.client.post_json("/v1/accounts", &account).await.is(409, "account-exists");
    let old = scene.server.client.account(&bob);
    scene.server.client.post_json("/v1/accounts", &old).await.is(409, "account-exists");
    let challenge = scene.server.client.challenge(&bob).await;
    let answer = scene.server.client.response(&bob, &challenge);
    scene.server.client.post_json("/v1/session", &answer).await.is(403, "sign-in-refused");
    let session = scene.server.client.sign_in(&new).await;
    let sync = format!("/v1/orgs/{}/sync?from=0", scene.org);
    scene.server.client.get(&sync, &session).await.is(200, "ok");
    // Whoever has the lost computer is signed out.
    scene.server.client.get(&sync, &old_session).await.is(401, "sign-in-required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_by_invitation_admits_its_founder_and_whoever_holds_an_invitation() {
    let server = Server::start_with(|c| c.registration = Registration::Invited).await;
    let client = &server.client;
    let (mara, bob) = (Person::new(1), Person::new(2));
    let file = server.dir.path().join("data").join("founder-code");
    let code = std::fs::read_to_string(&file).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let account = |who: &Person, credential: String| {
        let (client, request) = (client.clone(), client.account(who));
        async move { client.post_json_as("/v1/accounts", &credential, &request).await }
    };
    let founder = format!("sro.{}", code.trim_end());
    client.post_json("/v1/accounts", &client.account(&mara)).await.is(403, "invitation-needed");
    account(&mara, format!("{founder}a")).await.is(401, "sign-in-required");
    account(&mara, "sro.".to_owned()).await.is(401, "sign-in-required");
    account(&mara, "garbage".to_owned()).await.is(401, "sign-in-required");
    account(&mara, founder.clone()).await.is(201, "ok");
    assert!(!file.exists());
    account(&bob, founder).await.is(403, "founder-code-used");

    let mut team = Team::found(client.audit_vkey().await);
    let session = client.sign_in(&mara).await;
    let invite = team.invite(50, Role::Member, team.now + HOUR);
    let ended = team.invite(51, Role::Member, team.now + 1_000);
    client.post("/v1/orgs", &session, &team.take_batch()).await.is(201, "ok");
    let bearer = |invite, seed| credential(invite, &Team::invite_secret(seed));
    account(&bob, bearer(ended, 51)).await.is(403, "invite-ended");
    account(&bob, bearer(invite, 51)).await.is(401, "sign-in-required");
    account(&bob, bearer(invite, 50)).await.is(201, "ok");
    let of = |log: &[strongroom_format::event::Event]| {
        log.iter().filter(|event| event.act.kind == EventKind::AccountMade).count()
    };
    assert_eq!(of(&client.log(&team.org(), &session).await), 1);

    // Whom a chain names needs nothing more; a used invitation admits nobody else.
    let carol = Person::new(3);
    team.add(&carol, Role::Member, invite);
    client.write(&team.org(), &session, &team.take_batch()).await.is(200, "ok");
    account(&Person::new(4), bearer(invite, 50)).await.is(403, "invite-used");
    account(&carol, bearer(invite, 50)).await.is(201, "ok");
    let body = serde_json::to_vec(&client.account(&Person::new(4))).unwrap();
    let headers = [("content-type", JSON)];
    let answer = client.send(Method::POST, "/v1/accounts", &headers, body).await;
    answer.is(403, "invitation-needed");
}

#[tokio::test]
async fn an_organisation_cannot_claim_the_id_of_somebody_who_has_an_account() {
    let mut scene = Scene::new().await;
    let them = Person::new(60);
    scene.server.client.join(&them).await;
    let claimed = with_other_keys(&them, 61);
    scene.team.add(&claimed, Role::Member, scene.invite);
    let (org, batch) = (scene.org, scene.team.take_batch());
    let answer = scene.server.client.write(&org, &scene.session, &batch).await;
    answer.is(422, "id-taken");
    // The account is still its own, and can be signed in to.
    let account = scene.server.client.account(&claimed);
    scene.server.client.post_json("/v1/accounts", &account).await.is(409, "account-exists");
}
