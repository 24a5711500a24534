//! J26, L25: what is left behind in logs, in the journal and in the records.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use super::{Scene, require_hidden};
use crate::support::REAL;

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_credential_nor_token_is_left_in_logs_journal_or_records() {
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let scene = Scene::new().await;
    let fake = scene.fake().to_owned();
    let digits = &fake[fake.len() - 43..];
    let client = scene.session.client();
    let urls = [
        "https://api.github.com/user".to_owned(),
        "https://api.github.com/user?page=2".to_owned(),
        "https://api.github.com/not/allowed".to_owned(),
        format!("https://api.github.com/user?token={fake}"),
        format!("https://api.github.com/repos/{fake}/x"),
    ];
    for url in &urls {
        let answer = client.get(url).bearer_auth(&fake).send().await.unwrap();
        require_hidden(&answer.text().await.unwrap(), url);
    }
    for address in ["127.0.0.1", "93.184.100.2", "93.184.100.99"] {
        scene.world.net.point("api.github.com", &[address.parse().unwrap()]);
        let session = scene.world.session();
        let request = session.client().get(&urls[0]).bearer_auth(session.variable("GITHUB_TOKEN"));
        assert_eq!(request.send().await.unwrap().status(), 502);
    }
    scene.world.broker.stop(None);
    let log = String::from_utf8_lossy(&kept.0.lock().unwrap()).into_owned();
    assert!(log.contains("rustls") || log.contains("hyper"), "the log was written: {log}");
    let mut files = String::new();
    for entry in std::fs::read_dir(scene.world.folder.path()).unwrap() {
        files += &String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap());
    }
    let records = format!("{:?}", scene.world.records());
    let told = format!("{:?} {:?}", scene.world.vault.told(), scene.world.broker);
    // The broker's own log; a library at this level may show what it was given to send.
    let own: String = log.lines().filter(|line| line.contains("strongroom")).collect();
    for (name, text) in [("log", &own), ("files", &files), ("records", &records), ("told", &told)] {
        require_hidden(text, name);
        assert!(!text.contains(digits), "{name} holds a token");
    }
    assert!(records.contains("/user"), "the records were written: {records}");
    assert!(!log.contains(REAL), "not even a library shows it");
}
