//! Every `INSERT`, `UPDATE` and `DELETE`; the last two touch nothing that was ever signed.

use async_trait::async_trait;
use sqlx::QueryBuilder;
use sqlx::sqlite::{Sqlite, SqliteQueryResult};
use strongroom_format::encoding::Codec as _;
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, InviteId, OrgId, Principal, TokenId, UserId};
use strongroom_store::{
    Account, ActorHead, CommitRow, EventRow, Identity, InviteAuth, Item, JoinRow, LinkRow, NodeRow,
    PreviousRow, StoreError, TokenAuth, WrapRow, WriteTx,
};

use crate::SqliteTx;
use crate::error::{damaged, failed};
use crate::read::{CHUNK, int, push_in};

type Result<T> = std::result::Result<T, StoreError>;

impl SqliteTx {
    async fn run(&mut self, statement: &'static str) -> Result<()> {
        sqlx::query(statement).execute(self.connection()).await.map_err(failed).map(ignore)
    }

    /// `INSERT` of many rows in few statements: the cost is by statement, not by row.
    async fn insert_many<T>(
        &mut self,
        head: &'static str,
        tail: &'static str,
        rows: &[T],
        bind: impl Fn(&mut sqlx::query_builder::Separated<'_, Sqlite, &'static str>, &T),
    ) -> Result<()> {
        for chunk in rows.chunks(CHUNK) {
            let mut query = QueryBuilder::<Sqlite>::new(head);
            query.push_values(chunk, |mut row, value| bind(&mut row, value));
            query.push(tail);
            // Statements of every length would fill the cache; only single rows come often.
            let statement = query.build().persistent(chunk.len() == 1);
            statement.execute(self.connection()).await.map_err(failed)?;
        }
        Ok(())
    }
}

#[async_trait]
impl WriteTx for SqliteTx {
    async fn insert_account(&mut self, account: &Account) -> Result<()> {
        sqlx::query(
            "INSERT INTO account (user_id, epoch, profile, salt, login_pub, isk, iek, blob) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(account.user.as_bytes())
        .bind(i64::from(account.epoch))
        .bind(i64::from(account.profile))
        .bind(&account.salt[..])
        .bind(&account.login_pub[..])
        .bind(&account.isk[..])
        .bind(&account.iek[..])
        .bind(&account.blob[..])
        .execute(self.connection())
        .await
        .map_err(failed)
        .map(ignore)
    }

    async fn replace_account(&mut self, account: &Account) -> Result<()> {
        let done = sqlx::query(
            "UPDATE account SET epoch = ?, profile = ?, salt = ?, login_pub = ?, isk = ?, iek = ?, \
             blob = ? WHERE user_id = ?",
        )
        .bind(i64::from(account.epoch))
        .bind(i64::from(account.profile))
        .bind(&account.salt[..])
        .bind(&account.login_pub[..])
        .bind(&account.isk[..])
        .bind(&account.iek[..])
        .bind(&account.blob[..])
        .bind(account.user.as_bytes())
        .execute(self.connection())
        .await
        .map_err(failed)?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(damaged("account")) }
    }

    async fn insert_identity(&mut self, identity: &Identity, user: &UserId) -> Result<()> {
        sqlx::query("INSERT INTO identity (issuer, subject, user_id) VALUES (?, ?, ?)")
            .bind(&identity.issuer)
            .bind(&identity.subject)
            .bind(user.as_bytes())
            .execute(self.connection())
            .await
            .map_err(failed)
            .map(ignore)
    }

    async fn insert_org(&mut self, org: &OrgId) -> Result<()> {
        sqlx::query("INSERT INTO org (org_id) VALUES (?)")
            .bind(org.as_bytes())
            .execute(self.connection())
            .await
            .map_err(failed)
            .map(ignore)
    }

    async fn insert_links(&mut self, org: &OrgId, links: &[LinkRow]) -> Result<()> {
        let head = "INSERT INTO link (org_id, seq, bytes) ";
        self.insert_many(head, "", links, |row, link| {
            row.push_bind(org.as_bytes()).push_bind(int(link.seq)).push_bind(&link.bytes[..]);
        })
        .await
    }

    async fn set_insider(&mut self, org: &OrgId, who: &Principal, inside: bool) -> Result<()> {
        let statement = if inside {
            "INSERT INTO insider (principal, org_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM insider WHERE principal = ? AND org_id = ?"
        };
        sqlx::query(statement)
            .bind(who.encode())
            .bind(org.as_bytes())
            .execute(self.connection())
            .await
            .map_err(failed)
            .map(ignore)
    }

    async fn insert_token_auth(&mut self, token: &TokenId, auth: &TokenAuth) -> Result<()> {
        sqlx::query("INSERT INTO token_auth (token_id, org_id, hash) VALUES (?, ?, ?)")
            .bind(token.as_bytes())
            .bind(auth.org.as_bytes())
            .bind(&auth.hash[..])
            .execute(self.connection())
            .await
            .map_err(failed)
            .map(ignore)
    }

