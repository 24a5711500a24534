//! Accounts that change, identities, invitations and the joins that wait.

use strongroom_format::id::{InviteId, UserId};
use strongroom_format::statement::MemberKeys;

use super::{ORG, OTHER, Opened, account, refused, with_orgs, write};
use crate::{Account, Identity, InviteAuth, JoinRow, StoreError};

pub(super) async fn replaced(store: Opened) {
    assert!(!store.read().await.unwrap().has_accounts().await.unwrap());
    write!(store, |tx| tx.insert_account(&account(1)).await.unwrap());
    assert!(store.read().await.unwrap().has_accounts().await.unwrap());
    let new = Account {
        epoch: 1,
        profile: 2,
        salt: [1; 16],
        login_pub: [2; 32],
        isk: [3; 32],
        iek: [4; 32],
        blob: vec![5],
        ..account(1)
    };
    write!(store, |tx| {
        tx.insert_account(&account(2)).await.unwrap();
        tx.replace_account(&new).await.unwrap();
    });
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.account(&new.user).await.unwrap(), Some(new));
    assert_eq!(tx.account(&UserId([2; 16])).await.unwrap(), Some(account(2)), "and no other");
    drop(tx);
    let error = refused!(store, |tx| tx.replace_account(&account(3)));
    assert!(matches!(error, StoreError::Failed(_)));
}

pub(super) async fn identities(store: Opened) {
    let named = |issuer: &str, subject: &str| Identity {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
    };
    let mara = named("https://login.example.org", "mara");
    write!(store, |tx| {
        tx.insert_account(&account(1)).await.unwrap();
        tx.insert_account(&account(2)).await.unwrap();
        tx.insert_identity(&mara, &UserId([1; 16])).await.unwrap();
        // One person may have several.
        tx.insert_identity(&named("https://other.example", "mara"), &UserId([1; 16]))
            .await
            .unwrap();
    });
    let taken = refused!(store, |tx| tx.insert_identity(&mara, &UserId([2; 16])));
    assert_eq!(taken, StoreError::Taken);
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.bound_user(&mara).await.unwrap(), Some(UserId([1; 16])));
    assert_eq!(tx.identities_of(&UserId([1; 16])).await.unwrap(), 2);
    assert_eq!(tx.identities_of(&UserId([2; 16])).await.unwrap(), 0);
    for other in [
        named("https://login.example.org", "Mara"),
        named("https://login.example.org", "mara "),
        named("https://login.example.org", ""),
        named("https://login.example.org/", "mara"),
        named("HTTPS://login.example.org", "mara"),
        named("", "mara"),
        named("mara", "https://login.example.org"),
    ] {
        assert_eq!(tx.bound_user(&other).await.unwrap(), None, "{other:?}");
    }
    drop(tx);
    // Nobody's account cannot be bound to.
    let mut tx = store.write().await.unwrap();
    assert!(tx.insert_identity(&named("https://a", "b"), &UserId([9; 16])).await.is_err());
}

pub(super) async fn invitations(store: Opened) {
    with_orgs(&store).await;
    let (one, two) = (InviteId([1; 16]), InviteId([2; 16]));
    let auth = |org, byte| InviteAuth { org, hash: [byte; 32], spent: false };
    write!(store, |tx| {
        tx.insert_invite_auth(&one, &auth(ORG, 1)).await.unwrap();
        tx.insert_invite_auth(&two, &auth(ORG, 2)).await.unwrap();
    });
    let taken = refused!(store, |tx| tx.insert_invite_auth(&one, &auth(OTHER, 3)));
    assert_eq!(taken, StoreError::Taken);
    write!(store, |tx| {
        tx.spend_invite(&OTHER, &two).await.unwrap();
        tx.spend_invite(&ORG, &one).await.unwrap();
    });
    let mut tx = store.read().await.unwrap();
    let spent = InviteAuth { spent: true, ..auth(ORG, 1) };
    assert_eq!(tx.invite_auth(&one).await.unwrap(), Some(spent));
    assert_eq!(tx.invite_auth(&two).await.unwrap(), Some(auth(ORG, 2)));
    assert_eq!(tx.invite_auth(&InviteId([3; 16])).await.unwrap(), None);
}

pub(super) async fn joins(store: Opened) {
    with_orgs(&store).await;
    let (one, two) = (InviteId([1; 16]), InviteId([2; 16]));
    let join = |invite, user: u8, time_ms| JoinRow {
        invite,
        user: UserId([user; 16]),
        keys: MemberKeys { isk: [user; 32], iek: [user ^ 1; 32] },
        pop: [user; 64],
        mac: [user ^ 2; 32],
        reset: user == 2,
        time_ms,
    };
    write!(store, |tx| {
        for invite in [one, two] {
            let auth = InviteAuth { org: ORG, hash: [1; 32], spent: false };
            tx.insert_invite_auth(&invite, &auth).await.unwrap();
        }
        for join in [join(two, 1, 5), join(one, 2, 6), join(one, 1, 7), join(one, 1, 8)] {
            tx.put_join(&ORG, &join).await.unwrap();
        }
    });
    let kept = store.read().await.unwrap().joins(&ORG).await.unwrap();
    assert_eq!(kept, [join(one, 1, 8), join(one, 2, 6), join(two, 1, 5)]);
    assert_eq!(store.read().await.unwrap().joins(&OTHER).await.unwrap(), []);
    write!(store, |tx| {
        tx.drop_joins(&OTHER, &two).await.unwrap();
        tx.drop_joins(&ORG, &one).await.unwrap();
    });
    assert_eq!(store.read().await.unwrap().joins(&ORG).await.unwrap(), [join(two, 1, 5)]);
}
