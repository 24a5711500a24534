//! Networks, servers and agents that are down, slow, rude or many.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{Response, StatusCode};
use strongroom_control::record::Outcome;
use strongroom_format::id::AgentId;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::support::{
    REAL, Session, World, direct, policy, provider, rude, rule, secret,
    upstream::{Upstream, whole},
};

const HOST: &str = "api.openai.com";

fn ask(world: &World, session: &Session) -> reqwest::RequestBuilder {
    let fake = session.variable("OPENAI_API_KEY");
    direct().get(world.url("/openai/v1/models")).bearer_auth(fake)
}

/// The refusal that an agent gets, and that it and the record say nothing of the credential.
async fn refused(world: &World) -> (StatusCode, String) {
    let answer = ask(world, &world.session()).send().await.unwrap();
    let status = answer.status();
    let body = answer.text().await.unwrap();
    require_hidden(&body);
    let error: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(error["error"]["type"], "strongroom", "{body}");
    (status, error["error"]["code"].as_str().unwrap().to_owned())
}

fn require_hidden(text: &str) {
    assert!(!(0..=REAL.len() - 12).any(|at| text.contains(&REAL[at..at + 12])), "{text}");
}

fn last_outcome(world: &World) -> Outcome {
    world.records().last().unwrap().outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_knows_is_a_502_that_says_so() {
    let world = World::new(&[]).with("openai");
    let (status, code) = refused(&world).await;
    assert_eq!((status.as_u16(), code.as_str()), (502, "upstream-lookup"));
    assert_eq!(last_outcome(&world), Outcome::Broken);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_down_is_a_502_that_says_so() {
    let mut upstream = Upstream::echo(&[HOST]).await;
    upstream.address = nobody().await;
    let world = World::new(&[&upstream]).with("openai");
    let (status, code) = refused(&world).await;
    assert_eq!((status.as_u16(), code.as_str()), (502, "upstream-connect"));
    assert_eq!(last_outcome(&world), Outcome::Broken);
}

/// An address at which nobody listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_is_a_502_that_says_so_and_is_not_connected_to() {
    let upstream = Upstream::echo(&[HOST]).await;
    let world = World::new(&[&upstream]).with("openai");
    world.net.point(HOST, &["169.254.169.254".parse().unwrap()]);
    let (status, code) = refused(&world).await;
    assert_eq!((status.as_u16(), code.as_str()), (502, "upstream-address"));
    assert!(world.net.reached().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_tls_is_a_502_that_says_so_and_gets_no_byte_of_the_credential() {
    let foreign = Upstream::echo(&["other.example"]).await;
    let nobodys = Upstream::echo(&[HOST]).await;
    let in_the_clear = Upstream::plain(&[HOST], |got| Response::new(whole(got.text()))).await;
    let (heard, mut was_heard) = mpsc::unbounded_channel();
    let garbage = rude::before_tls(&[HOST], move |mut stream, _| {
        let heard = heard.clone();
        async move {
            stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await.ok();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await.ok();
            heard.send(all).ok();
        }
    })
    .await;
    let closing = rude::before_tls(&[HOST], |stream, _| async move { drop(stream) }).await;
    for (name, upstream, code) in [
        ("a certificate for another name", &foreign, "upstream-certificate"),
        ("a certificate of nobody's", &nobodys, "upstream-certificate"),
        ("no TLS", &in_the_clear, "upstream-tls"),
        ("another protocol", &garbage, "upstream-tls"),
        ("a closed handshake", &closing, "upstream-tls"),
    ] {
        let trusted = Upstream::echo(&["trusted.example"]).await;
        let known = if name.contains("nobody") { &trusted } else { upstream };
        let world = World::new(&[known]).with("openai");
        world.net.place("93.184.100.99".parse().unwrap(), upstream.address);
        world.net.point(HOST, &["93.184.100.99".parse().unwrap()]);
        let (status, got) = refused(&world).await;
        assert_eq!((status.as_u16(), got.as_str()), (502, code), "{name}");
        assert!(upstream.got().is_empty(), "{name}");
        assert_eq!(last_outcome(&world), Outcome::Broken, "{name}");
    }
    require_hidden(&String::from_utf8_lossy(&was_heard.recv().await.unwrap()));
}

/// An upstream that answers a head with these bytes and closes.
async fn saying(answer: impl Into<Vec<u8>>) -> Upstream {
    let answer = Arc::<[u8]>::from(answer.into());
    rude::after_a_head(&[HOST], move |mut stream| {
        let answer = Arc::clone(&answer);
        async move {
            stream.write_all(&answer).await.ok();
            stream.shutdown().await.ok();
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_is_a_502_and_never_an_answer() {
    let long = "a".repeat(200_000);
    let many = "x: y\r\n".repeat(500);
    for (name, answer, code) in [
        ("another protocol", "220 mail.example ESMTP\r\n\r\n".to_owned(), "upstream-malformed"),
        ("an echo", format!("{REAL}\r\n\r\n"), "upstream-malformed"),
        ("a header that never ends", format!("HTTP/1.1 200 OK\r\nx: {long}"), "upstream-malformed"),
        ("headers without end", format!("HTTP/1.1 200 OK\r\n{many}\r\n"), "upstream-malformed"),
        ("nothing", String::new(), "upstream-closed"),
        ("half a head", "HTTP/1.1 200 OK\r\nx-se".to_owned(), "upstream-closed"),
        (
            "two lengths",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_owned(),
            "upstream-malformed",
        ),
        (
            "a switch of protocols",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"
                .to_owned(),
            "upstream-upgrade",
        ),
    ] {
        let upstream = saying(answer).await;
        let world = World::new(&[&upstream]).with("openai");
        let (status, got) = refused(&world).await;
        assert_eq!((status.as_u16(), got.as_str()), (502, code), "{name}");
        assert_eq!(last_outcome(&world), Outcome::Broken, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_no_whole_answer() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nbegin",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n",
    ] {
        let upstream = saying(answer).await;
        let world = World::new(&[&upstream]).with("openai");
        let answer = ask(&world, &world.session()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.is_err(), "the agent must see that it is not whole");
        assert_eq!(last_outcome(&world), Outcome::Broken);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_leaves_takes_its_request_with_it() {
    let (arrived, mut has_arrived) = mpsc::unbounded_channel();
    let (gone, mut is_gone) = mpsc::unbounded_channel();
    let upstream = rude::after_a_head(&[HOST], move |mut stream| {
        let (arrived, gone) = (arrived.clone(), gone.clone());
        async move {
            arrived.send(()).unwrap();
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.ok();
            gone.send(()).unwrap();
        }
    })
    .await;
    let world = World::new(&[&upstream]).with("openai");
    let session = world.session();
    let asking = tokio::spawn(ask(&world, &session).send());
    has_arrived.recv().await.unwrap();
    asking.abort();
    is_gone.recv().await.unwrap();
    assert_eq!(last_outcome(&world), Outcome::Broken);
}

/// What the broker answers to a head of these lines on its own port.
async fn head_with(world: &World, session: &Session, lines: &str) -> String {
    let mut stream = TcpStream::connect(world.broker.address()).await.unwrap();
    let (address, fake) = (world.broker.address(), session.variable("OPENAI_API_KEY"));
    let head = format!(
        "GET /openai/v1/models HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {fake}\r\n{lines}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_head_is_refused_before_anything_is_decided() {
    let upstream = Upstream::echo(&[HOST]).await;
    let world = World::new(&[&upstream]).with("openai");
    let session = world.session();
    for lines in [
        format!("x: {}\r\n", "a".repeat(70_000)),
        "x: y\r\n".repeat(120),
        format!("{}: y\r\n", "x".repeat(70_000)),
    ] {
        assert_eq!(head_with(&world, &session, &lines).await, "HTTP/1.1 431");
    }
    let fits = format!("x: {}\r\n", "a".repeat(10_000));
    assert_eq!(head_with(&world, &session, &fits).await, "HTTP/1.1 200");
    let mut long = ask(&world, &session).build().unwrap();
    long.url_mut().set_query(Some(&"a".repeat(20_000)));
    let answer = direct().execute(long).await.unwrap();
    assert!(answer.status().is_client_error(), "{}", answer.status());
    assert_eq!(upstream.got().len(), 1);
    assert_eq!(world.records().iter().filter(|one| one.outcome == Outcome::Sent).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_has_the_same_limits() {
    let upstream = Upstream::echo(&[HOST]).await;
    let world = World::new(&[&upstream]).with("openai");
    let session = world.session();
    let request = session
        .client()
        .get(format!("https://{HOST}/v1/models"))
        .bearer_auth(session.variable("OPENAI_API_KEY"))
        .header("x", "a".repeat(70_000));
    // HTTP/2 may answer 431 or end the stream; nothing is served either way.
    if let Ok(answer) = request.send().await {
        assert_eq!(answer.status(), 431);
    }
    assert!(upstream.got().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_slow_agents_do_not_keep_another_waiting() {
    let upstream = Upstream::echo(&[HOST]).await;
    let world = World::new(&[&upstream]).with("openai");
    let session = world.session();
    let (address, fake) = (world.broker.address(), session.variable("OPENAI_API_KEY"));
    let half_head = format!("POST /openai/v1/models HTTP/1.1\r\nhost: {address}\r\nauth");
    let half_body = format!(
        "POST /openai/v1/chat/completions HTTP/1.1\r\nhost: {address}\r\n\
         authorization: Bearer {fake}\r\ncontent-length: 1000\r\n\r\nbegin"
    );
    let tunnel = format!("CONNECT {HOST}:443 HTTP/1.1\r\n");
    let mut slow = Vec::new();
    for at in 0..500 {
        let begin = ["", &half_head, &half_body, &tunnel, "PRI * HTTP/2.0\r\n"][at % 5];
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let began = Instant::now();
    let answer = ask(&world, &session).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_reads_does_not_grow_in_memory() {
    const WHOLE: usize = 512 * 1024 * 1024;
    let (passed, mut has_passed) = mpsc::unbounded_channel();
    let upstream = rude::after_a_head(&[HOST], move |mut stream| {
        let passed = passed.clone();
        async move {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {WHOLE}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let piece = vec![b'x'; 256 * 1024];
            let mut written = 0;
            while written < WHOLE {
                let writing = stream.write_all(&piece);
                match tokio::time::timeout(Duration::from_secs(2), writing).await {
                    Ok(Ok(())) => written += piece.len(),
                    _ => break, // nobody reads on: pushed back, as it should be
                }
            }
            passed.send(written).ok();
        }
    })
    .await;
    let world = World::new(&[&upstream]).with("openai");
    let answer = ask(&world, &world.session()).send().await.unwrap();
    let written = has_passed.recv().await.unwrap();
    assert!(written < 64 * 1024 * 1024, "{written} bytes were taken for an agent that reads none");
    drop(answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_agents_at_once_each_use_their_own_credential() {
    const AGENTS: u16 = 1_000;
    let (gate, is_open) = watch::channel(false);
    let upstream = Upstream::answering(&[HOST], |got| {
        Response::new(whole(got.header("authorization").to_owned()))
    })
    .await;
    let openai = provider("openai");
    let mut world = World::new(&[&upstream]);
    let credential = |agent: u16| format!("sk-live-of-agent-{agent:04}-{}", "k".repeat(20));
    let name = |agent: u16| format!("agent-{agent:04}");
    let mut agents = Vec::new();
    for agent in 0..AGENTS {
        let (mut at, mut id) = (secret(7), AgentId([0xb0; 16]));
        at.secret.0[..2].copy_from_slice(&agent.to_be_bytes());
        id.0[..2].copy_from_slice(&agent.to_be_bytes());
        let value = credential(agent);
        let secrets = [(at, value.as_str(), openai.secret_policy())];
        let policy = policy(vec![rule(&openai, vec![at])]);
        agents.push(world.described(id, &name(agent), policy, &secrets));
    }
    world.configure(|config| config.agents = agents);
    let client = direct();
    let mut asking = JoinSet::new();
    for agent in 0..AGENTS {
        let session = world.session_of(Some(&name(agent)));
        let fake = session.variable("OPENAI_API_KEY").to_owned();
        let request = client.get(world.url("/openai/v1/models")).bearer_auth(&fake);
        let mut is_open = is_open.clone();
        asking.spawn(async move {
            is_open.wait_for(|open| *open).await.unwrap();
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap(), fake)
        });
    }
    gate.send_replace(true);
    let answers = asking.join_all().await;
    for (status, body, fake) in &answers {
        assert_eq!(*status, 200, "{body}");
        assert_eq!(*body, format!("Bearer {fake}"), "an agent finds its own token in the echo");
    }
    let arrived: BTreeSet<String> =
        upstream.got().iter().map(|got| got.header("authorization").to_owned()).collect();
    let expected: BTreeSet<String> =
        (0..AGENTS).map(|agent| format!("Bearer {}", credential(agent))).collect();
    assert_eq!(arrived, expected);
    let done = world.records().iter().filter(|one| one.outcome == Outcome::Done).count();
    assert_eq!(done, usize::from(AGENTS));
}
