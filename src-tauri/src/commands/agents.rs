//! Agents. What changes or answers something only opens a secure window; what stops asks nothing.

use super::Managed;
use crate::{
    desk::agents::{self, FakeWanted},
    error::{Answer, CommandError},
    view::{
        AgentsView, LivePage, Millis, PolicySpec, ProviderView, SecretPolicySpec, SecretPolicyView,
        SimulatedRequest, SimulationView,
    },
};

/// The page of agents.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn agents_view(shell: Managed<'_>) -> Answer<AgentsView> {
    shell.vault.agents().await
}

/// Requests of agents that came or went on since the page that said `after`; from 0 all that are
/// remembered.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn agents_live(shell: Managed<'_>, after: u64) -> Answer<LivePage> {
    shell.vault.agents_live(after)
}

/// Opens the window that signs an agent, a new one or one with other terms, and the policies that
/// its secrets lack.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn agent_save(
    shell: Managed<'_>,
    id: Option<String>,
    name: String,
    responsible: String,
    policy: PolicySpec,
    ends_at: Option<Millis>,
) -> Answer<()> {
    let intent = shell.vault.agent_put(id, name, responsible, policy, ends_at).await?;
    shell.ask_sign(intent).await
}

/// Opens the window that ends an agent.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn agent_end(shell: Managed<'_>, id: String) -> Answer<()> {
    shell.ask_sign(agents::end(&id)?).await
}

/// What an agent may do.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn agent_policy(shell: Managed<'_>, id: String) -> Answer<PolicySpec> {
    shell.vault.agent_policy(id).await
}

/// Where a secret may go; null where nothing says so, and then it goes nowhere.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn secret_policy_view(
    shell: Managed<'_>,
    env_id: String,
    secret_id: String,
) -> Answer<Option<SecretPolicyView>> {
    shell.vault.secret_policy(env_id, secret_id).await
}

/// Opens the window that signs where a secret may go; null takes it away from all agents.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn secret_policy_save(
    shell: Managed<'_>,
    env_id: String,
    secret_id: String,
    spec: Option<SecretPolicySpec>,
) -> Answer<()> {
    shell.ask_sign(agents::secret_policy_put(&env_id, &secret_id, spec.as_ref())?).await
}

/// What would become of a request: under `policy`, or under that of an agent. Nothing is sent.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn policy_simulate(
    shell: Managed<'_>,
    agent_id: Option<String>,
    policy: Option<PolicySpec>,
    request: SimulatedRequest,
) -> Answer<SimulationView> {
    shell.vault.policy_simulate(agent_id, policy, request).await
}

/// Providers to choose from.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn providers_view(shell: Managed<'_>) -> Answer<Vec<ProviderView>> {
    shell.vault.providers().await
}

/// Opens the window that makes a fake token and shows it once.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn fake_token_new(
    shell: Managed<'_>,
    agent_id: String,
    provider: String,
    replaces: Option<String>,
) -> Answer<()> {
    shell.ask_fake(FakeWanted::named(&agent_id, provider, replaces.as_deref())?).await
}

/// Takes a fake token back, at once.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn fake_token_revoke(shell: Managed<'_>, id: String) -> Answer<()> {
    shell.touch();
    shell.vault.fake_revoke(&id).await
}

/// Starts the broker, also one that failed.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn broker_start(shell: Managed<'_>) -> Answer<()> {
    shell.touch();
    shell.vault.broker_start()
}

/// Ends every session, of one agent or of all, and closes what they have open.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn broker_stop(shell: Managed<'_>, agent_id: Option<String>) -> Answer<()> {
    shell.touch();
    shell.vault.broker_stop(agent_id.as_deref())
}

/// Lets sessions begin again.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn broker_resume(shell: Managed<'_>, agent_id: Option<String>) -> Answer<()> {
    shell.touch();
    shell.vault.broker_resume(agent_id.as_deref())
}

/// Opens the window that shows the code for answers from a terminal.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn operator_show(shell: Managed<'_>) -> Answer<()> {
    shell.ask_operator().await
}

/// Opens the window that answers, at this request.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn approval_open(shell: Managed<'_>, held_id: u64) -> Answer<()> {
    let waits = shell.vault.agents().await?.held.iter().any(|held| held.id == held_id);
    if !waits {
        return Err(CommandError::NotFound);
    }
    shell.ask_approve(held_id).await
}

/// A person has seen what an agent asked access for.
#[tauri::command]
#[cfg_attr(feature = "bindings", specta::specta)]
pub async fn access_ask_dismiss(shell: Managed<'_>, id: String) -> Answer<()> {
    shell.vault.access_ask_dismiss(&id)
}
