use std::sync::atomic::{AtomicUsize, Ordering};

use strongroom_format::id::{EnvId, SecretId};
use tokio::sync::Semaphore;

use super::*;

const AT: (SecretAt, u64) = (SecretAt { env: EnvId([1; 16]), secret: SecretId([2; 16]) }, 7);
const VALUE: &str =
    r#"{"client_id":"app one","client_secret":"s/ecret","refresh_token":"rt-first"}"#;

/// A token endpoint: what it will answer, what it was sent, what was captured.
#[derive(Clone)]
struct Provider(Arc<Inner>);

struct Inner {
    answers: Mutex<Vec<(u16, String)>>,
    forms: Mutex<Vec<(Option<String>, String)>>,
    captured: Mutex<Vec<String>>,
    posts: AtomicUsize,
    gate: Semaphore,
}

impl Provider {
    /// Answers these, in order, as often as the gate opens.
    fn new(answers: &[(u16, &str)]) -> Self {
        let answers = answers.iter().rev().map(|(status, text)| (*status, (*text).to_owned()));
        Self(Arc::new(Inner {
            answers: Mutex::new(answers.collect()),
            forms: Mutex::default(),
            captured: Mutex::default(),
            posts: AtomicUsize::default(),
            gate: Semaphore::new(100),
        }))
    }

    fn posts(&self) -> usize {
        self.0.posts.load(Ordering::SeqCst)
    }

    fn forms(&self) -> Vec<(Option<String>, String)> {
        self.0.forms.lock().unwrap().clone()
    }

    fn captured(&self) -> Vec<String> {
        self.0.captured.lock().unwrap().clone()
    }
}

impl TokenEndpoint for Provider {
    fn post(&self, form: Form) -> Posting<'_> {
        Box::pin(async move {
            self.0.posts.fetch_add(1, Ordering::SeqCst);
            let authorization = form.authorization.map(|value| value.to_str().unwrap().to_owned());
            let body = form.body.lend(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
            self.0.forms.lock().unwrap().push((authorization, body));
            self.0.gate.acquire().await.unwrap().forget();
            let (status, text) = self.0.answers.lock().unwrap().pop().unwrap();
            Ok(Answer { status, body: SecretBytes::from_vec(text.into_bytes()) })
        })
    }

