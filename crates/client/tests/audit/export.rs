//! The log in files: rows that other programs read, and bundles that a judge accepts.

use std::path::Path;

use strongroom_client::profile::KeepSecretKey;
use strongroom_client::vault::{ExportFormat, Notice, TaskKind, Use, VaultError};
use strongroom_core::bundle;
use strongroom_core::export::Format;
use strongroom_core::log::index::Query;
use strongroom_format::event::EventKind;

use super::with_secret;
use super::world::{PASSPHRASE, World};

const CSV: ExportFormat = ExportFormat::Rows(Format::Csv);

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn judged(path: &Path) -> bundle::Judgement {
    bundle::judge(std::fs::read(path).unwrap().as_slice()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_becomes_a_bundle_that_holds_and_rows_that_say_the_same() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    session.note(Use::Copied, env, &vec![secret; 1_500]).unwrap();
    session.note(Use::Revealed, env, &[secret]).unwrap();
    session.sync().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);

    let everything = Query::default();
    let whole = path("whole.strongroom-bundle");
    let written =
        session.export_log(&everything, ExportFormat::Bundle, true, &whole).await.unwrap();
    let judgement = judged(&whole);
    let tally = &judgement.tally;
    assert_eq!((tally.entries, tally.is_contiguous()), (written, true));
    assert_eq!((tally.doubtful, tally.missing), (0, 0));
    assert!(tally.signed > 1_500 && tally.derived > 2 && tally.seen > 2);
    assert_eq!(judgement.by, session.user());
    assert!(judgement.names.values().any(|name| name == "API_KEY"));
    assert_eq!(judgement.filter, "Everything");

    let revealed = Query {
        kinds: vec![EventKind::Revealed],
        who: vec![Some(session.user().into())],
        ..Query::default()
    };
    let chosen = path("chosen.strongroom-bundle");
    let written =
        session.export_log(&revealed, ExportFormat::Bundle, false, &chosen).await.unwrap();
    assert_eq!(written, 1);
    let judgement = judged(&chosen);
    assert_eq!((judgement.tally.entries, judgement.tally.signed), (1, 1));
    assert!(judgement.query.contains("\"kinds\":[\"revealed\"]"), "{}", judgement.query);
    let file = text(&chosen);
    for name in ["API_KEY", "storefront", "Mara"] {
        assert!(!file.contains(name), "{name} went out, and nobody asked for names");
    }

    for format in Format::ALL {
        let file = path(format.ending());
        let rows = ExportFormat::Rows(format);
        let written = session.export_log(&everything, rows, true, &file).await.unwrap();
        let rows = text(&file).lines().count() - usize::from(format == Format::Csv);
        assert_eq!(rows as u64, written, "{format:?}");
        assert!(text(&file).contains("API_KEY"));
        session.export_log(&revealed, ExportFormat::Rows(format), false, &file).await.unwrap();
        assert_eq!(text(&file).lines().count(), 1 + usize::from(format == Format::Csv));
        assert!(!text(&file).contains("API_KEY"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&whole).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_goes_out_without_a_server_and_what_is_cancelled_leaves_nothing() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    session.note(Use::Copied, env, &vec![secret; 2_500]).unwrap();
    session.sync().await.unwrap();
    assert!(session.pull_log().await.unwrap());
    let id = session.record().id;
    world.close(session).await;
    let world = world.server_gone().await;
    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.strongroom-bundle");

    for format in [CSV, ExportFormat::Bundle] {
        let mut notices = world.notices.subscribe();
        let (everything, watched) = (Query::default(), &session);
        let cancel = async {
            loop {
                if let Ok(Notice::Progress(progress)) = notices.recv().await
                    && progress.kind == TaskKind::ExportLog
                    && progress.done > 0
                {
                    watched.cancel(&progress.task);
                    return;
                }
            }
        };
        let export = session.export_log(&everything, format, true, &path);
        let (result, ()) = tokio::join!(export, cancel);
        assert!(matches!(result, Err(VaultError::Cancelled)), "{result:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    let written =
        session.export_log(&Query::default(), ExportFormat::Bundle, true, &path).await.unwrap();
    assert_eq!(judged(&path).tally.entries, written);
    let nowhere = folder.path().join("no/such/folder/log.csv");
    assert!(session.export_log(&Query::default(), CSV, true, &nowhere).await.is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
