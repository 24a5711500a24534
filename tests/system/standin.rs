//! A server of the barest kind, for as long as the stories need one: it keeps what it is sent.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use ed25519_dalek::{Signer as _, SigningKey};
use strongroom_chain::tree::{Frontier, leaf_hash, prove_consistency};
use strongroom_format::commit::{Op, SignedCommit};
use strongroom_format::encoding::Codec;
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, OrgId, SecretId};
use strongroom_format::note::Checkpoint;
use strongroom_format::wire::{
    B64, Challenge, CommitPage, CommitRecord, ConsistencyAnswer, EnvHead, EnvelopePage,
    FieldEnvelope, ItemPage, ItemRecord, PreviousAnswer, ServerInfo, Session, SyncAnswer,
    WrapAnswer, WriteAnswer, WriteBatch, content_hash,
};

#[derive(Clone, Default)]
pub(crate) struct Kept {
    links: Vec<Vec<u8>>,
    wraps: Vec<WrapAnswer>,
    previous: Vec<PreviousAnswer>,
    commits: BTreeMap<EnvId, Vec<SignedCommit>>,
    items: BTreeMap<EnvId, BTreeMap<SecretId, ItemRecord>>,
    envelopes: HashMap<Digest, Vec<u8>>,
    frontier: Frontier,
    nodes: HashMap<(u8, u64), Digest>,
}

pub(crate) struct StandIn {
    origin: String,
    orgs: Mutex<BTreeMap<OrgId, Kept>>,
    key: SigningKey,
}

