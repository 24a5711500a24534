//! Agents: what the window shows of them, and what it asks to have signed. Making, changing and
//! ending one is signed in a secure window; what runs now is the broker's ([`super::broker`]).

mod needed;
mod simulate;
mod spec_in;
mod spec_out;

use std::collections::BTreeMap;

use strongroom_client::vault::{AgentEntry, OpenOrg, Session};
use strongroom_control::{held::Held, link::SessionState};
use strongroom_core::team::{AgentPut, Intent, SecretPolicyPut};
use strongroom_format::{id::AgentId, statement::Role};
use strongroom_policy::{AgentPolicy, SecretAt, providers};

use super::{Desk, broker::Going, people::People, translate, vaults::blocking};
use crate::{
    error::{Answer, CommandError},
    view::{
        AgentName, AgentRow, AgentSession, AgentState, AgentsView, AlikeView, FakeTokenRow,
        HeldRow, LivePage, Millis, PersonView, PolicySpec, ProviderView, SecretPolicySpec,
        SecretPolicyView, SentencePart, SentenceView, SimulatedRequest, SimulationView,
    },
};

/// The longest name of an agent, in characters.
const LONGEST_NAME: usize = 64;

/// A fake token that somebody wants.
#[derive(Debug, Clone)]
pub struct FakeWanted {
    /// For which agent.
    pub(super) agent: AgentId,
    /// For which provider, by its id.
    pub(super) provider: String,
    /// The one that stops working in its favour.
    pub(super) replaces: Option<u64>,
}

impl FakeWanted {
    /// What the main window names.
    pub fn named(agent_id: &str, provider: String, replaces: Option<&str>) -> Answer<Self> {
        let replaces = replaces.map(number).transpose()?;
        Ok(Self { agent: agent_id.parse()?, provider, replaces })
    }
}

impl Desk {
    /// The page of agents.
    pub async fn agents(&self) -> Answer<AgentsView> {
        let session = self.session()?;
        let (broker, going) = (self.broker.view(), self.broker.going());
        let held: Vec<HeldRow> = going.held.iter().map(|held| self.row_of(held)).collect();
        blocking(move || {
            let entries = session.agents()?;
            let named = entries.iter().filter_map(|entry| entry.policy.as_ref().ok());
            let names = names(&session, named)?;
            let fakes = fakes(&session, &going.used)?;
            let (me, people, can_manage) = session.with(|org| Ok(around(&session, org)))?;
            let mut agents = Vec::with_capacity(entries.len());
            for entry in entries {
                let tokens = fakes.get(&entry.id).cloned().unwrap_or_default();
                agents.push(row(&session, entry, &names, &going, tokens)?);
            }
            agents.sort_by_cached_key(|row| (is_over(row.state), row.name.to_lowercase()));
            let Going { asks, alarms, .. } = going;
            Ok(AgentsView { broker, can_manage, me, agents, held, asks, alarms, people })
        })
        .await
    }

    /// Requests that came or went on since.
    pub fn agents_live(&self, after: u64) -> Answer<LivePage> {
        self.session()?;
        Ok(self.broker.live(after))
    }

    /// What an agent may do.
    pub async fn agent_policy(&self, id: String) -> Answer<PolicySpec> {
        let session = self.session()?;
        blocking(move || {
            let policy = policy_of(&session, &id)?;
            let names = names(&session, [&policy])?;
            Ok(spec_out::policy(&policy, &|at| names.get(at).cloned()))
        })
        .await
    }

