//! Who may do what: every route of the interface with every kind of caller. A route without a row
//! fails the test.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use strongroom_format::encoding::Codec as _;
use strongroom_format::id::{EnvId, OrgId, Principal, TokenId};
use strongroom_format::statement::{Body, EnvKind, EpochReason, Rights, Role};
use strongroom_format::wire::{ActPage, EnvelopePage, WriteBatch};

use crate::server::{JSON, PAGE, Server};
use crate::team::{PROD, Person, Team, bearer, secret};

const SECRET: [u8; 32] = [0x5e; 32];
/// An environment where nobody but the owner and one token has rights.
const OTHER: EnvId = EnvId([0xe2; 16]);

/// What is asked of a caller, in the order in which it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    None,
    Garbage,
    Expired,
    Stranger,
    OwnerElsewhere,
    Removed,
    RevokedToken,
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
        !matches!(self, Self::None | Self::Garbage | Self::Expired)
    }

    fn inside(self) -> bool {
        self >= Self::Reviewer
    }

    fn token(self) -> bool {
        matches!(self, Self::Token | Self::TokenElsewhere | Self::RevokedToken)
    }

    fn reads(self) -> bool {
        matches!(self, Self::Writer | Self::Owner | Self::Token)
    }
}

/// The statuses of a route for a caller: in the own organisation of [`Kind::Owner`].
fn expected(route: &str, kind: Kind) -> (u16, &'static str) {
    let outside = |answer| match (kind.proven(), kind.inside()) {
        (false, _) => (401, "sign-in-required"),
        (_, false) => (404, "not-found"),
        _ => answer,
    };
    let people = |answer| match (kind.proven(), kind.token()) {
        (false, _) => (401, "sign-in-required"),
        (_, true) => (403, "session-required"),
        _ => answer,
    };
    match route {
        "get /v1/openapi.json" | "get /v1/server" => (200, "ok"),
        "post /v1/accounts" | "post /v1/session/challenge" | "post /v1/session" => {
            (400, "malformed")
        }
        "get /v1/account" | "get /v1/orgs" => people((200, "ok")),
        "post /v1/orgs" => people((400, "malformed")),
        "post /v1/account/keyset" | "post /v1/account/identity" => people((400, "malformed")),
        "get /v1/orgs/{org}/invite/chain" | "post /v1/orgs/{org}/invite/join" => {
            (401, "sign-in-required")
        }
        "get /v1/orgs/{org}/joins" if kind.inside() && kind.token() => (403, "members-only"),
        "get /v1/orgs/{org}/joins" => outside(match kind {
            Kind::Owner | Kind::AdminWithoutGrant => (200, "ok"),
            _ => (403, "managers-only"),
        }),
        "get /v1/orgs/{org}/audit/events" if kind.inside() && kind.token() => (403, "members-only"),
        "get /v1/orgs/{org}/sync"
        | "get /v1/orgs/{org}/audit/events"
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

/// A request that is in the form of the route, in `org` and `env`.
fn request(
    route: &str,
    org: &OrgId,
    env: &EnvId,
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
    let (kind, body) = match path.rsplit('/').next().unwrap() {
        "accounts" | "challenge" | "session" | "keyset" | "identity" | "join" => {
            (JSON, b"{}".to_vec())
        }
        "envelopes" => {
            (PAGE, EnvelopePage { envelopes: vec![n.to_be_bytes().repeat(30)] }.encode())
        }
        "events" => (PAGE, ActPage::default().encode()),
        _ => (PAGE, WriteBatch::default().encode()),
    };
    let path = path.replace("{org}", &org.to_string()).replace("{env}", &env.to_string());
    let body = if method == Method::GET { Vec::new() } else { body };
    (method, format!("{path}{query}"), kind, body)
}

fn id(token: &Person) -> TokenId {
    let Principal::Token(id) = token.who else { panic!("no token") };
    id
}

async fn cast(server: &Server) -> (Team, Team, BTreeMap<Kind, String>) {
    let client = &server.client;
    let mut sessions = BTreeMap::new();
    let old = client.join(&Person::new(30)).await;
    server.clock.advance(2 * 60 * 60 * 1000);
    sessions.insert(Kind::Expired, old);
    sessions.insert(Kind::Garbage, "garbage".to_owned());

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
        sessions.insert(kind, client.join(&person).await);
    }
    team.grant(PROD, &Person::new(5), Rights::READ.with(Rights::WRITE));
    team.grant(PROD, &Person::new(6), Rights::READ.with(Rights::WRITE));
    for (kind, seed, env) in
        [(Kind::Token, 40, PROD), (Kind::TokenElsewhere, 41, OTHER), (Kind::RevokedToken, 42, PROD)]
    {
        let token = Person::token(seed);
        team.issue_for(env, &token, Rights::READ.with(Rights::WRITE), &SECRET, 0);
        sessions.insert(kind, bearer(id(&token), &SECRET));
    }
    team.epoch(PROD, EpochReason::ReaderAdded);
    team.write(PROD, &[(secret(1), 1)]);
    client.write(&team.org(), &session, &team.take_batch()).await.is(200, "ok");
    team.remove(&Person::new(6));
    team.say(Body::TokenRevoke { token: TokenId([42; 16]) });
    client.write(&team.org(), &session, &team.take_batch()).await.is(200, "ok");
    sessions.insert(Kind::Owner, session);

    let elsewhere = Person::new(20);
    let foreign = client.join(&elsewhere).await;
    let mut other = Team::found_by(elsewhere, client.audit_vkey().await);
    client.post("/v1/orgs", &foreign, &other.take_batch()).await.is(201, "ok");
    sessions.insert(Kind::OwnerElsewhere, foreign);
    sessions.insert(Kind::Stranger, client.join(&Person::new(21)).await);
    sessions.insert(Kind::None, String::new());
    (team, other, sessions)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_every_caller_as_the_matrix_says() {
    let server = Server::start().await;
    let (team, other, sessions) = cast(&server).await;
    let nowhere = OrgId([0x77; 32]);
    let document: Value = server.client.get("/v1/openapi.json", "").await.json();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        routes.extend(methods.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
    }
    assert!(routes.len() >= 17);

    let mut cells = 0;
    for (n, route) in (0..).zip(&routes) {
        for (kind, credential) in &sessions {
            let bearer = format!("Bearer {credential}");
            let mut places = vec![(team.org(), PROD, expected(route, *kind))];
            if route.contains("{org}") {
                let invited = route.contains("/invite/");
                let missing = match kind.proven() && !invited {
                    true => (404, "not-found"),
                    false => (401, "sign-in-required"),
                };
                places.push((nowhere, PROD, missing));
                if *kind != Kind::OwnerElsewhere {
                    places.push((other.org(), PROD, missing));
                }
            }
            if route.contains("{env}") {
                // An environment of one organisation under the name of another (H15).
                let owner = *kind == Kind::OwnerElsewhere;
                let org = if owner { other.org() } else { team.org() };
                let env = if owner { OTHER } else { EnvId([0x99; 16]) };
                let missing =
                    if kind.proven() { (404, "not-found") } else { (401, "sign-in-required") };
                places.push((org, env, missing));
            }
            for (org, env, (status, code)) in places {
                let (method, path, content, body) = request(route, &org, &env, n);
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
    for path in document["paths"].as_object().unwrap().keys() {
        for (method, credential) in
            [Method::PUT, Method::PATCH, Method::DELETE].iter().flat_map(|method| {
                sessions.values().map(move |credential| (method.clone(), credential))
            })
        {
            let path = path.replace("{org}", &team.org().to_string());
            let path = path.replace("{env}", &PROD.to_string());
            let bearer = format!("Bearer {credential}");
            let headers = [("authorization", bearer.as_str()), ("content-type", PAGE)];
            server.client.send(method, &path, &headers, vec![1]).await.is(405, "method");
            cells += 1;
        }
    }
    assert!(cells > 1_100, "{cells} cells");
}