    async fn insert_invite_auth(&mut self, invite: &InviteId, auth: &InviteAuth) -> Result<()> {
        sqlx::query("INSERT INTO invite_auth (invite_id, org_id, hash, spent) VALUES (?, ?, ?, ?)")
            .bind(invite.as_bytes())
            .bind(auth.org.as_bytes())
            .bind(&auth.hash[..])
            .bind(auth.spent)
            .execute(self.connection())
            .await
            .map_err(failed)
            .map(ignore)
    }

    async fn spend_invite(&mut self, org: &OrgId, invite: &InviteId) -> Result<()> {
        sqlx::query("UPDATE invite_auth SET spent = 1 WHERE org_id = ? AND invite_id = ?")
            .bind(org.as_bytes())
            .bind(invite.as_bytes())
            .execute(self.connection())
            .await
            .map_err(failed)
            .map(ignore)
    }

    async fn put_join(&mut self, org: &OrgId, join: &JoinRow) -> Result<()> {
        sqlx::query(
            "INSERT OR REPLACE INTO pending_join \
             (org_id, invite_id, user_id, isk, iek, pop, mac, reset, time_ms) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(org.as_bytes())
        .bind(join.invite.as_bytes())
        .bind(join.user.as_bytes())
        .bind(&join.keys.isk[..])
        .bind(&join.keys.iek[..])
        .bind(&join.pop[..])
        .bind(&join.mac[..])
        .bind(join.reset)
        .bind(int(join.time_ms))
        .execute(self.connection())
        .await
        .map_err(failed)
        .map(ignore)
    }

    async fn drop_joins(&mut self, org: &OrgId, invite: &InviteId) -> Result<()> {
        sqlx::query("DELETE FROM pending_join WHERE org_id = ? AND invite_id = ?")
            .bind(org.as_bytes())
            .bind(invite.as_bytes())
            .execute(self.connection())
            .await
            .map_err(failed)
            .map(ignore)
    }

    async fn insert_wraps(&mut self, org: &OrgId, wraps: &[WrapRow]) -> Result<()> {
        let head = "INSERT INTO wrap (org_id, recipient, link, env_id, epoch, wrap) ";
        self.insert_many(head, "", wraps, |row, wrap| {
            row.push_bind(org.as_bytes())
                .push_bind(wrap.recipient.encode())
                .push_bind(int(wrap.link))
                .push_bind(wrap.env.as_bytes())
                .push_bind(i64::from(wrap.epoch))
                .push_bind(&wrap.wrap[..]);
        })
        .await
    }

    async fn insert_previous(&mut self, org: &OrgId, previous: &[PreviousRow]) -> Result<()> {
        let head = "INSERT INTO previous_key (org_id, link, env_id, epoch, sealed) ";
        self.insert_many(head, "", previous, |row, key| {
            row.push_bind(org.as_bytes())
                .push_bind(int(key.link))
                .push_bind(key.env.as_bytes())
                .push_bind(i64::from(key.epoch))
                .push_bind(&key.sealed[..]);
        })
        .await
    }

    async fn stage(
        &mut self,
        org: &OrgId,
        by: &Principal,
        now_ms: u64,
        envelopes: &[(Digest, Vec<u8>)],
    ) -> Result<()> {
        let head = "INSERT INTO envelope (org_id, hash, staged_by, staged_ms, bytes) ";
        let tail = " ON CONFLICT DO NOTHING";
        self.insert_many(head, tail, envelopes, |row, (hash, bytes)| {
            row.push_bind(org.as_bytes())
                .push_bind(&hash[..])
                .push_bind(by.encode())
                .push_bind(int(now_ms))
                .push_bind(&bytes[..]);
        })
        .await
    }

    async fn staged_bytes(&mut self, org: &OrgId, by: &Principal) -> Result<u64> {
        let sum: i64 = sqlx::query_scalar(
            "SELECT coalesce(sum(length(bytes)), 0) FROM envelope \
             WHERE org_id = ? AND staged_by = ?",
        )
        .bind(org.as_bytes())
        .bind(by.encode())
        .fetch_one(self.connection())
        .await
        .map_err(failed)?;
        Ok(u64::try_from(sum).unwrap_or(0))
    }

    async fn attach(
        &mut self,
        org: &OrgId,
        env: &EnvId,
        by: &Principal,
        hashes: &[Digest],
    ) -> Result<usize> {
        let mut attached = 0;
        for chunk in hashes.chunks(CHUNK) {
            let mut query = QueryBuilder::<Sqlite>::new("UPDATE envelope SET env_id = ");
            query.push_bind(env.as_bytes());
            query.push(", staged_by = NULL, staged_ms = NULL WHERE org_id = ");
            query.push_bind(org.as_bytes());
            query.push(" AND staged_by = ").push_bind(by.encode());
            push_in(&mut query, chunk);
            let done = query.build().persistent(false).execute(self.connection()).await;
            attached += usize::try_from(done.map_err(failed)?.rows_affected()).unwrap_or(0);
        }
        Ok(attached)
    }

    async fn drop_staged(&mut self, before_ms: u64) -> Result<u64> {
        sqlx::query("DELETE FROM envelope WHERE staged_ms < ?")
            .bind(int(before_ms))
            .execute(self.connection())
            .await
            .map_err(failed)
            .map(|done| done.rows_affected())
    }

    async fn insert_commit(&mut self, org: &OrgId, env: &EnvId, commit: &CommitRow) -> Result<()> {
        sqlx::query(
            "INSERT INTO env_commit (org_id, env_id, seq, head, bytes) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(org.as_bytes())
        .bind(env.as_bytes())
        .bind(int(commit.seq))
        .bind(&commit.head[..])
        .bind(&commit.bytes[..])
        .execute(self.connection())
        .await
        .map_err(failed)
        .map(ignore)
    }

    async fn put_items(&mut self, org: &OrgId, env: &EnvId, items: &[Item]) -> Result<()> {
        let head = "INSERT INTO item (org_id, env_id, secret_id, epoch, change) ";
        let tail = " ON CONFLICT (org_id, env_id, secret_id) \
                    DO UPDATE SET epoch = excluded.epoch, change = excluded.change";
        self.insert_many(head, tail, items, |row, item| {
            row.push_bind(org.as_bytes())
                .push_bind(env.as_bytes())
                .push_bind(item.change.secret.as_bytes())
                .push_bind(i64::from(item.epoch))
                .push_bind(item.change.encode());
        })
        .await
    }

    async fn insert_events(&mut self, org: &OrgId, events: &[EventRow]) -> Result<()> {
        let head = "INSERT INTO event (org_id, idx, bytes) ";
        self.insert_many(head, "", events, |row, event| {
            row.push_bind(org.as_bytes()).push_bind(int(event.index)).push_bind(&event.bytes[..]);
        })
        .await
    }

    async fn insert_nodes(&mut self, org: &OrgId, nodes: &[NodeRow]) -> Result<()> {
        let head = "INSERT INTO tree_node (org_id, level, idx, hash) ";
        self.insert_many(head, "", nodes, |row, node| {
            row.push_bind(org.as_bytes())
                .push_bind(i64::from(node.level))
                .push_bind(int(node.index))
                .push_bind(&node.hash[..]);
        })
        .await
    }

    async fn insert_checkpoint(&mut self, org: &OrgId, size: u64, note: &str) -> Result<()> {
        sqlx::query("INSERT INTO checkpoint (org_id, size, note) VALUES (?, ?, ?)")
            .bind(org.as_bytes())
            .bind(int(size))
            .bind(note)
            .execute(self.connection())
            .await
            .map_err(failed)
            .map(ignore)
    }

    async fn retire_events(&mut self, org: &OrgId, size: u64) -> Result<()> {
        // The trigger of `event` lets go what lies before this, and nothing else.
        sqlx::query(
            "INSERT INTO retired (org_id, size) VALUES (?, ?) \
             ON CONFLICT (org_id) DO UPDATE SET size = max(size, excluded.size)",
        )
        .bind(org.as_bytes())
        .bind(int(size))
        .execute(self.connection())
        .await
        .map_err(failed)?;
        sqlx::query("DELETE FROM event WHERE org_id = ? AND idx < ?")
            .bind(org.as_bytes())
            .bind(int(size))
            .execute(self.connection())
            .await
            .map_err(failed)
            .map(ignore)
    }

    async fn put_actor_heads(&mut self, org: &OrgId, heads: &[ActorHead]) -> Result<()> {
        let head = "INSERT INTO actor_head (org_id, actor, device, seq, hash) ";
        let tail = " ON CONFLICT (org_id, actor, device) \
                    DO UPDATE SET seq = excluded.seq, hash = excluded.hash";
        self.insert_many(head, tail, heads, |row, head| {
            row.push_bind(org.as_bytes())
                .push_bind(head.actor.encode())
                .push_bind(head.device.as_bytes())
                .push_bind(int(head.seq))
                .push_bind(&head.hash[..]);
        })
        .await
    }

    async fn mark(&mut self) -> Result<()> {
        // The older mark of the same name would only be hidden, not forgotten.
        if self.marked {
            self.run("RELEASE mark").await?;
        }
        self.marked = true;
        self.run("SAVEPOINT mark").await
    }

    async fn undo_to_mark(&mut self) -> Result<()> {
        self.run("ROLLBACK TO mark").await
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.run("COMMIT").await
    }
}

fn ignore(_: SqliteQueryResult) {}
