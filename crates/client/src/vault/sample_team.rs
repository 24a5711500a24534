//! The people and tokens of the sample: admitted by real links with real keys, which nobody keeps.

use std::collections::BTreeMap;

use strongroom_core::details::{Details, Thing};
use strongroom_core::lock_file::Lock;
use strongroom_core::log::Use;
use strongroom_core::pen::{Pen, WriteError, name};
use strongroom_core::team::{Intent, NewInvite, NewToken, Plan, PlanError};
use strongroom_crypto::safe::{Keyset, OsEntropy, entropy};
use strongroom_format::id::{EnvId, Principal, UserId};
use strongroom_format::statement::{Body, EnvRight, Rights, Role};

use super::error::VaultError;
use super::session::{Notice, Session};
use crate::api::{Api, TimeLimits};
use crate::robot::{Robot, RobotError};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// Where somebody may do what, and for how many days; 0 for no end.
type Right = (&'static str, &'static str, Rights, u64);

struct Person {
    name: &'static str,
    role: Role,
    by_words: bool,
    rights: &'static [Right],
}

const PEOPLE: &[Person] = &[
    Person {
        name: "Priya Sand",
        role: Role::Admin,
        by_words: false,
        rights: &[
            ("storefront", "dev", Rights::ALL, 0),
            ("storefront", "staging", Rights::ALL, 0),
            ("payments", "dev", Rights::ALL, 0),
            ("payments", "staging", Rights::ALL, 0),
            ("payments", "prod", Rights::ALL, 0),
        ],
    },
    Person {
        name: "Ines Calder",
        role: Role::Member,
        by_words: false,
        rights: &[
            ("storefront", "dev", Rights::READ_WRITE, 0),
            ("storefront", "staging", Rights::READ_WRITE, 0),
            ("storefront", "prod", Rights::READ_WRITE, 0),
            ("payments", "dev", Rights::READ, 0),
        ],
    },
    Person {
        name: "Teo Varga",
        role: Role::Member,
        by_words: true,
        rights: &[
            ("storefront", "dev", Rights::READ_WRITE, 0),
            ("storefront", "staging", Rights::READ_WRITE, 0),
            ("storefront", "prod", Rights::READ, 3),
            ("edge-worker", "prod", Rights::READ, 12),
        ],
    },
    Person {
        name: "Lena Whitlock",
        role: Role::Member,
        by_words: false,
        rights: &[
            ("payments", "dev", Rights::READ_WRITE, 0),
            ("payments", "staging", Rights::READ_WRITE, 0),
            ("payments", "prod", Rights::READ, 0),
        ],
    },
    Person {
        name: "Sam Ferro",
        role: Role::Member,
        by_words: true,
        rights: &[("storefront", "dev", Rights::READ_WRITE, 0)],
    },
    Person { name: "Ada Quill", role: Role::Reviewer, by_words: false, rights: &[] },
];

struct Token {
    name: &'static str,
    /// How long it holds.
    days: u64,
    rights: &'static [Right],
}

const TOKENS: &[Token] = &[
    Token {
        name: "deploy-prod",
        days: 61,
        rights: &[
            ("storefront", "prod", Rights::READ, 0),
            ("edge-worker", "prod", Rights::READ, 0),
        ],
    },
    Token {
        name: "ci-staging",
        days: 22,
        rights: &[
            ("storefront", "staging", Rights::READ, 0),
            ("payments", "staging", Rights::READ, 0),
        ],
    },
    Token { name: "edge-build", days: 9, rights: &[("edge-worker", "dev", Rights::READ, 0)] },
];

/// So that the log has something to show.
const USES: &[(&str, &str, &str, Use)] = &[
    ("storefront", "dev", "DATABASE_URL", Use::Copied),
    ("storefront", "staging", "STRIPE_SECRET_KEY", Use::Copied),
    ("storefront", "prod", "SMTP_PASSWORD", Use::Revealed),
    ("storefront", "prod", "STRIPE_SECRET_KEY", Use::Copied),
    ("payments", "prod", "STRIPE_PAYOUT_KEY", Use::Revealed),
    ("payments", "prod", "LEDGER_SIGNING_KEY", Use::Copied),
    ("edge-worker", "prod", "EDGE_API_TOKEN", Use::Copied),
];

type Places = BTreeMap<(String, String), EnvId>;

