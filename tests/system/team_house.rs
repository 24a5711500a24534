//! The team's story: an owner, a member who joined with a code, and a token in a build; told
//! honestly first, then attacked in four situations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use strongroom_client::profile::KeepSecretKey;
use strongroom_client::robot::{Robot, RobotError, ServiceToken};
use strongroom_client::vault::{Note, Once, Restore, VaultError};
use strongroom_core::access::CellChange;
use strongroom_core::details::EnvClass;
use strongroom_core::lock_file::Lock;
use strongroom_core::team::{Intent, NewInvite, NewToken};
use strongroom_evil_server::{Answer, EvilServer, Exchange, Request, shape};
use strongroom_format::id::{EnvId, OrgId, Principal, UserId};
use strongroom_format::statement::{EnvRight, Rights, Role};
use strongroom_secret::SecretText;

use crate::honest::Honest;
use crate::world::{Device, Moment, START, Seen, api, passphrase};

const WEEK: u64 = 7 * 24 * 60 * 60 * 1000;

/// A device that has seen everything.
pub(crate) const PINNED: &str = "pinned";
/// A device that has only an invite code, and was let in meanwhile.
pub(crate) const WITH_CODE: &str = "fresh with code";
/// A device that has only an Emergency Kit: the id of the organisation, and no head.
pub(crate) const WITHOUT: &str = "fresh without";
/// A build with a token and a lock file.
pub(crate) const CI: &str = "ci with lock file";
pub(crate) const ALL: [&str; 4] = [PINNED, WITH_CODE, WITHOUT, CI];

/// How an attack ended in one situation.
#[derive(Debug)]
pub(crate) enum End {
    /// It was refused, in these words.
    Refused(String),
    /// Only what honest people wrote was shown; whether it was all of it.
    Honest { whole: bool },
}

