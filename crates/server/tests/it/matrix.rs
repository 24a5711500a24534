//! Who may do what: every route of the interface with every kind of caller, in the own organisation,
//! in another, in none, and with the ids of one place under the name of another (rows H14 to H17,
//! H29, H30). The routes are those of the served document, which is made from the table of routes;
//! one without a row here fails the test.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use strongroom_format::encoding::Codec as _;
use strongroom_format::id::{EnvId, InviteId, OrgId, Principal, TokenId};
use strongroom_format::statement::{Body, EnvKind, EpochReason, Rights, Role};
use strongroom_format::wire::{ActPage, EnvelopePage, WriteBatch};

use crate::issuer::{Issuer, Signer, header};
use crate::joins::{ask, credential};
use crate::server::{JSON, PAGE, Server};
use crate::team::{PROD, Person, Team, bearer, secret};

const SECRET: [u8; 32] = [0x5e; 32];
const HOUR: u64 = 60 * 60 * 1000;
/// An environment where nobody but the owner and one token has rights.
const OTHER: EnvId = EnvId([0xe2; 16]);

/// What is asked of a caller, in the order in which it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    // Nobody that the server knows.
    None,
    Garbage,
    ExpiredSession,
    UnboundIdentity,
    WrongBearer,
    FounderCode,
    // Who was let as far as the door.
    Invited,
    InvitedOnce,
    // Somebody, and nobody here.
    Stranger,
    OwnerElsewhere,
    Removed,
    RevokedToken,
    ExpiredToken,
    // Whoever is inside.
    Reviewer,
    NoGrant,
    AdminWithoutGrant,
    Writer,
    Owner,
    Token,
    TokenElsewhere,
}

impl Kind {
    fn proven(self) -> bool {
        self >= Self::Stranger
    }

    fn inside(self) -> bool {
        self >= Self::Reviewer
    }

    fn token(self) -> bool {
        use Kind::{ExpiredToken, RevokedToken, Token, TokenElsewhere};
        matches!(self, RevokedToken | ExpiredToken | Token | TokenElsewhere)
    }

    fn reads(self) -> bool {
        matches!(self, Self::Writer | Self::Owner | Self::Token)
    }

    fn manages(self) -> bool {
        matches!(self, Self::AdminWithoutGrant | Self::Owner)
    }

    /// How the server answers somebody whom it does not know.
    fn unknown(self) -> (u16, &'static str) {
        let unbound = self == Self::UnboundIdentity;
        (401, if unbound { "unknown-identity" } else { "sign-in-required" })
    }

    /// Where there is nothing for the caller, or nothing at all.
    fn nothing(self) -> (u16, &'static str) {
        if self.proven() { (404, "not-found") } else { self.unknown() }
    }
}

/// The statuses of a route for a caller: in the own organisation of [`Kind::Owner`].
fn expected(route: &str, kind: Kind) -> (u16, &'static str) {
    let outside = |answer| if kind.inside() { answer } else { kind.nothing() };
    let people = |answer| match (kind.proven(), kind.token()) {
        (false, _) => kind.unknown(),
        (_, true) => (403, "session-required"),
        _ => answer,
    };
    let members = |answer| if kind.token() { (403, "members-only") } else { answer };
    match route {
        "get /v1/openapi.json" | "get /v1/server" => (200, "ok"),
        "post /v1/accounts" | "post /v1/session/challenge" | "post /v1/session" => {
            (400, "malformed")
        }
        "get /v1/account" | "get /v1/orgs" => people((200, "ok")),
        "post /v1/orgs" | "post /v1/account/keyset" | "post /v1/account/identity" => {
            people((400, "malformed"))
        }
        "get /v1/orgs/{org}/invite/chain" | "post /v1/orgs/{org}/invite/join" => match kind {
            Kind::Invited => (200, "ok"),
            Kind::InvitedOnce => (403, "invite-used"),
            _ => (401, "sign-in-required"),
        },
        "get /v1/orgs/{org}/joins" => {
            let who = if kind.manages() { (200, "ok") } else { (403, "managers-only") };
            outside(members(who))
        }
        "get /v1/orgs/{org}/audit/events" => outside(members((200, "ok"))),
        "get /v1/orgs/{org}/sync"
        | "get /v1/orgs/{org}/audit/proof"
        | "get /v1/orgs/{org}/audit/inclusion"
        | "post /v1/orgs/{org}/envelopes" => outside((200, "ok")),
        "post /v1/orgs/{org}/write" | "post /v1/orgs/{org}/events" => outside((422, "empty")),
        "get /v1/orgs/{org}/envs/{env}/items" | "get /v1/orgs/{org}/envs/{env}/commits" => {
            outside(if kind.reads() { (200, "ok") } else { (403, "no-right") })
        }
        _ => panic!("{route} has no row in the matrix of rights"),
    }
}

