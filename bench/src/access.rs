//! The matrix of 500 principals and 500 environments: worked out once, and shown in squares.

use std::time::Duration;

use strongroom_core::access::{Matrix, StagedCells};
use strongroom_core::details::EnvClass;
use strongroom_core::log::Facts;
use strongroom_core::pen::Pen;
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::id::EnvId;

use crate::Failure;
use crate::measure::{Spread, here};
use crate::table::{Bar, Row};
use crate::world::{NOW_MS, founded, with_readers};

const SIDE: usize = 500;
const ROUNDS: usize = 25;
/// One square is too quick for a clock, so all of them are taken in a row.
const TILES: usize = SIDE.div_ceil(strongroom_core::access::TILE);

/// Everything, and one square of it.
pub(crate) fn rows() -> Result<Vec<Row>, Failure> {
    let (replica, _) = founded()?;
    let mut entropy = OsEntropy;
    let mut pen = Pen::new(&replica, &mut entropy, NOW_MS);
    let environments: Vec<(String, EnvClass)> =
        (1..SIDE).map(|n| (format!("env-{n}"), EnvClass::Other)).collect();
    pen.create_app("many", &environments)?;
    let (replica, _) = pen.finish();
    let directory = replica.state().directory();
    let envs: Vec<EnvId> =
        replica.state().envs().keys().filter(|env| Some(**env) != directory).copied().collect();
    // One cell in ten has something in it.
    let mut replica =
        with_readers(&replica, &envs, SIDE - 1, |n, m| (n * 7 + m).is_multiple_of(10))?;
    let (mut whole, mut tile) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        whole.push(here(|| Ok(Matrix::of(&mut replica, NOW_MS + 1)))?.wall);
        let matrix = Matrix::of(&mut replica, NOW_MS + 1);
        let (staged, facts) = (StagedCells::default(), Facts::default());
        let all = here(|| {
            let square = |n| matrix.tile(n / TILES, n % TILES, &staged, &facts);
            Ok((0..TILES * TILES).map(square).collect::<Vec<_>>())
        })?;
        tile.push(all.wall / u32::try_from(TILES * TILES)?);
    }
    let row = |what: &str, times: Vec<Duration>, bar| {
        let worst = times.iter().copied().max().unwrap_or_default();
        Row::timed(what, Spread::of(times.into_iter()), worst, bar)
    };
    Ok(vec![
        row("matrix of 500 x 500", whole, Bar::Stated),
        row("one square of 32 x 32", tile, Bar::Under(Duration::from_micros(500))),
    ])
}