    /// What has to be signed so that there is such an agent, the policies that its secrets lack
    /// included.
    pub async fn agent_put(
        &self,
        id: Option<String>,
        name: String,
        responsible: String,
        spec: PolicySpec,
        ends_at: Option<Millis>,
    ) -> Answer<Intent> {
        let name = name.trim().to_owned();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            let reason = format!("an agent is named by 1 to {LONGEST_NAME} characters");
            return Err(CommandError::BadName { reason });
        }
        let put = AgentPut {
            agent: id.map(|id| id.parse()).transpose()?,
            name,
            policy: spec_in::policy(&spec)?,
            responsible: responsible.parse()?,
            not_after: super::intents::ms(ends_at)?,
            secrets: Vec::new(),
        };
        let session = self.session()?;
        blocking(move || {
            let secrets = needed::to_sign(&session, &put.policy)?;
            Ok(Intent::AgentPut(AgentPut { secrets, ..put }))
        })
        .await
    }

    /// Where a secret may go; none where nothing says so, and then it goes nowhere.
    pub async fn secret_policy(
        &self,
        env_id: String,
        secret_id: String,
    ) -> Answer<Option<SecretPolicyView>> {
        let at = spec_in::at(&env_id, &secret_id)?;
        let session = self.session()?;
        blocking(move || {
            let Some(policy) = session.secret_policy(at.env, &at.secret)?? else { return Ok(None) };
            let agents = session.agents()?;
            let names_it = |entry: &&AgentEntry| entry.lives && names_secret(entry, &at);
            let agents = agents.iter().filter(names_it).map(agent_name).collect();
            Ok(Some(SecretPolicyView { spec: spec_out::secret_policy(&policy), agents }))
        })
        .await
    }

    /// What would become of a request under a policy, or under that of an agent.
    pub async fn policy_simulate(
        &self,
        agent_id: Option<String>,
        spec: Option<PolicySpec>,
        request: SimulatedRequest,
    ) -> Answer<SimulationView> {
        let (session, now) = (self.session()?, self.now());
        blocking(move || {
            let policy = match (spec, agent_id) {
                (Some(spec), _) => spec_in::policy(&spec)?,
                (None, Some(id)) => policy_of(&session, &id)?,
                (None, None) => return Err(CommandError::NotFound),
            };
            simulate::run(&session, &policy, &request, now)
        })
        .await
    }

    /// Providers to choose from: built in, and those that policies define.
    pub async fn providers(&self) -> Answer<Vec<ProviderView>> {
        let session = self.session()?;
        blocking(move || {
            let entries = session.agents()?;
            let living: Vec<&AgentEntry> = entries.iter().filter(|entry| entry.lives).collect();
            let with_rules = |id: &str| {
                let is_for = |entry: &&&AgentEntry| {
                    let policy = entry.policy.as_ref().ok();
                    policy.is_some_and(|policy| policy.rules.iter().any(|r| r.provider == id))
                };
                living.iter().filter(is_for).map(|entry| agent_name(entry)).collect::<Vec<_>>()
            };
            let built_in = providers().iter().map(|one| (one, true));
            let policies = living.iter().filter_map(|entry| entry.policy.as_ref().ok());
            let defined = policies.flat_map(|policy| &policy.providers).map(|one| (one, false));
            let mut all: Vec<ProviderView> = Vec::new();
            for (one, is_built_in) in built_in.chain(defined) {
                // Two agents may define the same one.
                if all.iter().all(|other| other.id != one.id) {
                    all.push(spec_out::provider(one, is_built_in, with_rules(&one.id)));
                }
            }
            Ok(all)
        })
        .await
    }

    /// Takes a fake token back. It is worth nothing when this returns, and the broker learns it at
    /// once.
    pub async fn fake_revoke(&self, id: &str) -> Answer<()> {
        let (session, id) = (self.session()?, number(id)?);
        blocking(move || Ok(session.revoke_fake(id)?)).await?;
        self.broker.poke();
        Ok(())
    }

    /// A request that waits, as windows show it.
    pub(super) fn held_row(&self, id: u64) -> Option<HeldRow> {
        let (held, _) = self.broker.held(id)?;
        Some(self.row_of(&held))
    }

    fn row_of(&self, held: &Held) -> HeldRow {
        let responsible = self.broker.responsible(&held.agent);
        held_row(held, responsible)
    }
}

fn number(id: &str) -> Answer<u64> {
    id.parse().map_err(|_| CommandError::NotFound)
}

/// The end of an agent.
pub fn end(id: &str) -> Answer<Intent> {
    Ok(Intent::AgentEnd { agent: id.parse()? })
}

/// Where a secret may go from now on.
pub fn secret_policy_put(
    env_id: &str,
    secret_id: &str,
    spec: Option<&SecretPolicySpec>,
) -> Answer<Intent> {
    let at = spec_in::at(env_id, secret_id)?;
    let policy = spec.map(spec_in::secret_policy).transpose()?;
    Ok(Intent::SecretPolicyPut(SecretPolicyPut { at, policy }))
}

fn policy_of(session: &Session, id: &str) -> Answer<AgentPolicy> {
    let id: AgentId = id.parse()?;
    let entry = session.agents()?.into_iter().find(|entry| entry.id == id);
    let policy = entry.ok_or(CommandError::NotFound)?.policy;
    policy.map_err(|broken| CommandError::BadPolicy {
        place: "the agent".to_owned(),
        problem: broken.to_string(),
    })
}

/// The names and places of the secrets that policies name.
fn names<'a>(
    session: &Session,
    policies: impl IntoIterator<Item = &'a AgentPolicy>,
) -> Answer<BTreeMap<SecretAt, (String, String)>> {
    let mut names = BTreeMap::new();
    for policy in policies {
        let secrets = session.agent_secrets(policy)?;
        names.extend(secrets.into_iter().map(|secret| (secret.at, (secret.name, secret.place))));
    }
    Ok(names)
}

/// This user, everybody who could answer for an agent, and whether this user may make one.
fn around(session: &Session, org: &mut OpenOrg) -> (PersonView, Vec<PersonView>, bool) {
    let mut people = People::seen_by(session);
    let state = org.replica().state();
    let can_manage = state.role(&session.user()).is_some_and(Role::manages);
    let members: Vec<_> = state.members().keys().copied().collect();
    let mut all: Vec<PersonView> = members.iter().map(|user| people.of(user, org)).collect();
    all.sort_by_cached_key(|person| person.name.to_lowercase());
    (people.you(org), all, can_manage)
}