/// The same in an organisation where the caller is nobody, or that is not there.
fn elsewhere(route: &str, kind: Kind) -> (u16, &'static str) {
    match (route.contains("/invite/"), kind) {
        (true, Kind::Invited | Kind::InvitedOnce) => (404, "not-found"),
        (true, _) => (401, "sign-in-required"),
        (false, _) => kind.nothing(),
    }
}

struct Cast {
    team: Team,
    other: Team,
    credentials: BTreeMap<Kind, String>,
}

/// A request that is in the form of the route, in `org` and `env`.
fn request(
    route: &str,
    org: &OrgId,
    env: &EnvId,
    kind: Kind,
    n: u32,
) -> (Method, String, &'static str, Vec<u8>) {
    let (method, path) = route.split_once(' ').unwrap();
    let method = if method == "get" { Method::GET } else { Method::POST };
    let query = match path.rsplit('/').next().unwrap() {
        "sync" | "events" | "chain" if method == Method::GET => "?from=0",
        "commits" => "?from=1&envelopes=true",
        "proof" => "?old=0&new=5",
        "inclusion" => "?index=0",
        _ => "",
    };
    let (content, body) = match path.rsplit('/').next().unwrap() {
        "accounts" | "challenge" | "session" | "keyset" | "identity" => (JSON, b"{}".to_vec()),
        "join" => {
            let invite = if kind == Kind::InvitedOnce { USED } else { OPEN };
            let request = ask(org, invite, &Person::new(60));
            (JSON, serde_json::to_vec(&request).unwrap())
        }
        "envelopes" => {
            (PAGE, EnvelopePage { envelopes: vec![n.to_be_bytes().repeat(30)] }.encode())
        }
        "events" => (PAGE, ActPage::default().encode()),
        _ => (PAGE, WriteBatch::default().encode()),
    };
    let path = path.replace("{org}", &org.to_string()).replace("{env}", &env.to_string());
    let body = if method == Method::GET { Vec::new() } else { body };
    (method, format!("{path}{query}"), content, body)
}

fn id(token: &Person) -> TokenId {
    let Principal::Token(id) = token.who else { panic!("no token") };
    id
}

const OPEN: InviteId = InviteId([50; 16]);
const USED: InviteId = InviteId([2; 16]);

async fn cast(server: &Server, unbound: String) -> Cast {
    let client = &server.client;
    let mut credentials = BTreeMap::from([
        (Kind::None, String::new()),
        (Kind::Garbage, "garbage".to_owned()),
        (Kind::FounderCode, format!("sro.{}", "a".repeat(32))),
        (Kind::UnboundIdentity, unbound),
    ]);
    let old = client.join(&Person::new(30)).await;
    server.clock.advance(2 * HOUR);
    credentials.insert(Kind::ExpiredSession, old);

    let (mut team, session) = server.team().await;
    team.create(OTHER, EnvKind::App, [0xa1; 16]);
    for (kind, seed, role) in [
        (Kind::Reviewer, 2, Role::Reviewer),
        (Kind::NoGrant, 3, Role::Member),
        (Kind::AdminWithoutGrant, 4, Role::Admin),
        (Kind::Writer, 5, Role::Member),
        (Kind::Removed, 6, Role::Member),
    ] {
        let person = Person::new(seed);
        team.admit(&person, role);
        credentials.insert(kind, client.join(&person).await);
    }
    // Beyond the clock of the server, which has moved on from that of the team.
    team.invite(50, Role::Member, team.now + 10 * HOUR);
    for (kind, invite, seed) in [(Kind::Invited, OPEN, 50), (Kind::InvitedOnce, USED, 2)] {
        credentials.insert(kind, credential(invite, &Team::invite_secret(seed)));
    }
    team.grant(PROD, &Person::new(5), Rights::READ.with(Rights::WRITE));
    team.grant(PROD, &Person::new(6), Rights::READ.with(Rights::WRITE));
    let soon = team.now + 1_000;
    for (kind, seed, env, end) in [
        (Kind::Token, 40, PROD, 0),
        (Kind::TokenElsewhere, 41, OTHER, 0),
        (Kind::RevokedToken, 42, PROD, 0),
        (Kind::ExpiredToken, 43, PROD, soon),
    ] {
        let token = Person::token(seed);
        team.issue_for(env, &token, Rights::READ.with(Rights::WRITE), &SECRET, end);
        credentials.insert(kind, bearer(id(&token), &SECRET));
    }
    credentials.insert(Kind::WrongBearer, bearer(TokenId([40; 16]), &[1; 32]));
    team.epoch(PROD, EpochReason::ReaderAdded);
    team.write(PROD, &[(secret(1), 1)]);
    client.write(&team.org(), &session, &team.take_batch()).await.is(200, "ok");
    team.remove(&Person::new(6));
    team.say(Body::TokenRevoke { token: TokenId([42; 16]) });
    client.write(&team.org(), &session, &team.take_batch()).await.is(200, "ok");
    credentials.insert(Kind::Owner, session);

    let elsewhere = Person::new(20);
    let foreign = client.join(&elsewhere).await;
    let mut other = Team::found_by(elsewhere, client.audit_vkey().await);
    client.post("/v1/orgs", &foreign, &other.take_batch()).await.is(201, "ok");
    credentials.insert(Kind::OwnerElsewhere, foreign);
    credentials.insert(Kind::Stranger, client.join(&Person::new(21)).await);
    Cast { team, other, credentials }
}