    fn captured(&self, value: SecretBytes) {
        let text = value.lend(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        self.0.captured.lock().unwrap().push(text);
    }
}

async fn ask(
    refreshed: &Refreshed,
    provider: &Provider,
    now: Instant,
) -> Result<String, InjectError> {
    let value = SecretBytes::copy_of(VALUE.as_bytes());
    let scopes = ["read".to_owned(), "write:all".to_owned()];
    let access = refreshed.access(AT, &value, &scopes, provider.clone(), now).await?;
    Ok(access.lend(|bytes| String::from_utf8(bytes.to_vec()).unwrap()))
}

const FIRST: (u16, &str) =
    (200, r#"{"access_token":"at-1","token_type":"Bearer","expires_in":3600}"#);
const SECOND: (u16, &str) =
    (200, r#"{"access_token":"at-2","token_type":"bearer","expires_in":"3600"}"#);

#[tokio::test]
async fn an_access_token_is_used_until_a_minute_before_its_end() {
    let (refreshed, provider) = (Refreshed::default(), Provider::new(&[FIRST, SECOND]));
    let start = Instant::now();
    for seconds in [0, 1, 3539] {
        let now = start + Duration::from_secs(seconds);
        assert_eq!(ask(&refreshed, &provider, now).await.unwrap(), "at-1", "{seconds}");
    }
    assert_eq!(provider.posts(), 1);
    let later = start + Duration::from_mins(59);
    assert_eq!(ask(&refreshed, &provider, later).await.unwrap(), "at-2");
    let (authorization, body) = provider.forms().remove(0);
    assert_eq!(body, "grant_type=refresh_token&refresh_token=rt-first&scope=read%20write%3Aall");
    // `app%20one:s%2Fecret`, as the RFC wants both halves encoded before they are joined.
    assert_eq!(authorization.unwrap(), "Basic YXBwJTIwb25lOnMlMkZlY3JldA==");
}

#[tokio::test]
async fn a_hundred_requests_refresh_once() {
    let (refreshed, provider) = (Arc::new(Refreshed::default()), Provider::new(&[FIRST]));
    let now = Instant::now();
    let asks: Vec<_> = (0..100)
        .map(|_| {
            let (refreshed, provider) = (Arc::clone(&refreshed), provider.clone());
            tokio::spawn(async move { ask(&refreshed, &provider, now).await })
        })
        .collect();
    for one in asks {
        assert_eq!(one.await.unwrap().unwrap(), "at-1");
    }
    assert_eq!(provider.posts(), 1);
}

#[tokio::test]
async fn a_replaced_refresh_token_goes_to_the_owner_and_is_the_one_used_next() {
    let first = r#"{"access_token":"at-1","token_type":"bearer","expires_in":100,"refresh_token":"rt-\"new"}"#;
    let (refreshed, provider) = (Refreshed::default(), Provider::new(&[(200, first), SECOND]));
    let start = Instant::now();
    ask(&refreshed, &provider, start).await.unwrap();
    let captured = provider.captured();
    let wanted = r#"{"client_id":"app one","client_secret":"s/ecret","refresh_token":"rt-\"new"}"#;
    assert_eq!(captured, [wanted]);
    // The new value reads back as one.
    let value = SecretBytes::copy_of(captured[0].as_bytes());
    assert!(Grant::parse(&value).unwrap().refresh_token().lend(|token| token == "rt-\"new"));

    ask(&refreshed, &provider, start + Duration::from_secs(50)).await.unwrap();
    assert_eq!(provider.posts(), 2, "half of a short life is used");
    assert!(provider.forms()[1].1.contains("refresh_token=rt-%22new"));
    assert_eq!(provider.captured().len(), 1, "the same one again replaces nothing");
}

#[tokio::test]
async fn a_refresh_is_finished_when_whoever_waited_for_it_is_gone() {
    let answer =
        r#"{"access_token":"at-1","token_type":"bearer","expires_in":900,"refresh_token":"rt-2"}"#;
    let (refreshed, provider) = (Arc::new(Refreshed::default()), Provider::new(&[(200, answer)]));
    provider.0.gate.forget_permits(100);
    let now = Instant::now();
    let waiting = {
        let (refreshed, provider) = (Arc::clone(&refreshed), provider.clone());
        tokio::spawn(async move { ask(&refreshed, &provider, now).await })
    };
    while provider.posts() == 0 {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert!(provider.captured().is_empty());
    provider.0.gate.add_permits(1);
    // The next one finds what the first had sent for, and the new refresh token is not lost.
    assert_eq!(ask(&refreshed, &provider, now).await.unwrap(), "at-1");
    assert_eq!((provider.posts(), provider.captured().len()), (1, 1));
}

#[tokio::test]
async fn a_client_that_is_not_known_by_its_header_is_tried_in_the_body() {
    for refusal in [(401, "{}"), (400, r#"{"error":"invalid_client"}"#)] {
        let (refreshed, provider) = (Refreshed::default(), Provider::new(&[refusal, FIRST]));
        assert_eq!(ask(&refreshed, &provider, Instant::now()).await.unwrap(), "at-1");
        let (authorization, body) = provider.forms().remove(1);
        assert_eq!(authorization, None);
        assert!(body.ends_with("&client_id=app%20one&client_secret=s%2Fecret"), "{body}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_our_words_and_not_asked_for_again_at_once() {
    let refusal = r#"{"error":"invalid_grant","error_description":"rt-first is bad"}"#;
    let (refreshed, provider) = (Refreshed::default(), Provider::new(&[(400, refusal), FIRST]));
    let start = Instant::now();
    for _ in 0..3 {
        let error = ask(&refreshed, &provider, start).await.unwrap_err().to_string();
        assert!(error.contains("sign in there again") && !error.contains("rt-first"), "{error}");
    }
    assert_eq!(provider.posts(), 1);
    let later = start + PAUSE;
    assert_eq!(ask(&refreshed, &provider, later).await.unwrap(), "at-1");
}

#[tokio::test]
async fn what_is_no_answer_of_oauth_gives_no_token() {
    for (status, text) in [
        (200, ""),
        (200, "<html>"),
        (200, "[]"),
        (200, r#"{"access_token":"x"}"#),
        (200, r#"{"access_token":"x","token_type":"mac"}"#),
        (200, r#"{"access_token":"","token_type":"bearer"}"#),
        (200, r#"{"access_token":7,"token_type":"bearer"}"#),
        (201, r#"{"access_token":"x","token_type":"bearer"}"#),
        (302, ""),
        (403, r#"{"error":"x\u001b[31m"}"#),
        (500, "oops"),
    ] {
        let (refreshed, provider) = (Refreshed::default(), Provider::new(&[(status, text)]));
        let error = ask(&refreshed, &provider, Instant::now()).await.unwrap_err();
        assert!(matches!(error, InjectError::Refresh(_)), "{status} {text}");
    }
}

#[tokio::test]
async fn tokens_go_when_nobody_uses_them_and_when_their_credential_goes() {
    let answers = [FIRST, SECOND, FIRST, SECOND];
    let (refreshed, provider) = (Refreshed::default(), Provider::new(&answers));
    let start = Instant::now();
    ask(&refreshed, &provider, start).await.unwrap();
    refreshed.sweep(start + IDLE.saturating_sub(Duration::from_secs(1)));
    ask(&refreshed, &provider, start).await.unwrap();
    assert_eq!(provider.posts(), 1);
    refreshed.sweep(start + IDLE);
    ask(&refreshed, &provider, start).await.unwrap();
    assert_eq!(provider.posts(), 2);
    refreshed.retain(|at, version| (at, version) == AT);
    ask(&refreshed, &provider, start).await.unwrap();
    assert_eq!(provider.posts(), 2);
    refreshed.retain(|at, version| (at, version) != AT);
    ask(&refreshed, &provider, start).await.unwrap();
    assert_eq!(provider.posts(), 3);
    refreshed.clear();
    ask(&refreshed, &provider, start).await.unwrap();
    assert_eq!(provider.posts(), 4);
}

#[test]
fn only_a_whole_grant_is_one() {
    let parse = |text: &str| Grant::parse(&SecretBytes::copy_of(text.as_bytes()));
    assert!(parse(VALUE).is_ok());
    let public = parse(r#"{"client_id":"a","refresh_token":"r"}"#).unwrap();
    let form = public.form(public.refresh_token(), &[], true).unwrap();
    let body = form.body.lend(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
    assert_eq!(body, "grant_type=refresh_token&refresh_token=r&client_id=a");
    assert!(form.authorization.is_none());
    for wrong in [
        "",
        "rt-first",
        "{}",
        r#"{"client_id":"a"}"#,
        r#"{"client_id":"","refresh_token":"r"}"#,
        r#"{"client_id":"a","refresh_token":""}"#,
        r#"{"client_id":"a","refresh_token":"r","client_secret":""}"#,
        r#"{"client_id":"a","refresh_token":"r","token_url":"https://x"}"#,
    ] {
        assert!(matches!(parse(wrong), Err(InjectError::Form(_))), "{wrong}");
    }
    assert!(!format!("{:?}", parse(VALUE)).contains("rt-first"));
}
