//! The providers that are built in.

use std::sync::LazyLock;

use super::Provider;

/// The providers that are built in, in the order of their names.
pub fn providers() -> &'static [Provider] {
    static ALL: LazyLock<Vec<Provider>> = LazyLock::new(|| {
        BUILT_IN.iter().filter_map(|data| serde_json::from_str(data).ok()).collect()
    });
    &ALL
}

/// Every file has its test, so none is ever left out.
const BUILT_IN: [&str; 12] = [
    include_str!("../providers/anthropic.json"),
    include_str!("../providers/aws-s3.json"),
    include_str!("../providers/brave.json"),
    include_str!("../providers/cloudflare.json"),
    include_str!("../providers/discord.json"),
    include_str!("../providers/gemini.json"),
    include_str!("../providers/github.json"),
    include_str!("../providers/groq.json"),
    include_str!("../providers/hetzner.json"),
    include_str!("../providers/notion.json"),
    include_str!("../providers/openai.json"),
    include_str!("../providers/telegram.json"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use strongroom_format::id::{AgentId, EnvId, SecretId};

    use super::*;
    use crate::agent::{AgentPolicy, Effect, Rule};
    use crate::decide::{Asked, Decision, decide};
    use crate::scope::Scope;
    use crate::secret::{SecretAt, SecretPolicy};
    use crate::target::{Method, Path, Target};
    use crate::usage::Usage;
    use crate::why::{SecretDenial, Why};

    const AT: SecretAt = SecretAt { env: EnvId([1; 16]), secret: SecretId([2; 16]) };

    /// What a rule that allows everything and the provider's own template for a secret give.
    fn answer(provider: &Provider, method: &str, url: &str) -> Decision {
        let slash = url.get(8..).and_then(|rest| rest.find('/')).unwrap() + 8;
        let target: Target = url[..slash].parse().unwrap();
        let (method, path): (Method, _) =
            (method.parse().unwrap(), Path::parse(&url[slash..]).unwrap());
        let mut policy = AgentPolicy::nothing();
        policy.rules.push(Rule {
            name: "everything".to_owned(),
            effect: Effect::Allow,
            provider: provider.id.clone(),
            capability: None,
            secrets: vec![AT],
            hosts: provider.hosts.clone(),
            ports: provider.ports.clone(),
            methods: provider.methods.clone(),
            paths: vec!["/**".parse().unwrap()],
            process: None,
            uses: None,
            not_after_ms: None,
            rate: None,
            bytes: None,
            reason: false,
        });
        policy.check().unwrap();
        let asked = Asked {
            target: &target,
            method: &method,
            path: &path,
            provider: Some(&provider.id),
            capability: None,
            process: None,
            reason: None,
            bytes: None,
        };
        let secrets = BTreeMap::from([(AT, provider.secret_policy())]);
        decide(
            &policy,
            &secrets,
            &Scope::whole(),
            Usage::default().of(AgentId([3; 16]), 1),
            &asked,
            0,
        )
    }

    fn require(id: &str, goes: &[(&str, &str)], does_not: &[(&str, &str, Why)]) {
        let provider = Provider::lookup(id).unwrap();
        for (method, url) in goes {
            let decision = answer(provider, method, url);
            assert!(matches!(decision, Decision::Allow(_)), "{method} {url}: {decision:?}");
        }
        for (method, url, why) in does_not {
            let Decision::Deny(denied) = answer(provider, method, url) else {
                panic!("{method} {url} goes");
            };
            assert_eq!(denied.why, *why, "{method} {url}");
        }
    }

    const MINTS: Why = Why::SecretPolicy(SecretDenial::Mints);
    const PATH: Why = Why::SecretPolicy(SecretDenial::Path);

    #[test]
    fn every_provider_is_sound_and_found_by_its_id() {
        assert_eq!(providers().len(), BUILT_IN.len(), "a file that is no provider");
        for provider in providers() {
            provider.check().unwrap();
            assert_eq!(Provider::lookup(&provider.id).map(|found| &found.id), Some(&provider.id));
            assert!(!provider.capabilities.is_empty(), "{}", provider.id);
            assert!(!provider.effects.is_empty(), "{}", provider.id);
            let template = provider.secret_policy();
            template.check().unwrap();
            assert_eq!(SecretPolicy::parse(&template.encode()), Ok(template));
        }
        let ids: Vec<&str> = providers().iter().map(|provider| provider.id.as_str()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn capabilities_reach_no_further_than_their_provider() {
        for provider in providers() {
            for calls in provider.capabilities.iter().flat_map(|capability| &capability.calls) {
                assert!(
                    calls.hosts.iter().all(|host| provider.hosts.contains(host)),
                    "{}",
                    provider.id
                );
                assert!(
                    calls.methods.iter().all(|method| provider.methods.contains(method)),
                    "{}",
                    provider.id
                );
                assert!(!calls.paths.is_empty() && !calls.hosts.is_empty(), "{}", provider.id);
            }
        }
    }

    #[test]
    fn openai() {
        require(
            "openai",
            &[
                ("POST", "https://api.openai.com/v1/chat/completions"),
                ("GET", "https://api.openai.com/v1/models"),
            ],
            &[
                ("GET", "https://api.openai.com/v1/organization/admin_api_keys", MINTS),
                ("POST", "https://api.openai.com/v1/realtime/client_secrets", MINTS),
                ("GET", "https://api.openai.com/dashboard", PATH),
                ("GET", "https://openai.com/v1/models", Why::WrongHost),
            ],
        );
    }

    #[test]
    fn anthropic() {
        require(
            "anthropic",
            &[
                ("POST", "https://api.anthropic.com/v1/messages"),
                ("GET", "https://api.anthropic.com/v1/models"),
            ],
            &[("GET", "https://api.anthropic.com/v1/organizations/api_keys", MINTS)],
        );
    }

    #[test]
    fn gemini() {
        let host = "https://generativelanguage.googleapis.com";
        require(
            "gemini",
            &[
                (
                    "POST",
                    &format!("{host}/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse"),
                ),
                ("POST", &format!("{host}/v1beta/openai/chat/completions")),
            ],
            &[("POST", &format!("{host}/v1alpha/auth_tokens"), MINTS)],
        );
    }

    #[test]
    fn groq() {
        require(
            "groq",
            &[("POST", "https://api.groq.com/openai/v1/chat/completions")],
            &[("POST", "https://api.groq.com/v1/keys", PATH)],
        );
    }

    #[test]
    fn github() {
        require(
            "github",
            &[
                ("GET", "https://api.github.com/repos/acme/docs/issues?state=open"),
                ("POST", "https://api.github.com/repos/acme/docs/pulls"),
                ("GET", "https://github.com/acme/docs.git/info/refs?service=git-upload-pack"),
                ("POST", "https://github.com/acme/docs.git/git-receive-pack"),
                ("POST", "https://uploads.github.com/repos/acme/docs/releases/1/assets?name=a"),
            ],
            &[
                ("POST", "https://api.github.com/app/installations/1/access_tokens", MINTS),
                (
                    "POST",
                    "https://api.github.com/repos/a/b/actions/runners/registration-token",
                    MINTS,
                ),
                (
                    "POST",
                    "https://api.github.com/repos/a/b/actions/runners/Registration-Token/",
                    MINTS,
                ),
                ("POST", "https://github.com/login/oauth/access_token", MINTS),
                ("GET", "https://api.github.com.evil.example/user", Why::WrongHost),
                ("GET", "https://gist.github.com/user", Why::WrongHost),
            ],
        );
    }

    #[test]
    fn notion() {
        require(
            "notion",
            &[
                ("POST", "https://api.notion.com/v1/search"),
                ("PATCH", "https://api.notion.com/v1/pages/1"),
            ],
            &[("POST", "https://api.notion.com/v1/oauth/token", MINTS)],
        );
    }

    #[test]
    fn cloudflare() {
        let host = "https://api.cloudflare.com/client/v4";
        require(
            "cloudflare",
            &[
                ("POST", &format!("{host}/zones/z/dns_records")),
                ("GET", &format!("{host}/user/tokens/verify")),
            ],
            &[
                ("POST", &format!("{host}/user/tokens"), MINTS),
                ("PUT", &format!("{host}/user/tokens/1/value"), MINTS),
                ("POST", &format!("{host}/accounts/1/tokens"), MINTS),
                ("POST", &format!("{host}/accounts/1/access/service_tokens"), MINTS),
            ],
        );
    }

    #[test]
    fn brave() {
        require(
            "brave",
            &[("GET", "https://api.search.brave.com/res/v1/web/search?q=rust")],
            &[("GET", "https://api.search.brave.com/app/keys", PATH)],
        );
    }

    #[test]
    fn discord() {
        require(
            "discord",
            &[("POST", "https://discord.com/api/v10/channels/1/messages")],
            &[
                ("POST", "https://discord.com/api/v10/channels/1/webhooks", MINTS),
                ("POST", "https://discord.com/api/v10/oauth2/token", MINTS),
                ("GET", "https://discord.com/login", PATH),
            ],
        );
    }

    #[test]
    fn telegram() {
        require(
            "telegram",
            &[
                ("POST", "https://api.telegram.org/bot/sendMessage"),
                ("GET", "https://api.telegram.org/file/bot/photos/1.jpg"),
            ],
            &[("GET", "https://api.telegram.org/other/getMe", PATH)],
        );
    }

    #[test]
    fn hetzner() {
        require(
            "hetzner",
            &[
                ("POST", "https://api.hetzner.cloud/v1/servers"),
                ("DELETE", "https://api.hetzner.cloud/v1/servers/1"),
            ],
            &[("POST", "https://api.hetzner.cloud/v1/servers/1/actions/reset_password", MINTS)],
        );
        let provider = Provider::lookup("hetzner").unwrap();
        let token = crate::FakeToken::make(provider, [9; 32]);
        assert_eq!(token.text().len(), 64, "its own client takes no token of another length");
    }

    #[test]
    fn aws_s3() {
        require(
            "aws-s3",
            &[
                ("PUT", "https://photos.s3.eu-central-1.amazonaws.com/a.jpg"),
                ("GET", "https://s3.us-east-1.amazonaws.com/photos/a.jpg"),
                ("GET", "https://photos.s3.amazonaws.com/?list-type=2"),
            ],
            &[
                ("GET", "https://sts.amazonaws.com/", Why::WrongHost),
                ("GET", "https://a.b.s3.amazonaws.com/", Why::WrongHost),
                ("GET", "https://s3.amazonaws.com.evil.example/", Why::WrongHost),
            ],
        );
    }
}