fn fakes(
    session: &Session,
    used: &BTreeMap<u64, u64>,
) -> Answer<BTreeMap<AgentId, Vec<FakeTokenRow>>> {
    let mut rows: BTreeMap<AgentId, Vec<FakeTokenRow>> = BTreeMap::new();
    for fake in session.fakes()?.into_iter().rev() {
        rows.entry(fake.agent).or_default().push(FakeTokenRow {
            id: fake.id.to_string(),
            provider: fake.provider,
            made_at: translate::millis(fake.made_ms),
            last_use: used.get(&fake.id).copied().map(translate::millis),
            ends_at: (fake.not_after_ms != 0).then(|| translate::millis(fake.not_after_ms)),
        });
    }
    Ok(rows)
}

fn row(
    session: &Session,
    entry: AgentEntry,
    names: &BTreeMap<SecretAt, (String, String)>,
    going: &Going,
    tokens: Vec<FakeTokenRow>,
) -> Answer<AgentRow> {
    let sessions: Vec<&SessionState> =
        going.sessions.iter().filter(|one| one.agent == entry.id).collect();
    let (state, why) = state(&entry, going, !sessions.is_empty());
    let (responsible, issued_ms) = session.with(|org| {
        let issued_ms = org.replica().state().time_at(entry.issued).unwrap_or(0);
        Ok((People::seen_by(session).of(&entry.responsible, org), issued_ms))
    })?;
    let policy = entry.policy.unwrap_or_else(|_| AgentPolicy::nothing());
    let held = going.held.iter().filter(|held| held.agent == entry.id).count();
    Ok(AgentRow {
        id: entry.id.to_string(),
        name: entry.name,
        responsible,
        state,
        why,
        calls: sessions.iter().map(|one| one.calls).max().unwrap_or(0),
        calls_limit: policy.requests,
        bytes: sessions.iter().map(|one| one.bytes).max().unwrap_or(0),
        bytes_limit: policy.bytes,
        sessions: sessions.into_iter().map(session_row).collect(),
        held: translate::count(held),
        ends_at: (entry.not_after != 0).then(|| translate::millis(entry.not_after)),
        issued_at: translate::millis(issued_ms),
        link: translate::count(entry.changed),
        policy: spec_out::policy(&policy, &|at| names.get(at).cloned()),
        tokens,
    })
}

fn session_row(one: &SessionState) -> AgentSession {
    AgentSession {
        id: one.id.to_string(),
        since: translate::millis(one.since_ms),
        process: (!one.command.is_empty()).then(|| one.command.clone()),
        calls: one.calls,
        bytes: one.bytes,
        paused: one.paused,
    }
}

fn state(entry: &AgentEntry, going: &Going, runs: bool) -> (AgentState, Option<String>) {
    if entry.revoked.is_some() {
        return (AgentState::Ended, Some("Somebody ended it.".to_owned()));
    }
    if !entry.lives {
        let why = "Its time is over, or the person who answered for it has left.";
        return (AgentState::Ended, Some(why.to_owned()));
    }
    if let Err(broken) = &entry.policy {
        return (AgentState::Broken, Some(broken.to_string()));
    }
    let state = if going.stopped || going.stopped_agents.contains(&entry.id) {
        AgentState::Stopped
    } else if runs {
        AgentState::Running
    } else {
        AgentState::Idle
    };
    (state, None)
}

fn is_over(state: AgentState) -> bool {
    state == AgentState::Ended
}

fn names_secret(entry: &AgentEntry, at: &SecretAt) -> bool {
    let policy = entry.policy.as_ref();
    policy.is_ok_and(|policy| policy.rules.iter().any(|rule| rule.secrets.contains(at)))
}

fn agent_name(entry: &AgentEntry) -> AgentName {
    AgentName { id: entry.id.to_string(), name: entry.name.clone() }
}

fn held_row(held: &Held, responsible: Option<PersonView>) -> HeldRow {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let parts = held.sentence.parts.iter();
    HeldRow {
        id: held.id,
        agent_id: held.agent.to_string(),
        agent: held.agent_name.clone(),
        sentence: SentenceView {
            parts: parts
                .map(|part| SentencePart { text: part.text.clone(), strong: part.strong })
                .collect(),
        },
        detail: some(&held.reason),
        method: held.method.clone(),
        host: held.host.clone(),
        path: held.path.clone(),
        uses: some(&held.secret_name),
        place: some(&held.place),
        process: some(&held.process),
        responsible: responsible.unwrap_or_else(|| PersonView {
            id: String::new(),
            name: held.responsible.clone(),
            initials: translate::initials(&held.responsible),
            you: false,
        }),
        rule: held.rule.clone(),
        asked_at: translate::millis(held.asked_ms),
        ends_at: translate::millis(held.ends_ms),
        alike: AlikeView {
            count: held.alike,
            last: (held.alike_last_ms != 0).then(|| translate::millis(held.alike_last_ms)),
        },
    }
}
