//! The same table in plain SQLite: a column and an index for each filter, FTS5 for the words, one
//! statement for the rows, one for each group of facets, one for the timeline.

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{QueryBuilder, Row as _, Sqlite};
use strongroom_core::log::Level;
use strongroom_core::log::index::{Index, Names, Outcome, Query, Row, verb};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::EventKind;
use strongroom_format::id::{EnvId, Principal, SecretId};

use crate::Failure;

const COLUMNS: [&str; 6] = ["level", "kind", "who", "env", "secret", "refused"];
const CHUNK: usize = 1_000;

/// A database in memory.
pub(crate) struct Peer {
    pool: SqlitePool,
}

/// What it answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// How many rows match.
    pub(crate) rows: usize,
    /// How many values each group of facets has, and how many rows they stand for.
    pub(crate) facets: [(usize, u64); 6],
    /// How many rows the timeline shows.
    pub(crate) line: u64,
}

impl Peer {
    /// The rows of `index`, with their names as words.
    pub(crate) async fn new(index: &Index, names: &dyn Names) -> Result<Self, Failure> {
        let options = SqliteConnectOptions::new()
            .in_memory(true)
            .pragma("cache_size", "-1048576")
            .pragma("temp_store", "MEMORY");
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await?;
        let peer = Self { pool };
        peer.run(
            "CREATE TABLE event (id INTEGER PRIMARY KEY, at INTEGER, level INTEGER, kind INTEGER, \
             who BLOB, env BLOB, secret BLOB, refused INTEGER)",
        )
        .await?;
        peer.run("CREATE VIRTUAL TABLE words USING fts5(text, content='', columnsize=0)").await?;
        let mut tx = peer.pool.begin().await?;
        let rows: Vec<Row> = (0..index.len()).filter_map(|row| index.row(row)).collect();
        for rows in rows.chunks(CHUNK) {
            let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO event ");
            insert.push_values(rows, |mut out, row| {
                out.push_bind(i64::from(row.row))
                    .push_bind(integer(row.at_ms))
                    .push_bind(level(row.verdict.level()))
                    .push_bind(i64::from(row.kind.byte()))
                    .push_bind(who(row.who))
                    .push_bind((!row.env.is_zero()).then(|| row.env.0.to_vec()))
                    .push_bind((!row.secret.is_zero()).then(|| place(&(row.env, row.secret))))
                    .push_bind(Outcome::of(row.kind, row.status) == Outcome::Refused);
            });
            insert.build().persistent(false).execute(&mut *tx).await?;
            let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO words (rowid, text) ");
            insert.push_values(rows, |mut out, row| {
                out.push_bind(i64::from(row.row)).push_bind(words(row, names));
            });
            insert.build().persistent(false).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        for column in COLUMNS.into_iter().chain(["at"]) {
            peer.run(&format!("CREATE INDEX event_{column} ON event ({column})")).await?;
        }
        peer.run("INSERT INTO words(words) VALUES ('optimize')").await?;
        peer.run("ANALYZE").await?;
        Ok(peer)
    }

    async fn run(&self, statement: &str) -> Result<(), Failure> {
        let mut sql = QueryBuilder::<Sqlite>::new("");
        sql.push(statement).build().execute(&self.pool).await?;
        Ok(())
    }

    /// The rows, the counts of all groups and the timeline.
    pub(crate) async fn ask(&self, query: &Query) -> Result<Counted, Failure> {
        let mut rows = QueryBuilder::new("SELECT id FROM event WHERE 1");
        conditions(&mut rows, query, None);
        rows.push(" ORDER BY id");
        let rows = rows.build().fetch_all(&self.pool).await?.len();
        let mut facets = [(0, 0); 6];
        for (column, facet) in COLUMNS.into_iter().zip(&mut facets) {
            let mut counts = QueryBuilder::new("SELECT count(*) FROM event WHERE 1");
            conditions(&mut counts, query, Some(column));
            counts.push(format!(" AND {column} IS NOT NULL GROUP BY {column} ORDER BY 1 DESC"));
            if column == "secret" {
                counts.push(" LIMIT 50");
            }
            let counts = counts.build().fetch_all(&self.pool).await?;
            let all = counts.iter().map(|row| row.get::<i64, _>(0).unsigned_abs());
            *facet = (counts.len(), all.sum());
        }
        let line = self.timeline(query).await?;
        Ok(Counted { rows, facets, line })
    }

    async fn timeline(&self, query: &Query) -> Result<u64, Failure> {
        let mut span = QueryBuilder::new("SELECT min(at), max(at) FROM event WHERE 1");
        conditions(&mut span, query, Some("at"));
        let span = span.build().fetch_one(&self.pool).await?;
        let (Some(from), Some(to)) = (span.get::<Option<i64>, _>(0), span.get::<Option<i64>, _>(1))
        else {
            return Ok(0);
        };
        let width = (to - from) / 60 + 1;
        let mut bars = QueryBuilder::new("SELECT count(*) FROM event WHERE 1");
        conditions(&mut bars, query, Some("at"));
        bars.push(format!(" GROUP BY (at - {from}) / {width}, level"));
        let bars = bars.build().fetch_all(&self.pool).await?;
        Ok(bars.iter().map(|row| row.get::<i64, _>(0).unsigned_abs()).sum())
    }
}

/// What a row has to fulfil, but for the filters of one group.
fn conditions(sql: &mut QueryBuilder<Sqlite>, query: &Query, but: Option<&str>) {
    let one = |wanted: &str| but != Some(wanted);
    if one("level") {
        any_of(sql, "level", query.levels.iter().map(|wanted| level(*wanted)));
    }
    if one("kind") {
        any_of(sql, "kind", query.kinds.iter().map(|kind| i64::from(kind.byte())));
        if query.quiet && query.kinds.is_empty() {
            let routine = [
                EventKind::ChainFetched,
                EventKind::AuditFetched,
                EventKind::JoinsFetched,
                EventKind::KeysetFetched,
            ];
            let routine = routine.map(|kind| kind.byte().to_string()).join(", ");
            sql.push(format!(" AND kind NOT IN ({routine})"));
        }
    }
    if one("who") {
        any_of(sql, "who", query.who.iter().map(|wanted| who(*wanted)));
    }
    if one("env") {
        any_of(sql, "env", query.envs.iter().map(|env: &EnvId| env.0.to_vec()));
    }
    if one("secret") {
        any_of(sql, "secret", query.secrets.iter().map(place));
    }
    if one("refused") {
        any_of(sql, "refused", query.outcomes.iter().map(|wanted| *wanted == Outcome::Refused));
    }
    if one("at") {
        if let Some(from) = query.from_ms {
            sql.push(" AND at >= ").push_bind(integer(from));
        }
        if let Some(to) = query.to_ms {
            sql.push(" AND at < ").push_bind(integer(to));
        }
    }
    // Each word is the beginning of one; a number is whole.
    let word = |word: &str| {
        let end = if word.bytes().all(|byte| byte.is_ascii_digit()) { "" } else { "*" };
        format!("\"{word}\"{end}")
    };
    let wanted: Vec<String> = query.text.split(' ').filter(|w| !w.is_empty()).map(word).collect();
    if !wanted.is_empty() {
        sql.push(" AND id IN (SELECT rowid FROM words WHERE words MATCH ");
        sql.push_bind(wanted.join(" AND ")).push(")");
    }
}

fn any_of<T>(sql: &mut QueryBuilder<Sqlite>, column: &str, wanted: impl ExactSizeIterator<Item = T>)
where
    T: for<'q> sqlx::Encode<'q, Sqlite> + sqlx::Type<Sqlite>,
{
    if wanted.len() > 0 {
        sql.push(format!(" AND {column} IN ("));
        let mut list = sql.separated(", ");
        for value in wanted {
            list.push_bind(value);
        }
        sql.push(")");
    }
}

/// What a row says, in words; without the device, which none of the queries asks for.
fn words(row: &Row, names: &dyn Names) -> String {
    let counted = match row.kind {
        EventKind::LinkSigned | EventKind::LinkAppended => "link",
        EventKind::CommitSigned | EventKind::CommitAppended => "commit",
        EventKind::EnvFetched | EventKind::EnvelopesStaged => "envelopes",
        EventKind::HistoryFetched => "commits",
        EventKind::AuditFetched => "entries",
        _ => "",
    };
    let who = row.who.and_then(|who| names.who(&who)).unwrap_or_default();
    let env = names.env(&row.env).unwrap_or_default();
    let secret = names.secret(&row.env, &row.secret).unwrap_or_default();
    let address = row.peer.rsplit_once(':').map_or(&*row.peer, |(address, _)| address);
    let (verb, number, status) = (verb(row.kind), row.number, row.status);
    format!("{who} {env} {secret} {verb} {counted} {number} {status} {address}")
}

fn level(level: Level) -> i64 {
    let places = (0..).zip(Level::ALL);
    places.filter(|(_, one)| *one == level).map(|(at, _)| at).sum()
}

fn who(who: Option<Principal>) -> Vec<u8> {
    who.map_or_else(Vec::new, |who| who.encode())
}

fn place((env, secret): &(EnvId, SecretId)) -> Vec<u8> {
    [env.0, secret.0].concat()
}

fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
