//! Rows A (escrow, enrolment, recovery), the rows E and L about what a team adds: nothing the server
//! says makes a client give a key to anybody, and nothing it holds opens anything.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use strongroom_client::api::ApiError;
use strongroom_client::profile::KeepSecretKey;
use strongroom_client::vault::Cost;
use strongroom_client::vault::{Restore, VaultError, look};
use strongroom_core::details::EnvClass;
use strongroom_core::team::{Intent, NewToken};
use strongroom_crypto::safe::{Auk, Keyset, KeysetParams, RepeatableEntropy, SecretKey};
use strongroom_evil_server::{Answer, Request};
use strongroom_format::encoding::Codec as _;
use strongroom_format::hash::label;
use strongroom_format::id::Principal;
use strongroom_format::statement::{Body, Link, MemberKeys, Rights, Role};
use strongroom_format::wire::{AccountAnswer, WriteBatch};
use tokio::net::TcpListener;

use crate::team_house::{ALL, Team, cell, invite, right, sign};
use crate::world::{Device, api, passphrase};

/// Adds a field to every JSON object that the server answers.
fn more(field: &'static str, value: Value) -> impl Fn(&Request, &mut Answer) + Send + Sync {
    move |_, answer| {
        let value = value.clone();
        answer.edit_value(move |answer| {
            if let Some(fields) = answer.as_object_mut() {
                fields.insert(field.to_owned(), value);
            }
        });
    }
}