async fn routes(server: &Server) -> (Vec<String>, Vec<String>) {
    let document: Value = server.client.get("/v1/openapi.json", "").await.json();
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, methods): (&String, &Value)| -> Vec<String> {
        methods.as_object().unwrap().keys().map(|method| format!("{method} {path}")).collect()
    };
    (paths.iter().flat_map(of).collect(), paths.keys().cloned().collect())
}

/// Where a route is asked for: what its path names, and what is to come of it.
fn places(route: &str, kind: Kind, cast: &Cast) -> Vec<(OrgId, EnvId, (u16, &'static str))> {
    let (own, other) = (cast.team.org(), cast.other.org());
    let mut places = vec![(own, PROD, expected(route, kind))];
    if !route.contains("{org}") {
        return places;
    }
    let away = elsewhere(route, kind);
    places.push((OrgId([0x77; 32]), PROD, away));
    if kind != Kind::OwnerElsewhere {
        places.push((other, PROD, away));
    }
    if route.contains("{env}") {
        // An environment of one organisation under the name of another (H15), one that is not
        // there, and one of the own organisation that is somebody else's.
        let owner = kind == Kind::OwnerElsewhere;
        places.push((if owner { other } else { own }, EnvId([0x99; 16]), away));
        if owner {
            places.push((other, OTHER, away));
        }
        if kind.inside() {
            let reads = matches!(kind, Kind::Owner | Kind::TokenElsewhere);
            places.push((own, OTHER, if reads { (200, "ok") } else { (403, "no-right") }));
        }
    }
    places
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_every_caller_as_the_matrix_says() {
    let signer = Signer::ed(1);
    let issuer = Issuer::start(&[signer.jwk("k1")]).await;
    let config = issuer.config(signer.algorithm());
    let server = Server::start_with(|c| c.issuers = vec![config]).await;
    let mut claims = issuer.claims("nobody");
    claims["exp"] = (crate::issuer::NOW + 10 * 3600).into();
    let token = signer.token(&header(signer.algorithm(), "k1"), &claims.to_string());
    let cast = cast(&server, token).await;
    let (routes, paths) = routes(&server).await;
    assert!(routes.len() >= 22);
    assert!(cast.credentials.len() >= 20);

    let mut cells = 0;
    for (n, route) in (0..).zip(&routes) {
        for (kind, credential) in &cast.credentials {
            // Whoever is wrong sixty times in a minute is not heard any more.
            server.clock.advance(if *kind == Kind::WrongBearer { 60_000 } else { 0 });
            let bearer = format!("Bearer {credential}");
            for (org, env, (status, code)) in places(route, *kind, &cast) {
                let (method, path, content, body) = request(route, &org, &env, *kind, n);
                let mut headers = vec![("content-type", content)];
                if *kind != Kind::None {
                    headers.push(("authorization", &bearer));
                }
                let answer = server.client.send(method, &path, &headers, body).await;
                let is = (answer.status, answer.code());
                assert_eq!((is.0, is.1.as_str()), (status, code), "{kind:?}: {route} as {path}");
                cells += 1;
            }
        }
    }
    // Nothing else can be done with any of them, whoever asks.
    for path in paths {
        let path = path.replace("{org}", &cast.team.org().to_string());
        let path = path.replace("{env}", &PROD.to_string());
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            for credential in cast.credentials.values() {
                let bearer = format!("Bearer {credential}");
                let headers = [("authorization", bearer.as_str()), ("content-type", PAGE)];
                let answer = server.client.send(method.clone(), &path, &headers, vec![1]).await;
                answer.is(405, "method");
                cells += 1;
            }
        }
    }
    assert!(cells > 2_200, "{cells} cells");
}
