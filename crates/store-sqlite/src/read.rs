//! Every `SELECT`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{QueryBuilder, Row as _};
use strongroom_format::commit::Change;
use strongroom_format::encoding::Codec as _;
use strongroom_format::hash::Digest;
use strongroom_format::id::{
    DeviceId, EnvId, InviteId, OrgId, Principal, SecretId, TokenId, UserId,
};
use strongroom_format::statement::MemberKeys;
use strongroom_store::{
    Account, ActorHead, CommitRow, EnvHeadRow, EventRow, Identity, InviteAuth, Item, JoinRow,
    LinkRow, PreviousRow, ReadTx, StoreError, TokenAuth, WrapRow,
};

use crate::SqliteTx;
use crate::error::{damaged, failed};

type Result<T> = std::result::Result<T, StoreError>;

/// Bound parameters of one statement stay far below SQLite's 32,766.
pub(crate) const CHUNK: usize = 1_000;

/// Positions and times as SQLite keeps them; what lies beyond its integers exists nowhere.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn get_u64(row: &SqliteRow, column: &str) -> Result<u64> {
    let value: i64 = row.try_get(column).map_err(failed)?;
    u64::try_from(value).map_err(|_| damaged(column))
}

fn get_u32(row: &SqliteRow, column: &str) -> Result<u32> {
    let value: i64 = row.try_get(column).map_err(failed)?;
    u32::try_from(value).map_err(|_| damaged(column))
}

fn get_array<const N: usize>(row: &SqliteRow, column: &str) -> Result<[u8; N]> {
    let bytes: &[u8] = row.try_get(column).map_err(failed)?;
    bytes.try_into().map_err(|_| damaged(column))
}

fn get_bytes(row: &SqliteRow, column: &str) -> Result<Vec<u8>> {
    row.try_get(column).map_err(failed)
}