impl Session {
    /// Admits the sample's people and makes its tokens, in one write; then each token is used once.
    pub(super) async fn fill_sample_team(&self) -> Result<(), VaultError> {
        let now = self.now_ms();
        let places = self.with(|org| {
            let envs = org.environments(now);
            Ok(envs
                .into_iter()
                .map(|env| ((org.app_name(&env.app), env.name), env.env))
                .collect::<Places>())
        })?;
        let admitted = places.clone();
        let (people, tokens) = self.write(None, move |pen| Ok(admit_all(pen, &admitted)?)).await?;
        let (org, link) = self.with(|org| {
            let state = org.replica().state();
            Ok((state.org(), state.seq()))
        })?;
        self.write_book(org, |book| {
            for (user, by_words) in people {
                book.mark(user, by_words, link);
            }
        })?;
        self.tell(Notice::Org);
        for plan in &tokens {
            self.run_once(plan).await.map_err(|error| VaultError::System(error.to_string()))?;
        }
        self.fill_sample_agents(&places).await?;
        self.use_some(&places)
    }

    /// A build with one of the sample's tokens: it fetches what it may read and uses it.
    async fn run_once(&self, plan: &Plan) -> Result<(), RobotError> {
        let Some(token) = plan.token() else { return Ok(()) };
        let origin = self.api.origin();
        let lock = self.with(|org| Ok(Lock::of(&org.replica, &origin.to_string())));
        let Ok(lock) = lock else { return Ok(()) };
        let api = Api::new(origin.clone(), TimeLimits::default())?;
        let mut robot = Robot::open(api, token, lock, self.now_ms()).await?;
        for env in robot.readable() {
            robot.fetch(env).await?;
            let secrets: Vec<_> = robot.names(env)?.into_iter().map(|(secret, _)| secret).collect();
            robot.note(Use::Injected, env, &secrets).await?;
        }
        Ok(())
    }

    /// What the owner of the sample did with a few values.
    fn use_some(&self, places: &Places) -> Result<(), VaultError> {
        for (app, env, name, what) in USES {
            let Some(env) = places.get(&((*app).to_owned(), (*env).to_owned())) else { continue };
            let list = self.with(|org| org.list(*env))?;
            let Some(row) = list.by_name(name) else { continue };
            self.note(*what, *env, &[row.secret])?;
        }
        Ok(())
    }
}

/// Who was admitted, and whether their words were compared; and the plans of the tokens.
type Admitted = (Vec<(UserId, bool)>, Vec<Plan>);

fn admit_all(pen: &mut Pen<'_>, places: &Places) -> Result<Admitted, PlanError> {
    let (now, org) = (pen.now_ms(), pen.replica().state().org());
    let mut admitted = Vec::new();
    let mut names = Vec::new();
    for person in PEOPLE {
        let new = NewInvite { role: person.role, grants: Vec::new(), expires_ms: now + DAY };
        let plan = Plan::make(pen.replica(), Intent::Invite(new), &mut OsEntropy, now)?;
        pen.carry_out(&plan)?;
        let Some(invite) = plan.invite_key().map(strongroom_crypto::safe::InviteKey::id) else {
            continue;
        };
        let keyset = Keyset::make(&mut OsEntropy).map_err(WriteError::from)?;
        let user = UserId(entropy::array(&mut OsEntropy).map_err(WriteError::from)?);
        pen.link(Body::MemberAdd {
            user,
            keys: keyset.public(),
            role: person.role,
            invite,
            pop: keyset.prove_possession(&org, &invite, &user),
        })?;
        for right in rights(person.rights, places, now) {
            pen.link(Body::EnvGrant {
                env: right.env,
                principal: Principal::User(user),
                rights: right.rights,
                not_after: right.not_after,
            })?;
        }
        names.push(name(user.directory_item(), person.name, Details::of(Thing::Member)));
        admitted.push((user, person.by_words));
    }
    pen.wrap_for_new_readers()?;
    pen.put_names(names)?;
    let mut tokens = Vec::new();
    for token in TOKENS {
        let new = NewToken {
            name: token.name.to_owned(),
            rights: rights(token.rights, places, now),
            not_after: now + token.days * DAY,
        };
        let plan = Plan::make(pen.replica(), Intent::TokenIssue(new), &mut OsEntropy, now)?;
        pen.carry_out(&plan)?;
        tokens.push(plan);
    }
    Ok((admitted, tokens))
}

fn rights(list: &[Right], places: &Places, now: u64) -> Vec<EnvRight> {
    let right = |(app, env, rights, days): &Right| {
        let env = places.get(&((*app).to_owned(), (*env).to_owned()))?;
        let not_after = if *days == 0 { 0 } else { now + days * DAY };
        Some(EnvRight { env: *env, rights: *rights, not_after })
    };
    list.iter().filter_map(right).collect()
}
