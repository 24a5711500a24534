//! Which secrets need a policy of their own before an agent can use them, and what it would be.

use strongroom_client::vault::Session;
use strongroom_core::team::SecretPolicyPut;
use strongroom_policy::{AgentPolicy, SecretAt, SecretPolicy};

use super::simulate::Policies;
use crate::error::Answer;

/// The policies of all secrets that the rules name: their own, or for those without one, the
/// template of the provider that a rule names them for.
pub(super) fn with_templates(session: &Session, policy: &AgentPolicy) -> Answer<Policies> {
    let mut all = own(session, policy)?;
    for put in missing(policy, &all) {
        if let Some(template) = put.policy {
            all.insert(put.at, template);
        }
    }
    Ok(all)
}

/// The policies that have to be signed together with `policy`.
pub(super) fn to_sign(session: &Session, policy: &AgentPolicy) -> Answer<Vec<SecretPolicyPut>> {
    Ok(missing(policy, &own(session, policy)?))
}

fn own(session: &Session, policy: &AgentPolicy) -> Answer<Policies> {
    let all = session.agent_secrets(policy)?;
    Ok(all.into_iter().filter_map(|secret| Some((secret.at, secret.policy?))).collect())
}

fn missing(policy: &AgentPolicy, own: &Policies) -> Vec<SecretPolicyPut> {
    let mut puts: Vec<SecretPolicyPut> = Vec::new();
    for (at, template) in wanted(policy) {
        if !own.contains_key(&at) && puts.iter().all(|put| put.at != at) {
            puts.push(SecretPolicyPut { at, policy: Some(template) });
        }
    }
    puts
}

fn wanted(policy: &AgentPolicy) -> impl Iterator<Item = (SecretAt, SecretPolicy)> + '_ {
    policy.rules.iter().flat_map(|rule| {
        let provider = policy.provider(&rule.provider);
        let template = provider.map(strongroom_policy::Provider::secret_policy);
        rule.secrets.iter().filter_map(move |at| Some((*at, template.clone()?)))
    })
}