#[async_trait]
impl ReadTx for SqliteTx {
    async fn account(&mut self, user: &UserId) -> Result<Option<Account>> {
        let row = sqlx::query("SELECT * FROM account WHERE user_id = ?")
            .bind(user.as_bytes())
            .fetch_optional(self.connection())
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Account {
            user: *user,
            epoch: get_u32(&row, "epoch")?,
            profile: u8::try_from(get_u32(&row, "profile")?).map_err(|_| damaged("profile"))?,
            salt: get_array(&row, "salt")?,
            login_pub: get_array(&row, "login_pub")?,
            isk: get_array(&row, "isk")?,
            iek: get_array(&row, "iek")?,
            blob: get_bytes(&row, "blob")?,
        }))
    }

    async fn has_accounts(&mut self) -> Result<bool> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM account)")
            .fetch_one(self.connection())
            .await
            .map_err(failed)
    }

    async fn bound_user(&mut self, identity: &Identity) -> Result<Option<UserId>> {
        let row = sqlx::query("SELECT user_id FROM identity WHERE issuer = ? AND subject = ?")
            .bind(&identity.issuer)
            .bind(&identity.subject)
            .fetch_optional(self.connection())
            .await
            .map_err(failed)?;
        row.map(|row| get_array(&row, "user_id").map(UserId)).transpose()
    }

    async fn identities_of(&mut self, user: &UserId) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM identity WHERE user_id = ?")
            .bind(user.as_bytes())
            .fetch_one(self.connection())
            .await
            .map_err(failed)?;
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    async fn orgs_of(&mut self, user: &UserId) -> Result<Vec<OrgId>> {
        let rows = sqlx::query("SELECT org_id FROM insider WHERE principal = ? ORDER BY org_id")
            .bind(Principal::User(*user).encode())
            .fetch_all(self.connection())
            .await
            .map_err(failed)?;
        rows.iter().map(|row| get_array(row, "org_id").map(OrgId)).collect()
    }

    async fn is_insider(&mut self, org: &OrgId, who: &Principal) -> Result<bool> {
        let row = sqlx::query("SELECT 1 FROM insider WHERE principal = ? AND org_id = ?")
            .bind(who.encode())
            .bind(org.as_bytes())
            .fetch_optional(self.connection())
            .await
            .map_err(failed)?;
        Ok(row.is_some())
    }

    async fn token_auth(&mut self, token: &TokenId) -> Result<Option<TokenAuth>> {
        let row = sqlx::query("SELECT org_id, hash FROM token_auth WHERE token_id = ?")
            .bind(token.as_bytes())
            .fetch_optional(self.connection())
            .await
            .map_err(failed)?;
        row.map(|row| {
            Ok(TokenAuth { org: OrgId(get_array(&row, "org_id")?), hash: get_array(&row, "hash")? })
        })
        .transpose()
    }

    async fn invite_auth(&mut self, invite: &InviteId) -> Result<Option<InviteAuth>> {
        let row = sqlx::query("SELECT org_id, hash, spent FROM invite_auth WHERE invite_id = ?")
            .bind(invite.as_bytes())
            .fetch_optional(self.connection())
            .await
            .map_err(failed)?;
        row.map(|row| {
            Ok(InviteAuth {
                org: OrgId(get_array(&row, "org_id")?),
                hash: get_array(&row, "hash")?,
                spent: row.try_get("spent").map_err(failed)?,
            })
        })
        .transpose()
    }

    async fn joins(&mut self, org: &OrgId) -> Result<Vec<JoinRow>> {
        let rows =
            sqlx::query("SELECT * FROM pending_join WHERE org_id = ? ORDER BY invite_id, user_id")
                .bind(org.as_bytes())
                .fetch_all(self.connection())
                .await
                .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(JoinRow {
                    invite: InviteId(get_array(row, "invite_id")?),
                    user: UserId(get_array(row, "user_id")?),
                    keys: MemberKeys { isk: get_array(row, "isk")?, iek: get_array(row, "iek")? },
                    pop: get_array(row, "pop")?,
                    mac: get_array(row, "mac")?,
                    reset: row.try_get("reset").map_err(failed)?,
                    time_ms: get_u64(row, "time_ms")?,
                })
            })
            .collect()
    }

    async fn links(
        &mut self,
        org: &OrgId,
        from: u64,
        max: usize,
        bytes: usize,
    ) -> Result<Vec<LinkRow>> {
        let mut rows = sqlx::query(
            "SELECT seq, bytes FROM link WHERE org_id = ? AND seq >= ? ORDER BY seq LIMIT ?",
        )
        .bind(org.as_bytes())
        .bind(int(from))
        .bind(count(max))
        .fetch(self.connection());
        let (mut links, mut size) = (Vec::new(), 0);
        while size < bytes
            && let Some(row) = rows.try_next().await.map_err(failed)?
        {
            let bytes = get_bytes(&row, "bytes")?;
            size += bytes.len();
            links.push(LinkRow { seq: get_u64(&row, "seq")?, bytes });
        }
        Ok(links)
    }

    async fn wraps(
        &mut self,
        org: &OrgId,
        recipient: &Principal,
        from: u64,
        to: u64,
    ) -> Result<Vec<WrapRow>> {
        let rows = sqlx::query(
            "SELECT env_id, epoch, link, wrap FROM wrap \
             WHERE org_id = ? AND recipient = ? AND link BETWEEN ? AND ? ORDER BY link",
        )
        .bind(org.as_bytes())
        .bind(recipient.encode())
        .bind(int(from))
        .bind(int(to))
        .fetch_all(self.connection())
        .await
        .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(WrapRow {
                    env: EnvId(get_array(row, "env_id")?),
                    epoch: get_u32(row, "epoch")?,
                    link: get_u64(row, "link")?,
                    recipient: *recipient,
                    wrap: get_array(row, "wrap")?,
                })
            })
            .collect()
    }

    async fn previous(&mut self, org: &OrgId, from: u64, to: u64) -> Result<Vec<PreviousRow>> {
        let rows = sqlx::query(
            "SELECT env_id, epoch, link, sealed FROM previous_key \
             WHERE org_id = ? AND link BETWEEN ? AND ? ORDER BY link",
        )
        .bind(org.as_bytes())
        .bind(int(from))
        .bind(int(to))
        .fetch_all(self.connection())
        .await
        .map_err(failed)?;
        rows.iter().map(previous_row).collect()
    }

    async fn previous_of(&mut self, org: &OrgId, env: &EnvId) -> Result<Vec<PreviousRow>> {
        let rows = sqlx::query(
            "SELECT env_id, epoch, link, sealed FROM previous_key \
             WHERE org_id = ? AND env_id = ? ORDER BY epoch",
        )
        .bind(org.as_bytes())
        .bind(env.as_bytes())
        .fetch_all(self.connection())
        .await
        .map_err(failed)?;
        rows.iter().map(previous_row).collect()
    }

    async fn env_heads(&mut self, org: &OrgId) -> Result<Vec<EnvHeadRow>> {
        let rows = sqlx::query(
            "SELECT env_id, max(seq) AS seq, head FROM env_commit WHERE org_id = ? \
             GROUP BY env_id ORDER BY env_id",
        )
        .bind(org.as_bytes())
        .fetch_all(self.connection())
        .await
        .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(EnvHeadRow {
                    env: EnvId(get_array(row, "env_id")?),
                    seq: get_u64(row, "seq")?,
                    head: get_array(row, "head")?,
                })
            })
            .collect()
    }

    async fn head_commit(&mut self, org: &OrgId, env: &EnvId) -> Result<Option<CommitRow>> {
        let row = sqlx::query(
            "SELECT seq, head, bytes FROM env_commit WHERE org_id = ? AND env_id = ? \
             ORDER BY seq DESC LIMIT 1",
        )
        .bind(org.as_bytes())
        .bind(env.as_bytes())
        .fetch_optional(self.connection())
        .await
        .map_err(failed)?;
        row.as_ref().map(commit_row).transpose()
    }

    async fn commits(
        &mut self,
        org: &OrgId,
        env: &EnvId,
        from: u64,
        max: usize,
        bytes: usize,
    ) -> Result<Vec<CommitRow>> {
        let mut rows = sqlx::query(
            "SELECT seq, head, bytes FROM env_commit WHERE org_id = ? AND env_id = ? AND seq >= ? \
             ORDER BY seq LIMIT ?",
        )
        .bind(org.as_bytes())
        .bind(env.as_bytes())
        .bind(int(from))
        .bind(count(max))
        .fetch(self.connection());
        let (mut commits, mut size) = (Vec::new(), 0);
        while size < bytes
            && let Some(row) = rows.try_next().await.map_err(failed)?
        {
            let commit = commit_row(&row)?;
            size += commit.bytes.len();
            commits.push(commit);
        }
        Ok(commits)
    }

    async fn items(
        &mut self,
        org: &OrgId,
        env: &EnvId,
        after: Option<&SecretId>,
        max: usize,
    ) -> Result<Vec<Item>> {
        // No id is smaller than the empty blob, so one statement serves the first page too.
        let rows = sqlx::query(
            "SELECT epoch, change FROM item WHERE org_id = ? AND env_id = ? AND secret_id > ? \
             ORDER BY secret_id LIMIT ?",
        )
        .bind(org.as_bytes())
        .bind(env.as_bytes())
        .bind(after.map_or(&[][..], SecretId::as_bytes))
        .bind(count(max))
        .fetch_all(self.connection())
        .await
        .map_err(failed)?;
        rows.iter()
            .map(|row| {
                let change: &[u8] = row.try_get("change").map_err(failed)?;
                Ok(Item {
                    change: Change::decode(change).map_err(|_| damaged("change"))?,
                    epoch: get_u32(row, "epoch")?,
                })
            })
            .collect()
    }

    async fn envelopes(
        &mut self,
        org: &OrgId,
        env: &EnvId,
        hashes: &[Digest],
    ) -> Result<BTreeMap<Digest, Vec<u8>>> {
        let mut found = BTreeMap::new();
        for chunk in hashes.chunks(CHUNK) {
            let mut query =
                QueryBuilder::<Sqlite>::new("SELECT hash, bytes FROM envelope WHERE org_id = ");
            query.push_bind(org.as_bytes());
            query.push(" AND env_id = ").push_bind(env.as_bytes());
            push_in(&mut query, chunk);
            let rows = query.build().fetch_all(self.connection()).await.map_err(failed)?;
            for row in rows {
                found.insert(get_array(&row, "hash")?, get_bytes(&row, "bytes")?);
            }
        }
        Ok(found)
    }

    async fn log_size(&mut self, org: &OrgId) -> Result<u64> {
        let size: i64 = sqlx::query_scalar(
            "SELECT coalesce((SELECT max(idx) + 1 FROM event WHERE org_id = ?1), \
             (SELECT size FROM retired WHERE org_id = ?1), 0)",
        )
        .bind(org.as_bytes())
        .fetch_one(self.connection())
        .await
        .map_err(failed)?;
        u64::try_from(size).map_err(|_| damaged("position"))
    }

    async fn events(
        &mut self,
        org: &OrgId,
        from: u64,
        max: usize,
        bytes: usize,
    ) -> Result<Vec<EventRow>> {
        let mut rows = sqlx::query(
            "SELECT idx, bytes FROM event WHERE org_id = ? AND idx >= ? ORDER BY idx LIMIT ?",
        )
        .bind(org.as_bytes())
        .bind(int(from))
        .bind(count(max))
        .fetch(self.connection());
        let (mut events, mut size) = (Vec::new(), 0);
        while size < bytes
            && let Some(row) = rows.try_next().await.map_err(failed)?
        {
            let bytes = get_bytes(&row, "bytes")?;
            size += bytes.len();
            events.push(EventRow { index: get_u64(&row, "idx")?, bytes });
        }
        Ok(events)
    }

    async fn nodes(
        &mut self,
        org: &OrgId,
        places: &[(u8, u64)],
    ) -> Result<BTreeMap<(u8, u64), Digest>> {
        let mut found = BTreeMap::new();
        for chunk in places.chunks(CHUNK) {
            // A look-up of the primary key for each place, in one statement for all.
            let mut query = QueryBuilder::<Sqlite>::new("WITH place (level, idx) AS (");
            query.push_values(chunk, |mut row, (level, index)| {
                row.push_bind(i64::from(*level)).push_bind(int(*index));
            });
            query.push(
                ") SELECT node.level, node.idx, hash FROM place CROSS JOIN tree_node AS node \
                 ON node.level = place.level AND node.idx = place.idx AND node.org_id = ",
            );
            query.push_bind(org.as_bytes());
            let rows = query.build().fetch_all(self.connection()).await.map_err(failed)?;
            for row in rows {
                let level: i64 = row.try_get("level").map_err(failed)?;
                let level = u8::try_from(level).map_err(|_| damaged("tree node"))?;
                found.insert((level, get_u64(&row, "idx")?), get_array(&row, "hash")?);
            }
        }
        Ok(found)
    }

    async fn checkpoint(
        &mut self,
        org: &OrgId,
        size: Option<u64>,
    ) -> Result<Option<(u64, String)>> {
        let query = match size {
            Some(size) => {
                sqlx::query("SELECT size, note FROM checkpoint WHERE org_id = ? AND size = ?")
                    .bind(org.as_bytes())
                    .bind(int(size))
            }
            None => sqlx::query(
                "SELECT size, note FROM checkpoint WHERE org_id = ? ORDER BY size DESC LIMIT 1",
            )
            .bind(org.as_bytes()),
        };
        let row = query.fetch_optional(self.connection()).await.map_err(failed)?;
        row.map(|row| Ok((get_u64(&row, "size")?, row.try_get("note").map_err(failed)?)))
            .transpose()
    }

    async fn actor_head(
        &mut self,
        org: &OrgId,
        actor: &Principal,
        device: &DeviceId,
    ) -> Result<Option<ActorHead>> {
        let row = sqlx::query(
            "SELECT seq, hash FROM actor_head WHERE org_id = ? AND actor = ? AND device = ?",
        )
        .bind(org.as_bytes())
        .bind(actor.encode())
        .bind(device.as_bytes())
        .fetch_optional(self.connection())
        .await
        .map_err(failed)?;
        row.map(|row| {
            Ok(ActorHead {
                actor: *actor,
                device: *device,
                seq: get_u64(&row, "seq")?,
                hash: get_array(&row, "hash")?,
            })
        })
        .transpose()
    }
}

/// ` AND hash IN (?, ?, ...)`.
pub(crate) fn push_in(query: &mut QueryBuilder<Sqlite>, hashes: &[Digest]) {
    query.push(" AND hash IN (");
    let mut list = query.separated(", ");
    for hash in hashes {
        list.push_bind(&hash[..]);
    }
    query.push(")");
}

fn commit_row(row: &SqliteRow) -> Result<CommitRow> {
    Ok(CommitRow {
        seq: get_u64(row, "seq")?,
        head: get_array(row, "head")?,
        bytes: get_bytes(row, "bytes")?,
    })
}

fn previous_row(row: &SqliteRow) -> Result<PreviousRow> {
    Ok(PreviousRow {
        env: EnvId(get_array(row, "env_id")?),
        epoch: get_u32(row, "epoch")?,
        link: get_u64(row, "link")?,
        sealed: get_bytes(row, "sealed")?,
    })
}
