//! Small things that everything else is made of.

use strongroom_chain::org;
use strongroom_core::details::EnvClass;
use strongroom_core::pen::Pen;
use strongroom_crypto::safe::context::ItemContext;
use strongroom_crypto::safe::{Dek, OsEntropy, open, seal};
use strongroom_format::hash::label;
use strongroom_format::id::{AppId, EnvId, OrgId, SecretId};
use strongroom_format::statement::Link;

use crate::Failure;
use crate::bare::{self, Envelopes};
use crate::measure::{Clock, Rounds, here};
use crate::table::{Bar, Row};
use crate::world;

const ROUNDS: usize = 15;
/// One item is too quick for a clock, so a thousand are taken in a row.
const ITEMS: usize = 1000;
const LINKS: usize = 1000;

/// Seal, open, and the chain.
pub(crate) fn rows() -> Result<Vec<Row>, Failure> {
    let mut rows = sealing()?;
    rows.push(links()?);
    Ok(rows)
}

fn sealing() -> Result<Vec<Row>, Failure> {
    let entropy = &mut OsEntropy;
    let dek = Dek::make(entropy)?;
    let contexts: Vec<_> = (0u64..).take(ITEMS).map(|n| context(n).context()).collect();
    let value = [b'v'; 40];
    let sealed = contexts
        .iter()
        .map(|context| Ok(seal(&dek, context, &value, entropy)?))
        .collect::<Result<Vec<_>, Failure>>()?;
    let shapes = contexts.iter().zip(&sealed).map(|(c, s)| (c.as_bytes().to_vec(), s.len()));
    let envelopes = Envelopes::like(shapes)?;

    let ours = || {
        here(|| {
            let open = contexts.iter().zip(&sealed).map(|(c, s)| Ok(open(&dek, c, s)?));
            open.collect::<Result<Vec<_>, Failure>>()
        })
    };
    let bare = || {
        let mut envelopes = envelopes.clone();
        here(move || envelopes.open().map(|()| envelopes))
    };
    let opening = Rounds::run(ROUNDS, ours, bare)?;

    let ours = || {
        here(|| {
            let sealed = contexts.iter().map(|c| Ok(seal(&dek, c, &value, &mut OsEntropy)?));
            sealed.collect::<Result<Vec<_>, Failure>>()
        })
    };
    let bare = || {
        let mut envelopes = envelopes.clone();
        here(move || envelopes.seal().map(|()| envelopes))
    };
    let sealing = Rounds::run(ROUNDS, ours, bare)?;
    Ok(vec![
        Row::compared("open 1,000 values of 40 bytes", &opening, Clock::Cpu, Bar::Stated),
        Row::compared("seal 1,000 values, fresh salts", &sealing, Clock::Cpu, Bar::Stated),
    ])
}

fn context(version: u64) -> ItemContext {
    ItemContext {
        org: OrgId([1; 32]),
        app_or_group: [2; 16],
        env: EnvId([3; 16]),
        epoch: 1,
        secret: SecretId([4; 16]),
        version,
        field: 2,
    }
}

fn links() -> Result<Row, Failure> {
    let chain = chain()?;
    let org = OrgId::of_genesis(chain[0].as_bytes());
    let key = match &chain[0].statement.body {
        strongroom_format::statement::Body::Genesis { keys, .. } => keys.isk,
        _ => return Err("the first link is no genesis".into()),
    };
    let bytes: Vec<Vec<u8>> = chain.iter().map(|link| link.as_bytes().to_vec()).collect();
    let messages: Vec<Vec<u8>> =
        chain.iter().map(|link| [&label("stmt"), link.signed_bytes()].concat()).collect();
    let ours = || {
        here(|| {
            let links = bytes.iter().map(|bytes| Link::parse(bytes));
            Ok(org::verify(&links.collect::<Result<Vec<_>, _>>()?, org, None)?)
        })
    };
    let bare = || {
        here(|| {
            for (message, link) in messages.iter().zip(&chain) {
                bare::hash(&[link.as_bytes().len()], link.as_bytes());
                bare::verify(&key, message, &link.signature())?;
            }
            Ok(())
        })
    };
    let rounds = Rounds::run(ROUNDS, ours, bare)?;
    Ok(Row::compared("read and verify 1,000 links", &rounds, Clock::Cpu, Bar::Stated))
}

/// A thousand links: environments and their data keys.
fn chain() -> Result<Vec<Link>, Failure> {
    let (replica, _) = world::founded()?;
    let app =
        replica.state().envs().values().map(|env| AppId(env.place)).find(|app| app.0 != [0; 16]);
    let app = app.ok_or("there is no application")?;
    let entropy = &mut OsEntropy;
    let mut pen = Pen::new(&replica, entropy, world::NOW_MS);
    for n in 0..LINKS / 2 {
        pen.create_environment(app, &format!("env-{n}"), EnvClass::Other)?;
    }
    let (replica, _) = pen.finish();
    let links: Vec<Link> = (0..LINKS as u64).filter_map(|n| replica.link(n).cloned()).collect();
    if links.len() == LINKS { Ok(links) } else { Err("the chain is too short".into()) }
}
