//! The agents of the sample: what they may do is signed as it is for everybody; nobody starts them.

use std::collections::BTreeMap;

use strongroom_core::team::{AgentPut, Intent, Plan, SecretPolicyPut};
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::id::{EnvId, Principal, UserId};
use strongroom_policy::provider::{EffectText, EnvValue, EnvVar, Place, Shape};
use strongroom_policy::{
    AgentPolicy, Auth, Effect, HostPattern, Provider, Rule, SecretAt, SecretPolicy,
};

use super::error::VaultError;
use super::session::Session;

const DAY: u64 = 24 * 60 * 60 * 1000;

/// A rule of the sample: its name, what it says, methods and paths.
type Says = (&'static str, Effect, &'static [&'static str], &'static [&'static str]);

const REFUNDS: &[Says] = &[
    ("no payouts", Effect::Deny, &["POST"], &["/v1/payouts/**"]),
    ("refunds", Effect::Ask, &["POST"], &["/v1/refunds"]),
    ("read charges", Effect::Allow, &["GET"], &["/v1/charges/**"]),
];

const EDGE: &[Says] = &[
    ("empty the cache", Effect::Ask, &["POST"], &["/client/v4/zones/*/purge_cache"]),
    ("read zones", Effect::Allow, &["GET"], &["/client/v4/zones/**"]),
];

impl Session {
    /// Makes the sample's agents, each with the rules that an operator would write.
    pub(super) async fn fill_sample_agents(
        &self,
        places: &BTreeMap<(String, String), EnvId>,
    ) -> Result<(), VaultError> {
        let Some(mara) = self.with(|org| match org.replica().principal() {
            Principal::User(user) => Ok(Some(user)),
            Principal::Token(_) | Principal::Agent(_) => Ok(None),
        })?
        else {
            return Ok(());
        };
        let mut puts = Vec::new();
        let payout = self.sample_secret(places, ("payments", "dev", "STRIPE_SECRET_KEY"))?;
        if let (Some(at), Some(stripe)) = (payout, stripe()) {
            puts.push(put("refund-desk", mara, self.now_ms(), at, stripe, REFUNDS, true));
        }
        let edge = self.sample_secret(places, ("edge-worker", "dev", "EDGE_API_TOKEN"))?;
        if let (Some(at), Some(cloudflare)) = (edge, Provider::lookup("cloudflare")) {
            puts.push(put("edge-keeper", mara, self.now_ms(), at, cloudflare.clone(), EDGE, false));
        }
        self.write(None, move |pen| {
            for put in &puts {
                let now = pen.now_ms();
                let intent = Intent::AgentPut(put.clone());
                let plan = Plan::make(pen.replica(), intent, &mut OsEntropy, now)?;
                pen.carry_out(&plan)?;
            }
            Ok(())
        })
        .await
    }

    fn sample_secret(
        &self,
        places: &BTreeMap<(String, String), EnvId>,
        (app, env, name): (&str, &str, &str),
    ) -> Result<Option<SecretAt>, VaultError> {
        let Some(env) = places.get(&(app.to_owned(), env.to_owned())).copied() else {
            return Ok(None);
        };
        let list = self.with(|org| org.list(env))?;
        Ok(list.by_name(name).map(|row| SecretAt { env, secret: row.secret }))
    }
}

fn put(
    name: &str,
    responsible: UserId,
    now_ms: u64,
    at: SecretAt,
    provider: Provider,
    says: &[Says],
    is_own: bool,
) -> AgentPut {
    let rule = |&(name, effect, methods, paths): &Says| Rule {
        name: name.to_owned(),
        effect,
        provider: provider.id.clone(),
        capability: None,
        secrets: if effect == Effect::Deny { Vec::new() } else { vec![at] },
        hosts: provider.hosts.clone(),
        ports: provider.ports.clone(),
        methods: methods.iter().filter_map(|method| method.parse().ok()).collect(),
        paths: paths.iter().filter_map(|path| path.parse().ok()).collect(),
        process: None,
        uses: None,
        not_after_ms: None,
        rate: None,
        bytes: None,
        reason: false,
    };
    let rules = says.iter().map(rule).collect();
    let of_secret: SecretPolicy = provider.secret_policy();
    let policy = AgentPolicy {
        rules,
        requests: Some(200),
        bytes: Some(50 << 20),
        providers: if is_own { vec![provider] } else { Vec::new() },
        ..AgentPolicy::nothing()
    };
    AgentPut {
        agent: None,
        name: name.to_owned(),
        policy,
        responsible,
        not_after: now_ms + 90 * DAY,
        secrets: vec![SecretPolicyPut { at, policy: Some(of_secret) }],
    }
}

/// A provider that is not built in, as a person defines one.
fn stripe() -> Option<Provider> {
    let host: HostPattern = "api.stripe.com".parse().ok()?;
    Some(Provider {
        id: "stripe".to_owned(),
        name: "Stripe".to_owned(),
        hosts: vec![host],
        ports: vec![443],
        base: "https://api.stripe.com".parse().ok()?,
        auth: Auth::Bearer,
        methods: ["GET", "POST"].iter().filter_map(|method| method.parse().ok()).collect(),
        paths: vec!["/v1/**".parse().ok()?],
        private: false,
        shape: Shape::Prefix { text: "sk_test_".to_owned() },
        env: vec![
            EnvVar { name: "STRIPE_API_KEY".to_owned(), value: EnvValue::Token },
            EnvVar {
                name: "STRIPE_API_BASE".to_owned(),
                value: EnvValue::BaseUrl { suffix: String::new() },
            },
        ],
        effects: vec![EffectText {
            method: "POST".parse().ok()?,
            path: "/v1/refunds".parse().ok()?,
            sentence: "Refund {body:/amount} cents of {body:/charge}".to_owned(),
        }],
        mints: Vec::new(),
        capabilities: Vec::new(),
        agent_sends: vec![Place::Authorization { scheme: "Bearer".to_owned() }],
    })
}