/// How an attack ended in each situation.
#[derive(Debug)]
pub(crate) struct Ends(pub(crate) BTreeMap<&'static str, End>);

impl Ends {
    /// It was refused in these situations; in the others it may have done nothing.
    pub(crate) fn refused_in(&self, situations: &[&str]) {
        for situation in situations {
            let end = &self.0[situation];
            let End::Refused(why) = end else { panic!("{situation}: {end:?}") };
            assert!(!why.is_empty(), "{situation}: a refusal says why");
        }
    }

    /// Everybody sees everything, as if nobody had lied.
    pub(crate) fn without_effect(&self) {
        for (situation, end) in &self.0 {
            assert!(matches!(end, End::Honest { whole: true }), "{situation}: {end:?}");
        }
    }
}

/// The team's house.
pub(crate) struct Team {
    pub(crate) evil: Arc<EvilServer>,
    pub(crate) honest: Honest,
    pub(crate) mara: Device,
    pub(crate) teo: Device,
    /// Mara has seen everything.
    pub(crate) pinned: Moment,
    /// Teo has asked to join, and knows the code.
    pub(crate) asked: Moment,
    pub(crate) org: OrgId,
    pub(crate) prod: EnvId,
    pub(crate) token: SecretText,
    pub(crate) lock: Lock,
    kit: (UserId, SecretText),
    /// Everything that an honest person ever wrote: environment, name, value.
    written: BTreeSet<(String, String, String)>,
    truth: Seen,
    /// What each situation sends when nobody lies.
    clean: BTreeMap<&'static str, Vec<String>>,
}

pub(crate) async fn sign(device: &Device, intent: Intent) -> Result<Vec<EnvId>, VaultError> {
    let proposal = device.session().propose(intent, Note::default()).await?;
    Ok(device.session().sign(proposal).await?.due)
}

pub(crate) async fn invite(device: &Device, role: Role, grants: Vec<EnvRight>) -> SecretText {
    let new = NewInvite { role, grants, expires_ms: START + WEEK };
    let proposal = device.session().propose(Intent::Invite(new), Note::default()).await.unwrap();
    let Some(Once::Invite(id)) = device.session().sign(proposal).await.unwrap().once else {
        panic!("an invitation shows its code")
    };
    device.session().invite_code(id).unwrap().code
}

pub(crate) fn cell(env: EnvId, user: UserId, rights: Rights) -> CellChange {
    CellChange { principal: Principal::User(user), env, rights, not_after: 0 }
}

pub(crate) fn right(env: EnvId, rights: Rights) -> EnvRight {
    EnvRight { env, rights, not_after: 0 }
}

impl Team {
    /// Mara founds; Teo joins and writes; a token is made; a grant is given, taken, and the data key
    /// replaced; each of them has seen all of it.
    pub(crate) async fn new() -> Self {
        let evil = Arc::new(EvilServer::listen().await.unwrap());
        let honest = Honest::start(&evil).await;
        let mut mara = Device::create(&evil.origin()).await;
        let envs = vec![
            ("dev".to_owned(), EnvClass::Development),
            ("prod".to_owned(), EnvClass::Production),
        ];
        mara.session().create_app("shop", envs).await.unwrap();
        let (dev, prod) = (mara.env("dev"), mara.env("prod"));
        let mut written = BTreeSet::new();
        let mut note = |env: &str, name: &str, value: &str| {
            written.insert((env.to_owned(), name.to_owned(), value.to_owned()));
        };
        for (name, value) in [("DATABASE_URL", "postgres://one"), ("STRIPE_KEY", "sk_one")] {
            mara.put("prod", name, value).await.unwrap();
            note("prod", name, value);
        }
        mara.put("dev", "DEBUG", "yes").await.unwrap();
        note("dev", "DEBUG", "yes");

        let both = vec![right(dev, Rights::READ), right(prod, Rights::READ.with(Rights::WRITE))];
        let code = invite(&mara, Role::Member, both).await;
        let mut teo = Device::join(&evil.origin(), &code, "Teo").await.unwrap();
        let asked = teo.moment().await;
        mara.session().follow_up().await.unwrap();
        teo.open_with(crate::world::PASSPHRASE).await.unwrap();
        teo.session().follow_up().await.unwrap();
        mara.session().follow_up().await.unwrap();
        teo.put("prod", "SMTP_PASSWORD", "mail_one").await.unwrap();
        note("prod", "SMTP_PASSWORD", "mail_one");

        mara.catch_up().await.unwrap();
        let new = NewToken {
            name: "deploy".to_owned(),
            rights: vec![right(prod, Rights::READ)],
            not_after: 0,
        };
        let proposal =
            mara.session().propose(Intent::TokenIssue(new), Note::default()).await.unwrap();
        let Some(Once::Token(token)) = mara.session().sign(proposal).await.unwrap().once else {
            panic!("a token is shown once")
        };
        // A right is taken and the key replaced, so that there are two epochs.
        let teos = teo.session().user();
        let due = sign(&mara, Intent::Access(vec![cell(dev, teos, Rights::NONE)])).await.unwrap();
        for done in mara.session().rotate(&due).await.unwrap() {
            done.result.unwrap();
        }
        mara.put("prod", "STRIPE_KEY", "sk_two").await.unwrap();
        note("prod", "STRIPE_KEY", "sk_two");
        teo.session().follow_up().await.unwrap();
        mara.session().follow_up().await.unwrap();
        mara.catch_up().await.unwrap();

        let truth = mara.see();
        let org = mara.org();
        let kit = mara.session().kit(Some(passphrase(crate::world::PASSPHRASE))).await.unwrap();
        let lock = Lock::parse(&mara.session().lock_file().unwrap()).unwrap();
        let pinned = mara.moment().await;
        mara.open().await.unwrap();
        evil.forget();
        let mut team = Self {
            evil,
            honest,
            mara,
            teo,
            pinned,
            asked,
            org,
            prod,
            token: token.text,
            lock,
            kit: (kit.user, kit.secret_key),
            written,
            truth,
            clean: BTreeMap::new(),
        };
        for situation in ALL {
            team.evil.forget();
            let end = team.end_in(situation).await;
            assert!(matches!(end, End::Honest { whole: true }), "{situation}: {end:?}");
            team.clean.insert(situation, shape(&team.evil.traffic()));
        }
        team
    }

    /// Tells a lie in all four situations. Whatever it is, it is refused or does nothing, and no
    /// request says more than it says to an honest server.
    pub(crate) async fn tell(
        &self,
        lie: impl Fn(&Request, &mut Answer) + Send + Sync + 'static,
    ) -> Ends {
        self.evil.lie(lie);
        let mut ends = BTreeMap::new();
        for situation in ALL {
            self.evil.forget();
            let end = tokio::time::timeout(Duration::from_secs(30), self.end_in(situation));
            let Ok(end) = end.await else { panic!("{situation}: the client never ends") };
            self.says_no_more(situation, &self.evil.traffic());
            ends.insert(situation, end);
        }
        self.evil.be_honest();
        Ends(ends)
    }

    async fn end_in(&self, situation: &str) -> End {
        let seen = match situation {
            PINNED => self.open_again(&self.mara, &self.pinned).await,
            WITH_CODE => self.open_again(&self.teo, &self.asked).await,
            WITHOUT => self.restore().await,
            _ => return self.build().await,
        };
        match seen {
            Ok(seen) => self.judge(&seen, situation == WITH_CODE),
            Err(error) => End::Refused(error.to_string()),
        }
    }

    async fn open_again(&self, device: &Device, moment: &Moment) -> Result<Seen, VaultError> {
        let mut device = device.at(moment);
        device.open_with(crate::world::PASSPHRASE).await?;
        device.session().follow_up().await?;
        device.session().verify_history().await?;
        device.try_to_see()
    }

    async fn restore(&self) -> Result<Seen, VaultError> {
        let (user, key) = &self.kit;
        let restore = Restore {
            user: *user,
            orgs: vec![self.org],
            secret_key: key.lend(|key| SecretText::from_string(key.to_owned())),
            label: "again".to_owned(),
            keep: KeepSecretKey::Keyring,
            head: None,
        };
        let device = Device::restore(&self.evil.origin(), restore).await?;
        device.session().follow_up().await?;
        device.session().verify_history().await?;
        device.try_to_see()
    }

    async fn build(&self) -> End {
        match self.values_of_build().await {
            Err(error) => End::Refused(error.to_string()),
            Ok(values) => {
                self.only_written("prod", &values);
                let whole = Some(&values) == self.truth.get("prod");
                End::Honest { whole }
            }
        }
    }

    async fn values_of_build(&self) -> Result<BTreeMap<String, String>, RobotError> {
        let token = self.token.lend(ServiceToken::parse).unwrap();
        let api = api(&self.evil.origin());
        let mut robot = Robot::open(api, &token, self.lock.clone(), START + 120_000).await?;
        robot.fetch(self.prod).await?;
        let mut values = BTreeMap::new();
        for (secret, named) in robot.names(self.prod)? {
            let value = robot.value(self.prod, &secret)?;
            let text = value.lend(|bytes| String::from_utf8_lossy(bytes).into_owned());
            values.insert(named.name, text);
        }
        Ok(values)
    }

    fn judge(&self, seen: &Seen, member: bool) -> End {
        for (env, values) in seen {
            self.only_written(env, values);
        }
        let expected = |env: &&String| !member || env.as_str() == "prod";
        let whole =
            self.truth.keys().filter(expected).all(|env| seen.get(env) == self.truth.get(env));
        End::Honest { whole }
    }

    fn only_written(&self, env: &str, values: &BTreeMap<String, String>) {
        for (name, value) in values {
            let line = (env.to_owned(), name.clone(), value.clone());
            assert!(self.written.contains(&line), "nobody wrote {line:?}");
        }
    }

    /// Every request of an attacked run is one of the clean run's, down to lengths: what differs by
    /// a lie is how often something is asked, and that it stops.
    fn says_no_more(&self, situation: &str, traffic: &[Exchange]) {
        let clean: BTreeSet<&String> = self.clean[situation].iter().collect();
        for line in shape(traffic) {
            let asks = line.starts_with("GET ");
            let known = clean.contains(&line);
            assert!(known || asks, "{situation}: {line}");
        }
        assert!(traffic.len() < 300, "{situation}: {} requests", traffic.len());
    }
}
