//! `strongroom agent doctor`: why a program fails behind the broker.
//!
//! Inside a session it looks at what the program sees: variables, tokens, the certificate. Outside
//! it looks at the broker and the policies. It sends nothing to a provider.

use std::process::ExitCode;

use strongroom_client::clock::{Clock as _, SystemClock};
use strongroom_control::dial::Door;
use strongroom_control::door::{AgentLine, Ask, Reply};
use strongroom_core::utc;
use strongroom_policy::provider::EnvValue;
use strongroom_policy::{Provider, fake};

use super::check::{self, Finding, Proxy};
use super::operate::print;
use super::text::inert;
use super::{Place, granted};
use crate::exit::Failure;

/// Looks, and says what was found; 1 where something is wrong.
pub(super) async fn doctor(
    place: &Place,
    provider: Option<&str>,
    agent: Option<String>,
) -> Result<ExitCode, Failure> {
    let mut found = Vec::new();
    let variable = |name: &str| std::env::var(name).ok();
    let broker = broker(place, &mut found).await;
    let is_inside = variable("STRONGROOM_SESSION").is_some();
    found.push(Finding::Note(format!(
        "this computer's clock says {} (UTC)",
        utc::minutes(SystemClock.now_ms())
    )));
    if is_inside {
        found.push(Finding::Good("this is inside a session".to_owned()));
    } else {
        found.push(Finding::Note(
            "this is outside a session; `strongroom agent run -- strongroom agent doctor` also \
             looks at what a program sees"
                .to_owned(),
        ));
    }
    if let Some((port, agents)) = broker {
        for id in named(&agents, agent.as_deref(), provider) {
            look_at(place, &id, agent.clone(), port, is_inside, &mut found).await;
        }
        if is_inside {
            session(&variable, port, &mut found);
        }
    }
    report(&found)
}

/// Whether the broker answers, and what it says of itself.
async fn broker(place: &Place, found: &mut Vec<Finding>) -> Option<(u16, Vec<AgentLine>)> {
    let advice = "unlock Strongroom and start the broker on the Agents page, or run \
                  `strongroom-broker serve`; inside a container, its socket must be there too";
    let asked = async {
        let path = place.path()?;
        let reply = Door::dial(&path).await?.ask(&Ask::Status, None).await?;
        Ok::<_, Failure>((path, granted(reply)?))
    };
    match asked.await {
        Ok((path, Reply::Status { port, agents, locked, stopped, .. })) => {
            let at = path.display();
            found.push(Finding::Good(format!("the broker answers at {at}, port {port}")));
            if locked {
                found.push(Finding::bad("the vault is locked", "unlock it in Strongroom's window"));
            }
            if stopped || agents.iter().all(|agent| agent.stopped) && !agents.is_empty() {
                let advice = "`strongroom agent resume`, or the Agents page, lets sessions begin";
                found.push(Finding::bad("everything is stopped", advice));
            }
            Some((port, agents))
        }
        Ok(_) => {
            found.push(Finding::bad("the broker answers something else", "restart it"));
            None
        }
        Err(failure) => {
            found.push(Finding::bad(failure.to_string(), advice));
            None
        }
    }
}

/// The providers to look at.
fn named(agents: &[AgentLine], agent: Option<&str>, provider: Option<&str>) -> Vec<String> {
    let meant = agents.iter().filter(|one| agent.is_none_or(|name| one.name == name));
    let mut all: Vec<String> = meant.flat_map(|agent| agent.providers.clone()).collect();
    all.sort();
    all.dedup();
    match provider {
        Some(id) => vec![id.to_owned()],
        None => all,
    }
}

async fn look_at(
    place: &Place,
    id: &str,
    agent: Option<String>,
    port: u16,
    is_inside: bool,
    found: &mut Vec<Finding>,
) {
    let Some(provider) = Provider::lookup(id) else {
        let id = inert(id);
        found.push(Finding::Note(format!("{id} is not built in; its variables are not looked at")));
        return;
    };
    if is_inside {
        variables(provider, port, found).await;
    }
    let host = provider.base.host.to_string();
    found.push(check::resolve(&host).await);
    if is_inside {
        let proxy = std::env::var("HTTPS_PROXY").ok().as_deref().and_then(Proxy::parse);
        let ca = std::env::var("SSL_CERT_FILE").ok();
        if let (Some(proxy), Some(ca)) = (proxy, ca) {
            found.push(check::shake(&proxy, &ca, &host).await);
        }
    }
    found.push(decision(place, provider, agent).await);
}

/// Whether a program of this session is sent to the broker.
fn session(variable: &impl Fn(&str) -> Option<String>, port: u16, found: &mut Vec<Finding>) {
    let advice = "something set it again; a shell's start-up file, for instance";
    match variable("HTTPS_PROXY").as_deref().and_then(Proxy::parse) {
        Some(proxy) if proxy.port == port => {
            found.push(Finding::Good("HTTPS_PROXY leads to the broker".to_owned()));
        }
        Some(_) => {
            let advice = "the broker was started again meanwhile; start this program again";
            found.push(Finding::bad("HTTPS_PROXY leads to another port", advice));
        }
        None => found.push(Finding::bad("HTTPS_PROXY does not lead to the broker", advice)),
    }
    if variable("SSL_CERT_FILE").is_none() {
        found.push(Finding::bad("SSL_CERT_FILE is not set", advice));
    }
}

