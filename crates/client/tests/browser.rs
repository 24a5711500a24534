//! Signing in through a real `OpenID` provider on this machine, with a browser made of a few lines.
#![expect(clippy::unwrap_used, reason = "a broken fixture should fail loudly")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use strongroom_client::browser::{BrowserError, sign_in};
use strongroom_format::wire::IssuerInfo;
use url::Url;

struct Provider(Child);

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn provider() -> (Provider, IssuerInfo) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oidc");
    let installed = std::path::Path::new(folder).join("node_modules").is_dir();
    assert!(installed, "run `npm ci --ignore-scripts` in tests/oidc first");
    let mut child = Command::new("node")
        .args(["provider.mjs", "ES256"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let said: serde_json::Value = serde_json::from_str(&first).unwrap();
    let text = |name: &str| said[name].as_str().unwrap().to_owned();
    let issuer = IssuerInfo {
        name: "Local".to_owned(),
        issuer: text("issuer"),
        client_id: text("client_id"),
        scopes: vec!["openid".to_owned()],
    };
    (Provider(child), issuer)
}

/// Follows redirects with cookies, as far as the loopback port of the app.
async fn browse(mut url: Url) {
    let redirect = reqwest::redirect::Policy::none();
    let http = reqwest::Client::builder().no_proxy().redirect(redirect).build().unwrap();
    url.query_pairs_mut().append_pair("login_hint", "teo");
    let mut cookies = BTreeMap::new();
    for _ in 0..10 {
        let jar: Vec<String> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let answer = http.get(url.clone()).header(COOKIE, jar.join("; ")).send().await.unwrap();
        for set in answer.headers().get_all(SET_COOKIE) {
            let (name, value) =
                set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        let Some(next) = answer.headers().get(LOCATION) else { return };
        url = url.join(next.to_str().unwrap()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_through_the_browser_and_strangers_at_the_port_are_sent_away() {
    let (_provider, issuer) = provider();
    let token = sign_in(&issuer, |url| {
        let url = url.clone();
        tokio::spawn(async move {
            let redirect = url.query_pairs().find(|(k, _)| k == "redirect_uri").unwrap().1;
            for stranger in ["?code=stolen&state=guessed", "?code=stolen", "/../x", ""] {
                let knock = reqwest::get(format!("{redirect}{stranger}")).await.unwrap();
                assert_eq!(knock.status(), 404);
            }
            browse(url.clone()).await;
        });
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(token.lend(|token| token.split('.').count()), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_another_or_is_gone_signs_nobody_in() {
    let (running, issuer) = provider();
    let other = IssuerInfo { issuer: format!("{}/", issuer.issuer), ..issuer.clone() };
    let refused = sign_in(&other, |_| Ok(())).await;
    assert!(matches!(refused, Err(BrowserError::Provider)), "{refused:?}");
    drop(running);
    let gone = sign_in(&issuer, |_| Ok(())).await;
    assert!(matches!(gone, Err(BrowserError::Provider)), "{gone:?}");
}