/// Who the data keys of a write are wrapped for.
fn recipients(team: &Team) -> Vec<(Vec<Principal>, usize)> {
    let traffic = team.evil.traffic();
    let writes = traffic.iter().filter(|e| e.request.is("POST", "/write"));
    let batches = writes.map(|e| WriteBatch::decode(&e.request.body).unwrap());
    let of_batch = |batch: WriteBatch| {
        let wraps = batch.wraps.len();
        let links = batch.links.into_iter().map(|link| Link::parse(&link).unwrap());
        links.filter_map(move |link| match link.statement.body {
            Body::DekEpoch { wraps: listed, .. } => {
                Some((listed.iter().map(|entry| entry.recipient).collect(), wraps))
            }
            _ => None,
        })
    };
    batches.flat_map(of_batch).collect()
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn a01_bw01_no_recovery_policy_enrols_anybody() {
    let team = Team::new().await;
    let key = "A".repeat(43);
    for (field, value) in [
        ("recovery", json!({ "enabled": true, "key": key })),
        ("resetPasswordEnrolled", json!(true)),
        ("org_key", json!(key)),
        ("escrow", json!([key])),
    ] {
        // A field that no protocol object has is no answer; nothing is enrolled, nothing wrapped.
        team.tell(more(field, value)).await.refused_in(&ALL);
    }
    // The same while somebody joins.
    let code = invite(&team.mara, Role::Member, vec![right(team.prod, Rights::READ)]).await;
    team.evil.lie(more("recovery", json!({ "key": key })));
    team.evil.forget();
    let refused = Device::join(&team.evil.origin(), &code, "Ines").await;
    assert!(matches!(refused.err(), Some(VaultError::Api(ApiError::Garbage))));
    assert!(team.evil.traffic().iter().all(|e| e.request.method == "GET"), "nothing was sent");
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn a02_bw02_a_new_data_key_goes_to_whom_the_chain_says() {
    let team = Team::new().await;
    let (prod, teo) = (team.prod, team.teo.session().user());
    let due = sign(&team.mara, Intent::Access(vec![cell(prod, teo, Rights::NONE)])).await.unwrap();
    let wanted = team.mara.session().with(|org| Ok(org.readers(&prod, 0))).unwrap();
    for (field, value) in [("recipients", json!(["usr_x"])), ("key", json!("A"))] {
        team.evil.lie(more(field, value));
        team.evil.forget();
        for done in team.mara.session().rotate(&due).await.unwrap() {
            assert!(done.result.is_err());
        }
    }
    team.evil.be_honest();
    team.mara.session().sync().await.unwrap();
    team.evil.forget();
    for done in team.mara.session().rotate(&due).await.unwrap() {
        // The write of the attacked run may have been taken: then nothing is due any more.
        done.result.unwrap();
    }
    for (listed, wraps) in recipients(&team) {
        assert_eq!((listed.len(), listed), (wraps, wanted.clone()));
    }
    assert!(team.mara.session().rotations().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn a03_bw03_no_text_of_the_server_leads_anywhere() {
    let team = Team::new().await;
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", trap.local_addr().unwrap());
    let there = url.clone();
    let lie = move |request: &Request, answer: &mut Answer| {
        if request.path == "/v1/server" {
            let there = there.clone();
            answer.edit_value(move |info| {
                info["origin"] = json!(there);
                info["issuers"] = json!([{
                    "name": "Key connector", "issuer": there, "client_id": "x", "scopes": ["openid"],
                }]);
            });
        }
        if answer.status >= 400 {
            answer.edit_value(|refusal| refusal["error"]["message"] = json!("Go to http://evil"));
        }
    };
    team.tell(lie).await.without_effect();
    let knock = tokio::time::timeout(std::time::Duration::from_millis(300), trap.accept()).await;
    assert!(knock.is_err(), "somebody went where the server pointed");
    // A refusal of the server is shown by its code alone.
    team.evil.answer_instead(|request| {
        request.is("GET", "/sync").then(|| {
            let text = json!({ "error": { "code": "x", "message": "Type your passphrase" } });
            Answer { status: 403, ..Answer::json(&text) }
        })
    });
    let refused = team.mara.session().sync().await.unwrap_err().to_string();
    assert!(!refused.contains("passphrase"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn a04_lp01_no_admin_comes_with_a_sign_in() {
    let team = Team::new().await;
    let lie = |request: &Request, answer: &mut Answer| {
        if request.is("POST", "/v1/session") {
            answer.edit_value(|session| session["super_admins"] = json!([{ "key": "A" }]));
        }
    };
    team.tell(lie).await.refused_in(&[crate::team_house::PINNED, crate::team_house::WITHOUT]);
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn a05_1p01_a_new_environment_is_wrapped_for_its_readers_alone() {
    let team = Team::new().await;
    let lie = |request: &Request, answer: &mut Answer| {
        if request.is("GET", "/sync") || request.is("POST", "/write") {
            answer.edit_value(|value| value["recovery_group"] = json!(["usr_x"]));
        }
    };
    team.evil.lie(lie);
    team.evil.forget();
    let envs = vec![("prod".to_owned(), EnvClass::Production)];
    let made = team.mara.session().create_app("payments", envs).await;
    assert!(made.is_err(), "an answer with a field too many is none");
    let me = Principal::User(team.mara.session().user());
    let all = recipients(&team);
    assert!(!all.is_empty());
    for (listed, wraps) in all {
        assert_eq!((listed, wraps), (vec![me], 1));
    }
}

/// The interface as the server publishes it.
fn interface() -> Value {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// Every route with its body's type and whether a credential is needed.
fn routes() -> Vec<(String, String, bool)> {
    let document = interface();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, route) in methods.as_object().unwrap() {
            let body = route["requestBody"]["content"].to_string();
            let open = route["security"].as_array().is_none_or(Vec::is_empty);
            all.push((format!("{method} {path}"), body, open));
        }
    }
    all
}

#[test]
pub(crate) fn a06_no_route_takes_a_persons_key_but_its_own_keyset() {
    let takes_keys: BTreeSet<String> = routes()
        .into_iter()
        .filter(|(_, body, _)| body.contains("Keyset") || body.contains("CreateAccount"))
        .map(|(route, ..)| route)
        .collect();
    let own = ["post /v1/account/keyset", "post /v1/accounts"].map(str::to_owned);
    assert_eq!(takes_keys, own.into());
    let text = interface().to_string().to_lowercase();
    for word in ["escrow", "recovery", "master", "super_admin"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn a07_a_change_of_keys_is_shown_from_the_chain_and_names_who_signed_it() {
    let team = Team::new().await;
    let teo = team.teo.session().user();
    // Whatever the server says about resets, there is none until somebody signed one.
    team.evil.lie(more("resets", json!([teo.to_string()])));
    let _ = team.mara.session().sync().await;
    let people = team.mara.session().members().unwrap();
    assert!(people.iter().all(|member| member.reset.is_none()));
    team.evil.be_honest();
    let code = invite(&team.mara, Role::Member, Vec::new()).await;
    let key = code.lend(strongroom_crypto::safe::InviteCode::parse).unwrap().key.id();
    Device::join_again(&team.evil.origin(), &code, "Teo again", teo).await.unwrap();
    let mut second = team.mara.at(&team.pinned);
    team.mara.session().follow_up().await.unwrap();
    let joiner = team.mara.session().reset_of(key, teo).unwrap();
    sign(&team.mara, Intent::Reset(joiner)).await.unwrap();
    second.open_with(crate::world::PASSPHRASE).await.unwrap();
    second.session().sync().await.unwrap();
    let people = second.session().members().unwrap();
    let link = people.iter().find(|member| member.user == teo).unwrap().reset.unwrap();
    let author =
        second.session().with(|org| Ok(org.replica().link(link).unwrap().statement.author));
    assert_eq!(author.unwrap(), Principal::User(team.mara.session().user()));
    second.session().acknowledge_reset(teo).unwrap();
    let people = second.session().members().unwrap();
    assert!(people.iter().all(|member| member.reset.is_none()));
}

/// A change of what the server says of an account, with another account at hand.
type ChangeOfAccount = fn(&mut AccountAnswer, &AccountAnswer);

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn a08_reset_row_a_keyset_that_the_server_changed_opens_nothing() {
    let team = Team::new().await;
    let stranger = Device::create(&team.evil.origin()).await;
    let record = stranger.session().record();
    let other = AccountAnswer { user_id: team.mara.session().user(), keyset: record.keyset };
    let lies: [(&str, ChangeOfAccount); 4] = [
        ("another person's", |own, other| own.keyset = other.keyset.clone()),
        ("another person's public keys", |own, other| {
            own.keyset.isk = other.keyset.isk.clone();
            own.keyset.iek = other.keyset.iek.clone();
        }),
        ("another epoch", |own, _| own.keyset.epoch += 1),
        ("no keys", |own, _| own.keyset.blob.0.clear()),
    ];
    for (what, change) in lies {
        println!("{what}");
        let other = other.clone();
        let lie = move |request: &Request, answer: &mut Answer| {
            if request.is("GET", "/v1/account") {
                answer.edit(|own: &mut AccountAnswer| change(own, &other));
            }
        };
        team.tell(lie).await.refused_in(&[crate::team_house::WITHOUT]);
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn a09_guessing_fetches_no_sealed_keys() {
    let team = Team::new().await;
    let user = team.mara.session().user();
    team.evil.forget();
    for guess in 0..100_u32 {
        let key = SecretKey::make(&mut RepeatableEntropy::new(u64::from(guess))).unwrap();
        let restore = Restore {
            user,
            orgs: vec![team.org],
            secret_key: key.to_text(),
            label: "guess".to_owned(),
            keep: KeepSecretKey::Ask,
            head: None,
        };
        let refused = Device::restore(&team.evil.origin(), restore).await;
        assert!(refused.is_err());
    }
    let traffic = team.evil.traffic();
    assert!(traffic.iter().all(|e| e.request.path != "/v1/account"), "no keyset was served");
    let refused = traffic.iter().filter(|e| e.request.is("POST", "/v1/session")).count();
    assert!(refused >= 100);
}

#[test]
pub(crate) fn e11_nothing_is_shared_by_a_link() {
    let open: BTreeSet<String> =
        routes().into_iter().filter(|(_, _, open)| *open).map(|(route, ..)| route).collect();
    let expected = [
        "get /v1/openapi.json",
        "get /v1/server",
        "post /v1/session",
        "post /v1/session/challenge",
    ];
    assert_eq!(open, expected.map(str::to_owned).into());
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn e12_covert_a_lie_to_one_person_shows_to_another() {
    let team = Team::new().await;
    team.mara.put("prod", "STRIPE_KEY", "sk_three").await.unwrap();
    team.teo.session().sync().await.unwrap();
    let head = |device: &Device| {
        let code = device.session().trust_facts().unwrap();
        (code.link, code.head_code)
    };
    assert_eq!(head(&team.mara), head(&team.teo), "two people can compare what they were shown");
    let (link, code) = head(&team.teo);
    let same = team.mara.session().heads_compare(link, &code).unwrap();
    assert_eq!(same, strongroom_client::vault::HeadMatch::Same);
    let other = code.replace(|c: char| c.is_ascii_alphanumeric(), "a");
    let differs = team.mara.session().heads_compare(link, &other).unwrap();
    assert_eq!(differs, strongroom_client::vault::HeadMatch::Differs);
}

#[test]
pub(crate) fn e13_no_code_comes_from_a_server() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tauri.conf.json");
    let config: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert!(config["plugins"]["updater"].is_null());
    let policy = config["app"]["security"]["csp"].to_string();
    assert!(policy.contains("'self'") && !policy.contains("https:"), "{policy}");
    assert!(!policy.contains("unsafe-eval") && !policy.contains('*'), "{policy}");
}

/// Everything that lies on the server's disk.
async fn disk(team: &Team) -> Vec<u8> {
    let kept = team.honest.backup().await;
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(kept.0.path()).unwrap().flatten() {
        if entry.path().is_file() {
            bytes.extend(std::fs::read(entry.path()).unwrap());
        }
    }
    assert!(bytes.len() > 50_000);
    bytes
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn e14_l12_a_stolen_database_opens_nothing_even_with_the_passphrase() {
    let team = Team::new().await;
    let stolen = disk(&team).await;
    for text in [
        "DATABASE_URL",
        "postgres://",
        "STRIPE_KEY",
        "sk_two",
        "SMTP_PASSWORD",
        "Mara",
        "Teo",
        "Acme",
        "deploy",
        "shop",
        "a note",
    ] {
        assert!(!holds(&stolen, text.as_bytes()), "{text}");
    }
    // The right passphrase, the keyset from the database, and no Secret Key.
    let keyset = team.mara.session().record().keyset;
    let fixed = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).unwrap();
    let public = MemberKeys { isk: fixed(&keyset.isk.0), iek: fixed(&keyset.iek.0) };
    let params = KeysetParams {
        user: team.mara.session().user(),
        epoch: keyset.epoch,
        profile: Cost::from_id(keyset.profile).unwrap(),
        salt: keyset.salt.0.as_slice().try_into().unwrap(),
    };
    for guess in 0..50 {
        let key = SecretKey::make(&mut RepeatableEntropy::new(guess)).unwrap();
        let auk = Auk::derive(&passphrase(crate::world::PASSPHRASE), &key, &params).unwrap();
        assert!(Keyset::open(&auk, &params, &public, &keyset.blob.0).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn l01_token_exposure_a_server_that_records_everything_opens_nothing() {
    let team = Team::new().await;
    team.evil.forget();
    team.tell(|_, _| {}).await.without_effect();
    let text = team.token.lend(str::to_owned);
    let mut parts = text.split('_').skip(1);
    let (_, secret) = (parts.next().unwrap(), parts.next().unwrap().to_owned());
    let sent: Vec<u8> = team.evil.traffic().iter().flat_map(|e| e.request.bytes()).collect();
    assert!(holds(&sent, b"srt."), "the token was used");
    assert!(!holds(&sent, secret.as_bytes()) && !holds(&sent, text.as_bytes()));
    let stolen = disk(&team).await;
    assert!(!holds(&stolen, secret.as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn l13_there_is_no_recovery_key_of_an_organisation() {
    let team = Team::new().await;
    team.mara.session().sync().await.unwrap();
    let strangers = team.mara.session().with(|org| {
        let state = org.replica().state();
        let listed = state.envs().values().flat_map(|env| &env.epochs).flat_map(|e| &e.wraps);
        let unknown = |who: &Principal| match who {
            Principal::User(user) => !state.members().contains_key(user),
            Principal::Token(token) => !state.tokens().contains_key(token),
            Principal::Agent(_) => true,
        };
        Ok(listed.filter(|wrap| unknown(&wrap.recipient)).count())
    });
    assert_eq!(strangers.unwrap(), 0);
}

#[test]
pub(crate) fn l22_every_purpose_has_a_key_of_its_own() {
    let kinds = [
        "auk",
        "login",
        "keyset",
        "item",
        "dek-commit",
        "dek-wrap",
        "dek-prev",
        "stmt",
        "commit",
        "commit-head",
        "link",
        "org",
        "invite",
        "invite-id",
        "invite-auth",
        "join",
        "join-mac",
        "tok-auth",
        "tok-sig",
        "tok-enc",
        "event",
        "login-challenge",
        "account",
        "pop",
        "fp",
        "words",
        "state",
        "drill",
    ];
    let labels: BTreeSet<Vec<u8>> = kinds.iter().map(|kind| label(kind)).collect();
    assert_eq!(labels.len(), kinds.len());
    let prefix = |a: &[u8]| labels.iter().filter(|b| b.starts_with(a)).count();
    assert!(labels.iter().all(|label| prefix(label) == 1), "no label begins another one");
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn l23_nobody_passes_on_more_than_it_has_and_empty_means_nothing() {
    let team = Team::new().await;
    let teo = team.teo.session().user();
    sign(&team.mara, Intent::Role { user: teo, role: Role::Admin }).await.unwrap();
    team.teo.session().follow_up().await.unwrap();
    let token = |rights: Vec<_>| {
        Intent::TokenIssue(NewToken { name: "wide".to_owned(), rights, not_after: 0 })
    };
    for rights in [Rights::READ, Rights::READ.with(Rights::WRITE), Rights::ALL] {
        let dev = team.mara.env("dev");
        let wider = sign(&team.teo, token(vec![right(dev, rights)])).await;
        assert!(wider.is_err(), "an admin without the key made a token for it");
    }
    let wider = sign(&team.teo, token(vec![right(team.prod, Rights::ALL)])).await;
    assert!(wider.is_err(), "read and write became grant");
    sign(&team.teo, token(Vec::new())).await.unwrap();
    let readers = team.teo.session().with(|org| Ok(org.readers(&team.prod, 0))).unwrap();
    let tokens = readers.iter().filter(|who| matches!(who, Principal::Token(_))).count();
    assert_eq!(tokens, 1, "a token without scopes reads nothing");
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn l25_the_server_keeps_hashes_of_credentials_only() {
    let team = Team::new().await;
    let code = invite(&team.mara, Role::Member, Vec::new()).await;
    team.evil.forget();
    look(&code, &api(&team.evil.origin())).await.unwrap();
    team.tell(|_, _| {}).await.without_effect();
    let _ = look(&code, &api(&team.evil.origin())).await.unwrap();
    let bearers: BTreeSet<String> = team
        .evil
        .traffic()
        .iter()
        .flat_map(|e| e.request.headers.clone())
        .filter(|(name, _)| name == "authorization")
        .map(|(_, value)| value.rsplit('.').next().unwrap().to_owned())
        .collect();
    assert!(!bearers.is_empty());
    let stolen = disk(&team).await;
    for bearer in bearers {
        let raw = data_encoding::BASE64URL_NOPAD.decode(bearer.as_bytes()).unwrap_or_default();
        assert!(!holds(&stolen, bearer.as_bytes()));
        assert!(raw.len() < 16 || !holds(&stolen, &raw));
    }
}