/// The variables of one provider.
async fn variables(provider: &Provider, port: u16, found: &mut Vec<Finding>) {
    for one in &provider.env {
        let (name, value) = (&one.name, std::env::var(&one.name).ok());
        match (&one.value, value) {
            (EnvValue::Literal { .. }, _) => {}
            (_, None) => found.push(Finding::bad(
                format!("{name} is not set"),
                format!("start the session with --only {} or without --only", provider.id),
            )),
            (EnvValue::BaseUrl { suffix }, Some(value)) => {
                let right = format!("http://127.0.0.1:{port}/{}{suffix}", provider.id);
                found.push(if value.trim_end_matches('/') == right.trim_end_matches('/') {
                    Finding::Good(format!("{name} leads to the broker"))
                } else {
                    let value = inert(&value);
                    Finding::bad(format!("{name} is {value}"), format!("it should be {right}"))
                });
            }
            (_, Some(value)) => {
                if let Some(finding) = token(name, &value, provider, port).await {
                    found.push(finding);
                }
            }
        }
    }
}

/// A variable that may hold a fake token.
async fn token(name: &str, value: &str, provider: &Provider, port: u16) -> Option<Finding> {
    let advice = "start the session again with `strongroom agent run`; do not set this variable";
    let Some(seen) = fake::find(value) else {
        // Parts of a pair that mean nothing by themselves (an AWS key id) are no tokens.
        let is_one = provider.env.iter().filter(|one| !is_base(&one.value)).count() == 1;
        return is_one.then(|| Finding::bad(format!("{name} holds no fake token"), advice));
    };
    if seen.provider != provider.id {
        let other = inert(&seen.provider);
        return Some(Finding::bad(format!("{name} holds a token for {other}"), advice));
    }
    let core = value.get(seen.at).unwrap_or_default();
    Some(match check::present(port, core).await {
        Ok(200) => Finding::Good(format!("{name} holds a fake token that works")),
        Ok(status) => {
            Finding::bad(format!("the token in {name} does not work any more ({status})"), advice)
        }
        Err(error) => Finding::bad(
            format!("the broker's port {port} does not answer: {error}"),
            "something on this computer blocks connections to 127.0.0.1, or this is a container \
             of its own network",
        ),
    })
}

fn is_base(value: &EnvValue) -> bool {
    matches!(value, EnvValue::BaseUrl { .. } | EnvValue::Literal { .. })
}

/// What the policies say of a request as this provider's programs make it.
async fn decision(place: &Place, provider: &Provider, agent: Option<String>) -> Finding {
    let Some((method, url)) = sample(provider) else {
        return Finding::Note(format!("no sample request of {} is known", provider.name));
    };
    let asked = format!("{method} {url}");
    let trial = Ask::Try { agent, method, url };
    match place.ask(&trial, None).await {
        Ok(Reply::Tried { decision, rule, why }) => {
            let (rule, why) = (inert(&rule), inert(&why));
            match decision.as_str() {
                "allow" => Finding::Good(format!("{asked} would be allowed by the rule {rule:?}")),
                "ask" => Finding::Note(format!("{asked} waits for a person, by {rule:?}")),
                _ => Finding::bad(format!("{asked} would be denied"), why),
            }
        }
        Ok(_) => Finding::bad("the broker answers something else", "restart it"),
        Err(failure) => Finding::bad(failure.to_string(), "name the agent with --agent"),
    }
}

/// A request that programs of this provider make.
fn sample(provider: &Provider) -> Option<(String, String)> {
    let call = provider.capabilities.iter().flat_map(|one| &one.calls).next();
    let (methods, paths) =
        call.map_or((&provider.methods, &provider.paths), |call| (&call.methods, &call.paths));
    let path = paths.first()?.to_string();
    let path = path.strip_suffix("**").unwrap_or(&path).replace('*', "x");
    Some((methods.first()?.to_string(), format!("{}{path}", provider.base)))
}

fn report(found: &[Finding]) -> Result<ExitCode, Failure> {
    let mut out = String::new();
    for finding in found {
        let lines = match finding {
            Finding::Good(what) => format!("  ok   {what}\n"),
            Finding::Note(what) => format!("  --   {what}\n"),
            Finding::Bad(what, advice) => format!("  BAD  {what}\n       {advice}\n"),
        };
        out.push_str(&lines);
    }
    print(&out)?;
    let is_bad = found.iter().any(|finding| matches!(finding, Finding::Bad(..)));
    Ok(if is_bad { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_provider_has_a_sample_request_that_parses() {
        for provider in strongroom_policy::providers() {
            let (method, url) = sample(provider).unwrap();
            assert!(method.parse::<strongroom_policy::Method>().is_ok(), "{}", provider.id);
            let path = url.strip_prefix(&provider.base.to_string()).unwrap();
            assert!(strongroom_policy::Path::parse(path).is_ok(), "{}: {path}", provider.id);
        }
    }
}
