//! Importing 10,000 secrets on the embedded server, and a round trip to it.

use std::time::{Duration, Instant};

use crate::Failure;
use crate::measure::{Clock, Rounds, Spread, Took, process_cpu};
use crate::table::{Bar, Row, time};
use crate::vault::{Vault, invented};

const SECRETS: usize = 10_000;
const ROUNDS: usize = 3;
const ROUND_TRIPS: usize = 100;
const MOST: Duration = Duration::from_secs(3);

/// Import and sync.
pub(crate) fn rows() -> Result<Vec<Row>, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut rows = runtime.block_on(import())?;
    rows.push(round_trip(&runtime)?);
    Ok(rows)
}

async fn import() -> Result<Vec<Row>, Failure> {
    let (mut whole, mut planned, mut worked) = (Vec::new(), Vec::new(), Vec::new());
    let mut requests = 0;
    for _ in 0..ROUNDS {
        // A vault of its own each time: the second import would find a fuller directory.
        let folder = tempfile::tempdir()?;
        let vault = Vault::make(folder.path()).await?;
        let file = invented(folder.path(), SECRETS)?;
        let before = vault.requests()?;
        let (start, cpu) = (Instant::now(), process_cpu()?);
        let run = vault.plan(&file).await?;
        planned.push(start.elapsed());
        let done = vault.session.import_apply(run).await?;
        whole.push(start.elapsed());
        worked.push(process_cpu()?.saturating_sub(cpu));
        requests = vault.requests()? - before;
        if done.changes != SECRETS {
            return Err("not every secret was imported".into());
        }
        vault.close().await?;
    }
    let whole = Spread::of(whole.into_iter());
    let planned = Spread::of(planned.into_iter());
    let worked = Spread::of(worked.into_iter());
    Ok(vec![
        Row::timed(
            "import 10,000: read, plan, commit (wall)",
            whole,
            whole.median,
            Bar::Under(MOST),
        ),
        Row::stated("  of it read and plan", time(planned.median)),
        Row::stated("  processor time of client and server", time(worked.median)),
        Row::stated("  requests to the server", requests.to_string()),
    ])
}

/// A sync that finds nothing new, beside the smallest question that the server answers.
fn round_trip(runtime: &tokio::runtime::Runtime) -> Result<Row, Failure> {
    let folder = tempfile::tempdir()?;
    let vault = runtime.block_on(Vault::make(folder.path()))?;
    let api = vault.api()?;
    let sync = || {
        let start = Instant::now();
        runtime.block_on(vault.session.sync())?;
        Ok(waited(start))
    };
    let ask = || {
        let start = Instant::now();
        runtime.block_on(api.server_info())?;
        Ok(waited(start))
    };
    let rounds = Rounds::run(ROUND_TRIPS, sync, ask)?;
    runtime.block_on(vault.close())?;
    Ok(Row::compared("sync, nothing new / GET /v1/server", &rounds, Clock::Wall, Bar::Stated))
}

fn waited(start: Instant) -> Took {
    Took { cpu: Duration::ZERO, wall: start.elapsed() }
}