impl StandIn {
    pub(crate) async fn start(origin: String) -> (Arc<Self>, String) {
        let server = Arc::new(Self {
            origin,
            orgs: Mutex::default(),
            key: SigningKey::from_bytes(&[42; 32]),
        });
        let app = Router::new()
            .fallback(serve)
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&server));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (server, address)
    }

    pub(crate) fn backup(&self) -> BTreeMap<OrgId, Kept> {
        self.orgs.lock().unwrap().clone()
    }

    pub(crate) fn restore(&self, backup: BTreeMap<OrgId, Kept>) {
        *self.orgs.lock().unwrap() = backup;
    }

    fn note(&self, org: OrgId, kept: &mut Kept) -> String {
        for node in kept.frontier.append(leaf_hash(&kept.frontier.size().to_be_bytes())) {
            kept.nodes.insert((node.level, node.index), node.hash);
        }
        self.checkpoint(org, kept)
    }

    fn checkpoint(&self, org: OrgId, kept: &Kept) -> String {
        let root = kept.frontier.root();
        let checkpoint = Checkpoint { org, reset: 0, size: kept.frontier.size(), root };
        let signature = self.key.sign(checkpoint.text().as_bytes()).to_bytes();
        checkpoint.note(&self.key.verifying_key().to_bytes(), &signature)
    }

    fn answer(&self, method: &Method, uri: &Uri, body: &[u8]) -> Option<Response> {
        let parts: Vec<&str> = uri.path().split('/').skip(2).collect();
        let query = uri.query().unwrap_or_default();
        let parameter = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let number = |name: &str| parameter(name).and_then(|n| n.parse::<u64>().ok());
        let get = method == Method::GET;
        Some(match parts.as_slice() {
            ["server"] => json(&ServerInfo {
                origin: self.origin.clone(),
                version: "0".to_owned(),
                audit_vkey: B64(self.key.verifying_key().to_bytes().to_vec()),
                time_ms: 1,
            }),
            ["accounts"] => StatusCode::NO_CONTENT.into_response(),
            ["session", "challenge"] => json(&Challenge { nonce: B64(vec![7; 32]), time_ms: 1 }),
            ["session"] => json(&Session { token: "a.b.c".to_owned(), expires_ms: 3_600_001 }),
            ["orgs"] if !get => {
                let batch = WriteBatch::decode(body).ok()?;
                let org = OrgId::of_genesis(batch.links.first()?);
                json(&self.write(org, batch)?)
            }
            ["orgs", org, rest @ ..] => {
                let org: OrgId = org.parse().ok()?;
                if rest == ["write"] {
                    return Some(json(&self.write(org, WriteBatch::decode(body).ok()?)?));
                }
                let mut orgs = self.orgs.lock().unwrap();
                let kept = orgs.get_mut(&org)?;
                match rest {
                    ["sync"] => {
                        let checkpoint = self.note(org, kept);
                        let from = usize::try_from(number("from")?).ok()?;
                        json(&sync(kept, from, checkpoint))
                    }
                    ["envelopes"] => {
                        for envelope in EnvelopePage::decode(body).ok()?.envelopes {
                            kept.envelopes.insert(content_hash(&envelope), envelope);
                        }
                        StatusCode::NO_CONTENT.into_response()
                    }
                    ["envs", env, "items"] => {
                        let env: EnvId = env.parse().ok()?;
                        let head = kept.commits.get(&env)?.last()?.as_bytes().to_vec();
                        let items = kept.items.get(&env)?.values().cloned().collect();
                        page(&ItemPage { head, items, more: false })
                    }
                    ["envs", env, "commits"] => {
                        let env: EnvId = env.parse().ok()?;
                        let from = usize::try_from(number("from")?).ok()?;
                        let whole = parameter("envelopes") == Some("true");
                        let rest = kept.commits.get(&env)?.iter().skip(from.checked_sub(1)?);
                        let record = |commit: &SignedCommit| CommitRecord {
                            commit: commit.as_bytes().to_vec(),
                            envelopes: if whole { envelopes(kept, commit) } else { Vec::new() },
                        };
                        page(&CommitPage { commits: rest.map(record).collect(), more: false })
                    }
                    ["audit", "proof"] => {
                        let (old, new) = (number("old")?, number("new")?);
                        let lookup = |level, index| kept.nodes.get(&(level, index)).copied();
                        let proof = prove_consistency(old, new, lookup).ok()?;
                        json(&ConsistencyAnswer {
                            proof: proof.into_iter().map(|node| B64(node.to_vec())).collect(),
                            checkpoint: self.checkpoint(org, kept),
                        })
                    }
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    fn write(&self, org: OrgId, batch: WriteBatch) -> Option<WriteAnswer> {
        let mut orgs = self.orgs.lock().unwrap();
        let kept = orgs.entry(org).or_default();
        kept.links.extend(batch.links);
        for wrap in batch.wraps {
            let (env_id, epoch) = (wrap.env, wrap.epoch);
            kept.wraps.push(WrapAnswer { env_id, epoch, wrap: B64(wrap.wrap.to_vec()) });
        }
        for key in batch.previous {
            let (env_id, epoch) = (key.env, key.epoch);
            kept.previous.push(PreviousAnswer { env_id, epoch, sealed: B64(key.sealed) });
        }
        for envelope in batch.envelopes {
            kept.envelopes.insert(content_hash(&envelope), envelope);
        }
        for commit in batch.commits {
            let signed = SignedCommit::parse(&commit).ok()?;
            let env = signed.commit.env;
            for change in &signed.commit.changes {
                let field = |f: &strongroom_format::commit::FieldHash| FieldEnvelope {
                    field: f.field,
                    envelope: kept.envelopes[&f.envelope].clone(),
                };
                let fields = match change.op {
                    Op::Put => change.fields.iter().map(field).collect(),
                    Op::Delete => Vec::new(),
                };
                let item = ItemRecord {
                    secret: change.secret,
                    version: change.version,
                    op: change.op,
                    epoch: signed.commit.dek_epoch,
                    fields,
                };
                kept.items.entry(env).or_default().insert(change.secret, item);
            }
            kept.commits.entry(env).or_default().push(signed);
        }
        let checkpoint = self.note(org, kept);
        Some(WriteAnswer { link: kept.links.len() as u64 - 1, checkpoint })
    }
}

fn envelopes(kept: &Kept, commit: &SignedCommit) -> Vec<Vec<u8>> {
    let fields = commit.commit.changes.iter().flat_map(|change| &change.fields);
    fields.map(|field| kept.envelopes[&field.envelope].clone()).collect()
}

fn sync(kept: &Kept, from: usize, checkpoint: String) -> SyncAnswer {
    let head = |(env, commits): (&EnvId, &Vec<SignedCommit>)| EnvHead {
        env_id: *env,
        seq: commits.len() as u64,
        head: B64(commits.last().map_or([0; 32], SignedCommit::head).to_vec()),
    };
    SyncAnswer {
        links: kept.links.iter().skip(from).map(|link| B64(link.clone())).collect(),
        more: false,
        wraps: kept.wraps.clone(),
        previous: kept.previous.clone(),
        envs: kept.commits.iter().map(head).collect(),
        checkpoint,
    }
}

async fn serve(
    State(server): State<Arc<StandIn>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    server.answer(&method, &uri, &body).unwrap_or_else(|| {
        let error = serde_json::json!({ "error": { "code": "not-found", "message": "" } });
        (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/json")], error.to_string())
            .into_response()
    })
}

fn json(value: &impl serde::Serialize) -> Response {
    let body = serde_json::to_vec(value).unwrap();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn page(value: &impl Codec) -> Response {
    ([(header::CONTENT_TYPE, "application/octet-stream")], value.encode()).into_response()
}
